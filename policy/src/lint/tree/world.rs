//! Whether a rule passes in a world where exactly these claims are there.

use std::collections::BTreeSet;

use countersign_proof::KeyId;

use crate::claim_kinds::Leaf;
use crate::distinct::{certificate_text, key_text, largest_assignment};
use crate::pattern::Pattern;
use crate::rules::{Distinct, Policy, Requirement, SignerRule};

/// Most people that a pattern is taken to match: as many as any `atLeast` can count would be enough.
const PEOPLE: usize = 64;

/// Whether the rule passes when exactly the claims are there that `there` says.
pub(super) fn passes(
    policy: &Policy,
    rule: &Requirement,
    there: &dyn Fn(&Leaf<'_>, &str) -> bool,
) -> bool {
    holds(policy, rule, Distinct::Identity, there).0
}

/// Whether the rule passes when exactly the claims are there that `there` says, and who passes it.
fn holds(
    policy: &Policy,
    rule: &Requirement,
    distinct: Distinct,
    there: &dyn Fn(&Leaf<'_>, &str) -> bool,
) -> (bool, BTreeSet<String>) {
    if let Some(leaf) = Leaf::of(rule) {
        let mut signers = BTreeSet::new();
        for name in leaf.by.iter().filter(|name| there(&leaf, name)) {
            signers.extend(identities(policy, name, distinct));
        }
        return (!signers.is_empty(), signers);
    }
    let each = |rules: &[Requirement], distinct| -> Vec<(bool, BTreeSet<String>)> {
        rules
            .iter()
            .map(|rule| holds(policy, rule, distinct, there))
            .collect()
    };
    match rule {
        Requirement::AllOf(rules) => {
            let parts = each(rules, distinct);
            let all = !parts.is_empty() && parts.iter().all(|(passes, _)| *passes);
            (all, BTreeSet::new())
        }
        Requirement::AtLeast {
            count,
            distinct,
            of,
        } => {
            let parts: Vec<BTreeSet<String>> = each(of, *distinct)
                .into_iter()
                .map(|(_, signers)| signers)
                .collect();
            let reached = largest_assignment(&parts);
            (*count > 0 && reached >= *count, BTreeSet::new())
        }
        Requirement::AnyOf(rules) => {
            let parts = each(rules, distinct);
            let any = parts.iter().any(|(passes, _)| *passes);
            let signers = parts.into_iter().flat_map(|(_, signers)| signers).collect();
            (any, signers)
        }
        Requirement::Signature { .. } | Requirement::Statement { .. } => (false, BTreeSet::new()),
    }
}

/// Who can be the signer, as text that is equal for equal signers.
fn identities(policy: &Policy, name: &str, distinct: Distinct) -> Vec<String> {
    let exact = |pattern: Option<&Pattern>| {
        pattern
            .filter(|pattern| pattern.kind() == "exact")
            .map(|pattern| pattern.as_str().to_owned())
    };
    let several = |pattern: &str| -> Vec<String> {
        (0..PEOPLE)
            .map(|number| format!("one of {pattern} {number}"))
            .collect()
    };
    match policy.signers.get(name) {
        None => Vec::new(),
        Some(SignerRule::Key { keys }) => keys
            .iter()
            .map(|key| key_text(&KeyId::of(&key.trusted.key)))
            .collect(),
        Some(SignerRule::Keyless {
            identity, issuer, ..
        }) => {
            let issuer_text = exact(Some(issuer));
            match (issuer_text, exact(identity.as_ref()), distinct) {
                (Some(issuer), _, Distinct::Issuer) => {
                    vec![certificate_text(&issuer, "", "", distinct)]
                }
                (Some(issuer), Some(identity), _) => {
                    vec![certificate_text(&issuer, "", &identity, distinct)]
                }
                _ => several(&format!("{issuer} {name}")),
            }
        }
        Some(SignerRule::Certificate { identity }) => match (exact(Some(identity)), distinct) {
            (Some(identity), Distinct::Identity | Distinct::Key) => vec![identity],
            _ => several(name),
        },
    }
}
