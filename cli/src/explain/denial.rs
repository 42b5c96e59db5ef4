//! Why nothing passed: what was asked for, and what each candidate misses.

use std::collections::BTreeSet;

use countersign_formats::predicate_types;
use countersign_policy::{Candidate, Decision, RuleOutcome, SourceKind, Status, Verdict};

use super::rejected::rejected;
use super::words::{claim, place, signer};
use super::{CANDIDATES, Question, more};
use crate::context::Context;
use crate::escape::field;

const SIGN_IT: &str = "sign it with `countersign sign`, or look at everything that is there with `countersign discover`";

/// Tells of the reasons, of candidates and of rejected pieces.
pub(super) fn denial(context: &mut Context<'_, '_>, decision: &Decision, question: &Question) {
    if let Verdict::Fail(reasons) = &decision.verdict {
        for reason in reasons {
            context
                .printer
                .say(&format!("  {}", field(&reason.message)));
        }
    }
    for policy in &decision.policies {
        leaves(&policy.rule, &mut |leaf| candidates(context, leaf));
    }
    rejected(context, &decision.rejected, &question.trusted);
    let found = types(decision);
    if !found.is_empty() {
        context.printer.say(&format!(
            "  types found: {}",
            found.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    if decision.accepted.is_empty() && decision.unused.is_empty() && decision.rejected.is_empty() {
        let places: Vec<String> = decision
            .sources
            .iter()
            .filter(|report| {
                matches!(
                    report.source,
                    SourceKind::BundleReferrers
                        | SourceKind::SignatureTag
                        | SourceKind::AttestationTag
                )
            })
            .map(|report| report.source.to_string())
            .collect();
        if !places.is_empty() {
            context
                .printer
                .say(&format!("  looked at: {}", places.join(", ")));
        }
        if !places.is_empty() && !question.elsewhere.is_empty() {
            let named: Vec<String> = question
                .elsewhere
                .iter()
                .map(|place| format!("`{}`", field(place)))
                .collect();
            context
                .printer
                .say(&format!("  beside the image and in {}", named.join(", ")));
        }
        context
            .printer
            .say(&format!("  hint: {}", hint_for_nothing(decision)));
    }
}

/// What to do where nothing was found, or nothing was asked for.
fn hint_for_nothing(decision: &Decision) -> &'static str {
    let Verdict::Fail(reasons) = &decision.verdict else {
        return SIGN_IT;
    };
    reasons
        .iter()
        .find_map(|reason| match reason.code {
            "no-policy" => Some(
                "give the policy that is meant for it with `--policy`, or widen a policy's `scope`",
            ),
            "denied-digest" => Some("deploy another version, or take the digest off the deny-list"),
            "policy-expired" => {
                Some("give a policy that is still in force, or renew its `expires`")
            }
            "no-such-subject" => {
                Some("name the index that lists it, and choose it there with `--platform`")
            }
            _ => None,
        })
        .unwrap_or(SIGN_IT)
}

/// Visits each rule without inner rules that did not pass.
fn leaves(rule: &RuleOutcome, visit: &mut dyn FnMut(&RuleOutcome)) {
    if rule.status == Status::Pass {
        return;
    }
    if rule.children.is_empty() {
        visit(rule);
    }
    for child in &rule.children {
        leaves(child, visit);
    }
}

fn candidates(context: &mut Context<'_, '_>, rule: &RuleOutcome) {
    if rule.candidates.is_empty() {
        return;
    }
    context
        .printer
        .say(&format!("  required: {}", field(&rule.rule)));
    for candidate in rule.candidates.iter().take(CANDIDATES) {
        one(context, candidate);
    }
    more(context, rule.candidates.len());
}

fn one(context: &mut Context<'_, '_>, candidate: &Candidate) {
    let piece = &candidate.piece;
    context.printer.say(&format!(
        "  candidate: {} by {} ({})",
        claim(&piece.claim().kind()),
        signer(piece.signer()),
        place(piece.origin())
    ));
    for mismatch in &candidate.mismatches {
        context
            .printer
            .say(&format!("    {}", field(&mismatch.message)));
        context
            .printer
            .say(&format!("    expected: {}", field(&mismatch.expected)));
        context
            .printer
            .say(&format!("    found:    {}", field(&mismatch.found)));
        if let Some(hint) = &mismatch.hint {
            context.printer.say(&format!("    hint: {}", field(hint)));
        }
    }
}

/// Predicate types of the proven statements that did not count.
fn types(decision: &Decision) -> BTreeSet<String> {
    decision
        .unused
        .iter()
        .filter_map(|piece| piece.claim().predicate_type())
        .filter(|found| *found != predicate_types::COSIGN_SIGN)
        .map(field)
        .take(CANDIDATES)
        .collect()
}
