//! Whether a proven signer is one that a rule names, and what separates the two.

use countersign_formats::UnixTime;
use countersign_proof::{Dated, KeyId, Signer, Verified};

use crate::claim_kinds::Leaf;
use crate::claims;
use crate::error::shown;
use crate::evaluate::Facts;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::nearest::only_difference;
use crate::pattern::Pattern;
use crate::rules::{Policy, SignerKey, SignerRule};

/// The signer that a piece misses least, and what separates the two: nothing where the piece is by that signer.
pub(crate) struct NearestSigner {
    /// Its name; `None` where the rule names nobody.
    pub(crate) name: Option<String>,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl NearestSigner {
    /// The signer's name, where the piece is by that signer.
    pub(crate) fn by(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.mismatches.is_empty())
    }
}

/// The first signer that matches, or what separates the piece from the one that it misses least.
pub(crate) fn nearest_signer(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    piece: &Verified,
) -> NearestSigner {
    let mut nearest: Option<(u32, NearestSigner)> = None;
    for name in leaf.by {
        let mismatches = match policy.signers.get(name) {
            Some(rule) => signer(facts, policy, name, rule, piece),
            None => vec![
                Mismatch::new(
                    MismatchKind::SignerKind,
                    format!("`{name}`"),
                    signer_words(piece.signer()),
                )
                .message(format!("the signer `{name}` is not defined")),
            ],
        };
        let found = NearestSigner {
            name: Some(name.clone()),
            mismatches,
        };
        if found.mismatches.is_empty() {
            return found;
        }
        let distance = found
            .mismatches
            .iter()
            .map(|mismatch| mismatch.kind.distance())
            .sum();
        if nearest.as_ref().is_none_or(|(known, _)| distance < *known) {
            nearest = Some((distance, found));
        }
    }
    nearest.map_or_else(
        || NearestSigner {
            name: None,
            mismatches: vec![
                Mismatch::new(
                    MismatchKind::SignerKind,
                    "nobody",
                    signer_words(piece.signer()),
                )
                .message("the rule names no signer"),
            ],
        },
        |(_, found)| found,
    )
}

fn signer(
    facts: &Facts<'_>,
    policy: &Policy,
    name: &str,
    rule: &SignerRule,
    piece: &Verified,
) -> Vec<Mismatch> {
    match (rule, piece.signer()) {
        (SignerRule::Key { keys }, Signer::Key(found)) => {
            key(facts, policy, name, keys, found, piece)
                .into_iter()
                .collect()
        }
        (
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            },
            Signer::Fulcio(certificate),
        ) => {
            let mut mismatches = Vec::new();
            match identity {
                Some(expected) => {
                    let san = certificate.san.value();
                    if !expected.matches(san) {
                        mismatches.push(identity_mismatch(policy, name, expected, san));
                    }
                }
                // Whatever an issuer vouches for is nobody's signature.
                None if claims.is_empty() => mismatches.push(
                    Mismatch::new(
                        MismatchKind::Identity,
                        "nobody",
                        signer_words(piece.signer()),
                    )
                    .message(format!("the signer `{name}` names nobody")),
                ),
                None => {}
            }
            mismatches.extend(claims::mismatches(name, claims, certificate));
            let found = certificate.issuer.as_deref();
            if !found.is_some_and(|found| issuer.matches(found)) {
                let only = mismatches.is_empty();
                mismatches.push(issuer_mismatch(policy, name, issuer, found, only));
            }
            mismatches
        }
        (SignerRule::Certificate { identity }, Signer::Fulcio(certificate))
            if certificate.issuer.is_none() =>
        {
            let san = certificate.san.value();
            if identity.matches(san) {
                Vec::new()
            } else {
                vec![identity_mismatch(policy, name, identity, san)]
            }
        }
        // The owner of the authority names people without saying who vouches for them: a certificate that names its issuer
        // as well is of another kind, and counts only where the issuer is named.
        (SignerRule::Certificate { .. }, Signer::Fulcio(certificate)) => vec![issuer_expected(
            policy,
            name,
            certificate.issuer.as_deref().unwrap_or_default(),
        )],
        (SignerRule::Certificate { identity }, Signer::X509(certificate)) => match &certificate.san
        {
            Some(san) if identity.matches(san.value()) => Vec::new(),
            Some(san) => vec![identity_mismatch(policy, name, identity, san.value())],
            None => vec![
                Mismatch::new(
                    MismatchKind::Identity,
                    format!("`{}`", shown(identity.as_str())),
                    "absent",
                )
                .message("the certificate names nobody"),
            ],
        },
        (SignerRule::Key { .. }, found) => vec![
            Mismatch::new(
                MismatchKind::SignerKind,
                format!("a key of `{name}`"),
                signer_words(found),
            )
            .hint(format!(
                "sign with the key, or add the identity as a signer to policy `{}`",
                policy.name
            )),
        ],
        (SignerRule::Keyless { .. } | SignerRule::Certificate { .. }, found) => vec![
            Mismatch::new(
                MismatchKind::SignerKind,
                format!("a certificate of `{name}`"),
                signer_words(found),
            )
            .hint(format!(
                "sign with a certificate, or add the key as a signer to policy `{}`",
                policy.name
            )),
        ],
    }
}

fn identity_mismatch(policy: &Policy, name: &str, expected: &Pattern, found: &str) -> Mismatch {
    let mismatch = Mismatch::new(
        MismatchKind::Identity,
        format!("`{}`", shown(expected.as_str())),
        format!("`{}`", shown(found)),
    )
    .hint(change(policy, name, "identity"));
    let part = only_difference(expected, found);
    match &part {
        Some(only) => mismatch.message(format!(
            "identity differs only in the {}: `{}`, expected `{}`",
            only.part, only.found, only.expected
        )),
        None => mismatch,
    }
    .part(part)
}

/// `only`: whether nothing else differs.
fn issuer_mismatch(
    policy: &Policy,
    name: &str,
    expected: &Pattern,
    found: Option<&str>,
    only: bool,
) -> Mismatch {
    let expected = format!("`{}`", shown(expected.as_str()));
    let found = found.map_or("absent".to_owned(), |found| format!("`{}`", shown(found)));
    let lead = if only {
        "only the issuer differs: it is"
    } else {
        "issuer is"
    };
    let message = format!("{lead} {found}, expected {expected}");
    Mismatch::new(MismatchKind::Issuer, expected, found)
        .message(message)
        .hint(change(policy, name, "issuer"))
}

fn issuer_expected(policy: &Policy, name: &str, found: &str) -> Mismatch {
    let found = format!("`{}`", shown(found));
    let message = format!("the certificate names the issuer {found}, and the rule names none");
    Mismatch::new(MismatchKind::Issuer, "absent", found)
        .message(message)
        .hint(change(policy, name, "issuer"))
}

fn change(policy: &Policy, name: &str, field: &str) -> String {
    format!(
        "if this signer is meant, change the {field} of the signer `{name}` in policy `{}`",
        policy.name
    )
}

fn key(
    facts: &Facts<'_>,
    policy: &Policy,
    name: &str,
    keys: &[SignerKey],
    found: &KeyId,
    piece: &Verified,
) -> Option<Mismatch> {
    let same: Vec<&SignerKey> = keys
        .iter()
        .filter(|key| KeyId::of(&key.trusted.key) == *found)
        .collect();
    if same.is_empty() {
        let expected: Vec<String> = keys
            .iter()
            .take(4)
            .map(|key| format!("`{}`", KeyId::of(&key.trusted.key)))
            .collect();
        return Some(
            Mismatch::new(
                MismatchKind::Key,
                expected.join(" or "),
                format!("`{found}`"),
            )
            .hint(format!(
                "if this key is meant, add it to the keys of the signer `{name}` in policy `{}`",
                policy.name
            )),
        );
    }
    let mut missed = None;
    for SignerKey {
        trusted: key,
        compromised_since,
    } in same
    {
        if let Some(since) = compromised_since
            && let Some(mismatch) = compromised(*since, piece.dated())
        {
            missed = Some(mismatch);
            continue;
        }
        if let Some(schemes) = key
            .schemes
            .as_ref()
            .filter(|schemes| !schemes.contains(&piece.scheme()))
        {
            let allowed: Vec<String> = schemes
                .iter()
                .map(|scheme| format!("`{}`", scheme.name()))
                .collect();
            missed = Some(Mismatch::new(
                MismatchKind::Scheme,
                allowed.join(" or "),
                format!("`{}`", piece.scheme().name()),
            ));
            continue;
        }
        // A proven time says "no later than". Without one the signature may be of today, so only an
        // open window lets it count.
        let (within, found) = match piece.dated() {
            Dated::Within { not_after, .. } => (
                key.valid.contains(not_after),
                format!("no later than {not_after}"),
            ),
            Dated::Undated => (facts.clock.is_within(&key.valid), "not proven".to_owned()),
        };
        if within {
            return None;
        }
        let edge = |time: Option<countersign_formats::UnixTime>| {
            time.map_or("ever".to_owned(), |time| time.to_string())
        };
        missed = Some(
            Mismatch::new(
                MismatchKind::KeyWindow,
                format!("within the key's window from {} to {}", edge(key.valid.start), edge(key.valid.end)),
                found,
            )
            .hint("sign with a key that is valid, or keep a log entry or timestamp from the time when this one was"),
        );
    }
    missed
}

/// Somebody else may have had the key from `since` on: a signature that is not proven to be older may be theirs.
fn compromised(since: UnixTime, dated: Dated) -> Option<Mismatch> {
    let found = match dated {
        Dated::Within { not_after, .. } if not_after < since => return None,
        Dated::Within { not_after, .. } => format!("no later than {not_after}"),
        Dated::Undated => "not proven".to_owned(),
    };
    Some(
        Mismatch::new(
            MismatchKind::Compromised,
            format!("before {since}, when the key was compromised"),
            found,
        )
        .hint("sign again with a key that is not compromised"),
    )
}

/// The signer in words.
pub(crate) fn signer_words(signer: &Signer) -> String {
    match signer {
        Signer::Key(key) => format!("the key `{key}`"),
        Signer::Fulcio(certificate) => {
            let issuer = certificate.issuer.as_deref().unwrap_or("no issuer");
            format!(
                "`{}` of `{}`",
                shown(certificate.san.value()),
                shown(issuer)
            )
        }
        Signer::X509(certificate) => {
            let name = certificate.san.as_ref().map_or("nobody", |san| san.value());
            format!(
                "`{}` in a certificate of `{}`",
                shown(name),
                shown(&certificate.authority)
            )
        }
        _ => "another certificate".to_owned(),
    }
}
