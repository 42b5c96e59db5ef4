//! Entering into a log of version 1: `hashedrekord` 0.0.1 for files, `dsse` 0.0.1 for envelopes.

use countersign_formats::json::{ObjectWriter, write_string};
use countersign_formats::{HashAlgorithm, LogEntry, Verifier, encode_base64, write_pem};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, LOCATION};

use super::submission::{LoggedContent, Submission};
use super::{ANSWER_BYTES, Rekor, WHAT, entry_json};
use crate::error::{AnswerFault, ServiceError};
use crate::http::{self, Call, Operation, Reply};

/// Where entries are.
const PATH: &str = "api/v1/log/entries";
/// Where the log says which of its entries are those that it is shown.
const SEARCH: &str = "api/v1/log/entries/retrieve";

impl Rekor {
    pub(super) async fn enter_version_1(
        &self,
        submission: &Submission<'_>,
    ) -> Result<LogEntry, ServiceError> {
        let operation = self.client.begin();
        let url = http::below(&self.base, PATH);
        let body = request(submission)?;
        let call = self.post(url, body.clone());
        let reply = operation.ask(&call).await?;
        let reply = match reply.status.as_u16() {
            // The same entry is there: from an earlier run, or from a first try whose answer was lost.
            409 => match entry_identifier(&reply.headers) {
                Some(identifier) => self.named(&operation, &identifier).await?,
                None => {
                    let found = self.search_version_1(&operation, &body).await?;
                    let missing = || ServiceError::answer(&self.service, AnswerFault::EntryExists);
                    return found.ok_or_else(missing);
                }
            },
            200..300 => reply,
            _ => return Err(reply.refusal(&self.service, &[])),
        };
        entry_json::version_1(&reply.body, &self.client.settings().limits)
            .map_err(|error| ServiceError::malformed(&self.service, WHAT, error))
    }

    /// The entry at an index of the log as a whole.
    pub(super) async fn at_index(&self, index: u64) -> Result<LogEntry, ServiceError> {
        let operation = self.client.begin();
        let mut url = http::below(&self.base, PATH);
        url.query_pairs_mut()
            .append_pair("logIndex", &index.to_string());
        let call =
            Call::get(&self.service, url, ANSWER_BYTES, WHAT).header(ACCEPT, "application/json");
        let reply = operation.ask(&call).await?;
        if !reply.status.is_success() {
            return Err(reply.refusal(&self.service, &[]));
        }
        entry_json::version_1(&reply.body, &self.client.settings().limits)
            .map_err(|error| ServiceError::malformed(&self.service, WHAT, error))
    }

    /// The entry that the log has for this submission, if there is one; nothing is entered.
    pub(super) async fn find_version_1(
        &self,
        submission: &Submission<'_>,
    ) -> Result<Option<LogEntry>, ServiceError> {
        let operation = self.client.begin();
        let proposed = request(submission)?;
        self.search_version_1(&operation, &proposed).await
    }

    /// The log makes the entry's hash of what it is shown, as when it is entered.
    async fn search_version_1(
        &self,
        operation: &Operation<'_>,
        proposed: &[u8],
    ) -> Result<Option<LogEntry>, ServiceError> {
        let url = http::below(&self.base, SEARCH);
        let mut query = Vec::with_capacity(proposed.len() + 16);
        query.extend_from_slice(b"{\"entries\":[");
        query.extend_from_slice(proposed);
        query.extend_from_slice(b"]}");
        let reply = operation.ask(&self.post(url, query)).await?;
        if !reply.status.is_success() {
            return Err(reply.refusal(&self.service, &[]));
        }
        entry_json::version_1_found(&reply.body, &self.client.settings().limits)
            .map_err(|error| ServiceError::malformed(&self.service, WHAT, error))
    }

    fn post(&self, url: Url, body: Vec<u8>) -> Call<'_> {
        let json = "application/json";
        Call::post(&self.service, url, body, json, ANSWER_BYTES, WHAT).header(ACCEPT, json)
    }

    async fn named(
        &self,
        operation: &Operation<'_>,
        identifier: &str,
    ) -> Result<Reply, ServiceError> {
        // Only the identifier is taken from the answer, never an address.
        let url = http::below(&self.base, &format!("{PATH}/{identifier}"));
        let call =
            Call::get(&self.service, url, ANSWER_BYTES, WHAT).header(ACCEPT, "application/json");
        let reply = operation.ask(&call).await?;
        match reply.status.is_success() {
            true => Ok(reply),
            false => Err(reply.refusal(&self.service, &[])),
        }
    }
}

/// The entry that a conflict points at: a leaf hash, with or without the tree's identifier before it, in hexadecimal.
fn entry_identifier(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let identifier = location.rsplit('/').next()?;
    let is_hex = identifier.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && matches!(identifier.len(), 64 | 80)).then(|| identifier.to_ascii_lowercase())
}

fn request(submission: &Submission<'_>) -> Result<Vec<u8>, ServiceError> {
    let pem = encode_base64(pem(&submission.verifier()).as_bytes());
    let mut body = Vec::new();
    let mut object = ObjectWriter::new(&mut body);
    object.string("apiVersion", "0.0.1");
    match submission.content {
        LoggedContent::Message { .. } => {
            let (digest, signature) = submission.hashed()?;
            object.string("kind", "hashedrekord");
            object.object("spec", |spec| {
                spec.object("signature", |object| {
                    object.string("content", &encode_base64(signature));
                    object.object("publicKey", |object| object.string("content", &pem));
                });
                spec.object("data", |object| {
                    object.object("hash", |object| {
                        object.string("algorithm", digest.algorithm().name());
                        object.string("value", &digest.hex());
                    });
                });
            });
        }
        LoggedContent::Envelope(envelope) => {
            super::submission::only_signature(envelope)?;
            // Logs of version 1 verify envelopes with SHA-256 whatever the key, and Ed25519 without a hash.
            if !matches!(submission.scheme.hash(), None | Some(HashAlgorithm::Sha256)) {
                return Err(ServiceError::configuration(format!(
                    "a log of version 1 takes envelopes that are signed with SHA-256 or `ed25519`, not with `{}`",
                    submission.scheme
                )));
            }
            let envelope = envelope.to_json();
            object.string("kind", "dsse");
            object.object("spec", |spec| {
                spec.object("proposedContent", |object| {
                    object.string("envelope", &String::from_utf8_lossy(&envelope));
                    object.list("verifiers", &[&pem], |out, pem| write_string(out, pem));
                });
            });
        }
    }
    object.end();
    Ok(body)
}

fn pem(verifier: &Verifier) -> String {
    match verifier {
        Verifier::PublicKey(spki) => write_pem("PUBLIC KEY", spki),
        Verifier::Certificate(der) => write_pem("CERTIFICATE", der),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue, LOCATION};

    use super::entry_identifier;

    #[test]
    fn only_an_identifier_is_taken_from_a_location() {
        let identifier = "ab".repeat(40);
        for (location, found) in [
            (format!("/api/v1/log/entries/{identifier}"), true),
            (format!("https://elsewhere.example/x/{identifier}"), true),
            (format!("/api/v1/log/entries/{}", "ab".repeat(32)), true),
            (format!("/api/v1/log/entries/{identifier}?x=y"), false),
            ("/api/v1/log/entries/".to_owned(), false),
            (format!("/{}", "zz".repeat(40)), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_str(&location).unwrap());
            assert_eq!(entry_identifier(&headers).is_some(), found, "{location}");
        }
        assert_eq!(entry_identifier(&HeaderMap::new()), None);
    }
}
