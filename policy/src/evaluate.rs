//! Judges the tree of one policy over the evidence at hand, in three values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::Digest;
use countersign_proof::{KeyId, Rejected, Signer, Subject, Verified};

use crate::candidate::{Leaf, judge_candidate, rejected_kind};
use crate::clock::Clock;
use crate::decision::{Candidate, LeafFacts, RuleOutcome, Status};
use crate::distinct::largest_assignment;
use crate::evidence::{Answer, Cause, CauseClass, SourceKind};
use crate::explain::Supposed;
use crate::rules::{Distinct, Policy, Requirement, SignerRule};

/// What a decision is made from.
pub(crate) struct Facts<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) trust: &'a Digest,
    pub(crate) verified: &'a [Arc<Verified>],
    pub(crate) rejected: &'a [Rejected],
    pub(crate) sources: &'a BTreeMap<SourceKind, SourceState>,
    /// Pieces that were dropped when a budget was spent.
    pub(crate) spent: Option<&'a Cause>,
    pub(crate) clock: &'a Clock,
    /// What is supposed besides, to explain a decision; nothing when one is made.
    pub(crate) supposed: &'a Supposed,
}

/// What is known of a source that was asked.
#[derive(Debug, Default)]
pub(crate) struct SourceState {
    pub(crate) answer: Option<Answer>,
    pub(crate) missing: Vec<Cause>,
}

impl SourceState {
    /// Whether the source answered and everything that it lists was had.
    pub(crate) fn is_read(&self) -> bool {
        self.missing.is_empty()
            && matches!(
                self.answer,
                Some(Answer::Absent | Answer::Read { complete: true, .. })
            )
    }
}

/// A judged rule, with what the rules above need to know.
pub(crate) struct Judged {
    pub(crate) outcome: RuleOutcome,
    /// Who passes it, as text that is equal for equal signers; only for signatures, statements and `anyOf`.
    signers: BTreeSet<String>,
    /// Sources to ask next that could decide it.
    pub(crate) wants: BTreeSet<SourceKind>,
    /// What is unread below, whether or not the parts pass.
    unread: Unread,
}

/// What could still add evidence.
#[derive(Default)]
struct Unread {
    /// Sources that were not asked yet, of the earliest stage that has any.
    pending: BTreeSet<SourceKind>,
    /// Sources that were asked and did not tell all.
    causes: Vec<Cause>,
}

impl Unread {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.causes.is_empty()
    }
}

/// Judges the requirement of `policy`.
pub(crate) fn evaluate(facts: &Facts<'_>, policy: &Policy) -> Judged {
    requirement(facts, policy, &policy.require, Distinct::Identity)
}

/// `distinct` says how the nearest `atLeast` above tells signers apart.
fn requirement(
    facts: &Facts<'_>,
    policy: &Policy,
    rule: &Requirement,
    distinct: Distinct,
) -> Judged {
    if let Some(wanted) = leaf_of(rule) {
        return leaf(facts, policy, &wanted, distinct);
    }
    match rule {
        // Both are leaves.
        Requirement::Signature { .. } | Requirement::Statement { .. } => any_of(Vec::new()),
        Requirement::AllOf(rules) => all_of(judge_each(facts, policy, rules, distinct)),
        Requirement::AnyOf(rules) => any_of(judge_each(facts, policy, rules, distinct)),
        Requirement::AtLeast {
            count,
            distinct,
            of,
        } => at_least(*count, *distinct, judge_each(facts, policy, of, *distinct)),
    }
}

/// The rule as one that looks at pieces; `None` for rules made of rules.
pub(crate) fn leaf_of(rule: &Requirement) -> Option<Leaf<'_>> {
    match rule {
        Requirement::Signature { by, annotations } => Some(Leaf {
            statement: None,
            by,
            annotations,
        }),
        Requirement::Statement {
            predicate_type,
            by,
            annotations,
        } => Some(Leaf {
            statement: Some(predicate_type.as_ref()),
            by,
            annotations,
        }),
        Requirement::AllOf(_) | Requirement::AnyOf(_) | Requirement::AtLeast { .. } => None,
    }
}

fn judge_each(
    facts: &Facts<'_>,
    policy: &Policy,
    rules: &[Requirement],
    distinct: Distinct,
) -> Vec<Judged> {
    rules
        .iter()
        .map(|rule| requirement(facts, policy, rule, distinct))
        .collect()
}

fn leaf(facts: &Facts<'_>, policy: &Policy, leaf: &Leaf<'_>, distinct: Distinct) -> Judged {
    let mut signers = BTreeSet::new();
    let mut counted = LeafFacts {
        wants_certificate: wants_certificate(policy, leaf.by),
        ..LeafFacts::default()
    };
    let mut candidates = Vec::with_capacity(facts.verified.len());
    for piece in facts.verified {
        let judged = judge_candidate(facts, policy, leaf, piece);
        if judged.right_kind {
            counted.right_kind += 1;
            counted.right_kind_key_signed += usize::from(matches!(piece.signer(), Signer::Key(_)));
        }
        if judged.mismatches.is_empty() {
            signers.insert(identity(piece.signer(), distinct));
        }
        candidates.push(Candidate {
            piece: Arc::clone(piece),
            signer: judged.signer,
            mismatches: judged.mismatches,
        });
    }
    signers.extend(facts.supposed.signers(facts, policy, leaf, distinct));
    for rejected in facts.rejected {
        if let Some(key_signed) = rejected_kind(facts.subject, leaf, rejected) {
            counted.right_kind += 1;
            counted.right_kind_key_signed += usize::from(key_signed);
        }
    }
    let unread = unread(facts, leaf.statement.is_some());
    let status = if !signers.is_empty() {
        Status::Pass
    } else if unread.is_empty() {
        Status::Fail
    } else {
        Status::Unknown
    };
    let undecided = status == Status::Unknown;
    Judged {
        outcome: RuleOutcome {
            rule: leaf.words(),
            status,
            note: None,
            candidates,
            children: Vec::new(),
            causes: if undecided {
                unread.causes.clone()
            } else {
                Vec::new()
            },
            leaf: Some(counted),
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
        unread.pending.extend(part.unread.pending);
        add_causes(&mut unread.causes, &part.unread.causes);
        children.push(part.outcome);
    }
    Judged {
        outcome: RuleOutcome {
            rule,
            status,
            note,
            candidates: Vec::new(),
            children,
            causes,
            leaf: None,
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

/// Adds what is not there yet.
pub(crate) fn add_causes(all: &mut Vec<Cause>, more: &[Cause]) {
    for cause in more {
        if !all.contains(cause) {
            all.push(cause.clone());
        }
    }
}

/// The order in which sources are asked. Whoever can answer from what the caller brought asks no
/// registry; legacy tags cost one small request each and come before pieces that say they hold something else,
/// which may be large.
fn stages(subject: &Subject, statement: bool) -> &'static [SourceKind] {
    use SourceKind::{AttestationTag, BundleReferrers, Given, OtherPieces, SignatureTag};
    match (subject, statement) {
        (Subject::Blob(_), _) => &[Given],
        (Subject::Image(_), false) => &[Given, BundleReferrers, SignatureTag, OtherPieces],
        (Subject::Image(_), true) => &[Given, BundleReferrers, AttestationTag, OtherPieces],
    }
}

/// Every source that can say something about the subject.
pub(crate) fn all_sources(subject: &Subject) -> &'static [SourceKind] {
    use SourceKind::{AttestationTag, BundleReferrers, Given, OtherPieces, SignatureTag};
    match subject {
        Subject::Blob(_) => &[Given],
        Subject::Image(_) => &[
            Given,
            BundleReferrers,
            SignatureTag,
            AttestationTag,
            OtherPieces,
        ],
    }
}

fn unread(facts: &Facts<'_>, statement: bool) -> Unread {
    let mut unread = Unread::default();
    for source in stages(facts.subject, statement) {
        if facts.supposed.reads(*source) {
            continue;
        }
        let Some(state) = facts.sources.get(source) else {
            if unread.pending.is_empty() {
                unread.pending.insert(*source);
            }
            continue;
        };
        let incomplete = |detail: &str| Cause {
            class: CauseClass::Incomplete,
            source: source.to_string(),
            detail: detail.to_owned(),
        };
        add_causes(&mut unread.causes, &state.missing);
        match &state.answer {
            Some(Answer::Absent | Answer::Read { complete: true, .. }) => {}
            Some(Answer::Read {
                complete: false, ..
            }) if !state.missing.is_empty() => {}
            Some(Answer::Read {
                complete: false, ..
            }) => {
                add_causes(
                    &mut unread.causes,
                    &[incomplete("it was not read to its end")],
                );
            }
            Some(Answer::Failed(cause)) => {
                add_causes(&mut unread.causes, std::slice::from_ref(cause))
            }
            None => add_causes(
                &mut unread.causes,
                &[incomplete("it was asked and did not answer")],
            ),
        }
    }
    if let Some(spent) = facts.spent {
        add_causes(&mut unread.causes, std::slice::from_ref(spent));
    }
    unread
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

/// A text that is equal for signers which count as one.
pub(crate) fn identity(signer: &Signer, distinct: Distinct) -> String {
    match signer {
        Signer::Key(key) => key_text(key),
        Signer::Fulcio(certificate) => certificate_text(
            certificate.issuer.as_deref().unwrap_or_default(),
            certificate.san.kind(),
            certificate.san.value(),
            distinct,
        ),
        Signer::X509(certificate) => match (distinct, &certificate.san) {
            (Distinct::Identity | Distinct::Key, Some(san)) => {
                format!(
                    "certificate {} {} {}",
                    certificate.authority,
                    san.kind(),
                    san.value()
                )
            }
            _ => format!("authority {}", certificate.authority),
        },
        _ => "somebody of an unknown kind".to_owned(),
    }
}

/// [`identity`] of a key.
pub(crate) fn key_text(key: &KeyId) -> String {
    format!("key {key}")
}

/// [`identity`] of a certificate with this issuer and subject alternative name.
pub(crate) fn certificate_text(
    issuer: &str,
    kind: &str,
    value: &str,
    distinct: Distinct,
) -> String {
    match distinct {
        Distinct::Issuer => format!("issuer {issuer}"),
        Distinct::Identity | Distinct::Key => format!("identity {issuer} {kind} {value}"),
    }
}
