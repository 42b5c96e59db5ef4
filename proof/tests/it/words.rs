//! What proofs and rejections say to people and programs: sections, hints, lists, names.

use crate::lab::{builder, bundle, image, prove, public, trusted};
use bytes::Bytes;
use countersign_formats::{Limits, UnixTime, Window};
use countersign_proof::{
    BytesContent, Check, Content, ContentError, Danger, Image, Origin, Rejected, Scheme,
    StorageForm, Subject, TrustMaterial, TrustedKey, Unverified, digest, is_signature, verify,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, NOW, image_statement};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;

fn rejected(evidence: &Evidence, trust: countersign_proof::TrustBuilder) -> Rejected {
    prove(evidence, &image(), trust).unwrap_err()
}

fn hint(rejected: &Rejected) -> String {
    rejected.hint().unwrap_or_default()
}

#[test]
fn a_rejection_names_its_section_and_what_to_do_next() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let nobody = TrustMaterial::builder;
    let keyless = || lab.keyless("dev@lab.example");
    let managed = || lab.managed(key.clone());
    let with_key = || builder(&lab).key(trusted(&key));

    let no_hint = managed()
        .bundle(|bundle| bundle["verificationMaterial"]["publicKey"] = json!({}))
        .build();
    let stranger = rejected(&no_hint, builder(&lab));
    assert_eq!(
        (stranger.code(), stranger.section()),
        ("key-not-trusted", "trusted key")
    );
    assert!(hint(&stranger).contains("public key"));

    let undated = rejected(&keyless().build(), builder(&lab));
    assert_eq!(undated.code(), "no-proven-time");
    assert!(undated.section().contains("establishing a time"));
    assert!(hint(&undated).contains("log entry with a promise"));

    let unknown = countersign_testdata::lab::chain_of("stranger").1;
    let foreign = rejected(
        &keyless().issued_by(&unknown).rekor_v1().build(),
        builder(&lab),
    );
    assert_eq!(foreign.code(), "certificate-untrusted");
    assert!(foreign.section().contains("RFC 5280"));
    assert!(hint(&foreign).contains("trusted root must name"));

    let mut root = lab.trusted_root();
    root["certificateAuthorities"] = json!([]);
    let none = rejected(
        &keyless().rekor_v1().build(),
        nobody().trusted_root(&crate::lab::root(&root)),
    );
    assert_eq!(none.code(), "no-authorities");
    assert!(hint(&none).contains("own authority"));

    let mut root = lab.trusted_root();
    root["ctlogs"] = json!([]);
    let sct = rejected(
        &keyless().rekor_v1().build(),
        nobody().trusted_root(&crate::lab::root(&root)),
    );
    assert_eq!(sct.section(), "RFC 6962 §3.2");
    assert!(hint(&sct).contains("without certificate transparency"));

    let no_proof = managed()
        .rekor_v1()
        .bundle(|bundle| {
            let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
            entry.as_object_mut().unwrap().remove("inclusionProof");
        })
        .build();
    let no_proof = rejected(&no_proof, with_key());
    assert_eq!(no_proof.code(), "log-no-proof");
    assert!(no_proof.section().contains("transparency log entry"));
    assert!(hint(&no_proof).contains("inclusion proof"));

    for (pointer, value, code, section) in [
        (
            "inclusionPromise/signedEntryTimestamp",
            json!("AAAA"),
            "log-promise",
            "Rekor v1 signed entry timestamp",
        ),
        (
            "inclusionProof/hashes",
            json!(["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]),
            "log-inclusion",
            "RFC 6962 §2.1.1",
        ),
    ] {
        let bent = managed()
            .rekor_v1()
            .bundle(|bundle| {
                let path = format!("/verificationMaterial/tlogEntries/0/{pointer}");
                *bundle.pointer_mut(&path).unwrap() = value.clone();
            })
            .build();
        let bent = rejected(&bent, with_key());
        assert_eq!(bent.code(), code);
        assert!(bent.section().contains(section), "{}", bent.section());
    }
    let unsigned = managed()
        .rekor_v1()
        .entry(|entry| {
            entry.checkpoint = Some(|checkpoint| checkpoint.signers[0].broken = true);
        })
        .build();
    let unsigned = rejected(&unsigned, with_key());
    assert!(
        unsigned.code().starts_with("checkpoint"),
        "{}",
        unsigned.code()
    );
    assert!(unsigned.section().contains("C2SP tlog-checkpoint"));
}

#[test]
fn a_document_that_is_none_gives_the_hint_of_its_format() {
    let origin = || Origin::new(StorageForm::BundleFile);
    let bytes =
        Bytes::from_static(br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v9+json"}"#);
    let refused = Unverified::bundle(bytes, origin(), &Limits::DEFAULT).unwrap_err();
    assert_eq!(refused.section(), "the document's own format");
    assert_eq!(
        refused.source().map(ToString::to_string),
        Some(refused.to_string())
    );
}

#[test]
fn a_rejection_lists_all_that_a_claim_is_about_and_whose_signature_was_tried() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let mut statement = image_statement(&format!("sha256:{}", "1".repeat(64)));
    statement["subject"][0]["digest"]["sha512"] = json!("2".repeat(128));
    let two = rejected(
        &lab.managed(key.clone()).statement(&statement).build(),
        builder(&lab).key(trusted(&key)),
    );
    let words = two.to_string();
    assert!(
        words.contains(&format!("sha256:{}`, `sha512:22", "1".repeat(64))),
        "{words}"
    );
    assert!(words.contains("the claim is about `sha256:"), "{words}");

    let bent = lab
        .managed(key.clone())
        .signature(|signature| *signature = LabKey::p256("other").sign(b"other"))
        .bundle(|bundle| bundle["verificationMaterial"]["publicKey"] = json!({}))
        .build();
    let one = rejected(&bent, builder(&lab).key(trusted(&key)));
    assert!(
        one.to_string().contains("not valid for the trusted key"),
        "{one}"
    );
    let many = builder(&lab)
        .key(trusted(&key))
        .key(trusted(&LabKey::p256("second")));
    let many = rejected(&bent, many);
    assert!(many.to_string().contains("any of 2 trusted keys"), "{many}");

    let window = |start, end| TrustedKey {
        valid: Window { start, end },
        ..trusted(&key)
    };
    let good = lab.managed(key.clone()).timestamped().build();
    for (start, end, words) in [
        (Some(UnixTime(NOW + 1)), None, "trusted from 20"),
        (None, Some(UnixTime(1)), "trusted until 1970"),
        (Some(UnixTime(0)), Some(UnixTime(1)), "trusted from 1970"),
    ] {
        let outside = rejected(&good, builder(&lab).key(window(start, end)));
        assert!(outside.to_string().contains(words), "{outside}");
    }
}

#[test]
fn names_of_forms_dangers_and_checks_are_all_different() {
    use StorageForm as Form;
    let forms = [
        Form::BundleReferrer,
        Form::BundleFile,
        Form::SignatureTag,
        Form::AttestationTag,
        Form::SignatureReferrer,
        Form::DsseReferrer,
        Form::DsseFile,
        Form::NotationReferrer,
        Form::SbomReferrer,
        Form::SbomTag,
        Form::BuildkitManifest,
    ];
    let distinct = |mut names: Vec<String>| {
        let count = names.len();
        assert!(names.iter().all(|name| name.len() > 3), "{names:?}");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    };
    distinct(forms.iter().map(|form| form.code().to_owned()).collect());
    distinct(forms.iter().map(ToString::to_string).collect());
    assert_eq!(Form::BundleReferrer.code(), "bundle-referrer");
    let dangers = [
        Danger::IgnoreSct,
        Danger::IgnoreLog,
        Danger::JudgeCertificatesNow,
    ];
    distinct(
        dangers
            .iter()
            .map(|danger| danger.meaning().to_owned())
            .collect(),
    );
    for danger in dangers {
        assert_eq!(danger.to_string(), danger.name());
        assert_eq!(Check::Weakened(danger).detail(), danger.meaning());
    }

    let lab = Lab::new();
    let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
    let verified = prove(&evidence, &image(), builder(&lab)).unwrap();
    distinct(verified.report().checks.iter().map(Check::detail).collect());
    let [entry] = verified.logs() else { panic!() };
    let hex: String = entry
        .log
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(entry.log.as_bytes().len(), 32);
    assert_eq!(entry.log.to_string(), hex);
    assert_eq!(format!("{:?}", entry.log), format!("LogId({hex})"));
    let inclusion = verified
        .report()
        .checks
        .iter()
        .find(|check| check.name() == "log-inclusion");
    assert_eq!(inclusion.unwrap().section(), "RFC 6962 §2.1.1");
}

#[test]
fn a_claim_tells_its_statement_and_the_subject_that_matched() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let mut statement = image_statement(&Lab::image());
    let first = json!({"name": "other", "digest": {"sha256": "1".repeat(64)}});
    let subjects = statement["subject"].as_array_mut().unwrap();
    subjects.insert(0, first.clone());
    subjects.insert(1, first);
    let evidence = lab.managed(key.clone()).statement(&statement).build();
    let verified = prove(&evidence, &image(), builder(&lab).key(trusted(&key))).unwrap();
    let countersign_proof::Claim::Statement(claim) = verified.claim() else {
        panic!("{:?}", verified.claim())
    };
    assert_eq!(claim.matched(), 2);
    assert_eq!(
        verified.claim().statement().unwrap().subjects.len(),
        claim.statement().subjects.len()
    );
}

#[test]
fn a_piece_says_what_it_holds_before_anything_is_proven() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let managed = lab.managed(key.clone()).build();
    let piece = bundle(&managed);
    assert_eq!(
        piece.bytes(),
        Some(&Bytes::from(managed.bundle.to_string()))
    );
    let unproven = piece.peek();
    assert_eq!(
        unproven.unverified_predicate_type(),
        Some("https://sigstore.dev/cosign/sign/v1")
    );
    assert!(unproven.unverified_key_hint.is_some());
    let no_hint = lab
        .managed(key)
        .bundle(|bundle| bundle["verificationMaterial"]["publicKey"] = json!({}))
        .build();
    assert_eq!(bundle(&no_hint).peek().unverified_key_hint, None);

    let keyless = lab.keyless("dev@lab.example").build();
    let certificate = keyless.certificate.as_ref().unwrap();
    let annotations = BTreeMap::from([(
        "dev.sigstore.cosign/certificate".to_owned(),
        countersign_testdata::pem("CERTIFICATE", certificate),
    )]);
    let envelope = keyless.bundle["dsseEnvelope"].clone();
    let dsse = |envelope: &serde_json::Value| {
        Unverified::dsse(
            Bytes::from(envelope.to_string()),
            &annotations,
            Origin::new(StorageForm::AttestationTag),
            &Limits::DEFAULT,
        )
    };
    let unproven = dsse(&envelope).unwrap().peek();
    assert!(unproven.unverified_certificate);
    assert!(unproven.unverified_san.is_some());

    let signature = envelope["signatures"][0].clone();
    for (count, accepted) in [
        (0, false),
        (1, true),
        (Limits::DEFAULT.envelope_signatures, true),
        (Limits::DEFAULT.envelope_signatures + 1, false),
    ] {
        let mut many = envelope.clone();
        many["signatures"] = vec![signature.clone(); count].into();
        assert_eq!(dsse(&many).is_ok(), accepted, "{count}");
    }
}

#[test]
fn content_is_handed_out_up_to_its_cap() {
    let content = BytesContent(Bytes::from_static(b"1234"));
    assert_eq!(content.bytes(4).unwrap().len(), 4);
    assert_eq!(content.bytes(5).unwrap().len(), 4);
    assert!(matches!(
        content.bytes(3),
        Err(ContentError::TooLong { cap: 3 })
    ));
    let manifest = Bytes::from_static(
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#,
    );
    let Subject::Image(Image::Read(read)) =
        Subject::Image(Image::read(manifest.clone(), None, &Limits::DEFAULT).unwrap())
    else {
        panic!("an image that was read")
    };
    assert_eq!(read.bytes(), &manifest);
    assert_eq!(*read.digest(), digest::sha256(&manifest));
}

#[test]
fn a_raw_signature_counts_for_its_key_scheme_and_message_alone() {
    let (p256, ed25519) = (LabKey::p256("raw"), LabKey::ed25519("raw"));
    let signature = p256.sign(b"message");
    let is = |key: &LabKey, scheme, message: &[u8], signature: &[u8]| {
        is_signature(&public(key), scheme, message, signature)
    };
    assert!(is(&p256, Scheme::EcdsaP256Sha256, b"message", &signature));
    assert!(!is(&p256, Scheme::EcdsaP256Sha256, b"another", &signature));
    assert!(!is(&p256, Scheme::Ed25519, b"message", &signature));
    assert!(!is(
        &LabKey::p256("other"),
        Scheme::EcdsaP256Sha256,
        b"message",
        &signature
    ));
    assert!(is(
        &ed25519,
        Scheme::Ed25519,
        b"message",
        &ed25519.sign(b"message")
    ));
}

#[test]
fn trust_in_keys_alone_knows_no_authority_and_a_key_given_twice_counts_once() {
    let key = LabKey::p256("signer");
    let trust = |keys: Vec<TrustedKey>| TrustMaterial::keys_only(keys).unwrap();
    assert!(!trust(vec![trusted(&key)]).has_keyless());
    assert_eq!(trust(vec![trusted(&key), trusted(&key)]).keys().len(), 1);
    let later = TrustedKey {
        valid: Window {
            start: Some(UnixTime(1)),
            end: None,
        },
        ..trusted(&key)
    };
    assert_eq!(trust(vec![trusted(&key), later]).keys().len(), 2);
    let ed25519 = || trusted(&LabKey::ed25519("signer"));
    let narrowed = TrustedKey {
        schemes: Some(vec![Scheme::Ed25519]),
        ..ed25519()
    };
    assert_eq!(trust(vec![ed25519(), narrowed]).keys().len(), 2);
    assert_eq!(trust(vec![trusted(&key), ed25519()]).keys().len(), 2);
}

#[test]
fn a_bundle_whose_text_is_let_go_proves_the_same() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let managed = lab.managed(key.clone()).build();
    let trust = builder(&lab).key(trusted(&key)).build().unwrap();
    let bytes = || Bytes::from(managed.bundle.to_string().into_bytes());
    let origin = || Origin::new(StorageForm::BundleReferrer);
    let kept = Unverified::bundle(bytes(), origin(), &Limits::DEFAULT).unwrap();
    let shared = bytes();
    for (text, others) in [(bytes(), None), (shared.clone(), Some(shared))] {
        let piece = Unverified::bundle_in_place(text, origin(), &Limits::DEFAULT).unwrap();
        assert_eq!((piece.bytes(), piece.size()), (None, kept.size()));
        assert_eq!(piece.digest(), kept.digest());
        assert_eq!(piece.peek(), kept.peek());
        let verified = verify(&piece, &image(), &trust, UnixTime(NOW)).unwrap();
        assert_eq!((verified.bytes(), verified.digest()), (None, kept.digest()));
        assert!(verified.claim().statement().is_some());
        // Bytes that somebody else holds, too, stay what they are.
        assert!(others.is_none_or(|others| others == bytes()));
    }
    for text in [
        "{}".to_owned(),
        managed
            .bundle
            .to_string()
            .replace("\"payload\":\"", "\"payload\":\"!"),
        managed
            .bundle
            .to_string()
            .replace("\"payload\":\"", "\"payload\":\"\\u0021"),
        managed
            .bundle
            .to_string()
            .replace("\"payload\":", "\"payload\":1,\"x\":"),
    ] {
        let text = Bytes::from(text.into_bytes());
        let kept = Unverified::bundle(text.clone(), origin(), &Limits::DEFAULT).unwrap_err();
        let digest = kept.digest().copied();
        let gone = Unverified::bundle_in_place(text, origin(), &Limits::DEFAULT).unwrap_err();
        assert_eq!(gone.code(), kept.code());
        assert_eq!(gone.digest().copied(), digest);
    }
}
