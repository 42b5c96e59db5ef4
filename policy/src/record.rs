//! The decision as one versioned value, for `--output json` and for audit logs.

mod cause;
mod evidence;
mod origin;
mod policies;
mod rejected;
mod signer;
mod sources;

use countersign_proof::Verified;
use serde::Serialize;

use self::cause::CauseRecord;
use self::evidence::EvidenceRecord;
use self::policies::PolicyRecord;
use self::rejected::RejectedRecord;
use self::sources::SourceRecord;
use crate::decision::{Decision, Verdict};

/// The version of [`DecisionRecord`]'s schema; it changes when a field changes its meaning or goes.
pub const DECISION_SCHEMA_VERSION: u32 = 1;

/// A decision with everything that led to it; absent fields are left out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    schema_version: u32,
    subject: String,
    /// The repository that it was asked for by.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_name: Option<String>,
    /// The index that the image was reached through.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    verdict: &'static str,
    outcome: &'static str,
    action: &'static str,
    decided_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    digests: DigestsRecord,
    reasons: Vec<ReasonRecord>,
    causes: Vec<CauseRecord>,
    dangers: Vec<String>,
    policies: Vec<PolicyRecord>,
    evidence: Vec<EvidenceRecord>,
    rejected: Vec<RejectedRecord>,
    sources: Vec<SourceRecord>,
}

#[derive(Debug, Clone, Serialize)]
struct DigestsRecord {
    policy: String,
    trust: String,
    evidence: String,
}

#[derive(Debug, Clone, Serialize)]
struct ReasonRecord {
    policy: String,
    rule: String,
    code: &'static str,
    message: String,
}

impl DecisionRecord {
    /// The record of `decision`.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        let (verdict, reasons, causes) = match &decision.verdict {
            Verdict::Pass => ("pass", Vec::new(), Vec::new()),
            Verdict::Fail(reasons) => {
                let reasons = reasons
                    .iter()
                    .map(|reason| ReasonRecord {
                        policy: reason.policy.clone(),
                        rule: reason.rule.clone(),
                        code: reason.code,
                        message: reason.message.clone(),
                    })
                    .collect();
                ("fail", reasons, Vec::new())
            }
            Verdict::Unknown(causes) => (
                "unknown",
                Vec::new(),
                causes.iter().map(CauseRecord::of).collect(),
            ),
        };
        let pieces: Vec<&Verified> = decision
            .accepted
            .iter()
            .chain(&decision.unused)
            .map(std::convert::AsRef::as_ref)
            .collect();
        Self {
            schema_version: DECISION_SCHEMA_VERSION,
            subject: decision.digests.subject.to_string(),
            image_name: decision.image_name.clone(),
            index: decision.index.map(|index| index.to_string()),
            verdict,
            outcome: decision.outcome().code(),
            action: decision.action.as_str(),
            decided_at: decision.decided_at.to_string(),
            valid_until: decision.valid_until.map(|time| time.to_string()),
            digests: DigestsRecord {
                policy: decision.digests.policy.to_string(),
                trust: decision.digests.trust.to_string(),
                evidence: decision.digests.evidence.to_string(),
            },
            reasons,
            causes,
            dangers: decision.dangers.clone(),
            policies: decision
                .policies
                .iter()
                .map(|outcome| PolicyRecord::of(outcome, &pieces))
                .collect(),
            evidence: pieces
                .iter()
                .enumerate()
                .map(|(index, piece)| EvidenceRecord::of(piece, index < decision.accepted.len()))
                .collect(),
            rejected: decision
                .rejected
                .iter()
                .map(RejectedRecord::of)
                .chain(decision.unusable.iter().map(RejectedRecord::of_unusable))
                .collect(),
            sources: decision
                .sources
                .iter()
                .map(|report| SourceRecord::of(report, &decision.digests.subject))
                .collect(),
        }
    }
}
