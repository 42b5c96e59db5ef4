//! Comparing an entry with what was sent: a log that answers with another's entry must not end up in our bundle.

use bytes::Bytes;
use countersign_formats::{HashAlgorithm, LogBody, LogEntry, LoggedHash};
use countersign_proof::digest::sha256;

use super::WHAT;
use super::submission::{LoggedContent, Submission, only_signature};
use crate::error::{AnswerFault, ServiceError, ServiceName};

/// Checks that `entry` is about `submission` and carries what proves it.
pub(super) fn check(
    service: &ServiceName,
    submission: &Submission<'_>,
    entry: &LogEntry,
) -> Result<(), ServiceError> {
    let fault = |fault| ServiceError::answer(service, fault);
    let body = LogBody::parse(&entry.kind, &entry.version, &entry.body)
        .map_err(|error| ServiceError::malformed(service, WHAT, error))?;
    if let Some(part) = difference(submission, &body)? {
        return Err(fault(AnswerFault::OtherEntry { part }));
    }
    let is_version_1 = entry.version == "0.0.1";
    if is_version_1 && entry.promise.is_none() {
        return Err(fault(AnswerFault::EntryWithout {
            part: "a signed promise",
        }));
    }
    if is_version_1 && entry.integrated_time.is_none() {
        return Err(fault(AnswerFault::EntryWithout { part: "a time" }));
    }
    match &entry.proof {
        None => Err(fault(AnswerFault::EntryWithout {
            part: "an inclusion proof",
        })),
        Some(proof) if proof.checkpoint.is_empty() => Err(fault(AnswerFault::EntryWithout {
            part: "a checkpoint",
        })),
        Some(_) => Ok(()),
    }
}

/// The first part of the entry that is not what was sent.
fn difference(
    submission: &Submission<'_>,
    body: &LogBody,
) -> Result<Option<&'static str>, ServiceError> {
    let verifier = submission.verifier();
    let parts = match (body, submission.content) {
        (
            LogBody::HashedRekordV1 {
                hash,
                signature,
                verifier: logged,
            },
            LoggedContent::Message {
                digest,
                signature: sent,
            },
        ) => vec![
            (
                "hash",
                same_hash(hash, digest.algorithm(), digest.as_bytes()),
            ),
            ("signature", signature == sent),
            ("verifier", logged == &verifier),
        ],
        (
            LogBody::HashedRekordV2 {
                digest,
                signature,
                verifier: logged,
                key_details,
            },
            _,
        ) => {
            let (sent_digest, sent) = submission.hashed()?;
            vec![
                (
                    "digest",
                    same_hash(digest, sent_digest.algorithm(), sent_digest.as_bytes()),
                ),
                ("signature", signature == sent),
                ("verifier", logged == &verifier),
                (
                    "key details",
                    key_details.as_deref() == Some(submission.key_details()?),
                ),
            ]
        }
        (
            LogBody::DsseV1 {
                envelope_hash,
                payload_hash,
                signatures,
            },
            LoggedContent::Envelope(envelope),
        ) => {
            let signature = Bytes::copy_from_slice(only_signature(envelope)?);
            vec![
                (
                    "payload hash",
                    is_sha256_of(payload_hash, &envelope.payload),
                ),
                (
                    "envelope hash",
                    is_sha256_of(envelope_hash, &envelope.to_json()),
                ),
                ("signature", *signatures == [(signature, verifier)]),
            ]
        }
        _ => return Ok(Some("kind")),
    };
    Ok(parts
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(part, _)| part))
}

fn same_hash(logged: &LoggedHash, algorithm: HashAlgorithm, bytes: &[u8]) -> bool {
    logged.0 == algorithm && logged.1 == bytes
}

fn is_sha256_of(logged: &LoggedHash, bytes: &[u8]) -> bool {
    same_hash(logged, HashAlgorithm::Sha256, sha256(bytes).as_bytes())
}
