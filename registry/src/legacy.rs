//! Putting a signature or an attestation under the tags that cosign 2, podman, CRI-O and policy-controller read.

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Manifest, media_types};
use countersign_proof::{StorageForm, Verified, digest};
use serde_json::json;

use crate::error::{Fault, StoreError};
use crate::referrer::fallback_tag;
use crate::store::{Replacement, Resolved, Store};

/// Configuration of a Docker image.
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The time that says nothing, as go-containerregistry writes it: the same layers make the same manifest.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// What was stored.
#[derive(Debug, Clone)]
pub struct PublishedLegacy {
    /// The tag.
    pub tag: String,
    /// The manifest under it, with everybody's layers.
    pub manifest: Descriptor,
    /// Our layer.
    pub layer: Descriptor,
    /// Layers that the manifest has now.
    pub layers: usize,
}

/// Appends a proven layer to the manifest under `sha256-<hex>.sig` or `.att`; it takes a proof, so that nothing is published that does
/// not verify, and what others put there stays.
///
/// # Errors
/// Whatever the store answers; [`StoreError::Unsupported`] when the proof is about another image or of another form, and
/// [`Fault::TagHolds`] when the tag holds something that is no signatures.
pub async fn publish_legacy(
    store: &dyn Store,
    image: &Descriptor,
    verified: &Verified,
) -> Result<PublishedLegacy, StoreError> {
    let unsupported = |detail: String| StoreError::Unsupported {
        store: store.name(),
        detail,
    };
    if *verified.subject() != image.digest {
        return Err(unsupported(format!(
            "the layer is about `{}`, not about `{}`",
            verified.subject(),
            image.digest
        )));
    }
    let origin = verified.origin();
    let (suffix, media_type) = match origin.form {
        StorageForm::SignatureTag => (".sig", media_types::SIMPLE_SIGNING),
        StorageForm::AttestationTag => (".att", media_types::DSSE_ENVELOPE),
        form => return Err(unsupported(format!("a {form} is not stored under a tag"))),
    };
    // The annotations that it was proven with.
    let layer = origin
        .descriptor
        .clone()
        .filter(|layer| layer.media_type == media_type && layer.digest == verified.digest())
        .ok_or_else(|| unsupported("the proof does not know its layer".to_owned()))?;
    let tag = format!("{}{suffix}", fallback_tag(&image.digest));
    let name = store.name();
    let payload = crate::publish::arrived(store, verified)?;
    let change = |current: Option<&Resolved>| append(&name, &tag, current, &layer, &payload);
    let resolved = store.update_tag(&tag, &change).await?;
    let layers = match &resolved.manifest {
        Manifest::Image(manifest) => manifest.layers.len(),
        Manifest::Index(_) => 0,
    };
    Ok(PublishedLegacy {
        tag,
        manifest: resolved.descriptor,
        layer,
        layers,
    })
}

/// The manifest with one more layer; `None` when the layer is there.
fn append(
    store: &str,
    tag: &str,
    current: Option<&Resolved>,
    layer: &Descriptor,
    payload: &Bytes,
) -> Result<Option<Replacement>, StoreError> {
    let occupied = |found: &'static str| {
        StoreError::untrusted(
            store,
            Fault::TagHolds {
                tag: tag.to_owned(),
                found,
            },
        )
    };
    let mut manifest = match current.map(|resolved| &resolved.manifest) {
        None => empty(),
        Some(Manifest::Index(_)) => return Err(occupied("an index")),
        Some(Manifest::Image(manifest)) => {
            // Whoever finds an image under this tag would run it with our layer on top.
            if manifest
                .layers
                .iter()
                .any(|other| other.media_type != layer.media_type)
            {
                return Err(occupied("an image with other layers"));
            }
            manifest.clone()
        }
    };
    let same =
        |other: &Descriptor| other.digest == layer.digest && other.annotations == layer.annotations;
    if manifest.layers.iter().any(same) {
        return Ok(None);
    }
    manifest.layers.push(layer.clone());
    let config = config(manifest.layers.iter().map(|layer| layer.digest));
    let media_type = if manifest.media_type == media_types::DOCKER_MANIFEST {
        DOCKER_CONFIG
    } else {
        media_types::OCI_CONFIG
    };
    manifest.config = Descriptor::new(media_type, digest::sha256(&config), config.len() as u64);
    Ok(Some(Replacement {
        blobs: vec![payload.clone(), config],
        media_type: manifest.media_type.clone(),
        manifest: Bytes::from(manifest.to_json()),
    }))
}

fn empty() -> ImageManifest {
    let config = config(std::iter::empty());
    ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: None,
        config: Descriptor::new(
            media_types::OCI_CONFIG,
            digest::sha256(&config),
            config.len() as u64,
        ),
        layers: Vec::new(),
        subject: None,
        annotations: Default::default(),
    }
}

/// The configuration of an image with these layers and nothing to run: some registries take no manifest with another.
pub(crate) fn config(layers: impl Iterator<Item = Digest>) -> Bytes {
    let layers: Vec<String> = layers.map(|digest| digest.to_string()).collect();
    let history: Vec<_> = layers
        .iter()
        .map(|_| json!({ "created": NO_TIME }))
        .collect();
    let config = json!({
        "architecture": "",
        "created": NO_TIME,
        "history": history,
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": layers },
        "config": {},
    });
    Bytes::from(config.to_string())
}
