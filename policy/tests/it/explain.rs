//! What would have made a decision pass, held against decisions about evidence that really is there.

use countersign_formats::UnixTime;
use countersign_policy::{
    Answer, CauseClass, CounterFactual, Decision, Fact, MOST_FACTS, SourceKind, Supplied,
};
use countersign_testdata::lab::NOW;

use crate::workshop::{Case, key, keyless, outage};

fn change(decision: &Decision) -> CounterFactual {
    decision.explain().change
}

/// The smallest changes, in words.
#[track_caller]
fn words(decision: &Decision) -> Vec<String> {
    match change(decision) {
        CounterFactual::Changes { facts, sets, count } => {
            assert!(count >= sets.len());
            sets.iter()
                .map(|set| {
                    assert_eq!(set.len(), facts);
                    let words: Vec<String> = set.iter().map(ToString::to_string).collect();
                    words.join("; ")
                })
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_passes_needs_no_change() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(change(&decision), CounterFactual::Passes);
    assert!(decision.explain().nearest.is_none());
}

#[test]
fn one_missing_signature_is_one_fact() {
    let case = Case::new(&[key("a"), key("b")], "{signature: {by: [a, b]}}", "");
    let decision = case.decide(vec![case.attested_by("a", "https://spdx.dev/Document")]);
    assert_eq!(
        words(&decision),
        ["there is a signature by `a`", "there is a signature by `b`"]
    );
    let miss = decision.explain().nearest.unwrap();
    assert_eq!(miss.policy, "p");
    assert_eq!(
        miss.candidate.mismatch().unwrap().kind.code(),
        "predicate-type"
    );
}

#[test]
fn where_a_statement_is_missing_one_of_another_type_is_nearer_than_a_signature() {
    let require = "{statement: {type: spdxjson, by: a}}";
    let case = Case::new(&[key("a"), key("b")], require, "");
    let nearest = |pieces: Vec<Supplied>| {
        let decision = case.decide(pieces);
        let miss = decision.explain().nearest.unwrap();
        miss.candidate.mismatches[0].found.clone()
    };
    let other_type = || case.attested_by("b", "https://slsa.dev/provenance/v1");
    let found = "`https://slsa.dev/provenance/v1`";
    assert_eq!(nearest(vec![case.signed_by("a"), other_type()]), found);
    assert_eq!(nearest(vec![other_type(), case.signed_by("a")]), found);
    // Alone, the signature is the nearest that there is.
    assert!(nearest(vec![case.signed_by("a")]).contains("cosign"));
}

#[test]
fn a_signer_who_has_signed_already_is_not_proposed_twice() {
    let signers = [key("a"), key("b"), key("c")];
    let require =
        "{atLeast: {count: 2, of: [{signature: {by: [a, b]}}, {signature: {by: [a, b, c]}}]}}";
    let case = Case::new(&signers, require, "");
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(
        words(&decision),
        ["there is a signature by `b`", "there is a signature by `c`"]
    );
}

#[test]
fn more_than_three_missing_facts_have_no_small_change() {
    let signers = ["a", "b", "c", "d"].map(key);
    let rule = |names: &[&str]| {
        let rules: Vec<String> = names
            .iter()
            .map(|name| format!("{{signature: {{by: {name}}}}}"))
            .collect();
        format!("{{allOf: [{}]}}", rules.join(", "))
    };
    let four = Case::new(&signers, &rule(&["a", "b", "c", "d"]), "");
    assert_eq!(change(&four.decide(vec![])), CounterFactual::NoneSoSmall);
    let decision = four.decide(vec![four.signed_by("c")]);
    assert_eq!(
        words(&decision),
        ["there is a signature by `a`; there is a signature by `b`; there is a signature by `d`"]
    );
}

#[test]
fn one_piece_meets_every_rule_that_asks_for_it() {
    let case = Case::new(
        &[key("a")],
        "{allOf: [{statement: {type: any, by: a}}, {statement: {type: spdxjson, by: a}}]}",
        "",
    );
    assert_eq!(
        words(&case.decide(vec![])),
        ["there is a statement of type `https://spdx.dev/Document` by `a`"]
    );
}

#[test]
fn an_identity_that_misses_alone_could_be_another() {
    let case = Case::new(
        &[keyless("release", "bob@acme.example")],
        "{signature: {by: release}}",
        "",
    );
    let decision = case.decide(vec![case.keyless_by("eve@acme.example")]);
    let words = words(&decision);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words.iter().any(
            |line| line.starts_with("the identity of the signature in sha256:")
                && line.ends_with("is `bob@acme.example`, not `eve@acme.example`")
        ),
        "{words:?}"
    );
    assert!(words.contains(&"there is a signature by `release`".to_owned()));
}

#[test]
fn a_renamed_signer_counts_once_with_the_one_whose_name_it_takes() {
    let case = Case::new(
        &[
            keyless("one", "bob@acme.example"),
            keyless("two", "eve@acme.example"),
        ],
        "{atLeast: {count: 2, of: [{signature: {by: one}}, {signature: {by: [one, two]}}]}}",
        "",
    );
    // Were mallory's signature bob's, bob would count once.
    let decision = case.decide(vec![
        case.keyless_by("bob@acme.example"),
        case.keyless_by("mallory@acme.example"),
    ]);
    let words = words(&decision);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words.iter().all(|line| !line.contains("is `bob@")),
        "{words:?}"
    );
    assert!(
        words
            .iter()
            .any(|line| line.contains("is `eve@acme.example`"))
    );
    assert!(
        words
            .iter()
            .any(|line| line == "there is a signature by `two`")
    );
}

#[test]
fn many_who_match_one_pattern_are_told_apart_and_one_person_is_not() {
    let require = |name: &str| {
        let rule = format!("{{signature: {{by: {name}}}}}");
        format!("{{atLeast: {{count: 2, of: [{rule}, {rule}]}}}}")
    };
    let many = Case::new(&[keyless("team", "*@acme.example")], &require("team"), "");
    let CounterFactual::Changes { facts, .. } = change(&many.decide(vec![])) else {
        panic!("two of the team are enough")
    };
    assert_eq!(facts, 2);
    let one = Case::new(&[keyless("bob", "bob@acme.example")], &require("bob"), "");
    assert_eq!(change(&one.decide(vec![])), CounterFactual::NoneSoSmall);
}

#[test]
fn a_key_whose_window_is_over_signs_nothing_more() {
    let over = UnixTime(NOW - 1);
    let signer = format!("old: {{key: {{file: old, validUntil: \"{over}\"}}}}");
    let case = Case::new(&[signer], "{signature: {by: old}}", "");
    let decision = case.decide(vec![]);
    assert_eq!(change(&decision), CounterFactual::NoneSoSmall);
}

#[test]
fn a_source_that_cannot_be_read_is_a_fact_and_alone_never_enough() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let decision = case.decide_with(
        vec![],
        &[(SourceKind::BundleReferrers, outage(CauseClass::Network))],
    );
    // With nothing more in it, the source would turn "unknown" into "no".
    assert_eq!(words(&decision), ["there is a signature by `a`"]);
    let CounterFactual::Changes { sets, .. } = change(&decision) else {
        panic!("a signature is enough")
    };
    assert!(matches!(&sets[0][0], Fact::Evidence { policy, .. } if policy == "p"));
}

#[test]
fn annotations_are_checks_of_their_own() {
    let case = Case::new(
        &[key("a")],
        "{signature: {by: a, annotations: {stage: prod, team: prod}}}",
        "",
    );
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(
        words(&decision),
        ["there is a signature by `a` with `stage=prod`, `team=prod`"]
    );
}

#[test]
fn a_flood_of_pieces_is_said_to_be_too_large() {
    let signers = ["a", "b"].map(key);
    let rules = ["{signature: {by: a}}"; 200].join(", ");
    let case = Case::new(&signers, &format!("{{allOf: [{rules}]}}"), "");
    let junk: Vec<Supplied> = (0..2000).map(|at| case.raw(format!("junk {at}"))).collect();
    assert_eq!(change(&case.decide(junk)), CounterFactual::TooLarge);
    assert_eq!(
        words(&case.decide(vec![])),
        ["there is a signature by `a`"],
        "one fact meets all rules"
    );
}

/// A generator of small numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn rule(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.below(3) == 0 {
        let first = NAMES[dice.below(4)];
        let second = NAMES[dice.below(4)];
        let by = if first == second || dice.below(2) == 0 {
            first.to_owned()
        } else {
            format!("[{first}, {second}]")
        };
        return format!("{{signature: {{by: {by}}}}}");
    }
    let parts = 2 + dice.below(2);
    let kind = dice.below(3);
    let inner = |dice: &mut Dice| {
        // What is counted is a signature, a statement, or `anyOf` of those.
        let depth = if kind == 2 { 0 } else { depth - 1 };
        rule(dice, depth)
    };
    let rules: Vec<String> = (0..parts).map(|_| inner(dice)).collect();
    let rules = rules.join(", ");
    match kind {
        0 => format!("{{allOf: [{rules}]}}"),
        1 => format!("{{anyOf: [{rules}]}}"),
        _ => format!(
            "{{atLeast: {{count: {}, of: [{rules}]}}}}",
            1 + dice.below(parts)
        ),
    }
}

/// Fewest signatures that really make it pass when they are added, by trying all.
fn fewest(case: &Case, have: usize) -> Option<usize> {
    (0_usize..16)
        .filter(|more| {
            let pieces = NAMES
                .iter()
                .enumerate()
                .filter(|(at, _)| (have | more) & (1 << at) != 0)
                .map(|(_, name)| case.signed_by(name))
                .collect();
            case.decide(pieces).passes()
        })
        .map(|more| (more & !have).count_ones() as usize)
        .min()
}

#[test]
fn the_smallest_change_is_the_smallest_that_really_helps() {
    let mut dice = Dice(11);
    let (mut small, mut none) = (0, 0);
    for _ in 0..60 {
        let require = rule(&mut dice, 2);
        let case = Case::new(&NAMES.map(key), &require, "");
        let have = dice.below(16) & dice.below(16);
        let pieces = NAMES
            .iter()
            .enumerate()
            .filter(|(at, _)| have & (1 << at) != 0)
            .map(|(_, name)| case.signed_by(name))
            .collect();
        let decision = case.decide(pieces);
        let expected = fewest(&case, have);
        match change(&decision) {
            CounterFactual::Passes => assert_eq!(expected, Some(0), "{require} {have}"),
            CounterFactual::Changes { facts, .. } => {
                small += 1;
                assert_eq!(expected, Some(facts), "{require} {have}");
            }
            CounterFactual::NoneSoSmall => {
                none += 1;
                assert!(
                    expected.is_none_or(|fewest| fewest > MOST_FACTS),
                    "{require} {have}: {expected:?}"
                );
            }
            CounterFactual::TooLarge | CounterFactual::NoPolicy => panic!("{require}"),
        }
    }
    assert!(small > 20 && none > 0, "{small} {none}");
}

#[test]
fn a_thorough_judge_asks_every_source_though_it_is_decided() {
    use std::sync::Arc;

    use countersign_policy::{Judge, Step, Want};
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let begin = || {
        Judge::new(
            &case.policies,
            case.subject.clone(),
            None,
            Arc::clone(&case.trust),
            case.now,
        )
    };
    let Step::Need(judge, _) = begin() else {
        panic!("nothing is known yet")
    };
    let mut step = judge.thorough().supply(vec![
        case.signed_by("a"),
        Supplied::Source(SourceKind::Given, Answer::Absent),
    ]);
    let mut asked = Vec::new();
    let decision = loop {
        match step {
            Step::Done(decision) => break decision,
            Step::Need(judge, wants) => {
                let mut answers = Vec::new();
                for want in wants {
                    let Want::Source(source) = want else {
                        panic!("{want:?}")
                    };
                    asked.push(source);
                    answers.push(Supplied::Source(source, Answer::Absent));
                }
                step = judge.supply(answers);
            }
        }
    };
    assert!(decision.passes());
    assert_eq!(
        asked,
        [
            SourceKind::BundleReferrers,
            SourceKind::SignatureTag,
            SourceKind::AttestationTag,
            SourceKind::OtherPieces
        ]
    );
}
