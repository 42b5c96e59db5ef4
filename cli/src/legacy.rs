//! Signatures and attestations under the tags that cosign 2, podman, CRI-O and policy-controller read.

use countersign_formats::Reference;

use crate::arguments::Placement;
use crate::escape;
use crate::failure::Failure;
use crate::images;

/// Refuses what does not go together before anything is signed.
///
/// # Errors
/// Exit 2.
pub(crate) fn possible<'a>(
    placement: &Placement,
    journal: bool,
    mut references: impl Iterator<Item = &'a Reference>,
) -> Result<(), Failure> {
    let written = placement.format;
    if !written.legacy() {
        return Ok(());
    }
    if !written.bundle() && placement.bundle.is_some() {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--format legacy` makes no bundle and `--bundle` asks for one",
        )
        .hint("write `--format both`, or drop `--bundle`"));
    }
    if journal {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--journal` keeps bundles, and `--format` asks for a tag beside the image",
        )
        .hint("write `--if-missing`, which looks at the tags too, or drop one of them"));
    }
    if placement.no_upload {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--no-upload` stores nothing and `--format` asks for a tag beside the image",
        )
        .hint("drop one of them"));
    }
    let elsewhere = references.find(|reference| !matches!(reference, Reference::Registry(_)));
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
