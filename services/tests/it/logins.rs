//! Interactive logins: what the browser is sent with, and what it must come back with.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proof::digest::sha256;
use countersign_services::identity::{
    DevicePrompt, IdentityToken, Issuer, LoginSettings, browser_login, device_login,
};
use countersign_services::{ErrorClass, ServiceError};
use serde_json::{Value, json};

use super::fixtures::{client, good_claims, token_text};
use super::server::{Request, Server, field_of};

/// What an issuer was asked, and what it does about it.
#[derive(Default)]
struct Plan {
    /// The nonce that the token gets.
    nonce: Mutex<Option<String>>,
    /// Answers to polls before the token.
    polls: Mutex<Vec<&'static str>>,
}

/// An issuer that gives tokens with the planned nonce.
fn issuer(plan: &Arc<Plan>) -> Server {
    let plan = Arc::clone(plan);
    Server::making(move |request| {
        let url = format!("http://{}", request.header("host").unwrap());
        match request.target.as_str() {
            "/.well-known/openid-configuration" => (200, discovery(&url).to_string().into_bytes()),
            "/device/code" => (200, device(&url, 1).to_string().into_bytes()),
            "/token" => {
                if let Some(error) = plan.polls.lock().unwrap().pop() {
                    return (400, json!({ "error": error }).to_string().into_bytes());
                }
                let mut claims = good_claims();
                if let Some(nonce) = &*plan.nonce.lock().unwrap() {
                    claims["nonce"] = json!(nonce);
                }
                let answer = json!({ "access_token": "a", "id_token": token_text(&claims) });
                (200, answer.to_string().into_bytes())
            }
            _ => (404, vec![]),
        }
    })
}

fn discovery(url: &str) -> Value {
    json!({
        "issuer": url, "authorization_endpoint": format!("{url}/auth"), "token_endpoint": format!("{url}/token"),
        "device_authorization_endpoint": format!("{url}/device/code"), "scopes_supported": ["openid"],
    })
}

fn device(url: &str, interval: u64) -> Value {
    json!({ "device_code": "device-secret", "user_code": "ABCD", "verification_uri": format!("{url}/device"),
        "expires_in": 300, "interval": interval })
}

fn patience(seconds: u64) -> LoginSettings {
    LoginSettings {
        patience: Duration::from_secs(seconds),
        ..LoginSettings::default()
    }
}

/// What the browser was sent with.
struct Sent(String);

impl Sent {
    fn field(&self, name: &str) -> String {
        field_of(self.0.split_once('?').unwrap().1, name).unwrap()
    }

    fn port(&self) -> u16 {
        let url = reqwest::Url::parse(&self.field("redirect_uri")).unwrap();
        assert_eq!(
            (url.host_str(), url.path()),
            (Some("localhost"), "/auth/callback")
        );
        url.port().unwrap()
    }

    /// Comes back, and returns the status and the whole answer.
    fn come_back(&self, target: &str, host: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port()))?;
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer
            .split(' ')
            .nth(1)
            .map_or(0, |code| code.parse().unwrap());
        Ok((status, answer))
    }

    fn come_back_to_callback(&self, query: &str) -> std::io::Result<(u16, String)> {
        let host = format!("localhost:{}", self.port());
        self.come_back(&format!("/auth/callback?{query}"), &host)
    }
}

/// Logs in with a browser that does what `act` says, in its own thread.
async fn login(
    act: impl FnOnce(Sent, &Plan) + Send + 'static,
) -> (Result<IdentityToken, ServiceError>, Vec<Request>) {
    let plan = Arc::new(Plan::default());
    let server = issuer(&plan);
    let client = client();
    let issuer = Issuer::discover(&client, &server.url).await.unwrap();
    let (give, take) = std::sync::mpsc::channel();
    let open = |url: &str| {
        let sent = Sent(url.to_owned());
        std::thread::spawn(move || {
            act(sent, &plan);
            give.send(()).unwrap();
        });
    };
    let result = browser_login(&client, &issuer, &patience(3), open).await;
    // A panic of the thread fails the test.
    tokio::task::spawn_blocking(move || take.recv_timeout(Duration::from_secs(5)).unwrap())
        .await
        .unwrap();
    (result, server.requests())
}

fn keep_nonce(sent: &Sent, plan: &Plan) {
    *plan.nonce.lock().unwrap() = Some(sent.field("nonce"));
}

#[tokio::test]
async fn a_login_that_comes_back_whole_gives_a_token() {
    let (challenge, kept) = std::sync::mpsc::channel();
    let (result, requests) = login(move |sent, plan| {
        keep_nonce(&sent, plan);
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "sigstore"),
            ("scope", "openid email"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(sent.field(name), value);
        }
        challenge
            .send((sent.field("code_challenge"), sent.field("redirect_uri")))
            .unwrap();
        let query = format!("code=the-code&state={}", sent.field("state"));
        let (status, page) = sent.come_back_to_callback(&query).unwrap();
        assert_eq!(status, 200);
        assert!(!page.contains("the-code"));
        // The port is closed: nobody can come back a second time.
        assert!(sent.come_back_to_callback(&query).is_err());
    })
    .await;
    assert!(result.is_ok(), "{result:?}");
    let exchange = requests.last().unwrap();
    let (challenge, address) = kept.recv().unwrap();
    assert_eq!(exchange.field("code").unwrap(), "the-code");
    assert_eq!(exchange.field("redirect_uri").unwrap(), address);
    let verifier = exchange.field("code_verifier").unwrap();
    assert_eq!(
        challenge,
        URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()).as_bytes())
    );
}

#[tokio::test]
async fn requests_that_are_none_of_ours_change_nothing() {
    let (result, _) = login(|sent, plan| {
        keep_nonce(&sent, plan);
        let host = format!("localhost:{}", sent.port());
        let query = format!("/auth/callback?code=c&state={}", sent.field("state"));
        // An early connection that says nothing, as browsers open them.
        let _idle = TcpStream::connect(("127.0.0.1", sent.port())).unwrap();
        assert_eq!(sent.come_back("/favicon.ico", &host).unwrap().0, 404);
        // A page under another name that leads to this machine.
        assert_eq!(sent.come_back(&query, "evil.example").unwrap().0, 404);
        assert_eq!(sent.come_back(&query, &host).unwrap().0, 200);
    })
    .await;
    assert!(result.is_ok(), "{result:?}");
}

#[tokio::test]
async fn each_wrong_return_has_its_code_and_no_code_is_exchanged() {
    type Query = fn(&Sent) -> String;
    let cases: [(Query, &str); 8] = [
        (|_| "code=c&state=other".to_owned(), "login-state-differs"),
        (|_| "code=c".to_owned(), "login-state-differs"),
        (
            |sent| format!("code=c&state={0}&state={0}", sent.field("state")),
            "login-state-differs",
        ),
        (|_| "error=access_denied".to_owned(), "login-state-differs"),
        (
            |sent| {
                format!(
                    "code=c&state={}&iss=https://evil.example",
                    sent.field("state")
                )
            },
            "login-issuer-differs",
        ),
        (
            |sent| {
                format!(
                    "error=access_denied&error_description=no&state={}",
                    sent.field("state")
                )
            },
            "login-denied",
        ),
        (
            |sent| format!("state={}", sent.field("state")),
            "login-without-code",
        ),
        (
            |sent| format!("code=a&code=b&state={}", sent.field("state")),
            "login-without-code",
        ),
    ];
    for (query, code) in cases {
        let (result, requests) = login(move |sent, plan| {
            keep_nonce(&sent, plan);
            let (status, _) = sent.come_back_to_callback(&query(&sent)).unwrap();
            assert_eq!(status, 400);
        })
        .await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            (code, ErrorClass::Authentication)
        );
        assert!(
            requests.iter().all(|request| request.target != "/token"),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_token_of_another_login_is_refused() {
    for nonce in [Some("other".to_owned()), None] {
        let (result, _) = login(move |sent, plan| {
            *plan.nonce.lock().unwrap() = nonce;
            let query = format!("code=c&state={}", sent.field("state"));
            assert_eq!(sent.come_back_to_callback(&query).unwrap().0, 200);
        })
        .await;
        assert_eq!(result.unwrap_err().code(), "login-nonce-differs");
    }
}

#[tokio::test]
async fn a_login_that_nobody_finishes_ends() {
    let (result, _) = login(|_, _| {}).await;
    assert_eq!(result.unwrap_err().code(), "login-timed-out");
}

#[tokio::test]
async fn a_device_login_asks_until_the_person_has_decided() {
    let plan = Arc::new(Plan::default());
    *plan.polls.lock().unwrap() = vec!["authorization_pending"];
    let server = issuer(&plan);
    let client = client();
    let issuer = Issuer::discover(&client, &server.url).await.unwrap();
    assert!(issuer.has_device_login());
    let mut shown = None;
    let token = device_login(&client, &issuer, &patience(10), |prompt| {
        shown = Some(prompt.clone());
    })
    .await;
    assert!(token.is_ok(), "{token:?}");
    let expected = DevicePrompt {
        address: format!("{}/device", server.url),
        complete_address: None,
        code: "ABCD".to_owned(),
    };
    assert_eq!(shown, Some(expected));
    let polls: Vec<Request> = server
        .requests()
        .into_iter()
        .filter(|request| request.target == "/token")
        .collect();
    assert_eq!(polls.len(), 2);
    assert_eq!(polls[0].field("device_code").unwrap(), "device-secret");
    assert!(polls[0].field("code_verifier").is_some());
}

#[tokio::test]
async fn each_end_of_a_device_login_has_its_code() {
    for (error, code) in [
        ("access_denied", "login-denied"),
        ("expired_token", "login-timed-out"),
        ("invalid_client", "request-refused"),
    ] {
        let plan = Arc::new(Plan::default());
        *plan.polls.lock().unwrap() = vec![error];
        let server = issuer(&plan);
        let client = client();
        let issuer = Issuer::discover(&client, &server.url).await.unwrap();
        let error = device_login(&client, &issuer, &patience(10), |_| {}).await;
        assert_eq!(error.unwrap_err().code(), code);
    }
    let plan = Arc::new(Plan::default());
    *plan.polls.lock().unwrap() = vec!["authorization_pending"; 100];
    let server = issuer(&plan);
    let client = client();
    let issuer = Issuer::discover(&client, &server.url).await.unwrap();
    let error = device_login(&client, &issuer, &patience(2), |_| {}).await;
    assert_eq!(error.unwrap_err().code(), "login-timed-out");
}

#[tokio::test]
async fn a_discovery_document_must_be_this_issuer_s_and_lead_nowhere_unsafe() {
    let bend = |bend: fn(&mut Value)| {
        Server::making(move |request| {
            let url = format!("http://{}", request.header("host").unwrap());
            let mut document = discovery(&url);
            bend(&mut document);
            (200, document.to_string().into_bytes())
        })
    };
    for (server, code) in [
        (
            bend(|document| document["issuer"] = json!("https://evil.example")),
            "malformed-answer",
        ),
        (
            bend(|document| document["token_endpoint"] = Value::Null),
            "malformed-answer",
        ),
        (
            bend(|document| document["token_endpoint"] = json!("http://evil.example/token")),
            "address-refused",
        ),
        (
            bend(|document| document["authorization_endpoint"] = json!("javascript:x")),
            "address-refused",
        ),
        (
            bend(|document| document["device_authorization_endpoint"] = json!("file:///etc")),
            "address-refused",
        ),
    ] {
        let error = Issuer::discover(&client(), &server.url).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let without_device = bend(|document| {
        document
            .as_object_mut()
            .unwrap()
            .remove("device_authorization_endpoint");
    });
    let client = client();
    let issuer = Issuer::discover(&client, &without_device.url)
        .await
        .unwrap();
    let error = device_login(&client, &issuer, &patience(1), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), "login-no-device-flow");
}
