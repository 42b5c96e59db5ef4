//! The exit code that a decision ends with.

use countersign_policy::{Action, Cause, CauseClass, Decision, Outcome};

use crate::exit::ExitStatus;

/// The exit code of a decision: what the policy's mode lets through passes.
pub(crate) fn status(decision: &Decision) -> ExitStatus {
    match decision.action {
        Action::Admit | Action::AdmitWithWarning => ExitStatus::Pass,
        Action::Deny => status_of(decision.outcome()),
    }
}

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
