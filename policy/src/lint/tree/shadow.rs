//! Which part of a tree changes nothing, since another part says as much.

use super::coverage::covers;
use super::each_part;
use super::implication::implies;
use crate::claim_kinds::Leaf;
use crate::lint::{Lint, Lints};
use crate::rules::Requirement;

/// Finds, among the parts of each conjunction and disjunction, one that another implies or is implied by.
pub(super) fn shadowed(
    lints: &mut Lints<'_>,
    part: &str,
    rule: &Requirement,
    trials: &mut usize,
    undecided: &mut bool,
) {
    let (word, rules, conjunction) = match rule {
        Requirement::AllOf(rules) => ("allOf", rules, true),
        Requirement::AnyOf(rules) => ("anyOf", rules, false),
        Requirement::AtLeast { .. }
        | Requirement::Signature { .. }
        | Requirement::Statement { .. } => return names(lints, part, rule),
    };
    for (index, one) in rules.iter().enumerate() {
        for (other_index, other) in rules.iter().enumerate() {
            if index == other_index {
                continue;
            }
            // In a conjunction the weaker part adds nothing; in a disjunction the stronger one does not.
            let (from, to) = if conjunction {
                (other, one)
            } else {
                (one, other)
            };
            match implies(lints.policy, from, to, trials) {
                None => *undecided = true,
                Some(false) => {}
                Some(true) => {
                    let both = other_index > index
                        && implies(lints.policy, to, from, trials) == Some(true);
                    if both {
                        // Of two equal ones the second is too much.
                        continue;
                    }
                    lints.add(
                        Lint::Shadowed,
                        &format!("{part}.{word}[{index}]"),
                        format!("this rule changes nothing: `{word}[{other_index}]` beside it says as much"),
                        "take it away, or make it ask for something else",
                    );
                    break;
                }
            }
        }
    }
    each_part(part, rule, &mut |part, rule| {
        shadowed(lints, part, rule, trials, undecided);
    });
}

/// Names in `by` that another name of the same list covers.
fn names(lints: &mut Lints<'_>, part: &str, rule: &Requirement) {
    let Some(leaf) = Leaf::of(rule) else {
        return each_part(part, rule, &mut |part, rule| names(lints, part, rule));
    };
    for (index, name) in leaf.by.iter().enumerate() {
        let covering = leaf.by.iter().enumerate().find(|(other, covering)| {
            *other != index
                && covers(lints.policy, covering, name) == Some(true)
                && (*other < index || covers(lints.policy, name, covering) != Some(true))
        });
        if let Some((_, covering)) = covering {
            lints.add(
                Lint::Shadowed,
                part,
                format!("`{name}` in `by` adds nothing: `{covering}` covers it"),
                "take it away",
            );
        }
    }
}
