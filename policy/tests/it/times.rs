//! What policies say of time: stolen keys, the age of a claim, the latest and every one, the end of a policy.

use countersign_formats::UnixTime;
use countersign_policy::{Action, CauseClass, Outcome, SourceKind, Verdict};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW, SIGNED_AT};

use crate::workshop::{
    Case, DAY, VULN, codes, document, key, keyless, outage, scan, scanned, time,
};

#[test]
fn a_compromised_key_counts_only_for_what_is_proven_to_be_older() {
    let lab = Lab::new();
    let since = |at: i64| {
        format!(
            "old: {{key: {{file: old, compromisedSince: \"{}\"}}}}",
            UnixTime(at)
        )
    };
    let old = |case: &Case| case.bundle(&lab.managed(LabKey::p256("old")).timestamped().build());
    let after = Case::of(document(
        "mode: enforce",
        &[since(SIGNED_AT + DAY)],
        "{signature: {by: old}}",
    ));
    assert!(after.decide(vec![old(&after)]).passes());
    // The same signature, not proven to be older than the theft.
    let undated = after.decide(vec![after.signed_by("old")]);
    assert_eq!(
        (undated.outcome(), codes(&undated)),
        (Outcome::NoneAcceptable, vec!["key-compromised"])
    );
    let before = Case::of(document(
        "mode: enforce",
        &[since(SIGNED_AT - DAY)],
        "{signature: {by: old}}",
    ));
    assert_eq!(
        codes(&before.decide(vec![old(&before)])),
        vec!["key-compromised"]
    );
    // A theft in the future is no licence either: nothing undated counts once it is set.
    let future = Case::of(document(
        "mode: enforce",
        &[since(NOW + DAY)],
        "{signature: {by: old}}",
    ));
    assert!(!future.decide(vec![future.signed_by("old")]).passes());
}

#[test]
fn age_is_judged_by_a_lower_bound_and_is_unknown_without_one() {
    let require = format!("{{statement: {{type: {VULN}, by: scanner, maxAge: 7d}}}}");
    let case = Case::of(document("mode: enforce", &[key("scanner")], &require));
    assert!(
        case.decide(vec![scanned(
            &case,
            "scanner",
            Some(NOW - 6 * DAY),
            "clean"
        )])
        .passes()
    );
    let stale = case.decide(vec![scanned(
        &case,
        "scanner",
        Some(NOW - 8 * DAY),
        "clean",
    )]);
    assert_eq!(
        (stale.outcome(), codes(&stale)),
        (Outcome::NoneAcceptable, vec!["too-old"])
    );
    // A time in the future says nothing, and nor does none.
    for finished in [None, Some(NOW + DAY)] {
        let decision = case.decide(vec![scanned(&case, "scanner", finished, "clean")]);
        assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Undated));
        assert_eq!(decision.action, Action::Deny);
    }
    // An old statement that is stamped again today stays old.
    let lab = Lab::new();
    let statement = scan(Some(SIGNED_AT - DAY), "clean");
    let stamped = lab
        .managed(LabKey::p256("scanner"))
        .statement(&statement)
        .timestamped()
        .build();
    assert_eq!(
        codes(&case.decide(vec![case.bundle(&stamped)])),
        vec!["too-old"]
    );
    // A certificate bounds it too.
    let by_certificate = |age: &str| {
        let require = format!("{{signature: {{by: alice, maxAge: {age}}}}}");
        let case = Case::of(document(
            "mode: enforce",
            &[keyless("alice", "alice@acme.example")],
            &require,
        ));
        case.decide(vec![case.keyless_by("alice@acme.example")])
            .passes()
    };
    assert!(by_certificate("5w") && !by_certificate("4w"));
}

#[test]
fn the_latest_statement_must_be_as_the_rule_says() {
    let require = format!(
        "{{statement: {{type: {VULN}, by: scanner, annotations: {{result: clean}}, select: latest, maxAge: 7d}}}}"
    );
    let case = Case::of(document(
        "mode: enforce",
        &[key("scanner"), key("other")],
        &require,
    ));
    let at = |days: i64, result: &str| scanned(&case, "scanner", Some(NOW - days * DAY), result);
    assert!(case.decide(vec![at(1, "clean")]).passes());
    assert!(!case.decide(vec![at(1, "dirty")]).passes());
    // Keys prove no upper bound here, so an older dirty one may have been signed today as well: it blocks.
    assert!(!case.decide(vec![at(1, "clean"), at(3, "dirty")]).passes());
    // Stamped, the dirty one is proven to be older.
    let lab = Lab::new();
    let dirty = |finished| {
        let statement = scan(Some(finished), "dirty");
        lab.managed(LabKey::p256("scanner"))
            .statement(&statement)
            .timestamped()
            .build()
    };
    let older = case.bundle(&dirty(SIGNED_AT - DAY));
    assert!(case.decide(vec![at(1, "clean"), older]).passes());
    assert!(!case.decide(vec![at(8, "clean")]).passes());
    // Somebody else's newer one is no scan of the scanner.
    assert!(
        case.decide(vec![
            at(1, "clean"),
            scanned(&case, "other", Some(NOW), "dirty")
        ])
        .passes()
    );
    // It is decided only when everything was read.
    let hidden = case.decide_with(
        vec![at(1, "clean")],
        &[(SourceKind::AttestationTag, outage(CauseClass::Network))],
    );
    assert_eq!(hidden.outcome(), Outcome::Unknown(CauseClass::Network));
    assert!(!hidden.policies[0].rule.monotone);
    assert_eq!(
        case.decide(vec![scanned(&case, "scanner", None, "clean")])
            .outcome(),
        Outcome::Unknown(CauseClass::Undated)
    );
}

#[test]
fn every_statement_must_be_as_the_rule_says_and_there_must_be_enough() {
    let require = format!(
        "{{statement: {{type: {VULN}, by: [scanner, other], annotations: {{result: clean}}, select: all, minimum: 2}}}}"
    );
    let case = Case::of(document(
        "mode: enforce",
        &[key("scanner"), key("other")],
        &require,
    ));
    let one = |key: &str, at: i64, result: &str| scanned(&case, key, Some(NOW - at), result);
    assert!(
        case.decide(vec![one("scanner", 1, "clean"), one("other", 2, "clean")])
            .passes()
    );
    assert!(!case.decide(vec![one("scanner", 1, "clean")]).passes());
    // The same claim twice is one.
    assert!(
        !case
            .decide(vec![one("scanner", 1, "clean"), one("other", 1, "clean")])
            .passes()
    );
    assert!(
        !case
            .decide(vec![
                one("scanner", 1, "clean"),
                one("other", 2, "clean"),
                one("other", 3, "dirty")
            ])
            .passes()
    );
    let hidden = |class| {
        case.decide_with(
            vec![one("scanner", 1, "clean"), one("other", 2, "clean")],
            &[(SourceKind::BundleReferrers, outage(class))],
        )
    };
    assert_eq!(
        hidden(CauseClass::Budget).outcome(),
        Outcome::Unknown(CauseClass::Budget)
    );
}

#[test]
fn an_expired_policy_passes_nothing() {
    let mut case = Case::of(document(
        &format!("expires: \"{}\"", time(DAY)),
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(
        (decision.passes(), decision.valid_until),
        (true, Some(UnixTime(NOW + DAY)))
    );
    case.now = UnixTime(NOW + DAY + 1);
    let Verdict::Fail(reasons) = case.decide(vec![case.signed_by("a")]).verdict else {
        panic!()
    };
    assert_eq!(reasons[0].code, "policy-expired");
}
