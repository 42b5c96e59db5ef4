//! What must be proven of a signature: logs, timestamps and the window of its key.

use std::sync::Arc;

use countersign_formats::{Digest, UnixTime};
use countersign_policy::{Asked, Cause, CauseClass, Judge, Outcome, Status, Verdict};
use countersign_proof::Subject;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{NOW, SIGNED_AT};

use crate::workshop::{ALL_READ, Case, SIGNATURE, codes, document, key, mismatches, read};

#[test]
fn thresholds_for_keys_are_met_only_by_what_is_proven() {
    let case = Case::new(
        &[key("release")],
        SIGNATURE,
        "keys: {logs: 1, timestamps: 1}",
    );
    let decision = case.decide(vec![case.signed_by("release")]);
    assert_eq!(
        mismatches(&decision).len(),
        2,
        "{:?}",
        mismatches(&decision)
    );
    let logged = case.lab.managed(LabKey::p256("release")).rekor_v1().build();
    assert_eq!(
        mismatches(&case.decide(vec![case.bundle(&logged)])).len(),
        1
    );
    let both = case
        .lab
        .managed(LabKey::p256("release"))
        .rekor_v1()
        .timestamped()
        .build();
    assert_eq!(
        case.decide(vec![case.bundle(&both)]).outcome(),
        Outcome::Pass
    );
}

#[test]
fn two_entries_of_one_log_are_one_log() {
    let case = Case::new(&[key("release")], SIGNATURE, "keys: {logs: 2}");
    let recipe = || case.lab.managed(LabKey::p256("release")).rekor_v1();
    let second = |kind| recipe().logged(case.lab.second_rekor_v1.clone(), kind);
    let one = case.decide(vec![case.bundle(&recipe().build())]);
    assert_eq!(one.outcome(), Outcome::NoneAcceptable);
    let two = case.decide(vec![case.bundle(&second("dsse").build())]);
    assert_eq!(
        two.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&two),
        two.rejected
    );
}

#[test]
fn an_undated_key_signature_counts_only_while_the_window_is_open() {
    let window = |from: i64, until: i64| {
        let (from, until) = (UnixTime(from), UnixTime(until));
        format!(
            "release: {{key: {{file: release, validFrom: \"{from}\", validUntil: \"{until}\"}}}}"
        )
    };
    let open = Case::new(&[window(SIGNED_AT - 10, NOW + 10)], SIGNATURE, "");
    let decision = open.decide(vec![open.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::Pass);
    assert_eq!(decision.valid_until, Some(UnixTime(NOW + 10)));
    let over = Case::new(&[window(SIGNED_AT - 10, NOW - 10)], SIGNATURE, "");
    assert_eq!(
        over.decide(vec![over.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
    // Logged while the window was open: the log proves "no later than".
    let logged = over.lab.managed(LabKey::p256("release")).rekor_v1().build();
    let decision = over.decide(vec![over.bundle(&logged)]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&decision),
        decision.rejected
    );
    assert_eq!(decision.valid_until, None);
    let early = Case::new(&[window(NOW + 100, NOW + 200)], SIGNATURE, "");
    let decision = early.decide(vec![early.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.valid_until, Some(UnixTime(NOW + 99)));
}

#[test]
fn each_signer_is_held_to_its_own_window_of_a_shared_key() {
    let until = UnixTime(NOW - 10);
    let signers = [
        format!("old: {{key: {{file: release, validUntil: \"{until}\"}}}}"),
        key("release"),
    ];
    let case = Case::new(
        &signers,
        "{anyOf: [{signature: {by: old}}, {signature: {by: release}}]}",
        "",
    );
    let decision = case.decide(vec![case.signed_by("release")]);
    let statuses: Vec<Status> = decision.policies[0]
        .rule
        .children
        .iter()
        .map(|rule| rule.status)
        .collect();
    assert_eq!(statuses, [Status::Fail, Status::Pass]);
}

#[test]
fn a_proof_about_another_subject_or_under_other_trust_does_not_count() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let piece = case.signed_by("release");
    let other = Case {
        subject: Subject::image(countersign_proof::digest::sha256(b"other")),
        ..Case::of(case.policies.clone())
    };
    let decision = other.decide(vec![piece]);
    assert!(
        mismatches(&decision)[0].starts_with("binding: "),
        "{:?}",
        mismatches(&decision)
    );
    let wider = Case::new(&[key("release"), key("more")], SIGNATURE, "");
    let decision = case.decide(vec![wider.signed_by("release")]);
    assert!(
        mismatches(&decision)[0].starts_with("binding: "),
        "{:?}",
        mismatches(&decision)
    );
}

#[test]
fn a_pinned_root_must_be_the_one_that_proofs_are_made_under() {
    let digest = countersign_proof::digest::sha256(b"a root");
    let case = Case::of(document(
        &format!("trust: {{root: \"{digest}\"}}"),
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let decide = |roots: Vec<Digest>| {
        let asked = Asked::about(case.subject.clone());
        let mut supplied = vec![case.signed_by("a")];
        supplied.extend(ALL_READ.map(read));
        Judge::prepare(&case.policies, asked, Arc::clone(&case.trust), case.now)
            .with_roots(roots)
            .conclude(supplied)
    };
    assert!(decide(vec![digest]).passes());
    for roots in [vec![], vec![countersign_proof::digest::sha256(b"another")]] {
        assert_eq!(
            decide(roots).outcome(),
            Outcome::Unknown(CauseClass::WrongTrust)
        );
    }
    assert!(
        !Cause {
            class: CauseClass::WrongTrust,
            source: String::new(),
            detail: String::new()
        }
        .class
        .is_outage()
    );
}

#[test]
fn one_signer_may_be_held_to_more_than_its_kind() {
    let signers = [
        "a: {key: {file: a}, trust: {timestamps: 1}}".to_owned(),
        key("b"),
    ];
    let case = Case::of(document(
        "mode: enforce",
        &signers,
        "{signature: {by: [a, b]}}",
    ));
    assert!(case.decide(vec![case.signed_by("b")]).passes());
    assert_eq!(
        codes(&case.decide(vec![case.signed_by("a")])),
        vec!["timestamps"]
    );
}
