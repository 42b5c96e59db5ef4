//! Policy documents: what is read, and what each fault says and where.

mod builds;
mod faults;
mod yaml;

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
    let source = |name: &str| Source {
        name: name.to_owned(),
        bytes: Bytes::from(GOOD),
    };
    let both = [source("one.yaml"), source("two.yaml")];
    let error = PolicySet::parse_with_files(&both, &Limits::DEFAULT, &files).unwrap_err();
    assert_eq!(error.file, "two.yaml");
    assert!(
        error
            .message
            .ends_with("; the first stands at one.yaml:5:9"),
        "{error}"
    );
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
fn a_policy_made_in_code_is_the_same_value() {
    let set = PolicySet::from(Policy::new(
        "flags",
        std::collections::BTreeMap::new(),
        Requirement::signature(vec!["nobody".to_owned()], std::collections::BTreeMap::new()),
    ));
    assert!(set.keys().is_empty() && !set.wants_certificates());
}
