//! Listing tags and referrers.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{INDEX, Registry, artifact, digest};

#[tokio::test]
async fn tags_are_paged_in_order() {
    let registry = Registry::start_with(|options| options.caps.tags_page = 2).await;
    for tag in ["b", "a", "C", "d", "e"] {
        registry.push_artifact("a", "x/y", None, Some(tag)).await;
    }
    let mut found = Vec::new();
    let mut next = Some("/v2/a/tags/list".to_owned());
    while let Some(path) = next {
        let page = registry.get(&path).await;
        assert_eq!(page.json()["name"], "a");
        found.extend(
            page.json()["tags"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tag| tag.as_str().unwrap().to_owned()),
        );
        next = link(page.header("link"));
    }
    assert_eq!(found, ["C", "a", "b", "d", "e"]);
    assert_eq!(
        registry.get("/v2/a/tags/list?n=1&last=b").await.json()["tags"],
        json!(["d"])
    );
    assert_eq!(
        registry.get("/v2/a/tags/list?n=0").await.json()["tags"],
        json!([])
    );
    // A102: absurd numbers are a page, not an allocation.
    assert_eq!(
        registry
            .get("/v2/a/tags/list?n=9223372036854775808")
            .await
            .json()["tags"],
        json!(["C", "a"])
    );
    registry
        .get("/v2/a/tags/list?n=-1")
        .await
        .refused(400, "UNSUPPORTED");
    registry
        .get("/v2/b/tags/list")
        .await
        .refused(404, "NAME_UNKNOWN");
}

#[tokio::test]
async fn referrers_are_listed_filtered_and_described_by_their_manifests() {
    let registry = Registry::start().await;
    let subject = registry.push_artifact("a", "image", None, Some("t")).await;
    let one = registry
        .push_artifact("a", "kind/one", Some(&subject), None)
        .await;
    let two = registry
        .push_artifact("a", "kind/two", Some(&subject), Some("tagged"))
        .await;
    registry
        .push_artifact("a", "kind/one", Some(&digest(b"other")), None)
        .await;

    let all = registry.get(&format!("/v2/a/referrers/{subject}")).await;
    assert_eq!(
        (all.status, all.header("content-type")),
        (StatusCode::OK, INDEX)
    );
    assert_eq!(all.header("oci-filters-applied"), "");
    assert_eq!(digests(&all.json()), [one.clone(), two.clone()]);
    assert_eq!(all.json()["manifests"][0]["artifactType"], "kind/one");
    assert_eq!(
        all.json()["manifests"][0]["size"],
        artifact("kind/one", Some(&subject)).to_string().len()
    );

    let filtered = registry
        .get(&format!(
            "/v2/a/referrers/{subject}?artifactType=kind%2Ftwo"
        ))
        .await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    assert_eq!(digests(&filtered.json()), [two]);

    let fresh = registry
        .send(
            Method::GET,
            &format!("/v2/a/referrers/{subject}"),
            &[("if-none-match", all.header("etag"))],
            "",
        )
        .await;
    assert_eq!(fresh.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn nothing_is_an_empty_list_and_never_404() {
    let registry = Registry::start().await;
    let answer = registry
        .get(&format!("/v2/nowhere/referrers/{}", digest(b"x")))
        .await;
    assert_eq!(
        (answer.status, answer.json()["manifests"].clone()),
        (StatusCode::OK, json!([]))
    );
    registry
        .get("/v2/nowhere/referrers/sha256:x")
        .await
        .refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn a_subject_is_acknowledged_and_may_be_absent() {
    let registry = Registry::start().await;
    registry.push_blob("a", "{}").await;
    let subject = digest(b"absent");
    let put = registry
        .put_manifest("a", "t", &artifact("x/y", Some(&subject)))
        .await;
    assert_eq!(
        (put.status, put.header("oci-subject")),
        (StatusCode::CREATED, subject.as_str())
    );
    let put = registry
        .put_manifest("a", "u", &artifact("x/y", None))
        .await;
    assert_eq!(
        (put.status, put.header("oci-subject")),
        (StatusCode::CREATED, "")
    );
}

#[tokio::test]
async fn referrers_are_paged_in_the_order_of_their_pushes() {
    let registry = Registry::start_with(|options| options.caps.referrers_page = 3).await;
    let subject = digest(b"subject");
    registry
        .push_artifact("a", "other/kind", Some(&subject), None)
        .await;
    registry.push_blob("a", "{}").await;
    let mut pushed = Vec::new();
    for number in 0..8 {
        let mut document = artifact("paged/kind", Some(&subject));
        document["annotations"] = json!({ "number": number.to_string() });
        let put = registry
            .put_manifest("a", &digest(document.to_string().as_bytes()), &document)
            .await;
        pushed.push(put.header("docker-content-digest").to_owned());
    }
    let mut found = Vec::new();
    let mut next = Some(format!("/v2/a/referrers/{subject}?artifactType=paged/kind"));
    let mut pages = 0;
    while let Some(path) = next {
        let page = registry.get(&path).await;
        assert_eq!(page.header("oci-filters-applied"), "artifactType");
        found.extend(digests(&page.json()));
        next = link(page.header("link"));
        pages += 1;
    }
    assert_eq!((found, pages), (pushed, 3));
}

#[tokio::test]
async fn one_manifest_cannot_make_the_list_too_large_to_be_read() {
    let registry = Registry::start().await;
    registry.push_blob("a", "{}").await;
    let subject = digest(b"subject");
    for (number, bytes) in [(0, 3 << 20), (1, 200 << 10), (2, 10)] {
        let mut document = artifact("x/y", Some(&subject));
        document["annotations"] =
            json!({ "number": number.to_string(), "filler": "a".repeat(bytes) });
        assert_eq!(
            registry
                .put_manifest("a", &digest(document.to_string().as_bytes()), &document)
                .await
                .status,
            StatusCode::CREATED
        );
    }
    let list = registry.get(&format!("/v2/a/referrers/{subject}")).await;
    assert!(list.body.len() < 4 << 20);
    let manifests = list.json()["manifests"].clone();
    assert_eq!(manifests[0]["annotations"], Value::Null);
    assert_eq!(manifests[1]["annotations"]["number"], "1");
    assert_eq!(manifests[2]["annotations"]["number"], "2");
}

fn digests(list: &Value) -> Vec<String> {
    list["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["digest"].as_str().unwrap().to_owned())
        .collect()
}

fn link(header: &str) -> Option<String> {
    let (path, rest) = header.strip_prefix('<')?.split_once('>')?;
    assert_eq!(rest, "; rel=\"next\"");
    Some(path.to_owned())
}
