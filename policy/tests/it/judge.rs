//! What a judge makes of all policies and all evidence together.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_formats::Limits;
use countersign_policy::{Action, Outcome, PolicySet, Verdict, check};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::ISSUER;
use serde_json::{Value, json};

use crate::workshop::{Case, SIGNATURE, key, keyless};

#[test]
fn one_signer_counts_once() {
    let signers = [key("a"), key("b"), "alias: {key: {file: a}}".to_owned()];
    let two = "{atLeast: {count: 2, of: [{signature: {by: a}}, {signature: {by: alias}}, {signature: {by: b}}]}}";
    let case = Case::new(&signers, two, "");
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        decision.policies[0].rule.note.as_deref(),
        Some("2 of 3 rules pass, by 1 distinct signers; 2 are needed")
    );
    assert_eq!(
        case.decide(vec![case.signed_by("a"), case.signed_by("b")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn distinct_issuers_are_counted_by_issuer() {
    let signers = [
        keyless("a", "a@acme.example"),
        keyless("b", "b@acme.example"),
    ];
    let rule = |distinct: &str| {
        format!(
            "{{atLeast: {{count: 2, distinct: {distinct}, of: [{{signature: {{by: a}}}}, {{signature: {{by: b}}}}]}}}}"
        )
    };
    for (distinct, expected) in [
        ("identity", Outcome::Pass),
        ("key", Outcome::Pass),
        ("issuer", Outcome::NoneAcceptable),
    ] {
        let case = Case::new(&signers, &rule(distinct), "");
        let decision = case.decide(vec![
            case.keyless_by("a@acme.example"),
            case.keyless_by("b@acme.example"),
        ]);
        assert_eq!(decision.outcome(), expected, "{distinct}");
    }
}

#[test]
fn a_set_without_policies_passes_nothing() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let none = PolicySet::parse(&[], &Limits::DEFAULT).unwrap();
    let decision = check(
        &none,
        case.subject.clone(),
        Arc::clone(&case.trust),
        case.now,
        vec![case.signed_by("release")],
    );
    assert!(matches!(&decision.verdict, Verdict::Fail(reasons) if reasons[0].code == "no-policy"));
    assert_eq!(decision.action, Action::Deny);
}

#[test]
fn withholding_evidence_never_turns_a_denial_into_a_pass() {
    let signers = [key("a"), key("b"), keyless("c", "c@acme.example")];
    let rules = [
        "{allOf: [{signature: {by: a}}, {statement: {type: spdxjson, by: b}}]}",
        "{anyOf: [{signature: {by: c}}, {allOf: [{signature: {by: a}}, {signature: {by: b}}]}]}",
        "{atLeast: {count: 2, of: [{signature: {by: a}}, {statement: {type: any, by: [a, b]}}, {signature: {by: c}}]}}",
    ];
    for rule in rules {
        let case = Case::new(&signers, rule, "");
        let supply = |index: usize| match index {
            0 => case.signed_by("a"),
            1 => case.signed_by("b"),
            2 => case.attested_by("b", "https://spdx.dev/Document"),
            3 => case.keyless_by("c@acme.example"),
            _ => case.raw("junk".to_owned()),
        };
        let passes: Vec<bool> = (0..32_u32)
            .map(|set| {
                case.decide(
                    (0..5)
                        .filter(|bit| set & (1 << bit) != 0)
                        .map(supply)
                        .collect(),
                )
                .passes()
            })
            .collect();
        for set in 0..32_usize {
            for bit in 0..5 {
                let less = set & !(1 << bit);
                assert!(
                    !passes[less] || passes[set],
                    "{rule}: {less:05b} passes and {set:05b} does not"
                );
            }
        }
    }
}

#[test]
fn the_evidence_digest_does_not_depend_on_the_order() {
    let case = Case::new(&[key("a"), key("b")], "{signature: {by: a}}", "");
    let made = |name| case.lab.managed(LabKey::p256(name)).build();
    let (a, b) = (made("a"), made("b"));
    let one = case.decide(vec![case.bundle(&a), case.bundle(&b)]);
    let two = case.decide(vec![case.bundle(&b), case.bundle(&a)]);
    assert_eq!(one.digests, two.digests);
    assert_ne!(
        one.digests.evidence,
        case.decide(vec![case.bundle(&a)]).digests.evidence
    );
}

#[test]
fn one_piece_in_two_places_is_one_piece() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let evidence = case.lab.managed(LabKey::p256("a")).build();
    let decision = case.decide(vec![case.bundle(&evidence), case.bundle(&evidence)]);
    assert_eq!((decision.accepted.len(), decision.unused.len()), (1, 0));
}

#[test]
fn the_record_holds_what_a_script_needs() {
    let case = Case::new(&[keyless("release", "bob@acme.example")], SIGNATURE, "");
    let decision = case.decide(vec![
        case.keyless_by("eve@acme.example"),
        case.raw("junk".to_owned()),
    ]);
    let record = serde_json::to_value(decision.record()).unwrap();
    assert_eq!(record["schemaVersion"], 1);
    assert_eq!(
        (&record["verdict"], &record["outcome"]),
        (&json!("fail"), &json!("none-acceptable"))
    );
    assert_eq!(
        record["policies"][0]["rule"]["candidates"][0]["mismatches"][0]["code"],
        "identity"
    );
    assert_eq!(
        record["evidence"][0]["signer"]["identity"],
        "eve@acme.example"
    );
    assert_eq!(record["evidence"][0]["signer"]["issuer"], ISSUER);
    assert!(
        record["evidence"][0]["checks"]
            .as_array()
            .is_some_and(|checks| checks.len() > 3)
    );
    assert_eq!(record["rejected"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["sources"].as_array().map(Vec::len), Some(5));
    let reasons: BTreeMap<String, Value> =
        serde_json::from_value(record["reasons"][0].clone()).unwrap();
    assert_eq!(reasons["code"], "none-acceptable");
}
