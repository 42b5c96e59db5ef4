//! Which images of an index are meant: resolved by the index's own bytes, so that each is a part of what was named.

use countersign_formats::{Descriptor, ImageIndex, Limits, Manifest};
use countersign_policy::is_attestation;
use countersign_proof::Image;
use countersign_registry::{Resolved, Settings};
use tokio::runtime::Runtime;

use crate::arguments::Platforms;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{images, stores};

/// Platforms of one index that are worked on: each costs what an image costs.
const MOST: usize = Limits::DEFAULT.index_images;

/// What is worked on: an image by its name, and the index that it was chosen from.
pub(crate) struct Chosen {
    pub(crate) name: String,
    /// Read, so that its own bytes say that it lists the image.
    pub(crate) index: Option<Image>,
}

/// The images as they were named, or in place of each the chosen images inside it, by digest.
///
/// # Errors
/// An image that is no index or lacks the platform, and what the store answers.
pub(crate) fn chosen(
    context: &mut Context<'_, '_>,
    runtime: &Runtime,
    settings: &Settings,
    named: &[String],
    flags: &Platforms,
) -> Result<Vec<Chosen>, Failure> {
    if flags.are_all_absent() {
        let as_named = |name: &String| Chosen {
            name: name.clone(),
            index: None,
        };
        return Ok(named.iter().map(as_named).collect());
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for text in named {
        let reference = stores::reference(text)?;
        let (store, target) = stores::open(&reference, settings)?;
        let resolved = runtime.block_on(store.resolve(&target))?;
        let index = read(&resolved)?;
        for entry in entries(listed(&index, &resolved)?, flags)? {
            let name = images::pinned(&reference, &entry.digest);
            say(
                context,
                entry,
                &images::pinned(&reference, &resolved.descriptor.digest),
            );
            let known = |one: &Chosen| {
                let over = one.index.as_ref().map(Image::digest);
                one.name == name && over == Some(index.digest())
            };
            if !chosen.iter().any(known) {
                let index = Some(index.clone());
                chosen.push(Chosen { name, index });
            }
        }
    }
    Ok(chosen)
}

/// Says which image of which index was chosen.
pub(crate) fn say(context: &mut Context<'_, '_>, entry: &Descriptor, index: &str) {
    context.printer.say(&format!(
        "{} of {} is {}",
        escape::field(&name(entry).unwrap_or_else(|| "an image".to_owned())),
        escape::field(index),
        entry.digest
    ));
}

/// The manifest that a store answered with, hashed here.
pub(crate) fn read(resolved: &Resolved) -> Result<Image, Failure> {
    let Descriptor {
        digest, media_type, ..
    } = &resolved.descriptor;
    Image::read_as(
        digest.algorithm(),
        resolved.bytes.clone(),
        Some(media_type),
        &Limits::DEFAULT,
    )
    .map_err(|error| Failure::new(ExitStatus::Unavailable, error.code(), error.to_string()))
}

/// What the index lists.
pub(crate) fn listed<'a>(image: &'a Image, resolved: &Resolved) -> Result<&'a ImageIndex, Failure> {
    match image.manifest() {
        Some(Manifest::Index(index)) => Ok(index),
        _ => Err(not_an_index(&resolved.descriptor)),
    }
}

/// The entries that were chosen.
pub(crate) fn entries<'a>(
    index: &'a ImageIndex,
    flags: &Platforms,
) -> Result<Vec<&'a Descriptor>, Failure> {
    if flags.all_platforms {
        return every(index);
    }
    let wanted = flags.platform.iter();
    wanted.map(|wanted| one(index, wanted)).collect()
}

/// The entry for one platform.
pub(crate) fn one<'a>(index: &'a ImageIndex, wanted: &str) -> Result<&'a Descriptor, Failure> {
    let matching: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|entry| name(entry).is_some_and(|name| matches(&name, wanted)))
        .collect();
    match matching.as_slice() {
        [entry] => Ok(entry),
        [] => {
            let known: Vec<String> = index.manifests.iter().filter_map(name).collect();
            Err(Failure::new(
                ExitStatus::NotFound,
                "platform-not-found",
                format!("the index has no image for `{}`", escape::field(wanted)),
            )
            .hint(format!("it has: {}", escape::field(&known.join(", ")))))
        }
        _ => Err(Failure::usage(
            "platform-ambiguous",
            format!(
                "several images of the index are for `{}`",
                escape::field(wanted)
            ),
        )
        .hint("name the variant (`linux/arm/v7`), or the image by its digest")),
    }
}

/// The entries that are images: all but BuildKit's attestations, by the words that rules about platforms go by as well. An
/// entry that something could run is an image, whatever its annotations say.
fn every(index: &ImageIndex) -> Result<Vec<&Descriptor>, Failure> {
    let images: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|entry| !is_attestation(entry))
        .collect();
    if images.is_empty() || images.len() > MOST {
        return Err(Failure::usage(
            "platform-not-found",
            format!(
                "the index holds {} images, and 1 to {MOST} can be worked on",
                images.len()
            ),
        )
        .hint("name platforms with `--platform`, or images by their digests"));
    }
    Ok(images)
}

/// What is said of an image where an index was asked for.
pub(crate) fn not_an_index(image: &Descriptor) -> Failure {
    Failure::usage(
        "not-an-index",
        format!("`{}` is one image and no index", image.digest),
    )
    .hint("drop `--platform`")
}

/// A platform as it is written: `linux/arm/v7`.
pub(crate) fn name(entry: &Descriptor) -> Option<String> {
    let platform = entry.platform.as_ref()?;
    let variant = platform.variant.as_ref();
    let variant = variant
        .map(|variant| format!("/{variant}"))
        .unwrap_or_default();
    Some(format!(
        "{}/{}{variant}",
        platform.os, platform.architecture
    ))
}

/// Without a variant any is meant; `linux/arm64` and `linux/arm64/v8` are one.
fn matches(name: &str, wanted: &str) -> bool {
    name == wanted
        || name
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('/'))
        || (wanted == "linux/arm64/v8" && name == "linux/arm64")
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_platform_without_a_variant_means_any() {
        assert!(matches("linux/arm/v7", "linux/arm"));
        assert!(matches("linux/arm/v7", "linux/arm/v7"));
        assert!(matches("linux/arm64", "linux/arm64/v8"));
        assert!(!matches("linux/arm64", "linux/arm"));
        assert!(!matches("linux/arm/v7", "linux/arm/v6"));
    }
}
