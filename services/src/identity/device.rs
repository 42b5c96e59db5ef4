//! Logging in with a browser on another machine (RFC 8628).

use std::time::Duration;

use countersign_formats::json::Reader;
use countersign_formats::{Document, Error, Limits, clipped};

use super::authorization::{ProofKey, post_form, read_id_token};
use super::{IdentityToken, Issuer, LoginError, LoginSettings};
use crate::error::{ServiceError, WORDS};
use crate::http::{Client, error_code, error_words};
use crate::secret::Secret;

/// Seconds between two questions where the issuer says nothing (RFC 8628 §3.2).
const INTERVAL: u64 = 5;
/// Seconds that `slow_down` adds (RFC 8628 §3.5).
const SLOWER: u64 = 5;
/// The longest interval that is believed, in seconds.
const INTERVAL_MOST: u64 = 60;

/// What the person has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The address to open, at most 512 bytes.
    pub address: String,
    /// The address that holds the code already, where the issuer gives one.
    pub complete_address: Option<String>,
    /// The code to type there, at most 64 bytes.
    pub code: String,
}

/// Logs in with a browser elsewhere: `show` is given what the person needs. The token still has to be checked.
///
/// # Errors
/// [`ServiceError::Login`], [`ServiceError::Unavailable`], [`ServiceError::Answer`], [`ServiceError::Token`].
pub async fn device_login(
    client: &Client,
    issuer: &Issuer,
    settings: &LoginSettings,
    show: impl FnOnce(&DevicePrompt),
) -> Result<IdentityToken, ServiceError> {
    let url = issuer.device.as_ref().ok_or(LoginError::NoDeviceLogin)?;
    let key = ProofKey::new()?;
    let fields = [
        ("client_id", settings.client_id.as_str()),
        ("scope", "openid email"),
        ("code_challenge", key.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let reply = post_form(&client.begin(), issuer, url, &fields, &[], true).await?;
    if !reply.status.is_success() {
        return Err(reply.refusal(&issuer.service, &[]));
    }
    let limits = &client.settings().limits;
    let begun = Begun::parse(&reply.body, limits).map_err(|error| {
        ServiceError::malformed(&issuer.service, "device login answer", error.code())
    })?;
    show(&begun.prompt);
    let patience = settings.patience.min(Duration::from_secs(begun.expires));
    tokio::time::timeout(patience, poll(client, issuer, settings, &begun, &key))
        .await
        .map_err(|_| LoginError::TimedOut)?
}

/// Asks until the person has decided.
async fn poll(
    client: &Client,
    issuer: &Issuer,
    settings: &LoginSettings,
    begun: &Begun,
    key: &ProofKey,
) -> Result<IdentityToken, ServiceError> {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", settings.client_id.as_str()),
        ("device_code", begun.code.reveal()),
        ("code_verifier", key.verifier.reveal()),
    ];
    let secrets = [begun.code.clone(), key.verifier.clone()];
    let mut interval = begun.interval;
    loop {
        tokio::time::sleep(Duration::from_secs(interval)).await;
        let reply = post_form(
            &client.begin(),
            issuer,
            &issuer.token,
            &fields,
            &secrets,
            true,
        )
        .await?;
        if reply.status.is_success() {
            return read_id_token(issuer, &reply.body, &client.settings().limits);
        }
        match error_code(&reply.body).as_deref() {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = (interval + SLOWER).min(INTERVAL_MOST),
            Some("expired_token") => return Err(LoginError::TimedOut.into()),
            Some("access_denied") => {
                let detail = error_words(&reply.body, &secrets).unwrap_or_default();
                return Err(LoginError::Denied { detail }.into());
            }
            _ => return Err(reply.refusal(&issuer.service, &secrets)),
        }
    }
}

pub(crate) struct Begun {
    prompt: DevicePrompt,
    code: Secret,
    expires: u64,
    interval: u64,
}

impl Begun {
    pub(crate) fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        let cap = ("token_bytes", limits.token_bytes);
        let mut reader = Reader::from_bytes(Document::Json, body, cap, limits)?;
        let (mut code, mut user_code, mut address, mut complete_address) = (None, None, None, None);
        let (mut expires, mut interval) = (None, INTERVAL);
        reader.object(|reader, name| {
            match name {
                "device_code" => code = Some(Secret::new(reader.string()?)),
                "user_code" => user_code = Some(clipped(&reader.string()?, 64)),
                // Google writes `verification_url`.
                "verification_uri" | "verification_url" => {
                    address = Some(clipped(&reader.string()?, WORDS));
                }
                "verification_uri_complete" => {
                    complete_address = Some(clipped(&reader.string()?, WORDS));
                }
                "expires_in" => expires = Some(reader.whole_number()?),
                "interval" => interval = reader.whole_number()?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let begun = Self {
            prompt: DevicePrompt {
                address: reader.required("verification_uri", address)?,
                complete_address,
                code: reader.required("user_code", user_code)?,
            },
            code: reader.required("device_code", code)?,
            expires: reader.required("expires_in", expires)?,
            interval: interval.clamp(1, INTERVAL_MOST),
        };
        reader.end()?;
        Ok(begun)
    }
}
