//! Keyless signers: builds, identities and claims.

use super::{parse, said};

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
