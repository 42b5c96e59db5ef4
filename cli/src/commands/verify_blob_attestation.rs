//! `verify-blob-attestation`: decides whether a file has an attestation as asked.

use super::{Done, verify_attestation};
use crate::arguments::VerifyBlobAttestation;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::trust::{self, Wanted};

pub(crate) fn run(
    arguments: VerifyBlobAttestation,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let alias = arguments.predicate_type.as_deref();
    let wanted = Wanted::Statement(trust::wanted_type(
        alias.unwrap_or(verify_attestation::DEFAULT_TYPE),
    )?);
    let policies = trust::policy(context, &arguments.trust, wanted, alias.is_some(), &[])?;
    if arguments.trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let judging = Judging::of_files(context, policies, &arguments.trust, &arguments.bundle)?;
    judging::blob(context, arguments.file.as_deref().unwrap_or("-"), judging)
}
