//! Which services to sign with: the signing config of version 0.2, and what its selectors ask for.

use std::collections::HashSet;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::Bytes;
use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, ErrorKind, Limits, UnixTime, Window};

use crate::bounded_text::clipped;
use crate::error::{ErrorClass, ServiceError, ServiceKind};

/// The media type of version 0.2, in both spellings.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "application/vnd.dev.sigstore.signingconfig+json;version=0.2",
];
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

/// Services that may be used now, the newest first and one an operator, and how many of them are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The candidates; those after the first `needed` stand in for one that is down.
    pub candidates: Vec<Service>,
    /// How many are needed.
    pub needed: usize,
}

impl SigningConfig {
    /// Reads a signing config of version 0.2; members it does not know are passed over.
    ///
    /// # Errors
    /// [`ServiceError::SigningConfig`] with `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`,
    /// `bad-value`, or `unsupported` for another media type or selector.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, ServiceError> {
        Self::read(bytes, limits).map_err(|error| ServiceError::SigningConfig(Box::new(error)))
    }

    fn read(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let cap = ("trusted_root_bytes", limits.trusted_root_bytes);
        let mut reader = Reader::from_bytes(Document::Json, bytes, cap, limits)?;
        let mut media_type = None;
        let mut config = Self {
            certificate_authorities: Vec::new(),
            issuers: Vec::new(),
            logs: Vec::new(),
            log_selector: Selector::Unspecified,
            timestamp_authorities: Vec::new(),
            timestamp_selector: Selector::Unspecified,
        };
        reader.object(|reader, name| {
            match name {
                "mediaType" => media_type = Some(read_media_type(reader)?),
                "caUrls" => config.certificate_authorities = read_services(reader, limits)?,
                "oidcUrls" => config.issuers = read_services(reader, limits)?,
                "rekorTlogUrls" => config.logs = read_services(reader, limits)?,
                "tsaUrls" => config.timestamp_authorities = read_services(reader, limits)?,
                "rekorTlogConfig" => config.log_selector = read_selector(reader)?,
                "tsaConfig" => config.timestamp_selector = read_selector(reader)?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        reader.required("mediaType", media_type)?;
        for (services, selector, member) in [
            (&config.logs, config.log_selector, "rekorTlogConfig"),
            (
                &config.timestamp_authorities,
                config.timestamp_selector,
                "tsaConfig",
            ),
        ] {
            let said = services.is_empty() || selector != Selector::Unspecified;
            reader.required(member, said.then_some(()))?;
        }
        reader.end()?;
        Ok(config)
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

impl Selection {
    /// Asks as many services as are needed, all at once; one that cannot be reached is replaced by the next candidate.
    ///
    /// # Errors
    /// The error of the last service that failed, when there are no candidates left; any error that is not the network's at once.
    pub async fn gather<T, F>(
        &self,
        mut ask: impl FnMut(Service) -> F,
    ) -> Result<Vec<T>, ServiceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        let mut candidates = self.candidates.iter();
        let mut asking = tokio::task::JoinSet::new();
        for (index, candidate) in candidates.by_ref().take(self.needed).enumerate() {
            let answer = ask(candidate.clone());
            asking.spawn(async move { (index, answer.await) });
        }
        let mut answers = Vec::new();
        while let Some(joined) = asking.join_next().await {
            let (index, answer) =
                joined.map_err(|error| ServiceError::configuration(error.to_string()))?;
            match answer {
                Ok(answer) => answers.push((index, answer)),
                // A service that is down may be replaced; one that answers wrongly is to be known of.
                Err(error) if error.class() == ErrorClass::Network => {
                    let Some(next) = candidates.next() else {
                        return Err(error);
                    };
                    let answer = ask(next.clone());
                    asking.spawn(async move { (index, answer.await) });
                }
                Err(error) => return Err(error),
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// The services that can be used at `now` with the highest version that some of them have, the newest first.
fn usable<'a>(services: &'a [Service], versions: &[u64], now: UnixTime) -> Vec<&'a Service> {
    let open: Vec<&Service> = services
        .iter()
        .filter(|service| service.valid.contains(now))
        .collect();
    let version = versions
        .iter()
        .filter(|version| {
            open.iter()
                .any(|service| service.major_version == **version)
        })
        .max();
    let mut usable: Vec<&Service> = open
        .into_iter()
        .filter(|service| Some(&service.major_version) == version)
        .collect();
    usable.sort_by_key(|service| std::cmp::Reverse(service.valid.start));
    usable
}

fn newest<'a>(
    services: &'a [Service],
    versions: &[u64],
    kind: ServiceKind,
    now: UnixTime,
) -> Result<Option<&'a Service>, ServiceError> {
    let found = usable(services, versions, now).into_iter().next();
    if found.is_none() && !services.is_empty() {
        let (wanted, found) = (1, 0);
        return Err(ServiceError::NoService {
            kind,
            wanted,
            found,
        });
    }
    Ok(found)
}

fn select(
    services: &[Service],
    selector: Selector,
    versions: &[u64],
    kind: ServiceKind,
    now: UnixTime,
) -> Result<Selection, ServiceError> {
    // At most one an operator: two logs of one operator are one witness.
    let mut operators = HashSet::new();
    let mut candidates: Vec<Service> = usable(services, versions, now)
        .into_iter()
        .filter(|service| operators.insert(service.operator.as_str()))
        .cloned()
        .collect();
    let found = candidates.len();
    let needed = match selector {
        _ if services.is_empty() => 0,
        Selector::Any | Selector::Unspecified => 1,
        Selector::All => found.max(1),
        Selector::Exact(count) => count,
    };
    if found < needed {
        let wanted = needed;
        return Err(ServiceError::NoService {
            kind,
            wanted,
            found,
        });
    }
    if selector == Selector::Any && found > 1 {
        // Clients spread over the operators; nothing secret depends on the choice.
        let random = RandomState::new().build_hasher().finish();
        candidates.rotate_left(usize::try_from(random % found as u64).unwrap_or_default());
    }
    Ok(Selection { candidates, needed })
}

fn read_media_type(reader: &mut Reader<'_>) -> Result<(), Error> {
    let text = reader.string()?;
    if MEDIA_TYPES.contains(&text.as_ref()) {
        return Ok(());
    }
    Err(reader.error(ErrorKind::Unsupported {
        what: "signing config media type",
        found: clipped(&text, 120),
    }))
}

fn read_services(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Service>, Error> {
    reader.capped_list(("trust_instances", limits.trust_instances), |reader| {
        let name_cap = ("name_bytes", limits.name_bytes);
        let (mut url, mut major_version, mut operator) = (None, None, String::new());
        let mut valid = Window::ALWAYS;
        reader.object(|reader, name| {
            match name {
                "url" => url = Some(reader.capped_string(name_cap)?.into_owned()),
                "majorApiVersion" => major_version = Some(reader.whole_number()?),
                "operator" => operator = reader.capped_string(name_cap)?.into_owned(),
                "validFor" => valid = read_window(reader)?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        Ok(Service {
            url: reader.required("url", url)?,
            major_version: reader.required("majorApiVersion", major_version)?,
            valid,
            operator,
        })
    })
}

fn read_window(reader: &mut Reader<'_>) -> Result<Window, Error> {
    let mut window = Window::ALWAYS;
    reader.object(|reader, name| {
        let place = match name {
            "start" => &mut window.start,
            "end" => &mut window.end,
            _ => return reader.ignore(),
        };
        let text = reader.string()?;
        *place = Some(
            UnixTime::parse_rfc3339(&text).map_err(|error| error.in_document(Document::Json))?,
        );
        Ok(())
    })?;
    Ok(window)
}

fn read_selector(reader: &mut Reader<'_>) -> Result<Selector, Error> {
    let (mut selector, mut count) = (String::new(), 0);
    reader.object(|reader, name| {
        match name {
            "selector" => selector = reader.string()?.into_owned(),
            "count" if reader.peek()? == Kind::Null => reader.null()?,
            "count" => count = reader.whole_number()?,
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    match selector.as_str() {
        "ANY" => Ok(Selector::Any),
        "ALL" => Ok(Selector::All),
        "EXACT" if count > 0 => Ok(Selector::Exact(
            usize::try_from(count).unwrap_or(usize::MAX),
        )),
        "EXACT" => Err(reader.bad_value("a count of at least 1", "0")),
        // Protobuf JSON leaves zeros out, and UNDEFINED is zero: a config without services writes it so.
        "" | "SERVICE_SELECTOR_UNDEFINED" => Ok(Selector::Unspecified),
        other => Err(reader.error(ErrorKind::Unsupported {
            what: "service selector",
            found: clipped(other, 120),
        })),
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
