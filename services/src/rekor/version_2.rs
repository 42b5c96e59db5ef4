//! Entering into a log of version 2: `hashedrekord` 0.0.2, for envelopes over their pre-authentication encoding.
//!
//! The interface once had `dsse` 0.0.2 too; logs refuse it today.

use countersign_formats::json::ObjectWriter;
use countersign_formats::{LogEntry, Verifier, encode_base64};
use reqwest::header::ACCEPT;

use super::submission::Submission;
use super::{ANSWER_BYTES, Rekor, WHAT, entry_json};
use crate::error::{AnswerFault, ServiceError};
use crate::http::{self, Call};

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
        let reply = self.client.begin().ask(&call).await?;
        match reply.status.as_u16() {
            200..300 => entry_json::version_2(&reply.body, &self.client.settings().limits)
                .map_err(|error| ServiceError::malformed(&self.service, WHAT, error)),
            409 => Err(ServiceError::answer(
                &self.service,
                AnswerFault::EntryExists,
            )),
            _ => Err(reply.refusal(&self.service, &[])),
        }
    }
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
