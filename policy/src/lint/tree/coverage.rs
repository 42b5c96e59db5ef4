//! Whether a claim asks no more than another, and a signer is nobody but another.

use super::implication::Atom;
use crate::lint::inclusion::includes;
use crate::rules::{Policy, Select, SignerRule};

/// Whether whatever counts for `strong` counts for `weak` too; `None` when that is not decided.
pub(super) fn is_no_more(policy: &Policy, weak: &Atom<'_>, strong: &Atom<'_>) -> Option<bool> {
    let kind = match (weak.leaf.statement, strong.leaf.statement) {
        (None, None) | (Some(None), Some(_)) => true,
        (Some(Some(weak)), Some(Some(strong))) => weak.uri == strong.uri,
        _ => false,
    };
    let annotations = weak
        .leaf
        .annotations
        .iter()
        .all(|(name, value)| strong.leaf.annotations.get(name) == Some(value));
    let (few, many) = (weak.leaf.terms, strong.leaf.terms);
    let age = match (few.max_age, many.max_age) {
        (None, _) => true,
        (Some(wanted), Some(given)) => given <= wanted,
        (Some(_), None) => false,
    };
    let terms = few.select == Select::Any
        && many.select == Select::Any
        && few.subject == many.subject
        && (few.via_index || !many.via_index);
    if !(kind && annotations && age && terms) {
        return Some(false);
    }
    covers(policy, weak.signer, strong.signer)
}

/// Whether everybody who counts as the signer `small` counts as `large`; `None` when that is not decided.
pub(super) fn covers(policy: &Policy, large: &str, small: &str) -> Option<bool> {
    if large == small {
        return Some(true);
    }
    if policy.trust.signers.get(large) != policy.trust.signers.get(small) {
        return Some(false);
    }
    match (policy.signers.get(large)?, policy.signers.get(small)?) {
        (SignerRule::Key { keys: large }, SignerRule::Key { keys: small }) => {
            Some(small.iter().all(|key| {
                large.iter().any(|other| {
                    other.trusted.key.spki() == key.trusted.key.spki()
                        && other.trusted.valid == key.trusted.valid
                        && other.trusted.schemes == key.trusted.schemes
                        && other.compromised_since == key.compromised_since
                })
            }))
        }
        (
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            },
            SignerRule::Keyless {
                identity: small_identity,
                issuer: small_issuer,
                claims: small_claims,
            },
        ) => {
            let mut answers = vec![includes(issuer, small_issuer)];
            answers.push(match (identity, small_identity) {
                (None, _) => Some(true),
                (Some(_), None) => Some(false),
                (Some(large), Some(small)) => includes(large, small),
            });
            for (claim, large) in claims {
                answers.push(match small_claims.get(claim) {
                    None => Some(false),
                    Some(small) => includes(large, small),
                });
            }
            all(&answers)
        }
        (
            SignerRule::Certificate { identity: large },
            SignerRule::Certificate { identity: small },
        ) => includes(large, small),
        _ => Some(false),
    }
}

pub(super) fn is_one_person(policy: &Policy, signer: &str) -> bool {
    match policy.signers.get(signer) {
        Some(SignerRule::Key { keys }) => keys.len() == 1,
        Some(SignerRule::Keyless {
            identity: Some(identity),
            issuer,
            ..
        }) => identity.kind() == "exact" && issuer.kind() == "exact",
        Some(SignerRule::Certificate { identity }) => identity.kind() == "exact",
        _ => false,
    }
}

/// Conjunction in three values.
fn all(answers: &[Option<bool>]) -> Option<bool> {
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    answers.iter().all(Option::is_some).then_some(true)
}
