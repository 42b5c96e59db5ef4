//! Which images of an index are meant: resolved by the index's own bytes, so that each is a part of what was named.

use countersign_formats::{Descriptor, ImageIndex, Manifest, media_types};
use countersign_registry::Settings;
use tokio::runtime::Runtime;

use crate::arguments::Platforms;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{images, stores};

/// Platforms of one index that are worked on: each costs what an image costs.
const MOST: usize = 256;

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
) -> Result<Vec<String>, Failure> {
    if flags.platform.is_empty() && !flags.all_platforms {
        return Ok(named.to_vec());
    }
    let mut chosen: Vec<String> = Vec::new();
    for text in named {
        let reference = stores::reference(text)?;
        let (store, target) = stores::open(&reference, settings)?;
        let resolved = runtime.block_on(store.resolve(&target))?;
        let Manifest::Index(index) = &resolved.manifest else {
            return Err(not_an_index(&resolved.descriptor));
        };
        for entry in entries(index, flags)? {
            let pinned = images::pinned(&reference, &entry.digest);
            context.printer.say(&format!(
                "{} of {} is {}",
                escape::field(&name(entry).unwrap_or_else(|| "an image".to_owned())),
                escape::field(&images::pinned(&reference, &resolved.descriptor.digest)),
                entry.digest
            ));
            if !chosen.contains(&pinned) {
                chosen.push(pinned);
            }
        }
    }
    Ok(chosen)
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

/// The entries that are images: an index may hold other things beside them, such as BuildKit's attestations.
fn every(index: &ImageIndex) -> Result<Vec<&Descriptor>, Failure> {
    let images: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|entry| {
            !entry
                .annotations
                .contains_key(media_types::ANNOTATION_BUILDKIT_TYPE)
                && name(entry).is_none_or(|name| name != "unknown/unknown")
        })
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
