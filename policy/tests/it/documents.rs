//! Policy documents: what is read, and what each fault says and where.

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_policy::{Policy, PolicyError, PolicySet, Requirement, Source};
use countersign_testdata::keys::LabKey;

const GOOD: &str = r#"
apiVersion: countersign.dev/v1
kind: Policy
metadata:
  name: prod
spec:
  mode: warn
  signers:
    release:
      key: {file: release.pub}
    ci:
      keyless:
        issuer: https://token.actions.githubusercontent.com
        identity: https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*
    auditor:
      keyless: {issuer: https://accounts.example, identity: {exact: "audit*@acme.example"}}
  trust:
    keys: {logs: 1}
    certificates: {timestamps: 1}
  require:
    allOf:
      - signature: {by: release, annotations: {env: prod}}
      - anyOf:
          - statement: {type: slsaprovenance1, by: [ci, auditor]}
          - statement: {type: any, by: auditor}
      - atLeast:
          count: 2
          distinct: issuer
          of:
            - signature: {by: ci}
            - statement: {type: https://example.org/review/v1, by: auditor}
"#;

fn files(_: &str, name: &str) -> Result<Vec<u8>, String> {
    match name {
        "release.pub" => Ok(LabKey::p256("release").public_pem().into_bytes()),
        other => Err(format!("no `{other}` here")),
    }
}

fn parse(text: &str) -> Result<PolicySet, PolicyError> {
    let source = Source {
        name: "policy.yaml".to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    PolicySet::parse_with_files(&[source], &Limits::DEFAULT, &files)
}

/// The error for the good policy with one text replaced.
fn fault(replaced: &str, with: &str) -> PolicyError {
    assert_eq!(
        GOOD.matches(replaced).count(),
        1,
        "`{replaced}` stands once in the good policy"
    );
    parse(&GOOD.replace(replaced, with)).unwrap_err()
}

fn said(error: &PolicyError) -> String {
    match &error.hint {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

#[test]
fn the_good_policy_is_read() {
    let set = parse(GOOD).unwrap();
    let [policy] = set.policies() else {
        panic!("one policy")
    };
    assert_eq!(policy.name, "prod");
    assert_eq!(policy.mode.as_str(), "warn");
    assert_eq!(policy.trust.keys.logs, 1);
    // What is not said keeps its default.
    assert_eq!(policy.trust.certificates.logs, 1);
    assert_eq!(policy.trust.certificates.scts, 1);
    assert_eq!(policy.trust.certificates.timestamps, 1);
    assert!(matches!(&policy.require, Requirement::AllOf(rules) if rules.len() == 3));
    assert_eq!(set.keys().len(), 1);
    assert!(set.wants_certificates());
    assert!(set.warnings().is_empty());
}

#[test]
fn what_is_printed_is_read_back_as_the_same_policy() {
    let set = parse(GOOD).unwrap();
    let printed = set.to_yaml();
    let source = Source {
        name: "printed".to_owned(),
        bytes: Bytes::from(printed.clone()),
    };
    let again = PolicySet::parse(&[source], &Limits::DEFAULT)
        .unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(again.digest(), set.digest());
    assert_eq!(again.to_yaml(), printed);
}

#[test]
fn several_documents_make_several_policies_and_names_must_differ() {
    let second = GOOD.replace("name: prod", "name: second");
    let set = parse(&format!("{GOOD}---{second}")).unwrap();
    assert_eq!(set.policies().len(), 2);
    let error = parse(&format!("{GOOD}---{GOOD}")).unwrap_err();
    assert_eq!(error.code(), "policy-conflict");
    let source = Source {
        name: "printed".to_owned(),
        bytes: Bytes::from(set.to_yaml()),
    };
    assert_eq!(
        PolicySet::parse(&[source], &Limits::DEFAULT)
            .unwrap()
            .digest(),
        set.digest()
    );
}

#[test]
fn comments_and_spelling_do_not_change_the_digest() {
    let set = parse(GOOD).unwrap();
    let other = GOOD
        .replace("by: release,", "by: [release],  # the release key\n       ")
        .replace("mode: warn", "mode: \"warn\"");
    assert_eq!(parse(&other).unwrap().digest(), set.digest());
    assert_ne!(
        parse(&GOOD.replace("count: 2", "count: 1"))
            .unwrap()
            .digest(),
        set.digest()
    );
}

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

#[test]
fn a_policy_made_in_code_is_the_same_value() {
    let set = PolicySet::from(Policy::new(
        "flags",
        std::collections::BTreeMap::new(),
        Requirement::signature(vec!["nobody".to_owned()], std::collections::BTreeMap::new()),
    ));
    assert!(set.keys().is_empty() && !set.wants_certificates());
}

const BUILD: &str = r#"
apiVersion: countersign.dev/v1
kind: Policy
metadata: {name: builds}
spec:
  signers:
    short: {github: {repository: acme/*, ref: refs/tags/v*, workflow: release.yml, trigger: push, sha: 4a1f}}
    both:
      keyless:
        identity: https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*
        github: {repository: {regex: '^acme/(app|db)$'}}
        claims: {runnerEnvironment: github-hosted}
    claims:
      keyless:
        issuer: https://gitlab.example
        claims: {sourceRepositoryUri: https://gitlab.example/acme/app}
  require:
    signature: {by: [short, both, claims]}
"#;

/// The error for the builds with one text replaced.
fn build_fault(replaced: &str, with: &str) -> String {
    assert_eq!(BUILD.matches(replaced).count(), 1, "{replaced}");
    let error = parse(&BUILD.replace(replaced, with)).unwrap_err();
    assert!(error.line.is_some(), "{error}");
    format!("{} {}", error.code(), said(&error))
}

#[test]
fn builds_are_read_with_their_issuer_and_printed_as_claims() {
    let set = parse(BUILD).unwrap();
    assert!(set.warnings().is_empty(), "{:?}", set.warnings());
    let printed = set.to_yaml();
    assert_eq!(
        printed
            .matches("issuer: {exact: \"https://token.actions.githubusercontent.com\"}")
            .count(),
        2
    );
    assert!(
        printed.contains("sourceRepositoryUri: {glob: \"https://github.com/acme/*\"}"),
        "{printed}"
    );
    let again = parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(again.to_yaml(), printed);
    assert_eq!(again.digest(), set.digest());
}

#[test]
fn a_keyless_signer_says_who_and_under_which_issuer() {
    let claims = "claims: {sourceRepositoryUri: https://gitlab.example/acme/app}";
    assert!(build_fault(claims, "claims: {}").contains("the field `identity` is missing"));
    let issuer = "        issuer: https://gitlab.example\n";
    assert!(build_fault(issuer, "").contains("the field `issuer` is missing"));
    assert!(
        build_fault("{repository: acme/*, ", "{").contains("the field `repository` is missing")
    );
    let set = parse(&BUILD.replace(claims, "claims: {buildTrigger: push}")).unwrap();
    assert_eq!(
        set.warnings(),
        [
            "policy `builds`: the signer `claims` names no identity and no repository, so that anybody's build may match"
        ]
    );
    let set = parse(&BUILD.replace("acme/*", "\"*/*\"")).unwrap();
    assert!(set.warnings()[0].contains("matches everybody"));
}

#[test]
fn a_claim_that_does_not_exist_or_is_named_twice_is_an_error() {
    for (replaced, with, words) in [
        (
            "runnerEnvironment",
            "runnerEnviroment",
            "policy-unknown-field",
        ),
        (
            "runnerEnvironment",
            "runnerEnviroment",
            "did you mean `runnerEnvironment`?",
        ),
        (
            "runnerEnvironment",
            "issuerV2",
            "the issuer is a field of its own",
        ),
        (
            "runnerEnvironment: github-hosted",
            "sourceRepositoryUri: x",
            "policy-duplicate-key",
        ),
        ("trigger: push", "event: push", "policy-unknown-field"),
        (
            "acme/*",
            "https://github.com/acme/app",
            "no repository like `owner/name`",
        ),
        ("'^acme/(app|db)$'", "'acme/(app|db)'", "is not anchored"),
    ] {
        let said = build_fault(replaced, with);
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_short_name_that_there_is_not_is_answered_with_the_one_that_is_meant() {
    let hint = |name: &str| {
        let text = format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: a}}\nspec:\n  signers: {{k: {{keyless: {{issuer: \"https://issuer.example\", identity: a@b.example}}}}}}\n  require:\n    statement: {{type: \"{name}\", by: k}}\n"
        );
        let source = countersign_policy::Source {
            name: "policy.yaml".to_owned(),
            bytes: text.into(),
        };
        let limits = countersign_formats::Limits::DEFAULT;
        countersign_policy::PolicySet::parse(&[source], &limits).map_err(|error| error.hint)
    };
    for (name, meant) in [
        ("slsa", "`slsaprovenance1`"),
        ("slsa-provenance", "`slsaprovenance1`"),
        ("spdx-json", "`spdxjson`"),
        ("CycloneDX", "`cyclonedx`"),
        ("sbom", "`spdxjson` or `cyclonedx`"),
        ("openvx", "`openvex`"),
        ("costum", "`custom`"),
        ("quux", "an alias such as"),
    ] {
        let found = hint(name).unwrap_err().unwrap();
        assert!(found.contains(meant), "{name}: {found}");
    }
    assert!(hint("slsaprovenance1").is_ok());
}
