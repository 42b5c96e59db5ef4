//! Blobs, evidence files and the blocking twin.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign::formats::{PublicKey, UnixTime, Window};
use countersign::policy::{Outcome, Policy, PolicySet, Requirement, SignerRule};
use countersign::proof::{BytesContent, TrustedKey};
use countersign::{Evidence, Verifier, VerifyError, blocking};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW};

fn verifier() -> Verifier {
    let key = PublicKey::from_pem(LabKey::p256("release").public_pem().as_bytes()).unwrap();
    let keys = vec![TrustedKey {
        key,
        valid: Window::ALWAYS,
        schemes: None,
    }];
    let policy = Policy::new(
        "flags",
        BTreeMap::from([(
            "key".to_owned(),
            SignerRule::Key {
                keys: keys.into_iter().map(Into::into).collect(),
            },
        )]),
        Requirement::signature(vec!["key".to_owned()], BTreeMap::new()),
    );
    Verifier::builder()
        .policy(PolicySet::from(policy))
        .build()
        .unwrap()
}

fn bundle(key: &str) -> String {
    Lab::new()
        .managed(LabKey::p256(key))
        .message(&Lab::artifact())
        .build()
        .bundle
        .to_string()
}

fn outcome(evidence: Vec<Evidence>) -> Outcome {
    let content = Arc::new(BytesContent(Bytes::from(Lab::artifact())));
    let blocking = blocking::Verifier::new(verifier()).unwrap();
    blocking
        .verify_blob(content, &evidence, UnixTime(NOW))
        .unwrap()
        .outcome()
}

#[test]
fn a_blob_is_verified_by_its_bundle() {
    assert_eq!(
        outcome(vec![Evidence::new("good", bundle("release"))]),
        Outcome::Pass
    );
    assert_eq!(
        outcome(vec![Evidence::new("other", bundle("other"))]),
        Outcome::NoneAcceptable
    );
    assert_eq!(
        outcome(vec![Evidence::new("garbage", "not a bundle")]),
        Outcome::NoneAcceptable
    );
    assert_eq!(outcome(vec![]), Outcome::NoEvidence);
}

#[test]
fn one_bundle_a_line_is_read() {
    let lines = format!("{}\n{}\n", bundle("other"), bundle("release"));
    assert_eq!(outcome(vec![Evidence::new("lines", lines)]), Outcome::Pass);
}

#[test]
fn the_blocking_verifier_refuses_to_block_a_runtime() {
    let blocking = blocking::Verifier::new(verifier()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let content = Arc::new(BytesContent(Bytes::from(Lab::artifact())));
        let error = blocking
            .verify_blob(content, &[], UnixTime(NOW))
            .unwrap_err();
        assert!(matches!(error, VerifyError::InsideRuntime));
        // Dropping it here must not panic either.
        drop(blocking);
    });
}
