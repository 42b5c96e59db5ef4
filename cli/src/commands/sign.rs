//! `sign`: signs images by digest and stores the signatures beside them.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_sign::image_statement;

use super::Done;
use crate::arguments::Sign;
use crate::batch::{Batch, Order, Tagged, Target};
use crate::context::Context;
use crate::failure::Failure;
use crate::presence::Sought;
use crate::signatory::{Asked, Candidate};

pub(crate) fn run(arguments: Sign, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let batch = Batch::read(
        &arguments.many,
        &arguments.placement,
        &arguments.signer,
        false,
    )?;
    let annotations: BTreeMap<String, String> = arguments
        .annotations
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect();
    let asked = Asked {
        key: arguments.signer.key.as_deref(),
        services: &arguments.signer.services,
        yes: arguments.signer.yes,
        input_taken: batch.takes_input(),
        patient: batch.is_several(),
    };
    let candidate = Candidate::read(context, asked)?;
    let statement = |targets: &[&Target]| {
        let Some(target) = targets.first() else {
            return Ok(Bytes::new());
        };
        Ok(image_statement(&target.image.digest, &annotations)?)
    };
    let looking = |_: &Bytes| Sought::Signature(&annotations);
    let order = Order {
        verb: "signed",
        statement: &statement,
        joint: false,
        tagged: Tagged::Signature(&annotations),
        missing: arguments.if_missing.then_some(&looking),
    };
    batch.run(context, candidate, &order)
}
