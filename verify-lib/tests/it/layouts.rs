//! The whole road on a layout: sign, publish, verify.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign::formats::{KeyKind, Limits, Reference, UnixTime, media_types};
use countersign::policy::{Outcome, Policy, PolicySet, Requirement, SignerRule};
use countersign::proof::{TrustedKey, digest::sha256};
use countersign::registry::layout::Layout;
use countersign::registry::{Store as _, publish};
use countersign::{ErrorClass, Verifier, blocking};
use countersign_sign::{PrivateKey, attest, sign_image};

const NOW: UnixTime = UnixTime(1_790_000_000);

#[test]
fn what_is_signed_and_published_to_a_layout_verifies_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("layout");
    let store = Layout::create(&path).unwrap();
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let image = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let config = b"{\"architecture\":\"amd64\",\"os\":\"linux\"}";
        store.push_blob(Bytes::from_static(config), &sha256(config)).await.unwrap();
        let manifest = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"config\":{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":{}}},\"layers\":[]}}",
            media_types::OCI_MANIFEST,
            media_types::OCI_CONFIG,
            sha256(config),
            config.len()
        );
        let image = store.push_manifest(Bytes::from(manifest), media_types::OCI_MANIFEST, Some("1.4")).await.unwrap();
        let image = image.descriptor;
        let limits = Limits::DEFAULT;
        let signed = sign_image(&key, image.digest, &BTreeMap::new(), NOW, &limits).unwrap();
        publish(&store, &image, &signed.verified, NOW).await.unwrap();
        let spdx = "https://spdx.dev/Document";
        let attested = attest(&key, "app", image.digest, spdx, b"{\"name\":\"app\"}", NOW, &limits).unwrap();
        publish(&store, &image, &attested.verified, NOW).await.unwrap();
        image
    });
    let by = vec!["release".to_owned()];
    let policy = |key: &PrivateKey| {
        PolicySet::from(Policy::new(
            "prod",
            BTreeMap::from([(
                "release".to_owned(),
                SignerRule::Key {
                    keys: vec![TrustedKey::new(key.public_key().clone()).into()],
                },
            )]),
            Requirement::AllOf(vec![
                Requirement::signature(by.clone(), BTreeMap::new()),
                Requirement::statement(
                    Some(countersign::formats::predicate_types::resolve("spdxjson").unwrap()),
                    by.clone(),
                    BTreeMap::new(),
                ),
            ]),
        ))
    };
    let verify = |reference: &str, key: &PrivateKey| {
        let verifier = Verifier::builder().policy(policy(key)).build().unwrap();
        blocking::Verifier::new(verifier)
            .unwrap()
            .verify(&Reference::parse(reference).unwrap(), NOW)
    };
    let layout = format!("oci:{}", path.display());
    for reference in [
        layout.clone(),
        format!("{layout}:1.4"),
        format!("{layout}@{}", image.digest),
    ] {
        let verification = verify(&reference, &key).unwrap();
        assert_eq!(
            verification.decision.outcome(),
            Outcome::Pass,
            "{reference}: {:?}",
            verification.decision
        );
        assert_eq!(
            (verification.digest, verification.requests),
            (image.digest, 0)
        );
    }
    let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    assert_eq!(
        verify(&layout, &other).unwrap().decision.outcome(),
        Outcome::NoneAcceptable
    );
    assert_eq!(
        verify(&format!("{layout}:9.9"), &key).unwrap_err().class(),
        ErrorClass::NotFound
    );
    let absent = format!("{layout}@{}", sha256(b"absent"));
    assert_eq!(
        verify(&absent, &key).unwrap_err().class(),
        ErrorClass::NotFound
    );
}
