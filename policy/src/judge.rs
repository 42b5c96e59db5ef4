//! The judge: says what is missing, takes what was found, ends with a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::{Digest, Limits, UnixTime, Window};
use countersign_proof::{RejectReason, Rejected, Subject, TrustMaterial, Verified};

use crate::action::{Earlier, Key, action};
use crate::age;
use crate::clock::Clock;
use crate::decision::{Decision, Digests, PolicyOutcome, RuleOutcome, SourceReport, Status};
use crate::evaluate::{Facts, Held};
use crate::evidence::{Answer, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want};
use crate::explain::{Ground, Supposed};
use crate::family::{Asked, Family};
use crate::rules::Requirement;
use crate::set::PolicySet;
use crate::signer_match::signer_words;
use crate::sources::{SourceState, all_sources};
use crate::standing::{PolicyJudged, judge_policy};
use crate::validity::{evidence_digest, valid_until};
use crate::verdict::{absence, verdict};

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

/// How much evidence one decision takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Number of pieces.
    pub pieces: usize,
    /// Bytes of proven pieces, all together.
    pub bytes: u64,
}

impl Budget {
    /// The budget that goes with these limits: as many pieces as one listing has entries and one legacy
    /// tag has layers, twice; and eight of the largest bundles.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            pieces: limits
                .referrers
                .saturating_add(limits.layers)
                .saturating_mul(2),
            bytes: limits.bundle_bytes.saturating_mul(8),
        }
    }
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

    fn take_item(&mut self, about: Digest, item: Supplied) {
        match item {
            Supplied::Piece(piece) => self.take(*piece),
            Supplied::Unusable(piece) => {
                if self.spend(0) {
                    self.unusable.push(*piece);
                }
            }
            Supplied::Missing(source, cause) => {
                let state = self.sources.entry((about, source)).or_default();
                state.missing.push(cause);
            }
            Supplied::Source(source, answer) => {
                self.sources.entry((about, source)).or_default().answer = Some(answer);
            }
            Supplied::Manifest(digest, manifest) => self.family.take(digest, *manifest),
            // One relative's evidence says nothing of another relative.
            Supplied::About(..) => {}
        }
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

    fn take(&mut self, piece: Result<Verified, Rejected>) {
        let bytes = piece
            .as_ref()
            .map_or(0, |verified| verified.bytes().len() as u64);
        if !self.spend(bytes) {
            return;
        }
        match piece {
            // One piece in two places is one piece; simple signing payloads are equal for all signers.
            Ok(verified) => {
                let key = (
                    verified.digest(),
                    verified.origin().form.code(),
                    signer_words(verified.signer()),
                    *verified.subject(),
                );
                if self.visited.insert(key) {
                    let claimed = self
                        .asks_age
                        .then(|| age::claimed(verified.claim()))
                        .flatten();
                    self.verified.push(Held {
                        piece: Arc::new(verified),
                        claimed,
                    });
                }
            }
            Err(rejected) => {
                self.note_edges(&rejected);
                self.rejected.push(rejected);
            }
        }
    }

    /// Whether one more piece fits; when not, the decision rests on less than there is.
    fn spend(&mut self, bytes: u64) -> bool {
        if self.budget.pieces == 0 || self.budget.bytes < bytes {
            self.spent.get_or_insert_with(|| Cause {
                class: CauseClass::Budget,
                source: "the evidence".to_owned(),
                detail: "there is more of it than one decision takes in".to_owned(),
            });
            return false;
        }
        self.budget.pieces -= 1;
        self.budget.bytes -= bytes;
        true
    }

    /// A rejection that time alone would undo ends the decision's validity there.
    fn note_edges(&self, rejected: &Rejected) {
        match rejected.reason() {
            RejectReason::KeyWindow {
                window,
                proven: false,
                ..
            } => {
                self.fixed.is_within(window);
            }
            RejectReason::FutureTime { time, .. } => {
                self.fixed.is_within(&Window {
                    start: Some(*time),
                    end: None,
                });
            }
            _ => {}
        }
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

    /// Whether some policy of the broadest layer speaks of the subject.
    fn is_spoken_of(&self) -> bool {
        self.speaking
            .iter()
            .any(|position| *position < self.policies.base())
    }

    fn decide(self, judged: Vec<PolicyJudged>) -> Decision {
        let absence = self.nothing_found().then(|| absence(&self.sources));
        let spoken_of = self.is_spoken_of();
        let conclude = |judged: Vec<PolicyJudged>| {
            let policies: Vec<PolicyOutcome> =
                judged.into_iter().map(|judged| judged.outcome).collect();
            verdict(policies, spoken_of, absence.as_ref())
        };
        let made = conclude(judged);
        let valid_until = valid_until(self.now, self.fixed.valid_until(), &made, |clock| {
            let judged = self.judge(clock);
            // A branch that is not decided any more would ask for more: that is another decision.
            let wants = judged.iter().any(|policy| !policy.wants.is_empty());
            (!wants).then(|| conclude(judged))
        });
        let (verdict, action, policies) = (made.verdict, made.action, made.policies);
        let counting: BTreeSet<*const Verified> = {
            let mut counting = BTreeSet::new();
            for policy in &policies {
                each_leaf(&policy.rule, &mut |leaf| {
                    let counts = leaf
                        .candidates
                        .iter()
                        .filter(|candidate| candidate.counts());
                    counting.extend(counts.map(|candidate| Arc::as_ptr(&candidate.piece)));
                });
            }
            counting
        };
        let mut claimed = Vec::new();
        let mut pieces: Vec<Arc<Verified>> = Vec::new();
        for held in self.verified {
            claimed.extend(
                held.claimed
                    .map(|time| (Arc::as_ptr(&held.piece).addr(), time)),
            );
            pieces.push(held.piece);
        }
        let evidence = evidence_digest(&pieces, &self.rejected);
        let (accepted, unused): (Vec<_>, Vec<_>) = pieces
            .into_iter()
            .partition(|piece| counting.contains(&Arc::as_ptr(piece)));
        let dangers: BTreeSet<String> = accepted
            .iter()
            .flat_map(|piece| piece.dangers())
            .map(|danger| danger.name().to_owned())
            .collect();
        Decision {
            verdict,
            action,
            policies,
            unused,
            rejected: self.rejected,
            unusable: self.unusable,
            sources: self
                .sources
                .into_iter()
                .map(|((about, source), state)| SourceReport {
                    about,
                    source,
                    answer: state.answer,
                    missing: state.missing,
                })
                .collect(),
            decided_at: self.now,
            valid_until,
            digests: Digests {
                subject: self.family.subject().digest(),
                policy: self.policies.digest(),
                trust: self.trust.digest(),
                evidence,
            },
            dangers: dangers.into_iter().collect(),
            accepted,
            image_name: self.name,
            index: self.index,
            ground: Box::new(Ground {
                policies: self.policies,
                speaking: self.speaking,
                roots: self.roots,
                family: self.family,
                claimed: claimed.into_iter().collect(),
                spent: self.spent,
            }),
        }
    }
}

/// Judges with everything supplied at once; what is still wanted then is unknown.
#[must_use]
pub fn check(
    policies: &PolicySet,
    subject: Subject,
    trust: Arc<TrustMaterial>,
    now: UnixTime,
    supplied: Vec<Supplied>,
) -> Decision {
    check_asked(policies, Asked::about(subject), trust, now, supplied)
}

/// As [`check`], for what is asked through an index or by a name.
#[must_use]
pub fn check_asked(
    policies: &PolicySet,
    asked: Asked,
    trust: Arc<TrustMaterial>,
    now: UnixTime,
    supplied: Vec<Supplied>,
) -> Decision {
    Judge::prepare(policies, asked, trust, now).conclude(supplied)
}

impl Judge {
    /// Judges with everything supplied at once; what is still wanted then is unknown.
    #[must_use]
    pub fn conclude(self, supplied: Vec<Supplied>) -> Decision {
        let mut supplied = Some(supplied);
        let mut step = self.begin();
        loop {
            match step {
                Step::Done(decision) => return decision,
                Step::Need(judge, wants) => {
                    let mut items = supplied.take().unwrap_or_default();
                    // What was given is in the pieces; that there is no more of it is known.
                    let given: Vec<Supplied> = wants
                        .into_iter()
                        .filter_map(|want| given_absent(&items, want))
                        .collect();
                    items.extend(given);
                    step = judge.supply(items);
                }
            }
        }
    }
}

/// The answer to a want for what was given, where nobody answered it.
fn given_absent(items: &[Supplied], want: Want) -> Option<Supplied> {
    let answers = |items: &[Supplied]| {
        items
            .iter()
            .any(|item| matches!(item, Supplied::Source(SourceKind::Given, _)))
    };
    let absent = Supplied::Source(SourceKind::Given, Answer::Absent);
    match want {
        Want::Source(SourceKind::Given) if !answers(items) => Some(absent),
        Want::About(about, SourceKind::Given) => {
            let answered = items.iter().any(|item| {
                matches!(item, Supplied::About(other, items) if *other == about && answers(items))
            });
            (!answered).then(|| Supplied::About(about, vec![absent]))
        }
        _ => None,
    }
}

fn each_leaf<'a>(rule: &'a RuleOutcome, visit: &mut dyn FnMut(&'a RuleOutcome)) {
    if rule.leaf.is_some() {
        visit(rule);
    }
    for child in &rule.children {
        each_leaf(child, visit);
    }
}
