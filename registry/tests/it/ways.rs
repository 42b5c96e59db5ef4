//! Where requests may go: hosts, redirects, schemes and encodings.

use std::time::Duration;

use countersign_proof::digest;
use countersign_registry::{ErrorClass, Settings, Store};

use crate::pulling::{hello, tag};
use crate::server::{Answer, Server, code, image, run, settings};

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
