//! That a log entry is about this very signature, signer and payload.

use crate::fault::LogFault;
use crate::key::Scheme;
use crate::message::SignedMessage;
use crate::trusted_log::details_fit;
use bytes::Bytes;
use countersign_formats::{Digest, Envelope, HashAlgorithm, LogBody, LoggedHash, Verifier};

/// What a log entry must be about. Without this comparison an entry of any other signature would do (A001, A011, A017).
pub(crate) struct Logged<'a> {
    pub(crate) message: &'a SignedMessage<'a>,
    /// The envelope, where the signature is over one.
    pub(crate) envelope: Option<&'a Envelope>,
    pub(crate) signature: &'a [u8],
    pub(crate) signer: LoggedSigner<'a>,
    pub(crate) scheme: Scheme,
}

/// How an entry names the signer.
#[derive(Clone, Copy)]
pub(crate) enum LoggedSigner<'a> {
    /// The certificate, DER.
    Certificate(&'a [u8]),
    /// The key, SPKI DER.
    Key(&'a [u8]),
}

impl LoggedSigner<'_> {
    fn is(&self, verifier: &Verifier) -> bool {
        match (self, verifier) {
            (Self::Certificate(own), Verifier::Certificate(logged)) => *own == &**logged,
            (Self::Key(own), Verifier::PublicKey(logged)) => *own == &**logged,
            (Self::Certificate(_), Verifier::PublicKey(_))
            | (Self::Key(_), Verifier::Certificate(_)) => false,
        }
    }
}

impl Logged<'_> {
    /// Fails unless the entry is about this signature.
    pub(crate) fn check(&self, body: &LogBody) -> Result<(), LogFault> {
        match body {
            LogBody::HashedRekordV1 {
                hash,
                signature,
                verifier,
            } => {
                // Of an envelope, as in version 2: the hash is of what its signature covers, the pre-authentication encoding.
                self.check_signature(std::iter::once((signature, verifier)))?;
                self.check_hash(hash)
            }
            LogBody::HashedRekordV2 {
                digest,
                signature,
                verifier,
                key_details,
            } => {
                self.check_signature(std::iter::once((signature, verifier)))?;
                self.check_details(key_details.as_deref())?;
                self.check_hash(digest)
            }
            LogBody::DsseV1 {
                payload_hash,
                signatures,
                ..
            } => {
                let envelope = self.envelope_for("dsse 0.0.1")?;
                self.check_signature(
                    signatures
                        .iter()
                        .map(|(signature, verifier)| (signature, verifier)),
                )?;
                check_payload(payload_hash, &envelope.payload)
            }
            LogBody::DsseV2 {
                payload_hash,
                signatures,
            } => {
                let envelope = self.envelope_for("dsse 0.0.2")?;
                self.check_signature(
                    signatures
                        .iter()
                        .map(|logged| (&logged.signature, &logged.verifier)),
                )?;
                for logged in signatures
                    .iter()
                    .filter(|logged| *logged.signature == *self.signature)
                {
                    self.check_details(logged.key_details.as_deref())?;
                }
                check_payload(payload_hash, &envelope.payload)
            }
            LogBody::IntotoV2 {
                payload_hash,
                signatures,
                payload_type,
                payload,
                ..
            } => {
                let envelope = self.envelope_for("intoto 0.0.2")?;
                self.check_signature(
                    signatures
                        .iter()
                        .map(|(signature, verifier)| (signature, verifier)),
                )?;
                if *payload_type != envelope.payload_type {
                    return Err(LogFault::Kind {
                        kind: "intoto 0.0.2 of another payload type",
                        evidence: "this envelope",
                    });
                }
                // Where the log kept the payload as well, both must be the envelope's.
                if let Some(kept) = payload
                    && *kept != envelope.payload
                {
                    return Err(other_payload(
                        crate::digest::sha256(&envelope.payload),
                        HashAlgorithm::Sha256,
                        crate::digest::sha256(kept).as_bytes(),
                    ));
                }
                check_payload(payload_hash, &envelope.payload)
            }
            _ => Err(LogFault::Kind {
                kind: "an unknown version",
                evidence: "any evidence",
            }),
        }
    }

    fn envelope_for(&self, kind: &'static str) -> Result<&Envelope, LogFault> {
        self.envelope.ok_or(LogFault::Kind {
            kind,
            evidence: "a signature without envelope",
        })
    }

    /// TOB-SIGSTORE-9: the one signature that was verified, with the one signer that it was verified for.
    fn check_signature<'b>(
        &self,
        logged: impl Iterator<Item = (&'b Bytes, &'b Verifier)>,
    ) -> Result<(), LogFault> {
        let mut fault = LogFault::OtherSignature;
        for (signature, verifier) in logged {
            if **signature != *self.signature {
                continue;
            }
            if self.signer.is(verifier) {
                return Ok(());
            }
            fault = LogFault::OtherSigner;
        }
        Err(fault)
    }

    /// The scheme is the key's; what the entry says of it must fit, and may be left out.
    fn check_details(&self, details: Option<&str>) -> Result<(), LogFault> {
        let Some(details) = details else {
            return Ok(());
        };
        if details_fit(details, self.scheme) {
            return Ok(());
        }
        Err(LogFault::KeyDetails {
            found: crate::identity::excerpt(details),
            expected: self.scheme,
        })
    }

    /// The hash of what was signed: the message, or an envelope's pre-authentication encoding.
    fn check_hash(&self, (algorithm, value): &LoggedHash) -> Result<(), LogFault> {
        // N-62: where the scheme has a hash, the log must have taken the same one.
        if let Some(hash) = self.scheme.hash()
            && hash != *algorithm
        {
            let expected = self
                .message
                .hash(hash)
                .unwrap_or_else(crate::digest::nothing);
            return Err(other_payload(expected, *algorithm, value));
        }
        let expected = self
            .message
            .hash(*algorithm)
            .ok_or(LogFault::PayloadUnknown {
                algorithm: *algorithm,
            })?;
        compare(expected, *algorithm, value)
    }
}

fn check_payload((algorithm, value): &LoggedHash, payload: &[u8]) -> Result<(), LogFault> {
    compare(crate::digest::of(*algorithm, payload), *algorithm, value)
}

fn compare(expected: Digest, algorithm: HashAlgorithm, value: &[u8]) -> Result<(), LogFault> {
    if expected.as_bytes() == value {
        return Ok(());
    }
    Err(other_payload(expected, algorithm, value))
}

fn other_payload(expected: Digest, algorithm: HashAlgorithm, value: &[u8]) -> LogFault {
    let found = Digest::new(algorithm, value).unwrap_or_else(|_| crate::digest::nothing());
    LogFault::OtherPayload {
        expected: Box::new(expected),
        found: Box::new(found),
    }
}
