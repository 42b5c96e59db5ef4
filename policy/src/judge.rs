//! The judge: says what is missing until nothing is.

mod budget;
mod check;
mod conclusion;
mod intake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::{Digest, Limits, UnixTime};
use countersign_proof::{Rejected, Subject, TrustMaterial};

pub use self::budget::Budget;
pub use self::check::{check, check_asked};
use crate::action::{Earlier, Key, action};
use crate::clock::Clock;
use crate::decision::{Decision, Status};
use crate::evaluate::{Facts, Held};
use crate::evidence::{Cause, Interest, SourceKind, Supplied, Unusable, Want};
use crate::explain::Supposed;
use crate::family::{Asked, Family};
use crate::rules::Requirement;
use crate::set::PolicySet;
use crate::sources::{SourceState, all_sources};
use crate::standing::{PolicyJudged, judge_policy};

/// A decision in the making: pure, total, and without input or output of its own.
#[derive(Debug)]
pub struct Judge {
    policies: PolicySet,
    /// Positions of the policies that speak of the subject.
    speaking: Vec<usize>,
    name: Option<String>,
    index: Option<Digest>,
    family: Family,
    trust: Arc<TrustMaterial>,
    /// SHA-256 of the documents of the trusted roots that the trust was made from.
    roots: Vec<Digest>,
    earlier: Option<Earlier>,
    /// Edges of time that evidence brings along and that only another proof could cross.
    fixed: Clock,
    now: UnixTime,
    verified: Vec<Held>,
    rejected: Vec<Rejected>,
    unusable: Vec<Unusable>,
    visited: BTreeSet<(Digest, &'static str, String, Digest)>,
    sources: BTreeMap<(Digest, SourceKind), SourceState>,
    asked_manifests: BTreeSet<Digest>,
    budget: Budget,
    spent: Option<Cause>,
    /// Whether the last look was begun: everything is of interest then.
    looking_further: bool,
    /// Whether some rule asks for the age of a claim.
    asks_age: bool,
    /// Whether every source is asked, also when it is decided already.
    thorough: bool,
}

/// What happens next.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one step at a time, never a list of them"
)]
pub enum Step {
    /// These are missing; none of them was asked for before.
    Need(Judge, Vec<Want>),
    /// It is decided.
    Done(Decision),
}

impl Judge {
    /// Begins to judge `subject` by `policies`, for proofs made under `trust`, as of `now`.
    ///
    /// `image_name` is the repository that the image was asked for by; scopes are compared with it, and evidence never
    /// decides it.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a judge exists only between two steps"
    )]
    #[must_use]
    pub fn new(
        policies: &PolicySet,
        subject: Subject,
        image_name: Option<&str>,
        trust: Arc<TrustMaterial>,
        now: UnixTime,
    ) -> Step {
        let mut asked = Asked::about(subject);
        if let Some(name) = image_name {
            asked = asked.named(name);
        }
        Self::prepare(policies, asked, trust, now).begin()
    }

    /// A judge for what is asked; [`Judge::begin`] makes it ask.
    #[must_use]
    pub fn prepare(
        policies: &PolicySet,
        asked: Asked,
        trust: Arc<TrustMaterial>,
        now: UnixTime,
    ) -> Self {
        let Asked {
            subject,
            index,
            name,
        } = asked;
        let mut asks_age = false;
        for policy in policies.policies() {
            policy.require.each_leaf(&mut |leaf| {
                if let Requirement::Signature { terms, .. } | Requirement::Statement { terms, .. } =
                    leaf
                {
                    asks_age |= terms.max_age.is_some();
                }
            });
        }
        Self {
            speaking: policies.speaking_of(name.as_deref()),
            policies: policies.clone(),
            name,
            index: index.as_ref().map(|index| *index.digest()),
            family: Family::new(subject, index),
            trust,
            roots: Vec::new(),
            earlier: None,
            fixed: Clock::new(now),
            now,
            verified: Vec::new(),
            rejected: Vec::new(),
            unusable: Vec::new(),
            visited: BTreeSet::new(),
            sources: BTreeMap::new(),
            asked_manifests: BTreeSet::new(),
            budget: Budget::of(&Limits::DEFAULT),
            spent: None,
            looking_further: false,
            asks_age,
            thorough: false,
        }
    }

    /// Says which documents the trust was made from (SHA-256 of each trusted root), for policies that pin one.
    #[must_use]
    pub fn with_roots(mut self, roots: Vec<Digest>) -> Self {
        self.roots = roots;
        self
    }

    /// Remembers an earlier decision, for policies with `unavailable: useCached`.
    #[must_use]
    pub fn with_earlier(mut self, earlier: Earlier) -> Self {
        self.earlier = Some(earlier);
        self
    }

    /// The first step.
    #[must_use]
    pub fn begin(self) -> Step {
        self.step()
    }

    /// Takes what was found and goes on. A source that was asked for and is not answered counts as
    /// incomplete; it is not asked again.
    #[must_use]
    pub fn supply(mut self, supplied: Vec<Supplied>) -> Step {
        let own = self.family.subject().digest();
        for item in supplied {
            match item {
                Supplied::About(about, items) => {
                    for item in items {
                        self.take_item(about, item);
                    }
                }
                item => self.take_item(own, item),
            }
        }
        self.step()
    }

    /// What kinds of claim could still help.
    #[must_use]
    pub fn interest(&self) -> Interest {
        if self.looking_further {
            return Interest::everything();
        }
        let mut interest = Interest::default();
        for policy in self.policies.policies() {
            policy.require.each_leaf(&mut |leaf| match leaf {
                Requirement::Signature { .. } => interest.signatures = true,
                Requirement::Statement {
                    predicate_type: None,
                    ..
                } => interest.any_statement = true,
                Requirement::Statement {
                    predicate_type: Some(wanted),
                    ..
                } => {
                    interest.statements.push(wanted.clone());
                }
                _ => {}
            });
        }
        interest
    }

    /// The subject that is judged.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        self.family.subject()
    }

    /// What may still be supplied; what goes beyond is left out, and then the answer can be unknown.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Takes more or less evidence than by default.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Asks every source before it decides, so that the decision knows all there is: for explanations and records.
    /// The verdict is the same wherever rules are monotone.
    #[must_use]
    pub fn thorough(mut self) -> Self {
        self.thorough = true;
        self
    }

    fn step(mut self) -> Step {
        let clock = Clock::new(self.now);
        let judged = self.judge(&clock);
        let mut wants: BTreeSet<Want> = judged
            .iter()
            .flat_map(|policy| policy.wants.iter().copied())
            // A manifest that did not come is not asked for again: the family says why it did not.
            .filter(|want| match want {
                Want::Manifest(digest) => !self.asked_manifests.contains(digest),
                _ => true,
            })
            .collect();
        if wants.is_empty() && self.thorough {
            let own = self.family.subject();
            let mut sources = all_sources(own).iter();
            let unasked =
                sources.find(|source| !self.sources.contains_key(&(own.digest(), **source)));
            wants.extend(unasked.map(|source| Want::Source(*source)));
        }
        if wants.is_empty() {
            wants = self.last_look(&judged);
            self.looking_further = !wants.is_empty();
        }
        if wants.is_empty() {
            return Step::Done(self.decide(judged));
        }
        let own = self.family.subject().digest();
        for want in &wants {
            // From here on it is asked; a second `Need` for it cannot come.
            match want {
                Want::Source(source) => {
                    self.sources.entry((own, *source)).or_default();
                }
                Want::About(about, source) => {
                    self.sources.entry((*about, *source)).or_default();
                }
                Want::Manifest(digest) => {
                    self.asked_manifests.insert(*digest);
                }
            }
        }
        Step::Need(self, wants.into_iter().collect())
    }

    /// The sources that no rule asked for, when it is decided that nothing passes and nothing was found:
    /// "nothing is there" is said only after everything was looked at.
    fn last_look(&self, judged: &[PolicyJudged]) -> BTreeSet<Want> {
        let fails = judged
            .iter()
            .any(|policy| policy.is_judged() && policy.outcome.rule.status == Status::Fail);
        let all_read = self.sources.values().all(SourceState::is_read);
        if !fails || !all_read || !self.nothing_found() {
            return BTreeSet::new();
        }
        let own = self.family.subject();
        all_sources(own)
            .iter()
            .filter(|source| !self.sources.contains_key(&(own.digest(), **source)))
            .map(|source| Want::Source(*source))
            .collect()
    }

    fn nothing_found(&self) -> bool {
        self.verified.is_empty() && self.rejected.is_empty() && self.unusable.is_empty()
    }

    /// The policies that speak of the subject, judged at the time of `clock`.
    fn judge(&self, clock: &Clock) -> Vec<PolicyJudged> {
        let trust = self.trust.digest();
        let facts = Facts {
            family: &self.family,
            trust: &trust,
            verified: &self.verified,
            rejected: &self.rejected,
            sources: &self.sources,
            spent: self.spent.as_ref(),
            clock,
            supposed: Supposed::NOTHING,
        };
        let policies = self.policies.policies();
        let earlier = self.earlier.as_ref().filter(|earlier| {
            earlier.is_about(&Key {
                subject: self.family.subject().digest(),
                name: self.name.clone(),
                index: self.family.through(),
                policies: self.policies.digest(),
                trust,
            })
        });
        self.speaking
            .iter()
            .filter_map(|position| policies.get(*position))
            .map(|policy| {
                let mut judged = judge_policy(&facts, policy, self.name.as_deref(), &self.roots);
                judged.outcome.action = action(policy, &judged.outcome, earlier, &facts);
                judged
            })
            .collect()
    }
}
