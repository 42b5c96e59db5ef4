//! A proven piece of evidence, in the decision's record.

use std::collections::BTreeMap;

use countersign_proof::{Claim, Dated, LogProofKind, Verified};
use serde::Serialize;

use super::origin::OriginRecord;
use super::signer::SignerRecord;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EvidenceRecord {
    digest: String,
    /// Whether it counts for some rule.
    accepted: bool,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    origin: OriginRecord,
    signer: SignerRecord,
    dated: DatedRecord,
    logs: Vec<LogRecord>,
    timestamps: Vec<TimestampRecord>,
    scts: Vec<String>,
    checks: Vec<CheckRecord>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DatedRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord {
    log: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    log_index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    integrated_time: Option<String>,
    proof: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct TimestampRecord {
    authority: String,
    time: String,
}

#[derive(Debug, Clone, Serialize)]
struct CheckRecord {
    name: &'static str,
    section: &'static str,
    detail: String,
}

impl EvidenceRecord {
    pub(super) fn of(piece: &Verified, accepted: bool) -> Self {
        let kind = match piece.claim() {
            Claim::Statement(_) => "statement",
            Claim::SimpleSigning { .. } => "simple-signing",
            Claim::Message { .. } => "message",
            _ => "unknown",
        };
        let (not_before, not_after) = match piece.dated() {
            Dated::Within {
                not_before,
                not_after,
            } => (
                not_before.map(|time| time.to_string()),
                Some(not_after.to_string()),
            ),
            Dated::Undated => (None, None),
        };
        Self {
            digest: piece.digest().to_string(),
            accepted,
            kind,
            predicate_type: piece.claim().predicate_type().map(str::to_owned),
            annotations: piece.claim().annotations().clone(),
            origin: OriginRecord::of(piece.origin()),
            signer: SignerRecord::of(piece.signer()),
            dated: DatedRecord {
                not_before,
                not_after,
            },
            logs: piece
                .logs()
                .iter()
                .map(|entry| LogRecord {
                    log: entry.log.to_string(),
                    origin: entry.origin.clone(),
                    log_index: entry.log_index,
                    integrated_time: entry.integrated_time.map(|time| time.to_string()),
                    proof: match entry.proof {
                        LogProofKind::Promise => "promise",
                        LogProofKind::Inclusion => "inclusion",
                    },
                })
                .collect(),
            timestamps: piece
                .timestamps()
                .iter()
                .map(|stamp| TimestampRecord {
                    authority: stamp.authority.to_string(),
                    time: stamp.time.to_string(),
                })
                .collect(),
            scts: piece
                .scts()
                .iter()
                .map(std::string::ToString::to_string)
                .collect(),
            checks: piece
                .report()
                .checks
                .iter()
                .map(|check| CheckRecord {
                    name: check.name(),
                    section: check.section(),
                    detail: check.detail(),
                })
                .collect(),
        }
    }
}
