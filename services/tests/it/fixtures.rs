//! Keys, tokens, certificates and settings for the tests.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_formats::{KeyKind, Limits, PublicKey, UnixTime};
use countersign_services::identity::{CheckedToken, Expected, IdentityToken};
use countersign_services::{Client, Settings};
use countersign_sign::PrivateKey;
use serde_json::Value;

/// 2026-11-24T15:00:00Z
pub(crate) const NOW: UnixTime = UnixTime(1_795_532_400);

pub(crate) static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::generate(KeyKind::EcdsaP256).unwrap());
pub(crate) static OTHER_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::generate(KeyKind::EcdsaP256).unwrap());

/// Settings that fail fast.
pub(crate) fn settings() -> Settings {
    Settings {
        deadline: Duration::from_secs(5),
        attempt: Duration::from_secs(2),
        attempts: 2,
        ..Settings::default()
    }
}

pub(crate) fn client() -> Client {
    Client::new(settings())
}

pub(crate) fn token_text(claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"ES256"}"#),
        part(&claims.to_string()),
        part("signature")
    )
}

pub(crate) fn good_claims() -> Value {
    serde_json::json!({
        "iss": "https://issuer.example", "sub": "repo:o/r", "aud": "sigstore",
        "exp": NOW.0 + 60, "email": "a@b.c", "email_verified": true,
    })
}

pub(crate) fn token() -> CheckedToken {
    IdentityToken::parse(&token_text(&good_claims()), &Limits::DEFAULT)
        .unwrap()
        .check(&Expected::default(), NOW)
        .unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A DER element.
pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    match content.len() {
        length @ 0..128 => element.push(u8::try_from(length).unwrap()),
        length @ 128..256 => element.extend([0x81, u8::try_from(length).unwrap()]),
        length => {
            element.push(0x83);
            element.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes()[1..]);
        }
    }
    if (256..65536).contains(&content.len()) {
        element.remove(2);
        element[1] = 0x82;
    }
    element.extend_from_slice(&content);
    element
}

/// A certificate that nobody signed; times as UTCTime.
pub(crate) fn certificate(key: &PublicKey, from: &str, until: &str) -> Vec<u8> {
    let version = der(0xa0, &[&der(0x02, &[&[2]])]);
    let algorithm = der(0x30, &[&der(0x06, &[&[0x2a, 0x03]])]);
    let validity = der(
        0x30,
        &[
            &der(0x17, &[from.as_bytes()]),
            &der(0x17, &[until.as_bytes()]),
        ],
    );
    let name = der(0x30, &[]);
    let body = der(
        0x30,
        &[
            &version,
            &der(0x02, &[&[1]]),
            &algorithm,
            &name,
            &validity,
            &name,
            key.spki(),
        ],
    );
    der(0x30, &[&body, &algorithm, &der(0x03, &[&[0]])])
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    countersign_formats::write_pem(label, der)
}
