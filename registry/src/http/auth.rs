//! Answering challenges: whose login goes where, and which token is whose.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::body::Expect;
use super::challenge::Challenge;
use super::failure::error_words;
use super::origin;
use super::transport::{Outgoing, Transport};
use crate::error::{Fault, Outage, StoreError};
use crate::keychain::Credential;
use crate::secret::Secret;

/// Lifetime of a token whose service names none (distribution's token specification).
const TOKEN_TIME: Duration = Duration::from_secs(60);
/// Longest lifetime that is believed.
const TOKEN_TIME_MOST: Duration = Duration::from_secs(3600);
/// A token this close to its end is not used any more.
const TOKEN_MARGIN: Duration = Duration::from_secs(5);
/// How we call ourselves to token services.
const CLIENT_ID: &str = "countersign";

/// What is known about one registry.
#[derive(Default)]
pub(super) struct HostState {
    challenge: Mutex<Option<Challenge>>,
    /// Held while a token is fetched, so that ten requests at once fetch one.
    tokens: tokio::sync::Mutex<HashMap<TokenKey, Token>>,
}

/// A token belongs to the login that it was given for: one caller never gets another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TokenKey {
    credential: Option<Credential>,
    realm: String,
    service: Option<String>,
    scope: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    secret: Secret,
    until: Instant,
}

/// A header to send with a request.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub(super) header: HeaderValue,
    /// Whether it is a token that was kept from before, and so may have been withdrawn.
    pub(super) kept: bool,
    /// The password or token.
    secret: Secret,
}

impl Authorization {
    /// What must not appear in messages: the password or token, and the form in which it was sent.
    pub(super) fn secrets(&self) -> [&str; 2] {
        let sent = self
            .header
            .to_str()
            .unwrap_or_default()
            .rsplit(' ')
            .next()
            .unwrap_or_default();
        [self.secret.reveal(), sent]
    }
}

impl HostState {
    pub(super) fn challenge(&self) -> Option<Challenge> {
        self.challenge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn remember(&self, challenge: &Challenge) {
        *self
            .challenge
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(challenge.clone());
    }
}

/// The answer to a challenge; `None` where it is to come anonymously and the challenge cannot be met so.
///
/// `fresh` passes over a token that is kept.
pub(super) async fn answer(
    transport: &Transport<'_>,
    state: &HostState,
    challenge: &Challenge,
    credential: Option<&Credential>,
    scope: &str,
    fresh: bool,
) -> Result<Option<Authorization>, StoreError> {
    if let Some(Credential::RegistryToken(token)) = credential {
        return bearer(transport, token, false).map(Some);
    }
    match (challenge, credential) {
        (Challenge::Basic, Some(Credential::Basic { username, password })) => {
            basic(transport, username, password).map(Some)
        }
        (Challenge::Basic, _) => Ok(None),
        (Challenge::Bearer { realm, service }, credential) => {
            let key = TokenKey {
                credential: credential.cloned(),
                realm: realm.clone(),
                service: service.clone(),
                scope: scope.to_owned(),
            };
            let mut tokens = state.tokens.lock().await;
            let kept = tokens
                .get(&key)
                .filter(|token| token.until > Instant::now() + TOKEN_MARGIN);
            if let Some(token) = kept.filter(|_| !fresh) {
                return bearer(transport, &token.secret, true).map(Some);
            }
            let token = fetch(transport, &key).await?;
            let authorization = bearer(transport, &token.secret, false)?;
            tokens.retain(|_, token| token.until > Instant::now());
            tokens.insert(key, token);
            Ok(Some(authorization))
        }
    }
}

fn basic(
    transport: &Transport<'_>,
    username: &str,
    password: &Secret,
) -> Result<Authorization, StoreError> {
    let text = Secret::new(format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{}", password.reveal()))
    ));
    header(transport, &text, password.clone(), false)
}

fn bearer(
    transport: &Transport<'_>,
    token: &Secret,
    kept: bool,
) -> Result<Authorization, StoreError> {
    header(
        transport,
        &Secret::new(format!("Bearer {}", token.reveal())),
        token.clone(),
        kept,
    )
}

fn header(
    transport: &Transport<'_>,
    text: &Secret,
    secret: Secret,
    kept: bool,
) -> Result<Authorization, StoreError> {
    let mut header = HeaderValue::from_str(text.reveal()).map_err(|_| {
        StoreError::response(
            transport.store,
            "a token or password has characters that a header cannot carry",
        )
    })?;
    header.set_sensitive(true);
    Ok(Authorization {
        header,
        kept,
        secret,
    })
}

/// Gets a token from the service that the registry named.
async fn fetch(transport: &Transport<'_>, key: &TokenKey) -> Result<Token, StoreError> {
    let realm = realm(transport, key)?;
    let outgoing = match &key.credential {
        Some(Credential::IdentityToken(token)) => exchange_request(realm, key, token),
        Some(Credential::Basic { username, password }) => {
            let mut outgoing = token_request(realm, key);
            outgoing
                .headers
                .push((AUTHORIZATION, basic(transport, username, password)?.header));
            outgoing
        }
        Some(Credential::RegistryToken(_)) | None => token_request(realm, key),
    };
    let service = origin::authority(&outgoing.url);
    let cap = transport.settings.limits.token_bytes;
    let incoming = transport
        .exchange(&outgoing, Expect::Document { cap, what: "token" })
        .await?;
    if incoming.status.is_success() {
        return read_token(transport, &incoming.body);
    }
    // The login itself, and the form in which it was sent.
    let sent = outgoing.secrets();
    let secrets: Vec<&str> = key
        .credential
        .iter()
        .map(Credential::secret)
        .chain(&sent)
        .map(Secret::reveal)
        .collect();
    let (code, message) = error_words(&incoming.body, &secrets, &transport.settings.limits);
    let status = incoming.status.as_u16();
    match status {
        408 | 429 | 500.. => Err(StoreError::Unavailable {
            registry: service,
            outage: Outage::Status {
                status,
                code,
                message,
                retry_after: super::again::retry_after(&incoming.headers),
            },
        }),
        _ => Err(StoreError::Authentication {
            registry: origin::authority(transport.registry),
            detail: format!(
                "its token service `{service}` answered with status {status}{}",
                message.map(|text| format!(": {text}")).unwrap_or_default()
            ),
            had_login: key.credential.is_some(),
        }),
    }
}

/// The URL of the token service, if this login may go there.
///
/// Docker Hub's is on another host than its registry: a realm elsewhere may get this registry's login over https. Over plain http it gets
/// nothing unless the registry itself is spoken to so, and then the login only on the registry's own host.
fn realm(transport: &Transport<'_>, key: &TokenKey) -> Result<Url, StoreError> {
    let shown = |realm: &str| {
        countersign_formats::clipped(realm.split(['?', '#']).next().unwrap_or_default(), 256)
    };
    let refuse = |target: String, reason| {
        Err(StoreError::untrusted(
            transport.store,
            Fault::Refused {
                what: "token realm",
                target,
                reason,
            },
        ))
    };
    let Ok(url) = Url::parse(&key.realm) else {
        return refuse(shown(&key.realm), "it is not a URL");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(origin::shown(&url), "it holds a user name");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if transport.registry.scheme() == "http" => {
            let same_host = url.host() == transport.registry.host()
                || (origin::is_loopback(&url) && origin::is_loopback(transport.registry));
            if key.credential.is_some() && !same_host {
                return refuse(
                    origin::shown(&url),
                    "a login does not go to another host over plain http",
                );
            }
            Ok(url)
        }
        _ => refuse(origin::shown(&url), "it is not https"),
    }
}

/// The token specification's GET. The scope is ours, not what the challenge suggests: a registry cannot widen it.
fn token_request(mut url: Url, key: &TokenKey) -> Outgoing {
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &key.service {
            query.append_pair("service", service);
        }
        // One `scope` a repository, as the token specification has it.
        for scope in key.scope.split(' ').filter(|scope| !scope.is_empty()) {
            query.append_pair("scope", scope);
        }
        if let Some(Credential::Basic { username, .. }) = &key.credential {
            query.append_pair("account", username);
        }
    }
    Outgoing {
        method: Method::GET,
        url,
        headers: vec![(ACCEPT, HeaderValue::from_static("application/json"))],
        body: None,
    }
}

/// The OAuth 2 POST for identity tokens (RFC 6749, section 6).
fn exchange_request(url: Url, key: &TokenKey, token: &Secret) -> Outgoing {
    // A form is spelled like a query; this URL only carries it.
    let mut form = url.clone();
    {
        let mut pairs = form.query_pairs_mut();
        pairs.clear();
        pairs.append_pair("grant_type", "refresh_token");
        if let Some(service) = &key.service {
            pairs.append_pair("service", service);
        }
        if !key.scope.is_empty() {
            pairs.append_pair("scope", &key.scope);
        }
        pairs.append_pair("client_id", CLIENT_ID);
        pairs.append_pair("refresh_token", token.reveal());
    }
    let body = form.query().unwrap_or_default().to_owned();
    let headers = vec![
        (ACCEPT, HeaderValue::from_static("application/json")),
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        ),
    ];
    Outgoing {
        method: Method::POST,
        url,
        headers,
        body: Some(body.into()),
    }
}

fn read_token(transport: &Transport<'_>, body: &[u8]) -> Result<Token, StoreError> {
    token_answer(body).map_err(|error| {
        StoreError::untrusted(
            transport.store,
            Fault::Malformed {
                what: "token answer",
                error: error.to_owned(),
            },
        )
    })
}

/// The token in an answer. What is wrong is said in our words: the parser's own could show a part of the token.
pub(crate) fn token_answer(body: &[u8]) -> Result<Token, &'static str> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| "not JSON")?;
    let text = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let token = text("token")
        .or_else(|| text("access_token"))
        .ok_or("it has no `token`")?;
    let lifetime = answer
        .get("expires_in")
        .and_then(Value::as_u64)
        .map_or(TOKEN_TIME, Duration::from_secs);
    Ok(Token {
        secret: Secret::new(token),
        until: Instant::now() + lifetime.min(TOKEN_TIME_MOST),
    })
}
