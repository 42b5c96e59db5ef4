//! What could not be found out, and what becomes of a rule then.

use std::sync::Arc;

use countersign_policy::{
    Action, Answer, Cause, CauseClass, Outcome, SourceKind, Status, Supplied, check,
};

use crate::workshop::{Case, SIGNATURE, key, outage};

#[test]
fn a_failed_source_makes_an_undecided_rule_unknown_and_never_a_passing_one() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    for (class, code) in [
        (CauseClass::Network, CauseClass::Network),
        (CauseClass::Authentication, CauseClass::Authentication),
        (CauseClass::StaleTrust, CauseClass::StaleTrust),
    ] {
        let failed = [(SourceKind::BundleReferrers, outage(class))];
        let decision = case.decide_with(vec![], &failed);
        assert_eq!(
            (decision.outcome(), decision.action),
            (Outcome::Unknown(code), Action::Deny)
        );
        let decision = case.decide_with(vec![case.signed_by("release")], &failed);
        assert_eq!(decision.outcome(), Outcome::Pass);
        let decision = case.decide_with(vec![case.signed_by("other")], &failed);
        assert_eq!(decision.outcome(), Outcome::Unknown(code));
    }
    // What no rule would use does not matter.
    let failed = [(SourceKind::AttestationTag, outage(CauseClass::Network))];
    assert_eq!(
        case.decide_with(vec![case.signed_by("other")], &failed)
            .outcome(),
        Outcome::NoneAcceptable
    );
}

#[test]
fn of_several_causes_authentication_then_trust_name_the_outcome() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::Network)),
            (SourceKind::SignatureTag, outage(CauseClass::StaleTrust)),
        ],
    );
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::StaleTrust));
    let decision = case.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::StaleTrust)),
            (SourceKind::SignatureTag, outage(CauseClass::Authentication)),
        ],
    );
    assert_eq!(
        decision.outcome(),
        Outcome::Unknown(CauseClass::Authentication)
    );
}

#[test]
fn a_list_that_was_cut_or_a_piece_that_is_missing_is_unknown_and_never_no_evidence() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let cut = [(
        SourceKind::BundleReferrers,
        Answer::Read {
            complete: false,
            as_of: case.now,
        },
    )];
    assert_eq!(
        case.decide_with(vec![], &cut).outcome(),
        Outcome::Unknown(CauseClass::Incomplete)
    );
    assert_eq!(
        case.decide_with(vec![case.signed_by("release")], &cut)
            .outcome(),
        Outcome::Pass
    );
    let cause = Cause {
        class: CauseClass::Unreadable,
        source: "r".to_owned(),
        detail: "another digest".to_owned(),
    };
    let missing = || Supplied::Missing(SourceKind::BundleReferrers, cause.clone());
    assert_eq!(
        case.decide(vec![missing()]).outcome(),
        Outcome::Unknown(CauseClass::Unreadable)
    );
    assert_eq!(
        case.decide(vec![missing(), case.signed_by("release")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn what_was_not_supplied_is_unknown() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = check(
        &case.policies,
        case.subject.clone(),
        Arc::clone(&case.trust),
        case.now,
        vec![],
    );
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Incomplete));
}

#[test]
fn values_combine_as_kleene_says() {
    let signers = [key("a"), key("b")];
    let down = [(SourceKind::AttestationTag, outage(CauseClass::Network))];
    // By `a` there is a signature; by `b` none for certain; of the statement nothing is known.
    let (pass, fail, unknown) = (
        "{signature: {by: a}}",
        "{signature: {by: b}}",
        "{statement: {type: any, by: b}}",
    );
    for (rule, expected) in [
        (format!("{{allOf: [{pass}, {pass}]}}"), Status::Pass),
        (format!("{{allOf: [{pass}, {unknown}]}}"), Status::Unknown),
        (format!("{{allOf: [{fail}, {unknown}]}}"), Status::Fail),
        (format!("{{anyOf: [{pass}, {unknown}]}}"), Status::Pass),
        (format!("{{anyOf: [{fail}, {unknown}]}}"), Status::Unknown),
        (format!("{{anyOf: [{fail}, {fail}]}}"), Status::Fail),
        (
            format!("{{atLeast: {{count: 1, of: [{fail}, {pass}]}}}}"),
            Status::Pass,
        ),
        (
            format!("{{atLeast: {{count: 2, of: [{pass}, {unknown}]}}}}"),
            Status::Unknown,
        ),
        (
            format!("{{atLeast: {{count: 2, of: [{pass}, {fail}]}}}}"),
            Status::Fail,
        ),
        (
            format!("{{allOf: [{{anyOf: [{fail}, {unknown}]}}, {pass}]}}"),
            Status::Unknown,
        ),
    ] {
        let case = Case::new(&signers, &rule, "");
        let decision = case.decide_with(vec![case.signed_by("a")], &down);
        assert_eq!(decision.policies[0].rule.status, expected, "{rule}");
    }
}

#[test]
fn a_part_that_passes_may_still_lack_a_second_signer_in_a_source_that_failed() {
    let signers = [key("a"), key("b")];
    let rule = "{atLeast: {count: 2, of: [{signature: {by: [a, b]}}, {signature: {by: [a, b]}}]}}";
    let case = Case::new(&signers, rule, "");
    assert_eq!(
        case.decide(vec![case.signed_by("a")]).outcome(),
        Outcome::NoneAcceptable
    );
    let down = [(SourceKind::SignatureTag, outage(CauseClass::Network))];
    let decision = case.decide_with(vec![case.signed_by("a")], &down);
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Network));
    assert_eq!(
        case.decide_with(vec![case.signed_by("a"), case.signed_by("b")], &down)
            .outcome(),
        Outcome::Pass
    );
}
