//! Predicate types and their short names.

use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::limits::Limits;

/// Predicate type of cosign's image signatures.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// SLSA provenance 0.2.
pub const SLSA_PROVENANCE_V02: &str = "https://slsa.dev/provenance/v0.2";
/// SLSA provenance 1.0, 1.1 and 1.2.
pub const SLSA_PROVENANCE_V1: &str = "https://slsa.dev/provenance/v1";
/// SPDX document.
pub const SPDX: &str = "https://spdx.dev/Document";
/// CycloneDX document.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// OpenVEX document.
pub const OPENVEX: &str = "https://openvex.dev/ns";
/// Result of a vulnerability scan, as cosign wraps it.
pub const VULNERABILITY_SCAN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
/// Anything, as cosign wraps it.
pub const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";
/// In-toto link.
pub const LINK: &str = "https://in-toto.io/Link/v1";

/// Short names, the URI of each, and the prefix of versions that a short name accepts beside the URI.
const ALIASES: [(&str, &str, Option<&str>); 10] = [
    ("custom", CUSTOM, None),
    ("slsaprovenance", SLSA_PROVENANCE_V02, None),
    ("slsaprovenance02", SLSA_PROVENANCE_V02, None),
    ("slsaprovenance1", SLSA_PROVENANCE_V1, None),
    ("spdx", SPDX, Some("https://spdx.dev/Document/v2.")),
    ("spdxjson", SPDX, Some("https://spdx.dev/Document/v2.")),
    (
        "cyclonedx",
        CYCLONEDX,
        Some("https://cyclonedx.org/bom/v1."),
    ),
    ("link", LINK, None),
    ("vuln", VULNERABILITY_SCAN, None),
    ("openvex", OPENVEX, None),
];

/// A predicate type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PredicateType {
    /// The URI; what is written into statements.
    pub uri: String,
    versions: Option<&'static str>,
}

impl PredicateType {
    /// Exactly this URI, and no other.
    pub fn exact(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            versions: None,
        }
    }

    /// Whether a statement whose predicate type is `found` has what was asked for.
    ///
    /// URIs are compared byte by byte; the short names of SPDX and CycloneDX also accept the URI with a version of the
    /// same major number, because producers write both.
    pub fn accepts(&self, found: &str) -> bool {
        let version = self.versions.and_then(|prefix| found.strip_prefix(prefix));
        self.uri == found || version.is_some_and(is_minor_version)
    }
}

/// The predicate type that a short name or a URI stands for.
///
/// # Errors
/// `unsupported` for a short name that is not in the table; `bad-value` for a URI with white space or control
/// characters; `over-limit` for one that is too long.
pub fn resolve(alias_or_uri: &str) -> Result<PredicateType, Error> {
    let refuse = |kind| Error::new(Document::PredicateType, kind);
    if let Some((_, uri, versions)) = ALIASES.iter().find(|(alias, ..)| *alias == alias_or_uri) {
        return Ok(PredicateType {
            uri: (*uri).to_owned(),
            versions: *versions,
        });
    }
    let maximum = Limits::DEFAULT.name_bytes;
    if alias_or_uri.len() > maximum {
        return Err(refuse(ErrorKind::OverLimit {
            limit: "name_bytes",
            maximum: maximum as u64,
        }));
    }
    let scheme = alias_or_uri
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .unwrap_or_default();
    if !is_scheme(scheme) {
        let kind = ErrorKind::Unsupported {
            what: "short name",
            found: excerpt(alias_or_uri),
        };
        return Err(refuse(kind));
    }
    if alias_or_uri
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        let kind = ErrorKind::BadValue {
            expected: "a URI without white space",
            found: excerpt(alias_or_uri),
        };
        return Err(refuse(kind));
    }
    Ok(PredicateType::exact(alias_or_uri))
}

/// The short names that [`resolve`] knows, for messages.
pub fn aliases() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(alias, ..)| *alias)
}

/// One or two digits without a leading zero.
fn is_minor_version(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_resolve_through_the_closed_table() {
        for (alias, uri, versions) in ALIASES {
            let resolved = resolve(alias).unwrap();
            assert_eq!(resolved.uri, uri);
            assert!(resolved.accepts(uri));
            assert_eq!(
                resolved.accepts(&format!("{}3", versions.unwrap_or("https://x/v1."))),
                versions.is_some()
            );
        }
        assert_eq!(
            resolve("https://example.com/x/v1").unwrap(),
            PredicateType::exact("https://example.com/x/v1")
        );
        assert_eq!(resolve("urn:x:y").unwrap().uri, "urn:x:y");
        assert_eq!(aliases().count(), ALIASES.len());
    }

    // N-38
    #[test]
    fn look_alike_predicate_types_are_not_accepted() {
        let spdx = resolve("spdxjson").unwrap();
        for accepted in [
            "https://spdx.dev/Document",
            "https://spdx.dev/Document/v2.3",
            "https://spdx.dev/Document/v2.10",
        ] {
            assert!(spdx.accepts(accepted), "{accepted}");
        }
        for other in [
            "http://spdx.dev/Document",
            "https://spdx.dev/Document/",
            "https://spdx.dev/document",
            "https://spdx.dev/Document/v3.0",
            "https://spdx.dev/Document/v2.",
            "https://spdx.dev/Document/v2.03",
            "https://spdx.dev/Document/v2.3/",
            "https://spdx.dev/Document/v2.3.1",
            "https://spdx.dev/Document/v2.123",
            "https://spdx.dev/Documents",
            "https://spdx.dev/Document\u{200b}",
            "spdxjson",
            "",
        ] {
            assert!(!spdx.accepts(other), "{other}");
        }
        assert!(
            !resolve(SPDX)
                .unwrap()
                .accepts("https://spdx.dev/Document/v2.3")
        );
        for (text, code) in [
            ("spdx-json", "unsupported"),
            ("SPDX", "unsupported"),
            ("", "unsupported"),
            ("1x:y", "unsupported"),
            ("https://x y", "bad-value"),
            ("https://x\n", "bad-value"),
        ] {
            assert_eq!(resolve(text).unwrap_err().code(), code, "{text}");
        }
        assert_eq!(
            resolve(&format!("x:{}", "y".repeat(8 << 10)))
                .unwrap_err()
                .code(),
            "over-limit"
        );
    }
}
