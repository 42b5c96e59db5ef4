//! Answers of timestamp authorities: what is asked, and which timestamps are taken.

use std::time::Instant;

use bytes::Bytes;
use countersign_proof::digest::sha256;
use countersign_services::{ErrorClass, ServiceError, TimestampAuthority};

use super::fixtures::{client, der};
use super::server::Server;

const MESSAGE: &[u8] = b"signature";
const SHA256: [u8; 11] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
];
const SHA512: [u8; 11] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
];

async fn stamp(server: &Server) -> Result<Bytes, ServiceError> {
    TimestampAuthority::new(&client(), &server.url)?
        .stamp(MESSAGE)
        .await
}

/// The nonce of a request, as a whole element: it is what stands before the last three bytes.
fn nonce_of(request: &[u8]) -> Vec<u8> {
    let before = 2 + 3 + 2 + 15 + 34;
    request[before..request.len() - 3].to_vec()
}

/// What a token says, with an element in the place of the nonce.
fn info(algorithm: &[u8], hash: &[u8], nonce: &[u8]) -> Vec<u8> {
    let imprint = der(
        0x30,
        &[&der(0x30, &[algorithm, &[5, 0]]), &der(0x04, &[hash])],
    );
    der(
        0x30,
        &[
            &[2, 1, 1],
            &[6, 2, 0x2a, 3],
            &imprint,
            &[2, 1, 9],
            &der(0x18, &[b"20261124150000Z"]),
            nonce,
        ],
    )
}

fn token(info: &[u8]) -> Vec<u8> {
    let content = der(0xa0, &[&der(0x04, &[info])]);
    let encapsulated = der(0x30, &[&[6, 2, 0x2a, 3], &content]);
    let signed = der(
        0x30,
        &[&[2, 1, 3], &der(0x31, &[]), &encapsulated, &der(0x31, &[])],
    );
    der(0x30, &[&[6, 2, 0x2a, 3], &der(0xa0, &[&signed])])
}

fn granted(token: &[u8]) -> Vec<u8> {
    der(0x30, &[&der(0x30, &[&[2, 1, 0]]), token])
}

fn good(nonce: &[u8]) -> Vec<u8> {
    granted(&token(&info(&SHA256, sha256(MESSAGE).as_bytes(), nonce)))
}

#[tokio::test]
async fn a_timestamp_with_our_nonce_is_taken_byte_for_byte() {
    let server = Server::making(|request| (201, good(&nonce_of(&request.body))));
    let stamped = stamp(&server).await.unwrap();
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(stamped, good(&nonce_of(&request.body)));
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.header("content-type"),
        Some("application/timestamp-query")
    );
    assert!(
        request.body.ends_with(&[1, 1, 0xff]),
        "certificates are asked for"
    );
}

#[tokio::test]
async fn each_request_has_another_nonce() {
    let server = Server::making(|request| (200, good(&nonce_of(&request.body))));
    stamp(&server).await.unwrap();
    stamp(&server).await.unwrap();
    let requests = server.requests();
    assert_ne!(nonce_of(&requests[0].body), nonce_of(&requests[1].body));
}

#[tokio::test]
async fn a_timestamp_without_or_with_another_nonce_is_refused() {
    let long = der(0x02, &[&[0x7f; 50_000]]);
    for (nonce, code) in [
        (vec![], "timestamp-nonce-missing"),
        (vec![2, 1, 1], "timestamp-nonce-differs"),
        (vec![2, 1, 0xff], "timestamp-nonce-differs"),
        (long, "timestamp-nonce-differs"),
    ] {
        let server = Server::making(move |_| (200, good(&nonce)));
        let since = Instant::now();
        let error = stamp(&server).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.class(), ErrorClass::Answer);
        assert!(since.elapsed().as_millis() < 1000);
    }
    let twice = Server::making(|request| {
        let nonce = nonce_of(&request.body);
        (200, good(&[nonce.clone(), nonce].concat()))
    });
    assert_eq!(stamp(&twice).await.unwrap_err().code(), "malformed-answer");
}

#[tokio::test]
async fn a_timestamp_of_another_message_is_refused() {
    for (algorithm, hash) in [
        (SHA256, sha256(b"other").as_bytes().to_vec()),
        (SHA512, sha256(MESSAGE).as_bytes().to_vec()),
        (SHA256, vec![]),
    ] {
        let server = Server::making(move |request| {
            let nonce = nonce_of(&request.body);
            (200, granted(&token(&info(&algorithm, &hash, &nonce))))
        });
        let error = stamp(&server).await.unwrap_err();
        assert_eq!(error.code(), "timestamp-for-another-message", "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_passed_on_with_its_words_even_beside_a_token() {
    let words = der(0x30, &[&der(0x0c, &[b"no such algorithm"])]);
    let status = der(0x30, &[&[2, 1, 2], &words, &[3, 2, 7, 0x80]]);
    let without = der(0x30, &[&status]);
    let server = Server::always(200, without);
    let error = stamp(&server).await.unwrap_err();
    assert_eq!(error.code(), "request-refused");
    assert!(
        error.to_string().ends_with("status 2: no such algorithm"),
        "{error}"
    );

    let server = Server::making(move |request| {
        let info = info(
            &SHA256,
            sha256(MESSAGE).as_bytes(),
            &nonce_of(&request.body),
        );
        (200, der(0x30, &[&status, &token(&info)]))
    });
    assert_eq!(stamp(&server).await.unwrap_err().code(), "request-refused");
    let granted_without_token = Server::always(200, der(0x30, &[&der(0x30, &[&[2, 1, 0]])]));
    assert_eq!(
        stamp(&granted_without_token).await.unwrap_err().code(),
        "request-refused"
    );
}

#[tokio::test]
async fn every_beginning_of_a_response_and_what_follows_one_is_refused() {
    let whole = good(&[2, 1, 1]);
    for end in 0..whole.len() {
        let server = Server::always(200, &whole[..end]);
        let error = stamp(&server).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Answer, "{end}: {error}");
        assert_ne!(error.code(), "timestamp-nonce-differs", "{end}");
    }
    let server = Server::always(200, [&whole[..], &[0]].concat());
    assert_eq!(stamp(&server).await.unwrap_err().code(), "malformed-answer");
}
