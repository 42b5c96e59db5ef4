//! Tokens from the surroundings: what is asked, and of whom.

use countersign_formats::Limits;
use countersign_services::identity::{AUDIENCE, Ambient, Expected, IdentityToken};
use countersign_services::{ErrorClass, Secret, ServiceError};
use serde_json::json;

use super::fixtures::{NOW, client, good_claims, token_text};
use super::server::{Server, Step, field_of};

fn good() -> String {
    token_text(&good_claims())
}

async fn fetch(ambient: Ambient) -> Result<IdentityToken, ServiceError> {
    ambient.fetch(&client(), AUDIENCE).await
}

fn github(server: &Server) -> Ambient {
    Ambient::GitHubActions {
        url: Secret::new(format!("{}/token?x=1", server.url)),
        token: Secret::new("runner"),
    }
}

fn buildkite(server: &Server, job: &str) -> Ambient {
    Ambient::Buildkite {
        endpoint: format!("{}/v3", server.url),
        token: Secret::new("agent"),
        job: job.to_owned(),
    }
}

fn google(server: &Server) -> Ambient {
    Ambient::Google {
        host: server.url.trim_start_matches("http://").to_owned(),
    }
}

#[tokio::test]
async fn github_is_asked_for_our_audience_with_the_runner_s_token() {
    let server = Server::always(200, json!({ "count": 1, "value": good() }).to_string());
    let token = fetch(github(&server)).await.unwrap();
    assert!(token.check(&Expected::default(), NOW).is_ok());
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.method, "GET");
    let (path, query) = request.target.split_once('?').unwrap();
    assert_eq!(path, "/token");
    assert_eq!(field_of(query, "x").as_deref(), Some("1"));
    assert_eq!(field_of(query, "audience").as_deref(), Some("sigstore"));
    assert_eq!(request.header("authorization"), Some("Bearer runner"));
}

#[tokio::test]
async fn buildkite_is_asked_for_the_token_of_its_job() {
    let server = Server::always(200, json!({ "token": good() }).to_string());
    assert!(fetch(buildkite(&server, "0190-ab")).await.is_ok());
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/v3/jobs/0190-ab/oidc/tokens")
    );
    assert_eq!(request.json(), json!({ "audience": "sigstore" }));
    assert_eq!(request.header("authorization"), Some("Token agent"));

    let error = fetch(buildkite(&server, "../x")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn google_is_believed_only_with_its_own_header() {
    let flavour = vec![("Metadata-Flavor", "Google".to_owned())];
    let server = Server::start(vec![Step::Answer(200, flavour, good().into_bytes())]);
    assert!(fetch(google(&server)).await.is_ok());
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.header("metadata-flavor"), Some("Google"));
    assert!(
        request
            .target
            .contains("/default/identity?audience=sigstore&format=full")
    );

    let captive = Server::always(200, good());
    let error = fetch(google(&captive)).await.unwrap_err();
    assert_eq!(error.code(), "malformed-answer");
}

#[tokio::test]
async fn a_refusal_is_told_from_a_wrong_answer_and_no_token_is_shown() {
    let server = Server::always(403, r#"{"message":"no"}"#);
    let error = fetch(github(&server)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("token-refused", ErrorClass::Authentication)
    );
    let echo = json!({ "value": "not a token: secret-part" }).to_string();
    for body in [
        echo.as_str(),
        r#"{"value":"secret-part"#,
        r#"{"value":{"secret-part":1}}"#,
    ] {
        let server = Server::always(200, body);
        let error = fetch(github(&server)).await.unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("secret-part"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn variables_are_used_as_they_are() {
    for ambient in [
        Ambient::Variable(Secret::new(good())),
        Ambient::CircleCi(Secret::new(good())),
    ] {
        assert!(fetch(ambient).await.is_ok());
    }
    let error = fetch(Ambient::Variable(Secret::new("x")))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "token-malformed");
    // CircleCI's own variable is for the organisation: the check says so before anything is sent.
    let mut claims = good_claims();
    claims["aud"] = json!("organisation");
    let token = IdentityToken::parse(&token_text(&claims), &Limits::DEFAULT).unwrap();
    let error = token.check(&Expected::default(), NOW).unwrap_err();
    assert_eq!(error.code(), "token-audience");
}

#[cfg(unix)]
mod spiffe {
    use std::path::{Path, PathBuf};

    use bytes::Bytes;
    use countersign_services::identity::Ambient;
    use tokio::net::UnixListener;

    use super::{fetch, good};

    /// An agent that answers one call with these bytes, or with a gRPC status.
    fn agent(
        socket: &Path,
        answer: Result<Vec<u8>, u8>,
    ) -> tokio::task::JoinHandle<(String, Vec<u8>)> {
        let listener = UnixListener::bind(socket).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (mut request, mut respond) = connection.accept().await.unwrap().unwrap();
            // The connection works only while it is polled.
            tokio::spawn(async move { while connection.accept().await.is_some() {} });
            let body = request.body_mut().data().await.unwrap().unwrap().to_vec();
            assert_eq!(request.headers()["workload.spiffe.io"], "true");
            let path = request.uri().path().to_owned();
            let head = http::Response::builder().header("content-type", "application/grpc");
            match answer {
                Ok(bytes) => {
                    let head = head.body(()).unwrap();
                    let mut stream = respond.send_response(head, false).unwrap();
                    stream.send_data(Bytes::from(bytes), false).unwrap();
                    let mut trailers = http::HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().unwrap());
                    stream.send_trailers(trailers).unwrap();
                }
                Err(code) => {
                    let head = head
                        .header("grpc-status", code.to_string())
                        .header("grpc-message", "no identity issued");
                    respond.send_response(head.body(()).unwrap(), true).unwrap();
                }
            }
            (path, body)
        })
    }

    fn message(token: &str) -> Vec<u8> {
        let field = |tag: u8, content: &[u8]| {
            let mut field = vec![tag];
            let length = content.len();
            assert!((128..16384).contains(&length) || length < 128);
            if length >= 128 {
                field.push((length & 0x7f) as u8 | 0x80);
                field.push((length >> 7) as u8);
            } else {
                field.push(length as u8);
            }
            field.extend_from_slice(content);
            field
        };
        let svid = [field(0x0a, b"spiffe://a/b"), field(0x12, token.as_bytes())].concat();
        let message = field(0x0a, &svid);
        let mut framed = vec![0];
        framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        [framed, message].concat()
    }

    fn socket(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("agent.sock")
    }

    #[tokio::test]
    async fn an_agent_gives_a_token_for_our_audience() {
        let folder = tempfile::tempdir().unwrap();
        let socket = socket(&folder);
        let agent = agent(&socket, Ok(message(&good())));
        let token = fetch(Ambient::Spiffe { socket }).await.unwrap();
        assert_eq!(token.unverified_issuer(), "https://issuer.example");
        let (path, body) = agent.await.unwrap();
        assert_eq!(path, "/SpiffeWorkloadAPI/FetchJWTSVID");
        assert_eq!(body, b"\x00\x00\x00\x00\x0a\x0a\x08sigstore");
    }

    #[tokio::test]
    async fn an_agent_that_says_no_or_nothing_is_understood() {
        for (answer, code) in [
            (Err(7), "token-refused"),
            (Err(13), "request-refused"),
            (Ok(vec![0, 0, 0, 0, 0]), "malformed-answer"),
            (Ok(vec![0; 70_000]), "over-limit"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let socket = socket(&folder);
            let _agent = agent(&socket, answer);
            let error = fetch(Ambient::Spiffe { socket }).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        let nobody = Ambient::Spiffe {
            socket: PathBuf::from("/nonexistent/agent.sock"),
        };
        assert_eq!(
            fetch(nobody).await.unwrap_err().code(),
            "service-unreachable"
        );
    }
}
