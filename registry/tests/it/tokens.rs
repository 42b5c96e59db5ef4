//! Tokens: fetched once for a scope, kept for one caller, renewed when their time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_proof::digest;
use countersign_registry::{Credential, Keychain, LoginTried, Secret, Settings, Store};

use crate::authentication::{BASIC, basic, target, wants, with_login};
use crate::server::{Answer, Body, Server, code, image, run, settings};

/// A token service that gives each login its own token.
pub(crate) fn token_service() -> Server {
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

/// No repository is named: a service that refuses one that is not there would refuse a login that is right.
#[test]
fn a_login_is_tried_without_asking_for_any_right() {
    let service = Server::start(|asked| match asked.header("authorization") {
        Some(BASIC) => Answer::status(200).body(r#"{"token":"users-token"}"#),
        _ => Answer::status(401),
    });
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\",service=\"reg\""),
        "Bearer users-token",
    );
    let right = with_login(&server, basic());
    assert_eq!(
        run(server.store(&right).try_login()),
        Ok(LoginTried::Accepted)
    );
    assert_eq!(service.lines(), ["GET /token?service=reg&account=user"]);
    assert_eq!(server.lines(), ["GET /v2/", "GET /v2/"]);
    let wrong = with_login(&server, Credential::of("user", &Secret::new("MARK-wrong")));
    let error = run(server.store(&wrong).try_login()).unwrap_err();
    assert_eq!(error.code(), "login-refused");
    assert!(!error.to_string().contains("MARK"), "{error}");
}

#[test]
fn an_identity_token_is_tried_as_one() {
    let service = Server::start(|asked| {
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        match body.contains("refresh_token=refresh") && !body.contains("scope") {
            true => Answer::status(200).body(r#"{"access_token":"users-token"}"#),
            false => Answer::status(401),
        }
    });
    let realm = service.url("/token");
    let server = wants(
        move |_| format!("Bearer realm=\"{realm}\""),
        "Bearer users-token",
    );
    for (token, tried) in [("refresh", true), ("other", false)] {
        let settings = with_login(&server, Credential::of("<token>", &Secret::new(token)));
        assert_eq!(run(server.store(&settings).try_login()).is_ok(), tried);
    }
}

#[test]
fn a_registry_that_asks_for_no_login_says_nothing_about_one() {
    let server = Server::start(|_| Answer::status(200).body("{}"));
    let settings = with_login(&server, basic());
    let tried = run(server.store(&settings).try_login());
    assert_eq!(tried, Ok(LoginTried::NotAskedFor));
    assert_eq!(server.asked()[0].header("authorization"), None);
    for (status, code) in [(404, "registry-error"), (403, "login-refused")] {
        let server = Server::start(move |_| Answer::status(status));
        let settings = with_login(&server, basic());
        let error = run(server.store(&settings).try_login()).unwrap_err();
        assert_eq!(error.code(), code);
    }
}
