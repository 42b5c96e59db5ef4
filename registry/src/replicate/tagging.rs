//! Giving evidence that was moved its tag, beside what the destination has under it.

use countersign_formats::{Descriptor, Digest, Manifest};
use countersign_proof::digest;

use crate::depot::Depot;
use crate::error::{Fault, StoreError};
use crate::legacy::config as layers_config;
use crate::store::{Replacement, Resolved};

/// What became of a tag with evidence.
#[derive(Debug, Clone)]
pub struct TaggedAs {
    /// The tag.
    pub tag: String,
    /// What it holds now.
    pub digest: Digest,
    /// Layers of the destination's own that were kept: 0 unless both sides had evidence.
    pub kept: usize,
}

/// Gives evidence its tag at the destination; layers that are there under the same tag stay.
///
/// # Errors
/// Whatever the store answers; [`Fault::TagHolds`] when the tag holds something that is no evidence.
pub async fn tag_evidence(
    destination: &dyn Depot,
    ours: &Resolved,
    tag: &str,
) -> Result<TaggedAs, StoreError> {
    let name = destination.name();
    let change = |current: Option<&Resolved>| merge(&name, tag, current, ours);
    let resolved = match destination.update_tag(tag, &change).await {
        // A layout is written under its lock, where nobody comes in between.
        Err(StoreError::Unsupported { .. }) => {
            let current = destination.tag(tag).await?;
            match change(current.as_ref())? {
                Some(replacement) => {
                    for blob in replacement.blobs {
                        let digest = digest::sha256(&blob);
                        destination.push_blob(blob, &digest).await?;
                    }
                    let pushed = destination
                        .push_manifest(replacement.manifest, &replacement.media_type, Some(tag))
                        .await?;
                    pushed.descriptor.digest
                }
                None => ours.descriptor.digest,
            }
        }
        Ok(resolved) => resolved.descriptor.digest,
        Err(error) => return Err(error),
    };
    let kept = match destination.tag(tag).await?.map(|now| now.manifest) {
        Some(Manifest::Image(now)) => now.layers.len().saturating_sub(layers(ours).len()),
        _ => 0,
    };
    Ok(TaggedAs {
        tag: tag.to_owned(),
        digest: resolved,
        kept,
    })
}

fn layers(resolved: &Resolved) -> &[Descriptor] {
    match &resolved.manifest {
        Manifest::Image(image) => &image.layers,
        Manifest::Index(_) => &[],
    }
}

/// Our manifest, with the layers of the destination's own after ours; `None` when nothing is missing there.
fn merge(
    store: &str,
    tag: &str,
    current: Option<&Resolved>,
    ours: &Resolved,
) -> Result<Option<Replacement>, StoreError> {
    let as_it_is = Replacement {
        blobs: Vec::new(),
        media_type: ours.descriptor.media_type.clone(),
        manifest: ours.bytes.clone(),
    };
    let (Some(current), Manifest::Image(image)) = (current, &ours.manifest) else {
        return Ok(Some(as_it_is));
    };
    let Manifest::Image(other) = &current.manifest else {
        return Err(StoreError::untrusted(
            store,
            Fault::TagHolds {
                tag: tag.to_owned(),
                found: "an index",
            },
        ));
    };
    let lacks =
        |has: &[Descriptor], layer: &Descriptor| !has.iter().any(|other| same_layer(other, layer));
    if !image.layers.iter().any(|layer| lacks(&other.layers, layer)) {
        return Ok(None);
    }
    let theirs: Vec<Descriptor> = other
        .layers
        .iter()
        .filter(|layer| lacks(&image.layers, layer))
        .cloned()
        .collect();
    if theirs.is_empty() {
        return Ok(Some(as_it_is));
    }
    let mut manifest = image.clone();
    manifest.layers.extend(theirs);
    let config = layers_config(manifest.layers.iter().map(|layer| layer.digest));
    manifest.config = Descriptor::new(
        manifest.config.media_type.clone(),
        digest::sha256(&config),
        config.len() as u64,
    );
    Ok(Some(Replacement {
        blobs: vec![config],
        media_type: manifest.media_type.clone(),
        manifest: manifest.to_json().into(),
    }))
}

/// Layers with the same bytes are different signatures when their annotations differ.
fn same_layer(one: &Descriptor, other: &Descriptor) -> bool {
    one.digest == other.digest && one.annotations == other.annotations
}
