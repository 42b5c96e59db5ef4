//! The rules of a decision, each with what it saw.

use countersign_policy::{Candidate, Decision, RuleOutcome, Status};
use countersign_proof::Verified;

use super::{Mark, Node, PIECES, Section, more};
use crate::escape::field;
use crate::explain::{claim, signer};

pub(super) fn rules(decision: &Decision) -> Section {
    let nodes = decision
        .policies
        .iter()
        .map(|policy| Node {
            mark: Mark::of(policy.rule.status),
            title: format!("policy {} ({})", field(&policy.name), policy.mode.as_str()),
            facts: Vec::new(),
            inner: vec![rule(&policy.rule)],
        })
        .collect();
    Section {
        title: "Rules",
        lead: None,
        nodes,
    }
}

fn rule(outcome: &RuleOutcome) -> Node {
    let mut facts = Vec::new();
    if let Some(note) = &outcome.note {
        facts.push(("note", field(note)));
    }
    for cause in &outcome.causes {
        facts.push(("not known", field(&cause.to_string())));
    }
    // Where the rule is met, what did not help to meet it is no answer to any question.
    let met = outcome.status == Status::Pass;
    let shown = outcome
        .candidates
        .iter()
        .filter(|found| found.counts() || !met)
        .take(PIECES)
        .map(candidate);
    let mut inner: Vec<Node> = outcome.children.iter().map(rule).chain(shown).collect();
    if !met {
        inner.extend(more(outcome.candidates.len()));
    }
    if inner.is_empty() && outcome.candidates.is_empty() && outcome.children.is_empty() {
        facts.push(("saw", "no proven piece".to_owned()));
    }
    Node {
        mark: Mark::of(outcome.status),
        title: field(&outcome.rule),
        facts,
        inner,
    }
}

/// A candidate of a rule, with what it misses.
pub(super) fn candidate(candidate: &Candidate) -> Node {
    let mut facts = Vec::new();
    if let Some(name) = &candidate.signer {
        facts.push(("counts as", field(name)));
    }
    for mismatch in &candidate.mismatches {
        facts.push(("misses", field(&mismatch.message)));
        facts.push(("expected", field(&mismatch.expected)));
        facts.push(("found", field(&mismatch.found)));
        if let Some(hint) = &mismatch.hint {
            facts.push(("hint", field(hint)));
        }
    }
    Node {
        mark: Mark::Plain,
        title: format!("saw {}", piece_title(&candidate.piece)),
        facts,
        inner: Vec::new(),
    }
}

/// A proven piece by its claim and its signer.
pub(super) fn piece_title(piece: &Verified) -> String {
    format!(
        "{} by {}",
        claim(&piece.claim().kind()),
        signer(piece.signer())
    )
}
