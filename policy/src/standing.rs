//! One policy before one subject: whether its requirement decides, and what it then says.

use std::collections::BTreeSet;

use countersign_formats::Digest;

use crate::decision::{Action, PolicyOutcome, RuleOutcome, Standing, Status};
use crate::evaluate::{Facts, evaluate};
use crate::evidence::{Cause, CauseClass, Want};
use crate::explain::Lift;
use crate::rules::Policy;
use crate::scope::{exception, last_exception};

/// A judged policy, with what could still decide it.
pub(crate) struct PolicyJudged {
    pub(crate) outcome: PolicyOutcome,
    pub(crate) wants: BTreeSet<Want>,
}

impl PolicyJudged {
    /// Whether the requirement was judged.
    pub(crate) fn is_judged(&self) -> bool {
        self.outcome.standing == Standing::Judged
    }
}

/// Judges `policy`, which speaks of the subject. A deny-list comes before everything, and no exception lifts it.
pub(crate) fn judge_policy(
    facts: &Facts<'_>,
    policy: &Policy,
    name: Option<&str>,
    roots: &[Digest],
) -> PolicyJudged {
    let without = |standing, rule| PolicyJudged {
        outcome: outcome(policy, standing, rule),
        wants: BTreeSet::new(),
    };
    let supposed = facts.supposed;
    let digest = facts.family.subject().digest();
    if policy.deny.digests.contains(&digest) && !supposed.lifts(policy, Lift::Denied) {
        let rule = RuleOutcome::new("not on the deny-list".to_owned(), Status::Fail);
        return without(Standing::Denied, named("deny.digests", rule));
    }
    if let Some(since) = policy.expires
        && !facts.clock.is_open_until(since)
        && !supposed.lifts(policy, Lift::Expired)
    {
        let rule = RuleOutcome::new("before the policy expires".to_owned(), Status::Fail);
        return without(Standing::Expired { since }, named("expires", rule));
    }
    let excepted = exception(policy, name, facts.clock).or_else(|| {
        let ended = supposed.lifts(policy, Lift::Excepted);
        ended.then(|| last_exception(policy, name)).flatten()
    });
    if let Some(exception) = excepted {
        let mut rule = RuleOutcome::new("nothing, by an exception".to_owned(), Status::Pass);
        rule.note = Some(format!("until {}: {}", exception.until, exception.reason));
        let standing = Standing::Excepted {
            until: exception.until,
            reason: exception.reason.clone(),
        };
        return without(standing, named("scope.except", rule));
    }
    if let Some(pinned) = policy.trust.root
        && !roots.contains(&pinned)
    {
        let mut rule = RuleOutcome::new(format!("the trusted root `{pinned}`"), Status::Unknown);
        rule.causes = vec![wrong_trust(&pinned, roots)];
        return without(Standing::Judged, named("trust.root", rule));
    }
    let judged = evaluate(facts, policy);
    PolicyJudged {
        outcome: outcome(policy, Standing::Judged, judged.outcome),
        wants: judged.wants,
    }
}

fn named(part: &str, mut rule: RuleOutcome) -> RuleOutcome {
    part.clone_into(&mut rule.part);
    rule
}

fn outcome(policy: &Policy, standing: Standing, rule: RuleOutcome) -> PolicyOutcome {
    PolicyOutcome {
        name: policy.name.clone(),
        mode: policy.mode,
        // Made of the outcome when it is known.
        action: Action::Deny,
        standing,
        insecure: policy.insecure.clone(),
        rule,
    }
}

fn wrong_trust(pinned: &Digest, roots: &[Digest]) -> Cause {
    let found: Vec<String> = roots.iter().map(|root| format!("`{root}`")).collect();
    let found = if found.is_empty() {
        "none that is named".to_owned()
    } else {
        found.join(", ")
    };
    Cause {
        class: CauseClass::WrongTrust,
        source: "the trusted root".to_owned(),
        detail: format!("the policy pins `{pinned}`, and the trust is made from {found}"),
    }
}
