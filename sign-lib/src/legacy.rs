//! Layers of `.sig` and `.att` manifests, each with the proof that it verifies with exactly the annotations that it is stored with.

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, Descriptor, KeyMaterial, LegacyAnnotations, Limits, LogEntry, Statement,
    UnixTime, media_types,
};
use countersign_proof::{
    Origin, StorageForm, Subject, TrustMaterial, Unverified, Verified, digest, verify,
};

use crate::error::SignError;
use crate::prepared::{Attachments, Signature, SignerMaterial};

/// Whether a log's entry can be stored in these forms: they carry a promise and no proof, so that an entry of Rekor v2 cannot be.
#[must_use]
pub fn has_promise(entry: &LogEntry) -> bool {
    entry.promise.is_some() && entry.integrated_time.is_some()
}

/// The layer of a `.sig` manifest that holds this signature over `payload`.
#[expect(
    clippy::too_many_arguments,
    reason = "they are those of `Prepared::finish`, which alone calls it"
)]
pub(crate) fn signature_layer(
    payload: &Bytes,
    signature: &Signature,
    material: SignerMaterial,
    attachments: Attachments,
    subject: &Subject,
    trust: &TrustMaterial,
    now: UnixTime,
    limits: &Limits,
) -> Result<Verified, SignError> {
    let (certificate, chain) = match material {
        SignerMaterial::Key(_) => (None, Vec::new()),
        SignerMaterial::Certificate(leaf) => (Some(leaf), Vec::new()),
        SignerMaterial::Chain(chain) => split(chain),
    };
    let annotations = LegacyAnnotations {
        signature: Some(signature.bytes.clone()),
        certificate,
        chain,
        entry: only(attachments.log_entries, "a second log entry")?,
        timestamp: only(attachments.timestamps, "a second timestamp")?,
        predicate_type: None,
    };
    let layer = layer(media_types::SIMPLE_SIGNING, payload, &annotations)?;
    let origin = origin(StorageForm::SignatureTag, &layer);
    let piece = Unverified::simple_signing(payload.clone(), &layer.annotations, origin, limits)
        .map_err(not_verified)?;
    verify(&piece, subject, trust, now).map_err(not_verified)
}

/// The envelope of a proven bundle in the bytes that a layer of an `.att` manifest has: those that cosign has dated in such a layer, in place
/// of the signature inside of them.
///
/// # Errors
/// [`SignError::Statement`] and [`SignError::NotLegacy`] when the proof is not of a bundle with a statement.
pub fn envelope(bundle: &Verified, limits: &Limits) -> Result<Bytes, SignError> {
    match parsed(bundle, limits)?.content {
        BundleContent::Dsse(envelope) => Ok(Bytes::from(envelope.to_json())),
        BundleContent::Message { .. } => Err(MESSAGE),
    }
}

/// The layer of an `.att` manifest with the envelope, the certificate, the log entry and the timestamp of a proven bundle.
///
/// `dated` is a timestamp over the [`envelope`], for readers that want it to be that; it takes the place of the bundle's.
/// `above` are the certificates above the signer's, which the bundle does not hold and readers of this form may want: those that know
/// the root alone.
///
/// # Errors
/// [`SignError::Statement`] when the proof is not of a bundle with a statement, [`SignError::NotLegacy`] for what has no place there, and
/// [`SignError::NotVerified`].
pub fn attestation_layer(
    bundle: &Verified,
    above: &[Bytes],
    dated: Option<Bytes>,
    subject: &Subject,
    trust: &TrustMaterial,
    now: UnixTime,
    limits: &Limits,
) -> Result<Verified, SignError> {
    let parsed = parsed(bundle, limits)?;
    let BundleContent::Dsse(envelope) = parsed.content else {
        return Err(MESSAGE);
    };
    let statement =
        Statement::parse(envelope.payload.clone(), limits).map_err(SignError::Statement)?;
    let (certificate, chain) = match parsed.material {
        KeyMaterial::PublicKey { .. } => (None, Vec::new()),
        KeyMaterial::Certificate(leaf) => (Some(leaf), above.to_vec()),
        KeyMaterial::Chain(chain) => split(chain),
    };
    let annotations = LegacyAnnotations {
        signature: None,
        certificate,
        chain,
        entry: only(parsed.log_entries, "a second log entry")?,
        timestamp: match dated {
            Some(dated) => Some(dated),
            None => only(parsed.timestamps, "a second timestamp")?,
        },
        predicate_type: Some(statement.predicate_type),
    };
    let bytes = Bytes::from(envelope.to_json());
    let layer = layer(media_types::DSSE_ENVELOPE, &bytes, &annotations)?;
    let origin = origin(StorageForm::AttestationTag, &layer);
    let piece =
        Unverified::dsse(bytes, &layer.annotations, origin, limits).map_err(not_verified)?;
    verify(&piece, subject, trust, now).map_err(not_verified)
}

const MESSAGE: SignError = SignError::NotLegacy {
    what: "a message signature",
};

fn parsed(bundle: &Verified, limits: &Limits) -> Result<Bundle, SignError> {
    let bytes = bundle.bytes().ok_or(SignError::NotLegacy {
        what: "a bundle whose bytes were not kept",
    })?;
    Bundle::parse(bytes, limits).map_err(SignError::Statement)
}

/// The leaf, and what is above it.
fn split(mut chain: Vec<Bytes>) -> (Option<Bytes>, Vec<Bytes>) {
    if chain.is_empty() {
        return (None, chain);
    }
    let above = chain.split_off(1);
    (chain.pop(), above)
}

fn only<T>(mut several: Vec<T>, what: &'static str) -> Result<Option<T>, SignError> {
    let first = several.pop();
    if several.is_empty() {
        Ok(first)
    } else {
        Err(SignError::NotLegacy { what })
    }
}

fn layer(
    media_type: &str,
    bytes: &Bytes,
    annotations: &LegacyAnnotations,
) -> Result<Descriptor, SignError> {
    let mut layer = Descriptor::new(media_type, digest::sha256(bytes), bytes.len() as u64);
    layer.annotations = annotations.to_map().ok_or(SignError::NotLegacy {
        what: "a log entry without a promise",
    })?;
    Ok(layer)
}

fn origin(form: StorageForm, layer: &Descriptor) -> Origin {
    Origin {
        descriptor: Some(layer.clone()),
        ..Origin::new(form)
    }
}

fn not_verified(rejected: countersign_proof::Rejected) -> SignError {
    SignError::NotVerified(Box::new(rejected))
}
