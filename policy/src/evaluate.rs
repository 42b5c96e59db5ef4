//! Judges the tree of one policy over the evidence at hand, in three values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Rejected, Verified};

use crate::claim_kinds::{Leaf, rejected_kind};
use crate::clock::Clock;
use crate::decision::{LeafFacts, RuleOutcome, Status};
use crate::distinct::{largest_assignment, same_signer};
use crate::evidence::{Cause, SourceKind, Want};
use crate::explain::Supposed;
use crate::family::{Family, Targets};
use crate::rules::{Distinct, Policy, Requirement, SignerRule};
use crate::select::select;
use crate::sources::{SourceState, Unread, add_causes, unread};

/// A proven piece, and when its claim says that what it reports was done.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) piece: Arc<Verified>,
    pub(crate) claimed: Option<UnixTime>,
}

/// What a decision is made from.
pub(crate) struct Facts<'a> {
    pub(crate) family: &'a Family,
    pub(crate) trust: &'a Digest,
    pub(crate) verified: &'a [Held],
    pub(crate) rejected: &'a [Rejected],
    pub(crate) sources: &'a BTreeMap<(Digest, SourceKind), SourceState>,
    /// Pieces that were dropped when a budget was spent.
    pub(crate) spent: Option<&'a Cause>,
    pub(crate) clock: &'a Clock,
    /// What is supposed besides, to explain a decision; nothing when one is made.
    pub(crate) supposed: &'a Supposed,
}

/// A judged rule, with what the rules above need to know.
pub(crate) struct Judged {
    pub(crate) outcome: RuleOutcome,
    /// Who passes it, as text that is equal for equal signers; only for signatures, statements and `anyOf`.
    signers: BTreeSet<String>,
    /// What to ask next that could decide it.
    pub(crate) wants: BTreeSet<Want>,
    /// What is unread below, whether or not the parts pass.
    unread: Unread,
}

/// Judges the requirement of `policy`.
pub(crate) fn evaluate(facts: &Facts<'_>, policy: &Policy) -> Judged {
    requirement(
        facts,
        policy,
        "require",
        &policy.require,
        Distinct::Identity,
    )
}

/// `distinct` says how the nearest `atLeast` above tells signers apart; `part` is where the rule stands.
fn requirement(
    facts: &Facts<'_>,
    policy: &Policy,
    part: &str,
    rule: &Requirement,
    distinct: Distinct,
) -> Judged {
    if let Some(leaf) = Leaf::of(rule) {
        let mut judged = about_targets(facts, policy, &leaf, distinct);
        judged.outcome.set_part(part);
        return judged;
    }
    let each = |word: &str, rules: &[Requirement], distinct| -> Vec<Judged> {
        rules
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let part = format!("{part}.{word}[{index}]");
                requirement(facts, policy, &part, rule, distinct)
            })
            .collect()
    };
    let mut judged = match rule {
        Requirement::AllOf(rules) => all_of(each("allOf", rules, distinct)),
        Requirement::AnyOf(rules) => any_of(each("anyOf", rules, distinct)),
        Requirement::AtLeast {
            count,
            distinct,
            of,
        } => at_least(*count, *distinct, each("atLeast", of, *distinct)),
        // Leaves are judged above.
        Requirement::Signature { .. } | Requirement::Statement { .. } => any_of(Vec::new()),
    };
    judged.outcome.part = part.to_owned();
    judged
}

/// Judges a leaf for whatever its claims must be about.
fn about_targets(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    distinct: Distinct,
) -> Judged {
    let targets = match facts.family.targets(leaf.terms.subject) {
        Targets::These(targets) => targets,
        Targets::Wanted(digest) => {
            let mut unread = Unread::default();
            unread.pending.insert(Want::Manifest(digest));
            return without_target(leaf, Status::Unknown, None, unread);
        }
        Targets::Failed(cause) => {
            let mut unread = Unread::default();
            unread.causes.push(cause);
            return without_target(leaf, Status::Unknown, None, unread);
        }
        Targets::Absent(why) => {
            return without_target(leaf, Status::Fail, Some(why.to_owned()), Unread::default());
        }
    };
    if let [target] = targets.as_slice() {
        return on_target(facts, policy, leaf, target, distinct);
    }
    let mut parts: Vec<Judged> = Vec::with_capacity(targets.len());
    for target in &targets {
        let mut judged = on_target(facts, policy, leaf, target, distinct);
        judged.outcome.rule = format!("{} `{target}`", leaf.words());
        parts.push(judged);
    }
    let mut judged = all_of_parts(parts);
    judged.outcome.rule = leaf.words();
    judged.outcome.monotone = leaf.terms.is_monotone();
    judged
}

fn without_target(leaf: &Leaf<'_>, status: Status, note: Option<String>, unread: Unread) -> Judged {
    Judged {
        outcome: RuleOutcome {
            note,
            causes: unread.causes.clone(),
            leaf: Some(LeafFacts {
                no_subject: status == Status::Fail,
                ..LeafFacts::default()
            }),
            monotone: leaf.terms.is_monotone(),
            ..RuleOutcome::new(leaf.words(), status)
        },
        signers: BTreeSet::new(),
        wants: unread.pending.clone(),
        unread,
    }
}

fn on_target(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    target: &Digest,
    distinct: Distinct,
) -> Judged {
    let mut counted = LeafFacts {
        wants_certificate: wants_certificate(policy, leaf.by),
        ..LeafFacts::default()
    };
    let over = leaf
        .terms
        .via_index
        .then(|| facts.family.index_over(target))
        .flatten();
    let mut unread = unread(facts, target, leaf.statement.is_some());
    if let Some(index) = &over {
        let more = self::unread(facts, index, leaf.statement.is_some());
        unread.add(&more);
    }
    let supposed = facts
        .supposed
        .signers(facts, policy, leaf, target, distinct);
    let mut selection = select(facts, policy, leaf, target, unread.is_empty());
    selection.suppose(supposed.len(), leaf.terms.select, unread.is_empty());
    counted.right_kind = selection.right_kind;
    counted.right_kind_key_signed = selection.right_kind_key_signed;
    if *target == facts.family.subject().digest() {
        for rejected in facts.rejected {
            if let Some(key_signed) = rejected_kind(facts.family.subject(), leaf, rejected) {
                counted.right_kind += 1;
                counted.right_kind_key_signed += usize::from(key_signed);
            }
        }
    }
    if let Some(cause) = &selection.undated {
        unread.causes.push(cause.clone());
    }
    let undecided = selection.status == Status::Unknown;
    let passes = selection.status == Status::Pass;
    let signers = selection
        .passing
        .iter()
        .map(|piece| same_signer(piece.signer(), distinct))
        .chain(supposed)
        .filter(|_| passes)
        .collect();
    Judged {
        outcome: RuleOutcome {
            note: selection.note,
            candidates: selection.candidates,
            causes: if undecided {
                unread.causes.clone()
            } else {
                Vec::new()
            },
            leaf: Some(counted),
            monotone: leaf.terms.is_monotone(),
            ..RuleOutcome::new(leaf.words(), selection.status)
        },
        signers,
        wants: if undecided {
            unread.pending.clone()
        } else {
            BTreeSet::new()
        },
        unread,
    }
}

/// Every platform's image must have it; only who passes for each counts as a signer.
fn all_of_parts(parts: Vec<Judged>) -> Judged {
    let signers = parts
        .iter()
        .map(|part| part.signers.clone())
        .reduce(|both, more| both.intersection(&more).cloned().collect())
        .unwrap_or_default();
    let mut judged = all_of(parts);
    judged.signers = signers;
    judged
}

fn all_of(parts: Vec<Judged>) -> Judged {
    let status = if parts.is_empty() || parts.iter().any(|part| part.outcome.status == Status::Fail)
    {
        Status::Fail
    } else if parts
        .iter()
        .any(|part| part.outcome.status == Status::Unknown)
    {
        Status::Unknown
    } else {
        Status::Pass
    };
    // Whose work several rules together are cannot be said, so they count for no signer.
    combine(
        "all of".to_owned(),
        status,
        empty_note(&parts),
        parts,
        BTreeSet::new(),
    )
}

fn any_of(parts: Vec<Judged>) -> Judged {
    let status = if parts.iter().any(|part| part.outcome.status == Status::Pass) {
        Status::Pass
    } else if parts
        .iter()
        .any(|part| part.outcome.status == Status::Unknown)
    {
        Status::Unknown
    } else {
        Status::Fail
    };
    let signers = parts
        .iter()
        .flat_map(|part| part.signers.iter().cloned())
        .collect();
    combine(
        "any of".to_owned(),
        status,
        empty_note(&parts),
        parts,
        signers,
    )
}

fn at_least(count: usize, distinct: Distinct, parts: Vec<Judged>) -> Judged {
    let passing: Vec<BTreeSet<String>> = parts.iter().map(|part| part.signers.clone()).collect();
    let reached = largest_assignment(&passing);
    // What is still unread could give each part a signer of its own, also a part that passes already.
    let mut possible = passing;
    for (index, (signers, part)) in possible.iter_mut().zip(&parts).enumerate() {
        if !part.unread.is_empty() {
            signers.insert(format!("unread {index}"));
        }
    }
    let status = if count > 0 && reached >= count {
        Status::Pass
    } else if count > 0 && largest_assignment(&possible) >= count {
        Status::Unknown
    } else {
        Status::Fail
    };
    let passed = parts
        .iter()
        .filter(|part| part.outcome.status == Status::Pass)
        .count();
    let note = format!(
        "{passed} of {} rules pass, by {reached} distinct signers; {count} are needed",
        parts.len()
    );
    let words = format!("at least {count}, each by another {}", distinct.as_str());
    let mut judged = combine(words, status, Some(note), parts, BTreeSet::new());
    if status == Status::Unknown {
        judged.wants = judged.unread.pending.clone();
        judged.outcome.causes = judged.unread.causes.clone();
    }
    judged
}

fn combine(
    rule: String,
    status: Status,
    note: Option<String>,
    parts: Vec<Judged>,
    signers: BTreeSet<String>,
) -> Judged {
    let mut wants = BTreeSet::new();
    let mut unread = Unread::default();
    let mut causes = Vec::new();
    let mut children = Vec::with_capacity(parts.len());
    for part in parts {
        if status != Status::Pass {
            wants.extend(part.wants);
        }
        if status == Status::Unknown {
            add_causes(&mut causes, &part.outcome.causes);
        }
        unread.add(&part.unread);
        children.push(part.outcome);
    }
    Judged {
        outcome: RuleOutcome {
            note,
            monotone: children.iter().all(|child| child.monotone),
            children,
            causes,
            ..RuleOutcome::new(rule, status)
        },
        signers,
        wants,
        unread,
    }
}

fn empty_note(parts: &[Judged]) -> Option<String> {
    parts
        .is_empty()
        .then(|| "a rule without parts never passes".to_owned())
}

/// Whether every signer that the rule names is a certificate's.
fn wants_certificate(policy: &Policy, by: &[String]) -> bool {
    by.iter().all(|name| {
        matches!(
            policy.signers.get(name),
            Some(SignerRule::Keyless { .. } | SignerRule::Certificate { .. })
        )
    })
}
