//! Pushing, pulling, mounting and deleting blobs.

use countersign_formats::HashAlgorithm;
use http::{Method, StatusCode};

use crate::client::{Registry, digest, digest_by};

#[tokio::test]
async fn a_blob_pushed_in_chunks_is_pulled_whole_and_in_part() {
    let registry = Registry::start().await;
    let content = "0123456789".repeat(1000);
    let begun = registry
        .send(Method::POST, "/v2/a/b/blobs/uploads/", &[], "")
        .await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    let place = begun.header("location").to_owned();
    let first = registry
        .send(
            Method::PATCH,
            &place,
            &[("content-range", "0-3999")],
            content.get(..4000).unwrap().to_owned(),
        )
        .await;
    assert_eq!(
        (first.status, first.header("range")),
        (StatusCode::ACCEPTED, "0-3999")
    );
    let again = registry
        .send(
            Method::PATCH,
            &place,
            &[("content-range", "0-3999")],
            content.get(..4000).unwrap().to_owned(),
        )
        .await;
    again.refused(416, "BLOB_UPLOAD_INVALID");
    assert_eq!(again.header("range"), "0-3999");
    let status = registry.get(&place).await;
    assert_eq!(
        (status.status, status.header("range")),
        (StatusCode::NO_CONTENT, "0-3999")
    );
    let second = registry
        .send(
            Method::PATCH,
            &place,
            &[("content-range", "4000-7999")],
            content.get(4000..8000).unwrap().to_owned(),
        )
        .await;
    assert_eq!(second.status, StatusCode::ACCEPTED);
    let digest = digest(content.as_bytes());
    let last = registry
        .send(
            Method::PUT,
            &format!("{place}?digest={digest}"),
            &[("content-range", "8000-9999")],
            content.get(8000..).unwrap().to_owned(),
        )
        .await;
    assert_eq!(
        (last.status, last.header("docker-content-digest")),
        (StatusCode::CREATED, digest.as_str())
    );

    let blob = format!("/v2/a/b/blobs/{digest}");
    assert_eq!(registry.get(&blob).await.body, content);
    let part = registry
        .send(Method::GET, &blob, &[("range", "bytes=9990-")], "")
        .await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (StatusCode::PARTIAL_CONTENT, "bytes 9990-9999/10000")
    );
    assert_eq!(part.body, "0123456789");
    let beyond = registry
        .send(Method::GET, &blob, &[("range", "bytes=10000-")], "")
        .await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.header("content-range")),
        (416, "bytes */10000")
    );
    let head = registry.send(Method::HEAD, &blob, &[], "").await;
    assert_eq!(
        (head.header("content-length"), head.body.len()),
        ("10000", 0)
    );
    let fresh = registry
        .send(
            Method::GET,
            &blob,
            &[("if-none-match", head.header("etag"))],
            "",
        )
        .await;
    assert_eq!(
        (fresh.status, fresh.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
}

#[tokio::test]
async fn content_of_another_digest_is_refused_and_forgotten() {
    let registry = Registry::start().await;
    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    let wrong = digest(b"other");
    registry
        .send(
            Method::PUT,
            &format!("{place}?digest={wrong}"),
            &[],
            "content",
        )
        .await
        .refused(400, "DIGEST_INVALID");
    registry
        .get(&place)
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
    registry
        .get(&format!("/v2/a/blobs/{wrong}"))
        .await
        .refused(404, "NAME_UNKNOWN");
    let once = registry
        .send(
            Method::POST,
            &format!("/v2/a/blobs/uploads/?digest={wrong}"),
            &[],
            "content",
        )
        .await;
    once.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn every_algorithm_of_digests_is_served() {
    let registry = Registry::start().await;
    for algorithm in [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ] {
        let digest = digest_by(algorithm, b"content");
        // Begun as SHA-256 and named by another algorithm only at the end.
        let place = registry
            .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
            .await
            .header("location")
            .to_owned();
        let put = registry
            .send(
                Method::PUT,
                &format!("{place}?digest={digest}"),
                &[],
                "content",
            )
            .await;
        assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
        assert_eq!(
            registry.get(&format!("/v2/a/blobs/{digest}")).await.body,
            "content"
        );
    }
    registry
        .send(
            Method::POST,
            "/v2/a/blobs/uploads/?digest-algorithm=md5",
            &[],
            "",
        )
        .await
        .refused(400, "UNSUPPORTED");
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_and_belongs_to_its_repository() {
    let registry = Registry::start().await;
    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    registry
        .get(&place.replace("/v2/a/", "/v2/b/"))
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(registry.delete(&place).await.status, StatusCode::NO_CONTENT);
    registry
        .delete(&place)
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_mounted_blob_outlives_its_source() {
    let registry = Registry::start().await;
    let digest = registry.push_blob("a", "content").await;
    let mounted = registry
        .send(
            Method::POST,
            &format!("/v2/b/blobs/uploads/?mount={digest}&from=a"),
            &[],
            "",
        )
        .await;
    assert_eq!(mounted.status, StatusCode::CREATED);
    let anonymous = registry
        .send(
            Method::POST,
            &format!("/v2/c/blobs/uploads/?mount={digest}"),
            &[],
            "",
        )
        .await;
    assert_eq!(anonymous.status, StatusCode::CREATED);
    let missing = registry
        .send(
            Method::POST,
            &format!("/v2/b/blobs/uploads/?mount={digest}&from=none"),
            &[],
            "",
        )
        .await;
    assert_eq!(missing.status, StatusCode::ACCEPTED);
    assert_eq!(
        registry
            .delete(&format!("/v2/a/blobs/{digest}"))
            .await
            .status,
        StatusCode::ACCEPTED
    );
    // A105: what was deleted in one repository is not read there through another.
    registry
        .get(&format!("/v2/a/blobs/{digest}"))
        .await
        .refused(404, "BLOB_UNKNOWN");
    assert_eq!(
        registry.get(&format!("/v2/b/blobs/{digest}")).await.body,
        "content"
    );
}

#[tokio::test]
async fn a_blob_over_the_cap_is_refused_before_and_while_it_comes() {
    let registry = Registry::start_with(|options| options.caps.blob_bytes = 10).await;
    let digest = digest(b"0123456789a");
    let announced = registry
        .send(
            Method::POST,
            &format!("/v2/a/blobs/uploads/?digest={digest}"),
            &[],
            "0123456789a",
        )
        .await;
    announced.refused(413, "SIZE_INVALID");
    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    assert_eq!(
        registry
            .send(Method::PATCH, &place, &[], "01234")
            .await
            .status,
        StatusCode::ACCEPTED
    );
    registry
        .send(Method::PATCH, &place, &[], "56789a")
        .await
        .refused(413, "SIZE_INVALID");
    assert_eq!(
        registry
            .send(Method::PATCH, &place, &[], "56789")
            .await
            .status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn uploads_are_counted_and_forgotten_when_idle() {
    let registry = Registry::start_with(|options| {
        options.caps.uploads = 2;
        options.deadlines.upload_idle = std::time::Duration::from_millis(200);
    })
    .await;
    for _ in 0..2 {
        assert_eq!(
            registry
                .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
                .await
                .status,
            StatusCode::ACCEPTED
        );
    }
    let third = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await;
    third.refused(429, "TOOMANYREQUESTS");
    assert_eq!(third.header("retry-after"), "5");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(
        registry
            .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
            .await
            .status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn unfinished_uploads_leave_nothing_behind() {
    let registry = Registry::start().await;
    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    registry.send(Method::PATCH, &place, &[], "content").await;
    assert!(registry.path().join(".countersign-uploads").exists());
    let directory = registry.stop().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
