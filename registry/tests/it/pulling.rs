//! Manifests, blobs, tags: what is read, what is refused, what is tried again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_formats::{Descriptor, media_types};
use countersign_proof::digest;
use countersign_registry::{ErrorClass, Event, Settings, Store, StoreError, Target};

use crate::server::{Answer, Body, Server, blob_path, code, image, manifest_path, run, settings};

fn tag(name: &str) -> Target {
    Target::Tag(name.to_owned())
}

fn hello() -> (Vec<u8>, Descriptor) {
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
fn a_blob_has_exactly_its_size_and_digest() {
    let (bytes, descriptor) = hello();
    let (longer, shorter) = ([bytes.as_slice(), b"!"].concat(), bytes[1..].to_vec());
    let mut changed = bytes.clone();
    changed[0] = b'J';
    for (body, expected) in [
        (Body::Whole(bytes.clone()), Ok(())),
        (Body::Chunked(bytes.clone()), Ok(())),
        (Body::Whole(longer.clone()), Err("size-mismatch")),
        (Body::Chunked(longer), Err("size-mismatch")),
        (Body::Whole(shorter.clone()), Err("size-mismatch")),
        (Body::Chunked(shorter), Err("size-mismatch")),
        (Body::Whole(changed), Err("digest-mismatch")),
        (Body::Endless, Err("size-mismatch")),
        (Body::Announced(1 << 40), Err("size-mismatch")),
    ] {
        let server = Server::start(move |_| Answer::status(200).sends(body.clone()));
        let result = run(server.store(&settings()).blob(&descriptor, 1 << 20));
        assert_eq!(
            result
                .map(|found| assert_eq!(found, bytes))
                .map_err(|error| error.code()),
            expected
        );
    }
}

#[test]
fn a_blob_over_the_cap_is_not_asked_for() {
    let (_, descriptor) = hello();
    let server = Server::start(|_| Answer::status(500));
    assert_eq!(
        code(run(server.store(&settings()).blob(&descriptor, 100))),
        "over-limit"
    );
    let huge = Descriptor {
        size: u64::MAX,
        ..descriptor
    };
    assert_eq!(
        code(run(server.store(&settings()).blob(&huge, 1 << 20))),
        "over-limit"
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn embedded_data_needs_no_request_unless_it_is_wrong() {
    let (bytes, mut descriptor) = hello();
    let body = bytes.clone();
    let server = Server::start(move |_| Answer::status(200).body(body.clone()));
    descriptor.data = Some(bytes.clone().into());
    assert_eq!(
        run(server.store(&settings()).blob(&descriptor, 1 << 20)).unwrap(),
        bytes
    );
    assert_eq!(server.connections(), 0);
    descriptor.data = Some(vec![b'x'; bytes.len()].into());
    assert_eq!(
        run(server.store(&settings()).blob(&descriptor, 1 << 20)).unwrap(),
        bytes
    );
    assert_eq!(server.connections(), 1);
}

/// CVE-2020-15157, CVE-2026-49349 (A078, A079).
#[test]
fn urls_of_a_descriptor_are_never_followed() {
    let elsewhere =
        Server::start(|_| Answer::status(401).with("WWW-Authenticate", "Basic realm=\"x\""));
    let (_, mut descriptor) = hello();
    descriptor.has_urls = true;
    descriptor.extra = vec![(
        "urls".to_owned(),
        format!("[\"{}\"]", elsewhere.url("/layer")),
    )];
    let server = Server::start(|_| Answer::status(404));
    assert_eq!(
        code(run(server.store(&settings()).blob(&descriptor, 1 << 20))),
        "blob-not-found"
    );
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn an_encoding_that_was_not_asked_for_is_refused() {
    let (bytes, _) = image("image", None);
    let server =
        Server::start(move |_| Answer::manifest(bytes.clone()).with("Content-Encoding", "gzip"));
    assert_eq!(
        code(run(server.store(&settings()).resolve(&tag("1.0")))),
        "bad-response"
    );
}

#[test]
fn blobs_may_come_from_another_host_and_manifests_may_not() {
    let (bytes, descriptor) = hello();
    let body = bytes.clone();
    let elsewhere = Server::start(move |_| Answer::status(200).body(body.clone()));
    let target = elsewhere.url("/storage?signature=secret");
    for status in [301, 302, 307, 308] {
        let target = target.clone();
        let server =
            Server::start(move |_| Answer::status(status).with("Location", target.clone()));
        let store = server.store(&settings());
        assert_eq!(run(store.blob(&descriptor, 1 << 20)).unwrap(), bytes);
        let before = elsewhere.asked().len();
        assert_eq!(
            code(run(store.resolve(&tag("1.0")))),
            "bad-response",
            "{status}"
        );
        assert_eq!(code(run(store.tags())), "bad-response", "{status}");
        assert_eq!(elsewhere.asked().len(), before);
    }
}

#[test]
fn redirects_that_stay_are_followed_five_times() {
    let (bytes, _) = image("image", None);
    for (hops, works) in [(1, true), (5, true), (6, false), (1000, false)] {
        let body = bytes.clone();
        let server = Server::start(move |asked| {
            let hop: usize = asked
                .target
                .rsplit('=')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            if hop == hops {
                Answer::manifest(body.clone())
            } else {
                Answer::status(307).with("Location", format!("?hop={}", hop + 1))
            }
        });
        let result = run(server.store(&settings()).resolve(&tag("1.0")));
        assert_eq!(
            result.map(drop).map_err(|error| error.code()),
            if works { Ok(()) } else { Err("target-refused") },
            "{hops}"
        );
        assert!(server.asked().len() <= 6);
    }
}

#[test]
fn redirects_to_other_schemes_or_with_a_user_are_refused() {
    let (_, descriptor) = hello();
    for target in [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:pass@127.0.0.1:1/",
        "http://",
    ] {
        let server = Server::start(move |_| Answer::status(307).with("Location", target));
        assert_eq!(
            code(run(server.store(&settings()).blob(&descriptor, 1 << 20))),
            "target-refused",
            "{target}"
        );
    }
}

/// In a service that takes references from others (N-22).
#[test]
fn a_guarded_client_does_not_go_into_its_own_network() {
    let (bytes, descriptor) = hello();
    let elsewhere = Server::start(move |_| Answer::status(200).body(bytes.clone()));
    let target = elsewhere.url("/storage");
    let server = Server::start(move |_| Answer::status(307).with("Location", target.clone()));
    // This registry is itself on loopback, so its storage may be, too.
    let guarded = Settings {
        guard_addresses: true,
        ..settings()
    };
    assert!(run(server.store(&guarded).blob(&descriptor, 1 << 20)).is_ok());
}

#[test]
fn offline_opens_no_socket() {
    let server = Server::start(|_| Answer::status(200));
    let store = server.store(&Settings {
        offline: true,
        ..settings()
    });
    let digest = digest::sha256(b"x");
    run(async {
        assert_eq!(code(store.resolve(&tag("1.0")).await), "offline");
        assert_eq!(code(store.exists(&digest).await), "offline");
        assert_eq!(code(store.referrers(&digest).await), "offline");
        assert_eq!(code(store.tags().await), "offline");
        assert_eq!(code(store.push_blob("x".into(), &digest).await), "offline");
    });
    assert_eq!((server.connections(), store.requests()), (0, 0));
}

/// An https registry is never spoken to in http, on loopback neither.
#[test]
fn plain_http_needs_a_word() {
    let server = Server::start(|_| Answer::status(404));
    let store = server.store(&Settings {
        allow_http: false,
        deadline: Duration::from_secs(3),
        ..settings()
    });
    let error = run(store.resolve(&tag("1.0"))).unwrap_err();
    assert_ne!(error.class(), ErrorClass::NotFound, "{error}");
    // The server's script sees requests only; the greeting of TLS is none.
    assert!(
        server.lines().iter().all(|line| !line.starts_with("GET ")),
        "{:?}",
        server.lines()
    );
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
fn has_blob_is_one_head() {
    for (status, expected) in [
        (200, Ok(true)),
        (307, Ok(true)),
        (404, Ok(false)),
        (403, Err("login-required")),
        (500, Err("registry-error")),
    ] {
        let server = Server::start(move |_| Answer::status(status));
        let result = run(server.store(&settings()).has_blob(&digest::sha256(b"x")));
        assert_eq!(result.map_err(|error| error.code()), expected, "{status}");
        assert!(server.asked()[0].is("HEAD", &blob_path(&digest::sha256(b"x"))));
    }
}

#[test]
fn errors_are_small_values() {
    assert!(size_of::<StoreError>() <= 128);
}
