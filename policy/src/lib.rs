//! Parses policies and judges proofs: the one road from evidence to a decision.
//!
//! A [`PolicySet`] comes from YAML ([`PolicySet::parse`]) or from flags ([`PolicySet::from`] a
//! [`Policy`]). A [`Judge`] says what evidence is still missing ([`Step::Need`]), takes what was found
//! ([`Judge::supply`]) and ends with a [`Decision`]; [`check`] is the judge with everything
//! supplied at once. This crate opens no file and no socket and reads no clock.

mod candidate;
mod claims;
mod clock;
mod compile;
mod decision;
mod distinct;
mod document;
mod error;
mod evaluate;
mod evidence;
mod explain;
mod github;
mod glob;
mod judge;
mod keyless;
mod mismatch;
mod nearest;
mod pattern;
mod record;
mod rules;
mod set;
mod write;

pub use claims::CertificateClaim;
pub use decision::{
    Action, Candidate, Decision, Digests, Outcome, PolicyOutcome, Reason, RuleOutcome,
    SourceReport, Status, Verdict,
};
pub use error::{PolicyError, PolicyProblem};
pub use evidence::{Answer, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want};
pub use explain::{CounterFactual, Explanation, Fact, MOST_FACTS, NearestMiss};
pub use github::{GITHUB_ISSUER, GithubWorkflow};
pub use judge::{Budget, Judge, Step, check};
pub use mismatch::{Mismatch, MismatchKind};
pub use pattern::{Pattern, PatternError};
pub use record::{DECISION_SCHEMA_VERSION, DecisionRecord};
pub use rules::{Demand, Distinct, Mode, Policy, Requirement, SignerRule, Thresholds};
pub use set::{KeyFiles, PolicySet, Source};
