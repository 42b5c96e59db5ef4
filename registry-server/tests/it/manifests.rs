//! Pushing and pulling manifests.

use countersign_formats::HashAlgorithm;
use http::{Method, StatusCode};
use serde_json::json;

use crate::client::{IMAGE, INDEX, Registry, artifact, digest, digest_by};

#[tokio::test]
async fn a_manifest_is_pulled_by_tag_and_digest_as_it_was_pushed() {
    let registry = Registry::start().await;
    let pushed = registry.push_artifact("a", "x/y", None, Some("t")).await;
    for reference in ["t", &pushed] {
        let got = registry.get(&format!("/v2/a/manifests/{reference}")).await;
        assert_eq!(got.body, artifact("x/y", None).to_string());
        assert_eq!(got.header("content-type"), IMAGE);
        assert_eq!(got.header("docker-content-digest"), pushed);
        assert_eq!(got.header("etag"), format!("\"{pushed}\""));
        let head = registry
            .send(
                Method::HEAD,
                &format!("/v2/a/manifests/{reference}"),
                &[],
                "",
            )
            .await;
        assert_eq!(head.header("content-length"), got.body.len().to_string());
        let fresh = registry
            .send(
                Method::GET,
                &format!("/v2/a/manifests/{reference}"),
                &[("if-none-match", got.header("etag"))],
                "",
            )
            .await;
        assert_eq!(fresh.status, StatusCode::NOT_MODIFIED);
    }
    registry
        .get("/v2/a/manifests/other")
        .await
        .refused(404, "MANIFEST_UNKNOWN");
    registry
        .get("/v2/b/manifests/t")
        .await
        .refused(404, "NAME_UNKNOWN");
    // A layer is a blob, no manifest.
    registry
        .get(&format!("/v2/a/manifests/{}", digest(b"{}")))
        .await
        .refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn a_manifest_that_accept_does_not_list_is_not_sent() {
    let registry = Registry::start().await;
    registry.push_artifact("a", "x/y", None, Some("t")).await;
    registry
        .send(Method::GET, "/v2/a/manifests/t", &[("accept", INDEX)], "")
        .await
        .refused(406, "MANIFEST_UNKNOWN");
    let both = format!("{INDEX}, {IMAGE}");
    assert_eq!(
        registry
            .send(Method::GET, "/v2/a/manifests/t", &[("accept", &both)], "")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn what_is_not_a_proper_manifest_is_refused() {
    let registry = Registry::start().await;
    registry.push_blob("a", "{}").await;
    let good = artifact("x/y", None);
    let put = async |body: String, reference: &str, media_type: &str| {
        registry
            .send(
                Method::PUT,
                &format!("/v2/a/manifests/{reference}"),
                &[("content-type", media_type)],
                body,
            )
            .await
    };
    assert_eq!(
        put(good.to_string(), "t", IMAGE).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        put(good.to_string(), "t", &format!("{IMAGE}; charset=utf-8"))
            .await
            .status,
        StatusCode::CREATED
    );
    put(good.to_string(), "t", INDEX)
        .await
        .refused(400, "MANIFEST_INVALID");
    put("{".to_owned(), "t", IMAGE)
        .await
        .refused(400, "MANIFEST_INVALID");
    put("[]".to_owned(), "t", IMAGE)
        .await
        .refused(400, "MANIFEST_INVALID");
    put(
        good.to_string().replacen('{', "{\"config\":{},", 1),
        "t",
        IMAGE,
    )
    .await
    .refused(400, "MANIFEST_INVALID");
    put(good.to_string(), &digest(b"other"), IMAGE)
        .await
        .refused(400, "DIGEST_INVALID");
    put(good.to_string(), "sha256:short", IMAGE)
        .await
        .refused(400, "DIGEST_INVALID");
    put(good.to_string(), "-t", IMAGE)
        .await
        .refused(400, "TAG_INVALID");
    let mut wrong_size = good.clone();
    wrong_size["layers"][0]["size"] = json!(3);
    put(wrong_size.to_string(), "t", IMAGE)
        .await
        .refused(400, "MANIFEST_INVALID");
    let mut missing = good.clone();
    missing["layers"][0]["digest"] = json!(digest(b"missing"));
    put(missing.to_string(), "t", IMAGE)
        .await
        .refused(400, "MANIFEST_BLOB_UNKNOWN");
    missing["layers"][0]["urls"] = json!(["https://example.com/layer"]);
    assert_eq!(
        put(missing.to_string(), "foreign", IMAGE).await.status,
        StatusCode::CREATED
    );
    registry
        .send(Method::PUT, "/v2/A/manifests/t", &[], good.to_string())
        .await
        .refused(400, "NAME_INVALID");
}

#[tokio::test]
async fn manifests_have_a_cap() {
    let registry = Registry::start().await;
    // A103: announced too large, and as large as it is in the end.
    let huge = " ".repeat((4 << 20) + 1);
    registry
        .send(
            Method::PUT,
            "/v2/a/manifests/t",
            &[("content-type", IMAGE)],
            huge,
        )
        .await
        .refused(413, "SIZE_INVALID");
    registry.push_blob("a", "{}").await;
    let mut large = artifact("x/y", None);
    large["annotations"] = json!({ "filler": "a".repeat(4 << 20) });
    let filler = (4 << 20) - (large.to_string().len() - (4 << 20));
    large["annotations"] = json!({ "filler": "a".repeat(filler) });
    assert_eq!(large.to_string().len(), 4 << 20);
    assert_eq!(
        registry.put_manifest("a", "t", &large).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_manifest_can_have_a_longer_digest_and_tags_in_the_same_request() {
    let registry = Registry::start().await;
    registry.push_blob("a", "{}").await;
    let document = artifact("x/y", None);
    let digest = digest_by(HashAlgorithm::Sha512, document.to_string().as_bytes());
    let put = registry
        .put_manifest("a", &format!("{digest}?tag=one&tag=two"), &document)
        .await;
    assert_eq!(
        (put.status, put.header("docker-content-digest")),
        (StatusCode::CREATED, digest.as_str())
    );
    let tags: Vec<_> = put.headers.get_all("oci-tag").iter().collect();
    assert_eq!(tags, ["one", "two"]);
    assert_eq!(
        registry
            .get("/v2/a/manifests/two")
            .await
            .header("docker-content-digest"),
        digest
    );
    registry
        .put_manifest("a", &format!("{digest}?tag=-"), &document)
        .await
        .refused(400, "TAG_INVALID");
}

#[tokio::test]
async fn an_index_needs_its_children() {
    let registry = Registry::start().await;
    let child = artifact("x/y", None).to_string();
    let document = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{ "mediaType": IMAGE, "digest": digest(child.as_bytes()), "size": child.len() }],
    });
    registry
        .put_manifest("a", "t", &document)
        .await
        .refused(400, "MANIFEST_BLOB_UNKNOWN");
    let pushed = registry.push_artifact("a", "x/y", None, None).await;
    assert_eq!(
        registry.put_manifest("a", "t", &document).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        registry
            .get(&format!("/v2/a/manifests/{pushed}"))
            .await
            .body,
        child
    );
}
