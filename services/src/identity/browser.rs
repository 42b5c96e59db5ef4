//! Logging in with a browser on this machine (RFC 8252, with a proof key and a nonce).

use super::authorization::{ProofKey, post_form, read_id_token};
use super::callback::{Callback, ExpectedReturn};
use super::{IdentityToken, Issuer, LoginError, LoginSettings};
use crate::error::{AnswerFault, ServiceError};
use crate::http::{Client, error_words};
use crate::random;
use crate::secret::Secret;

/// Logs in with a browser: `open` is given the address to show. The token still has to be checked.
///
/// # Errors
/// [`ServiceError::Login`], and [`ServiceError::Unavailable`], [`ServiceError::Answer`], [`ServiceError::Token`] from the exchange
/// of the code for a token.
pub async fn browser_login(
    client: &Client,
    issuer: &Issuer,
    settings: &LoginSettings,
    open: impl FnOnce(&str),
) -> Result<IdentityToken, ServiceError> {
    let callback = Callback::open().await?;
    let (state, nonce) = (random::text()?, random::text()?);
    let key = ProofKey::new()?;
    let address = callback.address();
    let mut url = issuer.authorization.clone();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", settings.client_id.as_str()),
        ("redirect_uri", address.as_str()),
        ("scope", "openid email"),
        ("state", state.as_str()),
        ("nonce", nonce.as_str()),
        ("code_challenge", key.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    open(url.as_str());
    let expected = ExpectedReturn {
        state: &state,
        issuer: issuer.name(),
    };
    let code = tokio::time::timeout(settings.patience, callback.wait(&expected))
        .await
        .map_err(|_| LoginError::TimedOut)??;
    let token = exchange(client, issuer, settings, &code, &key, &address).await?;
    // A token of another login could be somebody else's (OpenID Connect Core 1.0 §3.1.3.7, 11).
    if token.unverified.nonce.as_deref() != Some(nonce.as_str()) {
        return Err(LoginError::Nonce.into());
    }
    Ok(token)
}

async fn exchange(
    client: &Client,
    issuer: &Issuer,
    settings: &LoginSettings,
    code: &Secret,
    key: &ProofKey,
    address: &str,
) -> Result<IdentityToken, ServiceError> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &settings.client_id),
        ("code", code.reveal()),
        ("redirect_uri", address),
        ("code_verifier", key.verifier.reveal()),
    ];
    let secrets = [code.clone(), key.verifier.clone()];
    // A code works once: a second request for the same code is refused, and may end the token of the first.
    let reply = post_form(
        &client.begin(),
        issuer,
        &issuer.token,
        &fields,
        &secrets,
        false,
    )
    .await?;
    if !reply.status.is_success() {
        let (status, message) = (reply.status.as_u16(), error_words(&reply.body, &secrets));
        let fault = AnswerFault::Refused { status, message };
        return Err(ServiceError::answer(&issuer.service, fault));
    }
    read_id_token(issuer, &reply.body, &client.settings().limits)
}
