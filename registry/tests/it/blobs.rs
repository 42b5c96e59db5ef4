//! Blobs: exactly their size and digest, and wherever they may come from.

use countersign_formats::Descriptor;
use countersign_proof::digest;

use countersign_registry::Store;

use crate::pulling::hello;
use crate::server::{Answer, Body, Server, blob_path, code, run, settings};

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
