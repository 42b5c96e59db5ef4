//! Each lint has a policy that triggers it and a twin that does not.

use countersign_formats::UnixTime;
use countersign_policy::{Finding, Lint, Severity};
use countersign_testdata::lab::NOW;

use crate::workshop::set;

const DAY: i64 = 86_400;

fn policy(more: &str, signers: &str, require: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers:\n    a: {{key: {{file: a}}}}\n    b: {{key: {{file: b}}}}\n{signers}  require: {require}\n"
    )
}

fn findings(text: &str) -> Vec<Finding> {
    set(text).lint(Some(UnixTime(NOW)))
}

fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<&str> = findings(text)
        .iter()
        .map(|finding| finding.lint.code())
        .collect();
    codes.dedup();
    codes
}

const BOTH: &str = "{allOf: [{signature: {by: a}}, {signature: {by: b}}]}";

/// Policies with what each lint finds in it, and the twin in which nothing is found.
fn cases() -> Vec<(Lint, String, String)> {
    let time = |offset: i64| UnixTime(NOW + offset).to_string();
    let plain = |require: &str| policy("mode: enforce", "", require);
    let with = |signer: &str| {
        policy(
            "mode: enforce",
            &format!("    c: {signer}\n"),
            "{allOf: [{signature: {by: a}}, {signature: {by: b}}, {statement: {type: any, by: c}}]}",
        )
    };
    let keyless = |identity: &str| {
        with(&format!(
            "{{keyless: {{issuer: https://issuer.example, identity: '{identity}'}}}}"
        ))
    };
    let scope = |text: &str| policy(&format!("scope: {text}"), "", BOTH);
    vec![
        (Lint::Shadowed, plain("{allOf: [{signature: {by: [a, b]}}, {signature: {by: a}}]}"), plain(BOTH)),
        (
            Lint::Shadowed,
            plain("{anyOf: [{statement: {type: any, by: a}}, {statement: {type: spdxjson, by: a}}, {signature: {by: b}}]}"),
            plain("{anyOf: [{statement: {type: cyclonedx, by: a}}, {statement: {type: spdxjson, by: a}}, {signature: {by: b}}]}"),
        ),
        (
            Lint::Shadowed,
            plain("{allOf: [{atLeast: {count: 2, of: [{signature: {by: a}}, {signature: {by: b}}]}}, {anyOf: [{signature: {by: a}}, {signature: {by: b}}]}]}"),
            plain("{allOf: [{atLeast: {count: 1, of: [{signature: {by: a}}, {signature: {by: b}}]}}, {statement: {type: any, by: a}}]}"),
        ),
        (
            Lint::Shadowed,
            scope("{images: [\"ghcr.io/acme/**\", \"ghcr.io/acme/app\"]}"),
            scope("{images: [\"ghcr.io/acme/*\", \"ghcr.io/acme/*/app\"]}"),
        ),
        (
            Lint::Contradictory,
            policy("deny: {identities: [\"*@acme.example\"]}", "    c: {keyless: {issuer: https://i.example, identity: eve@acme.example}}\n", "{anyOf: [{signature: {by: a}}, {signature: {by: b}}, {signature: {by: c}}]}"),
            policy("deny: {identities: [\"mallory@acme.example\"]}", "    c: {keyless: {issuer: https://i.example, identity: eve@acme.example}}\n", "{anyOf: [{signature: {by: a}}, {signature: {by: b}}, {signature: {by: c}}]}"),
        ),
        (
            Lint::AlwaysDeny,
            plain("{atLeast: {count: 2, of: [{signature: {by: a}}, {statement: {type: any, by: a}}, {anyOf: [{statement: {type: spdxjson, by: a}}]}]}}").replace("    b: {key: {file: b}}\n", ""),
            plain("{atLeast: {count: 2, of: [{signature: {by: a}}, {statement: {type: any, by: [a, b]}}]}}"),
        ),
        (Lint::AlwaysPass, keyless("**"), keyless("*@acme.example")),
        (
            Lint::AlwaysPass,
            scope(&format!("{{images: [\"ghcr.io/acme/*\"], except: [{{image: \"ghcr.io/**\", until: \"{}\", reason: x}}]}}", time(90 * DAY))),
            scope(&format!("{{images: [\"ghcr.io/acme/*\"], except: [{{image: ghcr.io/acme/old, until: \"{}\", reason: x}}]}}", time(90 * DAY))),
        ),
        (Lint::Unanchored, keyless("https://github.com/acme**"), keyless("https://github.com/acme/**")),
        (Lint::Unanchored, keyless("bob@gmail.*"), keyless("*@gmail.example")),
        (Lint::Unanchored, keyless("^https://github.com/acme/app$"), keyless("^https://github\\.com/acme/app$")),
        (Lint::Unanchored, keyless("^.*@acme\\.example$"), keyless("^[a-z]+@acme\\.example$")),
        (
            Lint::NonMonotone,
            plain("{allOf: [{signature: {by: b}}, {statement: {type: any, by: a, select: latest, maxAge: 7d}}]}"),
            plain("{allOf: [{signature: {by: b}}, {statement: {type: any, by: a, maxAge: 7d}}]}"),
        ),
        (
            Lint::Expiring,
            policy(&format!("expires: \"{}\"", time(29 * DAY)), "", BOTH),
            policy(&format!("expires: \"{}\"", time(31 * DAY)), "", BOTH),
        ),
        (Lint::UnusedSigner, plain("{signature: {by: a}}"), plain(BOTH)),
        (
            Lint::Insecure,
            policy("insecure: {ignoreSct: {reason: OPS-1}}", "", BOTH),
            policy("mode: enforce", "", BOTH),
        ),
    ]
}

#[test]
fn every_lint_that_there_is_has_a_policy_that_triggers_it_and_a_twin() {
    for lint in Lint::ALL {
        // Trees that are too large to be decided have a test of their own, with their twin.
        let known = lint == Lint::Undecided || cases().iter().any(|(known, ..)| *known == lint);
        assert!(known, "{} has no policy that triggers it", lint.code());
    }
}

#[test]
fn each_lint_is_triggered_and_its_twin_is_clean() {
    for (lint, triggers, twin) in cases() {
        assert_eq!(
            codes(&triggers),
            [lint.code()],
            "{triggers}\n{:#?}",
            findings(&triggers)
        );
        assert!(codes(&twin).is_empty(), "{twin}\n{:#?}", findings(&twin));
    }
}

#[test]
fn what_was_not_decided_is_said() {
    let many: Vec<String> = (0..11)
        .map(|number| format!("{{statement: {{type: https://example.org/{number}, by: a}}}}"))
        .collect();
    let others = many.join(", ").replace("by: a", "by: b");
    let many = many.join(", ");
    // The first says more than the second, which takes combinations of 22 claims to see.
    let wide = format!(
        "{{anyOf: [{{allOf: [{many}, {others}]}}, {{anyOf: [{{allOf: [{many}]}}, {{allOf: [{others}]}}]}}]}}"
    );
    assert_eq!(
        codes(&policy("mode: enforce", "", &wide)),
        ["lint-undecided"]
    );
    let expressions = policy(
        "mode: enforce",
        "    c: {keyless: {issuer: https://i.example, identity: '^c@acme\\.example$'}}\n    d: {keyless: {issuer: https://i.example, identity: '^[cd]@acme\\.example$'}}\n",
        "{allOf: [{signature: {by: a}}, {signature: {by: b}}, {signature: {by: c}}, {signature: {by: d}}]}",
    );
    assert_eq!(codes(&expressions), ["lint-undecided"]);
}

#[test]
fn a_finding_has_its_place_in_the_form_that_editors_read() {
    let found = findings(&policy("mode: enforce", "", "{signature: {by: a}}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(
        found[0].to_string(),
        "p.yaml:8:8: warning: policy `p`: no rule names the signer `b` [lint-unused-signer]"
    );
}
