//! `verify-attestation`: decides whether images have an attestation as asked.

use super::Done;
use crate::arguments::VerifyAttestation;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::packs;
use crate::trust::{self, Wanted};

/// What is asked for when `--type` does not say, as in cosign.
pub(super) const DEFAULT_TYPE: &str = "custom";

pub(crate) fn run(
    arguments: VerifyAttestation,
    context: &mut Context<'_, '_>,
) -> Result<Done, Failure> {
    let alias = arguments.predicate_type.as_deref();
    let wanted = Wanted::Statement(trust::wanted_type(alias.unwrap_or(DEFAULT_TYPE))?);
    let policies = trust::policy(
        context,
        &arguments.trust,
        wanted,
        alias.is_some(),
        &arguments.annotations,
    )?;
    if arguments.trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let judging = Judging::new(context, policies, &arguments.trust, &arguments.sources)?;
    let platforms = &arguments.platforms;
    if let Some(pack) = &arguments.pack {
        return packs::images(context, pack, &arguments.images, platforms, judging);
    }
    judging::images(context, &arguments.images, platforms, judging)
}
