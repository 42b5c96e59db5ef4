//! Which images a policy speaks of, lets through and never lets through.

use countersign_formats::UnixTime;
use countersign_policy::{Action, Standing, Verdict};
use countersign_testdata::lab::{Lab, NOW};

use crate::workshop::{Case, DAY, codes, decide_named, document, key, keyless, set, time};

#[test]
fn a_scope_says_which_images_a_policy_speaks_of_and_what_none_speaks_of_is_denied() {
    let scoped = document(
        "scope: {images: [\"ghcr.io/acme/**\"]}",
        &[key("a")],
        "{signature: {by: a}}",
    );
    let case = Case::of(scoped);
    assert!(decide_named(&case, "ghcr.io/acme/team/app", vec![case.signed_by("a")]).passes());
    let elsewhere = decide_named(&case, "ghcr.io/acmes/app", vec![case.signed_by("a")]);
    let Verdict::Fail(reasons) = &elsewhere.verdict else {
        panic!("{:?}", elsewhere.verdict)
    };
    assert_eq!(
        (reasons[0].code, elsewhere.action),
        ("no-policy", Action::Deny)
    );
    // A narrower layer cannot speak for the broadest one.
    let narrow = set(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: team}\nspec:\n  mode: audit\n  signers: {a: {key: {file: a}}}\n  require: {signature: {by: a}}\n",
    );
    let mut layered = Case::of(case.policies.with_layer(&narrow).unwrap());
    let denied = decide_named(&layered, "ghcr.io/acmes/app", vec![layered.signed_by("a")]);
    assert_eq!(denied.action, Action::Deny);
    layered.policies = case.policies.clone();
    assert!(case.policies.with_layer(&case.policies).is_err());
}

#[test]
fn an_exception_lets_images_through_until_its_day_and_is_reported() {
    let text = format!(
        "scope: {{images: [\"**\"], except: [{{image: ghcr.io/acme/old, until: \"{}\", reason: OPS-1234}}]}}",
        time(DAY)
    );
    let mut case = Case::of(document(&text, &[key("a")], "{signature: {by: a}}"));
    let excepted = decide_named(&case, "ghcr.io/acme/old", vec![]);
    assert_eq!(
        (excepted.passes(), excepted.action),
        (true, Action::AdmitWithWarning)
    );
    let Standing::Excepted { reason, .. } = &excepted.policies[0].standing else {
        panic!()
    };
    assert_eq!(reason, "OPS-1234");
    assert_eq!(excepted.valid_until, Some(UnixTime(NOW + DAY)));
    assert!(!decide_named(&case, "ghcr.io/acme/older", vec![]).passes());
    case.now = UnixTime(NOW + DAY + 1);
    assert!(!decide_named(&case, "ghcr.io/acme/old", vec![]).passes());
}

#[test]
fn a_deny_list_beats_signatures_and_exceptions() {
    let digest = Lab::image();
    let text = format!(
        "deny: {{digests: [\"{digest}\"]}}\n  scope: {{images: [\"**\"], except: [{{image: ghcr.io/acme/old, until: \"{}\", reason: x}}]}}",
        time(DAY)
    );
    let case = Case::of(document(&text, &[key("a")], "{signature: {by: a}}"));
    for name in ["ghcr.io/acme/app", "ghcr.io/acme/old"] {
        let decision = decide_named(&case, name, vec![case.signed_by("a")]);
        let Verdict::Fail(reasons) = &decision.verdict else {
            panic!()
        };
        assert_eq!(
            (reasons[0].code, decision.action),
            ("denied-digest", Action::Deny)
        );
    }
    let anybody = [keyless("anybody", "*@acme.example")];
    let listed = Case::of(document(
        "deny: {identities: [eve@acme.example]}",
        &anybody,
        "{signature: {by: anybody}}",
    ));
    assert_eq!(
        codes(&listed.decide(vec![listed.keyless_by("eve@acme.example")])),
        vec!["denied-signer"]
    );
    assert!(
        listed
            .decide(vec![
                listed.keyless_by("alice@acme.example"),
                listed.keyless_by("eve@acme.example")
            ])
            .passes()
    );
    let serial = match &listed
        .decide(vec![listed.keyless_by("alice@acme.example")])
        .accepted[0]
        .signer()
    {
        countersign_proof::Signer::Fulcio(certificate) => certificate.serial.to_uppercase(),
        other => panic!("{other:?}"),
    };
    let by_serial = Case::of(document(
        &format!("deny: {{serials: [\"00{serial}\"]}}"),
        &anybody,
        "{signature: {by: anybody}}",
    ));
    assert_eq!(
        codes(&by_serial.decide(vec![by_serial.keyless_by("alice@acme.example")])),
        vec!["denied-signer"]
    );
}
