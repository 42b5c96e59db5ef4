//! What is entered into a log: a signature, what it is over, and what verifies it.

use bytes::Bytes;
use countersign_formats::{Digest, Envelope, KeyKind, PublicKey, Verifier, pae_prefix};
use countersign_proof::Scheme;
use countersign_proof::digest::Hasher;

use crate::error::ServiceError;

/// A signature to be entered.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// What was signed, and the signature.
    pub content: LoggedContent<'a>,
    /// The key that signed.
    pub key: &'a PublicKey,
    /// The scheme that it signed with.
    pub scheme: Scheme,
    /// The certificate of the key, DER; without one the key itself is entered.
    pub certificate: Option<&'a Bytes>,
}

/// What was signed, and the signature.
#[derive(Clone, Copy, Debug)]
pub enum LoggedContent<'a> {
    /// A file.
    Message {
        /// Digest of the file by the scheme's hash.
        digest: Digest,
        /// The signature.
        signature: &'a [u8],
    },
    /// An envelope with one signature.
    Envelope(&'a Envelope),
}

impl Submission<'_> {
    /// What the log is to verify the signature with.
    pub(super) fn verifier(&self) -> Verifier {
        match self.certificate {
            Some(certificate) => Verifier::Certificate(certificate.clone()),
            None => Verifier::PublicKey(Bytes::copy_from_slice(self.key.spki())),
        }
    }

    /// The digest of what was signed, and the signature.
    pub(super) fn hashed(&self) -> Result<(Digest, &[u8]), ServiceError> {
        let algorithm = self.scheme.hash().ok_or_else(|| {
            ServiceError::configuration(
                "the log takes signatures over a hash only: an Ed25519 key must sign with `ed25519ph`",
            )
        })?;
        let hashed = match self.content {
            LoggedContent::Message { digest, signature } => {
                if digest.algorithm() != algorithm {
                    return Err(ServiceError::configuration(format!(
                        "the digest to be entered is {}, and `{}` signs {}",
                        digest.algorithm().name(),
                        self.scheme,
                        algorithm.name()
                    )));
                }
                (digest, signature)
            }
            LoggedContent::Envelope(envelope) => {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&pae_prefix(&envelope.payload_type, envelope.payload.len()));
                hasher.update(&envelope.payload);
                (hasher.finish(), only_signature(envelope)?)
            }
        };
        Ok(hashed)
    }

    /// The protobuf name of the key and the scheme.
    pub(super) fn key_details(&self) -> Result<&'static str, ServiceError> {
        Ok(match (self.scheme, self.key.kind()) {
            (Scheme::EcdsaP256Sha256, _) => "PKIX_ECDSA_P256_SHA_256",
            (Scheme::EcdsaP384Sha384, _) => "PKIX_ECDSA_P384_SHA_384",
            (Scheme::EcdsaP384Sha256, _) => "PKIX_ECDSA_P384_SHA_256",
            (Scheme::EcdsaP521Sha512, _) => "PKIX_ECDSA_P521_SHA_512",
            (Scheme::Ed25519, _) => "PKIX_ED25519",
            (Scheme::Ed25519ph, _) => "PKIX_ED25519_PH",
            (Scheme::RsaPkcs1Sha256, KeyKind::Rsa { bits: 2048 }) => {
                "PKIX_RSA_PKCS1V15_2048_SHA256"
            }
            (Scheme::RsaPkcs1Sha256, KeyKind::Rsa { bits: 3072 }) => {
                "PKIX_RSA_PKCS1V15_3072_SHA256"
            }
            (Scheme::RsaPkcs1Sha256, KeyKind::Rsa { bits: 4096 }) => {
                "PKIX_RSA_PKCS1V15_4096_SHA256"
            }
            (Scheme::RsaPssSha256, KeyKind::Rsa { bits: 2048 }) => "PKIX_RSA_PSS_2048_SHA256",
            (Scheme::RsaPssSha256, KeyKind::Rsa { bits: 3072 }) => "PKIX_RSA_PSS_3072_SHA256",
            (Scheme::RsaPssSha256, KeyKind::Rsa { bits: 4096 }) => "PKIX_RSA_PSS_4096_SHA256",
            (scheme, _) => {
                return Err(ServiceError::configuration(format!(
                    "logs have no name for a key of this size that signs with `{scheme}`"
                )));
            }
        })
    }
}

/// The one signature of an envelope; an entry is about one.
pub(super) fn only_signature(envelope: &Envelope) -> Result<&[u8], ServiceError> {
    match envelope.signatures.as_slice() {
        [only] => Ok(&only.signature),
        others => Err(ServiceError::configuration(format!(
            "an envelope is entered into a log with one signature, and it has {}",
            others.len()
        ))),
    }
}
