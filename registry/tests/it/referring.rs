//! Lists of referrers: the API, the fallback tag, and what is an error instead of an empty list.

use std::sync::{Arc, Mutex};

use countersign_formats::{Digest, media_types};
use countersign_proof::digest;
use countersign_registry::{Event, ListedVia, Listing, Settings, Store, StoreError, fallback_tag};

use crate::server::{
    Answer, Asked, Server, code, entries, image, index_of, manifest_path, run, settings,
};

fn subject() -> Digest {
    digest::sha256(b"subject")
}

fn api() -> String {
    format!("/v2/acme/app/referrers/{}", subject())
}

fn tag() -> String {
    manifest_path(fallback_tag(&subject()))
}

fn list(server: &Server) -> Result<Listing, StoreError> {
    run(server.store(&settings()).referrers(&subject()))
}

/// A registry that answers the API with `answer` and has one entry under the fallback tag.
fn with_tag(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        if asked.target == tag() {
            Answer::index(index_of(&entries(1)))
        } else {
            answer(asked)
        }
    })
}

#[test]
fn the_api_is_one_request_and_unfiltered() {
    let server = with_tag(|_| Answer::index(index_of(&entries(3))));
    let listing = list(&server).unwrap();
    assert_eq!(
        (listing.descriptors, listing.complete, listing.via),
        (entries(3), true, ListedVia::Api)
    );
    assert_eq!(server.lines(), [format!("GET {}", api())]);
    assert_eq!(
        server.asked()[0].header("accept"),
        Some(media_types::OCI_INDEX)
    );
}

#[test]
fn without_the_api_the_tag_is_read() {
    let html = Answer::status(200)
        .with("Content-Type", "text/html")
        .body("<html>");
    let unnamed = Answer::status(200)
        .body(r#"{"schemaVersion":2,"mediaType":"application/json","manifests":[]}"#);
    let unsupported =
        Answer::status(400).body(r#"{"errors":[{"code":"UNSUPPORTED","message":"no"}]}"#);
    let away = Answer::status(303).with("Location", "https://github.test/packages");
    for answer in [
        Answer::status(404),
        Answer::status(405),
        Answer::status(501),
        unsupported,
        html,
        unnamed,
        away,
    ] {
        let server = with_tag(move |_| answer.clone());
        let listing = list(&server).unwrap();
        assert_eq!(
            (listing.descriptors, listing.via),
            (entries(1), ListedVia::FallbackTag)
        );
        assert_eq!(
            server.lines(),
            [format!("GET {}", api()), format!("GET {}", tag())]
        );
    }
}

/// Who can cause an outage must not be able to turn "signed" into "unsigned".
#[test]
fn an_api_that_fails_is_an_error_and_no_reason_to_read_the_tag() {
    for (answer, expected) in [
        (Answer::status(401), "login-required"),
        (Answer::status(403), "login-required"),
        (Answer::status(429), "registry-throttled"),
        (Answer::status(500), "registry-error"),
        (Answer::status(503), "registry-error"),
        (Answer::status(400), "registry-error"),
        (Answer::status(410), "registry-error"),
        (Answer::index("{"), "malformed-document"),
        (
            Answer::index(r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#),
            "malformed-document",
        ),
        (Answer::index(image("image", None).0), "malformed-document"),
    ] {
        let server = with_tag(move |_| answer.clone());
        assert_eq!(code(list(&server)), expected);
        assert!(!server.lines().contains(&format!("GET {}", tag())));
    }
}

#[test]
fn a_fallback_tag_that_fails_is_an_error() {
    for (status, expected) in [
        (401, "login-required"),
        (403, "login-required"),
        (429, "registry-throttled"),
        (500, "registry-error"),
    ] {
        let server = Server::start(move |asked| {
            Answer::status(if asked.target == tag() { status } else { 404 })
        });
        assert_eq!(code(list(&server)), expected);
    }
    let server = Server::start(|_| Answer::status(404));
    let listing = list(&server).unwrap();
    assert_eq!((listing.descriptors.len(), listing.complete), (0, true));
}

/// A registry that came to have the API later.
#[test]
fn an_empty_list_is_followed_by_one_look_at_the_tag() {
    for body in [index_of(&[]), br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#.to_vec()] {
        let empty = body.clone();
        let server = with_tag(move |_| Answer::index(body.clone()));
        let listing = list(&server).unwrap();
        assert_eq!((listing.descriptors, listing.via), (entries(1), ListedVia::FallbackTag));
        let server = Server::start(move |asked| if asked.target == api() { Answer::index(empty.clone()) } else { Answer::status(404) });
        let listing = list(&server).unwrap();
        assert_eq!((listing.descriptors.len(), listing.complete, listing.via), (0, true, ListedVia::Api));
    }
}

#[test]
fn the_content_type_is_read_as_http_says() {
    for content_type in [
        "application/vnd.oci.image.index.v1+json; charset=utf-8",
        "APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON",
    ] {
        let server = Server::start(move |_| {
            Answer::status(200)
                .with("Content-Type", content_type)
                .body(index_of(&entries(2)))
        });
        assert_eq!(list(&server).unwrap().via, ListedVia::Api, "{content_type}");
    }
    // None at all: the body's own media type decides.
    let server = Server::start(|_| Answer::status(200).body(index_of(&entries(2))));
    assert_eq!(list(&server).unwrap().via, ListedVia::Api);
}

#[test]
fn that_there_is_no_api_is_remembered() {
    let server = with_tag(|_| Answer::status(404));
    let settings = settings();
    run(async {
        server.store(&settings).referrers(&subject()).await.unwrap();
        server.store(&settings).referrers(&subject()).await.unwrap();
    });
    assert_eq!(
        server.lines(),
        [
            format!("GET {}", api()),
            format!("GET {}", tag()),
            format!("GET {}", tag())
        ]
    );
}

#[test]
fn pages_are_followed_on_the_registry_itself() {
    let server = Server::start(|asked| match asked.target.split_once('?') {
        None => Answer::index(index_of(&entries(2))).with("Link", "<?page=2>; rel=\"next\""),
        Some(_) => Answer::index(index_of(&entries(5)[2..])),
    });
    let listing = list(&server).unwrap();
    assert_eq!((listing.descriptors, listing.complete), (entries(5), true));
}

/// CVE-2026-85732 (A088).
#[test]
fn a_page_elsewhere_is_refused() {
    let elsewhere = Server::start(|_| Answer::index(index_of(&[])));
    let port = elsewhere.authority.rsplit(':').next().unwrap();
    for target in [
        elsewhere.url("/next"),
        format!("//127.0.0.1:{port}/next"),
        format!("http://user:pw@{}/", elsewhere.authority),
        "file:///etc/passwd".to_owned(),
        "https://127.0.0.1/".to_owned(),
    ] {
        let link = format!("<{target}>; rel=\"next\"");
        let server =
            Server::start(move |_| Answer::index(index_of(&entries(1))).with("Link", link.clone()));
        assert_eq!(code(list(&server)), "target-refused", "{target}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_list_that_is_too_long_is_incomplete_and_says_so() {
    // One page of too many entries.
    let server = Server::start(|_| Answer::index(index_of(&entries(1001))));
    let listing = list(&server).unwrap();
    assert_eq!((listing.descriptors.len(), listing.complete), (1000, false));
    let server = Server::start(|_| Answer::index(index_of(&entries(1000))));
    assert!(list(&server).unwrap().complete);
    // A page that leads to itself.
    let server = Server::start(|_| {
        Answer::index(index_of(&entries(1))).with("Link", "<?again>; rel=\"next\"")
    });
    let listing = list(&server).unwrap();
    assert_eq!((listing.descriptors.len(), listing.complete), (20, false));
    assert_eq!(server.asked().len(), 20);
    // A tag with too many.
    let server = Server::start(|asked| {
        if asked.target == tag() {
            Answer::index(index_of(&entries(1001)))
        } else {
            Answer::status(404)
        }
    });
    assert!(!list(&server).unwrap().complete);
}

/// A page over 4 MiB is not read to its end.
#[test]
fn a_page_that_is_too_large_is_refused() {
    let server = Server::start(|_| Answer::index(vec![b' '; (4 << 20) + 1]));
    assert_eq!(code(list(&server)), "over-limit");
}

/// N-04, and oras-go#1396: GitLab finds the image itself under the tag.
#[test]
fn a_tag_that_is_not_a_list_is_an_error() {
    for answer in [
        Answer::manifest(image("image", None).0),
        Answer::status(200).body(image("image", None).0),
        // The subject itself, were it an index: its children are no referrers.
        Answer::index("subject"),
    ] {
        let server = Server::start(move |asked| {
            if asked.target == tag() {
                answer.clone()
            } else {
                Answer::status(404)
            }
        });
        let error = list(&server).unwrap_err();
        assert_eq!(error.code(), "fallback-tag-not-an-index");
        assert!(error.hint().unwrap().contains(&fallback_tag(&subject())));
    }
}

#[test]
fn a_success_that_is_no_list_is_told_of() {
    let server = Server::start(move |asked| {
        if asked.target.contains("/referrers/") {
            return Answer::status(200)
                .with("Content-Type", "text/html")
                .body("<html>");
        }
        Answer::status(404)
    });
    let notes = Arc::new(Mutex::new(Vec::new()));
    let memory = Arc::clone(&notes);
    let settings = Settings {
        diagnostics: Some(Arc::new(move |event: &Event| {
            if let Event::Note(note) = event {
                memory.lock().unwrap().push(note.clone());
            }
        })),
        ..settings()
    };
    let listing = run(server.store(&settings).referrers(&subject())).unwrap();
    assert!(listing.descriptors.is_empty() && listing.complete);
    let notes = notes.lock().unwrap();
    assert!(
        notes.len() == 1 && notes[0].contains("text/html") && notes[0].contains("sha256-"),
        "{notes:?}"
    );
}
