//! What a signature is over, hashed once per algorithm and never copied where a hash is enough.

use crate::crypto::{Algorithm, HashContext, Over, VerifyingKey};
use crate::digest;
use crate::key::Scheme;
use crate::reject_reason::{Checked, RejectReason};
use crate::subject::Subject;
use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm, KeyKind, pae_prefix};
use std::cell::OnceCell;

/// The bytes that a signature is over.
#[derive(Debug)]
pub(crate) struct SignedMessage<'a> {
    parts: Parts<'a>,
    /// SHA-256, SHA-384, SHA-512.
    hashes: [OnceCell<Option<Digest>>; 3],
    /// Most bytes of a subject that are read for one signature.
    cap: u64,
}

#[derive(Debug)]
enum Parts<'a> {
    /// The pre-authentication encoding of an envelope: prefix and payload.
    Envelope(Vec<u8>, &'a Bytes),
    Payload(&'a Bytes),
    Subject(&'a Subject),
}

impl<'a> SignedMessage<'a> {
    pub(crate) fn envelope(payload_type: &str, payload: &'a Bytes) -> Self {
        Self::new(
            Parts::Envelope(pae_prefix(payload_type, payload.len()), payload),
            0,
        )
    }

    pub(crate) fn payload(payload: &'a Bytes) -> Self {
        Self::new(Parts::Payload(payload), 0)
    }

    pub(crate) fn subject(subject: &'a Subject, cap: u64) -> Self {
        Self::new(Parts::Subject(subject), cap)
    }

    fn new(parts: Parts<'a>, cap: u64) -> Self {
        Self {
            parts,
            hashes: [const { OnceCell::new() }; 3],
            cap,
        }
    }

    /// The message's hash; `None` only for a subject whose digest under this algorithm is not known.
    pub(crate) fn hash(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        let [sha256, sha384, sha512] = &self.hashes;
        let cell = match algorithm {
            HashAlgorithm::Sha256 => sha256,
            HashAlgorithm::Sha384 => sha384,
            HashAlgorithm::Sha512 => sha512,
        };
        *cell.get_or_init(|| match &self.parts {
            Parts::Envelope(prefix, payload) => {
                let mut context = HashContext::new(algorithm);
                context.update(prefix);
                context.update(payload);
                Some(context.finish())
            }
            Parts::Payload(payload) => Some(digest::of(algorithm, payload)),
            Parts::Subject(subject) => subject
                .names(algorithm)
                .or_else(|| Some(digest::of(algorithm, &subject.bytes(self.cap).ok()?))),
        })
    }

    /// Whether `signature` over this message is the key's, under `scheme`.
    ///
    /// # Errors
    /// `content-needed` when the message is a subject that cannot give what the scheme needs.
    pub(crate) fn is_signed(
        &self,
        key: &VerifyingKey,
        scheme: Scheme,
        signature: &[u8],
    ) -> Checked<bool> {
        if !plausible(key.kind(), signature) {
            return Ok(false);
        }
        let algorithm = Algorithm::of(scheme);
        if let Some(hash) = scheme.hash() {
            return match self.hash(hash) {
                Some(digest) => Ok(key.verify(algorithm, Over::Digest(&digest), signature)),
                None => Err(RejectReason::DigestNeeded { algorithm: hash }.into()),
            };
        }
        match &self.parts {
            Parts::Envelope(prefix, payload) => {
                // Pure Ed25519 hashes the message twice, so it must be in one piece.
                let mut message = Vec::with_capacity(prefix.len() + payload.len());
                message.extend_from_slice(prefix);
                message.extend_from_slice(payload);
                Ok(key.verify(algorithm, Over::Message(&message), signature))
            }
            Parts::Payload(payload) => Ok(key.verify(algorithm, Over::Message(payload), signature)),
            Parts::Subject(subject) => match subject.bytes(self.cap) {
                Ok(message) => Ok(key.verify(algorithm, Over::Message(&message), signature)),
                Err(cause) => {
                    let why = "pure Ed25519 signs the content, not its digest";
                    Err(RejectReason::ContentNeeded { why, cause }.into())
                }
            },
        }
    }
}

/// Whether a signature has the shape that this kind of key makes; spares the work for keys that can't have made it.
fn plausible(kind: KeyKind, signature: &[u8]) -> bool {
    match kind {
        KeyKind::Ed25519 => signature.len() == 64,
        KeyKind::Rsa { bits } => signature.len() as u64 * 8 == u64::from(bits.next_multiple_of(8)),
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
            signature.first() == Some(&0x30)
        }
    }
}
