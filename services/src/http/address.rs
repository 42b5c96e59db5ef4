//! Which addresses services may have.

use std::net::IpAddr;

use countersign_formats::clipped;
use reqwest::Url;

use crate::error::{ServiceError, WORDS};

/// The longest address, in bytes.
const ADDRESS_BYTES: usize = 4096;

/// Reads the address of a service: https, or http on this machine, or http anywhere where that was allowed.
///
/// A user name would be sent as a login, and what stands after `?` or `#` has let addresses pass for others (CVE-2026-22772).
pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Url, ServiceError> {
    let url = parse_with_query(text, allow_http)?;
    if url.query().is_some() {
        return Err(refused(&shown(&url), "it has a query"));
    }
    Ok(url)
}

/// Whether the text can be the address of a service at all; whether plain http may be spoken to it is asked when it is used.
///
/// # Errors
/// [`ServiceError::Address`].
pub fn check_address(text: &str) -> Result<(), ServiceError> {
    parse(text, true).map(|_| ())
}

/// As [`parse`], for addresses that come with a query, such as GitHub's token address.
pub(crate) fn parse_with_query(text: &str, allow_http: bool) -> Result<Url, ServiceError> {
    if text.len() > ADDRESS_BYTES {
        return Err(refused(&clipped(text, 64), "it is too long"));
    }
    let unreadable = || {
        let beginning = text.split(['?', '#', '@']).next().unwrap_or_default();
        refused(&clipped(beginning, WORDS), "it is not a URL")
    };
    let url = Url::parse(text).map_err(|_| unreadable())?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(unreadable());
    }
    let refuse = |reason| Err(refused(&shown(&url), reason));
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it holds a user name");
    }
    if url.fragment().is_some() {
        return refuse("it has a fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http || is_loopback(&url) => Ok(url),
        "http" => refuse("it is plain http to another machine"),
        _ => refuse("it is neither http nor https"),
    }
}

/// The URL of a path below a base, whose own path is kept.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let whole = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    url
}

/// Scheme, host and path for messages; a query may hold secrets.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let path = if url.path() == "/" { "" } else { url.path() };
    let query = if url.query().is_some() { "?…" } else { "" };
    clipped(
        &format!("{}://{host}{port}{path}{query}", url.scheme()),
        WORDS,
    )
}

/// Whether the text is a usable address on this machine.
pub(crate) fn is_local(text: &str) -> bool {
    parse(text, true).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn refused(address: &str, reason: &'static str) -> ServiceError {
    ServiceError::Address {
        address: address.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::{below, parse, parse_with_query, shown};

    #[test]
    fn plain_http_stays_on_this_machine() {
        for fine in [
            "https://fulcio.example",
            "http://localhost:6210",
            "http://127.0.0.1:1/x",
            "http://[::1]:2",
        ] {
            assert!(parse(fine, false).is_ok(), "{fine}");
        }
        assert!(parse("http://fulcio.example", true).is_ok());
        for (wrong, reason) in [
            (
                "http://fulcio.example",
                "it is plain http to another machine",
            ),
            (
                "http://localhost.example",
                "it is plain http to another machine",
            ),
            ("ftp://fulcio.example", "it is neither http nor https"),
            ("https://user@fulcio.example", "it holds a user name"),
            ("https://fulcio.example/?a=b", "it has a query"),
            ("https://fulcio.example/#a", "it has a fragment"),
            ("fulcio.example", "it is not a URL"),
        ] {
            let error = parse(wrong, false).unwrap_err();
            assert_eq!(error.code(), "address-refused");
            assert!(error.to_string().ends_with(reason), "{error}");
        }
        assert!(parse_with_query("https://token.example/x?a=b", false).is_ok());
    }

    #[test]
    fn a_path_is_put_below_the_path_of_the_base() {
        let base = parse("https://example/rekor/", false).unwrap();
        assert_eq!(
            below(&base, "api/v2/log/entries").as_str(),
            "https://example/rekor/api/v2/log/entries"
        );
        assert_eq!(
            shown(&parse_with_query("https://example:1/?secret=1", false).unwrap()),
            "https://example:1?…"
        );
    }
}
