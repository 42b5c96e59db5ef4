//! The clients against real services, where the variable COUNTERSIGN_STACK names a folder with their signing config.
//!
//! The folder holds `signing_config.json` (Rekor 2), `signing_config_rekor1.json` where there is a Rekor 1, and `trusted_root.json`;
//! the config's issuer hands out tokens at `/jwt`.

mod stack;
mod tokens;
mod whole;

use bytes::Bytes;
use countersign_formats::{
    BundleContent, Digest, Envelope, EnvelopeSignature, KeyKind, Limits, PublicKey, TrustedRoot,
    pae,
};
use countersign_proof::Scheme;
use countersign_proof::digest::sha256;
use countersign_services::rekor::LoggedContent;
use countersign_services::{Rekor, RekorVersion, Submission};
use countersign_sign::PrivateKey;

use self::stack::{Stack, skipped};
use self::whole::{cosign_verifies, prove_before_and_after, statement};
use crate::server::{Server, Step, Whole};

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
