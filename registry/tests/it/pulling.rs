//! Manifests by tag and by digest: what is read, and what is refused.

use std::sync::{Arc, Mutex};

use countersign_formats::{Descriptor, media_types};
use countersign_proof::digest;
use countersign_registry::{ErrorClass, Event, Settings, Store, StoreError, Target};

use crate::server::{Answer, Body, Server, code, image, manifest_path, run, settings};

pub(crate) fn tag(name: &str) -> Target {
    Target::Tag(name.to_owned())
}

pub(crate) fn hello() -> (Vec<u8>, Descriptor) {
    let bytes = b"hello, world".repeat(1000);
    let descriptor = Descriptor::new("text/plain", digest::sha256(&bytes), bytes.len() as u64);
    (bytes, descriptor)
}

#[test]
fn a_tag_is_one_request_and_its_digest_is_that_of_the_bytes() {
    let (bytes, descriptor) = image("image", None);
    let body = bytes.clone();
    let server = Server::start(move |_| Answer::manifest(body.clone()));
    let store = server.store(&settings());
    let resolved = run(store.resolve(&tag("1.0"))).unwrap();
    assert_eq!(resolved.descriptor, descriptor);
    assert_eq!(resolved.bytes, bytes);
    assert_eq!(server.lines(), [format!("GET {}", manifest_path("1.0"))]);
    assert_eq!(store.requests(), 1);
    let asked = server.asked().remove(0);
    assert!(
        asked
            .header("accept")
            .unwrap()
            .contains(media_types::OCI_INDEX)
    );
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.header("referer"), None);
}

#[test]
fn requests_share_one_connection() {
    let (bytes, descriptor) = image("image", None);
    let server = Server::start(move |_| Answer::manifest(bytes.clone()));
    let settings = settings();
    run(async {
        for _ in 0..4 {
            server
                .store(&settings)
                .resolve(&Target::Digest(descriptor.digest))
                .await
                .unwrap();
        }
    });
    assert_eq!(server.connections(), 1);
}

/// CVE-2023-33959, CVE-2025-24882 (A046, A075).
#[test]
fn what_is_asked_for_by_digest_is_what_comes_or_an_error() {
    let ((good, asked), (other, found)) = (image("image", None), image("other", None));
    for (body, header, expected) in [
        (&good, None, Ok(())),
        (&good, Some(asked.digest), Ok(())),
        (&good, Some(found.digest), Err("digest-mismatch")),
        (&other, None, Err("digest-mismatch")),
        (&other, Some(asked.digest), Err("digest-mismatch")),
        (&other, Some(found.digest), Err("digest-mismatch")),
    ] {
        let body = body.clone();
        let server = Server::start(move |_| {
            let answer = Answer::manifest(body.clone());
            match &header {
                Some(digest) => answer.with("Docker-Content-Digest", digest.to_string()),
                None => answer,
            }
        });
        let result = run(server
            .store(&settings())
            .resolve(&Target::Digest(asked.digest)));
        assert_eq!(result.map(drop).map_err(|error| error.code()), expected);
    }
}

#[test]
fn a_tag_whose_digest_header_lies_is_refused() {
    let (bytes, _) = image("image", None);
    let claimed = digest::sha256(b"something else").to_string();
    let server = Server::start(move |_| {
        Answer::manifest(bytes.clone()).with("Docker-Content-Digest", claimed.clone())
    });
    assert_eq!(
        code(run(server.store(&settings()).resolve(&tag("1.0")))),
        "digest-mismatch"
    );
}

#[test]
fn only_404_is_absence() {
    for (status, expected, class) in [
        (404, "image-not-found", ErrorClass::NotFound),
        (401, "login-required", ErrorClass::Authentication),
        (403, "login-required", ErrorClass::Authentication),
        (400, "registry-error", ErrorClass::Network),
        (405, "registry-error", ErrorClass::Network),
        (410, "registry-error", ErrorClass::Network),
        (429, "registry-throttled", ErrorClass::Network),
        (500, "registry-error", ErrorClass::Network),
        (503, "registry-error", ErrorClass::Network),
        (204, "bad-response", ErrorClass::Unreadable),
        (304, "bad-response", ErrorClass::Unreadable),
    ] {
        let server = Server::start(move |_| Answer::status(status));
        let store = server.store(&settings());
        let error = run(store.resolve(&tag("1.0"))).unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            (expected, class),
            "{status}: {error}"
        );
        assert_eq!(
            run(store.tag("sha256-00.sig")).is_ok(),
            status == 404,
            "{status}"
        );
        assert_eq!(
            run(store.exists(&digest::sha256(b"x"))).is_ok(),
            status == 404,
            "{status}"
        );
    }
}

#[test]
fn words_of_the_registry_are_passed_on_and_cut() {
    let long = "x".repeat(5000);
    let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{long}"}}]}}"#);
    let server = Server::start(move |_| Answer::status(400).body(body.clone()));
    let text = run(server.store(&settings()).resolve(&tag("1.0")))
        .unwrap_err()
        .to_string();
    assert!(text.contains("status 400 DENIED: xxx"), "{text}");
    assert!(text.len() < 500);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    for body in [
        Body::Announced(5 << 20),
        Body::Endless,
        Body::Chunked(vec![b' '; 5 << 20]),
    ] {
        let server = Server::start(move |_| Answer::manifest("").sends(body.clone()));
        assert_eq!(
            code(run(server.store(&settings()).resolve(&tag("1.0")))),
            "over-limit"
        );
    }
    // An error's body is read up to a cap as well, and may then end as it likes.
    let server = Server::start(|_| Answer::status(400).sends(Body::Endless));
    assert_eq!(
        code(run(server.store(&settings()).resolve(&tag("1.0")))),
        "registry-error"
    );
}

#[test]
fn a_document_that_is_two_things_is_refused() {
    let (bytes, _) = image("image", None);
    let both = String::from_utf8(bytes.clone()).unwrap().replacen(
        "\"layers\"",
        "\"manifests\":[],\"layers\"",
        1,
    );
    let schema1 = r#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}"#;
    for (content_type, body) in [
        (media_types::OCI_INDEX, bytes.clone()),
        (media_types::DOCKER_MANIFEST, bytes.clone()),
        (media_types::OCI_MANIFEST, both.into_bytes()),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            schema1.into(),
        ),
        (media_types::OCI_MANIFEST, b"<html>".to_vec()),
    ] {
        let server = Server::start(move |_| {
            Answer::status(200)
                .with("Content-Type", content_type)
                .body(body.clone())
        });
        assert_eq!(
            code(run(server.store(&settings()).resolve(&tag("1.0")))),
            "malformed-document",
            "{content_type}"
        );
    }
    for content_type in [
        media_types::OCI_MANIFEST,
        "Application/vnd.oci.Image.manifest.v1+json; charset=utf-8",
        "text/plain",
    ] {
        let body = bytes.clone();
        let server = Server::start(move |_| {
            Answer::status(200)
                .with("Content-Type", content_type)
                .body(body.clone())
        });
        assert!(
            run(server.store(&settings()).resolve(&tag("1.0"))).is_ok(),
            "{content_type}"
        );
    }
}

#[test]
fn each_request_is_reported_without_its_query() {
    let (bytes, descriptor) = hello();
    let elsewhere = Server::start(move |_| Answer::status(200).body(bytes.clone()));
    let target = elsewhere.url("/storage?signature=MARK");
    let server = Server::start(move |_| Answer::status(307).with("Location", target.clone()));
    let events = Arc::new(Mutex::new(Vec::new()));
    let memory = Arc::clone(&events);
    let settings = Settings {
        diagnostics: Some(Arc::new(move |event: &Event| {
            memory.lock().unwrap().push(event.clone())
        })),
        ..settings()
    };
    run(server.store(&settings).blob(&descriptor, 1 << 20)).unwrap();
    let events = events.lock().unwrap();
    assert!(!format!("{events:?}").contains("MARK"), "{events:?}");
    let Event::Request {
        method,
        url,
        status,
        bytes,
        ..
    } = &events[1]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (*method, *status, *bytes),
        ("GET", Some(200), descriptor.size)
    );
    assert_eq!(*url, elsewhere.url("/storage?…"));
}

#[test]
fn errors_are_small_values() {
    assert!(size_of::<StoreError>() <= 128);
}
