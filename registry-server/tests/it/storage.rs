//! What is on disk: layouts that others can read, and layouts that others wrote.

use std::{fs, os::unix::fs::symlink, path::Path};

use countersign_registry_server::{Options, Server};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{IMAGE, INDEX, Registry, artifact, digest};

fn index(layout: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap()
}

fn write_blob(layout: &Path, content: &str) -> String {
    let digest = digest(content.as_bytes());
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    fs::write(layout.join("blobs/sha256").join(hex(&digest)), content).unwrap();
    digest
}

fn hex(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap()
}

/// A layout as other tools leave it, with a manifest that has no media type inside.
fn write_layout(layout: &Path) -> String {
    write_blob(layout, "{}");
    let mut document = artifact("x/y", None);
    document.as_object_mut().unwrap().remove("mediaType");
    let digest = write_blob(layout, &document.to_string());
    let entry = json!({
        "mediaType": IMAGE, "digest": digest, "size": document.to_string().len(), "x": 1,
        "annotations": { "org.opencontainers.image.ref.name": "t", "note": "kept" },
    });
    fs::write(
        layout.join("index.json"),
        json!({ "schemaVersion": 2, "manifests": [entry] }).to_string(),
    )
    .unwrap();
    fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    digest
}

#[tokio::test]
async fn a_repository_is_a_layout_with_tags_and_referrers_in_its_index() {
    let registry = Registry::start().await;
    let image = registry
        .push_artifact("acme/app", "image", None, Some("1.0"))
        .await;
    let referrer = registry
        .push_artifact("acme/app", "x/y", Some(&image), None)
        .await;
    let layout = registry.path().join("acme/app");
    assert_eq!(
        fs::read_to_string(layout.join("oci-layout")).unwrap(),
        r#"{"imageLayoutVersion":"1.0.0"}"#
    );
    let index = index(&layout);
    assert_eq!(index["mediaType"], INDEX);
    assert_eq!(index["manifests"][0]["digest"], image);
    assert_eq!(
        index["manifests"][0]["annotations"],
        json!({ "org.opencontainers.image.ref.name": "1.0" })
    );
    assert_eq!(index["manifests"][1]["digest"], referrer);
    assert_eq!(index["manifests"][1]["annotations"], Value::Null);
    for entry in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(
            digest(&fs::read(entry.path()).unwrap()),
            format!("sha256:{name}")
        );
    }
    // A repository below another does not disturb it.
    registry
        .push_artifact("acme/app/part", "image", None, Some("1.0"))
        .await;
    assert_eq!(
        registry.get("/v2/acme/app/tags/list").await.json()["tags"],
        json!(["1.0"])
    );
}

#[tokio::test]
async fn a_layout_of_others_is_served_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let digest = write_layout(&directory.path().join("a"));
    let registry = Registry::start_in(directory, |options| options.allow_delete = true).await;
    let got = registry.get("/v2/a/manifests/t").await;
    assert_eq!(
        (
            got.status,
            got.header("content-type"),
            got.header("docker-content-digest")
        ),
        (StatusCode::OK, IMAGE, digest.as_str())
    );
    registry
        .push_artifact("a", "x/y", None, Some("second"))
        .await;
    let index = index(&registry.path().join("a"));
    assert_eq!(
        (
            index["manifests"][0]["x"].clone(),
            index["manifests"][0]["annotations"]["note"].clone()
        ),
        (json!(1), json!("kept"))
    );
}

#[tokio::test]
async fn a_directory_that_is_a_layout_is_one_repository() {
    let directory = tempfile::tempdir().unwrap();
    write_layout(&directory.path().join("image"));
    let path = directory.path().join("image");
    let registry =
        Registry::start_in(directory, |options| options.directory.clone_from(&path)).await;
    assert_eq!(
        registry.get("/v2/image/manifests/t").await.status,
        StatusCode::OK
    );
    assert_eq!(
        registry
            .push_artifact("image", "x/y", None, Some("new"))
            .await
            .len(),
        71
    );
    registry
        .get("/v2/other/manifests/t")
        .await
        .refused(404, "NAME_UNKNOWN");
    registry
        .send(Method::POST, "/v2/other/blobs/uploads/", &[], "")
        .await
        .refused(403, "DENIED");
    assert!(!path.join("other").exists());
    let named = Options {
        repository: Some("acme/app".to_owned()),
        ..Options::new(&path)
    };
    assert!(Server::bind("127.0.0.1:0", named).await.is_ok());
    let named = Options {
        repository: Some("Acme".to_owned()),
        ..Options::new(&path)
    };
    let error = Server::bind("127.0.0.1:0", named).await.err().unwrap();
    assert_eq!(error.code(), "bad-repository-name");
}

#[tokio::test]
async fn links_in_a_layout_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let layout = directory.path().join("a");
    write_layout(&layout);
    let (linked, fifo) = (digest(b"linked"), digest(b"fifo"));
    symlink(&secret, layout.join("blobs/sha256").join(hex(&linked))).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(layout.join("blobs/sha256").join(hex(&fifo)))
        .status()
        .unwrap();
    assert!(made.success());
    symlink(layout.join("blobs/sha256"), layout.join("blobs/sha512")).unwrap();
    let registry = Registry::start_in(directory, |_| {}).await;
    for path in [
        format!("/v2/a/blobs/{linked}"),
        format!("/v2/a/blobs/{fifo}"),
        format!("/v2/a/manifests/{linked}"),
    ] {
        let answer = registry.get(&path).await;
        assert_ne!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn a_damaged_manifest_is_an_error_and_hides_no_referrer() {
    let registry = Registry::start().await;
    let subject = digest(b"subject");
    let good = registry
        .push_artifact("a", "good", Some(&subject), None)
        .await;
    let bad = registry
        .push_artifact("a", "bad", Some(&subject), None)
        .await;
    fs::write(registry.path().join("a/blobs/sha256").join(hex(&bad)), "{}").unwrap();
    let directory = registry.stop().await;
    let registry = Registry::start_in(directory, |_| {}).await;
    registry
        .get(&format!("/v2/a/manifests/{bad}"))
        .await
        .refused(500, "UNKNOWN");
    let list = registry
        .get(&format!("/v2/a/referrers/{subject}"))
        .await
        .json();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(list["manifests"][0]["digest"], good);
}

#[tokio::test]
async fn uploads_of_a_killed_server_are_cleared_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let left = directory.path().join(".countersign-uploads/0123");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("upload"), "x").unwrap();
    let registry = Registry::start_in(directory, |_| {}).await;
    registry.push_blob("a", "content").await;
    assert!(!left.exists());
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Server::bind("127.0.0.1:0", Options::new(file.path()))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "cannot-serve-directory");
    let directory = tempfile::tempdir().unwrap();
    let first = Server::bind("127.0.0.1:0", Options::new(directory.path()))
        .await
        .unwrap();
    let error = Server::bind(first.local_addr(), Options::new(directory.path()))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "cannot-listen");
    assert!(error.to_string().contains(&first.local_addr().to_string()));
}
