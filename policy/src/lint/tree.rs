//! Questions about the tree of rules: what it can never pass, and which part says what another says already.
//!
//! A tree is a monotone function of the claims that are there. Up to [`ATOMS`] different claims every combination is tried, so
//! that the answers are exact; beyond that the tree is left undecided, and a finding says so.

use std::collections::BTreeSet;

use countersign_proof::KeyId;

use super::inclusion::includes;
use super::{Lint, Lints};
use crate::claim_kinds::Leaf;
use crate::distinct::{certificate_text, key_text, largest_assignment};
use crate::rules::{Distinct, Policy, Requirement, Select, SignerRule};

/// Most different claims of a tree of which every combination is tried.
pub(super) const ATOMS: usize = 20;
/// Most combinations that are tried for one policy.
const TRIALS: usize = 1 << 22;

/// A claim that may be there: what a rule asks of one of its signers.
struct Atom<'a> {
    leaf: Leaf<'a>,
    signer: &'a str,
}

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

/// Whether nothing passes even when everybody signs everything.
fn always_deny(lints: &mut Lints<'_>) {
    let policy = lints.policy;
    let everything = |_: &Leaf<'_>, signer: &str| can_count(policy, signer);
    if !holds(policy, &policy.require, Distinct::Identity, &everything).0 {
        let part = culprit(policy, "require", &policy.require);
        lints.add(
            Lint::AlwaysDeny,
            &part,
            "nothing can pass, whoever signs whatever: there are not so many different signers that count".to_owned(),
            "name more signers, or ask for fewer",
        );
    }
}

/// The innermost rule that cannot pass and makes the whole fail.
fn culprit(policy: &Policy, part: &str, rule: &Requirement) -> String {
    let everything = |_: &Leaf<'_>, signer: &str| can_count(policy, signer);
    let mut found = None;
    if !matches!(rule, Requirement::AtLeast { .. }) {
        each_part(part, rule, &mut |inner, rule| {
            if found.is_none() && !holds(policy, rule, Distinct::Identity, &everything).0 {
                found = Some(culprit(policy, inner, rule));
            }
        });
    }
    found.unwrap_or_else(|| part.to_owned())
}

/// Whether anybody can count as the signer at all.
fn can_count(policy: &Policy, signer: &str) -> bool {
    match policy.signers.get(signer) {
        None => false,
        Some(SignerRule::Key { keys }) => keys.iter().any(|key| {
            let start = key.trusted.valid.start;
            key.compromised_since
                .zip(start)
                .is_none_or(|(since, start)| start < since)
        }),
        Some(SignerRule::Keyless { identity, .. }) => identity.as_ref().is_none_or(|identity| {
            !policy
                .deny
                .identities
                .iter()
                .any(|denied| includes(denied, identity) == Some(true))
        }),
        Some(SignerRule::Certificate { identity }) => !policy
            .deny
            .identities
            .iter()
            .any(|denied| includes(denied, identity) == Some(true)),
    }
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

/// Most people that a pattern is taken to match: as many as any `atLeast` can count would be enough.
const PEOPLE: usize = 64;

/// Who can be the signer, as text that is equal for equal signers.
fn identities(policy: &Policy, name: &str, distinct: Distinct) -> Vec<String> {
    let exact = |pattern: Option<&crate::pattern::Pattern>| {
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

/// Finds, among the parts of each conjunction and disjunction, one that another implies or is implied by.
fn shadowed(
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

/// Whether `to` passes whenever `from` does; `None` when that is not decided.
fn implies(
    policy: &Policy,
    from: &Requirement,
    to: &Requirement,
    trials: &mut usize,
) -> Option<bool> {
    let mut atoms: Vec<Atom<'_>> = Vec::new();
    if !from.is_monotone() || !to.is_monotone() || !could_imply(policy, from, to)? {
        return Some(false);
    }
    for rule in [from, to] {
        let mut counts = false;
        collect(rule, &mut atoms, &mut counts);
        // Whether two patterns match one person decides what `atLeast` counts.
        if counts && !atoms.iter().all(|atom| is_one_person(policy, atom.signer)) {
            return None;
        }
    }
    if atoms.len() > ATOMS {
        return None;
    }
    // Which claims are also there when a claim is: those that ask no more than it.
    let mut closure = Vec::with_capacity(atoms.len());
    for strong in &atoms {
        let mut mask = 0_u32;
        for (bit, weak) in atoms.iter().enumerate() {
            if is_no_more(policy, weak, strong)? {
                mask |= 1 << bit;
            }
        }
        closure.push(mask);
    }
    let worlds = 1_usize << atoms.len();
    *trials = trials.checked_sub(worlds)?;
    for chosen in 0..worlds {
        let there = closure
            .iter()
            .enumerate()
            .filter(|(bit, _)| chosen & (1 << bit) != 0)
            .fold(0_u32, |all, (_, mask)| all | mask);
        let is_there = |leaf: &Leaf<'_>, signer: &str| {
            atoms.iter().enumerate().any(|(bit, atom)| {
                there & (1 << bit) != 0 && atom.signer == signer && same(&atom.leaf, leaf)
            })
        };
        let passes = |rule| holds(policy, rule, Distinct::Identity, &is_there).0;
        if passes(from) && !passes(to) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether `to` could pass when every claim that `from` asks for is there, by everybody who can make it, and nothing else.
fn could_imply(policy: &Policy, from: &Requirement, to: &Requirement) -> Option<bool> {
    let mut asked = Vec::new();
    collect(from, &mut asked, &mut false);
    let mut wanted = Vec::new();
    collect(to, &mut wanted, &mut false);
    let mut there: Vec<&Atom<'_>> = Vec::new();
    for weak in &wanted {
        for strong in &asked {
            if is_no_more(policy, weak, strong)? {
                there.push(weak);
                break;
            }
        }
    }
    let is_there = |leaf: &Leaf<'_>, signer: &str| {
        there
            .iter()
            .any(|atom| atom.signer == signer && same(&atom.leaf, leaf))
    };
    Some(holds(policy, to, Distinct::Identity, &is_there).0)
}

fn collect<'a>(rule: &'a Requirement, atoms: &mut Vec<Atom<'a>>, counts: &mut bool) {
    *counts |= matches!(rule, Requirement::AtLeast { .. });
    rule.each_leaf(&mut |rule| {
        let Some(leaf) = Leaf::of(rule) else { return };
        for signer in leaf.by {
            if !atoms
                .iter()
                .any(|atom| atom.signer == signer && same(&atom.leaf, &leaf))
            {
                atoms.push(Atom {
                    leaf: leaf.clone(),
                    signer,
                });
            }
        }
    });
}

/// Whether two rules ask for the same, whoever signs it.
fn same(one: &Leaf<'_>, other: &Leaf<'_>) -> bool {
    let uri = |leaf: &Leaf<'_>| leaf.statement.map(|kind| kind.map(|kind| kind.uri.clone()));
    uri(one) == uri(other) && one.annotations == other.annotations && one.terms == other.terms
}

fn is_one_person(policy: &Policy, signer: &str) -> bool {
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

/// Whether whatever counts for `strong` counts for `weak` too; `None` when that is not decided.
fn is_no_more(policy: &Policy, weak: &Atom<'_>, strong: &Atom<'_>) -> Option<bool> {
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
fn covers(policy: &Policy, large: &str, small: &str) -> Option<bool> {
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

/// Conjunction in three values.
fn all(answers: &[Option<bool>]) -> Option<bool> {
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    answers.iter().all(Option::is_some).then_some(true)
}
