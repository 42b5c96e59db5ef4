//! `verify`: decides whether images are signed as asked.

use super::Done;
use crate::arguments::Verify;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::packs;
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: Verify, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let policies = trust::policy(
        context,
        &arguments.trust,
        Wanted::Signature,
        false,
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
