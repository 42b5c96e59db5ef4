//! Giving evidence that was moved its tag, beside what the destination has under it.

use countersign_formats::{Descriptor, Digest, Manifest};
use countersign_proof::digest::sha256;

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
    let digest = match destination.update_tag(tag, &change).await {
        // An archive has one writer, and nobody comes in between.
        Err(StoreError::Unsupported { .. }) => {
            let current = destination.tag(tag).await?;
            match change(current.as_ref())? {
                Some(replacement) => {
                    for blob in replacement.blobs {
                        let digest = sha256(&blob);
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
        digest,
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
        sha256(&config),
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use countersign_formats::{ImageIndex, ImageManifest, Limits, media_types};

    use super::*;
    use crate::layout::Layout;
    use crate::legacy::config;
    use crate::store::Store as _;

    fn resolved(bytes: Vec<u8>, media_type: &str) -> Resolved {
        let bytes = Bytes::from(bytes);
        Resolved {
            descriptor: Descriptor::new(media_type, sha256(&bytes), bytes.len() as u64),
            manifest: Manifest::parse(&bytes, Some(media_type), &Limits::DEFAULT).unwrap(),
            bytes,
        }
    }

    /// Evidence with layers of these contents and signatures.
    fn evidence(layers: &[(&str, &str)]) -> Resolved {
        let layers: Vec<Descriptor> = layers
            .iter()
            .map(|(content, signature)| {
                let digest = sha256(content.as_bytes());
                let mut layer = Descriptor::new("text/plain", digest, content.len() as u64);
                let name = "dev.cosignproject.cosign/signature".to_owned();
                layer.annotations = [(name, (*signature).to_owned())].into();
                layer
            })
            .collect();
        let config = config(layers.iter().map(|layer| layer.digest));
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config: Descriptor::new(
                media_types::OCI_CONFIG,
                sha256(&config),
                config.len() as u64,
            ),
            layers,
            subject: None,
            annotations: Default::default(),
        };
        resolved(manifest.to_json(), media_types::OCI_MANIFEST)
    }

    fn merged(current: Option<&Resolved>, ours: &Resolved) -> Option<Replacement> {
        merge("store", "tag", current, ours).unwrap()
    }

    #[test]
    fn a_free_tag_gets_our_manifest_byte_for_byte() {
        let ours = evidence(&[("payload", "ours")]);
        let replacement = merged(None, &ours).unwrap();
        assert_eq!(replacement.manifest, ours.bytes);
        assert!(replacement.blobs.is_empty());
    }

    #[test]
    fn a_tag_that_has_all_of_ours_is_left_alone() {
        let ours = evidence(&[("payload", "ours")]);
        let both = evidence(&[("payload", "theirs"), ("payload", "ours")]);
        assert!(merged(Some(&ours), &ours).is_none());
        assert!(merged(Some(&both), &ours).is_none());
    }

    #[test]
    fn a_tag_with_some_of_ours_gets_our_manifest_byte_for_byte() {
        let ours = evidence(&[("payload", "one"), ("payload", "two")]);
        let some = evidence(&[("payload", "one")]);
        assert_eq!(merged(Some(&some), &ours).unwrap().manifest, ours.bytes);
    }

    #[test]
    fn layers_of_others_follow_ours_with_a_configuration_of_all() {
        let ours = evidence(&[("payload", "ours")]);
        // The same bytes under another signature are another layer.
        let theirs = evidence(&[("payload", "theirs")]);
        let both = evidence(&[("payload", "ours"), ("payload", "theirs")]);
        let replacement = merged(Some(&theirs), &ours).unwrap();
        assert_eq!(replacement.manifest, both.bytes);
        let [configuration] = replacement.blobs.as_slice() else {
            panic!("one blob");
        };
        let Manifest::Image(image) = &both.manifest else {
            panic!("an image");
        };
        assert_eq!(sha256(configuration), image.config.digest);
    }

    #[test]
    fn evidence_of_many_writers_at_once_stays_in_a_layout() {
        const WRITERS: usize = 8;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("layout");
        Layout::create(&place).unwrap();
        std::thread::scope(|scope| {
            for number in 0..WRITERS {
                let place = &place;
                scope.spawn(move || {
                    let layout = Layout::open(place).unwrap();
                    let ours = evidence(&[("payload", &number.to_string())]);
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    let tagged = tag_evidence(&layout, &ours, "tag");
                    runtime.unwrap().block_on(tagged).unwrap();
                });
            }
        });
        let layout = Layout::open(&place).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let now = runtime.unwrap().block_on(layout.tag("tag")).unwrap();
        assert_eq!(layers(&now.unwrap()).len(), WRITERS);
    }

    #[test]
    fn a_tag_with_an_index_is_not_replaced() {
        let ours = evidence(&[("payload", "ours")]);
        let index = ImageIndex::default().to_json();
        let index = resolved(index, media_types::OCI_INDEX);
        let error = merge("store", "tag", Some(&index), &ours).err().unwrap();
        assert_eq!(error.code(), "tag-holds-something-else");
    }
}
