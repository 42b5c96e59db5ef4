//! Where logins do not go: other hosts, redirects, realms, messages and warnings.

use std::sync::{Arc, Mutex};

use countersign_formats::Descriptor;
use countersign_proof::digest;
use countersign_registry::{Credential, Event, Settings, Store};

use crate::authentication::{basic, target, wants, with_login};
use crate::server::{Answer, Server, code, image, run, settings};
use crate::tokens::token_service;

/// CVE-2026-48978 (A080): whose login goes where is not for the registry to say.
#[test]
fn realms_that_must_not_get_a_login_get_none() {
    let elsewhere = token_service();
    let port = elsewhere.authority.rsplit(':').next().unwrap().to_owned();
    for realm in [
        format!("http://user:pw@{}/token", elsewhere.authority),
        format!("http://reg.example.test:{port}/token"),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
        "/token".to_owned(),
        String::new(),
    ] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let server = wants(move |_| challenge.clone(), "Bearer users-token");
        let error = run(server
            .store(&with_login(&server, basic()))
            .resolve(&target()))
        .unwrap_err();
        assert_eq!(error.code(), "target-refused", "{realm}: {error}");
        assert!(!error.to_string().contains("pw"));
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// CVE-2026-50151, GHSA-vh4v-2xq2-g5cg (A083, A084): a redirect takes no login along, and none comes back with it.
#[test]
fn redirects_take_no_login_along() {
    let bytes = b"blob".to_vec();
    let descriptor = Descriptor::new("text/plain", digest::sha256(&bytes), 4);
    let home = Arc::new(Mutex::new(String::new()));
    let back = Arc::clone(&home);
    let elsewhere = Server::start(move |_| {
        Answer::status(307).with("Location", format!("{}back", back.lock().unwrap()))
    });
    let away = elsewhere.url("/storage");
    let server = Server::start(move |asked| match asked.header("authorization") {
        _ if asked.target.ends_with("back") => Answer::status(200).body(bytes.clone()),
        None => Answer::status(401).with("WWW-Authenticate", "Basic realm=\"reg\""),
        Some(_) => Answer::status(307).with("Location", away.clone()),
    });
    *home.lock().unwrap() = server.url("/");
    run(server
        .store(&with_login(&server, basic()))
        .blob(&descriptor, 10))
    .unwrap();
    assert_eq!(elsewhere.asked().len(), 1);
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);
    assert_eq!(server.asked().last().unwrap().header("authorization"), None);
}

#[test]
fn another_host_that_asks_for_a_login_gets_none() {
    let elsewhere =
        Server::start(|_| Answer::status(401).with("WWW-Authenticate", "Basic realm=\"x\""));
    let away = elsewhere.url("/storage");
    let server = Server::start(move |_| Answer::status(307).with("Location", away.clone()));
    let descriptor = Descriptor::new("text/plain", digest::sha256(b"blob"), 4);
    assert_eq!(
        code(run(server
            .store(&with_login(&server, basic()))
            .blob(&descriptor, 10))),
        "bad-response"
    );
    assert_eq!(elsewhere.asked().len(), 1);
    assert!(
        elsewhere
            .asked()
            .iter()
            .chain(&server.asked())
            .all(|asked| asked.header("authorization").is_none())
    );
}

/// GHSA-5jhf-2qmf-m8c5 (A087): a registry that repeats what it was sent does not bring it into messages.
#[test]
fn secrets_do_not_come_back_in_messages() {
    let service = Server::start(|_| Answer::status(200).body(r#"{"token":"MARK-token"}"#));
    let realm = service.url("/token?secret=MARK-query");
    let server = Server::start(move |asked| match asked.header("authorization") {
        None => Answer::status(401)
            .with("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))
            .with("Set-Cookie", "MARK-cookie"),
        Some(sent) => Answer::status(400).body(format!(
            r#"{{"errors":[{{"code":"DENIED","message":"you sent {sent}"}}]}}"#
        )),
    });
    let events = Arc::new(Mutex::new(Vec::new()));
    let memory = Arc::clone(&events);
    let diagnostics =
        Arc::new(move |event: &Event| memory.lock().unwrap().push(format!("{event:?}")));
    let settings = Settings {
        diagnostics: Some(diagnostics),
        ..with_login(&server, basic())
    };
    let error = run(server.store(&settings).resolve(&target())).unwrap_err();
    let said = format!(
        "{error} {error:?} {settings:?} {:?}",
        events.lock().unwrap()
    );
    assert!(said.contains("DENIED"), "{said}");
    assert!(
        !said.contains("MARK") && !said.contains("dXNlcjpN"),
        "{said}"
    );
}

/// What a registry warned of, as it was passed on.
fn warnings(login: Option<Credential>, text: &'static str) -> Vec<String> {
    let (bytes, _) = image("image", None);
    let server = Server::start(move |asked| match asked.header("authorization") {
        Some(sent) => {
            Answer::manifest(bytes.clone()).with("Warning", format!("299 - \"{text} {sent}\""))
        }
        None => Answer::status(401)
            .with("WWW-Authenticate", "Basic realm=\"reg\"")
            .with("Warning", format!("299 - \"{text}\"")),
    });
    let notes = Arc::new(Mutex::new(Vec::new()));
    let memory = Arc::clone(&notes);
    let plain = settings();
    let settings = Settings {
        diagnostics: Some(Arc::new(move |event: &Event| {
            if let Event::Note(note) = event {
                memory.lock().unwrap().push(note.clone());
            }
        })),
        ..match login {
            Some(login) => with_login(&server, login),
            None => plain,
        }
    };
    run(async {
        drop(server.store(&settings).resolve(&target()).await);
        drop(server.store(&settings).resolve(&target()).await);
    });
    let notes = notes.lock().unwrap();
    notes.clone()
}

#[test]
fn a_warning_is_passed_on_once() {
    assert_eq!(
        warnings(None, "moving soon"),
        ["the registry warns: 299 - \"moving soon\""]
    );
}

#[test]
fn a_warning_that_repeats_the_login_is_dropped() {
    assert_eq!(
        warnings(Some(basic()), "moving soon"),
        ["the registry warns: 299 - \"moving soon\""]
    );
}
