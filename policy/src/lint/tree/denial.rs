//! What nothing can pass, even when everybody signs everything.

use super::each_part;
use super::world::passes;
use crate::lint::inclusion::includes;
use crate::lint::{Lint, Lints};
use crate::pattern::Pattern;
use crate::rules::{Policy, Requirement, SignerRule};

/// Names the innermost rule for which the policy denies everything.
pub(super) fn always_deny(lints: &mut Lints<'_>) {
    let policy = lints.policy;
    if can_pass(policy, &policy.require) {
        return;
    }
    let part = culprit(policy, "require", &policy.require);
    lints.add(
        Lint::AlwaysDeny,
        &part,
        "nothing can pass, whoever signs whatever: there are not so many different signers that count".to_owned(),
        "name more signers, or ask for fewer",
    );
}

/// The innermost rule that cannot pass and makes the whole fail.
fn culprit(policy: &Policy, part: &str, rule: &Requirement) -> String {
    let mut found = None;
    if !matches!(rule, Requirement::AtLeast { .. }) {
        each_part(part, rule, &mut |inner, rule| {
            if found.is_none() && !can_pass(policy, rule) {
                found = Some(culprit(policy, inner, rule));
            }
        });
    }
    found.unwrap_or_else(|| part.to_owned())
}

/// Whether the rule passes when everybody who can count signs everything.
fn can_pass(policy: &Policy, rule: &Requirement) -> bool {
    passes(policy, rule, &|_, signer| can_count(policy, signer))
}

/// Whether anybody can count as the signer at all.
fn can_count(policy: &Policy, signer: &str) -> bool {
    let is_denied = |identity: &Pattern| {
        let mut denied = policy.deny.identities.iter();
        denied.any(|denied| includes(denied, identity) == Some(true))
    };
    match policy.signers.get(signer) {
        None => false,
        Some(SignerRule::Key { keys }) => keys.iter().any(|key| {
            let start = key.trusted.valid.start;
            key.compromised_since
                .zip(start)
                .is_none_or(|(since, start)| start < since)
        }),
        Some(SignerRule::Keyless { identity, .. }) => identity
            .as_ref()
            .is_none_or(|identity| !is_denied(identity)),
        Some(SignerRule::Certificate { identity }) => !is_denied(identity),
    }
}
