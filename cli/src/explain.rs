//! Says in words what a decision rests on: who signed, or why it is denied or unknown.

mod denial;
mod rejected;
mod status;
mod words;

use std::collections::BTreeSet;

use countersign_policy::{Action, CauseClass, Decision, Outcome, Standing, Verdict};
use countersign_proof::{Dated, KeyId, Verified};

use self::denial::denial;
use self::rejected::rejected;
pub(crate) use self::status::{status, status_of, status_of_unknown, word};
pub(crate) use self::words::{claim, hinted, place, signer};
use crate::context::Context;
use crate::escape::field;

/// Most candidates that are explained for one rule; the JSON result has all.
const CANDIDATES: usize = 20;

/// What was asked for, beside the decision about it.
pub(crate) struct Question {
    /// The keys that the policy names.
    pub(crate) trusted: Vec<KeyId>,
    /// The places where evidence was looked for besides beside the image.
    pub(crate) elsewhere: Vec<String>,
}

/// Explains `decision` about `name` on standard error.
pub(crate) fn explain(
    context: &mut Context<'_, '_>,
    name: &str,
    decision: &Decision,
    question: &Question,
) {
    let name = field(name);
    match (&decision.verdict, decision.action) {
        (Verdict::Pass, _) => {
            context.printer.say(&format!("verified: {name}"));
            for piece in &decision.accepted {
                context.printer.say(&format!("  {}", proof(piece)));
            }
        }
        (Verdict::Fail(_), Action::AdmitWithWarning) => {
            context.printer.say(&format!(
                "warning: {name} is not what the policy asks for, and its mode is `warn`"
            ));
            denial(context, decision, question);
        }
        (Verdict::Fail(_), Action::Admit) => {
            context.printer.say(&format!(
                "audit: {name} is not what the policy asks for, and its mode is `audit`"
            ));
            denial(context, decision, question);
        }
        (Verdict::Fail(_), _) => {
            context.printer.say(&format!("denied: {name}"));
            denial(context, decision, question);
        }
        (Verdict::Unknown(causes), action) => {
            let word = if action == Action::AdmitWithWarning {
                "warning"
            } else {
                "unknown"
            };
            context.printer.say(&format!(
                "{word}: {name}: it could not be found out whether it may pass"
            ));
            let mut said = BTreeSet::new();
            for cause in causes {
                let line = format!("  {}: {}", field(&cause.source), field(&cause.detail));
                if said.insert(line.clone()) {
                    context.printer.say(&line);
                }
            }
            let hint = match decision.outcome() {
                Outcome::Unknown(CauseClass::Authentication) => {
                    "log in with `countersign login HOST`"
                }
                Outcome::Unknown(CauseClass::StaleTrust) => {
                    "run `countersign trust update`, or give newer trust material with `--trusted-root FILE`"
                }
                Outcome::Unknown(CauseClass::Network) => {
                    "try again, or give it longer with `--timeout`"
                }
                _ => {
                    "this is no answer about the image; the registry must be repaired before there is one"
                }
            };
            context.printer.say(&format!("  hint: {hint}"));
            rejected(context, &decision.rejected, &question.trusted);
        }
    }
    for policy in &decision.policies {
        if let Standing::Excepted { until, reason } = &policy.standing {
            context.printer.warn(&format!(
                "policy {} asks nothing of it until {until}: {}",
                field(&policy.name),
                field(reason)
            ));
        }
        for switch in &policy.insecure {
            context.printer.say(&format!(
                "policy {} leaves out a check, {}: {}",
                field(&policy.name),
                switch.danger.name(),
                field(&switch.reason)
            ));
        }
    }
    for danger in &decision.dangers {
        context.printer.warn(&format!(
            "this decision rests on a danger that was accepted: {}",
            field(&in_words(danger, decision))
        ));
    }
    if context.printer.verbosity() > 0 {
        checks(context, decision);
    }
}

/// A danger's name with what it left out, as the pieces that count have it.
fn in_words(name: &str, decision: &Decision) -> String {
    decision
        .accepted
        .iter()
        .flat_map(|piece| piece.dangers())
        .find(|danger| danger.name() == name)
        .map_or_else(
            || name.to_owned(),
            |danger| format!("{name}: {}", danger.meaning()),
        )
}

/// A proven piece in one line.
fn proof(piece: &Verified) -> String {
    let mut line = format!(
        "{} by {}",
        claim(&piece.claim().kind()),
        signer(piece.signer())
    );
    if let Dated::Within { not_after, .. } = piece.dated() {
        line.push_str(&format!(", signed no later than {not_after}"));
    }
    for entry in piece.logs() {
        line.push_str(&format!(", log entry {}", entry.log_index));
        if let Some(origin) = &entry.origin {
            line.push_str(&format!(" of {}", field(origin)));
        }
    }
    for timestamp in piece.timestamps() {
        line.push_str(&format!(", timestamp of {}", field(&timestamp.name)));
    }
    line.push_str(&format!(" ({})", place(piece.origin())));
    line
}

fn checks(context: &mut Context<'_, '_>, decision: &Decision) {
    for piece in decision.accepted.iter().chain(&decision.unused) {
        context
            .printer
            .say(&format!("  checks of {}:", place(piece.origin())));
        for check in &piece.report().checks {
            context.printer.say(&format!(
                "    {} ({}): {}",
                check.name(),
                check.section(),
                field(&check.detail())
            ));
        }
    }
}

/// Says how many candidates are not shown.
fn more(context: &mut Context<'_, '_>, count: usize) {
    if count > CANDIDATES {
        context.printer.say(&format!(
            "  … and {} more; `--output json` has them all",
            count - CANDIDATES
        ));
    }
}
