//! Searches the smallest sets of facts that would make a decision pass, by judging again.

use std::collections::{BTreeMap, BTreeSet};

use super::atoms::{Atoms, leaves};
use super::supposed::Lift;
use super::{CounterFactual, Fact, MOST_FACTS, NAMED_CHANGES};
use crate::decision::{Decision, PolicyOutcome, RuleOutcome, Standing, Status};
use crate::rules::{Policy, Requirement};

/// Most pieces that are held against rules in one search: each trial holds each piece against each rule.
const MOST_WORK: usize = 2_000_000;

/// The smallest sets of at most [`MOST_FACTS`] facts under which `decision` would pass.
pub(super) fn smallest(decision: &Decision) -> CounterFactual {
    if !decision.ground.is_spoken_of() {
        return CounterFactual::NoPolicy;
    }
    let pieces = decision.accepted.len() + decision.unused.len() + decision.rejected.len();
    let rules: usize = decision
        .ground
        .speaking()
        .into_iter()
        .map(|policy| leaves(policy).len())
        .sum();
    let cost = rules.saturating_mul(pieces.saturating_add(1)).max(1);
    // Finding the facts and what they touch takes a few rounds over everything.
    if cost.saturating_mul(8) > MOST_WORK {
        return CounterFactual::TooLarge;
    }
    let atoms = Atoms::of(decision);
    let mut search = Search {
        decision,
        atoms,
        tried: BTreeSet::new(),
        found: BTreeSet::new(),
        trials: MOST_WORK / cost,
    };
    for size in 1..=MOST_FACTS {
        search.tried.clear();
        if search.branch(&BTreeSet::new(), size).is_none() {
            return CounterFactual::TooLarge;
        }
        if !search.found.is_empty() {
            return search.changes(size);
        }
    }
    CounterFactual::NoneSoSmall
}

struct Search<'a> {
    decision: &'a Decision,
    atoms: Atoms,
    tried: BTreeSet<BTreeSet<usize>>,
    found: BTreeSet<BTreeSet<usize>>,
    /// How many more sets may be tried.
    trials: usize,
}

impl Search<'_> {
    /// Tries `chosen`, then with each fact that could help as long as `left` more may be supposed; `None` when the trials are
    /// spent.
    fn branch(&mut self, chosen: &BTreeSet<usize>, left: usize) -> Option<()> {
        if !self.tried.insert(chosen.clone()) {
            return Some(());
        }
        let Some(supposed) = self.atoms.supposed(chosen) else {
            return Some(());
        };
        self.trials = self.trials.checked_sub(1)?;
        let judged = self.decision.judged_under(&supposed);
        let outcomes: Vec<&PolicyOutcome> = judged.iter().map(|judged| &judged.outcome).collect();
        if outcomes
            .iter()
            .all(|outcome| outcome.rule.status == Status::Pass)
        {
            self.found.insert(chosen.clone());
            return Some(());
        }
        if left == 0 {
            return Some(());
        }
        for atom in self.helping(&outcomes) {
            let mut more = chosen.clone();
            if more.insert(atom) {
                self.branch(&more, left - 1)?;
            }
        }
        Some(())
    }

    /// Facts one of which every change must suppose: those that touch the policy, and the part of it, that has the fewest of
    /// all that must still be met.
    fn helping(&self, outcomes: &[&PolicyOutcome]) -> BTreeSet<usize> {
        self.decision
            .ground
            .speaking()
            .into_iter()
            .zip(outcomes)
            .zip(&self.atoms.touching)
            .zip(&self.atoms.lifts)
            .filter(|(((_, outcome), _), _)| outcome.rule.status != Status::Pass)
            .map(|(((policy, outcome), touching), lifts)| {
                let lifted = |lift| lifts.get(&lift).copied();
                // Whatever else is supposed, what comes before the requirement stands in the way.
                match outcome.standing {
                    Standing::Denied => lifted(Lift::Denied).into_iter().collect(),
                    Standing::Expired { .. } => lifted(Lift::Expired).into_iter().collect(),
                    Standing::Judged | Standing::Excepted { .. } => {
                        let mut atoms = part(policy, &outcome.rule, touching);
                        atoms.extend(lifted(Lift::Excepted));
                        atoms
                    }
                }
            })
            .min_by_key(BTreeSet::len)
            .unwrap_or_default()
    }

    fn changes(self, facts: usize) -> CounterFactual {
        let mut sets: BTreeMap<Vec<String>, Vec<Fact>> = BTreeMap::new();
        for set in self.found {
            let mut set: Vec<Fact> = set
                .into_iter()
                .filter_map(|atom| self.atoms.all.get(atom))
                .map(|atom| atom.fact.clone())
                .collect();
            set.sort();
            sets.insert(set.iter().map(ToString::to_string).collect(), set);
        }
        CounterFactual::Changes {
            facts,
            count: sets.len(),
            sets: sets.into_values().take(NAMED_CHANGES).collect(),
        }
    }
}

fn part(policy: &Policy, outcome: &RuleOutcome, touching: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut rest = touching;
    narrowest(&policy.require, outcome, &mut rest)
        .unwrap_or_else(|| touching.iter().flatten().copied().collect())
}

/// The facts that touch a rule which is not met; of a conjunction, those of its part that has the fewest. `None` when the
/// outcome has another shape than the rule. `touching` is what the rules not yet visited are touched by.
fn narrowest(
    rule: &Requirement,
    outcome: &RuleOutcome,
    touching: &mut &[BTreeSet<usize>],
) -> Option<BTreeSet<usize>> {
    let (rules, conjunction) = match rule {
        Requirement::Signature { .. } | Requirement::Statement { .. } => {
            let (own, rest) = touching.split_first()?;
            *touching = rest;
            return Some(own.clone());
        }
        Requirement::AllOf(rules) => (rules, true),
        Requirement::AnyOf(rules) | Requirement::AtLeast { of: rules, .. } => (rules, false),
    };
    if rules.len() != outcome.children.len() {
        return None;
    }
    let mut parts = Vec::with_capacity(rules.len());
    for (rule, outcome) in rules.iter().zip(&outcome.children) {
        let atoms = narrowest(rule, outcome, touching)?;
        parts.push((outcome.status, atoms));
    }
    if !conjunction {
        return Some(parts.into_iter().flat_map(|(_, atoms)| atoms).collect());
    }
    Some(
        parts
            .into_iter()
            .filter(|(status, _)| *status != Status::Pass)
            .map(|(_, atoms)| atoms)
            .min_by_key(BTreeSet::len)
            .unwrap_or_default(),
    )
}
