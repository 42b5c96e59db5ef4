//! What each policy said, in the decision's record: down to each candidate of a rule, and why it does not count.

use countersign_proof::Verified;
use serde::Serialize;

use super::cause::CauseRecord;
use crate::decision::{Candidate, PolicyOutcome, RuleOutcome, Standing};
use crate::mismatch::Mismatch;

#[derive(Debug, Clone, Serialize)]
pub(super) struct PolicyRecord {
    name: String,
    mode: &'static str,
    action: &'static str,
    /// Whether the requirement was judged, and if not, why.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<ExceptionRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    insecure: Vec<InsecureRecord>,
    rule: RuleRecord,
}

#[derive(Debug, Clone, Serialize)]
struct ExceptionRecord {
    until: String,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct InsecureRecord {
    danger: &'static str,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct RuleRecord {
    /// Where the rule stands in its policy.
    part: String,
    rule: String,
    monotone: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<CandidateRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<CauseRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleRecord>,
}

#[derive(Debug, Clone, Serialize)]
struct CandidateRecord {
    /// Index into the record's `evidence`.
    evidence: usize,
    counts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatches: Vec<MismatchRecord>,
}

#[derive(Debug, Clone, Serialize)]
struct MismatchRecord {
    code: &'static str,
    expected: String,
    found: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl PolicyRecord {
    pub(super) fn of(outcome: &PolicyOutcome, pieces: &[&Verified]) -> Self {
        let exception = match &outcome.standing {
            Standing::Excepted { until, reason } => Some(ExceptionRecord {
                until: until.to_string(),
                reason: reason.clone(),
            }),
            _ => None,
        };
        Self {
            name: outcome.name.clone(),
            mode: outcome.mode.as_str(),
            action: outcome.action.as_str(),
            standing: outcome.standing.code(),
            exception,
            insecure: outcome
                .insecure
                .iter()
                .map(|switch| InsecureRecord {
                    danger: switch.danger.name(),
                    reason: switch.reason.clone(),
                })
                .collect(),
            rule: RuleRecord::of(&outcome.rule, pieces),
        }
    }
}

impl RuleRecord {
    fn of(outcome: &RuleOutcome, pieces: &[&Verified]) -> Self {
        Self {
            part: outcome.part.clone(),
            monotone: outcome.monotone,
            rule: outcome.rule.clone(),
            status: outcome.status.as_str(),
            note: outcome.note.clone(),
            candidates: outcome
                .candidates
                .iter()
                .filter_map(|found| CandidateRecord::of(found, pieces))
                .collect(),
            causes: outcome.causes.iter().map(CauseRecord::of).collect(),
            rules: outcome
                .children
                .iter()
                .map(|child| RuleRecord::of(child, pieces))
                .collect(),
        }
    }
}

impl CandidateRecord {
    /// Nothing for a piece that the record does not list.
    fn of(candidate: &Candidate, pieces: &[&Verified]) -> Option<Self> {
        let evidence = pieces
            .iter()
            .position(|piece| std::ptr::eq(*piece, candidate.piece.as_ref()))?;
        Some(Self {
            evidence,
            counts: candidate.counts(),
            signer: candidate.signer.clone(),
            mismatches: candidate
                .mismatches
                .iter()
                .map(MismatchRecord::of)
                .collect(),
        })
    }
}

impl MismatchRecord {
    fn of(mismatch: &Mismatch) -> Self {
        Self {
            code: mismatch.kind.code(),
            expected: mismatch.expected.clone(),
            found: mismatch.found.clone(),
            message: mismatch.message.clone(),
            hint: mismatch.hint.clone(),
        }
    }
}
