//! `sign`: signs images by digest and stores the signatures beside them.

use std::collections::BTreeMap;

use countersign_formats::{Descriptor, Limits, Reference};
use countersign_proof::{Image, Subject};
use countersign_registry::{Settings, Store};
use countersign_sign::{Prepared, image_statement};
use serde_json::json;

use super::Done;
use crate::arguments::Sign;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::images::{self, ImageDone};
use crate::signatory::{Asked, Signatory};
use crate::signing::{self, Placing};
use crate::{legacy, platforms, presence, stores};

pub(crate) fn run(arguments: Sign, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    signing::one_image_for_bundle(&arguments.images, arguments.bundle.as_ref())?;
    if arguments.require_digest {
        for text in &arguments.images {
            images::require_digest(text, &stores::reference(text)?)?;
        }
    }
    let annotations: BTreeMap<String, String> = arguments
        .annotations
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect();
    if arguments.if_missing && arguments.key.is_none() {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--if-missing` looks for a signature of a key, and none is named",
        )
        .hint("drop `--if-missing`: for identities it is not in this version"));
    }
    let asked = Asked {
        key: arguments.key.as_deref(),
        services: &arguments.services,
        yes: arguments.yes,
        subjects: arguments.images.clone(),
        input_taken: false,
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
            annotations: &annotations,
            settings: &settings,
        };
        one(context, &runtime, &work, &mut signatory, text, reference)
    })
}

/// What is the same for every image of a run.
struct Work<'a> {
    arguments: &'a Sign,
    annotations: &'a BTreeMap<String, String>,
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
    let (store, target) = stores::open(reference, work.settings)?;
    let image = runtime.block_on(store.resolve(&target))?.descriptor;
    if let Some(tag) = images::resolved_tag(reference) {
        context.printer.say(&format!(
            "tag `{}` is {} now",
            escape::field(tag),
            image.digest
        ));
    }
    let name = images::pinned(reference, &image.digest);
    if work.arguments.if_missing
        && let Some(key) = signatory.key()
        && presence::is_signed(
            context,
            runtime,
            work.settings,
            reference,
            &image,
            key,
            work.annotations,
        )?
    {
        context.printer.line(&name);
        context.printer.say(&format!(
            "{} is signed by this key already, nothing done",
            escape::field(&name)
        ));
        return Ok(ImageDone {
            status: ExitStatus::Pass,
            entry: json!({
                "reference": escape::capped(text, escape::FIELD_BYTES),
                "image": name,
                "digest": image.digest.to_string(),
                "exitCode": 0,
                "alreadySigned": true,
            }),
        });
    }
    if work.arguments.format.legacy() {
        signatory.has_place_in_tags()?;
    }
    let mut done = None;
    if work.arguments.format.bundle() {
        done = Some(bundle(
            context,
            runtime,
            work,
            signatory,
            text,
            reference,
            store.as_ref(),
            &image,
        )?);
    }
    if work.arguments.format.legacy() {
        let repository = images::repository(reference);
        let prepared = Prepared::simple_signing(image.digest, &repository, work.annotations)?;
        let signed = signatory.sign(context, runtime, prepared, &name)?;
        if done.is_none() {
            context.printer.line(&name);
        }
        let published = legacy::place(context, runtime, store.as_ref(), &image, &signed.verified)?;
        done = Some(legacy::done(
            done,
            text,
            &name,
            &image,
            &signed.verified,
            &published,
        ));
    }
    done.ok_or_else(|| Failure::internal("nothing-written", "no form was asked for"))
}

/// Signs an image into a bundle and stores that.
#[expect(
    clippy::too_many_arguments,
    reason = "an image, where it is, and who signs it"
)]
fn bundle(
    context: &mut Context<'_, '_>,
    runtime: &tokio::runtime::Runtime,
    work: &Work<'_>,
    signatory: &mut Signatory,
    text: &str,
    reference: &Reference,
    store: &dyn Store,
    image: &Descriptor,
) -> Result<ImageDone, Failure> {
    let name = images::pinned(reference, &image.digest);
    let statement = image_statement(&image.digest, work.annotations)?;
    let subject = Subject::Image(Image::pinned(image.digest));
    let prepared = Prepared::statement(statement, subject, &Limits::DEFAULT)?;
    let signed = signatory.sign(context, runtime, prepared, &name)?;
    let placing = Placing {
        verb: "signed",
        text,
        reference,
        store,
        image,
        bundle_file: work.arguments.bundle.as_ref(),
        upload: !work.arguments.no_upload,
    };
    placing.place(context, runtime, &signed)
}
