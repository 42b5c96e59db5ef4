//! What would have to be otherwise where a deny-list, an expiry, an exception that ended, an age or a scope stands in the way.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_policy::{Answer, Asked, CounterFactual, Decision, Judge, Supplied};
use countersign_testdata::lab::{Lab, NOW};

use crate::workshop::{ALL_READ, Case, key, keyless, set};

const DAY: i64 = 86_400;

fn time(offset: i64) -> String {
    format!("\"{}\"", UnixTime(NOW + offset))
}

fn case(more: &str, require: &str) -> Case {
    let signers = [key("a"), key("b"), keyless("people", "*@acme.example")].join(", ");
    Case::of(set(&format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers: {{{signers}}}\n  require: {require}\n"
    )))
}

fn decide(case: &Case, mut supplied: Vec<Supplied>) -> Decision {
    supplied.extend(ALL_READ.map(|source| {
        let answer = Answer::Read {
            complete: true,
            as_of: case.now,
        };
        Supplied::Source(source, answer)
    }));
    let asked = Asked::about(case.subject.clone()).named("ghcr.io/acme/app");
    // As for explanations: also what stands in the way at once does not keep sources from being read.
    Judge::prepare(&case.policies, asked, Arc::clone(&case.trust), case.now)
        .thorough()
        .conclude(supplied)
}

/// The facts of each smallest change, in words.
fn changes(decision: &Decision) -> Vec<Vec<String>> {
    match decision.explain().change {
        CounterFactual::Changes { sets, facts, .. } => sets
            .iter()
            .map(|set| {
                assert_eq!(set.len(), facts);
                set.iter().map(ToString::to_string).collect()
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn denied() -> String {
    format!("deny: {{digests: [\"{}\"]}}", Lab::image())
}

const BY_A: &str = "{signature: {by: a}}";

#[test]
fn a_denied_digest_is_one_fact_and_what_is_missing_besides_another() {
    let case = case(&denied(), BY_A);
    let lifted = format!("policy `p` does not have {} on its deny-list", Lab::image());
    let signed = decide(&case, vec![case.signed_by("a")]);
    assert_eq!(changes(&signed), [vec![lifted.clone()]]);
    let unsigned = decide(&case, vec![]);
    assert_eq!(
        changes(&unsigned),
        [vec!["there is a signature by `a`".to_owned(), lifted]]
    );
}

#[test]
fn a_policy_that_is_over_is_one_fact() {
    let over = case(&format!("expires: {}", time(-DAY)), BY_A);
    let decision = decide(&over, vec![over.signed_by("a")]);
    let words = &changes(&decision)[0][0];
    assert!(words.starts_with("policy `p` is not over"), "{words}");
    // A policy that still holds has no such fact.
    let holds = case(&format!("expires: {}", time(DAY)), BY_A);
    let decision = decide(&holds, vec![]);
    assert_eq!(changes(&decision), [["there is a signature by `a`"]]);
}

#[test]
fn an_exception_that_ended_is_as_good_as_what_is_missing() {
    let except = |until: i64, image: &str| {
        format!(
            "scope: {{images: [\"ghcr.io/**\"], except: [{{image: \"{image}\", until: {}, reason: x}}]}}",
            time(until)
        )
    };
    let ended = case(&except(-DAY, "ghcr.io/acme/*"), BY_A);
    let found = changes(&decide(&ended, vec![]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0][0].starts_with("the exception of policy `p` for `ghcr.io/acme/*` is not over"),
        "{found:?}"
    );
    assert_eq!(found[1], ["there is a signature by `a`"]);
    // Where four signatures are missing it is the only small change.
    let four = "{allOf: [{signature: {by: a}}, {signature: {by: b}}, {statement: {type: any, by: a}}, {statement: {type: any, by: b}}]}";
    let ended = case(&except(-DAY, "ghcr.io/acme/*"), four);
    assert_eq!(changes(&decide(&ended, vec![])).len(), 1);
    let elsewhere = case(&except(-DAY, "ghcr.io/other/*"), four);
    assert_eq!(
        decide(&elsewhere, vec![]).explain().change,
        CounterFactual::NoneSoSmall
    );
    let holds = case(&except(DAY, "ghcr.io/acme/*"), four);
    assert!(decide(&holds, vec![]).passes());
}

#[test]
fn no_exception_helps_against_a_deny_list_or_an_expiry() {
    let more = format!(
        "{}\n  expires: {}\n  scope: {{images: [\"ghcr.io/**\"], except: [{{image: \"ghcr.io/**\", until: {}, reason: x}}]}}",
        denied(),
        time(-DAY),
        time(-2 * DAY)
    );
    let case = case(&more, BY_A);
    // Both stand in the way, and then either the exception or a signature.
    let found = changes(&decide(&case, vec![]));
    assert!(found.iter().all(|set| set.len() == 3), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        changes(&decide(&case, vec![case.signed_by("a")]))[0].len(),
        2
    );
}

#[test]
fn a_denied_signer_and_an_age_are_facts_about_the_piece() {
    let eve = case(
        "deny: {identities: [eve@acme.example]}",
        "{signature: {by: people}}",
    );
    let found = changes(&decide(&eve, vec![eve.keyless_by("eve@acme.example")]));
    assert!(
        found.iter().flatten().any(|fact| fact
            .starts_with("`eve@acme.example`, which stands behind the signature in sha256:")
            && fact.ends_with("is not on the deny-list")),
        "{found:?}"
    );
    let old = case("mode: enforce", "{signature: {by: people, maxAge: 7d}}");
    let found = changes(&decide(&old, vec![old.keyless_by("alice@acme.example")]));
    assert!(
        found
            .iter()
            .flatten()
            .any(|fact| fact.contains("is not older than 1w; it may be signed since ")),
        "{found:?}"
    );
}

#[test]
fn an_image_of_which_no_policy_speaks_has_no_change() {
    let other = case("scope: {images: [\"docker.io/**\"]}", BY_A);
    let decision = decide(&other, vec![other.signed_by("a")]);
    assert!(!decision.passes());
    assert_eq!(decision.explain().change, CounterFactual::NoPolicy);
    // A narrower layer that speaks of it does not replace the broader one.
    let narrower = format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: q}}\nspec:\n  signers: {{{}}}\n  require: {BY_A}\n",
        key("a")
    );
    let layered = other.policies.with_layer(&set(&narrower)).unwrap();
    let layered = Case::of(layered);
    let decision = decide(&layered, vec![]);
    assert_eq!(decision.explain().change, CounterFactual::NoPolicy);
}
