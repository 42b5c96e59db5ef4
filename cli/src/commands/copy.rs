//! `copy`: an image with its platforms and its evidence from one place to another.

use super::Done;
use crate::arguments::Copy;
use crate::context::Context;
use crate::failure::Failure;
use crate::moving::{self, Route};
use crate::stores;

pub(crate) fn run(arguments: &Copy, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let route = Route {
        source: stores::reference(&arguments.source)?,
        destination: stores::reference(&arguments.destination)?,
        tagged: moving::is_tagged(&arguments.destination),
        for_cosign: false,
    };
    moving::run(context, &route, &arguments.carried)
}
