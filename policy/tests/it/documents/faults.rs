//! What is wrong with a policy is said with its place and what is meant.

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_policy::{PolicySet, Source};

use super::{GOOD, fault, parse, said};

#[test]
fn an_unknown_field_is_an_error_that_names_the_nearest() {
    let error = fault("  signers:\n", "  signer:\n");
    assert_eq!(error.code(), "policy-unknown-field");
    assert_eq!((error.line, error.column), (Some(8), Some(3)), "{error}");
    assert_eq!(
        said(&error),
        "policy.yaml:8:3: there is no field `signer` here (did you mean `signers`?)"
    );
    assert_eq!(
        fault("issuer: https://token", "isuer: https://token")
            .hint
            .unwrap(),
        "did you mean `issuer`?"
    );
    assert_eq!(
        fault("keys: {logs: 1}", "keys: {log: 1}").hint.unwrap(),
        "did you mean `logs`?"
    );
    let error = fault("allOf:", "allof:");
    assert_eq!(
        (error.code(), error.hint.as_deref()),
        ("policy-unknown-field", Some("did you mean `allOf`?"))
    );
    let error = fault("  mode: warn\n", "  mode: observe\n");
    assert_eq!(
        (error.code(), error.hint.as_deref()),
        (
            "policy-unknown-field",
            Some("here belong `enforce`, `warn`, `audit`")
        )
    );
}

#[test]
fn missing_fields_and_wrong_types_say_where() {
    let error = fault("  name: prod\n", "  {}\n");
    assert_eq!(error.code(), "policy-missing-field", "{error}");
    let error = fault("count: 2", "count: two");
    assert_eq!(
        (error.code(), error.line),
        ("policy-wrong-type", Some(27)),
        "{error}"
    );
    let error = fault("count: 2", "count: -1");
    assert_eq!(error.code(), "policy-wrong-type", "{error}");
    let error = fault("key: {file: release.pub}", "key: {}");
    assert_eq!(
        (error.code(), error.line),
        ("policy-missing-field", Some(10)),
        "{error}"
    );
    let error = fault("{file: release.pub}", "{file: release.pub, pem: x}");
    assert_eq!(error.code(), "policy-invalid-value", "{error}");
}

#[test]
fn what_stands_in_the_wrong_shape_is_told_in_a_policys_words() {
    for (from, to, message, hint) in [
        (
            "key: {file: release.pub}",
            "key: release.pub",
            "here belong fields, and not a single value",
            "write them below it, indented, or as `{field: value}`",
        ),
        (
            "  mode: warn\n",
            "  mode: [warn]\n",
            "no list belongs here",
            "write one; several rules go into an `allOf` list",
        ),
    ] {
        let error = fault(from, to);
        assert_eq!(error.code(), "policy-wrong-type", "{error}");
        assert_eq!(error.message, message);
        assert_eq!(error.hint.as_deref(), Some(hint));
    }
    let nothing = "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: prod}\nspec:\n  signers: {}\n  require: {}\n";
    let error = parse(nothing).unwrap_err();
    assert_eq!(
        (error.code(), error.message.as_str()),
        ("policy-wrong-type", "nothing is asked for here")
    );
}

/// The policies of other programs have other fields as well: what they are is said first.
#[test]
fn a_policy_of_another_program_is_told_by_its_kind_and_not_by_its_fields() {
    for (text, message) in [
        (
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: x}\nspec: {rules: []}\n",
            "apiVersion is `kyverno.io/v1`, not `countersign.dev/v1`",
        ),
        (
            "apiVersion: countersign.dev/v1\nkind: ClusterImagePolicy\nspec: {images: []}\n",
            "kind is `ClusterImagePolicy`, not `Policy`",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(
            (error.code(), error.message.as_str()),
            ("policy-unknown-version", message)
        );
    }
}

#[test]
fn the_version_and_kind_are_checked() {
    let error = fault("countersign.dev/v1", "countersign.dev/v2");
    assert_eq!(
        (error.code(), error.line),
        ("policy-unknown-version", Some(2))
    );
    assert_eq!(
        fault("kind: Policy", "kind: ClusterImagePolicy").code(),
        "policy-unknown-version"
    );
    assert_eq!(parse("").unwrap_err().code(), "policy-missing-field");
}

#[test]
fn a_rule_by_an_undefined_signer_names_the_nearest() {
    let error = fault("by: release,", "by: realease,");
    assert_eq!(error.code(), "policy-unknown-signer");
    assert_eq!(
        said(&error),
        "policy.yaml:22:25: the signer `realease` is not defined (did you mean `release`?)"
    );
}

#[test]
fn rules_that_ask_for_nothing_are_refused() {
    for (replaced, with) in [
        (
            "signature: {by: release, annotations: {env: prod}}",
            "allOf: []",
        ),
        (
            "signature: {by: release, annotations: {env: prod}}",
            "anyOf: []",
        ),
        ("count: 2", "count: 0"),
        ("count: 2", "count: 3"),
        ("by: [ci, auditor]", "by: []"),
    ] {
        let error = fault(replaced, with);
        assert_eq!(error.code(), "policy-invalid-value", "{with}: {error}");
        assert!(error.line.is_some(), "{with}: {error}");
    }
}

#[test]
fn at_least_counts_only_what_has_a_signer() {
    let error = fault(
        "            - signature: {by: ci}\n",
        "            - allOf: [{signature: {by: ci}}]\n",
    );
    assert_eq!(error.code(), "policy-invalid-value", "{error}");
    assert!(
        parse(&GOOD.replace(
            "            - signature: {by: ci}\n",
            "            - anyOf: [{signature: {by: ci}}]\n"
        ))
        .is_ok()
    );
}

#[test]
fn unanchored_expressions_are_refused_with_their_anchored_form() {
    let error = fault(
        "{exact: \"audit*@acme.example\"}",
        "{regex: \"audit.*@acme\"}",
    );
    assert_eq!(
        (error.code(), error.hint.as_deref()),
        ("policy-pattern", Some("write `^audit.*@acme$`"))
    );
    let error = fault(
        "{exact: \"audit*@acme.example\"}",
        "{exat: \"audit*@acme.example\"}",
    );
    assert_eq!(
        (error.code(), error.hint.as_deref()),
        ("policy-unknown-field", Some("did you mean `exact`?"))
    );
}

#[test]
fn keys_that_cannot_be_read_say_why() {
    let error = fault("release.pub", "other.pub");
    assert_eq!(
        error.to_string(),
        "policy.yaml:10:19: the key in `other.pub` cannot be read: no `other.pub` here"
    );
    let error = fault("{file: release.pub}", "{pem: \"not a key\"}");
    assert_eq!(error.code(), "policy-key", "{error}");
    let source = Source {
        name: "policy.yaml".to_owned(),
        bytes: Bytes::from_static(GOOD.as_bytes()),
    };
    assert_eq!(
        PolicySet::parse(&[source], &Limits::DEFAULT)
            .unwrap_err()
            .code(),
        "policy-key"
    );
}

#[test]
fn key_windows_and_schemes_are_read_and_checked() {
    let with = |extra: &str| {
        parse(&GOOD.replace(
            "{file: release.pub}",
            &format!("{{file: release.pub, {extra}}}"),
        ))
    };
    let set = with(
        "validFrom: 2026-01-01T00:00:00Z, validUntil: 2027-01-01T00:00:00Z, schemes: [ecdsa-p256-sha256]",
    );
    let set = set.unwrap_or_else(|error| panic!("{}", said(&error)));
    let keys = set.keys();
    assert!(
        keys[0].valid.start.is_some()
            && keys[0]
                .schemes
                .as_ref()
                .is_some_and(|schemes| schemes.len() == 1)
    );
    assert_eq!(
        with("validUntil: tomorrow").unwrap_err().code(),
        "policy-invalid-value"
    );
    assert_eq!(
        with("validFrom: 2027-01-01T00:00:00Z, validUntil: 2026-01-01T00:00:00Z")
            .unwrap_err()
            .code(),
        "policy-invalid-value"
    );
    assert_eq!(
        with("schemes: [ed25519]").unwrap_err().code(),
        "policy-invalid-value"
    );
    assert_eq!(
        with("schemes: []").unwrap_err().code(),
        "policy-invalid-value"
    );
}

#[test]
fn thresholds_that_can_never_be_met_are_refused() {
    assert_eq!(
        fault("keys: {logs: 1}", "keys: {logs: 33}").code(),
        "policy-invalid-value"
    );
    assert_eq!(
        fault("keys: {logs: 1}", "keys: {scts: 1}").code(),
        "policy-invalid-value"
    );
    assert!(parse(&GOOD.replace("keys: {logs: 1}", "keys: {logs: 32}")).is_ok());
}

#[test]
fn unused_signers_and_patterns_for_everybody_are_warned_about() {
    let text = GOOD.replace(
        "identity: {exact: \"audit*@acme.example\"}",
        "identity: \"**\"",
    );
    let warnings = parse(&text).unwrap().warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("matches everybody")),
        "{warnings:?}"
    );
    let text = GOOD.replace("by: release,", "by: ci,");
    let warnings = parse(&text).unwrap().warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("no rule names the signer `release`")),
        "{warnings:?}"
    );
}
