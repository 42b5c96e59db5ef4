//! Where a signer's token comes from, through the built program: each system that gives tokens, a login in a browser and with a
//! device, and the terminal on which somebody agrees. Nothing secret is printed at any verbosity.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use countersign_testdata::lab::{self, Lab};
use serde_json::{Value, json};

use crate::keyless::{files, token};
use crate::program::{Run, command, finish, finish_with, words};
use crate::sigstore::{Bend, EMAIL, Sigstore};
use crate::workshop::Workshop;

const ISSUER: &str = "https://issuer.example";

/// What the systems are given to prove who asks; it is as secret as the token.
const RUNNER: &str = "RUNNERSECRET";

/// What providers are like.
struct Habits {
    /// Claims of the tokens.
    claims: Box<dyn Fn(&Provider) -> String + Send + Sync>,
    status: u16,
}

/// Everything that gives tokens over http, at one address: GitHub, Buildkite, Google's metadata, an OpenID issuer.
struct Provider {
    address: SocketAddr,
    habits: Habits,
    asked: Mutex<Vec<String>>,
    /// What the browser was sent with.
    nonce: Mutex<String>,
}

impl Provider {
    fn start(claims: impl Fn(&Self) -> String + Send + Sync + 'static, status: u16) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            habits: Habits {
                claims: Box::new(claims),
                status,
            },
            asked: Mutex::default(),
            nonce: Mutex::default(),
        });
        let served = Arc::clone(&provider);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                std::thread::spawn(move || served.serve(stream));
            }
        });
        provider
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn token(&self) -> String {
        token(&(self.habits.claims)(self))
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line == "\r\n" {
                    break;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let target = head.split(' ').nth(1)?.to_owned();
            self.asked
                .lock()
                .unwrap()
                .push(format!("{head}{}", String::from_utf8_lossy(&body)));
            let token = self.token();
            let url = self.url();
            let path = target.split('?').next()?;
            let answer = match path {
                "/github" => format!(r#"{{"value":"{token}"}}"#),
                "/v3/jobs/0190-ab/oidc/tokens" => format!(r#"{{"token":"{token}"}}"#),
                "/computeMetadata/v1/instance/service-accounts/default/identity" => token,
                "/.well-known/openid-configuration" => format!(
                    r#"{{"issuer":"{url}","authorization_endpoint":"{url}/auth","token_endpoint":"{url}/token","device_authorization_endpoint":"{url}/device/code","scopes_supported":["openid"]}}"#
                ),
                "/device/code" => format!(
                    r#"{{"device_code":"{RUNNER}","user_code":"ABCD-EFGH","verification_uri":"{url}/device","expires_in":300,"interval":1}}"#
                ),
                "/token" => format!(r#"{{"access_token":"{RUNNER}","id_token":"{token}"}}"#),
                _ => String::new(),
            };
            let status = self.habits.status;
            write!(
                stream,
                "HTTP/1.1 {status} Status\r\nMetadata-Flavor: Google\r\nContent-Length: {}\r\n\r\n{answer}",
                answer.len()
            )
            .ok()?;
        }
    }
}

fn claims(issuer: &str, other: &Value) -> String {
    let mut claims = json!({
        "iss": issuer, "sub": "s", "aud": "sigstore", "exp": 4_102_444_800_u64, "email": EMAIL, "email_verified": true,
    });
    for (name, value) in other.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    claims.to_string()
}

fn good() -> Arc<Provider> {
    Provider::start(|_| claims(ISSUER, &Value::Null), 200)
}

/// A workshop with a file, and the services to sign it with.
fn scene() -> (Workshop, Sigstore) {
    let (workshop, sigstore) = (Workshop::new(), Sigstore::start(Bend::Nothing));
    workshop.write(
        "config.json",
        config(&format!("http://{}", sigstore.address), "").as_bytes(),
    );
    workshop.write(
        "root.json",
        Lab::new().trusted_root().to_string().as_bytes(),
    );
    (workshop, sigstore)
}

fn config(url: &str, issuers: &str) -> String {
    let service = |path: &str, version: u8| {
        format!(
            r#"[{{"url":"{url}{path}","majorApiVersion":{version},"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}]"#
        )
    };
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"oidcUrls":[{issuers}],"rekorTlogUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":{},"tsaConfig":{{"selector":"ANY"}}}}"#,
        service("", 1),
        service("", 2),
        service("/api/v1/timestamp", 1)
    )
}

const SIGN: &str = "-vvv sign-blob --yes --signing-config config.json --trusted-root root.json --bundle file.bundle file.txt";

fn signer(workshop: &Workshop, more: &str) -> Command {
    let mut command = command(workshop.path());
    command.args(words(&format!("{SIGN} {more}")));
    command
}

/// Nothing by which somebody else could sign is in what was said.
#[track_caller]
fn keeps_secrets(run: &Run) {
    for secret in [RUNNER, "eyJ"] {
        assert!(!run.stderr.contains(secret), "`{secret}`: {run:#?}");
        assert!(!run.stdout.contains(secret), "`{secret}`: {run:#?}");
    }
}

#[track_caller]
fn signed(workshop: &Workshop, run: Run) -> Run {
    keeps_secrets(&run);
    let run = run.ends(0);
    workshop
        .run(&format!(
            "verify-blob --trusted-root root.json --certificate-identity {EMAIL} --certificate-oidc-issuer {} --bundle file.bundle file.txt",
            countersign_testdata::lab::ISSUER
        ))
        .ends(0);
    std::fs::remove_file(workshop.file("file.bundle")).unwrap();
    run
}

/// A system that gives tokens: flags, the variables by which it is known, and a part of the request that it sees.
type System = (&'static str, Vec<(&'static str, String)>, &'static str);

fn systems(provider: &Provider) -> Vec<System> {
    let url = provider.url();
    vec![
        (
            "",
            vec![
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/github?x=1")),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER.to_owned()),
            ],
            "/github?x=1&audience=sigstore",
        ),
        (
            "",
            vec![
                ("BUILDKITE_AGENT_ENDPOINT", format!("{url}/v3")),
                ("BUILDKITE_AGENT_ACCESS_TOKEN", RUNNER.to_owned()),
                ("BUILDKITE_JOB_ID", "0190-ab".to_owned()),
            ],
            r#"{"audience":"sigstore"}"#,
        ),
        (
            "--ambient google",
            vec![("GCE_METADATA_HOST", provider.address.to_string())],
            "identity?audience=sigstore&format=full",
        ),
    ]
}

#[test]
fn each_system_gives_the_token_that_signs_and_none_of_it_is_printed() {
    let (workshop, sigstore) = scene();
    let provider = good();
    let systems = systems(&provider);
    let count = systems.len();
    for (flags, variables, asked) in systems {
        let run = finish(signer(&workshop, flags).envs(variables));
        let run = signed(&workshop, run);
        assert!(run.stderr.contains("identity token from"), "{run:?}");
        let seen = provider.asked.lock().unwrap().pop().unwrap();
        assert!(seen.contains(asked), "{asked}: {seen}");
    }
    for name in ["SIGSTORE_ID_TOKEN", "CIRCLE_OIDC_TOKEN_V2"] {
        let run = finish(signer(&workshop, "").env(name, provider.token()));
        signed(&workshop, run);
    }
    // From where it was said to come from, whatever the surroundings could give.
    workshop.write("token", format!("{}\n", provider.token()).as_bytes());
    let run = finish(
        signer(&workshop, "--identity-token token").env("SIGSTORE_ID_TOKEN", "eyJ.none.of-it"),
    );
    signed(&workshop, run);
    let run =
        finish(signer(&workshop, "--identity-token env://MINE").env("MINE", provider.token()));
    signed(&workshop, run);
    let run = finish_with(
        &mut signer(&workshop, "--identity-token -"),
        provider.token().as_bytes(),
    );
    signed(&workshop, run);
    assert_eq!(sigstore.asked("/api/v2/signingCert"), count + 5);
}

#[test]
fn a_token_for_somebody_else_an_old_one_and_one_of_another_issuer_are_sent_nowhere() {
    let (workshop, sigstore) = scene();
    for (other, flags, said) in [
        (
            json!({"aud": "https://github.com/acme"}),
            "",
            "is for the audience",
        ),
        (
            json!({"exp": 1_700_000_000}),
            "",
            "ended at 2023-11-14T22:13:20Z",
        ),
        (json!({"nbf": 4_102_444_700_u64}), "", "2099-12-31"),
        (
            Value::Null,
            "--oidc-issuer https://accounts.acme.example",
            "https://accounts.acme.example",
        ),
        (json!({"email_verified": false}), "", "e-mail"),
    ] {
        let provider = Provider::start(move |_| claims(ISSUER, &other), 200);
        for (system, variables, _) in systems(&provider) {
            let before = files(&workshop);
            let run = finish(signer(&workshop, &format!("{system} {flags}")).envs(variables));
            keeps_secrets(&run);
            let run = run.ends(21);
            assert!(run.stderr.contains(said), "{said}: {run:#?}");
            assert!(run.stderr.contains("hint: "), "{run:#?}");
            assert_eq!(files(&workshop), before);
        }
        let run = finish(signer(&workshop, flags).env("SIGSTORE_ID_TOKEN", provider.token()));
        keeps_secrets(&run);
        assert!(run.ends(21).stderr.contains(said), "{said}");
    }
    assert_eq!(sigstore.asked("/api/v2/signingCert"), 0);
}

#[test]
fn a_system_that_refuses_or_fails_is_named() {
    let (workshop, sigstore) = scene();
    for (status, code) in [(403, 21), (401, 21), (500, 20), (404, 20)] {
        let provider = Provider::start(|_| claims(ISSUER, &Value::Null), status);
        for (flags, variables, _) in systems(&provider) {
            let run = finish(signer(&workshop, &format!("--timeout 3s {flags}")).envs(variables));
            keeps_secrets(&run);
            let run = run.ends(code);
            let error = run.stderr.split("error: ").nth(1).unwrap_or_default();
            assert!(error.contains(&provider.address.to_string()), "{run:#?}");
        }
    }
    assert_eq!(sigstore.asked("/api/v2/signingCert"), 0);
}

#[cfg(unix)]
#[test]
fn a_spiffe_agent_gives_the_token_at_its_socket() {
    let (workshop, _sigstore) = scene();
    let socket = workshop.file("agent.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let token = token(&claims(ISSUER, &Value::Null));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                agent(stream, &token).await;
            }
        });
    });
    for form in ["unix://", "unix:", ""] {
        let endpoint = format!("{form}{}", socket.display());
        let run = finish(signer(&workshop, "").env("SPIFFE_ENDPOINT_SOCKET", endpoint));
        signed(&workshop, run);
    }
    let run = finish(signer(&workshop, "").env("SPIFFE_ENDPOINT_SOCKET", "unix:///absent.sock"));
    run.ends(20).says("/absent.sock");
}

/// Answers one `FetchJWTSVID`.
#[cfg(unix)]
async fn agent(stream: tokio::net::UnixStream, token: &str) {
    let field = |tag: u8, value: &[u8]| {
        let (low, high) = (value.len() % 128, value.len() / 128);
        let length = [
            u8::try_from(low).unwrap() | 0x80,
            u8::try_from(high).unwrap(),
        ];
        [&[tag][..], &length, value].concat()
    };
    let svid = [field(0x0a, b"spiffe://a/b"), field(0x12, token.as_bytes())].concat();
    let message = field(0x0a, &svid);
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(&message);
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (_, mut respond) = connection.accept().await.unwrap().unwrap();
    let head = http::Response::builder()
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(framed.into(), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    while connection.accept().await.is_some() {}
}

/// An issuer that people log in with, and a signing config that names it.
fn issuer(workshop: &Workshop, sigstore: &Sigstore) -> Arc<Provider> {
    let provider = Provider::start(
        |provider| {
            let nonce = provider.nonce.lock().unwrap().clone();
            claims(&provider.url(), &json!({ "nonce": nonce }))
        },
        200,
    );
    let issuers = format!(
        r#"{{"url":"{}","majorApiVersion":1,"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}"#,
        provider.url()
    );
    let url = format!("http://{}", sigstore.address);
    workshop.write("config.json", config(&url, &issuers).as_bytes());
    provider
}

#[test]
fn a_device_login_says_where_to_go_and_with_which_code() {
    let (workshop, sigstore) = scene();
    let provider = issuer(&workshop, &sigstore);
    let run = finish(&mut signer(&workshop, "--login device"));
    let run = signed(&workshop, run);
    assert!(
        run.stderr.contains("enter the code `ABCD-EFGH`")
            || run.stderr.contains("enter the code ABCD-EFGH"),
        "{run:#?}"
    );
    assert!(
        run.stderr.contains(&format!("{}/device", provider.url())),
        "{run:#?}"
    );
}

#[test]
fn a_browser_comes_back_to_this_machine_with_a_code() {
    let (workshop, sigstore) = scene();
    let provider = issuer(&workshop, &sigstore);
    let mut child = signer(&workshop, "--login browser")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| {
            said.push_str(&line);
            said.push('\n');
            line.split_once("this machine: ")
                .map(|(_, address)| address.to_owned())
        })
        .unwrap();
    assert!(
        address.starts_with(&format!("{}/auth?", provider.url())),
        "{address}"
    );
    let parameter = |name: &str| {
        let (_, query) = address.split_once('?').unwrap();
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
            .unwrap();
        value.replace("%3A", ":").replace("%2F", "/")
    };
    *provider.nonce.lock().unwrap() = parameter("nonce");
    assert_eq!(parameter("code_challenge_method"), "S256");
    let back = parameter("redirect_uri");
    let (host, path) = back
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let port: u16 = host.split(':').nth(1).unwrap().parse().unwrap();
    let mut browser = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        browser,
        "GET /{path}?code={RUNNER}&state={} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        parameter("state")
    )
    .unwrap();
    let mut page = String::new();
    browser.read_to_string(&mut page).unwrap();
    assert!(page.contains("logged in"), "{page}");
    for line in lines.map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
    }
    let code = child.wait().unwrap().code().unwrap();
    signed(
        &workshop,
        Run {
            code,
            stdout: String::new(),
            stderr: said,
        },
    );
    let exchange = provider.asked.lock().unwrap().pop().unwrap();
    assert!(exchange.contains("code_verifier="), "{exchange}");
}

#[test]
fn a_certificate_may_name_whom_the_token_s_issuer_asked() {
    let (workshop, _sigstore) = scene();
    let federated = |connector: &str| {
        let asked = json!({"federated_claims": {"connector_id": connector, "user_id": "7"}});
        token(&claims(ISSUER, &asked))
    };
    let line = "-o json sign --if-missing --yes --signing-config config.json --trusted-root root.json --identity-token token";
    let (known, other) = (lab::ISSUER, "https://other.example");
    // The authority names `known`: what another look, or a journal taken up, would not find again is not signed, or not taken.
    for (how, first, second, state) in [
        ("--if-missing", 20, 20, "already-signed"),
        ("--journal journal", 0, 20, "resumed"),
    ] {
        let line = line.replace("--if-missing", how);
        let sign = || workshop.run(&format!("{line} oci:image:1.0"));
        workshop.layout("image", "1.0", "genuine");
        workshop.write("token", federated(other).as_bytes());
        sign().ends(first);
        let refused = sign().ends(second);
        assert!(
            refused.stdout.contains("identity-unexpected"),
            "{refused:?}"
        );
        std::fs::remove_file(workshop.file("journal")).ok();

        workshop.write("token", federated(known).as_bytes());
        let signed = sign().ends(0);
        let said = format!("vouched for by `{ISSUER}` for `{known}`");
        assert!(signed.stderr.contains(&said), "{signed:?}");
        let again = sign().ends(0).json();
        assert_eq!(again["result"]["images"][0]["state"], state, "{again}");
        std::fs::remove_dir_all(workshop.file("image")).unwrap();
    }
}

/// Runs a line on a terminal and types `keys` there.
#[cfg(target_os = "linux")]
fn on_a_terminal(workshop: &Workshop, line: &str, keys: &str) -> Option<Run> {
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command"])
        // Whoever runs the tests in the background may have told them to ignore an interruption.
        .arg(format!(
            "exec env --default-signal=INT {} {line}",
            env!("CARGO_BIN_EXE_countersign")
        ))
        .arg("/dev/null")
        .current_dir(workshop.path())
        .env("HOME", workshop.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut said = Vec::new();
    let mut piece = [0; 512];
    let mut typed = false;
    // What is typed before the question is answered to nobody.
    while let Ok(length @ 1..) = output.read(&mut piece) {
        said.extend_from_slice(piece.get(..length).unwrap_or_default());
        if !typed && String::from_utf8_lossy(&said).contains("[y/N]") {
            input.write_all(keys.as_bytes()).unwrap();
            typed = true;
        }
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Some(Run {
        code,
        stdout: String::new(),
        stderr: String::from_utf8_lossy(&said).into_owned(),
    })
}

#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn a_terminal_is_asked_and_anything_but_yes_sends_nothing() {
    let workshop = Workshop::new();
    let nobody = "https://services.invalid";
    workshop.write("config.json", config(nobody, "").as_bytes());
    workshop.write("token", token(&claims(ISSUER, &Value::Null)).as_bytes());
    workshop.write(
        "root.json",
        Lab::new().trusted_root().to_string().as_bytes(),
    );
    let line = "--timeout 2s sign-blob --signing-config config.json --trusted-root root.json --identity-token token file.txt";
    let before = files(&workshop);
    for (keys, code, said) in [
        ("n\n", 2, "nothing was sent"),
        ("\n", 2, "nothing was sent"),
        ("yes please\n", 2, "nothing was sent"),
        ("\u{4}", 2, "nothing was sent"),
        // 128 and the signal, as `script` says it.
        ("\u{3}", 130, "publish it? [y/N]"),
        // Those who agreed are told that the services are not there.
        ("y\n", 20, "could not reach the Fulcio"),
        ("YES\n", 20, "could not reach the Fulcio"),
    ] {
        let Some(run) = on_a_terminal(&workshop, line, keys) else {
            eprintln!("SKIPPED a_terminal_is_asked: there is no `script`");
            return;
        };
        assert_eq!(run.code, code, "{keys:?}: {run:#?}");
        for words in [
            said,
            EMAIL,
            ISSUER,
            nobody,
            "about `file.txt (sha256:",
            "timestamp",
        ] {
            assert!(run.stderr.contains(words), "{keys:?}, {words}: {run:#?}");
        }
        assert_eq!(files(&workshop), before, "{keys:?}");
    }
}
