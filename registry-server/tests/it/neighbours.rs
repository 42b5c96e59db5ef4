//! The server and the workspace's own reader and writer of layouts on one directory.

use std::sync::Arc;

use bytes::Bytes;
use countersign_registry::{Store as _, Target, layout::Layout};
use http::StatusCode;
use serde_json::json;

use crate::client::{IMAGE, Registry, artifact, digest};

#[tokio::test]
async fn what_is_pushed_is_read_from_the_layout() {
    let registry = Registry::start().await;
    let image = registry
        .push_artifact("a", "image", None, Some("1.0"))
        .await;
    let tagged = registry
        .push_artifact("a", "x/tagged", Some(&image), Some("tagged"))
        .await;
    let plain = registry
        .push_artifact("a", "x/plain", Some(&image), None)
        .await;
    let layout = Layout::open(registry.path().join("a")).unwrap();
    let image = image.parse().unwrap();
    for target in [
        Target::Tag("1.0".to_owned()),
        Target::Digest(image),
        Target::Sole,
    ] {
        assert_eq!(
            layout.resolve(&target).await.unwrap().descriptor.digest,
            image,
            "{target:?}"
        );
    }
    let listing = layout.referrers(&image).await.unwrap();
    let found: Vec<String> = listing
        .descriptors
        .iter()
        .map(|entry| entry.digest.to_string())
        .collect();
    assert!(listing.complete);
    assert_eq!(found, [tagged, plain]);
}

#[tokio::test]
async fn what_is_written_to_the_layout_is_served() {
    let registry = Registry::start().await;
    let layout = Layout::create(registry.path().join("a")).unwrap();
    layout
        .push_blob(Bytes::from_static(b"{}"), &digest(b"{}").parse().unwrap())
        .await
        .unwrap();
    let document = artifact("image", None).to_string();
    layout
        .push_manifest(Bytes::from(document.clone()), IMAGE, Some("1.0"))
        .await
        .unwrap();
    let got = registry.get("/v2/a/manifests/1.0").await;
    assert_eq!((got.status, got.text()), (StatusCode::OK, document));
    assert_eq!(
        registry.get("/v2/a/tags/list").await.json()["tags"],
        json!(["1.0"])
    );
}

#[tokio::test]
async fn both_write_at_once_and_nothing_is_lost() {
    let registry = Arc::new(Registry::start().await);
    registry
        .push_artifact("a", "image", None, Some("first"))
        .await;
    let path = registry.path().join("a");
    let writer = std::thread::spawn(move || {
        let layout = Layout::open(path).unwrap();
        for number in 0..30 {
            let document = Bytes::from(artifact("image", None).to_string());
            layout
                .put_manifest(document, IMAGE, &[&format!("layout-{number}")])
                .unwrap();
        }
    });
    for number in 0..30 {
        let put = registry
            .put_manifest("a", &format!("server-{number}"), &artifact("image", None))
            .await;
        assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    }
    writer.join().unwrap();
    let tags = registry.get("/v2/a/tags/list").await.json()["tags"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(tags, 61);
}
