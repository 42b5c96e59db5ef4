//! Asking several services at once.

use std::sync::{Arc, Mutex};

use countersign_formats::Window;
use countersign_services::{
    Outage, Selection, Service, ServiceError, ServiceKind, ServiceName, TimestampAuthority,
};

use super::fixtures::client;
use super::server::{Server, nobody};

fn service(url: &str) -> Service {
    Service {
        url: url.to_owned(),
        major_version: 1,
        valid: Window::ALWAYS,
        operator: url.to_owned(),
    }
}

fn down(url: &str) -> ServiceError {
    ServiceError::Unavailable {
        service: ServiceName {
            kind: ServiceKind::Rekor,
            address: url.to_owned(),
        },
        outage: Box::new(Outage::Connection {
            detail: "down".to_owned(),
        }),
    }
}

async fn gather(urls: &[&str], needed: usize) -> (Result<Vec<String>, &'static str>, Vec<String>) {
    let selection = Selection {
        candidates: urls.iter().map(|url| service(url)).collect(),
        needed,
    };
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&asked);
    let result = selection
        .gather(move |service| {
            notes.lock().unwrap().push(service.url.clone());
            async move {
                match service.url.as_str() {
                    url if url.starts_with("down") => Err(down(url)),
                    url if url.starts_with("lies") => Err(ServiceError::Configuration {
                        detail: "lies".to_owned(),
                    }),
                    _ => Ok(service.url),
                }
            }
        })
        .await
        .map_err(|error| error.code());
    let asked = asked.lock().unwrap().clone();
    (result, asked)
}

#[tokio::test]
async fn only_as_many_as_are_needed_are_asked_and_answers_keep_their_order() {
    let (answers, asked) = gather(&["a", "b", "c"], 2).await;
    assert_eq!(answers.unwrap(), ["a", "b"]);
    assert_eq!(asked, ["a", "b"]);
    assert_eq!(gather(&[], 0).await.0.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn one_that_is_down_is_replaced_and_one_that_lies_is_not() {
    assert_eq!(gather(&["down1", "b", "c"], 2).await.0.unwrap(), ["c", "b"]);
    assert_eq!(gather(&["down1", "down2", "c"], 1).await.0.unwrap(), ["c"]);
    let (answers, _) = gather(&["a", "down1"], 2).await;
    assert_eq!(answers, Err("service-unreachable"));
    let (answers, asked) = gather(&["lies", "b"], 1).await;
    assert_eq!(answers, Err("configuration"));
    assert_eq!(asked, ["lies"]);
}

#[tokio::test]
async fn clients_fit_into_it() {
    let broken = Server::always(200, "no timestamp");
    let selection = Selection {
        candidates: vec![service(&nobody()), service(&broken.url)],
        needed: 1,
    };
    let client = client();
    let error = selection
        .gather(|service| {
            let client = client.clone();
            async move {
                TimestampAuthority::new(&client, &service.url)?
                    .stamp(b"signature")
                    .await
            }
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), "malformed-answer");
}
