//! `verify`: decides whether images are signed as asked.

use super::Done;
use crate::arguments::{Annotated, Examined, Sources, Verify};
use crate::context::Context;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::packs;
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: Verify, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let Verify {
        examined,
        annotated,
        sources,
    } = &arguments;
    images(
        context,
        examined,
        Wanted::Signature,
        false,
        annotated,
        sources,
    )
}

/// Judges images where they are or as a pack holds them; or prints the policy that the flags amount to.
pub(super) fn images(
    context: &mut Context<'_, '_>,
    examined: &Examined,
    wanted: Wanted,
    type_flag: bool,
    annotated: &Annotated,
    sources: &Sources,
) -> Result<Done, Failure> {
    let trust = &examined.trust;
    let policies = trust::policy(context, trust, wanted, type_flag, &annotated.annotations)?;
    if trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let judging = Judging::new(context, policies, trust, sources)?;
    let (images, platforms) = (&examined.images, &examined.platforms);
    match &examined.pack {
        Some(pack) => packs::images(context, pack, images, platforms, judging),
        None => judging::images(context, images, platforms, judging),
    }
}
