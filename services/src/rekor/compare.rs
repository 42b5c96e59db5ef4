//! Comparing an entry with what was sent: a log that answers with another's entry must not end up in our bundle.

use bytes::Bytes;
use countersign_formats::{HashAlgorithm, InclusionProof, LogBody, LogEntry, LoggedHash};
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
    proof(service, entry.proof.as_ref()).map(|_| ())
}

/// The proof in `found`, which must be the entry that is known already.
pub(super) fn check_same(
    service: &ServiceName,
    known: &LogEntry,
    found: LogEntry,
) -> Result<InclusionProof, ServiceError> {
    let parts = [
        ("log", known.log_id == found.log_id),
        ("index", known.log_index == found.log_index),
        ("time", known.integrated_time == found.integrated_time),
        ("body", known.body == found.body),
    ];
    if let Some((part, _)) = parts.into_iter().find(|(_, same)| !same) {
        return Err(ServiceError::answer(
            service,
            AnswerFault::OtherEntry { part },
        ));
    }
    proof(service, found.proof.as_ref()).cloned()
}

/// The proof of an entry that came with one, and with the checkpoint that it is under.
fn proof<'a>(
    service: &ServiceName,
    proof: Option<&'a InclusionProof>,
) -> Result<&'a InclusionProof, ServiceError> {
    let without = |part| ServiceError::answer(service, AnswerFault::EntryWithout { part });
    match proof {
        None => Err(without("an inclusion proof")),
        Some(proof) if proof.checkpoint.is_empty() => Err(without("a checkpoint")),
        Some(proof) => Ok(proof),
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
