//! Which claims count as what: signatures, statements and messages.

use std::sync::Arc;

use bytes::Bytes;
use countersign_policy::{Action, Outcome, Supplied, Verdict};
use countersign_proof::{BytesContent, Subject};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, image_statement, simple_signing_payload};
use serde_json::{Value, json};

use crate::workshop::{Case, SIGNATURE, key, mismatches};

#[test]
fn a_key_signed_image_passes() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.signed_by("release")]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?}",
        mismatches(&decision)
    );
    assert_eq!(
        (decision.outcome(), decision.action),
        (Outcome::Pass, Action::Admit)
    );
    assert_eq!(
        (
            decision.accepted.len(),
            decision.unused.len(),
            decision.rejected.len()
        ),
        (1, 0, 0)
    );
    assert_eq!(decision.valid_until, None);
    assert_eq!(decision.digests.policy, case.policies.digest());
    assert_eq!(decision.digests.trust, case.trust.digest());
}

#[test]
fn nothing_found_is_no_evidence() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![]);
    assert_eq!(
        (decision.outcome(), decision.action),
        (Outcome::NoEvidence, Action::Deny)
    );
}

#[test]
fn a_signature_by_another_key_is_none_acceptable() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.signed_by("other")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.rejected.len(), 1);
    // One good signature beside it is enough.
    let decision = case.decide(vec![case.signed_by("other"), case.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::Pass);
}

#[test]
fn garbage_is_rejected_and_hides_nothing() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.raw("not a bundle".to_owned())]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    let mut pieces: Vec<Supplied> = (0..1000)
        .map(|index| case.raw(format!("junk {index}")))
        .collect();
    pieces.push(case.signed_by("release"));
    assert_eq!(case.decide(pieces).outcome(), Outcome::Pass);
}

#[test]
fn an_sbom_is_no_signature() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![
        case.attested_by("release", "https://spdx.dev/Document"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        mismatches(&decision),
        ["predicate-type: a statement of type `https://spdx.dev/Document` is no signature"]
    );
}

#[test]
fn a_signature_whose_predicate_says_something_is_none() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let mut statement = image_statement(&Lab::image());
    statement["predicate"] = json!({"scan": "failed"});
    let piece = case.bundle(
        &case
            .lab
            .managed(LabKey::p256("release"))
            .statement(&statement)
            .build(),
    );
    assert!(mismatches(&case.decide(vec![piece]))[0].starts_with("predicate: "));
    // Absent is empty, as cosign before 3.0.5 wrote it.
    statement.as_object_mut().unwrap().remove("predicate");
    let piece = case.bundle(
        &case
            .lab
            .managed(LabKey::p256("release"))
            .statement(&statement)
            .build(),
    );
    assert_eq!(case.decide(vec![piece]).outcome(), Outcome::Pass);
}

#[test]
fn a_statement_counts_only_under_its_type() {
    let signers = [key("release")];
    let spdx = Case::new(&signers, "{statement: {type: spdxjson, by: release}}", "");
    assert_eq!(
        spdx.decide(vec![
            spdx.attested_by("release", "https://spdx.dev/Document")
        ])
        .outcome(),
        Outcome::Pass
    );
    assert_eq!(
        spdx.decide(vec![
            spdx.attested_by("release", "https://spdx.dev/Document/v2.3")
        ])
        .outcome(),
        Outcome::Pass
    );
    let decision = spdx.decide(vec![
        spdx.attested_by("release", "https://slsa.dev/provenance/v1"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert!(
        mismatches(&decision)[0].contains("`https://slsa.dev/provenance/v1`"),
        "{:?}",
        mismatches(&decision)
    );
    assert_eq!(
        spdx.decide(vec![spdx.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
    let any = Case::new(&signers, "{statement: {type: any, by: release}}", "");
    assert_eq!(
        any.decide(vec![any.attested_by("release", "https://example.org/x")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn a_message_is_a_signature_of_a_blob_and_never_of_an_image() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let message = case
        .lab
        .managed(LabKey::p256("release"))
        .message(&Lab::artifact())
        .build();
    let blob = Case {
        subject: Subject::Blob(Arc::new(BytesContent(Bytes::from(Lab::artifact())))),
        ..Case::of(case.policies.clone())
    };
    assert_eq!(
        blob.decide(vec![blob.bundle(&message)]).outcome(),
        Outcome::Pass
    );
    // The image whose manifest has exactly these bytes.
    let digest = countersign_proof::digest::sha256(&Lab::artifact());
    let image = Case {
        subject: Subject::image(digest),
        ..Case::of(case.policies.clone())
    };
    let decision = image.decide(vec![image.bundle(&message)]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
}

#[test]
fn a_simple_signing_payload_is_a_signature_of_an_image() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let payload = simple_signing_payload(&Lab::image()).to_string();
    let evidence = case
        .lab
        .managed(LabKey::p256("release"))
        .simple_signing(payload.as_bytes())
        .build();
    assert_eq!(
        case.decide(vec![case.simple_signing(&evidence)]).outcome(),
        Outcome::Pass
    );
    // The same payload, signed by two: one piece does not hide the other.
    let other = case
        .lab
        .managed(LabKey::p256("other"))
        .simple_signing(payload.as_bytes())
        .build();
    let decision = case.decide(vec![
        case.simple_signing(&other),
        case.simple_signing(&evidence),
    ]);
    assert_eq!(decision.outcome(), Outcome::Pass);
}

#[test]
fn annotations_are_compared_exactly() {
    let case = Case::new(
        &[key("release")],
        "{signature: {by: release, annotations: {env: prod}}}",
        "",
    );
    let mut statement = image_statement(&Lab::image());
    let signed = |statement: &Value| {
        case.bundle(
            &case
                .lab
                .managed(LabKey::p256("release"))
                .statement(statement)
                .build(),
        )
    };
    let decision = case.decide(vec![signed(&statement)]);
    assert_eq!(
        mismatches(&decision),
        ["annotation: the annotation `env` is absent, expected `prod`"]
    );
    statement["subject"][0]["annotations"] = json!({"env": "test"});
    assert_eq!(
        mismatches(&case.decide(vec![signed(&statement)])),
        ["annotation: the annotation `env` is `test`, expected `prod`"]
    );
    statement["subject"][0]["annotations"] = json!({"env": "prod", "more": "x"});
    assert_eq!(
        case.decide(vec![signed(&statement)]).outcome(),
        Outcome::Pass
    );
}
