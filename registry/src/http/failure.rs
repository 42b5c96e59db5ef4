//! What is said of an exchange that failed.

use countersign_formats::{Limits, clipped};
use reqwest::Url;

use super::{origin, proxy};
use crate::error::{Outage, StoreError};

/// Longest body of plain text that is passed on as a message, in bytes.
const SENTENCE_BYTES: usize = 128;

/// The error of a connection that was not made, or broke.
pub(super) fn broken(url: &Url, error: reqwest::Error) -> StoreError {
    let temporary = !error.is_connect() && !error.is_builder();
    let proxy = error.is_connect().then(|| proxy::named_for(url)).flatten();
    let mut detail = explained(error);
    if let Some(variable) = proxy {
        detail.push_str(&format!(
            " (by the proxy of `{variable}`, unless `NO_PROXY` names this host)"
        ));
    }
    StoreError::Unavailable {
        registry: origin::authority(url),
        outage: Outage::Connection { detail, temporary },
    }
}

/// The chain of causes, without the URL, whose query may hold secrets, and without the library's general words.
fn explained(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut parts = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        parts.push(next.to_string());
        cause = next.source();
    }
    parts.dedup();
    let general = [
        "error sending request",
        "client error (",
        "request or response body error",
    ];
    let is_general = |part: &str| general.iter().any(|start| part.starts_with(start));
    let last = parts.len().saturating_sub(1);
    let telling = parts.iter().enumerate();
    let telling = telling.filter(|(place, part)| *place == last || !is_general(part));
    let text: Vec<&str> = telling.map(|(_, part)| part.as_str()).collect();
    clipped(&text.join(": "), 512)
}

/// The first `code` and message of a registry's error body, if it is one and repeats none of `secrets`.
pub(crate) fn error_words(
    body: &[u8],
    secrets: &[&str],
    limits: &Limits,
) -> (Option<String>, Option<String>) {
    if body.len() as u64 > limits.error_body_bytes {
        return (None, None);
    }
    // A registry may repeat what it was sent; a message is not worth a password.
    let is_plain = |message: &&str| {
        !message.is_empty()
            && !secrets
                .iter()
                .any(|secret| !secret.is_empty() && message.contains(secret))
    };
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return (None, sentence(body).filter(is_plain).map(str::to_owned));
    };
    let Some(first) = body.get("errors").and_then(|errors| errors.get(0)) else {
        return (None, None);
    };
    let word = |name: &str| first.get(name).and_then(serde_json::Value::as_str);
    let code = word("code").filter(|code| {
        code.len() <= 64
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    });
    let message = word("message").filter(is_plain);
    (
        code.map(str::to_owned),
        message.map(|message| clipped(message, 256)),
    )
}

/// A body that is one short line of text and no markup: what servers and proxies say that do not speak the registry's API.
fn sentence(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_line = text.len() <= SENTENCE_BYTES && !text.chars().any(char::is_control);
    (is_line && !text.starts_with(['<', '{', '['])).then_some(text)
}
