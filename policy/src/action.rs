//! What is to be done: the mode of a policy, and what it excuses. The verdict stays what it is.

use countersign_formats::{Digest, UnixTime};

use crate::decision::{Action, Decision, PolicyOutcome, Standing, Status, Verdict};
use crate::evaluate::Facts;
use crate::rules::{Mode, Policy, Unavailable};

/// A decision by which a subject passed, kept to bridge an outage; it can be made from a passing decision only.
#[derive(Debug, Clone)]
pub struct Earlier {
    asked: Key,
    at: UnixTime,
}

/// Everything besides the evidence that a decision rests on: what passed under one of these says nothing under another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) subject: Digest,
    /// The repository that it was asked for by, on which scopes and exceptions depend.
    pub(crate) name: Option<String>,
    /// The index that it was reached through.
    pub(crate) index: Option<Digest>,
    pub(crate) policies: Digest,
    pub(crate) trust: Digest,
}

impl Earlier {
    /// What is kept of a decision; `None` when it did not pass.
    #[must_use]
    pub fn of(decision: &Decision) -> Option<Self> {
        (decision.verdict == Verdict::Pass).then(|| Self {
            asked: Key {
                subject: decision.digests.subject,
                name: decision.image_name.clone(),
                index: decision.index,
                policies: decision.digests.policy,
                trust: decision.digests.trust,
            },
            at: decision.decided_at,
        })
    }

    /// Whether the decision was about what is asked now.
    pub(crate) fn is_about(&self, asked: &Key) -> bool {
        self.asked == *asked
    }
}

/// What is to be done as far as one policy is concerned; `earlier` is a pass of what is asked now.
pub(crate) fn action(
    policy: &Policy,
    outcome: &PolicyOutcome,
    earlier: Option<&Earlier>,
    facts: &Facts<'_>,
) -> Action {
    match outcome.rule.status {
        Status::Pass if matches!(outcome.standing, Standing::Excepted { .. }) => {
            return Action::AdmitWithWarning;
        }
        Status::Pass => return Action::Admit,
        Status::Unknown if excused(policy, outcome, earlier, facts) => {
            return Action::AdmitWithWarning;
        }
        Status::Fail | Status::Unknown => {}
    }
    match policy.mode {
        Mode::Enforce => Action::Deny,
        Mode::Warn => Action::AdmitWithWarning,
        Mode::Audit => Action::Admit,
    }
}

/// Whether the policy excuses what hides the evidence: outages alone, and nothing that whoever may push could bring about.
fn excused(
    policy: &Policy,
    outcome: &PolicyOutcome,
    earlier: Option<&Earlier>,
    facts: &Facts<'_>,
) -> bool {
    let causes = &outcome.rule.causes;
    if causes.is_empty() || !causes.iter().all(|cause| cause.class.is_outage()) {
        return false;
    }
    match policy.unavailable {
        Unavailable::Deny => false,
        Unavailable::Warn => true,
        Unavailable::UseCached { max_age } => earlier.is_some_and(|earlier| {
            let end = i64::try_from(max_age)
                .ok()
                .and_then(|age| earlier.at.0.checked_add(age))
                .map_or(UnixTime(i64::MAX), UnixTime);
            earlier.at <= facts.clock.now() && facts.clock.is_open_until(end)
        }),
    }
}
