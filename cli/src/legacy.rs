//! Signatures and attestations under the tags that cosign 2, podman, CRI-O and policy-controller read.

use countersign_formats::{Descriptor, Reference};
use countersign_proof::Verified;
use countersign_registry::{PublishedLegacy, Store};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::arguments::Written;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::images::{self, ImageDone};
use crate::signing;

/// Refuses what does not go together before anything is signed.
///
/// # Errors
/// Exit 2.
pub(crate) fn possible(
    written: Written,
    bundle_file: bool,
    upload: bool,
    references: &[Reference],
) -> Result<(), Failure> {
    if !written.legacy() {
        return Ok(());
    }
    if !written.bundle() && bundle_file {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--format legacy` makes no bundle and `--bundle` asks for one",
        )
        .hint("write `--format both`, or drop `--bundle`"));
    }
    if !upload {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--no-upload` stores nothing and `--format` asks for a tag beside the image",
        )
        .hint("drop one of them"));
    }
    let elsewhere = references
        .iter()
        .find(|reference| !matches!(reference, Reference::Registry(_)));
    match elsewhere {
        None => Ok(()),
        Some(reference) => Err(Failure::usage(
            "store-unsupported",
            format!(
                "`{}` is no registry, and `.sig` and `.att` tags are written to registries only",
                escape::field(&images::repository(reference))
            ),
        )
        .hint("write `--format bundle`, which is the default")),
    }
}

/// Stores a proven layer under its tag.
pub(crate) fn place(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    store: &dyn Store,
    image: &Descriptor,
    verified: &Verified,
) -> Result<PublishedLegacy, Failure> {
    let work = countersign_registry::publish_legacy(store, image, verified);
    let published = runtime.block_on(work)?;
    context.printer.say(&format!(
        "stored under the tag {} as {} (layer {} of {})",
        published.tag, published.manifest.digest, published.layer.digest, published.layers
    ));
    Ok(published)
}

/// What was done with an image of which a legacy layer was stored: added to what was done with its bundle, or in place of it.
pub(crate) fn done(
    bundle: Option<ImageDone>,
    text: &str,
    name: &str,
    image: &Descriptor,
    verified: &Verified,
    published: &PublishedLegacy,
) -> ImageDone {
    let mut done = bundle.unwrap_or_else(|| {
        let mut entry = json!({
            "reference": escape::capped(text, escape::FIELD_BYTES),
            "image": name,
            "digest": image.digest.to_string(),
            "exitCode": 0,
        });
        signing::add_proofs(&mut entry, verified);
        ImageDone {
            status: ExitStatus::Pass,
            entry,
        }
    });
    if let Value::Object(members) = &mut done.entry {
        members.insert(
            "legacy".to_owned(),
            json!({
                "tag": published.tag,
                "manifest": published.manifest.digest.to_string(),
                "layer": published.layer.digest.to_string(),
                "layers": published.layers,
            }),
        );
    }
    done
}
