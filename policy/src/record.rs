//! The decision as one versioned value, for `--output json` and for audit logs.

use std::collections::BTreeMap;

use countersign_formats::Digest;
use countersign_proof::{
    Claim, Dated, LogProofKind, Origin, Rejected, Signer, UnverifiedSigner, Verified,
};
use serde::Serialize;

use crate::decision::{
    Candidate, Decision, PolicyOutcome, RuleOutcome, SourceReport, Standing, Verdict,
};
use crate::evidence::{Answer, Cause, Unusable};
use crate::mismatch::Mismatch;

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

#[derive(Debug, Clone, Serialize)]
struct CauseRecord {
    class: &'static str,
    source: String,
    detail: String,
}

#[derive(Debug, Clone, Serialize)]
struct PolicyRecord {
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

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceRecord {
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
struct OriginRecord {
    form: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<DescriptorRecord>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorRecord {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum SignerRecord {
    #[serde(rename_all = "camelCase")]
    Key {
        key_id: String,
    },
    #[serde(rename_all = "camelCase")]
    Certificate {
        identity: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
        serial: String,
        fingerprint: String,
        not_before: String,
        not_after: String,
        authority: String,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        extensions: BTreeMap<String, String>,
    },
    Other {
        description: String,
    },
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

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RejectedRecord {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    origin: OriginRecord,
    /// What the piece says of itself; nothing of it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified_claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified_signer: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceRecord {
    /// The index or platform image that it was asked about; the subject where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    source: &'static str,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<CauseRecord>,
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
            Verdict::Unknown(causes) => ("unknown", Vec::new(), causes.iter().map(cause).collect()),
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
                .map(|outcome| policy(outcome, &pieces))
                .collect(),
            evidence: pieces
                .iter()
                .enumerate()
                .map(|(index, piece)| evidence(piece, index < decision.accepted.len()))
                .collect(),
            rejected: decision
                .rejected
                .iter()
                .map(rejected)
                .chain(decision.unusable.iter().map(unusable))
                .collect(),
            sources: decision
                .sources
                .iter()
                .map(|report| source(report, &decision.digests.subject))
                .collect(),
        }
    }
}

fn policy(outcome: &PolicyOutcome, pieces: &[&Verified]) -> PolicyRecord {
    let exception = match &outcome.standing {
        Standing::Excepted { until, reason } => Some(ExceptionRecord {
            until: until.to_string(),
            reason: reason.clone(),
        }),
        _ => None,
    };
    PolicyRecord {
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
        rule: rule(&outcome.rule, pieces),
    }
}

fn rule(outcome: &RuleOutcome, pieces: &[&Verified]) -> RuleRecord {
    RuleRecord {
        part: outcome.part.clone(),
        monotone: outcome.monotone,
        rule: outcome.rule.clone(),
        status: outcome.status.as_str(),
        note: outcome.note.clone(),
        candidates: outcome
            .candidates
            .iter()
            .filter_map(|found| candidate(found, pieces))
            .collect(),
        causes: outcome.causes.iter().map(cause).collect(),
        rules: outcome
            .children
            .iter()
            .map(|child| rule(child, pieces))
            .collect(),
    }
}

fn candidate(candidate: &Candidate, pieces: &[&Verified]) -> Option<CandidateRecord> {
    let evidence = pieces
        .iter()
        .position(|piece| std::ptr::eq(*piece, candidate.piece.as_ref()))?;
    Some(CandidateRecord {
        evidence,
        counts: candidate.counts(),
        signer: candidate.signer.clone(),
        mismatches: candidate.mismatches.iter().map(mismatch).collect(),
    })
}

fn mismatch(mismatch: &Mismatch) -> MismatchRecord {
    MismatchRecord {
        code: mismatch.kind.code(),
        expected: mismatch.expected.clone(),
        found: mismatch.found.clone(),
        message: mismatch.message.clone(),
        hint: mismatch.hint.clone(),
    }
}

fn evidence(piece: &Verified, accepted: bool) -> EvidenceRecord {
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
    EvidenceRecord {
        digest: piece.digest().to_string(),
        accepted,
        kind,
        predicate_type: piece.claim().predicate_type().map(str::to_owned),
        annotations: piece.claim().annotations().clone(),
        origin: origin(piece.origin()),
        signer: signer(piece.signer()),
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

fn signer(signer: &Signer) -> SignerRecord {
    match signer {
        Signer::Key(key) => SignerRecord::Key {
            key_id: key.to_string(),
        },
        Signer::Fulcio(certificate) => SignerRecord::Certificate {
            identity: certificate.san.value().to_owned(),
            issuer: certificate.issuer.clone(),
            serial: certificate.serial.clone(),
            fingerprint: certificate.fingerprint.to_string(),
            not_before: certificate.not_before.to_string(),
            not_after: certificate.not_after.to_string(),
            authority: certificate.authority.clone(),
            extensions: certificate
                .extensions
                .present()
                .map(|(_, name, value)| (camel_case(name), value.to_owned()))
                .collect(),
        },
        Signer::X509(certificate) => SignerRecord::Certificate {
            identity: certificate
                .san
                .as_ref()
                .map(|san| san.value().to_owned())
                .unwrap_or_default(),
            issuer: None,
            serial: certificate.serial.clone(),
            fingerprint: certificate.fingerprint.to_string(),
            not_before: certificate.not_before.to_string(),
            not_after: certificate.not_after.to_string(),
            authority: certificate.authority.clone(),
            extensions: BTreeMap::new(),
        },
        _ => SignerRecord::Other {
            description: "of an unknown kind".to_owned(),
        },
    }
}

/// `source_repository_uri` as the record spells names: `sourceRepositoryUri`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
    }
    spelled
}

fn origin(origin: &Origin) -> OriginRecord {
    OriginRecord {
        form: origin.form.code(),
        manifest: origin
            .manifest
            .as_ref()
            .map(std::string::ToString::to_string),
        repository: origin.repository.clone(),
        descriptor: origin
            .descriptor
            .as_ref()
            .map(|descriptor| DescriptorRecord {
                media_type: descriptor.media_type.clone(),
                digest: descriptor.digest.to_string(),
                size: descriptor.size,
            }),
    }
}

fn rejected(piece: &Rejected) -> RejectedRecord {
    RejectedRecord {
        code: piece.code(),
        message: piece.to_string(),
        hint: piece.hint(),
        digest: piece.digest().map(std::string::ToString::to_string),
        origin: origin(piece.origin()),
        unverified_claim: piece
            .unverified_claim()
            .map(std::string::ToString::to_string),
        unverified_signer: piece.unverified_signer().map(|signer| match signer {
            UnverifiedSigner::Key { hint } => {
                format!("key {}", hint.as_deref().unwrap_or("without a hint"))
            }
            UnverifiedSigner::Certificate { san, issuer } => format!(
                "certificate of {} by {}",
                san.as_ref().map_or("nobody", |san| san.value()),
                issuer.as_deref().unwrap_or("nobody")
            ),
            _ => "of an unknown kind".to_owned(),
        }),
    }
}

fn unusable(piece: &Unusable) -> RejectedRecord {
    RejectedRecord {
        code: piece.code,
        message: piece.message.clone(),
        hint: None,
        digest: None,
        origin: origin(&piece.origin),
        unverified_claim: None,
        unverified_signer: None,
    }
}

fn cause(cause: &Cause) -> CauseRecord {
    CauseRecord {
        class: cause.class.code(),
        source: cause.source.clone(),
        detail: cause.detail.clone(),
    }
}

fn source(report: &SourceReport, subject: &Digest) -> SourceRecord {
    let (answer, complete, as_of, failed) = match &report.answer {
        None => ("none", None, None, None),
        Some(Answer::Absent) => ("absent", None, None, None),
        Some(Answer::Read { complete, as_of }) => {
            ("read", Some(*complete), Some(as_of.to_string()), None)
        }
        Some(Answer::Failed(reason)) => ("failed", None, None, Some(cause(reason))),
    };
    SourceRecord {
        about: (report.about != *subject).then(|| report.about.to_string()),
        source: report.source.code(),
        answer,
        complete,
        as_of,
        cause: failed,
        missing: report.missing.iter().map(cause).collect(),
    }
}
