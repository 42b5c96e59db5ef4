//! What every client does when a service is down, slow, throttling, broken, endless or leads elsewhere.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countersign_formats::Limits;
use countersign_proof::Scheme;
use countersign_proof::digest::sha256;
use countersign_services::identity::{AUDIENCE, Ambient, Issuer};
use countersign_services::rekor::LoggedContent;
use countersign_services::{
    Client, ErrorClass, Event, Fulcio, Rekor, RekorVersion, Secret, ServiceError, Settings,
    Submission, TimestampAuthority,
};

use super::fixtures::{KEY, NOW, client, settings, token};
use super::server::{Server, Step, nobody};

type Asking<'a> = Pin<Box<dyn Future<Output = Result<(), ServiceError>> + 'a>>;
/// One client, asked once.
type Ask = for<'a> fn(&'a Client, &'a str) -> Asking<'a>;

const CLIENTS: [(&str, Ask); 6] = [
    ("fulcio", ask_fulcio),
    ("rekor 1", |client, url| {
        ask_rekor(client, url, RekorVersion::V1)
    }),
    ("rekor 2", |client, url| {
        ask_rekor(client, url, RekorVersion::V2)
    }),
    ("timestamp authority", |client, url| {
        Box::pin(async move {
            let authority = TimestampAuthority::new(client, url)?;
            authority.stamp(b"signature").await.map(|_| ())
        })
    }),
    ("token source", |client, url| {
        Box::pin(async move {
            let ambient = Ambient::GitHubActions {
                url: Secret::new(format!("{url}/token?x=1")),
                token: Secret::new("runner"),
            };
            ambient.fetch(client, AUDIENCE).await.map(|_| ())
        })
    }),
    ("issuer", |client, url| {
        Box::pin(async move { Issuer::discover(client, url).await.map(|_| ()) })
    }),
];

fn ask_fulcio<'a>(client: &'a Client, url: &'a str) -> Asking<'a> {
    Box::pin(async move {
        let sign = |message: &[u8]| KEY.sign(Scheme::EcdsaP256Sha256, message);
        let fulcio = Fulcio::new(client, url)?;
        let certified = fulcio.certify(&token(), KEY.public_key(), NOW, sign).await;
        certified.map(|_| ())
    })
}

fn ask_rekor<'a>(client: &'a Client, url: &'a str, version: RekorVersion) -> Asking<'a> {
    Box::pin(async move {
        let submission = Submission {
            content: LoggedContent::Message {
                digest: sha256(b"artifact"),
                signature: b"signature",
            },
            key: KEY.public_key(),
            scheme: Scheme::EcdsaP256Sha256,
            certificate: None,
        };
        let rekor = Rekor::new(client, url, version)?;
        rekor.enter(&submission).await.map(|_| ())
    })
}

async fn error_of(ask: Ask, client: &Client, url: &str) -> ServiceError {
    ask(client, url).await.unwrap_err()
}

#[tokio::test]
async fn a_service_that_is_down_is_a_network_error() {
    for (name, ask) in CLIENTS {
        let error = error_of(ask, &client(), &nobody()).await;
        assert_eq!(error.code(), "service-unreachable", "{name}: {error}");
        assert_eq!(error.class(), ErrorClass::Network);
        assert!(error.hint().is_some());
    }
}

#[tokio::test]
async fn a_service_that_hangs_up_is_asked_again() {
    for (name, ask) in CLIENTS {
        let server = Server::start(vec![Step::Hangup]);
        let error = error_of(ask, &client(), &server.url).await;
        assert_eq!(error.code(), "service-unreachable", "{name}: {error}");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_silent_service_is_given_up_on_in_time() {
    let hasty = Client::new(Settings {
        deadline: Duration::from_millis(900),
        attempt: Duration::from_millis(300),
        attempts: 50,
        ..settings()
    });
    for (name, ask) in CLIENTS {
        let server = Server::start(vec![Step::Silence]);
        let since = Instant::now();
        let error = error_of(ask, &hasty, &server.url).await;
        assert!(
            matches!(error.code(), "deadline-exceeded" | "service-too-slow"),
            "{name}: {error}"
        );
        assert_eq!(error.class(), ErrorClass::Network);
        assert!(since.elapsed() < Duration::from_millis(1800), "{name}");
        assert!(server.requests().len() >= 2, "{name}");
    }
}

#[tokio::test]
async fn throttling_is_obeyed_and_told() {
    let throttled = |seconds: u64| {
        let after = vec![("Retry-After", seconds.to_string())];
        Step::Answer(429, after, br#"{"message":"slow down"}"#.to_vec())
    };
    for (name, ask) in CLIENTS {
        // One second fits into the deadline: it is waited for, then the next answer counts.
        let server = Server::start(vec![throttled(1), Step::Answer(404, vec![], vec![])]);
        let since = Instant::now();
        let error = error_of(ask, &client(), &server.url).await;
        assert_eq!(error.code(), "request-refused", "{name}: {error}");
        assert!(since.elapsed() >= Duration::from_secs(1), "{name}");
        assert_eq!(server.requests().len(), 2);

        // A hundred do not: the error says so at once.
        let server = Server::start(vec![throttled(100)]);
        let since = Instant::now();
        let error = error_of(ask, &client(), &server.url).await;
        assert_eq!(error.code(), "service-throttled", "{name}: {error}");
        assert_eq!(error.hint().unwrap(), "try again in 100 s");
        assert!(error.to_string().ends_with("429: slow down"), "{error}");
        assert!(since.elapsed() < Duration::from_secs(1), "{name}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_broken_service_is_asked_as_often_as_was_said() {
    for status in [500, 502, 503, 504] {
        for (name, ask) in CLIENTS {
            let server = Server::always(status, "<html>oops</html>");
            let error = error_of(ask, &client(), &server.url).await;
            assert_eq!(error.code(), "service-error", "{name}: {error}");
            assert_eq!(error.class(), ErrorClass::Network);
            assert_eq!(server.requests().len(), 2, "{name}");
        }
    }
}

#[tokio::test]
async fn garbage_is_an_answer_of_no_use_and_asked_for_once() {
    for garbage in [
        &b""[..],
        b"{",
        b"<html>",
        b"\xff\xfe",
        b"[[]]",
        b"{}",
        b"null",
    ] {
        for (name, ask) in CLIENTS {
            let server = Server::always(200, garbage);
            let error = error_of(ask, &client(), &server.url).await;
            assert_eq!(
                error.code(),
                "malformed-answer",
                "{name} {garbage:?}: {error}"
            );
            assert_eq!(error.class(), ErrorClass::Answer);
            assert_eq!(server.requests().len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    for (name, ask) in CLIENTS {
        let server = Server::start(vec![Step::Endless]);
        let error = error_of(ask, &client(), &server.url).await;
        assert_eq!(error.code(), "over-limit", "{name}: {error}");
        assert_eq!(error.class(), ErrorClass::Answer);
    }
}

#[tokio::test]
async fn an_answer_that_says_it_is_packed_is_not_unpacked() {
    for (name, ask) in CLIENTS {
        let packed = vec![("Content-Encoding", "gzip".to_owned())];
        let server = Server::start(vec![Step::Answer(200, packed, b"{}".to_vec())]);
        let error = error_of(ask, &client(), &server.url).await;
        assert_eq!(error.code(), "malformed-answer", "{name}: {error}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_token_goes_elsewhere() {
    for status in [301, 302, 303, 307, 308] {
        for (name, ask) in CLIENTS {
            let elsewhere = Server::always(200, "{}");
            let location = vec![("Location", format!("{}/x", elsewhere.url))];
            let server = Server::start(vec![Step::Answer(status, location, vec![])]);
            let error = error_of(ask, &client(), &server.url).await;
            assert_eq!(error.code(), "request-refused", "{name}: {error}");
            assert_eq!(elsewhere.requests().len(), 0, "{name}");
        }
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    for (name, ask) in CLIENTS {
        let error = error_of(ask, &client(), "http://fulcio.example").await;
        assert_eq!(error.code(), "address-refused", "{name}: {error}");
        assert_eq!(error.class(), ErrorClass::Configuration);
    }
}

#[tokio::test]
async fn words_of_a_service_are_cut_and_never_repeat_the_token() {
    let server = Server::making(|request| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        let message = serde_json::json!({ "message": sent });
        (400, message.to_string().into_bytes())
    });
    let error = error_of(ask_fulcio, &client(), &server.url).await;
    let text = token_text();
    assert!(!format!("{error} {error:?}").contains(&text));
    let long = serde_json::json!({ "message": "x".repeat(10_000) }).to_string();
    let server = Server::always(400, long);
    let error = error_of(ask_fulcio, &client(), &server.url).await;
    assert!(error.to_string().len() < 700);
}

fn token_text() -> String {
    super::fixtures::token_text(&super::fixtures::good_claims())
}

#[tokio::test]
async fn nothing_that_is_told_of_a_request_holds_a_secret() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&told);
    let telling = Client::new(Settings {
        diagnostics: Some(Arc::new(move |event: &Event| {
            ears.lock().unwrap().push(format!("{event:?}"));
        })),
        limits: Limits::DEFAULT,
        ..settings()
    });
    for (_, ask) in CLIENTS {
        let server = Server::always(503, r#"{"message":"later"}"#);
        error_of(ask, &telling, &server.url).await;
    }
    let told = told.lock().unwrap().join("\n");
    assert!(told.contains("Again") && told.contains("Request"));
    assert!(!told.contains(&token_text()) && !told.contains("runner") && !told.contains("x=1"));
}

#[tokio::test]
async fn a_pause_that_one_was_asked_for_is_kept_by_all_of_the_same_client() {
    let patient = Client::new(Settings {
        patience: Duration::from_secs(30),
        deadline: Duration::from_millis(1500),
        ..settings()
    });
    let told = vec![("Retry-After", "2".to_owned())];
    let server = Server::start(vec![
        Step::Answer(429, told, vec![]),
        Step::Answer(404, vec![], vec![]),
    ]);
    let since = Instant::now();
    let first = async {
        let error = ask_rekor(&patient, &server.url, RekorVersion::V2).await;
        (error.unwrap_err(), since.elapsed())
    };
    let second = async {
        // The first has been told by now; this one has not asked yet.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(server.requests().len(), 1);
        let error = ask_rekor(&patient, &server.url, RekorVersion::V2).await;
        (error.unwrap_err(), since.elapsed())
    };
    let (first, second) = tokio::join!(first, second);
    for (error, elapsed) in [first, second] {
        assert_eq!(error.code(), "request-refused", "{error}");
        // Longer than the deadline of the operation, which does not run while a service wants to be left alone.
        assert!(elapsed >= Duration::from_secs(2), "{elapsed:?}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_service_that_asks_for_ever_longer_pauses_is_given_up_on() {
    let patient = Client::new(Settings {
        patience: Duration::from_millis(2500),
        ..settings()
    });
    let told = vec![("Retry-After", "1".to_owned())];
    let server = Server::start(vec![Step::Answer(429, told, vec![])]);
    let since = Instant::now();
    let error = error_of(ask_fulcio, &patient, &server.url).await;
    assert_eq!(error.code(), "service-throttled", "{error}");
    assert!(since.elapsed() < Duration::from_secs(8));
}
