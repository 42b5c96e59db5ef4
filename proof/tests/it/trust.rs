//! What trust material accepts, what it leaves out with a warning, and what its digest covers.

use crate::lab::{builder, code, image, prove, public, root, trusted};
use countersign_formats::{UnixTime, Window};
use countersign_proof::{Dangers, Scheme, TrustBuilder, TrustError, TrustMaterial, TrustedKey};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::Lab;
use serde_json::{Value, json};

fn warnings(value: &Value) -> Vec<&'static str> {
    let trust = TrustMaterial::builder()
        .trusted_root(&root(value))
        .build()
        .unwrap();
    trust
        .warnings()
        .iter()
        .map(|warning| warning.code())
        .collect()
}

#[test]
fn the_lab_s_root_is_used_whole() {
    let lab = Lab::new();
    let trust = builder(&lab).build().unwrap();
    assert_eq!(trust.warnings(), []);
    assert!(trust.has_keyless());
    assert_eq!(trust.keys().len(), 0);
}

#[test]
fn what_is_not_understood_is_left_out_alone() {
    let lab = Lab::new();
    let bent = |pointer: &str, value: Value| {
        let mut root = lab.trusted_root();
        *root.pointer_mut(pointer).unwrap() = value;
        root
    };
    let without = |pointer: &str, member: &str| {
        let mut root = lab.trusted_root();
        root.pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(member);
        root
    };
    for (root, expected) in [
        (
            bent("/tlogs/1/publicKey/keyDetails", json!("PKIX_LATTICE_9000")),
            "trust-key-details",
        ),
        (
            bent("/tlogs/1/publicKey/keyDetails", json!("PKIX_ED25519")),
            "trust-key",
        ),
        (
            bent("/tlogs/1/publicKey/rawBytes", json!("AAAA")),
            "trust-key",
        ),
        (
            bent("/tlogs/1/hashAlgorithm", json!("SHA2_512")),
            "trust-hash-algorithm",
        ),
        (
            bent(
                "/tlogs/1/publicKey/rawBytes",
                lab.trusted_root()["tlogs"][0]["publicKey"]["rawBytes"].clone(),
            ),
            "trust-same-log",
        ),
        (
            bent(
                "/tlogs/1/logId/keyId",
                lab.trusted_root()["tlogs"][0]["logId"]["keyId"].clone(),
            ),
            "trust-same-log",
        ),
        (
            without("/tlogs/1/publicKey/validFor", "start"),
            "trust-no-start",
        ),
        (
            bent(
                "/tlogs/1/publicKey/validFor",
                json!({"start": "2026-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}),
            ),
            "trust-reversed-window",
        ),
    ] {
        assert_eq!(warnings(&root), [expected]);
        // The rest of the root still works: the evidence is of the first log.
        let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
        let trust = TrustMaterial::builder().trusted_root(&crate::lab::root(&root));
        assert_eq!(
            code(prove(&evidence, &image(), trust)),
            "accepted",
            "{expected}"
        );
    }
    let one = lab.trusted_root()["certificateAuthorities"][0].clone();
    let leaf_as_anchor = {
        let mut other = one.clone();
        let leaf =
            lab.keyless("dev@lab.example").build().bundle["verificationMaterial"]["certificate"]
                .clone();
        other["certChain"]["certificates"] = json!([leaf]);
        other
    };
    assert_eq!(
        warnings(&bent(
            "/certificateAuthorities",
            json!([one, leaf_as_anchor])
        )),
        ["trust-chain"]
    );
}

#[test]
fn every_input_changes_the_digest() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let window = Window {
        start: Some(UnixTime(1)),
        end: None,
    };
    let narrowed = Some(vec![Scheme::Ed25519]);
    let mut root_later = lab.trusted_root();
    root_later["tlogs"][0]["publicKey"]["validFor"]["start"] = json!("2025-01-01T00:00:01Z");
    let mut root_without_authorities = lab.trusted_root();
    root_without_authorities["certificateAuthorities"] = json!([]);
    let own = |lab: &Lab| vec![bytes::Bytes::from(lab.root.certificate.clone())];
    let empty = TrustMaterial::builder;
    let variants: Vec<TrustBuilder> = vec![
        empty(),
        empty().key(trusted(&key)),
        empty().key(TrustedKey {
            valid: window,
            ..trusted(&key)
        }),
        empty().key(trusted(&LabKey::ed25519("signer"))),
        empty().key(TrustedKey {
            schemes: narrowed,
            ..trusted(&LabKey::ed25519("signer"))
        }),
        builder(&lab),
        empty().trusted_root(&root(&root_later)),
        empty().trusted_root(&root(&root_without_authorities)),
        builder(&lab).key(trusted(&key)),
        empty().certificate_authority(own(&lab), Vec::new()),
        empty().dangers(Dangers {
            ignore_sct: true,
            ..Dangers::NONE
        }),
        empty().dangers(Dangers {
            ignore_log: true,
            ..Dangers::NONE
        }),
        empty().dangers(Dangers {
            judge_certificates_now: true,
            ..Dangers::NONE
        }),
        empty().witness(countersign_proof::Witness {
            name: "w".to_owned(),
            key: public(&LabKey::ed25519("w")),
        }),
    ];
    let mut digests: Vec<_> = variants
        .into_iter()
        .map(|variant| variant.build().unwrap().digest())
        .collect();
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn keys_that_can_never_verify_are_errors_of_their_owner() {
    let p256 = || trusted(&LabKey::p256("signer"));
    let build = |key| TrustMaterial::keys_only(vec![key]).map(|trust| trust.keys().len());
    assert_eq!(build(p256()), Ok(1));
    let no_scheme = TrustedKey {
        schemes: Some(vec![Scheme::Ed25519]),
        ..p256()
    };
    assert!(matches!(build(no_scheme), Err(TrustError::NoScheme { .. })));
    let valid = Window {
        start: Some(UnixTime(2)),
        end: Some(UnixTime(1)),
    };
    assert!(matches!(
        build(TrustedKey { valid, ..p256() }),
        Err(TrustError::KeyWindow { .. })
    ));
    let witness = countersign_proof::Witness {
        name: "w".to_owned(),
        key: public(&LabKey::p256("w")),
    };
    let error = TrustMaterial::builder()
        .witness(witness)
        .build()
        .unwrap_err();
    assert_eq!(error.code(), "trust-witness-key");
}
