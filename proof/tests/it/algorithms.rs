//! Every kind of key in every role: authorities, logs, certificate logs and timestamp authorities.

use crate::lab::{builder, code, image, prove, root, trusted};
use bytes::Bytes;
use countersign_formats::{HashAlgorithm, Limits, UnixTime};
use countersign_proof::{
    Dangers, Image, Origin, StorageForm, Subject, TrustMaterial, Unverified, digest, verify,
};
use countersign_testdata::certificate::{CertificateSpec, Identity, name};
use countersign_testdata::certificate_log::SctSpec;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{
    END, Lab, NOW, SIGNED_AT, START, authority_instance, key_instance, log_instance,
    timestamp_leaf_of,
};
use countersign_testdata::transparency_log::Log;
use serde_json::json;

fn kinds() -> [LabKey; 6] {
    [
        LabKey::p256("role"),
        LabKey::p384("role"),
        LabKey::p521("role"),
        LabKey::ed25519("role"),
        LabKey::rsa(),
        LabKey::rsa_pss(),
    ]
}

fn self_signed(key: &LabKey) -> Identity {
    let subject = name("lab.example", "own root");
    let spec = CertificateSpec::authority(&subject, key, &subject, key, None, (START, END));
    Identity {
        certificate: spec.sign(key),
        name: subject,
        key: key.clone(),
    }
}

#[test]
fn an_authority_may_have_a_key_of_any_kind() {
    let lab = Lab::new();
    for key in kinds() {
        let authority = self_signed(&key);
        let own = || {
            let root = vec![Bytes::from(authority.certificate.clone())];
            builder(&lab)
                .certificate_authority(root, Vec::new())
                .dangers(Dangers {
                    ignore_sct: true,
                    ..Dangers::NONE
                })
        };
        let recipe = || {
            lab.keyless("dev@lab.example")
                .issued_by(&authority)
                .rekor_v1()
        };
        assert_eq!(
            code(prove(&recipe().build(), &image(), own())),
            "accepted",
            "{key:?}"
        );
        // One bit of the signature, at the certificate's end.
        let broken = recipe()
            .bundle(|bundle| {
                let place = &mut bundle["verificationMaterial"]["certificate"]["rawBytes"];
                let text = place.as_str().unwrap();
                let mut der = countersign_formats::decode_base64(text, 1 << 16)
                    .unwrap()
                    .to_vec();
                *der.last_mut().unwrap() ^= 1;
                *place = countersign_formats::encode_base64(&der).into();
            })
            .build();
        assert_eq!(
            code(prove(&broken, &image(), own())),
            "certificate-untrusted",
            "{key:?}"
        );
    }
}

#[test]
fn one_list_of_own_certificates_is_told_apart() {
    let lab = Lab::new();
    let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
    let mut without = lab.trusted_root();
    without["certificateAuthorities"] = json!([]);
    for list in [
        [&lab.root.certificate, &lab.intermediate.certificate],
        [&lab.intermediate.certificate, &lab.root.certificate],
    ] {
        let list = list.map(|der| Bytes::from(der.clone())).to_vec();
        let trust = TrustMaterial::builder()
            .trusted_root(&root(&without))
            .certificate_chain(list);
        assert_eq!(code(prove(&evidence, &image(), trust)), "accepted");
    }
}

#[test]
fn a_log_may_have_a_key_of_any_kind() {
    let lab = Lab::new();
    for key in kinds() {
        let log = Log::version_1("rekor-c.lab.example", 7, key.clone());
        let mut value = lab.trusted_root();
        value["tlogs"] = json!([log_instance(&log)]);
        let trust = || TrustMaterial::builder().trusted_root(&root(&value));
        let recipe = || lab.keyless("dev@lab.example").logged(log.clone(), "");
        assert_eq!(
            code(prove(&recipe().build(), &image(), trust())),
            "accepted",
            "{key:?}"
        );
        let other = recipe()
            .entry(|entry| {
                entry.promise_override = Some(json!({"body": "", "logIndex": 0}));
            })
            .build();
        assert_eq!(
            code(prove(&other, &image(), trust())),
            "log-promise",
            "{key:?}"
        );
    }
}

#[test]
fn a_certificate_log_may_have_a_key_of_any_kind_that_tls_names() {
    let lab = Lab::new();
    for (key, algorithm) in [
        (LabKey::p256("role"), [4, 3]),
        (LabKey::p384("role"), [5, 3]),
        (LabKey::p521("role"), [6, 3]),
        (LabKey::ed25519("role"), [8, 7]),
        (LabKey::rsa(), [4, 1]),
    ] {
        let mut value = lab.trusted_root();
        value["ctlogs"] = json!([key_instance("https://ct-c.lab.example", &key, &key.id())]);
        let outcome = |algorithm: [u8; 2]| {
            let evidence = lab
                .keyless("dev@lab.example")
                .certificate(|certificate| {
                    let mut sct = SctSpec::new(&key, SIGNED_AT - 59);
                    sct.algorithm = algorithm;
                    certificate.scts = vec![sct];
                })
                .rekor_v1()
                .build();
            let trust = TrustMaterial::builder().trusted_root(&root(&value));
            code(prove(&evidence, &image(), trust))
        };
        assert_eq!(outcome(algorithm), "accepted", "{key:?}");
        assert_eq!(outcome([0, 0]), "sct-algorithm", "{key:?}");
    }
}

#[test]
fn a_timestamp_authority_may_have_a_key_of_any_kind() {
    let lab = Lab::new();
    for key in kinds() {
        let leaf = timestamp_leaf_of(&lab.timestamp_root, &key, "TSA of another kind");
        let mut value = lab.trusted_root();
        value["timestampAuthorities"] = json!([authority_instance(
            "https://tsa-c.lab.example",
            &[&leaf.certificate, &lab.timestamp_root.certificate]
        )]);
        let trust = || TrustMaterial::builder().trusted_root(&root(&value));
        let outcome = |broken: bool| {
            let evidence = lab
                .keyless("dev@lab.example")
                .rekor_v2()
                .timestamped_by(&leaf, SIGNED_AT)
                .timestamp(|token| token.broken = broken)
                .build();
            code(prove(&evidence, &image(), trust()))
        };
        assert_eq!(outcome(false), "accepted", "{key:?}");
        assert_eq!(outcome(true), "timestamp-signature", "{key:?}");
    }
}

#[test]
fn a_log_that_names_nothing_or_another_hash_is_left_out() {
    let lab = Lab::new();
    for (kind, pointer, value, expected) in [
        ("tlogs", "/logId/keyId", json!(""), "missing-field"),
        (
            "ctlogs",
            "/hashAlgorithm",
            json!("SHA2_512"),
            "trust-hash-algorithm",
        ),
        (
            "ctlogs",
            "/publicKey/keyDetails",
            json!("PKIX_RSA_PKCS1V15_3072_SHA256"),
            "trust-key",
        ),
        (
            "ctlogs",
            "/publicKey/keyDetails",
            json!("PKIX_ECDSA_P384_SHA_384"),
            "trust-key",
        ),
    ] {
        let mut bent = lab.trusted_root();
        *bent[kind][1].pointer_mut(pointer).unwrap() = value;
        let parsed = countersign_formats::TrustedRoot::parse(
            &Bytes::from(bent.to_string()),
            &Limits::DEFAULT,
        );
        let found = match parsed {
            Err(error) => vec![error.code()],
            Ok(parsed) => {
                let trust = TrustMaterial::builder()
                    .trusted_root(&parsed)
                    .build()
                    .unwrap();
                trust
                    .warnings()
                    .iter()
                    .map(|warning| warning.code())
                    .collect()
            }
        };
        assert_eq!(found, [expected], "{kind}{pointer}");
    }
}

#[test]
fn forms_that_are_not_read_yet_are_refused_as_such() {
    let lab = Lab::new();
    let piece = Unverified::notation(
        Bytes::from_static(b"{}"),
        Origin::new(StorageForm::NotationReferrer),
        &Limits::DEFAULT,
    );
    let trust = builder(&lab).build().unwrap();
    let rejected = verify(&piece, &image(), &trust, UnixTime(NOW)).unwrap_err();
    assert_eq!(rejected.code(), "unsupported-form");
}

// An image that was read knows its digests under every algorithm; one that is only named knows one.
#[test]
fn an_image_that_was_read_is_named_by_any_of_its_digests() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let manifest = Bytes::from_static(
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#,
    );
    let long = digest::of(HashAlgorithm::Sha512, &manifest);
    let statement = countersign_testdata::lab::image_statement(&long.to_string());
    let evidence = lab.managed(key.clone()).statement(&statement).build();
    let trust = || TrustMaterial::builder().key(trusted(&key));
    let read = Image::read(manifest.clone(), None, &Limits::DEFAULT).unwrap();
    assert_eq!(*read.digest(), digest::sha256(&manifest));
    assert!(read.manifest().is_some());
    assert_eq!(
        code(prove(&evidence, &Subject::Image(read), trust())),
        "accepted"
    );
    let pinned = Image::pinned(digest::sha256(&manifest));
    assert!(pinned.manifest().is_none());
    assert_eq!(
        code(prove(&evidence, &Subject::Image(pinned), trust())),
        "subject-mismatch"
    );
}
