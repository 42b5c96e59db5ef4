//! The bundle that comes of services: proven by us, and verified by cosign where that is installed.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, KeyMaterial, Limits, LogEntry, TrustedRoot,
};
use countersign_proof::digest::sha256;
use countersign_proof::{
    BytesContent, Origin, StorageForm, Subject, TrustMaterial, Unverified, Verified, verify,
};

use super::services::now;
use crate::stack::Stack;

pub(super) fn statement(artifact: &[u8]) -> Bytes {
    let digest = sha256(artifact).hex();
    Bytes::from(format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"artifact","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://example.org/test/v1","predicate":{{}}}}"#
    ))
}

/// The certificate, its SCT and the timestamp are proven before anything becomes public; the entry afterwards.
pub(super) fn prove_before_and_after(
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

/// Has cosign verify a bundle.
pub(super) fn cosign_verifies(
    stack: &Stack,
    name: &str,
    command: &[&str],
    bundle: &[u8],
    artifact: &[u8],
) {
    let folder = tempfile::tempdir().expect("it holds");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("bundle.json"), bundle).expect("it holds");
    std::fs::write(path("artifact"), artifact).expect("it holds");
    let run = std::process::Command::new("cosign")
        .args(command)
        .arg("--bundle")
        .arg(path("bundle.json"))
        .arg("--trusted-root")
        .arg(stack.file("trusted_root.json"))
        .args([
            "--certificate-identity",
            "real@example.org",
            "--certificate-oidc-issuer",
        ])
        .arg(&stack.issuer)
        .arg(path("artifact"))
        .output()
        .expect("cosign runs");
    assert!(
        run.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
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
pub(super) fn prove(stack: &Stack, bundle: &[u8]) -> Verified {
    let root = Bytes::from(std::fs::read(stack.file("trusted_root.json")).expect("it holds"));
    let root = TrustedRoot::parse(&root, &Limits::DEFAULT).expect("it holds");
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .build()
        .expect("it holds");
    let origin = Origin::new(StorageForm::BundleFile);
    let bundle = Bytes::copy_from_slice(bundle);
    let piece = Unverified::bundle(bundle, origin, &Limits::DEFAULT).expect("it holds");
    let subject = Subject::Blob(Arc::new(BytesContent(Bytes::from_static(b"artifact"))));
    verify(&piece, &subject, &trust, now()).expect("it holds")
}
