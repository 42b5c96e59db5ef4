//! The built-in token service: `GET /token` of Docker's flow, `POST /token` of OAuth 2's.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::{
    auth::{Bearer, Grant, Scope, Tokens, User, authenticate, credentials},
    body::{Body, full},
    refusal::{Code, Refusal},
    route::Query,
};

/// Bytes of a form.
pub(crate) const FORM_BYTES: u64 = 64 << 10;
/// Scopes that one token may have.
const SCOPES: usize = 32;

/// Answers `GET /token?service=…&scope=…` with the user's name and password in `Authorization: Basic …`.
pub(crate) fn get(
    bearer: &Bearer,
    tokens: &Tokens,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let user = match credentials(headers) {
        Some((name, password)) => Some((
            authenticate(&bearer.users, &name, &password).ok_or_else(wrong)?,
            name,
        )),
        None if headers.contains_key(header::AUTHORIZATION) => return Err(wrong()),
        None if bearer.anonymous_pull => None,
        None => return Err(wrong()),
    };
    let grant = granted(bearer, user.as_ref().map(|(user, _)| *user), query)?;
    let token = tokens.give(grant, bearer.lifetime);
    let mut answer =
        json!({ "token": token, "access_token": token, "expires_in": bearer.lifetime.as_secs() });
    if query.first("offline_token") == Some("true")
        && let Some((_, name)) = user
        && let Some(members) = answer.as_object_mut()
    {
        members.insert(
            "refresh_token".to_owned(),
            json!(tokens.give_refresh(&name)),
        );
    }
    Ok(respond(&answer))
}

/// Answers `POST /token` with `grant_type=password` or `refresh_token`.
pub(crate) fn post(
    bearer: &Bearer,
    tokens: &Tokens,
    form: &[u8],
) -> Result<Response<Body>, Refusal> {
    let form = std::str::from_utf8(form)
        .map_err(|_| Refusal::bad(Code::Unsupported, "form is not UTF-8"))?;
    let form = Query::parse(form)?;
    let field = |name: &str| form.first(name).unwrap_or_default();
    let (name, user) = match field("grant_type") {
        "password" => {
            let user = authenticate(&bearer.users, field("username"), field("password"))
                .ok_or_else(wrong)?;
            (field("username").to_owned(), user)
        }
        "refresh_token" => {
            let name = tokens
                .user_of_refresh(field("refresh_token"))
                .ok_or_else(wrong)?;
            let user = bearer.users.get(&name).ok_or_else(wrong)?;
            (name, user)
        }
        _ => {
            return Err(Refusal::bad(
                Code::Unsupported,
                "`grant_type` is not `password` or `refresh_token`",
            ));
        }
    };
    let grant = granted(bearer, Some(user), &form)?;
    let token = tokens.give(grant, bearer.lifetime);
    let mut answer = json!({ "access_token": token, "expires_in": bearer.lifetime.as_secs(), "scope": field("scope") });
    if let Some(members) = answer.as_object_mut() {
        if field("grant_type") == "refresh_token" {
            members.insert("refresh_token".to_owned(), json!(field("refresh_token")));
        } else if field("access_type") == "offline" {
            members.insert(
                "refresh_token".to_owned(),
                json!(tokens.give_refresh(&name)),
            );
        }
    }
    Ok(respond(&answer))
}

/// What of the asked scopes the user has.
fn granted(bearer: &Bearer, user: Option<&User>, query: &Query) -> Result<Grant, Refusal> {
    if query
        .first("service")
        .is_some_and(|service| service != bearer.service)
    {
        return Err(Refusal::bad(
            Code::Denied,
            "token was asked for another service",
        ));
    }
    let allowed = |action: &str| action == "pull" || user.is_some_and(|user| user.push);
    let scopes = query
        .all("scope")
        .flat_map(|scopes| scopes.split(' '))
        .filter_map(Scope::parse)
        // `*` as a repository is what a grant for everything looks like inside; nobody asks for it.
        .filter(|scope| scope.repository != "*")
        .take(SCOPES)
        .map(|mut scope| {
            scope.actions.retain(|action| {
                matches!(action.as_str(), "pull" | "push" | "delete") && allowed(action)
            });
            scope
        })
        .collect();
    Ok(Grant::scopes(scopes))
}

fn respond(answer: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(full(answer.to_string()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn wrong() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        Code::Unauthorized,
        "name, password or token is wrong",
    )
    .with(
        header::WWW_AUTHENTICATE,
        "Basic realm=\"countersign-registry\"",
    )
}
