//! Explains a decision: which piece missed least, and the smallest change of facts under which it would pass.

mod atoms;
mod search;
mod supposed;

use std::collections::BTreeMap;
use std::fmt;

use countersign_formats::predicate_types::COSIGN_SIGN;
use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Origin, Verified};

use crate::clock::Clock;
use crate::decision::{Candidate, Decision, RuleOutcome, Status, Verdict};
use crate::evaluate::{Facts, Held};
use crate::evidence::{Cause, SourceKind};
use crate::family::Family;
use crate::mismatch::MismatchKind;
use crate::rules::Policy;
use crate::set::PolicySet;
use crate::sources::SourceState;
use crate::standing::{PolicyJudged, judge_policy};

pub(crate) use supposed::{Lift, Supposed};

/// Most facts that a counter-factual changes.
pub const MOST_FACTS: usize = 3;

/// Most smallest changes that are named; how many there are is said.
const NAMED_CHANGES: usize = 8;

/// Why a decision came out as it did, and what would have made it pass.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// Of the proven pieces that count for no failing rule, the one that misses least.
    pub nearest: Option<NearestMiss<'a>>,
    /// The smallest changes that would make it pass.
    pub change: CounterFactual,
}

/// The proven piece that comes nearest to a rule that is not met.
#[derive(Debug)]
pub struct NearestMiss<'a> {
    /// Name of the policy.
    pub policy: &'a str,
    /// The rule, in words.
    pub rule: &'a str,
    /// The piece, and everything that stands between it and the rule.
    pub candidate: &'a Candidate,
}

/// What would have to be different for the verdict to be a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterFactual {
    /// Nothing: it passes.
    Passes,
    /// Any one of these sets of facts, which are the smallest that there are.
    Changes {
        /// Number of facts in each of the smallest sets, at most [`MOST_FACTS`].
        facts: usize,
        /// How many smallest sets there are.
        count: usize,
        /// The first of them, in the order of their words.
        sets: Vec<Vec<Fact>>,
    },
    /// No change of at most [`MOST_FACTS`] facts would make it pass.
    NoneSoSmall,
    /// No fact about the evidence: no policy of the broadest layer speaks of it, and without one nothing passes.
    NoPolicy,
    /// The policies and the evidence are too large to try every change.
    TooLarge,
}

/// One fact that is otherwise than it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fact {
    /// There is one more piece of evidence, signed now, with all that the policy demands behind it.
    Evidence {
        /// What it is, in words: `signature by `release``.
        evidence: String,
        /// Name of the first policy whose rule it is made for.
        policy: String,
    },
    /// One check of a piece that is there comes out as the rule expects.
    Piece {
        /// SHA-256 of the piece.
        digest: Digest,
        /// What it claims, in words.
        claim: String,
        /// Which check: the code of the mismatch.
        check: &'static str,
        /// What the rule expects.
        expected: String,
        /// What the piece has.
        found: String,
        /// What is compared, in words.
        noun: String,
    },
    /// A source that was not read is read to its end, and has nothing more.
    Source {
        /// Which source.
        source: SourceKind,
    },
    /// What a policy says of the subject before it asks for anything is otherwise.
    Standing {
        /// Name of the policy.
        policy: String,
        /// Which: `denied-digest`, `policy-expired` or `exception-ended`.
        lifted: &'static str,
        /// The fact, in words.
        words: String,
    },
}

/// What a decision was made from besides its pieces, kept to judge again under a supposition.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) policies: PolicySet,
    /// Positions of the policies that speak of the subject.
    pub(crate) speaking: Vec<usize>,
    pub(crate) roots: Vec<Digest>,
    pub(crate) family: Family,
    /// What time the claim of a piece says, by the piece's place in memory.
    pub(crate) claimed: BTreeMap<usize, UnixTime>,
    pub(crate) spent: Option<Cause>,
}

impl Ground {
    /// The policies that speak of the subject.
    pub(crate) fn speaking(&self) -> Vec<&Policy> {
        let policies = self.policies.policies();
        let speaking = self.speaking.iter();
        speaking
            .filter_map(|position| policies.get(*position))
            .collect()
    }

    /// Whether some policy of the broadest layer speaks of the subject.
    pub(crate) fn is_spoken_of(&self) -> bool {
        let mut speaking = self.speaking.iter();
        speaking.any(|position| *position < self.policies.base())
    }

    /// When the claim of the piece says that what it reports was done.
    pub(crate) fn claimed(&self, piece: &Verified) -> Option<UnixTime> {
        self.claimed.get(&std::ptr::from_ref(piece).addr()).copied()
    }
}

impl Decision {
    /// Explains the decision; the search for a change tries every set of at most [`MOST_FACTS`] facts, smallest first,
    /// by judging again with the code that made the decision.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation {
            nearest: self.explain_nearest(),
            change: self.counter_factual(),
        }
    }

    fn counter_factual(&self) -> CounterFactual {
        if self.verdict == Verdict::Pass {
            return CounterFactual::Passes;
        }
        search::smallest(self)
    }

    /// Of the proven pieces that count for no failing rule, the one that misses least.
    #[must_use]
    pub fn explain_nearest(&self) -> Option<NearestMiss<'_>> {
        let mut nearest: Option<(u32, NearestMiss<'_>)> = None;
        for policy in &self.policies {
            each_unmet(&policy.rule, &mut |rule| {
                for candidate in rule.candidates.iter().filter(|found| !found.counts()) {
                    let distance = distance(candidate);
                    if nearest.as_ref().is_none_or(|(known, _)| distance < *known) {
                        let miss = NearestMiss {
                            policy: &policy.name,
                            rule: &rule.rule,
                            candidate,
                        };
                        nearest = Some((distance, miss));
                    }
                }
            });
        }
        nearest.map(|(_, miss)| miss)
    }

    /// Judges the decision's own evidence again under a supposition.
    pub(crate) fn judged_under(&self, supposed: &Supposed) -> Vec<PolicyJudged> {
        let sources: BTreeMap<(Digest, SourceKind), SourceState> = self
            .sources
            .iter()
            .map(|report| {
                let state = SourceState {
                    answer: report.answer.clone(),
                    missing: report.missing.clone(),
                };
                ((report.about, report.source), state)
            })
            .collect();
        let verified: Vec<Held> = self
            .accepted
            .iter()
            .chain(&self.unused)
            .map(|piece| Held {
                piece: std::sync::Arc::clone(piece),
                claimed: self.ground.claimed(piece),
            })
            .collect();
        // What is supposed has no edge in time that the decision would have to remember.
        let clock = Clock::new(self.decided_at);
        let facts = Facts {
            family: &self.ground.family,
            trust: &self.digests.trust,
            verified: &verified,
            rejected: &self.rejected,
            sources: &sources,
            spent: self.ground.spent.as_ref(),
            clock: &clock,
            supposed,
        };
        let name = self.image_name.as_deref();
        self.ground
            .speaking()
            .into_iter()
            .map(|policy| judge_policy(&facts, policy, name, &self.ground.roots))
            .collect()
    }
}

/// How far a piece is from counting: claims of another kind are further away than any signer, and signatures where a statement is
/// asked for furthest, since a statement of another type says more of what is there.
fn distance(candidate: &Candidate) -> u32 {
    let is_signature = || candidate.piece.claim().predicate_type() == Some(COSIGN_SIGN);
    candidate
        .mismatches
        .iter()
        .map(|mismatch| match mismatch.kind {
            MismatchKind::Binding => 1024,
            MismatchKind::ClaimKind => 512,
            MismatchKind::PredicateType if is_signature() => 512,
            MismatchKind::PredicateType | MismatchKind::Predicate => 256,
            kind => kind.distance(),
        })
        .fold(0, u32::saturating_add)
}

/// Visits each rule without inner rules that is not met.
fn each_unmet<'a>(rule: &'a RuleOutcome, visit: &mut dyn FnMut(&'a RuleOutcome)) {
    if rule.status == Status::Pass {
        return;
    }
    if rule.children.is_empty() {
        visit(rule);
    }
    for child in &rule.children {
        each_unmet(child, visit);
    }
}

impl Fact {
    /// The stable code of this kind of fact, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => "evidence",
            Self::Piece { .. } => "piece",
            Self::Source { .. } => "source",
            Self::Standing { .. } => "standing",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evidence { evidence, .. } => write!(out, "there is a {evidence}"),
            Self::Piece {
                digest,
                claim,
                check,
                expected,
                found,
                noun,
            } => match *check {
                "denied-signer" => write!(
                    out,
                    "{found}, which stands behind the {claim} in {digest}, is not on the deny-list"
                ),
                "too-old" => write!(
                    out,
                    "the {claim} in {digest} is {expected}; it may be signed {found}"
                ),
                _ => write!(
                    out,
                    "{noun} of the {claim} in {digest} is {expected}, not {found}"
                ),
            },
            Self::Standing { words, .. } => out.write_str(words),
            Self::Source { source } => {
                write!(
                    out,
                    "{source} can be read to the end, and nothing else is there"
                )
            }
        }
    }
}

impl NearestMiss<'_> {
    /// Where the piece was found.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.candidate.origin()
    }
}
