//! The whole road on a layout: sign, publish, verify.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign::formats::{Digest, KeyKind, Limits, Reference, UnixTime, media_types};
use countersign::policy::{About, Outcome, Policy, PolicySet, Requirement, SignerRule, Terms};
use countersign::proof::{Image, TrustedKey, digest::sha256};
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

#[test]
fn an_image_is_judged_through_an_index_only_where_its_bytes_list_it() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path()).unwrap();
    let image = sha256(b"an image");
    let listing = |digest: &Digest| {
        let index = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{{\"mediaType\":\"{}\",\"digest\":\"{digest}\",\"size\":2,\"platform\":{{\"os\":\"linux\",\"architecture\":\"amd64\"}}}}]}}",
            media_types::OCI_INDEX,
            media_types::OCI_MANIFEST,
        );
        Image::read(Bytes::from(index), None, &Limits::DEFAULT).unwrap()
    };
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let keys = vec![TrustedKey::new(key.public_key().clone()).into()];
    let policy = Policy::new(
        "prod",
        BTreeMap::from([("release".to_owned(), SignerRule::Key { keys })]),
        Requirement::Signature {
            by: vec!["release".to_owned()],
            annotations: BTreeMap::new(),
            terms: Terms {
                subject: About::Platform,
                via_index: true,
                ..Terms::default()
            },
        },
    );
    let verifier = Verifier::builder().policy(policy.into()).build().unwrap();
    let verifier = blocking::Verifier::new(verifier).unwrap();
    let reference = format!("oci:{}@{image}", directory.path().display());
    let reference = Reference::parse(&reference).unwrap();
    let through = |index: &Image| verifier.verify_through(&reference, index, NOW);
    let error = through(&listing(&sha256(b"another"))).unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("not-in-index", ErrorClass::Usage)
    );
    let error = through(&Image::pinned(*listing(&image).digest())).unwrap_err();
    assert_eq!(error.code(), "not-in-index", "an index that was not read");
    // Listed: now it is what the index promises that is not there.
    let error = through(&listing(&image)).unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("child-missing", ErrorClass::Unknown)
    );
    // What the index carries counts for what it lists.
    let index = listing(&image);
    let Image::Read(read) = index.clone() else {
        panic!("it was read");
    };
    let read = read.bytes().clone();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let pushed = layout
                .push_manifest(read, media_types::OCI_INDEX, Some("1.4"))
                .await
                .unwrap();
            let limits = Limits::DEFAULT;
            let digest = pushed.descriptor.digest;
            let signed = sign_image(&key, digest, &BTreeMap::new(), NOW, &limits).unwrap();
            publish(&layout, &pushed.descriptor, &signed.verified, NOW)
                .await
                .unwrap();
        });
    let decision = through(&index).unwrap().decision;
    assert!(decision.passes());
    assert_eq!(decision.index, Some(*index.digest()));
}
