//! Whoever signed, told apart by what a policy can name and does not change from one release to the next.

use std::collections::BTreeSet;

use countersign_proof::{CertificateIdentity, Signer, Verified};

use crate::claims::CertificateClaim;
use crate::github;
use crate::pattern::Pattern;
use crate::proposal::ProposalError;

/// Most values that a pattern lists one by one.
const LISTED: usize = 16;

/// One signer over several images.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    /// The holder of a key, by the key's digest.
    Key(String),
    /// Somebody whom an issuer vouches for.
    Person { issuer: String, name: String },
    /// The holder of a certificate of an own authority, which names no issuer.
    Certificate { name: String },
    /// A build of a repository.
    Build(Box<Build>),
}

/// What stays the same from one build to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Build {
    pub(super) issuer: String,
    /// The source repository's URI.
    pub(super) repository: String,
    /// The instructions that the build was started with, without the ref.
    pub(super) config: Option<String>,
    /// The name in the certificate without the ref: the instructions that signed.
    pub(super) signer: String,
    pub(super) runner: Option<String>,
    pub(super) identifier: Option<String>,
}

impl Holder {
    /// Who signed; `None` where a policy has no words for it.
    pub(super) fn of(signer: &Signer) -> Option<Self> {
        match signer {
            Signer::Key(id) => Some(Self::Key(id.to_string())),
            Signer::Fulcio(certificate) => {
                let name = certificate.san.value().to_owned();
                let Some(issuer) = certificate.issuer.clone() else {
                    return Some(Self::Certificate { name });
                };
                let claim = |claim| value(certificate, claim);
                match claim(CertificateClaim::SourceRepositoryUri) {
                    None => Some(Self::Person { issuer, name }),
                    Some(repository) => Some(Self::Build(Box::new(Build {
                        issuer,
                        repository,
                        config: claim(CertificateClaim::BuildConfigUri).map(without_ref),
                        signer: without_ref(name),
                        runner: claim(CertificateClaim::RunnerEnvironment),
                        identifier: claim(CertificateClaim::SourceRepositoryIdentifier),
                    }))),
                }
            }
            _ => None,
        }
    }

    /// What a policy may call it.
    pub(super) fn suggested_name(&self) -> String {
        let text = match self {
            Self::Key(id) => format!("key-{}", id.chars().skip(7).take(8).collect::<String>()),
            Self::Person { name, .. } | Self::Certificate { name } => name.clone(),
            Self::Build(build) => {
                let repository = build.repository.split("://").last().unwrap_or_default();
                let repository = repository.split_once('/').map_or("", |(_, path)| path);
                let config = build.config.as_deref().unwrap_or(&build.signer);
                let file = config.rsplit('/').next().unwrap_or_default();
                let stem = file.trim_start_matches('.').split('.').next();
                format!("{repository}-{}", stem.unwrap_or_default())
            }
        };
        plain(&text)
    }
}

impl Build {
    /// `owner/name`, where it is a repository that `github` can name.
    pub(super) fn on_github(&self) -> Option<&str> {
        let path = self.repository.strip_prefix(github::SERVER)?;
        let (owner, name) = path.split_once('/')?;
        let whole = !owner.is_empty() && !name.is_empty() && !name.contains('/');
        (whole && !path.contains('*') && github::is_issuer(&self.issuer)).then_some(path)
    }

    /// The workflow as `github` names it: a file's name, or its path in the repository.
    pub(super) fn workflow(&self) -> Option<&str> {
        let path = self
            .config
            .as_deref()?
            .strip_prefix(&self.repository)?
            .strip_prefix('/')?;
        let file = path.strip_prefix(".github/workflows/");
        Some(file.filter(|file| !file.contains('/')).unwrap_or(path))
    }

    /// Whether other instructions signed than those that the build was started with.
    pub(super) fn is_called(&self) -> bool {
        self.config.as_deref() != Some(self.signer.as_str())
    }
}

/// The different values that the certificates of these pieces give for a claim.
pub(super) fn values(pieces: &[&Verified], claim: CertificateClaim) -> BTreeSet<String> {
    certificates(pieces)
        .filter_map(|certificate| value(certificate, claim))
        .collect()
}

/// The different names in the certificates of these pieces.
pub(super) fn names(pieces: &[&Verified]) -> BTreeSet<String> {
    certificates(pieces)
        .map(|certificate| certificate.san.value().to_owned())
        .collect()
}

fn certificates<'a>(pieces: &'a [&Verified]) -> impl Iterator<Item = &'a CertificateIdentity> {
    pieces.iter().filter_map(|piece| match piece.signer() {
        Signer::Fulcio(certificate) => Some(certificate.as_ref()),
        _ => None,
    })
}

fn value(certificate: &CertificateIdentity, claim: CertificateClaim) -> Option<String> {
    claim
        .value(&certificate.extensions, certificate.issuer.as_deref())
        .map(std::borrow::Cow::into_owned)
}

/// A pattern for these values that is no wider than they show: one, a series of tags, or a list. `None` where there is none.
pub(super) fn pattern(
    what: &'static str,
    values: &BTreeSet<String>,
) -> Result<Option<Pattern>, ProposalError> {
    let unusable = |error: crate::pattern::PatternError| ProposalError::Unusable {
        detail: format!("the {what}: {error}"),
    };
    let mut all = values.iter();
    let (Some(first), second) = (all.next(), all.next()) else {
        return Ok(None);
    };
    if second.is_none() {
        return Pattern::exact(first).map(Some).map_err(unusable);
    }
    if let Some(series) = series(values) {
        return Pattern::glob(&series).map(Some).map_err(unusable);
    }
    if values.len() > LISTED {
        return Err(ProposalError::TooVarious {
            what,
            limit: LISTED,
        });
    }
    let listed: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    Pattern::regex(&format!("^(?:{})$", listed.join("|")))
        .map(Some)
        .map_err(unusable)
}

/// Tags that begin alike, as a glob: `refs/tags/v1.*` for `refs/tags/v1.0` and `refs/tags/v1.1`.
fn series(values: &BTreeSet<String>) -> Option<String> {
    const TAGS: &str = "refs/tags/";
    let first = values.first()?;
    let shared = values.iter().fold(first.as_str(), |shared, value| {
        let same = shared
            .char_indices()
            .zip(value.chars())
            .find(|((_, one), other)| one != other)
            .map_or(shared.len().min(value.len()), |((at, _), _)| at);
        shared.get(..same).unwrap_or_default()
    });
    let tag = shared.rsplit_once(TAGS)?.1;
    let rest_is_plain = values.iter().all(|value| {
        let rest = value.strip_prefix(shared).unwrap_or_default();
        !rest.contains('/')
    });
    let plain = !first.contains('*') && !tag.is_empty() && rest_is_plain;
    plain.then(|| format!("{shared}*"))
}

/// The instructions without the ref that they were taken from.
fn without_ref(uri: String) -> String {
    match uri.split_once('@') {
        // An address is no set of instructions.
        Some((path, _)) if path.contains("://") => path.to_owned(),
        _ => uri,
    }
}

/// Lower-case letters, digits and single dashes.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars().take(60) {
        if character.is_ascii_alphanumeric() {
            plain.push(character.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() {
        "signer".to_owned()
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn a_pattern_is_no_wider_than_what_was_seen() {
        for (values, kind, text) in [
            (vec!["refs/tags/v1.0"], "exact", "refs/tags/v1.0"),
            (
                vec!["refs/tags/v1.0", "refs/tags/v1.1"],
                "glob",
                "refs/tags/v1.*",
            ),
            (
                vec!["refs/heads/main", "refs/heads/master"],
                "regex",
                "^(?:refs/heads/main|refs/heads/master)$",
            ),
            // Nothing in the names says that they are a series.
            (
                vec!["refs/tags/a", "refs/tags/b"],
                "regex",
                "^(?:refs/tags/a|refs/tags/b)$",
            ),
            (
                vec!["refs/tags/v1", "refs/tags/v2/x"],
                "regex",
                "^(?:refs/tags/v1|refs/tags/v2/x)$",
            ),
        ] {
            let found = pattern("ref", &set(&values)).unwrap().unwrap();
            assert_eq!((found.kind(), found.as_str()), (kind, text));
            assert!(values.iter().all(|value| found.matches(value)));
        }
        assert!(pattern("ref", &set(&[])).unwrap().is_none());
        let many: BTreeSet<String> = (0..17).map(|n| format!("refs/heads/{n}")).collect();
        assert_eq!(
            pattern("ref", &many).unwrap_err().code(),
            "proposal-too-various"
        );
    }

    #[test]
    fn names_are_plain_whatever_a_certificate_says() {
        assert_eq!(plain("Alice@Acme.example"), "alice-acme-example");
        assert_eq!(plain("\n# evil: [\u{2028}"), "evil");
        assert_eq!(plain("\u{1f600}"), "signer");
    }
}
