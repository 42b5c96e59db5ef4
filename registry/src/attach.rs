//! Putting something beside an image that nobody proved: what others made is stored byte for byte, and whoever reads it judges it.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{Descriptor, media_types};
use countersign_proof::digest;

use crate::error::StoreError;
use crate::publish::{empty_config, manifest};
use crate::store::{Pushed, Store};

/// Something to store beside an image.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its type: what the referrer's manifest and its layer are called.
    pub artifact_type: String,
    /// Its bytes, the one layer.
    pub bytes: Bytes,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// Stores an attachment as a referrer of `image`, unproven.
///
/// # Errors
/// Whatever the store answers.
pub async fn attach(
    store: &dyn Store,
    image: &Descriptor,
    attachment: &Attachment,
) -> Result<Pushed, StoreError> {
    let mut config = empty_config();
    config.artifact_type = None;
    if !store.has_blob(&config.digest).await? {
        store
            .push_blob(Bytes::from_static(media_types::EMPTY_JSON), &config.digest)
            .await?;
    }
    let layer = Descriptor::new(
        attachment.artifact_type.clone(),
        digest::sha256(&attachment.bytes),
        attachment.bytes.len() as u64,
    );
    store
        .push_blob(attachment.bytes.clone(), &layer.digest)
        .await?;
    let mut manifest = manifest(image, config, layer, attachment.annotations.clone());
    manifest.artifact_type = Some(attachment.artifact_type.clone());
    store
        .push_manifest(manifest.to_json().into(), media_types::OCI_MANIFEST, None)
        .await
}
