//! Deletes and conditional changes.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;

use crate::client::{IMAGE, INDEX, Registry, artifact, digest};

#[tokio::test]
async fn deletes_are_refused_unless_allowed() {
    let registry = Registry::start_with(|_| {}).await;
    let pushed = registry.push_artifact("a", "x/y", None, Some("t")).await;
    // A106: by tag as by digest.
    for path in [
        "/v2/a/manifests/t".to_owned(),
        format!("/v2/a/manifests/{pushed}"),
        format!("/v2/a/blobs/{}", digest(b"{}")),
    ] {
        registry.delete(&path).await.refused(405, "UNSUPPORTED");
    }
    assert_eq!(
        registry.get("/v2/a/manifests/t").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn pushes_can_be_switched_off() {
    let registry = Registry::start_with(|options| options.allow_push = false).await;
    registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .refused(405, "UNSUPPORTED");
    registry
        .put_manifest("a", "t", &artifact("x/y", None))
        .await
        .refused(405, "UNSUPPORTED");
    assert_eq!(std::fs::read_dir(registry.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_deleted_tag_leaves_the_manifest_and_a_deleted_manifest_takes_its_tags() {
    let registry = Registry::start().await;
    let pushed = registry.push_artifact("a", "x/y", None, Some("one")).await;
    registry.push_artifact("a", "x/y", None, Some("two")).await;
    assert_eq!(
        registry.delete("/v2/a/manifests/one").await.status,
        StatusCode::ACCEPTED
    );
    registry
        .delete("/v2/a/manifests/one")
        .await
        .refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(
        registry
            .get(&format!("/v2/a/manifests/{pushed}"))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        registry
            .delete(&format!("/v2/a/manifests/{pushed}"))
            .await
            .status,
        StatusCode::ACCEPTED
    );
    registry
        .get("/v2/a/manifests/two")
        .await
        .refused(404, "MANIFEST_UNKNOWN");
    registry
        .delete(&format!("/v2/a/manifests/{pushed}"))
        .await
        .refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(
        registry.get("/v2/a/tags/list").await.json()["tags"],
        json!([])
    );
}

#[tokio::test]
async fn a_manifest_is_not_deleted_as_a_blob() {
    let registry = Registry::start().await;
    let pushed = registry.push_artifact("a", "x/y", None, Some("t")).await;
    registry
        .delete(&format!("/v2/a/blobs/{pushed}"))
        .await
        .refused(403, "DENIED");
    assert_eq!(
        registry
            .delete(&format!("/v2/a/blobs/{}", digest(b"{}")))
            .await
            .status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn a_deleted_referrer_is_no_longer_listed() {
    let registry = Registry::start().await;
    let subject = digest(b"subject");
    let pushed = registry
        .push_artifact("a", "x/y", Some(&subject), Some("t"))
        .await;
    assert_eq!(
        registry.delete("/v2/a/manifests/t").await.status,
        StatusCode::ACCEPTED
    );
    let list = registry.get(&format!("/v2/a/referrers/{subject}")).await;
    assert_eq!(list.json()["manifests"][0]["digest"], pushed);
    assert_eq!(
        registry
            .delete(&format!("/v2/a/manifests/{pushed}"))
            .await
            .status,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        registry
            .get(&format!("/v2/a/referrers/{subject}"))
            .await
            .json()["manifests"],
        json!([])
    );
}

#[tokio::test]
async fn a_put_whose_condition_does_not_hold_changes_nothing() {
    let registry = Registry::start().await;
    registry.push_blob("a", "{}").await;
    let put = async |kind: &str, name: &str, value: &str| {
        let body = artifact(kind, None).to_string();
        registry
            .send(
                Method::PUT,
                "/v2/a/manifests/t",
                &[("content-type", IMAGE), (name, value)],
                body,
            )
            .await
    };
    let tag = |kind: &str| {
        format!(
            "\"{}\"",
            digest(artifact(kind, None).to_string().as_bytes())
        )
    };
    put("one", "if-match", "*")
        .await
        .refused(412, "PRECONDITION_FAILED");
    assert_eq!(
        put("one", "if-none-match", "*").await.status,
        StatusCode::CREATED
    );
    let lost = put("two", "if-none-match", "*").await;
    lost.refused(412, "PRECONDITION_FAILED");
    assert_eq!(lost.header("etag"), tag("one"));
    put("two", "if-match", &tag("two"))
        .await
        .refused(412, "PRECONDITION_FAILED");
    assert_eq!(
        registry.get("/v2/a/manifests/t").await.header("etag"),
        tag("one")
    );
    assert_eq!(
        put("two", "if-match", &tag("one")).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        registry.get("/v2/a/manifests/t").await.header("etag"),
        tag("two")
    );
    let stale = registry
        .send(
            Method::DELETE,
            "/v2/a/manifests/t",
            &[("if-match", &tag("one"))],
            "",
        )
        .await;
    stale.refused(412, "PRECONDITION_FAILED");
}

#[tokio::test]
async fn conditional_puts_lose_nothing_whoever_writes() {
    let registry = Arc::new(Registry::start().await);
    registry.push_blob("a", "{}").await;
    let mut children = Vec::new();
    for writer in 0..8 {
        children.push(
            registry
                .push_artifact("a", &format!("kind/{writer}"), None, None)
                .await,
        );
    }
    let mut writers = Vec::new();
    for (writer, child) in children.iter().cloned().enumerate() {
        let registry = Arc::clone(&registry);
        writers.push(tokio::spawn(async move {
            let size = artifact(&format!("kind/{writer}"), None).to_string().len();
            let entry = json!({ "mediaType": IMAGE, "digest": child, "size": size });
            let mut lost = 0;
            loop {
                let current = registry.get("/v2/a/manifests/list").await;
                let (mut document, condition) = if current.status == StatusCode::OK {
                    (
                        current.json(),
                        ("if-match", current.header("etag").to_owned()),
                    )
                } else {
                    let document =
                        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] });
                    (document, ("if-none-match", "*".to_owned()))
                };
                document["manifests"]
                    .as_array_mut()
                    .unwrap()
                    .push(entry.clone());
                let headers = [("content-type", INDEX), (condition.0, condition.1.as_str())];
                let put = registry
                    .send(
                        Method::PUT,
                        "/v2/a/manifests/list",
                        &headers,
                        document.to_string(),
                    )
                    .await;
                match put.status.as_u16() {
                    201 => return lost,
                    412 => lost += 1,
                    _ => panic!("{}", put.text()),
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let list = registry.get("/v2/a/manifests/list").await.json();
    let mut found: Vec<_> = list["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["digest"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    children.sort();
    assert_eq!(found, children);
}

#[tokio::test]
async fn two_servers_on_one_directory_lose_no_tag() {
    let registry = Arc::new(Registry::start().await);
    registry
        .push_artifact("a", "x/y", None, Some("first"))
        .await;
    let other = countersign_registry_server::Options::new(registry.path());
    let server = countersign_registry_server::Server::bind("127.0.0.1:0", other)
        .await
        .unwrap();
    let address = server.local_addr();
    let running = tokio::spawn(server.serve(std::future::pending()));
    let mut writers = Vec::new();
    for writer in 0..8 {
        let registry = Arc::clone(&registry);
        writers.push(tokio::spawn(async move {
            for number in 0..5 {
                let document = artifact("x/y", None);
                let path = format!("tag-{writer}-{number}");
                let put = if writer % 2 == 0 {
                    registry.put_manifest("a", &path, &document).await
                } else {
                    registry
                        .put_manifest_at(address, "a", &path, &document)
                        .await
                };
                assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(
        registry.get("/v2/a/tags/list").await.json()["tags"]
            .as_array()
            .unwrap()
            .len(),
        41
    );
    running.abort();
}
