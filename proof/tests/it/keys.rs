//! Which schemes a key yields, and when it is trusted.

use crate::lab::{builder, code, image, prove, public, trusted};
use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm, UnixTime, Window};
use countersign_proof::{
    BytesContent, Content, ContentError, DigestContent, RejectReason, Scheme, Subject,
    TrustMaterial, TrustedKey, digest,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, IN_TOTO, Lab, NOW, SIGNED_AT, image_statement, pae};
use serde_json::json;
use std::sync::Arc;

fn every_kind() -> [(LabKey, Scheme); 5] {
    [
        (LabKey::p256("signer"), Scheme::EcdsaP256Sha256),
        (LabKey::p384("signer"), Scheme::EcdsaP384Sha384),
        (LabKey::p521("signer"), Scheme::EcdsaP521Sha512),
        (LabKey::ed25519("signer"), Scheme::Ed25519),
        (LabKey::rsa(), Scheme::RsaPkcs1Sha256),
    ]
}

fn only(key: &LabKey, schemes: Option<Vec<Scheme>>) -> countersign_proof::TrustBuilder {
    TrustMaterial::builder().key(TrustedKey {
        key: public(key),
        valid: Window::ALWAYS,
        schemes,
    })
}

/// The lab's envelope with another signature of the same key.
fn with_signature(lab: &Lab, key: &LabKey, sign: impl Fn(&LabKey, &[u8]) -> Vec<u8>) -> Evidence {
    let payload = image_statement(&Lab::image()).to_string();
    let signature = sign(key, &pae(IN_TOTO, payload.as_bytes()));
    lab.managed(key.clone())
        .signature(move |made| *made = signature.clone())
        .build()
}

#[test]
fn each_kind_of_key_signs_statements_and_files() {
    let lab = Lab::new();
    for (key, scheme) in every_kind() {
        let statement = lab.managed(key.clone()).build();
        let verified = prove(&statement, &image(), only(&key, None)).unwrap();
        assert_eq!(verified.scheme(), scheme);
        let message = lab.managed(key.clone()).message(&Lab::artifact()).build();
        let blob = Subject::Blob(Arc::new(BytesContent(Bytes::from(Lab::artifact()))));
        assert_eq!(
            prove(&message, &blob, only(&key, None)).unwrap().scheme(),
            scheme
        );
        let other = Subject::Blob(Arc::new(BytesContent(Bytes::from_static(b"another file"))));
        assert_eq!(
            code(prove(&message, &other, only(&key, None))),
            "message-digest"
        );
    }
}

#[test]
fn message_without_digest_is_still_bound_to_its_bytes() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let evidence = lab
        .managed(key.clone())
        .message(&Lab::artifact())
        .bundle(|bundle| bundle["messageSignature"]["messageDigest"] = json!({}))
        .build();
    let subject =
        |bytes: &[u8]| Subject::Blob(Arc::new(BytesContent(Bytes::copy_from_slice(bytes))));
    assert!(prove(&evidence, &subject(&Lab::artifact()), only(&key, None)).is_ok());
    assert_eq!(
        code(prove(&evidence, &subject(b"another"), only(&key, None))),
        "signature-invalid"
    );
}

#[test]
fn trust_narrows_the_schemes_and_evidence_never_widens_them() {
    let lab = Lab::new();
    let prehashed = with_signature(&lab, &LabKey::ed25519("signer"), LabKey::sign_prehashed);
    let pss = with_signature(&lab, &LabKey::rsa(), LabKey::sign_pss);
    let ed25519 = LabKey::ed25519("signer");
    assert_eq!(
        prove(&prehashed, &image(), only(&ed25519, None))
            .unwrap()
            .scheme(),
        Scheme::Ed25519ph
    );
    let narrowed = only(&ed25519, Some(vec![Scheme::Ed25519]));
    assert_eq!(
        code(prove(&prehashed, &image(), narrowed)),
        "signature-invalid"
    );
    assert_eq!(
        prove(&pss, &image(), only(&LabKey::rsa(), None))
            .unwrap()
            .scheme(),
        Scheme::RsaPssSha256
    );
    let narrowed = only(&LabKey::rsa(), Some(vec![Scheme::RsaPkcs1Sha256]));
    assert_eq!(code(prove(&pss, &image(), narrowed)), "signature-invalid");
}

#[test]
fn pure_ed25519_needs_the_content_and_the_prehashed_form_its_sha512() {
    let lab = Lab::new();
    let key = LabKey::ed25519("signer");
    let evidence = lab.managed(key.clone()).message(&Lab::artifact()).build();
    let known = |algorithm| {
        Subject::Blob(Arc::new(DigestContent(digest::of(
            algorithm,
            &Lab::artifact(),
        ))))
    };
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha512] {
        assert_eq!(
            code(prove(&evidence, &known(algorithm), only(&key, None))),
            "content-needed"
        );
    }
    let prehashed = LabKey::ed25519("signer").sign_prehashed(&Lab::artifact());
    let evidence = lab
        .managed(key.clone())
        .message(&Lab::artifact())
        .signature(move |made| *made = prehashed.clone())
        .build();
    assert!(prove(&evidence, &known(HashAlgorithm::Sha512), only(&key, None)).is_ok());
    assert_eq!(
        code(prove(
            &evidence,
            &known(HashAlgorithm::Sha256),
            only(&key, None)
        )),
        "content-needed"
    );
}

#[test]
fn a_digest_is_enough_for_schemes_that_sign_one() {
    let lab = Lab::new();
    for (key, algorithm) in [
        (LabKey::p256("signer"), HashAlgorithm::Sha256),
        (LabKey::p384("signer"), HashAlgorithm::Sha384),
        (LabKey::rsa(), HashAlgorithm::Sha256),
    ] {
        let evidence = lab.managed(key.clone()).message(&Lab::artifact()).build();
        let known = Subject::Blob(Arc::new(DigestContent(digest::of(
            algorithm,
            &Lab::artifact(),
        ))));
        assert!(
            prove(&evidence, &known, only(&key, None)).is_ok(),
            "{algorithm}"
        );
    }
    let key = LabKey::p384("signer");
    let evidence = lab.managed(key.clone()).message(&Lab::artifact()).build();
    let known = Subject::Blob(Arc::new(DigestContent(digest::sha256(&Lab::artifact()))));
    assert_eq!(
        code(prove(&evidence, &known, only(&key, None))),
        "content-needed"
    );
}

#[test]
fn content_that_knows_nothing_is_named_by_nothing() {
    #[derive(Debug)]
    struct Unknown;
    impl Content for Unknown {
        fn digest(&self, _: HashAlgorithm) -> Option<Digest> {
            None
        }
        fn bytes(&self, _: u64) -> Result<Bytes, ContentError> {
            Err(ContentError::OnlyDigest)
        }
    }
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let subject = Subject::Blob(Arc::new(Unknown));
    assert_eq!(subject.digest().as_bytes(), [0; 32]);
    let message = lab.managed(key.clone()).message(&Lab::artifact()).build();
    assert_eq!(
        code(prove(&message, &subject, only(&key, None))),
        "content-needed"
    );
    let zero = image_statement(&format!("sha256:{}", "0".repeat(64)));
    let statement = lab.managed(key.clone()).statement(&zero).build();
    assert_eq!(
        code(prove(&statement, &subject, only(&key, None))),
        "subject-mismatch"
    );
}

// A016: all proven times, both ends included; undated signatures are judged now.
#[test]
fn a_key_counts_only_in_its_window() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let window = |start: i64, end: i64| Window {
        start: Some(UnixTime(start)),
        end: Some(UnixTime(end)),
    };
    let trust = |valid| {
        builder(&lab).key(TrustedKey {
            key: public(&key),
            valid,
            schemes: None,
        })
    };
    let logged = lab.managed(key.clone()).rekor_v1().build();
    let undated = lab.managed(key.clone()).build();
    for (valid, dated, now) in [
        (window(SIGNED_AT, SIGNED_AT), "accepted", "key-window"),
        (window(SIGNED_AT + 1, NOW), "key-window", "accepted"),
        (window(0, SIGNED_AT - 1), "key-window", "key-window"),
        (window(0, NOW), "accepted", "accepted"),
        (window(0, NOW - 1), "accepted", "key-window"),
    ] {
        assert_eq!(
            code(prove(&logged, &image(), trust(valid))),
            dated,
            "{valid:?}"
        );
        assert_eq!(
            code(prove(&undated, &image(), trust(valid))),
            now,
            "{valid:?}"
        );
    }
    for (evidence, is_proven) in [(&logged, true), (&undated, false)] {
        let rejected = prove(evidence, &image(), trust(window(0, 1))).unwrap_err();
        let RejectReason::KeyWindow { proven, .. } = *rejected.reason() else {
            panic!("{rejected}")
        };
        assert_eq!(proven, is_proven);
    }
    // One key with two windows counts in both.
    let twice = trust(window(0, 10)).key(TrustedKey {
        key: public(&key),
        valid: window(SIGNED_AT, NOW),
        schemes: None,
    });
    assert_eq!(code(prove(&logged, &image(), twice)), "accepted");
}

#[test]
fn a_stranger_s_signature_names_the_stranger() {
    let lab = Lab::new();
    let evidence = lab.managed(LabKey::p256("stranger")).build();
    let trust = builder(&lab)
        .key(trusted(&LabKey::p256("signer")))
        .key(trusted(&LabKey::rsa()));
    let rejected = prove(&evidence, &image(), trust).unwrap_err();
    assert_eq!(rejected.code(), "signature-invalid");
    let hint = countersign_proof::KeyId::of(&public(&LabKey::p256("stranger"))).hint();
    assert!(rejected.hint().unwrap().contains(&hint));
    assert_eq!(
        code(prove(&evidence, &image(), builder(&lab))),
        "key-not-trusted"
    );
}

// What a rejection says must be true of the evidence: a hint that is empty, or is a trusted key's own, names no stranger.
#[test]
fn a_rejection_names_the_stranger_only_where_the_hint_does() {
    let lab = Lab::new();
    let signer = LabKey::p256("signer");
    let words = |hint: &str, trust: countersign_proof::TrustBuilder| {
        let evidence = lab
            .managed(signer.clone())
            .signed_by(LabKey::p256("stranger"))
            .bundle(|bundle| bundle["verificationMaterial"]["publicKey"]["hint"] = json!(hint))
            .build();
        let rejected = prove(&evidence, &image(), trust).unwrap_err();
        rejected.hint().unwrap_or_default()
    };
    let own = countersign_proof::KeyId::of(&public(&signer)).hint();
    let trusted = || only(&signer, None);
    assert!(!words(&own, trusted()).contains(&own));
    assert!(!words("", trusted()).contains("identifier"));
    assert!(words("somebody", trusted()).contains("`somebody`"));
    assert!(words("somebody", builder(&lab)).contains("`somebody`"));
    assert!(!words("", builder(&lab)).contains("identifier"));
}

// The entry's own index is unsigned where no promise covers it; the proof's is what the checkpoint vouches for.
#[test]
fn without_a_promise_an_entry_stands_at_its_proof_s_index() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let index = |promised: bool| {
        let evidence = lab
            .managed(key.clone())
            .rekor_v1()
            .bundle(|bundle| {
                let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
                if !promised {
                    entry.as_object_mut().unwrap().remove("inclusionPromise");
                }
            })
            .build();
        let verified = prove(&evidence, &image(), builder(&lab).key(trusted(&key))).unwrap();
        verified.logs()[0].log_index
    };
    assert_eq!((index(true), index(false)), (1_005, 5));
}

// cosign writes the hint so: base64 of SHA-256 over the key's SPKI.
#[test]
fn a_key_is_named_by_the_digest_of_its_encoding() {
    let key = LabKey::p256("signer");
    let id = countersign_proof::KeyId::of(&public(&key));
    assert_eq!(id.to_string(), digest::sha256(key.spki()).to_string());
    assert_eq!(format!("{id:?}"), format!("KeyId({id})"));
    assert_eq!(id.hint(), countersign_formats::encode_base64(&key.id()));
    assert_eq!(Scheme::Ed25519ph.to_string(), "ed25519ph");
}

#[test]
fn names_of_schemes_lead_back_to_them() {
    for kind in every_kind().map(|(key, _)| public(&key).kind()) {
        for scheme in Scheme::of(kind) {
            assert_eq!(Scheme::from_name(scheme.name()), Some(*scheme));
        }
    }
    assert_eq!(Scheme::from_name("ecdsa-p256-sha1"), None);
}
