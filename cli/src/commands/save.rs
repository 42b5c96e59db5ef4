//! `save`: an image with its platforms and its evidence into a folder or a tar file.

use countersign_formats::Reference;

use super::Done;
use crate::arguments::Save;
use crate::context::Context;
use crate::failure::Failure;
use crate::moving::{self, Route};
use crate::{images, stores};

pub(crate) fn run(arguments: &Save, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let source = stores::reference(&arguments.image)?;
    let tag = images::resolved_tag(&source).map(str::to_owned);
    let destination: Reference = moving::local(&arguments.place, tag.as_deref())?;
    let route = Route {
        source,
        destination,
        tagged: false,
        for_cosign: true,
    };
    moving::run(context, &route, &arguments.carried)
}
