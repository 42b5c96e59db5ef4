//! The tree of rules: what it can never pass, what passes only where all was read, and what changes nothing in it.

mod coverage;
mod denial;
mod implication;
mod shadow;
mod world;

use self::denial::always_deny;
use self::implication::{ATOMS, TRIALS};
use self::shadow::shadowed;
use super::{Lint, Lints};
use crate::claim_kinds::Leaf;
use crate::rules::Requirement;

/// Lints the tree of one policy.
pub(super) fn lint(lints: &mut Lints<'_>) {
    let policy = lints.policy;
    non_monotone(lints, "require", &policy.require);
    always_deny(lints);
    let mut trials = TRIALS;
    let mut undecided = false;
    shadowed(
        lints,
        "require",
        &policy.require,
        &mut trials,
        &mut undecided,
    );
    if undecided {
        lints.add(
            Lint::Undecided,
            "require",
            format!("whether parts of the rules say the same was not decided for all: that is tried for up to {ATOMS} different claims, and not for regular expressions"),
            "",
        );
    }
}

fn non_monotone(lints: &mut Lints<'_>, part: &str, rule: &Requirement) {
    if let Some(leaf) = Leaf::of(rule) {
        if !leaf.terms.is_monotone() {
            lints.add(
                Lint::NonMonotone,
                part,
                format!(
                    "`select: {}` passes only where every source was read to its end",
                    leaf.terms.select.as_str()
                ),
                "",
            );
        }
        return;
    }
    each_part(part, rule, &mut |part, rule| {
        non_monotone(lints, part, rule)
    });
}

fn each_part(part: &str, rule: &Requirement, visit: &mut dyn FnMut(&str, &Requirement)) {
    let (word, rules) = match rule {
        Requirement::AllOf(rules) => ("allOf", rules),
        Requirement::AnyOf(rules) => ("anyOf", rules),
        Requirement::AtLeast { of, .. } => ("atLeast", of),
        Requirement::Signature { .. } | Requirement::Statement { .. } => return,
    };
    for (index, rule) in rules.iter().enumerate() {
        visit(&format!("{part}.{word}[{index}]"), rule);
    }
}
