//! `verify-blob-attestation`: decides whether a file has an attestation as asked.

use super::{Done, verify_attestation};
use crate::arguments::VerifyBlobAttestation;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging;
use crate::trust::{self, Wanted};

pub(crate) fn run(
    arguments: VerifyBlobAttestation,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let alias = arguments.statement_type.as_deref();
    let wanted = Wanted::Statement(trust::wanted_type(
        alias.unwrap_or(verify_attestation::DEFAULT_TYPE),
    )?);
    judging::blob(context, &arguments.judged, wanted, alias.is_some())
}
