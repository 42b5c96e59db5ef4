//! Outages: what is waited for, how often is asked again, and what the deadline ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_formats::UnixTime;
use countersign_registry::{Ability, Settings, Store, Target};

use crate::server::{Answer, Body, Server, code, image, run, settings};

fn tag(name: &str) -> Target {
    Target::Tag(name.to_owned())
}

#[test]
fn a_registry_that_is_not_there_is_an_outage() {
    let server = Server::absent();
    let error = run(server.store(&settings()).resolve(&tag("1.0"))).unwrap_err();
    assert_eq!(error.code(), "registry-unreachable");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn an_outage_that_passes_is_waited_for() {
    let (bytes, _) = image("image", None);
    for body in [
        Answer::status(503),
        Answer::status(500),
        Answer::status(429).with("Retry-After", "0"),
        Answer::status(200).sends(Body::Dropped),
    ] {
        let (bytes, count) = (bytes.clone(), AtomicUsize::new(0));
        let server = Server::start(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                body.clone()
            } else {
                Answer::manifest(bytes.clone())
            }
        });
        assert!(run(server.store(&settings()).resolve(&tag("1.0"))).is_ok());
        assert_eq!(server.asked().len(), 2);
    }
}

#[test]
fn an_outage_that_stays_is_asked_three_times() {
    let server = Server::start(|_| Answer::status(503));
    let store = server.store(&settings());
    assert_eq!(code(run(store.resolve(&tag("1.0")))), "registry-error");
    assert_eq!(store.requests(), 3);
}

#[test]
fn a_wait_longer_than_the_deadline_is_not_begun() {
    let server = Server::start(|_| Answer::status(429).with("Retry-After", "3600"));
    let since = Instant::now();
    let error = run(server.store(&settings()).resolve(&tag("1.0"))).unwrap_err();
    assert_eq!(error.code(), "registry-throttled");
    assert!(error.hint().unwrap().contains("3600"));
    assert!(since.elapsed() < Duration::from_secs(2));
    assert_eq!(server.asked().len(), 1);
}

/// The date is compared with the answer's own, whatever the clock here says.
#[test]
fn a_date_to_wait_for_is_as_good_as_seconds() {
    let (bytes, _) = image("image", None);
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let busy = Answer::status(429)
            .with("Date", "Thu, 01 Jan 1998 00:00:00 GMT")
            .with("Retry-After", "Thu, 01 Jan 1998 00:00:02 GMT");
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => busy,
            _ => Answer::manifest(bytes.clone()),
        }
    });
    let since = Instant::now();
    run(server.store(&settings()).resolve(&tag("1.0"))).unwrap();
    assert!(since.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.asked().len(), 2);

    let server = Server::start(|_| {
        Answer::status(503)
            .with("Date", "Thu, 01 Jan 1998 00:00:00 GMT")
            .with("Retry-After", "Thu, 01 Jan 1998 01:00:00 GMT")
    });
    let error = run(server.store(&settings()).resolve(&tag("1.0"))).unwrap_err();
    assert!(error.hint().unwrap().contains("3600"));
    assert_eq!(server.asked().len(), 1);
}

/// The first question of a probe goes out beside the road that the others take.
#[test]
fn a_probe_has_a_deadline_from_its_first_question_on() {
    let server = Server::start(|_| {
        std::thread::sleep(Duration::from_secs(5));
        Answer::status(200)
    });
    let settings = Settings {
        deadline: Duration::from_millis(300),
        ..settings()
    };
    let store = server.store(&settings);
    let since = Instant::now();
    assert_eq!(
        code(run(store.probe(None, UnixTime(0)))),
        "deadline-exceeded"
    );
    assert!(since.elapsed() < Duration::from_millis(1500));
    let offline = Settings {
        offline: true,
        ..settings
    };
    let store = server.store(&offline);
    assert_eq!(code(run(store.probe(None, UnixTime(0)))), "offline");
    assert_eq!(server.connections(), 1);
    let answering = Server::start(|_| Answer::status(200));
    let store = answering.store(&crate::server::settings());
    let probed = run(store.probe(None, UnixTime(0))).unwrap();
    assert_eq!(probed.ability("api-v2"), Ability::Yes);
    assert_eq!(probed.reached, answering.url("/v2/"));
}

/// What is reached with plain http and speaks https says so in a line of text.
#[test]
fn an_address_that_is_no_registry_is_told_with_its_own_words() {
    let words = "Client sent an HTTP request to an HTTPS server.\n";
    let server = Server::start(move |_| Answer::status(400).body(words));
    let error = run(server.store(&settings()).probe(None, UnixTime(0))).unwrap_err();
    assert_eq!(error.code(), "registry-error");
    assert!(error.to_string().contains(words.trim()), "{error}");
    assert!(error.hint().unwrap().contains("--allow-http"));
    // Markup is for browsers, and a page is no message.
    for body in [
        "<html>words</html>".to_owned(),
        "words ".repeat(100),
        "words\x1b[2J".to_owned(),
    ] {
        let server = Server::start(move |_| Answer::status(418).body(body.clone()));
        let error = run(server.store(&settings()).probe(None, UnixTime(0))).unwrap_err();
        assert!(!error.to_string().contains("words"), "{error}");
        assert!(error.hint().unwrap().contains("doctor"));
    }
}

/// N-17: one byte now and then.
#[test]
fn slowness_costs_the_deadline_and_no_more() {
    for body in [Body::Slow, Body::Announced(1000)] {
        let server = Server::start(move |_| Answer::manifest("").sends(body.clone()));
        let settings = Settings {
            deadline: Duration::from_millis(400),
            ..settings()
        };
        let store = server.store(&settings);
        let since = Instant::now();
        assert_eq!(code(run(store.resolve(&tag("1.0")))), "deadline-exceeded");
        assert!(since.elapsed() < Duration::from_millis(1500));
        // The deadline is one for all operations: nothing is left of it.
        let since = Instant::now();
        assert_eq!(code(run(store.resolve(&tag("1.0")))), "deadline-exceeded");
        assert!(since.elapsed() < Duration::from_millis(200));
    }
}
