//! The two steps of signing: what is to be signed, and the proven bundle that the signature becomes part of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, Digest, Envelope, EnvelopeSignature, HashAlgorithm,
    KeyMaterial, Limits, LogEntry, PublicKey, SimpleSigning, Statement, media_types, pae_prefix,
};
use countersign_proof::digest::Hasher;
use countersign_proof::{
    Content, Image, KeyId, Origin, Scheme, StorageForm, Subject, TrustMaterial, Unverified,
    Verified, verify,
};

use crate::error::{KeyError, SignError};
use crate::legacy;

/// Something ready to be signed: a statement in a DSSE envelope, or a file.
#[derive(Clone, Debug)]
pub struct Prepared {
    content: PreparedContent,
    subject: Subject,
}

#[derive(Clone, Debug)]
enum PreparedContent {
    Statement(Bytes),
    /// A simple-signing payload, whose signature is over its bytes as they are.
    SimpleSigning(Bytes),
    Message(Arc<dyn Content>),
}

/// The bytes that a signer signs, and their digest where the scheme signs one.
pub struct ToSign {
    scheme: Scheme,
    message: Message,
    digest: Option<Digest>,
}

enum Message {
    /// The pre-authentication encoding of an envelope: its prefix and its payload.
    Envelope {
        prefix: Vec<u8>,
        payload: Bytes,
    },
    Content(Bytes),
    DigestOnly,
}

/// Who is named as the signer in the bundle.
#[derive(Clone, Debug)]
pub enum SignerMaterial {
    /// A key, named by its hint.
    Key(PublicKey),
    /// A certificate, DER.
    Certificate(Bytes),
    /// A chain, DER, leaf first; only for an own certificate authority.
    Chain(Vec<Bytes>),
}

/// Log entries and timestamps that services made for the signature.
#[derive(Clone, Debug, Default)]
pub struct Attachments {
    /// Transparency log entries.
    pub log_entries: Vec<LogEntry>,
    /// RFC 3161 responses, DER.
    pub timestamps: Vec<Bytes>,
}

/// A bundle together with the proof that it verifies.
#[derive(Debug)]
pub struct Signed {
    /// The bundle, version 0.3 JSON; of a simple-signing payload the payload itself, whose annotations are those of the descriptor in
    /// [`Verified::origin`].
    pub bundle: Bytes,
    /// What was proven about exactly these bytes.
    pub verified: Verified,
}

impl Prepared {
    /// Prepares an in-toto statement about `subject`; the payload is signed byte for byte.
    ///
    /// # Errors
    /// [`SignError::StatementTooLarge`] when no bundle can hold it: told before anything is signed or logged. [`SignError::Statement`] when
    /// the payload is not a statement. Whether it names the subject is proven at the end.
    pub fn statement(payload: Bytes, subject: Subject, limits: &Limits) -> Result<Self, SignError> {
        let found = payload.len() as u64;
        let encoded = found.div_ceil(3).saturating_mul(4);
        if encoded > limits.bundle_bytes {
            return Err(SignError::StatementTooLarge {
                found,
                encoded,
                limit: limits.bundle_bytes,
            });
        }
        Statement::parse(payload.clone(), limits).map_err(SignError::Statement)?;
        Ok(Self {
            content: PreparedContent::Statement(payload),
            subject,
        })
    }

    /// Prepares a message signature over a file.
    #[must_use]
    pub fn message(content: Arc<dyn Content>) -> Self {
        Self {
            subject: Subject::Blob(Arc::clone(&content)),
            content: PreparedContent::Message(content),
        }
    }

    /// Prepares the payload of a layer of a `.sig` manifest about `image`, which is named as `docker_reference` (`ghcr.io/acme/app`).
    ///
    /// # Errors
    /// [`SignError::Statement`] when an annotation is beyond the limits of a payload.
    pub fn simple_signing(
        image: Digest,
        docker_reference: &str,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, SignError> {
        let payload = SimpleSigning {
            docker_reference: docker_reference.to_owned(),
            digest: image,
            optional: annotations.clone(),
        };
        let payload = Bytes::from(payload.to_json());
        SimpleSigning::parse(&payload).map_err(SignError::Statement)?;
        Ok(Self {
            content: PreparedContent::SimpleSigning(payload),
            subject: Subject::Image(Image::pinned(image)),
        })
    }

    /// What to sign under `scheme`.
    ///
    /// # Errors
    /// [`SignError::DigestUnknown`] or [`SignError::Content`] when the file cannot give what the scheme needs.
    pub fn to_sign(&self, scheme: Scheme, limits: &Limits) -> Result<ToSign, SignError> {
        match &self.content {
            PreparedContent::Statement(payload) => {
                let prefix = pae_prefix(media_types::IN_TOTO_PAYLOAD, payload.len());
                let digest = signed_hash(scheme).map(|algorithm| {
                    let mut hasher = Hasher::new(algorithm);
                    hasher.update(&prefix);
                    hasher.update(payload);
                    hasher.finish()
                });
                Ok(ToSign {
                    scheme,
                    message: Message::Envelope {
                        prefix,
                        payload: payload.clone(),
                    },
                    digest,
                })
            }
            PreparedContent::SimpleSigning(payload) => {
                let digest = signed_hash(scheme).map(|algorithm| {
                    let mut hasher = Hasher::new(algorithm);
                    hasher.update(payload);
                    hasher.finish()
                });
                Ok(ToSign {
                    scheme,
                    message: Message::Content(payload.clone()),
                    digest,
                })
            }
            PreparedContent::Message(content) => match signed_hash(scheme) {
                // A pre-hashed Ed25519 signature is made by a library that wants the message itself.
                Some(algorithm) if scheme != Scheme::Ed25519ph => {
                    let digest = content_digest(content.as_ref(), algorithm)?;
                    Ok(ToSign {
                        scheme,
                        message: Message::DigestOnly,
                        digest: Some(digest),
                    })
                }
                algorithm => {
                    let bytes =
                        content
                            .bytes(limits.bundle_bytes)
                            .map_err(|error| SignError::Content {
                                detail: error.to_string(),
                            })?;
                    let digest = algorithm.map(|algorithm| {
                        let mut hasher = Hasher::new(algorithm);
                        hasher.update(&bytes);
                        hasher.finish()
                    });
                    Ok(ToSign {
                        scheme,
                        message: Message::Content(bytes),
                        digest,
                    })
                }
            },
        }
    }

    /// Whether it is a statement, which is signed in an envelope.
    #[must_use]
    pub fn is_statement(&self) -> bool {
        matches!(self.content, PreparedContent::Statement(_))
    }

    /// Whether it becomes a layer of a `.sig` manifest, and not a bundle.
    #[must_use]
    pub fn is_simple_signing(&self) -> bool {
        matches!(self.content, PreparedContent::SimpleSigning(_))
    }

    /// The envelope that the signature becomes part of; `None` for a message signature.
    #[must_use]
    pub fn envelope(&self, signature: &Signature) -> Option<Envelope> {
        match &self.content {
            PreparedContent::Statement(payload) => Some(sealed(payload, signature)),
            PreparedContent::Message(_) | PreparedContent::SimpleSigning(_) => None,
        }
    }

    /// Builds the bundle and verifies it under `trust` at `now`.
    ///
    /// # Errors
    /// [`SignError::NotVerified`] when the signature, the material or an attachment does not hold.
    pub fn finish(
        self,
        signature: &Signature,
        material: SignerMaterial,
        attachments: Attachments,
        trust: &TrustMaterial,
        now: countersign_formats::UnixTime,
        limits: &Limits,
    ) -> Result<Signed, SignError> {
        self.finish_so_far(signature, material, attachments, trust, now, limits)
    }

    /// Verifies a bundle that an earlier run made of the same statement: exactly these bytes, under `trust` at `now`.
    ///
    /// # Errors
    /// [`SignError::OtherContent`] when the bundle holds something else than what is prepared, [`SignError::NotVerified`].
    pub fn reopen(
        &self,
        bundle: Bytes,
        trust: &TrustMaterial,
        now: countersign_formats::UnixTime,
        limits: &Limits,
    ) -> Result<Signed, SignError> {
        let not_verified = |rejected| SignError::NotVerified(Box::new(rejected));
        let held = Bundle::parse(&bundle, limits).map_err(SignError::Bundle)?;
        let same = match (&self.content, &held.content) {
            (PreparedContent::Statement(payload), BundleContent::Dsse(envelope)) => {
                envelope.payload == payload
            }
            _ => false,
        };
        if !same {
            return Err(SignError::OtherContent);
        }
        let origin = Origin::new(StorageForm::BundleFile);
        let piece = Unverified::bundle(bundle.clone(), origin, limits).map_err(not_verified)?;
        let verified = verify(&piece, &self.subject, trust, now).map_err(not_verified)?;
        Ok(Signed { bundle, verified })
    }

    /// As [`Prepared::finish`], and what is prepared stays at hand: what has been attached so far can be proven before the
    /// signature is entered into a log, which cannot be taken back.
    ///
    /// # Errors
    /// As [`Prepared::finish`].
    pub fn finish_so_far(
        &self,
        signature: &Signature,
        material: SignerMaterial,
        attachments: Attachments,
        trust: &TrustMaterial,
        now: countersign_formats::UnixTime,
        limits: &Limits,
    ) -> Result<Signed, SignError> {
        let content = match &self.content {
            PreparedContent::SimpleSigning(payload) => {
                let verified = legacy::signature_layer(
                    payload,
                    signature,
                    material,
                    attachments,
                    &self.subject,
                    trust,
                    now,
                    limits,
                )?;
                return Ok(Signed {
                    bundle: payload.clone(),
                    verified,
                });
            }
            PreparedContent::Statement(payload) => BundleContent::Dsse(sealed(payload, signature)),
            PreparedContent::Message(content) => BundleContent::Message {
                digest: message_digest(content.as_ref(), signature.scheme)?,
                signature: signature.bytes.clone(),
            },
        };
        let bundle = Bundle {
            version: BundleVersion::V0_3,
            material: match material {
                SignerMaterial::Key(key) => KeyMaterial::PublicKey {
                    hint: KeyId::of(&key).hint(),
                },
                SignerMaterial::Certificate(certificate) => KeyMaterial::Certificate(certificate),
                SignerMaterial::Chain(chain) => KeyMaterial::Chain(chain),
            },
            log_entries: attachments.log_entries,
            timestamps: attachments.timestamps,
            content,
        };
        let bundle = Bytes::from(bundle.to_json());
        let origin = Origin::new(StorageForm::BundleFile);
        let not_verified = |rejected| SignError::NotVerified(Box::new(rejected));
        let piece = Unverified::bundle(bundle.clone(), origin, limits).map_err(not_verified)?;
        let verified = verify(&piece, &self.subject, trust, now).map_err(not_verified)?;
        Ok(Signed { bundle, verified })
    }
}

/// A signature and the scheme it was made with.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The scheme.
    pub scheme: Scheme,
    /// The signature: ASN.1 DER for ECDSA, raw otherwise.
    pub bytes: Bytes,
}

impl ToSign {
    /// The scheme that the signature must be made with.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The digest that the scheme signs; `None` for pure Ed25519.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The message whole, for signers that hash themselves; `None` when only its digest is known.
    #[must_use]
    pub fn message(&self) -> Option<Vec<u8>> {
        match &self.message {
            Message::Envelope { prefix, payload } => {
                let mut message = Vec::with_capacity(prefix.len() + payload.len());
                message.extend_from_slice(prefix);
                message.extend_from_slice(payload);
                Some(message)
            }
            Message::Content(bytes) => Some(bytes.to_vec()),
            Message::DigestOnly => None,
        }
    }

    pub(crate) fn content_required(&self) -> KeyError {
        KeyError::ContentRequired {
            scheme: self.scheme,
        }
    }
}

impl fmt::Debug for ToSign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ToSign")
            .field("scheme", &self.scheme)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

fn sealed(payload: &Bytes, signature: &Signature) -> Envelope {
    Envelope {
        payload_type: media_types::IN_TOTO_PAYLOAD.to_owned(),
        payload: payload.clone(),
        signatures: vec![EnvelopeSignature {
            keyid: None,
            signature: signature.bytes.clone(),
        }],
    }
}

/// The hash that a scheme signs; `None` for pure Ed25519, which signs the message itself.
fn signed_hash(scheme: Scheme) -> Option<HashAlgorithm> {
    scheme.hash()
}

fn content_digest(content: &dyn Content, algorithm: HashAlgorithm) -> Result<Digest, SignError> {
    content
        .digest(algorithm)
        .ok_or_else(|| SignError::DigestUnknown {
            algorithm: algorithm.name(),
        })
}

/// `messageDigest`: the digest that was signed. Pure Ed25519 signs none; cosign leaves the field empty there and then cannot
/// verify its own bundle, with the file's SHA-256 digest it can.
fn message_digest(
    content: &dyn Content,
    scheme: Scheme,
) -> Result<Option<(String, Bytes)>, SignError> {
    let algorithm = signed_hash(scheme).unwrap_or(HashAlgorithm::Sha256);
    let name = match algorithm {
        HashAlgorithm::Sha256 => "SHA2_256",
        HashAlgorithm::Sha384 => "SHA2_384",
        HashAlgorithm::Sha512 => "SHA2_512",
    };
    let digest = content_digest(content, algorithm)?;
    Ok(Some((
        name.to_owned(),
        Bytes::copy_from_slice(digest.as_bytes()),
    )))
}
