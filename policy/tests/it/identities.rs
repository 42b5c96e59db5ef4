//! Who must have signed, and what is said where it was somebody else.

use countersign_policy::{Outcome, Verdict};
use countersign_testdata::certificate::uri_name;
use countersign_testdata::lab::ISSUER;

use crate::workshop::{Case, SIGNATURE, key, keyless, mismatches};

#[test]
fn a_keyless_signature_passes_by_identity_and_issuer() {
    let case = Case::new(&[keyless("release", "bob@acme.example")], SIGNATURE, "");
    let decision = case.decide(vec![case.keyless_by("bob@acme.example")]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&decision),
        decision.rejected
    );
    let decision = case.decide(vec![case.keyless_by("eve@acme.example")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        mismatches(&decision),
        ["identity: identity differs only in the mailbox: `eve`, expected `bob`"]
    );
}

#[test]
fn a_ref_that_differs_alone_is_named_and_says_what_would_change_it() {
    let expected = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*";
    let case = Case::new(&[keyless("ci", expected)], "{signature: {by: ci}}", "");
    let found = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
    let piece = case.bundle(&case.lab.certified(uri_name(found)).rekor_v1().build());
    let decision = case.decide(vec![piece]);
    assert_eq!(
        mismatches(&decision),
        ["identity: identity differs only in the ref: `refs/heads/main`, expected `refs/tags/v*`"]
    );
    let hint = decision.policies[0].rule.candidates[0]
        .mismatch()
        .unwrap()
        .hint
        .clone()
        .unwrap();
    assert_eq!(
        hint,
        "if this signer is meant, change the identity of the signer `ci` in policy `p`"
    );
}

#[test]
fn another_issuer_alone_is_named() {
    let signer =
        "release: {keyless: {issuer: https://accounts.example, identity: bob@acme.example}}"
            .to_owned();
    let case = Case::new(&[signer], SIGNATURE, "");
    let decision = case.decide(vec![case.keyless_by("bob@acme.example")]);
    assert_eq!(
        mismatches(&decision),
        [format!(
            "issuer: only the issuer differs: it is `{ISSUER}`, expected `https://accounts.example`"
        )]
    );
}

#[test]
fn of_several_signers_the_one_missed_least_is_shown() {
    let signers = [
        key("build"),
        keyless("ci", "ci@acme.example"),
        keyless("ops", "https://github.com/acme/**"),
    ];
    let case = Case::new(&signers, "{signature: {by: [build, ops, ci]}}", "");
    let decision = case.decide(vec![case.keyless_by("ops@acme.example")]);
    assert_eq!(mismatches(&decision).len(), 1);
    assert!(
        mismatches(&decision)[0].starts_with("identity: "),
        "{:?}",
        mismatches(&decision)
    );
}

#[test]
fn key_signed_where_only_certificates_count_is_no_certificate() {
    let case = Case::new(
        &[keyless("ci", "ci@acme.example")],
        "{signature: {by: ci}}",
        "",
    );
    assert_eq!(
        case.decide(vec![case.signed_by("release")]).outcome(),
        Outcome::NoCertificate
    );
    // A candidate with a certificate, or none of the right kind, makes it none acceptable.
    let decision = case.decide(vec![
        case.signed_by("release"),
        case.keyless_by("eve@acme.example"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    let decision = case.decide(vec![
        case.attested_by("release", "https://spdx.dev/Document"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    // A rule that also takes a key wants no certificate.
    let either = Case::new(
        &[keyless("ci", "ci@acme.example"), key("build")],
        "{signature: {by: [ci, build]}}",
        "",
    );
    assert_eq!(
        either.decide(vec![either.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
}
