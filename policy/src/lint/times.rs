//! What ends soon or has ended, and windows that exclude each other.

use countersign_formats::UnixTime;

use super::{Lint, Lints};
use crate::rules::SignerRule;

/// How long before its end something is named, in seconds: thirty days.
const SOON: i64 = 30 * 86_400;

/// Keys that can never count: their window begins after they were compromised.
pub(super) fn contradictions(lints: &mut Lints<'_>) {
    for (name, rule) in &lints.policy.signers {
        let SignerRule::Key { keys } = rule else {
            continue;
        };
        let never = keys.iter().find_map(|key| {
            let (start, since) = (key.trusted.valid.start?, key.compromised_since?);
            (since <= start).then_some((start, since))
        });
        if let Some((start, since)) = never {
            lints.add(
                Lint::Contradictory,
                &format!("signers.{name}"),
                format!("a key of the signer `{name}` never counts: it is valid from {start} and compromised since {since}"),
                "take the key away, or correct one of the times",
            );
        }
    }
}

/// What ends within thirty days of `now`, or has ended.
pub(super) fn lint(lints: &mut Lints<'_>, now: UnixTime) {
    let policy = lints.policy;
    if let Some(end) = policy.expires {
        ending(
            lints,
            now,
            end,
            "expires",
            "the policy",
            "and passes nothing after it; review it and set a later day",
        );
    }
    for (index, exception) in policy.scope.except.iter().enumerate() {
        let what = format!("the exception for `{}`", exception.image);
        let part = format!("scope.except[{index}]");
        ending(
            lints,
            now,
            exception.until,
            &part,
            &what,
            "and the policy asks for everything again after it",
        );
    }
    for (name, rule) in &policy.signers {
        let SignerRule::Key { keys } = rule else {
            continue;
        };
        // A signer whose last key ends; an older key of several is meant to.
        let ends: Option<Vec<UnixTime>> = keys.iter().map(|key| key.trusted.valid.end).collect();
        if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
            let what = format!("the last key of the signer `{name}`");
            let part = format!("signers.{name}");
            ending(
                lints,
                now,
                last,
                &part,
                &what,
                "and a signature made after it does not count; add the next key",
            );
        }
    }
}

fn ending(lints: &mut Lints<'_>, now: UnixTime, end: UnixTime, part: &str, what: &str, then: &str) {
    if end.0.saturating_sub(now.0) > SOON {
        return;
    }
    let verb = if end < now { "ended" } else { "ends" };
    lints.add(
        Lint::Expiring,
        part,
        format!("{what} {verb} at {end}"),
        then,
    );
}
