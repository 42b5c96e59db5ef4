//! Runs a command over the images that were named, one after the other, and sums up.

use countersign_formats::{Digest, Reference};
use serde_json::{Value, json};

use crate::commands::Done;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::stores;

/// What became of one image.
pub(crate) struct ImageDone {
    pub(crate) status: ExitStatus,
    /// Its entry in `result.images`.
    pub(crate) entry: Value,
}

/// Does `work` for each of `images`.
///
/// All references are read before the first is worked on, so that a typing error in the last leaves the first untouched.
/// The error of a single image is the command's own; of several each stands in its entry.
pub(crate) fn each(
    context: &mut Context<'_, '_>,
    images: &[String],
    mut work: impl FnMut(&mut Context<'_, '_>, &str, &Reference) -> Result<ImageDone, Failure>,
) -> Result<Done, Failure> {
    let references = images
        .iter()
        .map(|text| stores::reference(text).map(|reference| (text.as_str(), reference)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut status = ExitStatus::Pass;
    let mut entries = Vec::with_capacity(references.len());
    for (text, reference) in &references {
        match work(context, text, reference) {
            Ok(done) => {
                status = status.and(done.status);
                entries.push(done.entry);
            }
            Err(failure) if references.len() == 1 => return Err(failure),
            Err(failure) => {
                status = status.and(failure.status);
                context.printer.say(&format!(
                    "error: `{}`: {}",
                    escape::field(text),
                    failure.message
                ));
                if let Some(hint) = &failure.hint {
                    context.printer.say(&format!("hint: {hint}"));
                }
                entries.push(json!({
                    "reference": escape::capped(text, escape::FIELD_BYTES),
                    "exitCode": failure.status.code(),
                    "error": failure.to_json(),
                }));
            }
        }
    }
    Ok(Done {
        status,
        result: Some(json!({ "exitCode": status.code(), "images": entries })),
    })
}

/// Refuses what is no reference, before anything else is done.
pub(crate) fn readable(images: &[String]) -> Result<Vec<Reference>, Failure> {
    images.iter().map(|text| stores::reference(text)).collect()
}

/// The name of an image by digest: `ghcr.io/acme/app@sha256:…`, `oci:DIR@sha256:…`.
pub(crate) fn pinned(reference: &Reference, digest: &Digest) -> String {
    format!("{}@{digest}", repository(reference))
}

/// The name of the place where an image is: `ghcr.io/acme/app`, `oci:DIR`.
pub(crate) fn repository(reference: &Reference) -> String {
    match reference {
        Reference::Registry(registry) => registry.name(),
        Reference::Layout(layout) => format!("oci:{}", layout.path()),
        Reference::Archive(archive) => format!("oci-archive:{}", archive.path()),
    }
}

/// The tag that was resolved, if the image was named by one.
pub(crate) fn resolved_tag(reference: &Reference) -> Option<&str> {
    match reference.digest() {
        Some(_) => None,
        None => reference.tag(),
    }
}

/// Refuses an image that is named by tag.
pub(crate) fn require_digest(text: &str, reference: &Reference) -> Result<(), Failure> {
    if reference.digest().is_some() {
        return Ok(());
    }
    Err(Failure::usage(
        "digest-required",
        format!("`{}` is named without a digest", escape::field(text)),
    )
    .hint("write the image as NAME@sha256:…, or drop `--require-digest`"))
}
