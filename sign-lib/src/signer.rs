//! Both steps at once, with a signer that answers immediately: a key in memory, or a device or service behind a trait.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, PublicKey, UnixTime, Window};
use countersign_proof::{Content, Image, Scheme, Subject, TrustMaterial, TrustedKey};

use crate::error::SignError;
use crate::prepared::{Attachments, Prepared, Signature, Signed, SignerMaterial, ToSign};
use crate::private_key::PrivateKey;
use crate::scheme::default_scheme;
use crate::statement::{attestation_statement, image_statement};

/// Whoever holds a private key: memory, a smart card, a key service.
pub trait Signer {
    /// The public half of the key that signs.
    fn public_key(&self) -> &PublicKey;

    /// Makes one signature: ASN.1 DER for ECDSA, raw bytes otherwise.
    ///
    /// # Errors
    /// [`SignError::Remote`] from a signer elsewhere, [`SignError::Key`] from one here.
    fn sign(&self, to_sign: &ToSign) -> Result<Vec<u8>, SignError>;

    /// The scheme that this signer uses unless told otherwise.
    fn default_scheme(&self) -> Scheme {
        default_scheme(self.public_key().kind())
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        PrivateKey::public_key(self)
    }

    fn sign(&self, to_sign: &ToSign) -> Result<Vec<u8>, SignError> {
        let scheme = to_sign.scheme();
        match to_sign.digest() {
            Some(digest) if scheme != Scheme::Ed25519ph => Ok(self.sign_digest(scheme, digest)?),
            _ => {
                let message = to_sign
                    .message()
                    .ok_or_else(|| to_sign.content_required())?;
                Ok(PrivateKey::sign(self, scheme, &message)?)
            }
        }
    }
}

/// Signs what was prepared with a key alone: no certificate, no service, nothing published.
///
/// # Errors
/// Any [`SignError`]; [`SignError::NotVerified`] when the signer signed something else.
pub fn sign(
    signer: &dyn Signer,
    prepared: Prepared,
    scheme: Option<Scheme>,
    now: UnixTime,
    limits: &Limits,
) -> Result<Signed, SignError> {
    let scheme = scheme.unwrap_or_else(|| signer.default_scheme());
    let to_sign = prepared.to_sign(scheme, limits)?;
    let signature = Signature {
        scheme,
        bytes: Bytes::from(signer.sign(&to_sign)?),
    };
    let key = signer.public_key().clone();
    let trust = TrustMaterial::keys_only(vec![TrustedKey {
        key: key.clone(),
        valid: Window::ALWAYS,
        schemes: Some(vec![scheme]),
    }])
    .map_err(SignError::Trust)?;
    prepared.finish(
        &signature,
        SignerMaterial::Key(key),
        Attachments::default(),
        &trust,
        now,
        limits,
    )
}

/// Signs an image by its digest, as `cosign sign --key` does.
///
/// # Errors
/// Any [`SignError`].
pub fn sign_image(
    signer: &dyn Signer,
    digest: Digest,
    annotations: &BTreeMap<String, String>,
    now: UnixTime,
    limits: &Limits,
) -> Result<Signed, SignError> {
    let statement = image_statement(&digest, annotations)?;
    let subject = Subject::Image(Image::pinned(digest));
    sign(
        signer,
        Prepared::statement(statement, subject, limits)?,
        None,
        now,
        limits,
    )
}

/// Signs a predicate about an image, as `cosign attest --key` does; `name` is the repository (`ghcr.io/acme/app`).
///
/// # Errors
/// Any [`SignError`].
pub fn attest(
    signer: &dyn Signer,
    name: &str,
    digest: Digest,
    predicate_type: &str,
    predicate: &[u8],
    now: UnixTime,
    limits: &Limits,
) -> Result<Signed, SignError> {
    let statement = attestation_statement(&[(name, digest)], predicate_type, predicate)?;
    let subject = Subject::Image(Image::pinned(digest));
    sign(
        signer,
        Prepared::statement(statement, subject, limits)?,
        None,
        now,
        limits,
    )
}

/// Signs a file, as `cosign sign-blob --key` does.
///
/// # Errors
/// Any [`SignError`].
pub fn sign_blob(
    signer: &dyn Signer,
    content: Arc<dyn Content>,
    now: UnixTime,
    limits: &Limits,
) -> Result<Signed, SignError> {
    sign(signer, Prepared::message(content), None, now, limits)
}
