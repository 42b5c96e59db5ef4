//! The hook that gives the server a personality, and the access log.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_registry::BoxFuture;
use countersign_registry_server::{Body, Intercept, Step, full};
use http::{Method, Response, StatusCode, request::Parts};

use crate::client::{IMAGE, Registry, artifact, digest};

/// A registry as it was before the referrers API.
struct WithoutReferrers;

impl Intercept for WithoutReferrers {
    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        Box::pin(async {
            request.headers.remove("if-none-match");
            if !request.uri.path().contains("/referrers/") {
                return Step::Continue;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut response = Response::new(full("404 page not found"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            Step::Answer(Box::new(response))
        })
    }

    fn after<'a>(
        &'a self,
        _: &'a Parts,
        mut response: Response<Body>,
    ) -> BoxFuture<'a, Response<Body>> {
        response.headers_mut().remove("oci-subject");
        Box::pin(async { response })
    }
}

#[tokio::test]
async fn a_hook_answers_changes_and_delays() {
    let registry =
        Registry::start_with(|options| options.intercept = Some(Arc::new(WithoutReferrers))).await;
    registry.push_blob("a", "{}").await;
    let subject = digest(b"subject");
    for _ in 0..2 {
        let body = artifact("x/y", Some(&subject)).to_string();
        let put = registry
            .send(
                Method::PUT,
                "/v2/a/manifests/t",
                &[("content-type", IMAGE), ("if-none-match", "*")],
                body,
            )
            .await;
        assert_eq!(
            (put.status, put.header("oci-subject")),
            (StatusCode::CREATED, "")
        );
    }
    let list = registry.get(&format!("/v2/a/referrers/{subject}")).await;
    assert_eq!(
        (list.status, list.text().as_str()),
        (StatusCode::NOT_FOUND, "404 page not found")
    );
}

#[tokio::test]
async fn every_answer_is_recorded_and_faults_are_told_to_the_operator_only() {
    let records = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&records);
    let registry = Registry::start_with(|options| {
        options.diagnostics = Some(Arc::new(move |record| {
            let line = (
                record.method.to_string(),
                record.path.to_owned(),
                record.status.as_u16(),
                record.fault.map(str::to_owned),
            );
            seen.lock().unwrap().push(line);
        }));
    })
    .await;
    registry.push_artifact("a", "x/y", None, Some("t")).await;
    std::fs::write(registry.path().join("a/index.json"), "{").unwrap();
    let broken = registry.get("/v2/a/manifests/t?x=y").await;
    broken.refused(500, "UNKNOWN");
    assert!(!broken.text().contains("index.json"));
    let (method, path, status, fault) = records.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        (method.as_str(), path.as_str(), status),
        ("GET", "/v2/a/manifests/t", 500)
    );
    assert!(fault.unwrap().contains("index.json"));
}
