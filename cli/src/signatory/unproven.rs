//! Answers of services that do not verify: whose they are, and what is done by then.

use countersign_proof::{RejectReason, Rejected, Signer, SubjectAlternativeName, Verified};
use countersign_services::Service;
use countersign_sign::{Attachments, SignError};

use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;

use super::services::Services;

/// Everything that was attached must have been proven: what was only passed over would be missed by whoever demands it.
pub(super) fn complete(
    services: &Services,
    verified: &Verified,
    attached: &Attachments,
    logged: bool,
) -> Result<(), Failure> {
    for (what, whose, proven, given) in [
        (
            "log entries",
            logs(services),
            verified.logs().len(),
            attached.log_entries.len(),
        ),
        (
            "timestamps",
            authorities(services),
            verified.timestamps().len(),
            attached.timestamps.len(),
        ),
    ] {
        if proven < given {
            let detail = format!("the trusted root proves {proven} of {given} {what}");
            return Err(not_proven(&whose, &detail, logged));
        }
    }
    Ok(())
}

/// The identity that becomes public must be the one that was agreed to. Which name an authority makes of a job's token is its own
/// affair; an e-mail address and a SPIFFE identity it takes over as they are.
pub(super) fn of_identity(
    services: &Services,
    verified: &Verified,
    expected: &str,
) -> Result<(), Failure> {
    let Signer::Fulcio(certificate) = verified.signer() else {
        return Ok(());
    };
    let comparable = match &certificate.san {
        SubjectAlternativeName::Email(_) => true,
        SubjectAlternativeName::Uri(_) => expected.starts_with("spiffe://"),
        _ => false,
    };
    let found = certificate.san.value();
    if !comparable || found == expected {
        return Ok(());
    }
    let authority = services.authority().map(std::slice::from_ref);
    Err(Failure::new(
        ExitStatus::Unavailable,
        "certificate-of-another-identity",
        format!(
            "the certificate of {} names `{}`, and the token is of `{}`",
            named("Fulcio", authority.unwrap_or_default()),
            escape::field(found),
            escape::field(expected)
        ),
    )
    .hint(
        "no log has an entry and nothing was stored; ask those who run the certificate authority",
    ))
}

/// What does not verify here was answered by a service, or the trusted root is not theirs.
pub(super) fn unproven(services: &Services, error: SignError, logged: bool) -> Failure {
    match error {
        SignError::NotVerified(rejected) => {
            not_proven(&culprit(services, &rejected), &rejected.to_string(), logged)
        }
        other => other.into(),
    }
}

/// The service whose answer is refused, with its address.
fn culprit(services: &Services, rejected: &Rejected) -> String {
    match rejected.reason() {
        RejectReason::Certificate { .. } | RejectReason::Sct(_) => {
            let authority = services.authority().map(std::slice::from_ref);
            named("Fulcio", authority.unwrap_or_default())
        }
        RejectReason::Log { .. } => logs(services),
        RejectReason::Timestamp { .. } => authorities(services),
        // No proven time: of the logs and authorities that were asked none is known.
        RejectReason::NoProvenTime { .. } if services.timestamps() > 0 => authorities(services),
        RejectReason::NoProvenTime { .. } => logs(services),
        _ => "the services".to_owned(),
    }
}

fn logs(services: &Services) -> String {
    named("Rekor", services.log_services())
}

fn authorities(services: &Services) -> String {
    named("the timestamp authority", services.timestamp_services())
}

fn named(what: &str, services: &[Service]) -> String {
    let addresses: Vec<String> = services
        .iter()
        .map(|service| format!("`{}`", escape::field(&service.url)))
        .collect();
    format!("{what} at {}", addresses.join(" or "))
}

fn not_proven(whose: &str, detail: &str, logged: bool) -> Failure {
    let done = if logged {
        "the log may have an entry; nothing was stored"
    } else {
        "no log has an entry and nothing was stored"
    };
    Failure::new(
        ExitStatus::Unavailable,
        "services-not-proven",
        format!("what {whose} answered does not verify: {detail}"),
    )
    .hint(format!(
        "{done}; the trusted root must be that of the services: give it with `--trusted-root FILE`"
    ))
}
