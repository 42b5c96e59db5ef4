//! Entering into a log of version 2: `hashedrekord` 0.0.2, for envelopes over their pre-authentication encoding.
//!
//! The interface once had `dsse` 0.0.2 too; logs refuse it today.

use std::time::Duration;

use countersign_formats::json::ObjectWriter;
use countersign_formats::{LogBody, LogEntry, Verifier, encode_base64};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName};

use super::submission::Submission;
use super::tiles::{self, Tiles};
use super::{ANSWER_BYTES, Rekor, WHAT, entry_json};
use crate::error::{AnswerFault, ErrorClass, ServiceError};
use crate::http::{self, Call, Operation, Reply};

/// Where a conflict names the index of the entry that is there.
const LOG_INDEX: HeaderName = HeaderName::from_static("x-log-index");
/// The wait between two looks for a checkpoint over an entry; logs publish one in a few seconds.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(500);

impl Rekor {
    pub(super) async fn enter_version_2(
        &self,
        submission: &Submission<'_>,
    ) -> Result<LogEntry, ServiceError> {
        let url = http::below(&self.base, "api/v2/log/entries");
        let body = request(submission)?;
        let call = Call::post(
            &self.service,
            url,
            body,
            "application/json",
            ANSWER_BYTES,
            WHAT,
        )
        .header(ACCEPT, "application/json");
        let operation = self.client.begin();
        let reply = operation.ask(&call).await?;
        match reply.status.as_u16() {
            200..300 => entry_json::version_2(&reply.body, &self.client.settings().limits)
                .map_err(|error| ServiceError::malformed(&self.service, WHAT, error)),
            // A first try whose answer was lost: the log would make no second entry.
            409 => self.existing_version_2(&operation, &reply).await,
            _ => Err(reply.refusal(&self.service, &[])),
        }
    }

    /// Reads the entry that a conflict points at, with its proof, from the log's tiles.
    async fn existing_version_2(
        &self,
        operation: &Operation<'_>,
        conflict: &Reply,
    ) -> Result<LogEntry, ServiceError> {
        let exists = || ServiceError::answer(&self.service, AnswerFault::EntryExists);
        let index = entry_index(&conflict.headers).ok_or_else(exists)?;
        // Tiles do not say whose they are.
        let log_id = self.log_id.clone().ok_or_else(exists)?;
        let limits = &self.client.settings().limits;
        let (note, checkpoint) = loop {
            match tiles::checkpoint_over(operation, &self.service, &self.base, index, limits).await
            {
                Ok(Some(found)) => break found,
                Ok(None) if operation.remaining() > PUBLISH_INTERVAL => {
                    tokio::time::sleep(PUBLISH_INTERVAL).await
                }
                // Some logs are read elsewhere than they are written to.
                Err(error) if error.class() == ErrorClass::Network => return Err(error),
                Ok(None) | Err(_) => return Err(exists()),
            }
        };
        let mut tiles = Tiles::new(operation, &self.service, &self.base, checkpoint.tree_size);
        let body = tiles.entry(index).await?;
        let proof = tiles.proof(index, checkpoint.root_hash, note).await?;
        let (kind, version) = LogBody::peek_kind(&body)
            .map_err(|error| ServiceError::malformed(&self.service, WHAT, error))?;
        Ok(LogEntry {
            log_index: index,
            log_id,
            kind,
            version,
            integrated_time: None,
            promise: None,
            proof: Some(proof),
            body,
        })
    }
}

/// The index that a conflict names.
fn entry_index(headers: &HeaderMap) -> Option<u64> {
    headers.get(LOG_INDEX)?.to_str().ok()?.parse().ok()
}

fn request(submission: &Submission<'_>) -> Result<Vec<u8>, ServiceError> {
    let details = submission.key_details()?;
    let verifier = submission.verifier();
    let (digest, signature) = submission.hashed()?;
    let mut body = Vec::new();
    let mut object = ObjectWriter::new(&mut body);
    object.object("hashedRekordRequestV002", |object| {
        object.string("digest", &encode_base64(digest.as_bytes()));
        object.object("signature", |object| {
            object.string("content", &encode_base64(signature));
            object.object("verifier", |object| {
                write_verifier(object, &verifier, details);
            });
        });
    });
    object.end();
    Ok(body)
}

fn write_verifier(object: &mut ObjectWriter<'_>, verifier: &Verifier, details: &str) {
    let (member, bytes) = match verifier {
        Verifier::PublicKey(spki) => ("publicKey", spki),
        Verifier::Certificate(der) => ("x509Certificate", der),
    };
    object.object(member, |object| {
        object.string("rawBytes", &encode_base64(bytes))
    });
    object.string("keyDetails", details);
}
