//! Asking the issuer's token address.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_formats::json::Reader;
use countersign_formats::{Document, Error, Limits};
use countersign_proof::digest::sha256;
use reqwest::Url;
use reqwest::header::ACCEPT;

use super::{IdentityToken, Issuer};
use crate::error::ServiceError;
use crate::http::{Call, Operation, Reply};
use crate::random;
use crate::secret::Secret;

/// A proof key for one login (RFC 7636): whoever catches the code cannot use it without the verifier.
pub(super) struct ProofKey {
    pub(super) verifier: Secret,
    pub(super) challenge: String,
}

impl ProofKey {
    pub(super) fn new() -> Result<Self, ServiceError> {
        let verifier = random::text()?;
        Ok(Self {
            challenge: URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()).as_bytes()),
            verifier: Secret::new(verifier),
        })
    }
}

/// Posts a form to one of the issuer's addresses.
pub(super) async fn post_form(
    operation: &Operation<'_>,
    issuer: &Issuer,
    url: &Url,
    fields: &[(&str, &str)],
    secrets: &[Secret],
    repeatable: bool,
) -> Result<Reply, ServiceError> {
    let cap = operation.client().settings().limits.token_bytes;
    let content_type = "application/x-www-form-urlencoded";
    let mut call = Call::post(
        &issuer.service,
        url.clone(),
        form(fields),
        content_type,
        cap,
        "token answer",
    )
    .header(ACCEPT, "application/json")
    .hiding(secrets);
    call.repeatable = repeatable;
    operation.ask(&call).await
}

/// The identity token in an answer of the token address (OpenID Connect Core 1.0 §3.1.3.3).
pub(super) fn read_id_token(
    issuer: &Issuer,
    body: &[u8],
    limits: &Limits,
) -> Result<IdentityToken, ServiceError> {
    // The reader's words could show a part of the token.
    let token = id_token(body, limits)
        .map_err(|error| ServiceError::malformed(&issuer.service, "token answer", error.code()))?;
    Ok(IdentityToken::parse(token.reveal(), limits)?)
}

pub(crate) fn id_token(body: &[u8], limits: &Limits) -> Result<Secret, Error> {
    let cap = ("token_bytes", limits.token_bytes);
    let mut reader = Reader::from_bytes(Document::Json, body, cap, limits)?;
    let mut token = None;
    reader.object(|reader, name| {
        if name == "id_token" {
            token = Some(Secret::new(reader.string()?));
            return Ok(());
        }
        reader.ignore()
    })?;
    let token = reader.required("id_token", token)?;
    reader.end()?;
    Ok(token)
}

/// Fields as `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    // The form is the query of a URL that is never sent.
    let Ok(mut url) = Url::parse("form:") else {
        return Vec::new();
    };
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{ProofKey, form};

    #[test]
    fn a_challenge_is_the_hash_of_its_verifier() {
        let key = ProofKey::new().unwrap();
        assert_eq!(key.challenge.len(), 43);
        assert_ne!(key.challenge, key.verifier.reveal());
    }

    #[test]
    fn fields_are_escaped() {
        assert_eq!(
            form(&[("a", "b&c=d e"), ("f", "ä")]),
            b"a=b%26c%3Dd+e&f=%C3%A4"
        );
    }
}
