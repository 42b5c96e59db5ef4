//! Whether one rule passes whenever another does.
//!
//! A tree is a monotone function of the claims that are there. Up to [`ATOMS`] different claims every combination is tried, so
//! that the answers are exact; beyond that the question is left undecided.

use super::coverage::{is_no_more, is_one_person};
use super::world::passes;
use crate::claim_kinds::Leaf;
use crate::rules::{Policy, Requirement};

/// Most different claims of a tree of which every combination is tried.
pub(super) const ATOMS: usize = 20;
/// Most combinations that are tried for one policy.
pub(super) const TRIALS: usize = 1 << 22;

/// A claim that may be there: what a rule asks of one of its signers.
pub(super) struct Atom<'a> {
    pub(super) leaf: Leaf<'a>,
    pub(super) signer: &'a str,
}

/// Whether `to` passes whenever `from` does; `None` when that is not decided.
pub(super) fn implies(
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
        let passes = |rule| passes(policy, rule, &is_there);
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
    Some(passes(policy, to, &is_there))
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
