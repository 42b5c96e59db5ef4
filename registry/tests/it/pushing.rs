//! Uploads, manifests, and the fallback index under many writers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use countersign_formats::{Descriptor, ImageIndex, Limits, Manifest, media_types};
use countersign_proof::digest;
use countersign_registry::{
    Credential, Keychain, ListedVia, Secret, Settings, Store, fallback_tag,
};

use crate::server::{
    Answer, Asked, Body, Server, code, image, index_of, manifest_path, run, settings,
};

#[test]
fn an_upload_is_a_post_and_a_put_to_where_it_says() {
    let digest = digest::sha256(b"blob");
    for (location, expected) in [
        (
            "/v2/acme/app/blobs/uploads/1",
            "/v2/acme/app/blobs/uploads/1?digest=",
        ),
        (
            "/elsewhere/1?state=a%2Bb&x",
            "/elsewhere/1?state=a%2Bb&x&digest=",
        ),
        (
            "1?_state=q",
            "/v2/acme/app/blobs/uploads/1?_state=q&digest=",
        ),
    ] {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "POST" => Answer::status(202).with("Location", location),
            _ => Answer::status(201),
        });
        run(server.store(&settings()).push_blob("blob".into(), &digest)).unwrap();
        let asked = server.asked();
        assert_eq!(
            server.lines(),
            [
                "POST /v2/acme/app/blobs/uploads/".to_owned(),
                format!("PUT {expected}sha256%3A{}", digest.hex())
            ]
        );
        assert_eq!(
            (
                asked[0].header("content-length"),
                asked[1].header("content-length")
            ),
            (Some("0"), Some("4"))
        );
        assert_eq!(asked[1].body, b"blob");
    }
}

#[test]
fn an_upload_whose_connection_breaks_is_begun_anew_once() {
    for (breaks, expected) in [(1, Ok(())), (9, Err("registry-unreachable"))] {
        let count = Mutex::new(0);
        let server = Server::start(move |asked| {
            if asked.method == "POST" {
                return Answer::status(202).with("Location", "/upload");
            }
            let mut count = count.lock().unwrap();
            *count += 1;
            if *count <= breaks {
                Answer::status(201).sends(Body::Dropped)
            } else {
                Answer::status(201)
            }
        });
        let result = run(server
            .store(&settings())
            .push_blob("blob".into(), &digest::sha256(b"blob")));
        assert_eq!(result.map_err(|error| error.code()), expected);
        assert_eq!(server.asked().len(), 4);
    }
}

/// CVE-2026-50151 (A083).
#[test]
fn an_upload_elsewhere_gets_no_login() {
    let elsewhere = Server::start(|_| Answer::status(201));
    let location = elsewhere.url("/upload");
    let server = Server::start(move |asked| match asked.header("authorization") {
        None => Answer::status(401).with("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) => Answer::status(202).with("Location", location.clone()),
    });
    let login = Credential::Basic {
        username: "user".to_owned(),
        password: Secret::new("password"),
    };
    let settings = Settings {
        keychain: Keychain::anonymous().with_login(&server.authority, login),
        ..settings()
    };
    run(server
        .store(&settings)
        .push_blob("blob".into(), &digest::sha256(b"blob")))
    .unwrap();
    assert_eq!(elsewhere.asked().len(), 1);
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);
}

#[test]
fn uploads_that_cannot_be_done_are_errors() {
    let digest = digest::sha256(b"blob");
    let push = |answer: Answer| {
        let server = Server::start(move |_| answer.clone());
        code(run(server
            .store(&settings())
            .push_blob("blob".into(), &digest)))
    };
    assert_eq!(push(Answer::status(202)), "bad-response");
    assert_eq!(
        push(Answer::status(202).with("Location", "http://u:p@127.0.0.1:1/")),
        "target-refused"
    );
    assert_eq!(
        push(Answer::status(202).with("Location", "ftp://127.0.0.1/")),
        "target-refused"
    );
    assert_eq!(
        push(Answer::status(307).with("Location", "/there")),
        "bad-response"
    );
    assert_eq!(push(Answer::status(404)), "registry-error");
    assert_eq!(
        push(Answer::status(400).body(r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#)),
        "registry-error"
    );
    let server = Server::start(|_| Answer::status(202));
    assert_eq!(
        code(run(server
            .store(&settings())
            .push_blob("other".into(), &digest))),
        "digest-mismatch"
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_manifest_goes_under_its_digest_or_a_tag() {
    let (bytes, descriptor) = image("image", None);
    let server = Server::start(|_| Answer::status(201));
    let store = server.store(&settings());
    let pushed =
        run(store.push_manifest(bytes.clone().into(), media_types::OCI_MANIFEST, None)).unwrap();
    assert_eq!((pushed.descriptor, pushed.via), (descriptor.clone(), None));
    run(store.push_manifest(bytes.clone().into(), media_types::OCI_MANIFEST, Some("1.0"))).unwrap();
    assert_eq!(
        server.lines(),
        [
            format!("PUT {}", manifest_path(descriptor.digest)),
            format!("PUT {}", manifest_path("1.0"))
        ]
    );
    assert_eq!(
        server.asked()[0].header("content-type"),
        Some(media_types::OCI_MANIFEST)
    );
    assert_eq!(server.asked()[0].body, bytes);
    assert_eq!(
        code(run(store.push_manifest(
            "{}".into(),
            media_types::OCI_MANIFEST,
            None
        ))),
        "malformed-document"
    );
}

#[test]
fn a_registry_that_knows_subjects_needs_no_tag() {
    let (_, subject) = image("image", None);
    let (bytes, _) = image("referrer", Some(&subject));
    let answer = subject.digest.to_string();
    let server = Server::start(move |_| Answer::status(201).with("OCI-Subject", answer.clone()));
    let store = server.store(&settings());
    let pushed = run(store.push_manifest(bytes.into(), media_types::OCI_MANIFEST, None)).unwrap();
    assert_eq!(pushed.via, Some(ListedVia::Api));
    // The second looks whether the registry lists it.
    assert_eq!(store.requests(), 2);
}

/// Some registries read, change and write their own list without a lock.
#[test]
fn a_registry_that_loses_what_it_took_is_told_again() {
    let (_, subject) = image("image", None);
    let (bytes, referrer) = image("referrer", Some(&subject));
    let answer = subject.digest.to_string();
    let puts = Arc::new(Mutex::new(0));
    let count = Arc::clone(&puts);
    let server = Server::start(move |asked| {
        let mut puts = count.lock().unwrap();
        if asked.method == "PUT" {
            *puts += 1;
            return Answer::status(201).with("OCI-Subject", answer.clone());
        }
        // The first is lost.
        let listed = if *puts > 1 {
            vec![referrer.clone()]
        } else {
            Vec::new()
        };
        Answer::index(index_of(&listed))
    });
    let store = server.store(&settings());
    let pushed = run(store.push_manifest(bytes.into(), media_types::OCI_MANIFEST, None)).unwrap();
    assert_eq!(pushed.via, Some(ListedVia::Api));
    assert_eq!(*puts.lock().unwrap(), 2);
}

/// A registry in memory without a referrers API; `conditions` says whether it heeds `If-Match`.
#[derive(Clone)]
struct Memory {
    manifests: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    conditions: bool,
}

impl Memory {
    fn start(conditions: bool) -> (Self, Server) {
        let memory = Self {
            manifests: Arc::default(),
            conditions,
        };
        let script = memory.clone();
        (memory, Server::start(move |asked| script.answer(asked)))
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let mut manifests = self.manifests.lock().unwrap();
        let etag = |bytes: &[u8]| format!("\"{}\"", digest::sha256(bytes));
        match (asked.method.as_str(), manifests.get(&asked.target)) {
            ("GET", Some(bytes)) => Answer::status(200)
                .with("ETag", etag(bytes))
                .body(bytes.clone()),
            ("PUT", current) => {
                let mismatch = match (asked.header("if-match"), asked.header("if-none-match")) {
                    (Some(wanted), _) => current.is_none_or(|bytes| etag(bytes) != wanted),
                    (None, Some(_)) => current.is_some(),
                    (None, None) => false,
                };
                if mismatch && self.conditions {
                    return Answer::status(412);
                }
                manifests.insert(asked.target.clone(), asked.body.clone());
                Answer::status(201)
            }
            _ => Answer::status(404),
        }
    }

    fn index(&self, subject: &Descriptor) -> ImageIndex {
        let manifests = self.manifests.lock().unwrap();
        let bytes = &manifests[&manifest_path(fallback_tag(&subject.digest))];
        match Manifest::parse(bytes, Some(media_types::OCI_INDEX), &Limits::default()).unwrap() {
            Manifest::Index(index) => index,
            Manifest::Image(_) => panic!("an image"),
        }
    }
}

#[test]
fn without_oci_subject_the_fallback_index_is_written_and_looked_at_three_times() {
    let (memory, server) = Memory::start(false);
    let (_, subject) = image("image", None);
    let (bytes, descriptor) = image("referrer", Some(&subject));
    let store = server.store(&settings());
    let pushed = run(store.push_manifest(bytes.into(), media_types::OCI_MANIFEST, None)).unwrap();
    assert_eq!(pushed.via, Some(ListedVia::FallbackTag));
    let entry = &memory.index(&subject).manifests[0];
    assert_eq!(
        (entry.digest, entry.size),
        (descriptor.digest, descriptor.size)
    );
    // The manifest's own type and annotations: readers filter by them.
    assert_eq!(
        entry.artifact_type.as_deref(),
        Some(media_types::BUNDLE_V03)
    );
    assert_eq!(entry.annotations["name"], "referrer");
    let methods: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.method.clone())
        .collect();
    assert_eq!(methods, ["PUT", "GET", "PUT", "GET", "GET", "GET"]);
    assert_eq!(server.asked()[2].header("if-none-match"), Some("*"));
}

#[test]
fn others_entries_are_kept_and_the_change_is_conditional() {
    let (memory, server) = Memory::start(true);
    let (_, subject) = image("image", None);
    let settings = settings();
    let store = server.store(&settings);
    let text = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":5,"digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","custom":{"a":[1]}}],"vendor":true}"#;
    let tag = manifest_path(fallback_tag(&subject.digest));
    memory
        .manifests
        .lock()
        .unwrap()
        .insert(tag.clone(), text.into());
    let (bytes, _) = image("referrer", Some(&subject));
    run(store.push_manifest(bytes.clone().into(), media_types::OCI_MANIFEST, None)).unwrap();
    let written = String::from_utf8(memory.manifests.lock().unwrap()[&tag].clone()).unwrap();
    assert!(
        written.contains(r#""custom":{"a":[1]}"#) && written.contains(r#""vendor":true"#),
        "{written}"
    );
    assert_eq!(memory.index(&subject).manifests.len(), 2);
    let put = server
        .asked()
        .into_iter()
        .rfind(|asked| asked.is("PUT", &tag))
        .unwrap();
    assert_eq!(
        put.header("if-match"),
        Some(format!("\"{}\"", digest::sha256(text.as_bytes())).as_str())
    );
    // Once more: it is there already, nothing is written.
    let before = server.asked().len();
    run(store.push_manifest(bytes.into(), media_types::OCI_MANIFEST, None)).unwrap();
    assert_eq!(server.asked().len(), before + 2);
}

/// A tag that is something else is somebody's: it is not overwritten.
#[test]
fn a_fallback_tag_that_is_not_a_list_is_left_alone() {
    let (memory, server) = Memory::start(false);
    let (bytes, subject) = image("image", None);
    let tag = manifest_path(fallback_tag(&subject.digest));
    memory
        .manifests
        .lock()
        .unwrap()
        .insert(tag.clone(), bytes.clone());
    let (referrer, _) = image("referrer", Some(&subject));
    let store = server.store(&settings());
    assert_eq!(
        code(run(store.push_manifest(
            referrer.into(),
            media_types::OCI_MANIFEST,
            None
        ))),
        "fallback-tag-not-an-index"
    );
    assert_eq!(memory.manifests.lock().unwrap()[&tag], bytes);
}

#[test]
fn a_list_that_is_full_is_not_cut() {
    let (memory, server) = Memory::start(false);
    let (_, subject) = image("image", None);
    let tag = manifest_path(fallback_tag(&subject.digest));
    let full = index_of(&crate::server::entries(1001));
    memory
        .manifests
        .lock()
        .unwrap()
        .insert(tag.clone(), full.clone());
    let (referrer, _) = image("referrer", Some(&subject));
    assert_eq!(
        code(run(server.store(&settings()).push_manifest(
            referrer.into(),
            media_types::OCI_MANIFEST,
            None
        ))),
        "over-limit"
    );
    assert_eq!(memory.manifests.lock().unwrap()[&tag], full);
}

/// With a registry that heeds conditions, and with one that ignores them as most do.
#[test]
fn eight_writers_at_once_are_all_listed() {
    for conditions in [true, false] {
        let (memory, server) = Memory::start(conditions);
        let (_, subject) = image("image", None);
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let (server, subject) = (&server, &subject);
                scope.spawn(move || {
                    let (bytes, _) = image(&format!("writer {writer}"), Some(subject));
                    let store = server.store(&Settings {
                        deadline: std::time::Duration::from_secs(60),
                        ..settings()
                    });
                    run(store.push_manifest(bytes.into(), media_types::OCI_MANIFEST, None))
                        .unwrap();
                });
            }
        });
        assert_eq!(memory.index(&subject).manifests.len(), 8, "{conditions}");
    }
}
