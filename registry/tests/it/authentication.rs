//! Challenges, and the logins that answer them.

use countersign_registry::{Credential, Keychain, Secret, Settings, Store, Target};

use crate::server::{Answer, Asked, Server, code, image, run, settings};

const PASSWORD: &str = "MARK-password";

pub(crate) fn basic() -> Credential {
    Credential::Basic {
        username: "user".to_owned(),
        password: Secret::new(PASSWORD),
    }
}

/// `user:MARK-password` in base64.
pub(crate) const BASIC: &str = "Basic dXNlcjpNQVJLLXBhc3N3b3Jk";

pub(crate) fn with_login(server: &Server, credential: Credential) -> Settings {
    Settings {
        keychain: Keychain::anonymous().with_login(&server.authority, credential),
        ..settings()
    }
}

pub(crate) fn target() -> Target {
    Target::Tag("1.0".to_owned())
}

/// A registry that wants `authorization` and points at `challenge` without it.
pub(crate) fn wants(
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
