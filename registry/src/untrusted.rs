//! Each reader of what a registry answers and of logins, without the network: what `fuzz/` feeds. No part of the interface.

use countersign_formats::{ImageIndex, Limits};
use reqwest::header::{HeaderMap, HeaderValue, LINK, WWW_AUTHENTICATE};

use crate::http::{auth, challenge, failure, link, pull};
use crate::keychain::{ConfigFile, Keychain};

/// Whether bytes are an answer of one kind.
pub type Read = fn(&[u8], &Limits) -> bool;

/// Every reader, by the name of what it reads.
pub const READERS: &[(&str, Read)] = &[
    ("challenge", |bytes, _| {
        header(WWW_AUTHENTICATE, bytes).is_some_and(|headers| challenge::choose(&headers).is_some())
    }),
    ("page link", |bytes, _| {
        header(LINK, bytes).is_some_and(|headers| link::next(&headers).is_some())
    }),
    ("token answer", |bytes, _| auth::token_answer(bytes).is_ok()),
    ("list of tags", |bytes, _| pull::tags_of(bytes).is_ok()),
    ("list of referrers", |bytes, limits| {
        ImageIndex::parse_up_to(bytes, None, limits.referrers, limits).is_ok()
    }),
    ("refusal", |bytes, limits| {
        failure::error_words(bytes, &[], limits).0.is_some()
    }),
    ("logins", |bytes, _| {
        Keychain::from_pull_secrets([bytes]).is_ok()
    }),
];

/// Whether a login that is written into these bytes, as a credential file of Docker or podman, is read again, and everything else is
/// kept; `None` when they are no such file.
pub fn credential_file(bytes: &[u8]) -> Option<bool> {
    ConfigFile::holds_logins(bytes)
}

fn header(name: reqwest::header::HeaderName, bytes: &[u8]) -> Option<HeaderMap> {
    let value = HeaderValue::from_bytes(bytes).ok()?;
    Some(HeaderMap::from_iter([(name, value)]))
}
