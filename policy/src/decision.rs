//! The end of the road: a verdict, what becomes of it, and why.

use std::sync::Arc;

use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Origin, Rejected, Verified};

use crate::evidence::{Answer, Cause, CauseClass, SourceKind, Unusable};
use crate::explain::Ground;
use crate::mismatch::Mismatch;
use crate::record::DecisionRecord;
use crate::rules::{Insecure, Mode};

/// What a set of policies says about one subject.
#[derive(Debug)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// What is to be done, by the policies' modes; the verdict stays what it is.
    pub action: Action,
    /// How each policy that speaks of the subject came to its part of the answer.
    pub policies: Vec<PolicyOutcome>,
    /// Proven pieces that count for some rule.
    pub accepted: Vec<Arc<Verified>>,
    /// Proven pieces that count for no rule; the candidates in [`Decision::policies`] say why.
    pub unused: Vec<Arc<Verified>>,
    /// Pieces that prove nothing.
    pub rejected: Vec<Rejected>,
    /// Pieces that arrived and are stored in a way that their form forbids.
    pub unusable: Vec<Unusable>,
    /// How each source answered that was asked.
    pub sources: Vec<SourceReport>,
    /// When the decision was made.
    pub decided_at: UnixTime,
    /// The last second at which the same policy, trust and evidence give the same decision; `None`
    /// when it does not depend on the time.
    pub valid_until: Option<UnixTime>,
    /// What the decision is about and what it rests on.
    pub digests: Digests,
    /// Names of the dangers that were accepted for the proofs which count.
    pub dangers: Vec<String>,
    /// The repository that the subject was asked for by.
    pub image_name: Option<String>,
    /// The index that the image was reached through.
    pub index: Option<Digest>,
    /// What it takes to judge again under a supposition.
    pub(crate) ground: Box<Ground>,
}

/// The answer to "has this subject what the policies ask for?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Pass,
    /// No.
    Fail(Vec<Reason>),
    /// It could not be found out.
    Unknown(Vec<Cause>),
}

/// What is to be done with the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Admit it.
    Admit,
    /// Admit it and say what is wrong: only policies in mode `warn` stand against it, or an exception or excused outage lets
    /// it through.
    AdmitWithWarning,
    /// Do not admit it.
    Deny,
}

/// Why a rule is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Name of the policy.
    pub policy: String,
    /// The rule, in words.
    pub rule: String,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
}

/// What an exit code is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It passes: 0.
    Pass,
    /// Nothing at all was found: 10.
    NoEvidence,
    /// Something was found and nothing of it suffices: 12.
    NoneAcceptable,
    /// A rule wants a certificate and what was found is signed by keys: 13.
    NoCertificate,
    /// It could not be found out: 21 for authentication, 22 for trust, 20 otherwise.
    Unknown(CauseClass),
}

/// How one policy was judged.
#[derive(Debug, Clone)]
pub struct PolicyOutcome {
    /// Name of the policy.
    pub name: String,
    /// What the policy does with what it does not pass.
    pub mode: Mode,
    /// What is to be done as far as this policy is concerned.
    pub action: Action,
    /// Whether the requirement was judged, and if not, why.
    pub standing: Standing,
    /// The checks that the policy leaves out, with its reasons.
    pub insecure: Vec<Insecure>,
    /// How its requirement was judged.
    pub rule: RuleOutcome,
}

/// Whether a policy's requirement decides about a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Judged,
    /// The subject stands on the policy's deny-list: it fails.
    Denied,
    /// The policy has expired: it passes nothing.
    Expired {
        /// The last second at which it passed anything.
        since: UnixTime,
    },
    /// An exception lets the subject through: the requirement is not asked.
    Excepted {
        /// The last second at which the exception holds.
        until: UnixTime,
        /// Why there is one.
        reason: String,
    },
}

/// How one rule was judged.
#[derive(Debug, Clone)]
pub struct RuleOutcome {
    /// Where the rule stands in its policy, such as `require.allOf[0]`.
    pub part: String,
    /// The rule, in words.
    pub rule: String,
    /// Whether evidence withheld can never help the rule; one that is not monotone passes only where every source was read.
    pub monotone: bool,
    /// Its value.
    pub status: Status,
    /// What the status rests on, where the parts alone do not say it.
    pub note: Option<String>,
    /// The proven pieces that were looked at; empty for rules made of rules.
    pub candidates: Vec<Candidate>,
    /// The rules within.
    pub children: Vec<RuleOutcome>,
    /// Why the rule's value is unknown.
    pub causes: Vec<Cause>,
    pub(crate) leaf: Option<LeafFacts>,
}

/// Three values: passing, failing, and not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The rule is met.
    Pass,
    /// It is not met, and nothing that was not read could change that.
    Fail,
    /// What was not read could decide it.
    Unknown,
}

/// A proven piece of evidence before one rule.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The piece and its proof.
    pub piece: Arc<Verified>,
    /// Name of the policy's signer that it counts for.
    pub signer: Option<String>,
    /// Everything that stands between the piece and the rule; empty when it counts. For a rule that
    /// names several signers, measured at the one that it misses least.
    pub mismatches: Vec<Mismatch>,
}

/// What decides between "none acceptable" and "no certificate".
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeafFacts {
    /// Whether there is nothing that claims could be about: an image that is no index, asked for one.
    pub(crate) no_subject: bool,
    pub(crate) wants_certificate: bool,
    pub(crate) right_kind: usize,
    pub(crate) right_kind_key_signed: usize,
}

/// One source and how it answered.
#[derive(Debug, Clone)]
pub struct SourceReport {
    /// What it was asked about: the subject, its index or one of its images.
    pub about: Digest,
    /// Which source.
    pub source: SourceKind,
    /// Its answer; `None` when it was asked and did not answer.
    pub answer: Option<Answer>,
    /// Pieces that it lists and that could not be had.
    pub missing: Vec<Cause>,
}

/// What a decision is about and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// The subject.
    pub subject: Digest,
    /// The policies ([`crate::PolicySet::digest`]).
    pub policy: Digest,
    /// The trust material.
    pub trust: Digest,
    /// The evidence: SHA-256 over the sorted digests of all pieces.
    pub evidence: Digest,
}

impl Decision {
    /// What the exit code is made of.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.verdict {
            Verdict::Pass => Outcome::Pass,
            Verdict::Unknown(causes) => Outcome::Unknown(
                causes
                    .iter()
                    .map(|cause| cause.class)
                    .min_by_key(|class| class.rank())
                    .unwrap_or(CauseClass::Incomplete),
            ),
            Verdict::Fail(_) => self.failure(),
        }
    }

    /// Whether the verdict is [`Verdict::Pass`].
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// The decision as the value that `--output json` prints.
    #[must_use]
    pub fn record(&self) -> DecisionRecord {
        DecisionRecord::of(self)
    }

    /// Whether it was denied before anything was asked for: no policy speaks of it, its digest is on a deny-list, or a policy has
    /// expired.
    fn is_refused_unasked(&self) -> bool {
        matches!(&self.verdict, Verdict::Fail(reasons) if reasons.iter().any(Reason::is_standing))
    }

    fn failure(&self) -> Outcome {
        let found =
            self.accepted.len() + self.unused.len() + self.rejected.len() + self.unusable.len();
        let unread = !self.sources.iter().all(SourceReport::is_read);
        if found == 0 {
            // What could not be read is not "nothing", nor is what nobody asked for.
            return if unread || self.is_refused_unasked() {
                Outcome::NoneAcceptable
            } else {
                Outcome::NoEvidence
            };
        }
        let mut failed = Vec::new();
        for policy in &self.policies {
            policy.rule.each_failed_leaf(&mut |leaf| failed.push(leaf));
        }
        failed.retain(|leaf| leaf.right_kind > 0);
        let keys_only = failed
            .iter()
            .all(|leaf| leaf.wants_certificate && leaf.right_kind_key_signed == leaf.right_kind);
        if !failed.is_empty() && keys_only {
            Outcome::NoCertificate
        } else {
            Outcome::NoneAcceptable
        }
    }
}

impl Outcome {
    /// The stable code of this outcome, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NoEvidence => "no-evidence",
            Self::NoneAcceptable => "none-acceptable",
            Self::NoCertificate => "no-certificate",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Candidate {
    /// Whether the piece counts for the rule.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// The first thing that stands between the piece and the rule.
    #[must_use]
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.mismatches.first()
    }

    /// Where the piece was found.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.piece.origin()
    }
}

impl SourceReport {
    /// Whether the source answered and everything that it lists was had.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.missing.is_empty()
            && matches!(
                self.answer,
                Some(Answer::Absent | Answer::Read { complete: true, .. })
            )
    }
}

impl RuleOutcome {
    /// A rule with nothing below it.
    pub(crate) fn new(rule: String, status: Status) -> Self {
        Self {
            part: String::new(),
            rule,
            monotone: true,
            status,
            note: None,
            candidates: Vec::new(),
            children: Vec::new(),
            causes: Vec::new(),
            leaf: None,
        }
    }

    /// Sets where the rule stands, for the images that it was judged for too.
    pub(crate) fn set_part(&mut self, part: &str) {
        part.clone_into(&mut self.part);
        for child in &mut self.children {
            child.set_part(part);
        }
    }

    fn each_failed_leaf(&self, visit: &mut dyn FnMut(LeafFacts)) {
        if self.status == Status::Pass {
            return;
        }
        if let (Some(leaf), Status::Fail) = (self.leaf, self.status) {
            visit(leaf);
        }
        for child in &self.children {
            child.each_failed_leaf(visit);
        }
    }
}

impl Standing {
    /// The stable code, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Denied => "denied",
            Self::Expired { .. } => "expired",
            Self::Excepted { .. } => "excepted",
        }
    }
}

impl Status {
    /// The word for this value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

impl Action {
    /// The word for this action.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::AdmitWithWarning => "admit-with-warning",
            Self::Deny => "deny",
        }
    }
}
