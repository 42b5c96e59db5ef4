//! `verify-blob`: decides whether a file is signed as asked.

use super::Done;
use crate::arguments::VerifyBlob;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging::{self, Judging};
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: VerifyBlob, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let alias = arguments.predicate_type.as_deref();
    let wanted = match alias {
        None => Wanted::Signature,
        Some(alias) => Wanted::Statement(trust::wanted_type(alias)?),
    };
    let policies = trust::policy(context, &arguments.trust, wanted, alias.is_some(), &[])?;
    if arguments.trust.print_policy {
        return Ok(trust::print(context, &policies));
    }
    let judging = Judging::of_files(context, policies, &arguments.trust, &arguments.bundle)?;
    judging::blob(context, arguments.file.as_deref().unwrap_or("-"), judging)
}
