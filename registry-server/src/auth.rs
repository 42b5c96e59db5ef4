//! Who may do what: basic authentication, or bearer tokens of the built-in token service.
//!
//! It exists so that a client's whole challenge flow can be tested on loopback; tokens are random handles looked up in memory,
//! never something signed that could bring its own key (A104).

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_registry::Secret;
use http::{HeaderMap, StatusCode, header};
use tokio::time::Instant;

use crate::{
    random::random_name,
    refusal::{Code, Refusal},
    route::Place,
};

/// How clients prove who they are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Auth {
    /// Name and password with each request (RFC 7617).
    Basic(BTreeMap<String, User>),
    /// A token from `/token` with each request (Docker's and OAuth 2's token flows).
    Bearer(Bearer),
}

/// One user.
#[derive(Clone, Debug)]
pub struct User {
    /// The password.
    pub password: Secret,
    /// Whether the user may push, and delete where the server allows deletes; everyone listed may pull.
    pub push: bool,
}

/// The built-in token service.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// The `service` of the challenge.
    pub service: String,
    /// The `realm` of the challenge; default: `/token` of the host that the client asked.
    pub realm: Option<String>,
    /// Whether a token without a user allows to pull.
    pub anonymous_pull: bool,
    /// How long a token counts.
    pub lifetime: Duration,
}

impl Bearer {
    /// A token service for `users` with tokens of five minutes and nothing for the anonymous.
    pub fn new(users: BTreeMap<String, User>) -> Self {
        Self {
            users,
            service: "countersign-registry".to_owned(),
            realm: None,
            anonymous_pull: false,
            lifetime: Duration::from_secs(300),
        }
    }
}

/// What a request may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    everything: bool,
    scopes: Vec<Scope>,
}

/// `repository:<name>:<action>,…`
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    pub(crate) actions: Vec<String>,
}

impl Grant {
    pub(crate) fn everything() -> Self {
        Self {
            everything: true,
            scopes: Vec::new(),
        }
    }

    pub(crate) fn scopes(scopes: Vec<Scope>) -> Self {
        Self {
            everything: false,
            scopes,
        }
    }

    pub(crate) fn allows(&self, repository: &str, action: &str) -> bool {
        self.everything
            || self.scopes.iter().any(|scope| {
                (scope.repository == repository || scope.repository == "*")
                    && scope
                        .actions
                        .iter()
                        .any(|allowed| allowed == action || allowed == "*")
            })
    }
}

impl Scope {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("repository:")?;
        let (repository, actions) = rest.rsplit_once(':')?;
        Some(Self {
            repository: repository.to_owned(),
            actions: actions
                .split(',')
                .filter(|action| !action.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "repository:{}:{}",
            self.repository,
            self.actions.join(",")
        )
    }
}

/// Tokens that were given out and still count.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    access: Mutex<HashMap<String, (Grant, Instant)>>,
    refresh: Mutex<HashMap<String, (String, Instant)>>,
}

impl Tokens {
    const MOST: usize = 10_000;
    const REFRESH_FOR: Duration = Duration::from_secs(24 * 3600);

    pub(crate) fn give(&self, grant: Grant, lifetime: Duration) -> String {
        remember(&self.access, grant, lifetime)
    }

    pub(crate) fn give_refresh(&self, user: &str) -> String {
        remember(&self.refresh, user.to_owned(), Self::REFRESH_FOR)
    }

    pub(crate) fn user_of_refresh(&self, token: &str) -> Option<String> {
        recall(&self.refresh, token)
    }

    fn grant(&self, token: &str) -> Option<Grant> {
        recall(&self.access, token)
    }
}

fn remember<T>(held: &Mutex<HashMap<String, (T, Instant)>>, what: T, lifetime: Duration) -> String {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    if held.len() >= Tokens::MOST {
        held.retain(|_, (_, until)| *until > now);
    }
    // Still full of live ones: their owners ask again.
    if held.len() >= Tokens::MOST {
        held.clear();
    }
    let token = random_name();
    held.insert(token.clone(), (what, now + lifetime));
    token
}

fn recall<T: Clone>(held: &Mutex<HashMap<String, (T, Instant)>>, token: &str) -> Option<T> {
    let held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.get(token)
        .filter(|(_, until)| *until > Instant::now())
        .map(|(what, _)| what.clone())
}

impl Auth {
    /// What the request may do, or the challenge.
    pub(crate) fn judge(
        &self,
        tokens: &Tokens,
        place: &Place,
        action: &str,
        headers: &HeaderMap,
    ) -> Result<Grant, Refusal> {
        let grant = match self {
            Self::Basic(users) => {
                credentials(headers).and_then(|(name, password)| grant_of(users, &name, &password))
            }
            Self::Bearer(_) => bearer(headers).and_then(|token| tokens.grant(&token)),
        };
        match (grant, place.repository()) {
            (Some(grant), None) => Ok(grant),
            (Some(grant), Some(name)) if grant.allows(name, action) => Ok(grant),
            // Basic: another password would not help. Bearer: a token with more scope might.
            (Some(_), Some(name)) if matches!(self, Self::Basic(_)) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                Code::Denied,
                format!("this user may not {action} `{name}`"),
            )),
            (grant, name) => Err(self.challenge(headers, name, action, grant.is_some())),
        }
    }

    fn challenge(
        &self,
        headers: &HeaderMap,
        name: Option<&str>,
        action: &str,
        insufficient: bool,
    ) -> Refusal {
        let challenge = match self {
            Self::Basic(_) => "Basic realm=\"countersign-registry\", charset=\"UTF-8\"".to_owned(),
            Self::Bearer(bearer) => {
                let host = headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok())
                    .filter(|host| is_host(host));
                let realm = match (&bearer.realm, host) {
                    (Some(realm), _) => realm.clone(),
                    (None, host) => format!("http://{}/token", host.unwrap_or("localhost")),
                };
                let mut challenge =
                    format!("Bearer realm=\"{realm}\",service=\"{}\"", bearer.service);
                if let Some(name) = name {
                    // Who pushes reads, too.
                    let actions = if action == "push" {
                        "pull,push"
                    } else {
                        action
                    };
                    challenge.push_str(&format!(",scope=\"repository:{name}:{actions}\""));
                }
                if insufficient {
                    challenge.push_str(",error=\"insufficient_scope\"");
                }
                challenge
            }
        };
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            Code::Unauthorized,
            "authentication required",
        )
        .with(header::WWW_AUTHENTICATE, challenge)
    }
}

/// What a user may do when name and password are right.
fn grant_of(users: &BTreeMap<String, User>, name: &str, password: &str) -> Option<Grant> {
    let user = authenticate(users, name, password)?;
    if user.push {
        return Some(Grant::everything());
    }
    Some(Grant::scopes(vec![Scope {
        repository: "*".to_owned(),
        actions: vec!["pull".to_owned()],
    }]))
}

pub(crate) fn authenticate<'a>(
    users: &'a BTreeMap<String, User>,
    name: &str,
    password: &str,
) -> Option<&'a User> {
    let user = users.get(name)?;
    same(user.password.reveal().as_bytes(), password.as_bytes()).then_some(user)
}

/// Name and password of `Authorization: Basic …`.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = scheme(headers, "basic")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    scheme(headers, "bearer").map(|token| token.trim().to_owned())
}

fn scheme<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then_some(rest)
}

/// The host goes into a quoted string of a header.
fn is_host(host: &str) -> bool {
    host.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_')
    })
}

/// Compares without telling by its time where the first difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |different, (a, b)| different | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::{Grant, Scope};

    #[test]
    fn a_scope_allows_its_repository_and_actions_only() {
        let scope = Scope::parse("repository:a/b:pull,push").unwrap();
        let grant = Grant::scopes(vec![scope]);
        assert!(grant.allows("a/b", "pull"));
        assert!(grant.allows("a/b", "push"));
        assert!(!grant.allows("a/b", "delete"));
        assert!(!grant.allows("a/bc", "pull"));
        assert!(!grant.allows("a", "pull"));
        assert_eq!(Scope::parse("registry:catalog:*"), None);
        assert_eq!(Scope::parse("repository:a"), None);
    }
}
