//! `load`: an image with its platforms and its evidence out of a folder or a tar file.

use super::Done;
use crate::arguments::Load;
use crate::context::Context;
use crate::failure::Failure;
use crate::moving::{self, Route};
use crate::stores;

pub(crate) fn run(arguments: &Load, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let route = Route {
        source: moving::local(&arguments.place, arguments.select.as_deref())?,
        destination: stores::reference(&arguments.image)?,
        tagged: moving::is_tagged(&arguments.image),
        for_cosign: false,
    };
    moving::run(context, &route, &arguments.carried)
}
