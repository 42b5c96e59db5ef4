//! `attest`: signs a statement about images and stores it beside them.

use countersign_formats::{Limits, Reference};
use countersign_proof::{Image, Subject};
use countersign_registry::Settings;
use countersign_sign::{Prepared, attestation_statement, ready_statement};

use super::Done;
use crate::arguments::Attest;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::images::{self, ImageDone};
use crate::signatory::{Asked, Signatory};
use crate::signing::{self, Claim, Placing};
use crate::{legacy, platforms, stores};

pub(crate) fn run(arguments: Attest, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    signing::one_image_for_bundle(&arguments.images, arguments.bundle.as_ref())?;
    if arguments.require_digest {
        for text in &arguments.images {
            images::require_digest(text, &stores::reference(text)?)?;
        }
    }
    let claim = signing::claim(
        context,
        &arguments.predicate_type,
        arguments.predicate.as_deref(),
        arguments.statement.as_deref(),
    )?;
    let asked = Asked {
        key: arguments.key.as_deref(),
        services: &arguments.services,
        yes: arguments.yes,
        subjects: arguments.images.clone(),
        input_taken: signing::takes_input(&[&arguments.predicate, &arguments.statement]),
    };
    legacy::possible(
        arguments.format,
        arguments.bundle.is_some(),
        !arguments.no_upload,
        &images::readable(&arguments.images)?,
    )?;
    let mut signatory = Signatory::open(context, asked)?;
    let settings = stores::settings(context);
    let runtime = context.runtime()?;
    let images = platforms::chosen(
        context,
        &runtime,
        &settings,
        &arguments.images,
        &arguments.platforms,
    )?;
    signing::one_image_for_bundle(&images, arguments.bundle.as_ref())?;
    images::each(context, &images, |context, text, reference| {
        let work = Work {
            arguments: &arguments,
            claim: &claim,
            settings: &settings,
        };
        one(context, &runtime, &work, &mut signatory, text, reference)
    })
}

/// What is the same for every image of a run.
struct Work<'a> {
    arguments: &'a Attest,
    claim: &'a Claim,
    settings: &'a Settings,
}

fn one(
    context: &mut Context<'_, '_>,
    runtime: &tokio::runtime::Runtime,
    work: &Work<'_>,
    signatory: &mut Signatory,
    text: &str,
    reference: &Reference,
) -> Result<ImageDone, Failure> {
    let limits = Limits::DEFAULT;
    let (store, target) = stores::open(reference, work.settings)?;
    let image = runtime.block_on(store.resolve(&target))?.descriptor;
    if let Some(tag) = images::resolved_tag(reference) {
        context.printer.say(&format!(
            "tag `{}` is {} now",
            escape::field(tag),
            image.digest
        ));
    }
    let document = work.arguments.predicate.as_ref();
    let document = document.or(work.arguments.statement.as_ref());
    let named = |error| match document {
        Some(path) => signing::about(path, error),
        None => Failure::from(error),
    };
    let statement = match work.claim {
        Claim::Predicate {
            predicate_type,
            bytes,
        } => {
            let name = images::repository(reference);
            attestation_statement(&[(name.as_str(), image.digest)], predicate_type, bytes)
                .map_err(named)?
        }
        Claim::Statement(statement) => {
            ready_statement(statement.clone(), &image.digest, None, &limits).map_err(named)?;
            statement.clone()
        }
    };
    let subject = Subject::Image(Image::pinned(image.digest));
    let prepared = Prepared::statement(statement, subject, &limits).map_err(named)?;
    let name = images::pinned(reference, &image.digest);
    if work.arguments.format.legacy() {
        signatory.has_place_in_tags()?;
    }
    let signed = signatory.sign(context, runtime, prepared, &name)?;
    let written = work.arguments.format;
    if !written.bundle() {
        context.printer.line(&name);
    }
    let placing = Placing {
        verb: "attested",
        text,
        reference,
        store: store.as_ref(),
        image: &image,
        bundle_file: work.arguments.bundle.as_ref(),
        upload: !work.arguments.no_upload,
    };
    let done = match written.bundle() {
        true => Some(placing.place(context, runtime, &signed)?),
        false => None,
    };
    if !written.legacy() {
        return done.ok_or_else(|| Failure::internal("nothing-written", "no form was asked for"));
    }
    let layer = signatory.attestation_layer(context, &signed.verified)?;
    let published = legacy::place(context, runtime, store.as_ref(), &image, &layer)?;
    Ok(legacy::done(
        done,
        text,
        &name,
        &image,
        &signed.verified,
        &published,
    ))
}
