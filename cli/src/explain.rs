//! Says in words what a decision rests on: who signed, or per candidate what was expected, found and would change it.

use std::collections::BTreeSet;

use countersign_formats::{decode_base64, predicate_types};
use countersign_policy::{
    Action, Candidate, Cause, CauseClass, Decision, Mismatch, MismatchKind, Outcome, RuleOutcome,
    SourceKind, Standing, Status, Verdict,
};
use countersign_proof::{
    ClaimKind, Dated, KeyId, Origin, Rejected, Signer, UnverifiedSigner, Verified,
};

use crate::context::Context;
use crate::escape::field;
use crate::exit::ExitStatus;
use crate::trust;

/// Most candidates that are explained for one rule; the JSON result has all.
const CANDIDATES: usize = 20;

/// The exit code of a decision: what the policy's mode lets through passes.
pub(crate) fn status(decision: &Decision) -> ExitStatus {
    match decision.action {
        Action::Admit | Action::AdmitWithWarning => ExitStatus::Pass,
        Action::Deny => status_of(decision.outcome()),
    }
}

const SIGN_IT: &str = "sign it with `countersign sign`, or look at everything that is there with `countersign discover`";

/// The exit code of an outcome, whatever a mode makes of it.
pub(crate) fn status_of(outcome: Outcome) -> ExitStatus {
    match outcome {
        Outcome::Pass => ExitStatus::Pass,
        Outcome::NoEvidence => ExitStatus::NoEvidence,
        Outcome::NoneAcceptable => ExitStatus::NoneAcceptable,
        Outcome::NoCertificate => ExitStatus::NoCertificate,
        Outcome::Unknown(CauseClass::Authentication) => ExitStatus::Authentication,
        Outcome::Unknown(CauseClass::StaleTrust | CauseClass::WrongTrust) => {
            ExitStatus::TrustMaterial
        }
        Outcome::Unknown(_) => ExitStatus::Unavailable,
    }
}

/// The exit code of what could not be found out: 21 beats 22 beats 20.
pub(crate) fn status_of_unknown(causes: &[Cause]) -> ExitStatus {
    causes
        .iter()
        .map(|cause| match cause.class {
            CauseClass::Authentication => ExitStatus::Authentication,
            CauseClass::StaleTrust | CauseClass::WrongTrust => ExitStatus::TrustMaterial,
            _ => ExitStatus::Unavailable,
        })
        .fold(ExitStatus::Unavailable, ExitStatus::and)
}

/// The word for a status in a summary.
pub(crate) fn word(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Pass => "verified",
        ExitStatus::NoEvidence | ExitStatus::NoneAcceptable | ExitStatus::NoCertificate => "denied",
        ExitStatus::NotFound => "not found",
        ExitStatus::Internal | ExitStatus::Usage => "failed",
        ExitStatus::Unavailable | ExitStatus::Authentication | ExitStatus::TrustMaterial => {
            "unknown"
        }
    }
}

/// Explains `decision` about `name` on standard error; `trusted` are the keys that the policy names.
pub(crate) fn explain(
    context: &mut Context<'_, '_>,
    name: &str,
    decision: &Decision,
    trusted: &[KeyId],
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
            denial(context, decision, trusted);
        }
        (Verdict::Fail(_), Action::Admit) => {
            context.printer.say(&format!(
                "audit: {name} is not what the policy asks for, and its mode is `audit`"
            ));
            denial(context, decision, trusted);
        }
        (Verdict::Fail(_), _) => {
            context.printer.say(&format!("denied: {name}"));
            denial(context, decision, trusted);
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
                    "give newer trust material with `--trusted-root FILE`"
                }
                Outcome::Unknown(CauseClass::Network) => {
                    "try again, or give it longer with `--timeout`"
                }
                _ => {
                    "this is no answer about the image; the registry must be repaired before there is one"
                }
            };
            context.printer.say(&format!("  hint: {hint}"));
            rejected(context, &decision.rejected, trusted);
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

fn denial(context: &mut Context<'_, '_>, decision: &Decision, trusted: &[KeyId]) {
    if let Verdict::Fail(reasons) = &decision.verdict {
        for reason in reasons {
            context
                .printer
                .say(&format!("  {}", field(&reason.message)));
        }
    }
    for policy in &decision.policies {
        let from_flags = policy.name == trust::COMMAND_LINE;
        leaves(&policy.rule, &mut |leaf| {
            candidates(context, leaf, from_flags)
        });
    }
    rejected(context, &decision.rejected, trusted);
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

fn candidates(context: &mut Context<'_, '_>, rule: &RuleOutcome, from_flags: bool) {
    if rule.candidates.is_empty() {
        return;
    }
    context
        .printer
        .say(&format!("  required: {}", field(&rule.rule)));
    for candidate in rule.candidates.iter().take(CANDIDATES) {
        one(context, candidate, from_flags);
    }
    more(context, rule.candidates.len());
}

fn one(context: &mut Context<'_, '_>, candidate: &Candidate, from_flags: bool) {
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
        let flag = if from_flags {
            flag_hint(mismatch)
        } else {
            None
        };
        if let Some(hint) = flag.or_else(|| mismatch.hint.clone()) {
            context.printer.say(&format!("    hint: {}", field(&hint)));
        }
    }
}

/// What would change a mismatch, in terms of the flags that the policy was made from.
fn flag_hint(mismatch: &Mismatch) -> Option<String> {
    let found = mismatch.found.trim_matches('`');
    Some(match mismatch.kind {
        MismatchKind::Logs => "`--require-log` asks for it, or the default for certificates; the signer must log the signature".to_owned(),
        MismatchKind::Timestamps => "`--require-timestamp` asks for it; the signer must have the signature timestamped".to_owned(),
        MismatchKind::Identity => format!("if this signer is meant, write `--certificate-identity {found}`"),
        MismatchKind::Issuer => format!("if this issuer is meant, write `--certificate-oidc-issuer {found}`"),
        MismatchKind::PredicateType => format!("ask for `--type {found}`, or attest the type that is asked for"),
        MismatchKind::ClaimKind if mismatch.found.contains("://") => {
            format!("sign the subject itself with `countersign sign`, or ask for `verify-attestation --type {found}`")
        }
        _ => return None,
    })
}

fn rejected(context: &mut Context<'_, '_>, rejected: &[Rejected], trusted: &[KeyId]) {
    for piece in rejected.iter().take(CANDIDATES) {
        let claimed = piece.unverified_claim().map_or_else(String::new, |kind| {
            format!(" that says it is a {}", claim(kind))
        });
        let signed = match piece.unverified_signer() {
            Some(UnverifiedSigner::Key { hint: Some(hint) }) => {
                format!(", by key {}", hinted(hint))
            }
            Some(UnverifiedSigner::Certificate {
                san: Some(san),
                issuer,
            }) => format!(
                ", by {}{}",
                field(san.value()),
                issuer
                    .as_ref()
                    .map(|issuer| format!(" of {}", field(issuer)))
                    .unwrap_or_default()
            ),
            _ => String::new(),
        };
        context.printer.say(&format!(
            "  rejected: {}{claimed}{signed}",
            place(piece.origin())
        ));
        context.printer.say(&format!(
            "    {} [{}]",
            field(&piece.to_string()),
            piece.code()
        ));
        for line in change(piece, trusted) {
            context.printer.say(&format!("    {line}"));
        }
    }
    more(context, rejected.len());
}

/// What was expected of a rejected piece, and what would change it.
fn change(piece: &Rejected, trusted: &[KeyId]) -> Vec<String> {
    let about_key = matches!(piece.code(), "signature-invalid" | "key-not-trusted");
    if let Some(UnverifiedSigner::Key { hint }) = piece.unverified_signer()
        && about_key
        && trusted.is_empty()
    {
        let named = hint.as_deref().map_or_else(
            || "a key".to_owned(),
            |hint| format!("key {}", hinted(hint)),
        );
        return vec![
            "expected: a certificate, since identities are named and no key is".to_owned(),
            format!("found:    a signature by {named}"),
            "hint: if that key is to be trusted, give its public key with `--key` or in the policy"
                .to_owned(),
        ];
    }
    if let Some(UnverifiedSigner::Key { hint: Some(hint) }) = piece.unverified_signer()
        && about_key
        && !trusted.is_empty()
        && !trusted.iter().any(|key| key.hint() == *hint)
    {
        let known: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        return vec![
            format!("expected: a signature by key {}", known.join(" or ")),
            format!("found:    one that names key {}", hinted(hint)),
            "hint: if that key is to be trusted, give its public key with `--key` or in the policy"
                .to_owned(),
        ];
    }
    if piece.code() == "sct-missing" {
        return vec!["hint: if its authority is your own and has no certificate transparency log, write `--insecure-ignore-sct`".to_owned()];
    }
    let hint = piece.hint().unwrap_or_else(|| match piece.unverified_signer() {
        Some(UnverifiedSigner::Key { .. }) => {
            "only a new signature can change that: `countersign sign` or `attest` with the trusted key".to_owned()
        }
        _ => "only new evidence can change that; fetch it again, or have it signed again".to_owned(),
    });
    vec![format!("hint: {}", field(&hint))]
}

/// A key as a piece names it: by its identifier where it can be read, else as it stands.
pub(crate) fn hinted(hint: &str) -> String {
    match decode_base64(hint, 32) {
        Some(bytes) if bytes.len() == 32 => {
            format!(
                "sha256:{}",
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        }
        _ => field(hint),
    }
}

fn more(context: &mut Context<'_, '_>, count: usize) {
    if count > CANDIDATES {
        context.printer.say(&format!(
            "  … and {} more; `--output json` has them all",
            count - CANDIDATES
        ));
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

/// What a piece claims, in words.
pub(crate) fn claim(kind: &ClaimKind) -> String {
    match kind {
        ClaimKind::Statement { predicate_type }
            if predicate_type == predicate_types::COSIGN_SIGN =>
        {
            "signature".to_owned()
        }
        ClaimKind::Statement { predicate_type } => format!("statement {}", field(predicate_type)),
        ClaimKind::SimpleSigning => "signature (simple signing)".to_owned(),
        ClaimKind::Message => "message signature".to_owned(),
        other => field(&other.to_string()),
    }
}

pub(crate) fn signer(signer: &Signer) -> String {
    match signer {
        Signer::Key(id) => format!("key {id}"),
        Signer::Fulcio(identity) => format!(
            "{} of {}",
            field(identity.san.value()),
            identity
                .issuer
                .as_deref()
                .map_or_else(|| "an unnamed issuer".to_owned(), field)
        ),
        Signer::X509(identity) => identity.san.as_ref().map_or_else(
            || format!("certificate {}", identity.fingerprint),
            |san| field(san.value()),
        ),
        _ => "another kind of signer".to_owned(),
    }
}

/// Where a piece was found, in words.
pub(crate) fn place(origin: &Origin) -> String {
    let digest = origin.manifest.or_else(|| {
        origin
            .descriptor
            .as_ref()
            .map(|descriptor| descriptor.digest)
    });
    match (digest, &origin.repository) {
        (Some(digest), _) => format!("{} {digest}", origin.form),
        (None, Some(name)) => format!("{} {}", origin.form, field(name)),
        (None, None) => origin.form.to_string(),
    }
}
