//! Parses policies and judges proofs: the one road from evidence to a decision.
//!
//! A [`PolicySet`] comes from YAML ([`PolicySet::parse`]) or from flags ([`PolicySet::from`] a
//! [`Policy`]). A [`Judge`] says what evidence is still missing ([`Step::Need`]), takes what was found
//! ([`Judge::supply`]) and ends with a [`Decision`]; [`check`] is the judge with everything
//! supplied at once. This crate opens no file and no socket and reads no clock.

mod action;
mod age;
mod build;
mod candidate;
mod claim_kinds;
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
mod family;
mod github;
mod gitlab;
mod glob;
mod glob_automaton;
mod insecure;
mod joined;
mod judge;
mod keyless;
mod lint;
mod mismatch;
mod moments;
mod nearest;
mod pattern;
mod places;
mod proposal;
mod record;
mod requirements;
mod rules;
mod scope;
mod select;
mod set;
mod settings;
mod signer_match;
mod signers;
mod sources;
mod standing;
mod strength;
mod table;
mod validity;
mod verdict;
mod wording;
mod write;
mod yaml;

pub use action::Earlier;
pub use claims::CertificateClaim;
pub use decision::{
    Action, Candidate, Decision, Digests, Outcome, PolicyOutcome, Reason, RuleOutcome,
    SourceReport, Standing, Status, Verdict,
};
pub use error::{PolicyError, PolicyProblem};
pub use evidence::{Answer, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want};
pub use explain::{CounterFactual, Explanation, Fact, MOST_FACTS, NearestMiss};
pub use family::{Asked, NotInIndex, is_attestation};
pub use github::{GITHUB_ISSUER, GithubWorkflow, SERVER as GITHUB_SERVER};
pub use gitlab::{GITLAB_ISSUER, GitlabPipeline};
pub use judge::{Budget, Judge, Step, check, check_asked};
pub use lint::{Finding, Lint, Severity};
pub use mismatch::{Mismatch, MismatchKind};
pub use nearest::OnlyDifference;
pub use pattern::{Pattern, PatternError};
pub use proposal::{KnownKey, LeftOut, Observed, Proposal, ProposalError};
pub use record::{DECISION_SCHEMA_VERSION, DecisionRecord};
pub use rules::{
    About, Demand, DenyList, Distinct, Exception, Insecure, Mode, Policy, Requirement, Scope,
    Select, SignerKey, SignerRule, Terms, Thresholds, Unavailable,
};
pub use set::{KeyFiles, PolicySet, Source};
pub use table::{TEST_KIND, TestCase, TestTable};
pub use wording::{Wording, Words};
