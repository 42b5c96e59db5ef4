//! Challenges, tokens and where logins go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign_formats::Descriptor;
use countersign_proof::digest;
use countersign_registry::{Credential, Event, Keychain, Secret, Settings, Store, Target};

use crate::server::{Answer, Asked, Body, Server, code, image, run, settings};

const PASSWORD: &str = "MARK-password";

fn basic() -> Credential {
    Credential::Basic {
        username: "user".to_owned(),
        password: Secret::new(PASSWORD),
    }
}

/// `user:MARK-password` in base64.
const BASIC: &str = "Basic dXNlcjpNQVJLLXBhc3N3b3Jk";

fn with_login(server: &Server, credential: Credential) -> Settings {
    Settings {
        keychain: Keychain::anonymous().with_login(&server.authority, credential),
        ..settings()
    }
}

fn target() -> Target {
    Target::Tag("1.0".to_owned())
}

/// A registry that wants `authorization` and points at `challenge` without it.
fn wants(
    challenge: impl Fn(&Asked) -> String + Send + Sync + 'static,
    authorization: &'static str,
) -> Server {
    let (bytes, _) = image("image", None);
    Server::start(move |asked| {
        if asked.header("authorization") == Some(authorization) {
            Answer::manifest(bytes.clone())
        } else {
            Answer::status(401).with("WWW-Authenticate", challenge(asked))
        }
    })
}

#[test]
fn basic_is_answered_when_it_is_asked_for() {
    let server = wants(|_| "Basic realm=\"reg\"".to_owned(), BASIC);
    let settings = with_login(&server, basic());
    run(async {
        server.store(&settings).resolve(&target()).await.unwrap();
        server.store(&settings).resolve(&target()).await.unwrap();
    });
    let sent: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.header("authorization").map(str::to_owned))
        .collect();
    // Asked once, then sent along.
    assert_eq!(sent, [None, Some(BASIC.to_owned()), Some(BASIC.to_owned())]);
}

#[test]
fn a_login_that_is_wanted_or_wrong_has_its_own_error() {
    let server = wants(|_| "Basic realm=\"reg\"".to_owned(), BASIC);
    let error = run(server.store(&settings()).resolve(&target())).unwrap_err();
    assert_eq!(error.code(), "login-required");
    assert!(
        error
            .hint()
            .unwrap()
            .contains(&format!("countersign login {}", server.authority))
    );
    let wrong = Credential::Basic {
        username: "user".to_owned(),
        password: Secret::new("MARK-wrong"),
    };
    let error = run(server.store(&with_login(&server, wrong)).resolve(&target())).unwrap_err();
    assert_eq!(error.code(), "login-refused");
    assert!(!format!("{error} {error:?}").contains("MARK"));
    // One anonymous question, then one that asks and one with the login. Not tried again and again: accounts are locked for that.
    assert_eq!(server.asked().len(), 3);
}

/// CVE-2026-59891 (A022): a login is for one host and not for one that looks like it.
#[test]
fn the_login_of_another_registry_is_not_sent() {
    let server = wants(|_| "Basic realm=\"reg\"".to_owned(), BASIC);
    for other in [
        "ghcr.io",
        "0.0.1:5000",
        "127.0.0.1",
        "x.127.0.0.1:1",
        &format!("{}0", server.authority),
        &format!("evil.{}", server.authority),
    ] {
        let settings = Settings {
            keychain: Keychain::anonymous().with_login(other, basic()),
            ..settings()
        };
        assert_eq!(
            code(run(server.store(&settings).resolve(&target()))),
            "login-required",
            "{other}"
        );
    }
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
}

/// A token service that gives each login its own token.
fn token_service() -> Server {
    Server::start(|asked| {
        let token = match asked.header("authorization") {
            Some(BASIC) => "users-token",
            Some(_) => "MARK-other",
            None => "anonymous-token",
        };
        Answer::status(200).body(format!(r#"{{"token":"{token}","expires_in":300}}"#))
    })
}

#[test]
fn a_token_is_fetched_once_with_our_scope_and_kept() {
    let service = token_service();
    let realm = service.url("/token?x=1");
    // The challenge suggests more than we need.
    let challenge = format!(
        "Bearer realm=\"{realm}\",service=\"reg, one\",scope=\"repository:acme/app:pull,push,delete registry:catalog:*\""
    );
    let server = wants(move |_| challenge.clone(), "Bearer anonymous-token");
    let settings = settings();
    run(async {
        server.store(&settings).resolve(&target()).await.unwrap();
        server.store(&settings).resolve(&target()).await.unwrap();
    });
    assert_eq!(
        service.lines(),
        ["GET /token?x=1&service=reg%2C+one&scope=repository%3Aacme%2Fapp%3Apull"]
    );
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_login_goes_to_the_token_service_and_its_token_to_the_registry() {
    let service = token_service();
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\",service=\"reg\""),
        "Bearer users-token",
    );
    let settings = with_login(&server, basic());
    run(server.store(&settings).resolve(&target())).unwrap();
    assert_eq!(service.asked()[0].header("authorization"), Some(BASIC));
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("authorization") != Some(BASIC))
    );
}

/// A cache of tokens by registry alone would serve one caller with another's.
#[test]
fn one_callers_token_is_never_anothers() {
    let service = token_service();
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\""),
        "Bearer users-token",
    );
    let mine = with_login(&server, basic());
    let theirs = Settings {
        keychain: Keychain::anonymous(),
        ..mine.clone()
    };
    run(async {
        server.store(&mine).resolve(&target()).await.unwrap();
        assert_eq!(
            code(server.store(&theirs).resolve(&target()).await),
            "login-required"
        );
    });
    assert_eq!(
        service.asked().last().unwrap().header("authorization"),
        None
    );
}

#[test]
fn ten_requests_at_once_fetch_one_token() {
    let service = token_service();
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\""),
        "Bearer anonymous-token",
    );
    let settings = settings();
    let store = server.store(&settings);
    run(async {
        // The first is asked; the others know.
        store.resolve(&target()).await.unwrap();
        let digest = digest::sha256(b"x");
        drop(tokio::join!(
            store.tags(),
            store.exists(&digest),
            store.tag("x"),
            store.tag("y")
        ));
    });
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn an_identity_token_is_exchanged_by_post() {
    let service = token_service();
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\",service=\"reg\""),
        "Bearer anonymous-token",
    );
    let settings = with_login(
        &server,
        Credential::IdentityToken(Secret::new("re fresh&1")),
    );
    run(server.store(&settings).resolve(&target())).unwrap();
    let asked = service.asked().remove(0);
    assert!(asked.is("POST", "/token"));
    let body = String::from_utf8(asked.body).unwrap();
    assert_eq!(
        body,
        "grant_type=refresh_token&service=reg&scope=repository%3Aacme%2Fapp%3Apull&client_id=countersign&refresh_token=re+fresh%261"
    );
}

#[test]
fn pushing_asks_for_the_right_to_push() {
    let service = token_service();
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\""),
        "Bearer anonymous-token",
    );
    drop(run(server
        .store(&settings())
        .push_blob("x".into(), &digest::sha256(b"x"))));
    assert_eq!(
        service.lines(),
        ["GET /token?scope=repository%3Aacme%2Fapp%3Apull%2Cpush"]
    );
}

/// ECR answers a token that is over with 403, its public side with 400, all others with 401.
#[test]
fn a_kept_token_that_is_refused_is_renewed_once() {
    for refusal in [401, 403, 400] {
        let count = AtomicUsize::new(0);
        let service = Server::start(move |_| {
            Answer::status(200).body(format!(
                r#"{{"token":"t{}"}}"#,
                count.fetch_add(1, Ordering::SeqCst)
            ))
        });
        let challenge = format!("Bearer realm=\"{}\"", service.url("/token"));
        let (bytes, _) = image("image", None);
        let good = Arc::new(AtomicUsize::new(0));
        let wanted = Arc::clone(&good);
        let server = Server::start(move |asked| match asked.header("authorization") {
            Some(sent) if sent == format!("Bearer t{}", wanted.load(Ordering::SeqCst)) => {
                Answer::manifest(bytes.clone())
            }
            Some(_) if refusal != 401 => Answer::status(refusal),
            _ => Answer::status(401).with("WWW-Authenticate", challenge.clone()),
        });
        let settings = settings();
        run(async {
            server.store(&settings).resolve(&target()).await.unwrap();
            good.store(1, Ordering::SeqCst);
            server.store(&settings).resolve(&target()).await.unwrap();
            good.store(99, Ordering::SeqCst);
            let expected = match refusal {
                400 => "registry-error",
                _ => "login-required",
            };
            assert_eq!(
                code(server.store(&settings).resolve(&target()).await),
                expected
            );
        });
        assert_eq!(service.asked().len(), 3, "{refusal}");
    }
}

#[test]
fn a_token_whose_time_is_over_is_fetched_again() {
    for (lifetime, fetched) in [(300, 1), (5, 2), (0, 2)] {
        let service = Server::start(move |_| {
            Answer::status(200).body(format!(r#"{{"token":"t","expires_in":{lifetime}}}"#))
        });
        let challenge = format!("Bearer realm=\"{}\"", service.url("/token"));
        let server = wants(move |_| challenge.clone(), "Bearer t");
        let settings = settings();
        run(async {
            server.store(&settings).resolve(&target()).await.unwrap();
            server.store(&settings).resolve(&target()).await.unwrap();
        });
        assert_eq!(service.asked().len(), fetched, "{lifetime}");
    }
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

#[test]
fn a_token_service_that_lies_or_fails_is_an_error() {
    for (answer, expected) in [
        (Answer::status(200).sends(Body::Endless), "over-limit"),
        (
            Answer::status(200).sends(Body::Announced(1 << 30)),
            "over-limit",
        ),
        (Answer::status(200).body("<html>"), "malformed-document"),
        (Answer::status(200).body("{}"), "malformed-document"),
        (
            Answer::status(200).body(r#"{"token":"a\nb"}"#),
            "bad-response",
        ),
        (Answer::status(401), "login-required"),
        (Answer::status(404), "login-required"),
        (
            Answer::status(307).with("Location", "https://evil.test/"),
            "login-required",
        ),
        (Answer::status(503), "registry-error"),
        (
            Answer::status(429).with("Retry-After", "100"),
            "registry-throttled",
        ),
    ] {
        let service = Server::start(move |_| answer.clone());
        let realm = service.url("/token");
        let server = wants(move |_| format!("Bearer realm=\"{realm}\""), "Bearer x");
        assert_eq!(
            code(run(server.store(&settings()).resolve(&target()))),
            expected
        );
    }
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

#[test]
fn huge_challenges_are_left_unread() {
    let server = Server::start(|_| {
        Answer::status(401).with(
            "WWW-Authenticate",
            format!("Bearer realm=\"http://127.0.0.1/{}\"", "x".repeat(20_000)),
        )
    });
    assert_eq!(
        code(run(server.store(&settings()).resolve(&target()))),
        "login-required"
    );
}

/// A login of ECR lives for twelve hours; a service that reads it once would be shut out from then on.
#[test]
fn a_login_that_is_refused_is_looked_up_once_more() {
    let server = wants(|_| "Basic realm=\"reg\"".to_owned(), BASIC);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    let write = |auth: &str| {
        let text = format!(
            r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
            server.authority
        );
        std::fs::write(&file, text).unwrap();
    };
    let directory = home.path().display().to_string();
    let settings = Settings {
        keychain: Keychain::from_environment(|name| {
            (name == "DOCKER_CONFIG").then(|| directory.clone())
        }),
        ..settings()
    };
    // `user:over`
    write("dXNlcjpvdmVy");
    let store = server.store(&settings);
    assert_eq!(code(run(store.resolve(&target()))), "login-refused");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    // The same login is not tried again and again.
    server.take_asked();
    assert_eq!(code(run(store.resolve(&target()))), "login-refused");
    assert_eq!(server.take_asked().len(), 2);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    write(BASIC.trim_start_matches("Basic "));
    run(store.resolve(&target())).unwrap();
    assert_eq!(server.take_asked().len(), 3);
    run(store.resolve(&target())).unwrap();
    assert_eq!(server.take_asked().len(), 1);
}
