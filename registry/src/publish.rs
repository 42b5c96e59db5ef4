//! Putting a bundle beside its image, as cosign 3 stores it.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{Descriptor, ImageManifest, UnixTime, media_types};
use countersign_proof::{Claim, StorageForm, Verified, digest};

use crate::error::StoreError;
use crate::store::{ListedVia, Store};

/// What was stored.
#[derive(Debug, Clone)]
pub struct Published {
    /// The referrer manifest.
    pub manifest: Descriptor,
    /// The bundle.
    pub bundle: Descriptor,
    /// How readers find the manifest.
    pub via: Option<ListedVia>,
}

/// Stores a proven bundle as a referrer of `image`; it takes a proof, so that nothing is published that does not verify.
///
/// The image must be there: `image` is what resolving it gave. Blobs go before the manifest, which some registries demand.
///
/// # Errors
/// Whatever the store answers; [`StoreError::Unsupported`] when the proof is about another digest or not from a bundle.
pub async fn publish(
    store: &dyn Store,
    image: &Descriptor,
    verified: &Verified,
    created: UnixTime,
) -> Result<Published, StoreError> {
    if *verified.subject() != image.digest {
        let detail = format!(
            "the bundle is about `{}`, not about `{}`",
            verified.subject(),
            image.digest
        );
        return Err(StoreError::Unsupported {
            store: store.name(),
            detail,
        });
    }
    let bytes = arrived(store, verified)?;
    let content = content(store, verified)?;
    let bundle = Descriptor::new(
        media_types::BUNDLE_V03,
        digest::sha256(&bytes),
        bytes.len() as u64,
    );
    let config = empty_config();
    if !store.has_blob(&config.digest).await? {
        store
            .push_blob(Bytes::from_static(media_types::EMPTY_JSON), &config.digest)
            .await?;
    }
    store.push_blob(bytes, &bundle.digest).await?;
    let manifest = manifest(
        image,
        config,
        bundle.clone(),
        annotations(verified, content, created),
    );
    let pushed = store
        .push_manifest(manifest.to_json().into(), media_types::OCI_MANIFEST, None)
        .await?;
    Ok(Published {
        manifest: pushed.descriptor,
        bundle,
        via: pushed.via,
    })
}

/// The bytes that were proven.
///
/// # Errors
/// [`StoreError::Unsupported`] when they were let go.
pub(crate) fn arrived(store: &dyn Store, verified: &Verified) -> Result<Bytes, StoreError> {
    verified
        .bytes()
        .cloned()
        .ok_or_else(|| StoreError::Unsupported {
            store: store.name(),
            detail: "the bytes that were proven were not kept with the proof".to_owned(),
        })
}

/// What the bundle holds; other storage forms are no bundles, whatever their claim.
fn content(store: &dyn Store, verified: &Verified) -> Result<&'static str, StoreError> {
    let form = verified.origin().form;
    match (form, verified.claim()) {
        (StorageForm::BundleFile | StorageForm::BundleReferrer, Claim::Statement(_)) => {
            Ok("dsse-envelope")
        }
        (StorageForm::BundleFile | StorageForm::BundleReferrer, Claim::Message { .. }) => {
            Ok("message-signature")
        }
        _ => Err(StoreError::Unsupported {
            store: store.name(),
            detail: format!("a {form} is not a bundle and is not published as a referrer"),
        }),
    }
}

fn annotations(verified: &Verified, content: &str, created: UnixTime) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    annotations.insert(
        media_types::ANNOTATION_CREATED.to_owned(),
        created.to_string(),
    );
    annotations.insert(
        media_types::ANNOTATION_BUNDLE_CONTENT.to_owned(),
        content.to_owned(),
    );
    if let Some(predicate_type) = verified.claim().predicate_type() {
        annotations.insert(
            media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE.to_owned(),
            predicate_type.to_owned(),
        );
    }
    annotations
}

pub(crate) fn empty_config() -> Descriptor {
    let mut config = Descriptor::new(
        media_types::OCI_EMPTY,
        digest::sha256(media_types::EMPTY_JSON),
        media_types::EMPTY_JSON.len() as u64,
    );
    // Inside the config descriptor: cosign's `clean` looks for it there.
    config.artifact_type = Some(media_types::BUNDLE_V03.to_owned());
    config
}

pub(crate) fn manifest(
    image: &Descriptor,
    config: Descriptor,
    bundle: Descriptor,
    annotations: BTreeMap<String, String>,
) -> ImageManifest {
    ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some(media_types::BUNDLE_V03.to_owned()),
        config,
        layers: vec![bundle],
        // Of the image's descriptor only what names it: an entry of an index may carry a platform or annotations.
        subject: Some(Descriptor::new(
            image.media_type.clone(),
            image.digest,
            image.size,
        )),
        annotations,
    }
}
