//! Which services to sign with: the signing config of version 0.2.

mod read;
mod selection;

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime, Window};

use self::read::read;
pub use self::selection::Selection;
use self::selection::{newest, select};
use crate::error::{ServiceError, ServiceKind};

/// Versions of Fulcio's interface by their number in a signing config: its v2 paths are "major API version 1".
const FULCIO_VERSIONS: &[u64] = &[1];
/// Versions of an issuer's interface.
const ISSUER_VERSIONS: &[u64] = &[1];
/// Versions of Rekor's interface.
const REKOR_VERSIONS: &[u64] = &[2, 1];
/// Versions of a timestamp authority's interface.
const TIMESTAMP_VERSIONS: &[u64] = &[1];

/// A signing config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningConfig {
    /// Certificate authorities that speak Fulcio's interface.
    pub certificate_authorities: Vec<Service>,
    /// Issuers that people log in with.
    pub issuers: Vec<Service>,
    /// Transparency logs.
    pub logs: Vec<Service>,
    /// How many logs.
    pub log_selector: Selector,
    /// Timestamp authorities.
    pub timestamp_authorities: Vec<Service>,
    /// How many timestamp authorities.
    pub timestamp_selector: Selector,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its address.
    pub url: String,
    /// The major version of its interface.
    pub major_version: u64,
    /// When it may be used.
    pub valid: Window,
    /// Who runs it; empty when absent.
    pub operator: String,
}

/// How many services of a kind are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Any one.
    Any,
    /// One of each operator.
    All,
    /// Exactly this many, each of another operator.
    Exact(usize),
    /// The config does not say, which it may only where it names no service of the kind.
    Unspecified,
}

impl Service {
    /// Whether its address is on this machine; what is sent there is not public by that.
    #[must_use]
    pub fn is_local(&self) -> bool {
        crate::http::is_local(&self.url)
    }
}

impl SigningConfig {
    /// Reads a signing config of version 0.2; members it does not know are passed over.
    ///
    /// # Errors
    /// [`ServiceError::SigningConfig`] with `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`,
    /// `bad-value`, or `unsupported` for another media type or selector.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, ServiceError> {
        read(bytes, limits).map_err(|error| ServiceError::SigningConfig(Box::new(error)))
    }

    /// The certificate authority to use at `now`; `None` when the config names none at all.
    ///
    /// # Errors
    /// [`ServiceError::NoService`] when it names some and none can be used.
    pub fn certificate_authority(&self, now: UnixTime) -> Result<Option<&Service>, ServiceError> {
        newest(
            &self.certificate_authorities,
            FULCIO_VERSIONS,
            ServiceKind::Fulcio,
            now,
        )
    }

    /// The issuer to log in with at `now`; `None` when the config names none at all.
    ///
    /// # Errors
    /// [`ServiceError::NoService`] when it names some and none can be used.
    pub fn issuer(&self, now: UnixTime) -> Result<Option<&Service>, ServiceError> {
        newest(&self.issuers, ISSUER_VERSIONS, ServiceKind::Issuer, now)
    }

    /// The logs to use at `now`; an empty selection when the config names none at all.
    ///
    /// # Errors
    /// [`ServiceError::NoService`] when it names some and too few can be used.
    pub fn logs(&self, now: UnixTime) -> Result<Selection, ServiceError> {
        select(
            &self.logs,
            self.log_selector,
            REKOR_VERSIONS,
            ServiceKind::Rekor,
            now,
        )
    }

    /// The timestamp authorities to use at `now`; an empty selection when the config names none at all.
    ///
    /// # Errors
    /// [`ServiceError::NoService`] when it names some and too few can be used.
    pub fn timestamp_authorities(&self, now: UnixTime) -> Result<Selection, ServiceError> {
        select(
            &self.timestamp_authorities,
            self.timestamp_selector,
            TIMESTAMP_VERSIONS,
            ServiceKind::TimestampAuthority,
            now,
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use countersign_formats::{Limits, UnixTime};

    use super::{Selector, SigningConfig};

    const NOW: UnixTime = UnixTime(1_795_532_400); // 2026-11-24T15:00:00Z

    fn parse(text: &str) -> Result<SigningConfig, crate::ServiceError> {
        SigningConfig::parse(&Bytes::copy_from_slice(text.as_bytes()), &Limits::DEFAULT)
    }

    fn with_logs(logs: &[(&str, u64, &str, &str, &str)], selector: &str) -> SigningConfig {
        let logs: Vec<String> = logs
            .iter()
            .map(|(url, version, operator, start, end)| {
                let end = if end.is_empty() { String::new() } else { format!(r#","end":"{end}""#) };
                format!(
                    r#"{{"url":"{url}","majorApiVersion":{version},"validFor":{{"start":"{start}"{end}}},"operator":"{operator}"}}"#
                )
            })
            .collect();
        parse(&format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogUrls":[{}],"rekorTlogConfig":{selector}}}"#,
            logs.join(",")
        ))
        .unwrap()
    }

    fn urls(config: &SigningConfig) -> Result<(Vec<String>, usize), &'static str> {
        let selection = config.logs(NOW).map_err(|error| error.code())?;
        Ok((
            selection
                .candidates
                .into_iter()
                .map(|service| service.url)
                .collect(),
            selection.needed,
        ))
    }

    const LOGS: &[(&str, u64, &str, &str, &str)] = &[
        ("https://old", 1, "a", "2021-01-01T00:00:00Z", ""),
        (
            "https://over",
            2,
            "b",
            "2024-01-01T00:00:00Z",
            "2025-01-01T00:00:00Z",
        ),
        ("https://future", 2, "c", "2027-01-01T00:00:00Z", ""),
        ("https://earlier", 2, "d", "2025-01-01T00:00:00Z", ""),
        ("https://newer", 2, "d", "2026-01-01T00:00:00Z", ""),
        ("https://other", 2, "e", "2025-06-01T00:00:00Z", ""),
        ("https://tomorrow", 3, "f", "2025-06-01T00:00:00Z", ""),
    ];

    #[test]
    fn the_highest_known_version_that_is_open_counts_and_one_log_an_operator() {
        let all = with_logs(LOGS, r#"{"selector":"ALL"}"#);
        assert_eq!(
            urls(&all),
            Ok((
                vec!["https://newer".to_owned(), "https://other".to_owned()],
                2
            ))
        );
        let only_old = with_logs(&LOGS[..3], r#"{"selector":"ALL"}"#);
        assert_eq!(urls(&only_old), Ok((vec!["https://old".to_owned()], 1)));
    }

    #[test]
    fn any_takes_one_and_keeps_the_others_as_stand_ins() {
        let any = with_logs(LOGS, r#"{"selector":"ANY"}"#);
        let (mut candidates, needed) = urls(&any).unwrap();
        candidates.sort();
        assert_eq!(
            (candidates, needed),
            (
                vec!["https://newer".to_owned(), "https://other".to_owned()],
                1
            )
        );
    }

    #[test]
    fn exact_takes_the_count_or_nothing() {
        let two = with_logs(LOGS, r#"{"selector":"EXACT","count":2}"#);
        assert_eq!(urls(&two).map(|(_, needed)| needed), Ok(2));
        let three = with_logs(LOGS, r#"{"selector":"EXACT","count":3}"#);
        assert_eq!(urls(&three), Err("no-service"));
    }

    #[test]
    fn a_config_without_services_asks_for_none_and_one_whose_services_are_over_is_an_error() {
        let none = parse(
            r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#,
        )
        .unwrap();
        assert_eq!(urls(&none), Ok((vec![], 0)));
        assert_eq!(none.log_selector, Selector::Unspecified);
        assert_eq!(none.certificate_authority(NOW).unwrap(), None);
        let over = with_logs(&LOGS[1..2], r#"{"selector":"ANY"}"#);
        assert_eq!(urls(&over), Err("no-service"));
    }

    #[test]
    fn only_loopback_addresses_are_local() {
        let at = |url: &str| {
            with_logs(
                &[(url, 2, "a", "2026-01-01T00:00:00Z", "")],
                "{\"selector\":\"ANY\"}",
            )
        };
        for url in [
            "http://localhost:1",
            "http://127.0.0.9/log",
            "https://[::1]:1",
        ] {
            assert!(at(url).logs[0].is_local(), "{url}");
        }
        for url in [
            "https://rekor.example",
            "https://localhost.example",
            "https://127.0.0.1.example",
            "https://u@localhost",
            "localhost",
            "",
        ] {
            assert!(!at(url).logs[0].is_local(), "{url}");
        }
    }

    #[test]
    fn what_is_not_a_signing_config_is_refused() {
        for (text, code) in [
            ("", "json-syntax"),
            ("{}", "missing-field"),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.1+json"}"#,
                "unsupported",
            ),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","tsaConfig":{"selector":"SOME"}}"#,
                "unsupported",
            ),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","tsaConfig":{"selector":"EXACT"}}"#,
                "bad-value",
            ),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"https://x"}]}"#,
                "missing-field",
            ),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","tsaUrls":[{"url":"https://x","majorApiVersion":1}]}"#,
                "missing-field",
            ),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","mediaType":"x"}"#,
                "duplicate-key",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().code(), code, "{text}");
        }
    }
}
