//! Which images are moved: the one that was named, or some of the platforms of an index.

use std::collections::BTreeSet;

use countersign_formats::{Descriptor, Digest, ImageIndex, Manifest, media_types};
use countersign_policy::is_attestation;
use countersign_registry::replicate::Extent;
use countersign_registry::{Depot, Resolved};

use crate::arguments::Carried;
use crate::context::Context;
use crate::failure::Failure;
use crate::platforms;

/// The images that were chosen.
pub(super) enum Chosen {
    /// As it was named; of an index everything.
    Whole(Resolved),
    /// Platforms of an index, each by itself.
    Platforms {
        index: Digest,
        images: Vec<Resolved>,
    },
    /// An index with only some of its platforms.
    Sparse {
        index: Resolved,
        kept: BTreeSet<Digest>,
    },
}

impl Chosen {
    /// # Errors
    /// An image that is no index or lacks a platform, and what the source answers.
    pub(super) async fn find(
        context: &mut Context<'_, '_>,
        source: &dyn Depot,
        named: Resolved,
        carried: &Carried,
    ) -> Result<Self, Failure> {
        if carried.platform.is_empty() {
            return Ok(Self::Whole(named));
        }
        let Manifest::Index(index) = &named.manifest else {
            return Err(platforms::not_an_index(&named.descriptor));
        };
        let mut entries: Vec<&Descriptor> = Vec::new();
        for wanted in &carried.platform {
            let entry = platforms::one(index, wanted)?;
            if !entries.iter().any(|known| known.digest == entry.digest) {
                entries.push(entry);
            }
        }
        if carried.sparse_index {
            let mut kept: BTreeSet<Digest> = entries.iter().map(|entry| entry.digest).collect();
            kept.extend(attestations(index, &kept));
            return Ok(Self::Sparse { kept, index: named });
        }
        context.printer.say(
            "the index itself stays behind: what was signed or attested about it does not come along",
        );
        let mut images = Vec::new();
        for entry in entries {
            images.push(source.manifest(entry).await?);
        }
        Ok(Self::Platforms {
            index: named.descriptor.digest,
            images,
        })
    }

    /// The images that arrive under names of their own.
    pub(super) fn images(&self) -> &[Resolved] {
        match self {
            Self::Whole(image) | Self::Sparse { index: image, .. } => std::slice::from_ref(image),
            Self::Platforms { images, .. } => images,
        }
    }

    /// The one image that arrives, if it is one.
    pub(super) fn sole(&self) -> Option<&Resolved> {
        match self.images() {
            [image] => Some(image),
            _ => None,
        }
    }

    /// What they are called together: the one image, or the index that several were chosen from.
    pub(super) fn digest(&self) -> Digest {
        match (self.sole(), self) {
            (Some(image), _) => image.descriptor.digest,
            (None, Self::Platforms { index, .. }) => *index,
            (None, Self::Whole(image) | Self::Sparse { index: image, .. }) => {
                image.descriptor.digest
            }
        }
    }

    pub(super) fn is_sparse(&self) -> bool {
        matches!(self, Self::Sparse { .. })
    }

    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Whole(image) => Extent::Whole(image.clone()),
            Self::Platforms { images, .. } => Extent::Images(images.clone()),
            Self::Sparse { index, kept } => Extent::Sparse {
                index: index.clone(),
                kept: kept.clone(),
            },
        }
    }
}

/// What BuildKit put into the index about images that come along.
fn attestations(index: &ImageIndex, kept: &BTreeSet<Digest>) -> Vec<Digest> {
    let about = |entry: &Descriptor| {
        let digest = entry
            .annotations
            .get(media_types::ANNOTATION_BUILDKIT_DIGEST)?;
        Digest::parse(digest).ok()
    };
    let entries = index.manifests.iter();
    entries
        .filter(|entry| is_attestation(entry))
        .filter(|entry| about(entry).is_some_and(|image| kept.contains(&image)))
        .map(|entry| entry.digest)
        .collect()
}
