//! The judge: says what is missing, takes what was found, ends with a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::{Digest, Limits, UnixTime, Window};
use countersign_proof::{RejectReason, Rejected, Subject, TrustMaterial, Verified, digest};

use crate::candidate::signer_words;
use crate::clock::Clock;
use crate::decision::{
    Action, Decision, Digests, PolicyOutcome, Reason, RuleOutcome, SourceReport, Status, Verdict,
};
use crate::error::shown;
use crate::evaluate::{Facts, Judged, SourceState, add_causes, all_sources, evaluate};
use crate::evidence::{Answer, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want};
use crate::explain::{Ground, Supposed};
use crate::rules::{Mode, Requirement};
use crate::set::PolicySet;

/// A decision in the making: pure, total, and without input or output of its own.
#[derive(Debug)]
pub struct Judge {
    policies: PolicySet,
    subject: Subject,
    trust: Arc<TrustMaterial>,
    clock: Clock,
    now: UnixTime,
    verified: Vec<Arc<Verified>>,
    rejected: Vec<Rejected>,
    unusable: Vec<Unusable>,
    visited: BTreeSet<(Digest, &'static str, String)>,
    sources: BTreeMap<SourceKind, SourceState>,
    budget: Budget,
    spent: Option<Cause>,
    /// Whether the last look was begun: everything is of interest then.
    looking_further: bool,
    /// Whether every source is asked, also when it is decided already.
    thorough: bool,
}

/// What happens next.
#[derive(Debug)]
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
    /// `image_name` is the name that the image was asked for by, for rules that speak of it; none
    /// does yet, and evidence never decides it.
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
        let _ = image_name;
        Self {
            policies: policies.clone(),
            subject,
            trust,
            clock: Clock::new(now),
            now,
            verified: Vec::new(),
            rejected: Vec::new(),
            unusable: Vec::new(),
            visited: BTreeSet::new(),
            sources: BTreeMap::new(),
            budget: Budget::of(&Limits::DEFAULT),
            spent: None,
            looking_further: false,
            thorough: false,
        }
        .step()
    }

    /// Takes what was found and goes on. A source that was asked for and is not answered counts as
    /// incomplete; it is not asked again.
    #[must_use]
    pub fn supply(mut self, supplied: Vec<Supplied>) -> Step {
        for item in supplied {
            match item {
                Supplied::Piece(piece) => self.take(*piece),
                Supplied::Unusable(piece) => {
                    if self.spend(0) {
                        self.unusable.push(*piece);
                    }
                }
                Supplied::Missing(source, cause) => {
                    self.sources.entry(source).or_default().missing.push(cause)
                }
                Supplied::Source(source, answer) => {
                    self.sources.entry(source).or_default().answer = Some(answer)
                }
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
        &self.subject
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
                );
                if self.visited.insert(key) {
                    self.verified.push(Arc::new(verified));
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
                self.clock.is_within(window);
            }
            RejectReason::FutureTime { time, .. } => {
                self.clock.is_within(&Window {
                    start: Some(*time),
                    end: None,
                });
            }
            _ => {}
        }
    }

    fn step(mut self) -> Step {
        let judged = self.judge();
        let mut wants: BTreeSet<SourceKind> = judged
            .iter()
            .flat_map(|policy| policy.wants.iter().copied())
            .collect();
        if wants.is_empty() && self.thorough {
            let mut sources = all_sources(&self.subject).iter();
            wants.extend(sources.find(|source| !self.sources.contains_key(source)));
        }
        if wants.is_empty() {
            wants = self.last_look(&judged);
            self.looking_further = !wants.is_empty();
        }
        if wants.is_empty() {
            return Step::Done(self.decide(judged));
        }
        for source in &wants {
            // From here on it is asked; a second `Need` for it cannot come.
            self.sources.entry(*source).or_default();
        }
        Step::Need(self, wants.into_iter().map(Want::Source).collect())
    }

    /// The sources that no rule asked for, when it is decided that nothing passes and nothing was found:
    /// "nothing is there" is said only after everything was looked at.
    fn last_look(&self, judged: &[Judged]) -> BTreeSet<SourceKind> {
        let fails = judged
            .iter()
            .any(|policy| policy.outcome.status == Status::Fail);
        let all_read = self.sources.values().all(SourceState::is_read);
        if !fails || !all_read || !self.nothing_found() {
            return BTreeSet::new();
        }
        all_sources(&self.subject)
            .iter()
            .filter(|source| !self.sources.contains_key(source))
            .copied()
            .collect()
    }

    fn nothing_found(&self) -> bool {
        self.verified.is_empty() && self.rejected.is_empty() && self.unusable.is_empty()
    }

    fn judge(&self) -> Vec<Judged> {
        let trust = self.trust.digest();
        let facts = Facts {
            subject: &self.subject,
            trust: &trust,
            verified: &self.verified,
            rejected: &self.rejected,
            sources: &self.sources,
            spent: self.spent.as_ref(),
            clock: &self.clock,
            supposed: Supposed::NOTHING,
        };
        self.policies
            .policies()
            .iter()
            .map(|policy| evaluate(&facts, policy))
            .collect()
    }

    fn decide(self, judged: Vec<Judged>) -> Decision {
        let policies: Vec<PolicyOutcome> = self
            .policies
            .policies()
            .iter()
            .zip(judged)
            .map(|(policy, judged)| PolicyOutcome {
                name: policy.name.clone(),
                mode: policy.mode,
                rule: judged.outcome,
            })
            .collect();
        let absence = self.nothing_found().then(|| absence(&self.sources));
        let verdict = verdict(&policies, absence.as_ref());
        let action = action(&policies);
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
        let evidence = evidence_digest(&self.verified, &self.rejected);
        let (accepted, unused): (Vec<_>, Vec<_>) = self
            .verified
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
                .map(|(source, state)| SourceReport {
                    source,
                    answer: state.answer,
                    missing: state.missing,
                })
                .collect(),
            decided_at: self.now,
            valid_until: self.clock.valid_until(),
            digests: Digests {
                subject: self.subject.digest(),
                policy: self.policies.digest(),
                trust: self.trust.digest(),
                evidence,
            },
            dangers: dangers.into_iter().collect(),
            accepted,
            ground: Box::new(Ground {
                policies: self.policies,
                subject: self.subject,
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
    let mut supplied = Some(supplied);
    let mut step = Judge::new(policies, subject, None, trust, now);
    loop {
        match step {
            Step::Done(decision) => return decision,
            // What was given is in the pieces; that there is no more of it is known.
            Step::Need(judge, wants) => {
                let mut items = supplied.take().unwrap_or_default();
                let answered = |items: &[Supplied], kind: SourceKind| {
                    items
                        .iter()
                        .any(|item| matches!(item, Supplied::Source(source, _) if *source == kind))
                };
                for want in wants {
                    let Want::Source(source) = want;
                    if source == SourceKind::Given && !answered(&items, source) {
                        items.push(Supplied::Source(source, Answer::Absent));
                    }
                }
                step = judge.supply(items);
            }
        }
    }
}

/// What is said where nothing was found.
struct Absence {
    code: &'static str,
    words: String,
}

/// Nothing was found; a source that could not be read might have something, which then does not count.
fn absence(sources: &BTreeMap<SourceKind, SourceState>) -> Absence {
    let unread = sources.iter().find(|(_, state)| !state.is_read());
    match unread {
        None => Absence {
            code: "no-evidence",
            words: "nothing was found".to_owned(),
        },
        Some((source, state)) => {
            let failed = match &state.answer {
                Some(Answer::Failed(cause)) => Some(cause),
                _ => state.missing.first(),
            };
            let why = failed.map_or("it did not answer".to_owned(), |cause| {
                shown(&cause.to_string())
            });
            Absence {
                code: "none-acceptable",
                words: format!("none was found, and {source} could not be read: {why}"),
            }
        }
    }
}

/// All policies must pass; no policy passes nothing.
fn verdict(policies: &[PolicyOutcome], absence: Option<&Absence>) -> Verdict {
    if policies.is_empty() {
        return Verdict::Fail(vec![Reason {
            policy: String::new(),
            rule: String::new(),
            code: "no-policy",
            message: "there is no policy, and without one nothing passes".to_owned(),
        }]);
    }
    let failed: Vec<&PolicyOutcome> = policies
        .iter()
        .filter(|policy| policy.rule.status == Status::Fail)
        .collect();
    if !failed.is_empty() {
        let mut reasons = Vec::new();
        for policy in failed {
            reasons_of(policy, &policy.rule, absence, &mut reasons);
        }
        return Verdict::Fail(reasons);
    }
    let mut causes = Vec::new();
    for policy in policies
        .iter()
        .filter(|policy| policy.rule.status == Status::Unknown)
    {
        add_causes(&mut causes, &policy.rule.causes);
    }
    if policies
        .iter()
        .all(|policy| policy.rule.status == Status::Pass)
    {
        Verdict::Pass
    } else {
        Verdict::Unknown(causes)
    }
}

fn reasons_of(
    policy: &PolicyOutcome,
    rule: &RuleOutcome,
    absence: Option<&Absence>,
    reasons: &mut Vec<Reason>,
) {
    if rule.status != Status::Fail {
        return;
    }
    let Some(leaf) = rule.leaf else {
        if let Some(note) = &rule.note {
            reasons.push(Reason {
                policy: policy.name.clone(),
                rule: rule.rule.clone(),
                code: if rule.children.is_empty() {
                    "empty-rule"
                } else {
                    "too-few-signers"
                },
                message: note.clone(),
            });
        }
        for child in &rule.children {
            reasons_of(policy, child, absence, reasons);
        }
        return;
    };
    let (code, message) = if let Some(absence) = absence {
        (absence.code, format!("no {}: {}", rule.rule, absence.words))
    } else if leaf.right_kind == 0 {
        (
            "no-such-claim",
            format!("no {}: what was found is {}", rule.rule, found_kinds(rule)),
        )
    } else if leaf.wants_certificate && leaf.right_kind_key_signed == leaf.right_kind {
        (
            "no-certificate",
            format!("no {}: what was found is signed by keys", rule.rule),
        )
    } else {
        (
            "none-acceptable",
            format!("no {}: {} found, none counts", rule.rule, leaf.right_kind),
        )
    };
    reasons.push(Reason {
        policy: policy.name.clone(),
        rule: rule.rule.clone(),
        code,
        message,
    });
}

/// Most kinds of claim that one sentence lists.
const LISTED_KINDS: usize = 5;

/// What the proven pieces claim instead, each kind once.
fn found_kinds(rule: &RuleOutcome) -> String {
    let kinds: BTreeSet<String> = rule
        .candidates
        .iter()
        .map(|candidate| shown(&candidate.piece.claim().kind().to_string()))
        .collect();
    if kinds.is_empty() {
        return "rejected".to_owned();
    }
    let more = if kinds.len() > LISTED_KINDS {
        " and more"
    } else {
        ""
    };
    let listed: Vec<String> = kinds
        .into_iter()
        .take(LISTED_KINDS)
        .map(|kind| format!("a {kind}"))
        .collect();
    format!("{}{more}", listed.join(", "))
}

/// Only what every policy passes is admitted; what only policies in mode `warn` do not pass is
/// admitted with a warning.
fn action(policies: &[PolicyOutcome]) -> Action {
    if policies.is_empty() {
        return Action::Deny;
    }
    let against = |mode| {
        policies
            .iter()
            .any(|policy| policy.rule.status != Status::Pass && policy.mode == mode)
    };
    if against(Mode::Enforce) {
        Action::Deny
    } else if against(Mode::Warn) {
        Action::AdmitWithWarning
    } else {
        Action::Admit
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

/// Equal for equal evidence, in whatever order it arrived.
fn evidence_digest(verified: &[Arc<Verified>], rejected: &[Rejected]) -> Digest {
    let mut lines: Vec<String> = verified
        .iter()
        .map(|piece| format!("{} {}\n", piece.digest(), signer_words(piece.signer())))
        .chain(rejected.iter().map(|piece| match piece.digest() {
            Some(digest) => format!("{digest} {}\n", piece.code()),
            None => format!("- {}\n", piece.code()),
        }))
        .collect();
    lines.sort_unstable();
    digest::sha256(lines.concat().as_bytes())
}
