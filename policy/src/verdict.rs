//! The verdict of all policies together, with its reasons, and the action that goes with it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::Digest;

use crate::decision::{Action, PolicyOutcome, Reason, RuleOutcome, Standing, Status, Verdict};
use crate::error::shown;
use crate::evidence::{Answer, SourceKind};
use crate::sources::{SourceState, add_causes};

/// What the policies come to.
#[derive(Debug)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Verdict,
    pub(crate) action: Action,
    pub(crate) policies: Vec<PolicyOutcome>,
}

/// What is said where nothing was found.
pub(crate) struct Absence {
    code: &'static str,
    words: String,
}

/// Nothing was found; a source that could not be read might have something, which then does not count.
pub(crate) fn absence(sources: &BTreeMap<(Digest, SourceKind), SourceState>) -> Absence {
    let unread = sources.iter().find(|(_, state)| !state.is_read());
    match unread {
        None => Absence {
            code: "no-evidence",
            words: "nothing was found".to_owned(),
        },
        Some(((_, source), state)) => {
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

/// All policies must pass; what none of the broadest layer speaks of passes nothing.
pub(crate) fn verdict(
    policies: Vec<PolicyOutcome>,
    spoken_of: bool,
    absence: Option<&Absence>,
) -> Conclusion {
    let verdict = all(&policies, spoken_of, absence);
    let action = if spoken_of {
        policies
            .iter()
            .map(|policy| policy.action)
            .max()
            .unwrap_or(Action::Deny)
    } else {
        Action::Deny
    };
    Conclusion {
        verdict,
        action,
        policies,
    }
}

impl Reason {
    /// Whether it is about the policies and the image alone, whatever the evidence: no policy speaks of the image, its digest is on a
    /// deny-list, or a policy has expired.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        ["no-policy", "denied-digest", "policy-expired"].contains(&self.code)
    }
}

fn all(policies: &[PolicyOutcome], spoken_of: bool, absence: Option<&Absence>) -> Verdict {
    let mut reasons = Vec::new();
    if !spoken_of {
        reasons.push(Reason {
            policy: String::new(),
            rule: String::new(),
            code: "no-policy",
            message: "no policy speaks of it, and without one nothing passes".to_owned(),
        });
    }
    for policy in policies {
        if policy.rule.status == Status::Fail {
            failed(policy, absence, &mut reasons);
        }
    }
    if !reasons.is_empty() {
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

fn failed(policy: &PolicyOutcome, absence: Option<&Absence>, reasons: &mut Vec<Reason>) {
    let (name, rule) = (policy.name.clone(), policy.rule.rule.clone());
    match &policy.standing {
        Standing::Denied => reasons.push(Reason {
            policy: name,
            rule,
            code: "denied-digest",
            message: "its digest stands on the policy's deny-list".to_owned(),
        }),
        Standing::Expired { since } => reasons.push(Reason {
            policy: name,
            rule,
            code: "policy-expired",
            message: format!("the policy expired: it passes nothing after {since}"),
        }),
        Standing::Judged | Standing::Excepted { .. } => {
            reasons_of(policy, &policy.rule, absence, reasons);
        }
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
    let (code, message) = if let Some(note) = rule.note.as_ref().filter(|_| leaf.no_subject) {
        ("no-such-subject", format!("no {}: {note}", rule.rule))
    } else if let Some(absence) = absence {
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
