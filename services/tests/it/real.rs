//! The clients against real services, where the variable COUNTERSIGN_STACK names a folder with their signing config.
//!
//! The folder holds `signing_config.json` (Rekor 2), `signing_config_rekor1.json` where there is a Rekor 1, and `trusted_root.json`;
//! the config's issuer hands out tokens at `/jwt`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, Digest, Envelope, EnvelopeSignature, KeyKind,
    KeyMaterial, Limits, LogEntry, PublicKey, TrustedRoot, UnixTime, pae,
};
use countersign_proof::digest::sha256;
use countersign_proof::{
    BytesContent, Origin, Scheme, StorageForm, Subject, TrustMaterial, Unverified, Verified, verify,
};
use countersign_services::identity::{
    AUDIENCE, Ambient, CheckedToken, Expected, IdentityToken, Issuer, LoginSettings, browser_login,
    device_login,
};
use countersign_services::rekor::LoggedContent;
use countersign_services::{
    Client, Fulcio, Rekor, RekorVersion, Settings, SigningConfig, Submission, TimestampAuthority,
};
use countersign_sign::PrivateKey;

use super::server::{Server, Step, Whole};

struct Stack {
    folder: PathBuf,
    config: SigningConfig,
    client: Client,
    now: UnixTime,
}

impl Stack {
    fn find(config: &str) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("COUNTERSIGN_STACK")?);
        let bytes = Bytes::from(std::fs::read(folder.join(config)).ok()?);
        Some(Self {
            config: SigningConfig::parse(&bytes, &Limits::DEFAULT).unwrap(),
            client: Client::new(Settings::default()),
            now: now(),
            folder,
        })
    }

    fn issuer(&self) -> String {
        self.config.issuer(self.now).unwrap().unwrap().url.clone()
    }

    async fn token(&self) -> CheckedToken {
        let url = format!("{}/jwt?email=real@example.org", self.issuer());
        let text = reqwest_text(&url).await;
        IdentityToken::parse(&text, &Limits::DEFAULT)
            .unwrap()
            .check(&self.expected(), self.now)
            .unwrap()
    }

    fn expected(&self) -> Expected {
        Expected {
            issuers: vec![self.issuer()],
            ..Expected::default()
        }
    }

    async fn certificate(&self, key: &PrivateKey) -> Bytes {
        let authority = self
            .config
            .certificate_authority(self.now)
            .unwrap()
            .unwrap();
        let fulcio = Fulcio::new(&self.client, &authority.url).unwrap();
        let scheme = Scheme::of(key.kind())[0];
        let chain = fulcio
            .certify(&self.token().await, key.public_key(), self.now, |message| {
                key.sign(scheme, message)
            })
            .await
            .unwrap();
        assert!(chain.certificates().len() > 1);
        chain.certificate().clone()
    }

    async fn enter(&self, submission: &Submission<'_>) -> LogEntry {
        let selection = self.config.logs(self.now).unwrap();
        let service = &selection.candidates[0];
        let version = RekorVersion::of(service).unwrap();
        let rekor = Rekor::new(&self.client, &service.url, version).unwrap();
        rekor.enter(submission).await.unwrap()
    }

    async fn stamp(&self, signature: &[u8]) -> Bytes {
        let selection = self.config.timestamp_authorities(self.now).unwrap();
        let authority =
            TimestampAuthority::new(&self.client, &selection.candidates[0].url).unwrap();
        authority.stamp(signature).await.unwrap()
    }
}

/// Tests are programs: they read the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "real services live in the present"
)]
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixTime(i64::try_from(since.as_secs()).unwrap())
}

async fn reqwest_text(url: &str) -> String {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let output = std::process::Command::new("curl")
            .args(["-sSf", &url])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
    .await
    .unwrap()
}

fn statement(artifact: &[u8]) -> Bytes {
    let digest = sha256(artifact).hex();
    Bytes::from(format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"artifact","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://example.org/test/v1","predicate":{{}}}}"#
    ))
}

fn write_bundle(
    content: BundleContent,
    certificate: &Bytes,
    entry: Option<LogEntry>,
    timestamp: &Bytes,
) -> Vec<u8> {
    Bundle {
        version: BundleVersion::V0_3,
        material: KeyMaterial::Certificate(certificate.clone()),
        log_entries: entry.into_iter().collect(),
        timestamps: vec![timestamp.clone()],
        content,
    }
    .to_json()
}

/// Proves a bundle about the artifact with our own verifier.
fn prove(stack: &Stack, bundle: &[u8]) -> Verified {
    let root = Bytes::from(std::fs::read(stack.folder.join("trusted_root.json")).unwrap());
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).unwrap();
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .build()
        .unwrap();
    let origin = Origin::new(StorageForm::BundleFile);
    let bundle = Bytes::copy_from_slice(bundle);
    let piece = Unverified::bundle(bundle, origin, &Limits::DEFAULT).unwrap();
    let subject = Subject::Blob(Arc::new(BytesContent(Bytes::from_static(b"artifact"))));
    verify(&piece, &subject, &trust, now()).unwrap()
}

/// The certificate, its SCT and the timestamp are proven before anything becomes public; the entry afterwards.
fn prove_before_and_after(
    stack: &Stack,
    content: &BundleContent,
    certificate: &Bytes,
    entry: LogEntry,
    timestamp: &Bytes,
) -> Vec<u8> {
    let before = write_bundle(content.clone(), certificate, None, timestamp);
    let before = prove(stack, &before);
    assert_eq!(
        (
            before.logs().len(),
            before.timestamps().len(),
            before.scts().len()
        ),
        (0, 1, 1)
    );
    let bundle = write_bundle(content.clone(), certificate, Some(entry), timestamp);
    let after = prove(stack, &bundle);
    assert_eq!(
        (
            after.logs().len(),
            after.timestamps().len(),
            after.scts().len()
        ),
        (1, 1, 1)
    );
    bundle
}

#[expect(clippy::print_stderr, reason = "what did not run must be seen")]
fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// Has cosign verify a bundle, when it is installed.
fn cosign_verifies(stack: &Stack, name: &str, command: &[&str], bundle: &[u8], artifact: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("bundle.json"), bundle).unwrap();
    std::fs::write(path("artifact"), artifact).unwrap();
    let run = std::process::Command::new("cosign")
        .args(command)
        .arg("--bundle")
        .arg(path("bundle.json"))
        .arg("--trusted-root")
        .arg(stack.folder.join("trusted_root.json"))
        .args([
            "--certificate-identity",
            "real@example.org",
            "--certificate-oidc-issuer",
        ])
        .arg(stack.issuer())
        .arg(path("artifact"))
        .output();
    match run {
        Ok(output) => assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => skipped(&format!("cosign on {name}: {error}")),
    }
}

async fn envelope_is_signed_and_logged(config: &str, kind: KeyKind) {
    let Some(stack) = Stack::find(config) else {
        skipped(&format!("COUNTERSIGN_STACK names no folder with {config}"));
        return;
    };
    let key = PrivateKey::generate(kind).unwrap();
    let scheme = Scheme::of(kind)[0];
    let certificate = stack.certificate(&key).await;
    let payload = statement(b"artifact");
    let payload_type = "application/vnd.in-toto+json";
    let signature = Bytes::from(key.sign(scheme, &pae(payload_type, &payload)).unwrap());
    let envelope = Envelope {
        payload_type: payload_type.to_owned(),
        payload,
        signatures: vec![EnvelopeSignature {
            keyid: None,
            signature: signature.clone(),
        }],
    };
    let submission = Submission {
        content: LoggedContent::Envelope(&envelope),
        key: key.public_key(),
        scheme,
        certificate: Some(&certificate),
    };
    let entry = stack.enter(&submission).await;
    if entry.version == "0.0.1" {
        // The log has it already: 409, and the same entry.
        let again = stack.enter(&submission).await;
        assert_eq!(
            (again.log_index, &again.body),
            (entry.log_index, &entry.body)
        );
    }
    let timestamp = stack.stamp(&signature).await;
    let content = BundleContent::Dsse(envelope);
    let bundle = prove_before_and_after(&stack, &content, &certificate, entry, &timestamp);
    cosign_verifies(
        &stack,
        config,
        &[
            "verify-blob-attestation",
            "--type",
            "https://example.org/test/v1",
        ],
        &bundle,
        b"artifact",
    );
}

async fn message_is_signed_and_logged(config: &str, kind: KeyKind) {
    let Some(stack) = Stack::find(config) else {
        skipped(&format!("COUNTERSIGN_STACK names no folder with {config}"));
        return;
    };
    let key = PrivateKey::generate(kind).unwrap();
    let scheme = Scheme::of(kind)[0];
    let certificate = stack.certificate(&key).await;
    let digest: Digest = sha256(b"artifact");
    let signature = Bytes::from(key.sign(scheme, b"artifact").unwrap());
    let entry = stack
        .enter(&Submission {
            content: LoggedContent::Message {
                digest,
                signature: &signature,
            },
            key: key.public_key(),
            scheme,
            certificate: Some(&certificate),
        })
        .await;
    let timestamp = stack.stamp(&signature).await;
    let content = BundleContent::Message {
        digest: Some((
            "SHA2_256".to_owned(),
            Bytes::copy_from_slice(digest.as_bytes()),
        )),
        signature,
    };
    let bundle = prove_before_and_after(&stack, &content, &certificate, entry, &timestamp);
    cosign_verifies(&stack, config, &["verify-blob"], &bundle, b"artifact");
}

#[tokio::test]
async fn envelopes_go_through_fulcio_rekor_2_and_a_timestamp_authority() {
    envelope_is_signed_and_logged("signing_config.json", KeyKind::EcdsaP256).await;
}

#[tokio::test]
async fn messages_go_through_fulcio_rekor_2_and_a_timestamp_authority() {
    message_is_signed_and_logged("signing_config.json", KeyKind::EcdsaP256).await;
}

#[tokio::test]
async fn envelopes_go_through_rekor_1_and_come_back_from_a_conflict() {
    envelope_is_signed_and_logged("signing_config_rekor1.json", KeyKind::EcdsaP256).await;
}

#[tokio::test]
async fn messages_go_through_rekor_1() {
    message_is_signed_and_logged("signing_config_rekor1.json", KeyKind::EcdsaP256).await;
}

#[tokio::test]
async fn keys_without_certificate_are_entered_too() {
    for config in ["signing_config.json", "signing_config_rekor1.json"] {
        let Some(stack) = Stack::find(config) else {
            continue;
        };
        for kind in [
            KeyKind::EcdsaP256,
            KeyKind::EcdsaP384,
            KeyKind::Ed25519,
            KeyKind::Rsa { bits: 2048 },
        ] {
            let key = PrivateKey::generate(kind).unwrap();
            let public: &PublicKey = key.public_key();
            let scheme = match (kind, config) {
                (KeyKind::Ed25519, "signing_config.json") => Scheme::Ed25519ph,
                // Rekor 1 verifies envelopes with SHA-256, which nobody signs with on this curve.
                (KeyKind::EcdsaP384, "signing_config_rekor1.json") => continue,
                _ => Scheme::of(kind)[0],
            };
            let payload = statement(b"artifact");
            let message = pae("application/vnd.in-toto+json", &payload);
            let envelope = Envelope {
                payload_type: "application/vnd.in-toto+json".to_owned(),
                payload,
                signatures: vec![EnvelopeSignature {
                    keyid: None,
                    signature: Bytes::from(key.sign(scheme, &message).unwrap()),
                }],
            };
            let entry = stack
                .enter(&Submission {
                    content: LoggedContent::Envelope(&envelope),
                    key: public,
                    scheme,
                    certificate: None,
                })
                .await;
            let expected = match config {
                "signing_config.json" => ("hashedrekord", "0.0.2"),
                _ => ("dsse", "0.0.1"),
            };
            assert_eq!((entry.kind.as_str(), entry.version.as_str()), expected);
        }
    }
}

#[tokio::test]
async fn tokens_come_from_the_actions_interface_and_from_both_logins() {
    let Some(stack) = Stack::find("signing_config.json") else {
        return;
    };
    let issuer = stack.issuer();
    let variables = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(format!("{issuer}/actions?x=1")),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("runner".to_owned()),
        _ => None,
    };
    let ambient = Ambient::detect(variables).unwrap().unwrap();
    let token = ambient.fetch(&stack.client, AUDIENCE).await.unwrap();
    let token = token.check(&stack.expected(), stack.now).unwrap();
    assert_eq!(token.identity(), "repo:acme/app:ref:refs/heads/main");

    let discovered = Issuer::discover(&stack.client, &issuer).await.unwrap();
    let settings = LoginSettings::default();
    let open = |url: &str| {
        let url = url.to_owned();
        std::thread::spawn(move || {
            let status = std::process::Command::new("curl")
                .args(["-sSfL", "-o", "/dev/null", &url])
                .status();
            assert!(status.unwrap().success());
        });
    };
    let token = browser_login(&stack.client, &discovered, &settings, open)
        .await
        .unwrap();
    assert_eq!(
        token
            .check(&stack.expected(), stack.now)
            .unwrap()
            .identity(),
        "user@example.org"
    );

    let token = device_login(&stack.client, &discovered, &settings, |prompt| {
        assert_eq!(prompt.code, "ABCD-EFGH");
    })
    .await
    .unwrap();
    assert!(token.check(&stack.expected(), stack.now).is_ok());
}

#[tokio::test]
async fn fulcio_refuses_a_token_with_another_audience_or_signature() {
    let Some(stack) = Stack::find("signing_config.json") else {
        return;
    };
    let url = format!("{}/jwt?aud=other", stack.issuer());
    let token = IdentityToken::parse(&reqwest_text(&url).await, &Limits::DEFAULT).unwrap();
    let expected = Expected {
        audience: "other".to_owned(),
        ..Expected::default()
    };
    let token = token.check(&expected, stack.now).unwrap();
    let authority = stack
        .config
        .certificate_authority(stack.now)
        .unwrap()
        .unwrap();
    let fulcio = Fulcio::new(&stack.client, &authority.url).unwrap();
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let sign = |message: &[u8]| key.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(&token, key.public_key(), stack.now, sign)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "token-refused", "{refused}");

    let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let sign = |message: &[u8]| other.sign(Scheme::EcdsaP256Sha256, message);
    let refused = fulcio
        .certify(&stack.token().await, key.public_key(), stack.now, sign)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "request-refused", "{refused}");
}

/// A log is often read elsewhere than it is written to: here the folder of a Rekor 2 is served beside it.
#[tokio::test]
async fn a_conflict_of_rekor_2_is_answered_from_its_tiles() {
    let Some(stack) = Stack::find("signing_config.json") else {
        return;
    };
    let tiles = stack.folder.join("rekor2");
    let log = stack.config.logs(stack.now).unwrap().candidates[0]
        .url
        .clone();
    if !tiles.is_dir() {
        skipped("the stack has no folder with the tiles of its log");
        return;
    }
    let root = Bytes::from(std::fs::read(stack.folder.join("trusted_root.json")).unwrap());
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).unwrap();
    let known = root
        .logs
        .iter()
        .find(|known| known.base_url == log)
        .unwrap();
    let log_id = known.log_id.clone();
    let front = Server::start(vec![Step::MakeWhole(Box::new(move |request| {
        if request.method == "POST" {
            return forward(&log, &request.body);
        }
        let path = request.target.trim_start_matches("/api/v2/");
        match std::fs::read(tiles.join(path)) {
            Ok(bytes) => (200, vec![], bytes),
            Err(_) => (404, vec![], vec![]),
        }
    }))]);
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let scheme = Scheme::EcdsaP256Sha256;
    let certificate = stack.certificate(&key).await;
    let digest = sha256(b"artifact");
    let signature = Bytes::from(key.sign(scheme, b"artifact").unwrap());
    let submission = Submission {
        content: LoggedContent::Message {
            digest,
            signature: &signature,
        },
        key: key.public_key(),
        scheme,
        certificate: Some(&certificate),
    };
    let rekor = Rekor::new(&stack.client, &front.url, RekorVersion::V2)
        .unwrap()
        .with_log_id(log_id);
    let first = rekor.enter(&submission).await.unwrap();
    let again = rekor.enter(&submission).await.unwrap();
    assert_eq!(
        (again.log_index, &again.body, &again.log_id),
        (first.log_index, &first.body, &first.log_id)
    );
    let content = BundleContent::Message {
        digest: Some((
            "SHA2_256".to_owned(),
            Bytes::copy_from_slice(digest.as_bytes()),
        )),
        signature: signature.clone(),
    };
    let timestamp = stack.stamp(&signature).await;
    prove_before_and_after(&stack, &content, &certificate, again, &timestamp);
}

/// Passes an entry on to the real log.
fn forward(log: &str, body: &[u8]) -> Whole {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, body).unwrap();
    let output = std::process::Command::new("curl")
        .args([
            "-s",
            "-i",
            "-H",
            "content-type: application/json",
            "--data-binary",
        ])
        .arg(format!("@{}", file.display()))
        .arg(format!("{log}/api/v2/log/entries"))
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let index = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("x-log-index"))
        .map(|(_, value)| ("X-Log-Index", value.to_owned()));
    (
        status,
        index.into_iter().collect(),
        body.as_bytes().to_vec(),
    )
}
