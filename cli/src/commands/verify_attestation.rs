//! `verify-attestation`: decides whether images have an attestation as asked.

use super::{Done, verify};
use crate::arguments::VerifyAttestation;
use crate::context::Context;
use crate::failure::Failure;
use crate::trust::{self, Wanted};

/// What is asked for when `--type` does not say, as in cosign.
pub(super) const DEFAULT_TYPE: &str = "custom";

pub(crate) fn run(
    arguments: VerifyAttestation,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let alias = arguments.statement_type.as_deref();
    verify::images(
        context,
        &arguments.examined,
        Wanted::Statement(trust::wanted_type(alias.unwrap_or(DEFAULT_TYPE))?),
        alias.is_some(),
        &arguments.annotated,
        &arguments.sources,
    )
}
