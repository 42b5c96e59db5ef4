//! What is said of services that are not named, cannot be used or do not answer.

use std::path::Path;

use countersign_proof::TrustError;
use countersign_services::ServiceError;

use crate::exit::ExitStatus;
use crate::failure::Failure;

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        use countersign_services::ErrorClass;
        let status = match error.class() {
            ErrorClass::Network | ErrorClass::Answer => ExitStatus::Unavailable,
            ErrorClass::Authentication => ExitStatus::Authentication,
            ErrorClass::Configuration => ExitStatus::Usage,
        };
        let hint = error.hint().map(|hint| {
            // The service layer knows of no commands of this version.
            hint.replace(
                "run `countersign trust update`, or give another",
                "give another",
            )
        });
        Failure::new(status, error.code(), error.to_string()).or_hint(hint)
    }
}

/// Neither a key nor services.
pub(super) fn unnamed() -> Failure {
    Failure::usage(
        "missing-argument",
        "neither a key nor the services to sign with an identity are named",
    )
    .hint("write `--key FILE`; or `--signing-config FILE` to sign with an identity, or run `countersign trust init`: no list of services is built in, not even that of the public-good instance")
}

/// A signing config that lacks what was asked for.
pub(super) fn no_service(what: &str, path: &Path) -> Failure {
    Failure::usage(
        "no-service",
        format!("the signing config `{}` names no {what}", path.display()),
    )
    .hint("give another with `--signing-config FILE`")
}

/// A trusted root or a key that makes no trust.
pub(super) fn untrusted(error: TrustError) -> Failure {
    Failure::usage(error.code(), error.to_string())
}
