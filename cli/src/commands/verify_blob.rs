//! `verify-blob`: decides whether a file is signed as asked.

use super::Done;
use crate::arguments::VerifyBlob;
use crate::context::Context;
use crate::failure::Failure;
use crate::judging;
use crate::trust::{self, Wanted};

pub(crate) fn run(arguments: VerifyBlob, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let alias = arguments.statement_type.as_deref();
    let wanted = match alias {
        None => Wanted::Signature,
        Some(alias) => Wanted::Statement(trust::wanted_type(alias)?),
    };
    judging::blob(context, &arguments.judged, wanted, alias.is_some())
}
