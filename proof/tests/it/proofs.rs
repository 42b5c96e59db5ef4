//! What a proof says about signer, times, logs, claim and checks.

use crate::lab::{builder, bundle, code, image, prove, trusted};
use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};
use countersign_proof::{
    Claim, Danger, Dangers, Dated, LogProofKind, Origin, Signer, StorageForm,
    SubjectAlternativeName, Unverified, digest, verify,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{ISSUER, Lab, NOW, SIGNED_AT, simple_signing_payload};
use serde_json::json;

#[test]
fn keyless_proof_names_signer_times_logs_and_every_check() {
    let lab = Lab::new();
    let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
    let verified = prove(&evidence, &image(), builder(&lab)).unwrap();

    let Signer::Fulcio(identity) = verified.signer() else {
        panic!("{:?}", verified.signer())
    };
    assert_eq!(
        identity.san,
        SubjectAlternativeName::Email("dev@lab.example".to_owned())
    );
    assert_eq!(identity.issuer.as_deref(), Some(ISSUER));
    assert_eq!(identity.authority, "https://fulcio.lab.example");
    assert_eq!(
        identity.fingerprint,
        digest::sha256(evidence.certificate.as_ref().unwrap())
    );

    let not_before = Some(UnixTime(SIGNED_AT - 60));
    assert_eq!(
        verified.dated(),
        Dated::Within {
            not_before,
            not_after: UnixTime(SIGNED_AT)
        }
    );
    let [entry] = verified.logs() else {
        panic!("{:?}", verified.logs())
    };
    assert_eq!(entry.proof, LogProofKind::Inclusion);
    assert_eq!(entry.integrated_time, Some(UnixTime(SIGNED_AT)));
    assert_eq!(
        entry.origin.as_deref(),
        Some("rekor.lab.example - 1193050959916656506")
    );
    assert_eq!(verified.scts().len(), 1);
    assert!(verified.timestamps().is_empty() && verified.dangers().is_empty());
    assert_eq!(
        verified.claim().predicate_type(),
        Some("https://sigstore.dev/cosign/sign/v1")
    );
    assert_eq!(verified.digest(), digest::sha256(verified.bytes().unwrap()));
    assert_eq!(verified.subject().to_string(), Lab::image());

    let names: Vec<_> = verified
        .report()
        .checks
        .iter()
        .map(|check| check.name())
        .collect();
    let expected = [
        "log-promise",
        "certificate-use",
        "certificate-path",
        "sct",
        "certificate-signature",
        "log-entry-binding",
        "log-inclusion",
        "log-checkpoint",
        "subject-named",
    ];
    assert_eq!(names, expected);
    for check in &verified.report().checks {
        assert!(!check.detail().is_empty() && !check.section().is_empty());
    }
}

#[test]
fn timestamp_dates_an_entry_of_a_log_without_promises() {
    let lab = Lab::new();
    let evidence = lab
        .keyless("dev@lab.example")
        .rekor_v2()
        .timestamped()
        .build();
    let verified = prove(&evidence, &image(), builder(&lab)).unwrap();
    let [entry] = verified.logs() else {
        panic!("{:?}", verified.logs())
    };
    assert_eq!(entry.integrated_time, None);
    let [timestamp] = verified.timestamps() else {
        panic!("{:?}", verified.timestamps())
    };
    assert_eq!(timestamp.time, UnixTime(SIGNED_AT));
    assert_eq!(timestamp.name, "https://tsa.lab.example");
    let Dated::Within { not_after, .. } = verified.dated() else {
        panic!("undated")
    };
    assert_eq!(not_after, timestamp.no_later_than);
}

#[test]
fn two_timestamps_of_one_authority_are_told_to_be_of_one() {
    let lab = Lab::new();
    let recipe = || lab.managed(LabKey::p256("signer"));
    let key = || builder(&lab).key(trusted(&LabKey::p256("signer")));
    let one = recipe()
        .timestamped()
        .timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 5)
        .build();
    let verified = prove(&one, &image(), key()).unwrap();
    let [first, second] = verified.timestamps() else {
        panic!()
    };
    assert_eq!(first.authority, second.authority);
    let two = recipe()
        .timestamped()
        .timestamped_by(&lab.rsa_timestamp_leaf, SIGNED_AT)
        .build();
    let verified = prove(&two, &image(), key()).unwrap();
    let [first, second] = verified.timestamps() else {
        panic!()
    };
    assert_ne!(first.authority, second.authority);
}

#[test]
fn key_without_services_is_undated_and_the_same_trust_gives_the_same_digest() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let evidence = lab.managed(key.clone()).build();
    let trust = || countersign_proof::TrustMaterial::builder().key(trusted(&key));
    let verified = prove(&evidence, &image(), trust()).unwrap();
    assert_eq!(verified.dated(), Dated::Undated);
    assert!(verified.logs().is_empty() && verified.scts().is_empty());
    assert_eq!(*verified.trust(), trust().build().unwrap().digest());
    assert_eq!(verified.via(), []);
}

#[test]
fn entries_and_timestamps_of_strangers_are_noted_and_not_counted() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let evidence = lab.managed(key.clone()).rekor_v1().timestamped().build();
    let trust = countersign_proof::TrustMaterial::builder().key(trusted(&key));
    let verified = prove(&evidence, &image(), trust).unwrap();
    assert!(verified.logs().is_empty() && verified.timestamps().is_empty());
    assert_eq!(verified.dated(), Dated::Undated);
    let names: Vec<_> = verified
        .report()
        .checks
        .iter()
        .map(|check| check.name())
        .collect();
    assert!(names.contains(&"log-unknown") && names.contains(&"timestamp-authority-unknown"));
}

#[test]
fn annotations_are_those_of_the_matched_subject_alone() {
    let lab = Lab::new();
    let key = LabKey::p256("signer");
    let image_hex = Lab::image().strip_prefix("sha256:").unwrap().to_owned();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"digest": {"sha256": "0".repeat(64)}, "annotations": {"stage": "other"}},
            {"digest": {"sha256": image_hex}, "annotations": {"stage": "production"}},
        ],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
    });
    let evidence = lab.managed(key.clone()).statement(&statement).build();
    let verified = prove(&evidence, &image(), builder(&lab).key(trusted(&key))).unwrap();
    assert_eq!(verified.claim().annotations()["stage"], "production");
    let Claim::Statement(claim) = verified.claim() else {
        panic!()
    };
    assert_eq!(claim.matched(), 1);
}

#[test]
fn layer_with_a_promise_is_proven_by_the_promise() {
    let lab = Lab::new();
    let payload = simple_signing_payload(&Lab::image()).to_string();
    let recipe = lab
        .keyless("dev@lab.example")
        .simple_signing(payload.as_bytes());
    let evidence = recipe.rekor_v1().build();
    let origin = Origin::new(StorageForm::SignatureTag);
    let layer = Bytes::from(evidence.layer.clone());
    let piece =
        Unverified::simple_signing(layer, &evidence.annotations, origin, &Limits::DEFAULT).unwrap();
    let verified = verify(
        &piece,
        &image(),
        &builder(&lab).build().unwrap(),
        UnixTime(NOW),
    )
    .unwrap();
    assert!(matches!(verified.claim(), Claim::SimpleSigning { .. }));
    let [entry] = verified.logs() else {
        panic!("{:?}", verified.logs())
    };
    assert_eq!(entry.proof, LogProofKind::Promise);
}

#[test]
fn what_was_left_out_is_named() {
    let lab = Lab::new();
    let evidence = lab
        .keyless("dev@lab.example")
        .certificate(|certificate| certificate.scts.clear())
        .build();
    let all = Dangers {
        ignore_sct: true,
        ignore_log: true,
        judge_certificates_now: true,
    };
    // The certificate ended long before now, so even then it does not count.
    assert_eq!(
        code(prove(&evidence, &image(), builder(&lab).dangers(all))),
        "certificate-expired"
    );
    let piece = bundle(&evidence);
    let trust = builder(&lab).dangers(all).build().unwrap();
    let verified = verify(&piece, &image(), &trust, UnixTime(SIGNED_AT)).unwrap();
    assert_eq!(
        verified.dangers(),
        [
            Danger::IgnoreLog,
            Danger::JudgeCertificatesNow,
            Danger::IgnoreSct
        ]
    );
    assert_eq!(verified.dated(), Dated::Undated);
    let weakened = verified
        .report()
        .checks
        .iter()
        .filter(|check| check.name() == "weakened")
        .count();
    assert_eq!(weakened, 3);
    assert_eq!(
        code(prove(&evidence, &image(), builder(&lab))),
        "no-proven-time"
    );
}

#[test]
fn rejection_says_what_differs_and_who_it_claims_to_be_from() {
    let lab = Lab::new();
    let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
    let other = digest::sha256(b"another image");
    let subject = countersign_proof::Subject::image(other);
    let rejected = prove(&evidence, &subject, builder(&lab)).unwrap_err();
    assert_eq!(rejected.code(), "subject-mismatch");
    let words = rejected.to_string();
    assert!(
        words.contains(&other.to_string()) && words.contains(&Lab::image()),
        "{words}"
    );
    assert_eq!(
        rejected.digest(),
        Some(&digest::sha256(evidence.bundle.to_string().as_bytes()))
    );
    let signer = format!("{:?}", rejected.unverified_signer());
    assert!(signer.contains("dev@lab.example"), "{signer}");
    assert!(
        rejected
            .unverified_claim()
            .unwrap()
            .to_string()
            .contains("cosign/sign/v1")
    );
    assert!(rejected.hint().is_some());
}
