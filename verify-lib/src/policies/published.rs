//! Policies in a registry or layout: a manifest whose layers are policy documents, pinned by digest and signed.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, ImageManifest, Limits, Manifest, Reference, UnixTime, media_types,
};
use countersign_policy::{Policy, PolicySet, Requirement, SignerRule, Source, Verdict};
use countersign_proof::{TrustedKey, digest};
use countersign_registry::{Settings, Store, StoreError, Target, open};

use super::PolicyLoadError;
use crate::verifier::Verifier;

/// Artifact type of a manifest of policies.
pub const POLICIES_TYPE: &str = "application/vnd.countersign.policies.v1";
/// Media type of one document of policies.
pub const POLICY_DOCUMENT: &str = "application/vnd.countersign.policy.v1+yaml";
/// Annotation: what a document is called.
const TITLE: &str = "org.opencontainers.image.title";
/// Most documents of one published bundle.
const DOCUMENTS: usize = 1_000;
/// Longest name of a document, in bytes.
const NAME_BYTES: usize = 253;

/// Whether a place names published policies and no file: `oci://HOST/REPOSITORY@DIGEST`, `oci:DIR@DIGEST`, `oci-archive:FILE@DIGEST`.
#[must_use]
pub fn is_published(place: &str) -> bool {
    place.starts_with("oci:") || place.starts_with("oci-archive:")
}

/// The reference that such a place names.
///
/// # Errors
///
/// [`PolicyLoadError::Reference`].
pub fn published_reference(place: &str) -> Result<Reference, PolicyLoadError> {
    let text = place.strip_prefix("oci://").unwrap_or(place);
    Reference::parse(text).map_err(|error| PolicyLoadError::Reference {
        place: place.to_owned(),
        detail: error.to_string(),
    })
}

/// Fetches the documents at `place`, which must be pinned by digest, after the one road has found a signature by one of `keys`.
pub(super) async fn fetch(
    place: &str,
    keys: &[TrustedKey],
    settings: &Settings,
    limits: &Limits,
    now: UnixTime,
) -> Result<Vec<Source>, PolicyLoadError> {
    let reference = published_reference(place)?;
    let named = || place.to_owned();
    let Some(pinned) = reference.digest().copied() else {
        // A signature does not say which of the signed policies is the newest: a tag could bring back an older one.
        return Err(PolicyLoadError::WithoutDigest { place: named() });
    };
    if keys.is_empty() {
        return Err(PolicyLoadError::WithoutKey { place: named() });
    }
    signed(place, &reference, keys, settings, limits, now).await?;
    let failed = |error| PolicyLoadError::Store {
        place: named(),
        error,
    };
    let store = open(&reference, settings).map_err(failed)?;
    let deadline = settings.deadline;
    tokio::time::timeout(deadline, documents(place, store.as_ref(), pinned, limits))
        .await
        .map_err(|_| PolicyLoadError::Deadline {
            place: named(),
            seconds: deadline.as_secs_f32(),
        })?
}

/// Judges the signature of the manifest.
async fn signed(
    place: &str,
    reference: &Reference,
    keys: &[TrustedKey],
    settings: &Settings,
    limits: &Limits,
    now: UnixTime,
) -> Result<(), PolicyLoadError> {
    let publisher = "publisher".to_owned();
    let rule = SignerRule::Key {
        keys: keys.iter().cloned().map(Into::into).collect(),
    };
    let policy = Policy::new(
        "published-policies",
        BTreeMap::from([(publisher.clone(), rule)]),
        Requirement::signature(vec![publisher], BTreeMap::new()),
    );
    let unverified = |error| PolicyLoadError::Unverified {
        place: place.to_owned(),
        error,
    };
    let verifier = Verifier::builder()
        .policy(PolicySet::from(policy))
        .settings(settings.clone())
        .limits(limits.clone())
        .build()
        .map_err(unverified)?;
    let decision = verifier
        .verify(reference, now)
        .await
        .map_err(unverified)?
        .decision;
    let detail = match &decision.verdict {
        Verdict::Pass => return Ok(()),
        Verdict::Fail(reasons) => reasons.first().map(|reason| reason.message.clone()),
        Verdict::Unknown(causes) => causes.first().map(ToString::to_string),
    };
    Err(PolicyLoadError::NotAccepted {
        place: place.to_owned(),
        outcome: decision.outcome(),
        detail: detail.unwrap_or_default(),
    })
}

/// The documents of the manifest `pinned`, in its order.
async fn documents(
    place: &str,
    store: &dyn Store,
    pinned: Digest,
    limits: &Limits,
) -> Result<Vec<Source>, PolicyLoadError> {
    let failed = |error| PolicyLoadError::Store {
        place: place.to_owned(),
        error,
    };
    let other = |detail: String| PolicyLoadError::NotPolicies {
        place: place.to_owned(),
        detail,
    };
    let resolved = store
        .resolve(&Target::Digest(pinned))
        .await
        .map_err(failed)?;
    let Manifest::Image(manifest) = resolved.manifest else {
        return Err(other("it is an index".to_owned()));
    };
    if manifest.artifact_type.as_deref() != Some(POLICIES_TYPE) {
        return Err(other(format!("its artifact type is not `{POLICIES_TYPE}`")));
    }
    if manifest.layers.is_empty() || manifest.layers.len() > DOCUMENTS {
        let number = manifest.layers.len();
        return Err(other(format!(
            "it has {number} documents, and may have 1 to {DOCUMENTS}"
        )));
    }
    let total = manifest
        .layers
        .iter()
        .fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    if total > limits.policy_bytes {
        let limit = limits.policy_bytes;
        return Err(PolicyLoadError::OverLimit {
            path: place.into(),
            limit,
        });
    }
    let mut sources = Vec::new();
    for layer in &manifest.layers {
        if layer.media_type != POLICY_DOCUMENT {
            return Err(other(format!("a layer of it is no `{POLICY_DOCUMENT}`")));
        }
        let bytes = store
            .blob(layer, limits.policy_bytes)
            .await
            .map_err(failed)?;
        sources.push(Source {
            name: format!("{place}#{}", title(layer)),
            bytes,
        });
    }
    Ok(sources)
}

/// What the document is called, in characters that cannot be taken for anything else.
fn title(layer: &Descriptor) -> String {
    let title = layer.annotations.get(TITLE).filter(|title| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !title.is_empty() && title.len() <= NAME_BYTES && title.bytes().all(plain)
    });
    title.cloned().unwrap_or_else(|| layer.digest.to_string())
}

/// Stores documents, each with its name, as one manifest under its digest and, when given, a tag. The same documents give the same
/// digest. They are policies that hold their keys, which is for the caller to have parsed.
///
/// # Errors
///
/// What the store says.
pub async fn publish_policies(
    store: &dyn Store,
    documents: &[(String, Bytes)],
    tag: Option<&str>,
) -> Result<Descriptor, StoreError> {
    let empty = Bytes::from_static(media_types::EMPTY_JSON);
    let config = Descriptor::new(
        media_types::OCI_EMPTY,
        digest::sha256(&empty),
        empty.len() as u64,
    );
    store.push_blob(empty, &config.digest).await?;
    let mut layers = Vec::new();
    for (name, bytes) in documents {
        let digest = digest::sha256(bytes);
        let mut layer = Descriptor::new(POLICY_DOCUMENT, digest, bytes.len() as u64);
        layer.annotations.insert(TITLE.to_owned(), name.clone());
        store.push_blob(bytes.clone(), &digest).await?;
        layers.push(layer);
    }
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some(POLICIES_TYPE.to_owned()),
        config,
        layers,
        subject: None,
        annotations: BTreeMap::new(),
    };
    let bytes = Bytes::from(manifest.to_json());
    let pushed = store
        .push_manifest(bytes, media_types::OCI_MANIFEST, tag)
        .await?;
    Ok(pushed.descriptor)
}
