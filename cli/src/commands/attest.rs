//! `attest`: signs a statement about images and stores it beside them.

use countersign_formats::{Limits, Reference};
use countersign_proof::{Image, Subject};
use countersign_registry::Settings;
use countersign_sign::{Prepared, PrivateKey, attest, ready_statement, sign};

use super::Done;
use crate::arguments::Attest;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::images::{self, ImageDone};
use crate::signing::{self, Claim, Placing};
use crate::{key_files, stores};

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
    let key = key_files::private(context, &arguments.key)?;
    let settings = stores::settings(context);
    let runtime = context.runtime()?;
    let images = arguments.images.clone();
    images::each(context, &images, |context, text, reference| {
        let work = Work {
            arguments: &arguments,
            claim: &claim,
            key: &key,
            settings: &settings,
        };
        one(context, &runtime, &work, text, reference)
    })
}

/// What is the same for every image of a run.
struct Work<'a> {
    arguments: &'a Attest,
    claim: &'a Claim,
    key: &'a PrivateKey,
    settings: &'a Settings,
}

fn one(
    context: &mut Context<'_, '_>,
    runtime: &tokio::runtime::Runtime,
    work: &Work<'_>,
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
    let signed = match work.claim {
        Claim::Predicate {
            predicate_type,
            bytes,
        } => {
            let name = images::repository(reference);
            attest(
                work.key,
                &name,
                image.digest,
                predicate_type,
                bytes,
                context.now,
                &limits,
            )
            .map_err(|error| match &work.arguments.predicate {
                Some(path) => signing::about(path, error),
                None => error.into(),
            })?
        }
        Claim::Statement(statement) => {
            let named = |error| match &work.arguments.statement {
                Some(path) => signing::about(path, error),
                None => error.into(),
            };
            ready_statement(statement.clone(), &image.digest, None, &limits).map_err(named)?;
            let subject = Subject::Image(Image::pinned(image.digest));
            let prepared = Prepared::statement(statement.clone(), subject, &limits)?;
            sign(work.key, prepared, None, context.now, &limits)?
        }
    };
    let placing = Placing {
        verb: "attested",
        text,
        reference,
        store: store.as_ref(),
        image: &image,
        bundle_file: work.arguments.bundle.as_ref(),
        upload: !work.arguments.no_upload,
    };
    placing.place(context, runtime, &signed)
}
