//! What modes and excused outages make of a verdict.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_policy::{
    Action, Asked, CauseClass, Earlier, Judge, Outcome, SourceKind, Supplied, Verdict,
};
use countersign_testdata::lab::NOW;

use crate::workshop::{ALL_READ, Case, DAY, document, key, outage, set};

#[test]
fn a_policy_in_mode_warn_admits_with_a_warning_and_keeps_its_verdict() {
    let text = |name: &str, mode: &str, signer: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  mode: {mode}\n  signers: {{{}}}\n  require: {{signature: {{by: {signer}}}}}\n",
            key(signer)
        )
    };
    let case = Case::of(set(&format!(
        "{}---\n{}",
        text("one", "enforce", "a"),
        text("two", "warn", "b")
    )));
    let decision = case.decide(vec![case.signed_by("a")]);
    assert!(matches!(decision.verdict, Verdict::Fail(_)));
    assert_eq!(decision.action, Action::AdmitWithWarning);
    let decision = case.decide(vec![case.signed_by("b")]);
    assert_eq!(decision.action, Action::Deny);
    let decision = case.decide(vec![case.signed_by("a"), case.signed_by("b")]);
    assert_eq!(
        (decision.verdict, decision.action),
        (Verdict::Pass, Action::Admit)
    );
}

#[test]
fn modes_and_excused_outages_set_the_action_and_never_the_verdict() {
    let require = "{signature: {by: a}}";
    for (mode, action) in [
        ("enforce", Action::Deny),
        ("warn", Action::AdmitWithWarning),
        ("audit", Action::Admit),
    ] {
        let case = Case::of(document(&format!("mode: {mode}"), &[key("a")], require));
        let decision = case.decide(vec![case.signed_by("b")]);
        assert_eq!(
            (decision.passes(), decision.action),
            (false, action),
            "{mode}"
        );
    }
    let excusing = Case::of(document("unavailable: warn", &[key("a")], require));
    let hidden =
        |class| excusing.decide_with(vec![], &[(SourceKind::BundleReferrers, outage(class))]);
    for (class, action) in [
        (CauseClass::Network, Action::AdmitWithWarning),
        (CauseClass::Authentication, Action::AdmitWithWarning),
        (CauseClass::StaleTrust, Action::AdmitWithWarning),
        (CauseClass::Incomplete, Action::Deny),
        (CauseClass::Unreadable, Action::Deny),
        (CauseClass::Budget, Action::Deny),
    ] {
        let decision = hidden(class);
        assert_eq!(
            (decision.outcome(), decision.action),
            (Outcome::Unknown(class), action)
        );
    }
    // One outage does not excuse what comes with it, and a denial is no outage.
    let mixed = excusing.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::Network)),
            (SourceKind::SignatureTag, outage(CauseClass::Budget)),
        ],
    );
    assert_eq!(mixed.action, Action::Deny);
    assert_eq!(excusing.decide(vec![]).action, Action::Deny);
}

#[test]
fn an_outage_is_bridged_only_by_an_earlier_pass_of_the_same_image_and_policies() {
    let case = Case::of(document(
        "unavailable: {useCached: {maxAge: 24h}}",
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let passed = case.decide(vec![case.signed_by("a")]);
    let earlier = Earlier::of(&passed).unwrap();
    assert!(Earlier::of(&case.decide(vec![])).is_none());
    let judge = |case: &Case, earlier: Option<Earlier>, now: i64| {
        let asked = Asked::about(case.subject.clone());
        let mut judge = Judge::prepare(
            &case.policies,
            asked,
            Arc::clone(&case.trust),
            UnixTime(now),
        );
        if let Some(earlier) = earlier {
            judge = judge.with_earlier(earlier);
        }
        let failed = ALL_READ.map(|source| Supplied::Source(source, outage(CauseClass::Network)));
        judge.conclude(failed.into())
    };
    let bridged = judge(&case, Some(earlier.clone()), NOW + 60);
    assert_eq!(
        (bridged.passes(), bridged.action),
        (false, Action::AdmitWithWarning)
    );
    assert_eq!(bridged.valid_until, Some(UnixTime(NOW + DAY)));
    assert_eq!(judge(&case, None, NOW + 60).action, Action::Deny);
    assert_eq!(
        judge(&case, Some(earlier.clone()), NOW + DAY + 1).action,
        Action::Deny
    );
    let other = Case::of(document(
        "unavailable: {useCached: {maxAge: 24h}}",
        &[key("a"), key("b")],
        "{signature: {by: [a, b]}}",
    ));
    assert_eq!(
        judge(&other, Some(earlier.clone()), NOW + 60).action,
        Action::Deny
    );
    // It passed without a name; what bears one may fall under other scopes and exceptions.
    let named = Asked::about(case.subject.clone()).named("ghcr.io/acme/app");
    let failed = ALL_READ.map(|source| Supplied::Source(source, outage(CauseClass::Network)));
    let named = Judge::prepare(
        &case.policies,
        named,
        Arc::clone(&case.trust),
        UnixTime(NOW + 60),
    )
    .with_earlier(earlier.clone())
    .conclude(failed.into());
    assert_eq!(named.action, Action::Deny);
    // It passed under other trust.
    let trust = countersign_proof::TrustMaterial::builder()
        .keys(case.policies.keys())
        .build()
        .unwrap();
    let mut elsewhere = Case::of(case.policies.clone());
    elsewhere.trust = Arc::new(trust);
    assert_eq!(
        judge(&elsewhere, Some(earlier), NOW + 60).action,
        Action::Deny
    );
}
