//! Which YAML is read, and which is refused since readers differ about it.

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_policy::{PolicySet, Source};

use super::{GOOD, fault, parse};

#[test]
fn a_key_given_twice_is_an_error() {
    let error = fault("  mode: warn\n", "  mode: warn\n  mode: enforce\n");
    assert_eq!(error.code(), "policy-duplicate-key");
    assert_eq!(error.line, Some(8), "{error}");
    let error = fault("    auditor:\n", "    ci:\n");
    assert_eq!(error.code(), "policy-duplicate-key", "{error}");
    let error = fault(
        "annotations: {env: prod}",
        "annotations: {env: prod, env: test}",
    );
    assert_eq!(error.code(), "policy-duplicate-key", "{error}");
}

#[test]
fn aliases_anchors_merge_keys_and_tags_are_refused() {
    let error = fault("key: {file: release.pub}", "key: &k {file: release.pub}");
    assert_eq!(error.code(), "policy-not-plain", "{error}");
    let error = fault(
        "      key: {file: release.pub}",
        "      <<: {key: {file: release.pub}}",
    );
    assert_eq!(error.code(), "policy-not-plain", "{error}");
    let error = fault("name: prod", "name: !mine prod");
    assert_eq!(error.code(), "policy-not-plain", "{error}");
    let error = fault("name: prod", "name: *other");
    assert!(
        ["policy-not-plain", "policy-syntax"].contains(&error.code()),
        "{error}"
    );
}

#[test]
fn a_text_that_some_readers_take_for_a_number_or_boolean_must_be_quoted() {
    for scalar in ["true", "yes", "1.0", "12", "0x10", "on"] {
        let error = fault(
            "annotations: {env: prod}",
            &format!("annotations: {{env: {scalar}}}"),
        );
        assert_eq!(error.code(), "policy-ambiguous-scalar", "{scalar}: {error}");
        assert_eq!(error.line, Some(22), "{scalar}: {error}");
        assert!(parse(&GOOD.replace("env: prod}", &format!("env: \"{scalar}\"}}"))).is_ok());
    }
    assert!(
        ["policy-ambiguous-scalar", "policy-wrong-type"]
            .contains(&fault("by: release,", "by: 12,").code())
    );
}

#[test]
fn large_deep_and_broken_documents_cost_little_and_are_refused() {
    let limits = Limits {
        policy_bytes: 100,
        ..Limits::DEFAULT
    };
    let source = Source {
        name: "p".to_owned(),
        bytes: Bytes::from_static(GOOD.as_bytes()),
    };
    assert_eq!(
        PolicySet::parse(&[source], &limits).unwrap_err().code(),
        "policy-over-limit"
    );
    let deep = format!(
        "{}{}{}",
        "{anyOf: [".repeat(200),
        "{signature: {by: ci}}",
        "]}".repeat(200)
    );
    let error = fault(
        "signature: {by: release, annotations: {env: prod}}",
        &format!("anyOf: [{deep}]"),
    );
    assert_eq!(error.code(), "policy-over-limit", "{error}");
    for text in [
        "{",
        "a: b: c",
        "\u{0}",
        "- 1\n- 2",
        "\"",
        "&a",
        "%YAML 9.9\n---\n",
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.code().starts_with("policy-"), "{text:?}: {error}");
    }
    let source = Source {
        name: "p".to_owned(),
        bytes: Bytes::from_static(b"\xff\xfe"),
    };
    assert_eq!(
        PolicySet::parse(&[source], &Limits::DEFAULT)
            .unwrap_err()
            .code(),
        "policy-syntax"
    );
}

#[test]
fn every_truncation_of_a_policy_is_refused_or_read_without_panic() {
    for end in 0..GOOD.len() {
        let _ = parse(&GOOD[..end]);
    }
}
