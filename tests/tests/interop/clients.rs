//! The typed clients of `services` against real services: what they answer is entered, proven by us and verified by cosign.

mod services;
mod tokens;
mod whole;

use bytes::Bytes;
use countersign_formats::{
    BundleContent, Digest, Envelope, EnvelopeSignature, KeyKind, Limits, TrustedRoot, pae,
};
use countersign_proof::Scheme;
use countersign_proof::digest::sha256;
use countersign_services::rekor::LoggedContent;
use countersign_services::{Rekor, RekorVersion, Submission};
use countersign_sign::PrivateKey;

use self::services::Services;
use self::whole::{cosign_verifies, prove_before_and_after, statement};
use crate::stack::{Stack, VERSION_1_CONFIG, VERSION_2_CONFIG};

async fn envelope_is_signed_and_logged(stack: &Stack, config: &str) {
    let services = Services::of(stack, config);
    let kind = KeyKind::EcdsaP256;
    let key = PrivateKey::generate(kind).expect("a key");
    let scheme = Scheme::of(kind)[0];
    let certificate = services.certificate(&key).await;
    let payload = statement(b"artifact");
    let payload_type = "application/vnd.in-toto+json";
    let signature = Bytes::from(
        key.sign(scheme, &pae(payload_type, &payload))
            .expect("a signature"),
    );
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
    let entry = services.enter(&submission).await;
    if entry.version == "0.0.1" {
        // The log has it already: 409, and the same entry.
        let again = services.enter(&submission).await;
        assert_eq!(
            (again.log_index, &again.body),
            (entry.log_index, &entry.body)
        );
    }
    let timestamp = services.stamp(&signature).await;
    let content = BundleContent::Dsse(envelope);
    let bundle = prove_before_and_after(stack, &content, &certificate, entry, &timestamp);
    cosign_verifies(
        stack,
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

/// What a bundle about a file holds: its digest and the signature.
fn message(digest: &Digest, signature: Bytes) -> BundleContent {
    let digest = Bytes::copy_from_slice(digest.as_bytes());
    BundleContent::Message {
        digest: Some(("SHA2_256".to_owned(), digest)),
        signature,
    }
}

async fn message_is_signed_and_logged(stack: &Stack, config: &str) {
    let services = Services::of(stack, config);
    let kind = KeyKind::EcdsaP256;
    let key = PrivateKey::generate(kind).expect("a key");
    let scheme = Scheme::of(kind)[0];
    let certificate = services.certificate(&key).await;
    let digest: Digest = sha256(b"artifact");
    let signature = Bytes::from(key.sign(scheme, b"artifact").expect("a signature"));
    let entry = services
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
    let timestamp = services.stamp(&signature).await;
    let content = message(&digest, signature);
    let bundle = prove_before_and_after(stack, &content, &certificate, entry, &timestamp);
    cosign_verifies(stack, config, &["verify-blob"], &bundle, b"artifact");
}

#[tokio::test]
async fn envelopes_and_messages_go_through_fulcio_both_logs_and_a_timestamp_authority() {
    let Some(stack) = Stack::with_every_log("clients") else {
        return;
    };
    for config in stack.configs() {
        envelope_is_signed_and_logged(&stack, config).await;
        message_is_signed_and_logged(&stack, config).await;
    }
}

#[tokio::test]
async fn keys_without_certificate_are_entered_too() {
    let Some(stack) = Stack::with_every_log("clients_keys") else {
        return;
    };
    for config in stack.configs() {
        let services = Services::of(&stack, config);
        for kind in [
            KeyKind::EcdsaP256,
            KeyKind::EcdsaP384,
            KeyKind::Ed25519,
            KeyKind::Rsa { bits: 2048 },
        ] {
            let key = PrivateKey::generate(kind).expect("a key");
            let scheme = match (kind, config) {
                (KeyKind::Ed25519, VERSION_2_CONFIG) => Scheme::Ed25519ph,
                // Rekor 1 verifies envelopes with SHA-256, which nobody signs with on this curve.
                (KeyKind::EcdsaP384, VERSION_1_CONFIG) => continue,
                _ => Scheme::of(kind)[0],
            };
            let payload = statement(b"artifact");
            let message = pae("application/vnd.in-toto+json", &payload);
            let signature = key.sign(scheme, &message).expect("a signature");
            let envelope = Envelope {
                payload_type: "application/vnd.in-toto+json".to_owned(),
                payload,
                signatures: vec![EnvelopeSignature {
                    keyid: None,
                    signature: Bytes::from(signature),
                }],
            };
            let entry = services
                .enter(&Submission {
                    content: LoggedContent::Envelope(&envelope),
                    key: key.public_key(),
                    scheme,
                    certificate: None,
                })
                .await;
            let expected = match config {
                VERSION_2_CONFIG => ("hashedrekord", "0.0.2"),
                _ => ("dsse", "0.0.1"),
            };
            assert_eq!((entry.kind.as_str(), entry.version.as_str()), expected);
        }
    }
}

/// The tiles are read where the log is written: `rekor_front.py` serves both.
#[tokio::test]
async fn a_conflict_of_rekor_2_is_answered_from_its_tiles() {
    let Some(stack) = Stack::start("clients_tiles") else {
        return;
    };
    let services = Services::of(&stack, VERSION_2_CONFIG);
    let log = &services.config.logs(services.now).expect("logs").candidates[0];
    let root = std::fs::read(stack.file("trusted_root.json")).expect("trusted root");
    let root = TrustedRoot::parse(&Bytes::from(root), &Limits::DEFAULT).expect("trusted root");
    let known = root.logs.iter().find(|known| known.base_url == log.url);
    let log_id = known.expect("the log").log_id.clone();
    let key = PrivateKey::generate(KeyKind::EcdsaP256).expect("a key");
    let scheme = Scheme::EcdsaP256Sha256;
    let certificate = services.certificate(&key).await;
    let digest = sha256(b"artifact");
    let signature = Bytes::from(key.sign(scheme, b"artifact").expect("a signature"));
    let submission = Submission {
        content: LoggedContent::Message {
            digest,
            signature: &signature,
        },
        key: key.public_key(),
        scheme,
        certificate: Some(&certificate),
    };
    let rekor = Rekor::new(&services.client, &log.url, RekorVersion::V2)
        .expect("a client")
        .with_log_id(log_id);
    let first = rekor.enter(&submission).await.expect("an entry");
    let again = rekor.enter(&submission).await.expect("the same entry");
    assert_eq!(
        (again.log_index, &again.body, &again.log_id),
        (first.log_index, &first.body, &first.log_id)
    );
    let timestamp = services.stamp(&signature).await;
    let content = message(&digest, signature);
    prove_before_and_after(&stack, &content, &certificate, again, &timestamp);
}
