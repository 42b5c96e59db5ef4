//! Basic and bearer authentication: the whole challenge flow.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_registry::Secret;
use countersign_registry_server::{Auth, Bearer, User};
use http::{Method, StatusCode};

use crate::client::{Answer, Registry, digest};

fn users() -> BTreeMap<String, User> {
    let user = |push| User {
        password: Secret::new("p"),
        push,
    };
    BTreeMap::from([
        ("writer".to_owned(), user(true)),
        ("reader".to_owned(), user(false)),
    ])
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

async fn with(registry: &Registry, method: Method, path: &str, authorization: &str) -> Answer {
    registry
        .send(method, path, &[("authorization", authorization)], "")
        .await
}

async fn token(registry: &Registry, user: Option<&str>, scope: &str) -> String {
    let authorization = user.map(|user| basic(user, "p"));
    let headers: Vec<_> = authorization
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    let answer = registry
        .send(
            Method::GET,
            &format!("/token?service=countersign-registry&scope={scope}"),
            &headers,
            "",
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    format!("Bearer {}", answer.json()["token"].as_str().unwrap())
}

#[tokio::test]
async fn basic_authentication_tells_wrong_from_not_allowed() {
    let registry = Registry::start_with(|options| options.auth = Some(Auth::Basic(users()))).await;
    let challenge = registry.get("/v2/").await;
    challenge.refused(401, "UNAUTHORIZED");
    assert!(
        challenge
            .header("www-authenticate")
            .starts_with("Basic realm=")
    );
    for wrong in [
        basic("writer", "x"),
        basic("nobody", "p"),
        basic("writer", ""),
        "Basic ???".to_owned(),
        "Bearer x".to_owned(),
    ] {
        with(&registry, Method::GET, "/v2/", &wrong)
            .await
            .refused(401, "UNAUTHORIZED");
    }
    assert_eq!(
        with(&registry, Method::GET, "/v2/", &basic("reader", "p"))
            .await
            .status,
        StatusCode::OK
    );
    let uploads = "/v2/a/blobs/uploads/";
    with(&registry, Method::POST, uploads, &basic("reader", "p"))
        .await
        .refused(403, "DENIED");
    assert_eq!(
        with(&registry, Method::POST, uploads, &basic("writer", "p"))
            .await
            .status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn a_bearer_token_is_asked_for_given_and_scoped() {
    let registry =
        Registry::start_with(|options| options.auth = Some(Auth::Bearer(Bearer::new(users()))))
            .await;
    let challenge = registry
        .send(Method::POST, "/v2/a/b/blobs/uploads/", &[], "")
        .await;
    challenge.refused(401, "UNAUTHORIZED");
    assert_eq!(
        challenge.header("www-authenticate"),
        format!(
            "Bearer realm=\"http://{}/token\",service=\"countersign-registry\",scope=\"repository:a/b:pull,push\"",
            registry.address
        )
    );
    let writer = token(&registry, Some("writer"), "repository:a/b:pull,push").await;
    assert_eq!(
        with(&registry, Method::POST, "/v2/a/b/blobs/uploads/", &writer)
            .await
            .status,
        StatusCode::ACCEPTED
    );
    // Scope of one repository and of these actions only.
    with(&registry, Method::POST, "/v2/a/c/blobs/uploads/", &writer)
        .await
        .refused(401, "UNAUTHORIZED");
    with(&registry, Method::DELETE, "/v2/a/b/manifests/t", &writer)
        .await
        .refused(401, "UNAUTHORIZED");
    let reader = token(&registry, Some("reader"), "repository:a/b:pull,push").await;
    with(&registry, Method::POST, "/v2/a/b/blobs/uploads/", &reader)
        .await
        .refused(401, "UNAUTHORIZED");
    with(&registry, Method::GET, "/v2/a/b/tags/list", &reader)
        .await
        .refused(404, "NAME_UNKNOWN");
    let everything = token(&registry, Some("reader"), "repository:*:pull").await;
    with(&registry, Method::GET, "/v2/a/b/tags/list", &everything)
        .await
        .refused(401, "UNAUTHORIZED");
    let anonymous = registry
        .get("/token?service=countersign-registry&scope=repository:a/b:pull")
        .await;
    anonymous.refused(401, "UNAUTHORIZED");
    let other = with(
        &registry,
        Method::GET,
        "/token?service=other&scope=repository:a/b:pull",
        &basic("reader", "p"),
    )
    .await;
    other.refused(400, "DENIED");
    // A104: something signed that brings its own key is an unknown handle like any other.
    with(
        &registry,
        Method::GET,
        "/v2/",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    )
    .await
    .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn the_anonymous_may_pull_where_that_is_allowed() {
    let registry = Registry::start_with(|options| {
        let mut bearer = Bearer::new(users());
        bearer.anonymous_pull = true;
        options.auth = Some(Auth::Bearer(bearer));
    })
    .await;
    let anonymous = token(&registry, None, "repository:a:pull,push").await;
    with(&registry, Method::GET, "/v2/a/tags/list", &anonymous)
        .await
        .refused(404, "NAME_UNKNOWN");
    with(&registry, Method::POST, "/v2/a/blobs/uploads/", &anonymous)
        .await
        .refused(401, "UNAUTHORIZED");
    with(&registry, Method::GET, "/token", &basic("reader", "wrong"))
        .await
        .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_token_expires_and_a_refresh_token_gets_the_next() {
    let registry = Registry::start_with(|options| {
        let mut bearer = Bearer::new(users());
        bearer.lifetime = Duration::from_millis(300);
        options.auth = Some(Auth::Bearer(bearer));
    })
    .await;
    let form = "grant_type=password&username=writer&password=p&service=countersign-registry&access_type=offline&scope=repository%3Aa%3Apull";
    let first = registry
        .send(
            Method::POST,
            "/token",
            &[("content-type", "application/x-www-form-urlencoded")],
            form,
        )
        .await;
    let (access, refresh) = (
        first.json()["access_token"].clone(),
        first.json()["refresh_token"].clone(),
    );
    let access = format!("Bearer {}", access.as_str().unwrap());
    with(&registry, Method::GET, "/v2/a/tags/list", &access)
        .await
        .refused(404, "NAME_UNKNOWN");
    tokio::time::sleep(Duration::from_millis(400)).await;
    with(&registry, Method::GET, "/v2/a/tags/list", &access)
        .await
        .refused(401, "UNAUTHORIZED");
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&service=countersign-registry&scope=repository:a:pull",
        refresh.as_str().unwrap()
    );
    let second = registry.send(Method::POST, "/token", &[], form).await;
    let access = format!("Bearer {}", second.json()["access_token"].as_str().unwrap());
    with(&registry, Method::GET, "/v2/a/tags/list", &access)
        .await
        .refused(404, "NAME_UNKNOWN");
    registry
        .send(
            Method::POST,
            "/token",
            &[],
            "grant_type=refresh_token&refresh_token=x",
        )
        .await
        .refused(401, "UNAUTHORIZED");
    registry
        .send(Method::POST, "/token", &[], "grant_type=magic")
        .await
        .refused(400, "UNSUPPORTED");
    registry
        .send(Method::POST, "/token", &[], "x".repeat(70_000))
        .await
        .refused(413, "SIZE_INVALID");
}

#[tokio::test]
async fn a_blob_of_a_repository_that_one_may_not_read_is_not_mounted() {
    let registry =
        Registry::start_with(|options| options.auth = Some(Auth::Bearer(Bearer::new(users()))))
            .await;
    let secret = token(&registry, Some("writer"), "repository:secret:pull,push").await;
    let digest = digest(b"content");
    let pushed = registry
        .send(
            Method::POST,
            &format!("/v2/secret/blobs/uploads/?digest={digest}"),
            &[("authorization", &secret)],
            "content",
        )
        .await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    let own = token(&registry, Some("writer"), "repository:own:pull,push").await;
    // A107: the answer is the same whether or not the blob is there.
    for path in [
        format!("/v2/own/blobs/uploads/?mount={digest}&from=secret"),
        format!("/v2/own/blobs/uploads/?mount={digest}"),
    ] {
        assert_eq!(
            with(&registry, Method::POST, &path, &own).await.status,
            StatusCode::ACCEPTED
        );
    }
    let both = token(
        &registry,
        Some("writer"),
        "repository:own:pull,push&scope=repository:secret:pull",
    )
    .await;
    let mounted = with(
        &registry,
        Method::POST,
        &format!("/v2/own/blobs/uploads/?mount={digest}&from=secret"),
        &both,
    )
    .await;
    assert_eq!(mounted.status, StatusCode::CREATED);
}
