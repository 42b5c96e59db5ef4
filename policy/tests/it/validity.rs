//! A decision says until when it holds, exactly: up to that second nothing differs, and behind it something does.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_policy::{
    Answer, Asked, Decision, PolicySet, RuleOutcome, Standing, Status, Supplied, check, check_asked,
};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW};
use proptest::prelude::*;

use crate::model::{AT, Tree, members, signers, tree, world};
use crate::workshop::{ALL_READ, Case, set};

/// Policies whose answer depends on the time, with the evidence that they pass.
fn timed() -> Vec<PolicySet> {
    let day = 86_400;
    let time = |offset: i64| UnixTime(NOW + offset).to_string();
    let key = |name: &str, until: &str| {
        format!("{name}: {{key: {{file: {name}, validUntil: \"{until}\"}}}}")
    };
    let with = |signers: &str, more: &str, require: &str| {
        set(&format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers: {{{signers}}}\n  require: {require}\n"
        ))
    };
    let (soon, later) = (time(day), time(9 * day));
    vec![
        with(&key("a", &soon), "mode: enforce", "{signature: {by: a}}"),
        // The first edge changes nothing, since the other key still counts.
        with(
            &[key("a", &soon), key("b", &later)].join(", "),
            "mode: enforce",
            "{signature: {by: [a, b]}}",
        ),
        with(
            &[key("a", &soon), key("b", &later)].join(", "),
            "mode: enforce",
            "{allOf: [{signature: {by: a}}, {signature: {by: b}}]}",
        ),
        with(
            &signers(),
            &format!("expires: \"{soon}\""),
            "{signature: {by: a}}",
        ),
        with(
            &signers(),
            "mode: enforce",
            "{signature: {by: anybody, maxAge: 40d}}",
        ),
        with(
            &signers(),
            "mode: enforce",
            "{signature: {by: anybody, maxAge: 20d}}",
        ),
        with(
            &format!("a: {{key: {{file: a, validFrom: \"{soon}\"}}}}"),
            "mode: enforce",
            "{signature: {by: a}}",
        ),
    ]
}

#[test]
fn a_decision_holds_until_it_says_and_no_longer() {
    for (index, policies) in timed().into_iter().enumerate() {
        // Proofs are made under the trust of these keys, as of now.
        let case = Case::of(policies.clone());
        let lab = Lab::new();
        let pieces = || {
            vec![
                case.bundle(&lab.managed(LabKey::p256("a")).build()),
                case.bundle(&lab.managed(LabKey::p256("b")).build()),
                case.keyless_by("alice@acme.example"),
            ]
        };
        let at = |now: UnixTime| {
            let mut supplied = pieces();
            supplied.extend(ALL_READ.map(|source| {
                Supplied::Source(
                    source,
                    Answer::Read {
                        complete: true,
                        as_of: now,
                    },
                )
            }));
            check(
                &policies,
                case.subject.clone(),
                Arc::clone(&case.trust),
                now,
                supplied,
            )
        };
        let now = at(AT);
        let until = now.valid_until.unwrap_or_else(|| match index {
            // Too old already: it can only become older.
            5 => UnixTime(NOW + 1_000_000_000),
            _ => panic!("policy {index} depends on the time: {:?}", now.verdict),
        });
        for step in [1, 60, (until.0 - NOW) / 2, until.0 - NOW] {
            let then = at(UnixTime(NOW + step));
            assert_eq!(
                (&then.verdict, then.action),
                (&now.verdict, now.action),
                "policy {index} after {step} s"
            );
        }
        if now.valid_until.is_some() && index != 6 {
            let behind = at(UnixTime(until.0 + 1));
            assert_ne!(
                (&behind.verdict, behind.action),
                (&now.verdict, now.action),
                "policy {index}"
            );
        }
    }
}

const DAY: i64 = 86_400;

/// What in a policy depends on the time, in seconds from now.
#[derive(Debug, Clone)]
struct Edges {
    /// From when and until when each key may sign.
    windows: Vec<(Option<i64>, Option<i64>)>,
    /// Since when the first key is compromised.
    compromised: Option<i64>,
    /// When the policy expires.
    expires: Option<i64>,
    /// Until when an exception lets the image through.
    excepted: Option<i64>,
}

/// Moments before and behind now; few, so that several fall together.
fn moment() -> impl Strategy<Value = i64> {
    prop_oneof![
        (-20_i64..20).prop_map(|days| days * DAY),
        (-3_i64..3),
        (1_i64..400).prop_map(|hours| hours * 3600),
    ]
}

fn edges() -> impl Strategy<Value = Edges> {
    let window = (
        proptest::option::of(moment()),
        proptest::option::of(moment()),
    )
        .prop_map(|(start, end)| match (start, end) {
            (Some(start), Some(end)) if start >= end => (Some(end - 1), Some(start)),
            other => other,
        });
    (
        proptest::collection::vec(window, 3),
        proptest::option::weighted(0.3, moment()),
        proptest::option::weighted(0.3, moment()),
        proptest::option::weighted(0.2, moment()),
    )
        .prop_map(|(windows, compromised, expires, excepted)| Edges {
            windows,
            compromised,
            expires,
            excepted,
        })
}

fn timed_policy(tree: &Tree, edges: &Edges) -> PolicySet {
    let time = |offset: i64| format!("\"{}\"", UnixTime(NOW + offset));
    let mut text =
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n".to_owned();
    if let Some(expires) = edges.expires {
        text.push_str(&format!("  expires: {}\n", time(expires)));
    }
    if let Some(until) = edges.excepted {
        text.push_str(&format!(
            "  scope: {{images: [\"ghcr.io/**\"], except: [{{image: \"ghcr.io/acme/*\", until: {}, reason: x}}]}}\n",
            time(until)
        ));
    }
    text.push_str("  signers:\n");
    for (index, (name, (start, end))) in ["a", "b", "c"].iter().zip(&edges.windows).enumerate() {
        let mut fields = format!("file: {name}");
        if let Some(start) = start {
            fields.push_str(&format!(", validFrom: {}", time(*start)));
        }
        if let Some(end) = end {
            fields.push_str(&format!(", validUntil: {}", time(*end)));
        }
        if let (0, Some(since)) = (index, edges.compromised) {
            fields.push_str(&format!(", compromisedSince: {}", time(since)));
        }
        text.push_str(&format!("    {name}: {{key: {{{fields}}}}}\n"));
    }
    let people: Vec<String> = [
        ("alice", "alice@acme.example"),
        ("anybody", "*@acme.example"),
    ]
    .iter()
    .map(|(name, identity)| format!("    {}\n", crate::workshop::keyless(name, identity)))
    .collect();
    text.push_str(&people.concat());
    text.push_str(&format!("  require: {}\n", tree.yaml()));
    set(&text)
}

/// Everything that a decision says and that may not differ before its end.
fn said(decision: &Decision) -> (String, Vec<(&'static str, Vec<Status>)>) {
    fn statuses(rule: &RuleOutcome, into: &mut Vec<Status>) {
        into.push(rule.status);
        for child in &rule.children {
            statuses(child, into);
        }
    }
    let policies = decision.policies.iter().map(|policy| {
        let mut all = Vec::new();
        statuses(&policy.rule, &mut all);
        (Standing::code(&policy.standing), all)
    });
    (
        format!("{:?} {:?}", decision.verdict, decision.action),
        policies.collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_up_to_valid_until_and_something_does_behind_it(
        tree in tree(vec!["", ", maxAge: 20d", ", maxAge: 40d", ", select: latest, maxAge: 40d", ", select: all, minimum: 1"]),
        edges in edges(),
        mask in 0_usize..256,
        part in 0.0_f64..1.0,
    ) {
        let policies = timed_policy(&tree, &edges);
        let at = |now: UnixTime| {
            let world = world();
            let pieces = members(mask).into_iter();
            let mut supplied: Vec<Supplied> = pieces
                .map(|index| Supplied::Piece(Box::new(Ok(world.pieces[index].clone()))))
                .collect();
            supplied.extend(ALL_READ.map(|source| {
                Supplied::Source(source, Answer::Read { complete: true, as_of: now })
            }));
            let asked = Asked::about(world.case.subject.clone()).named("ghcr.io/acme/app");
            check_asked(&policies, asked, Arc::clone(&world.case.trust), now, supplied)
        };
        let now = at(AT);
        let last = now.valid_until.unwrap_or(UnixTime(NOW + 1_000 * DAY));
        prop_assert!(last >= AT);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment between the two will do")]
        let between = UnixTime(NOW + ((last.0 - NOW) as f64 * part) as i64);
        for moment in [between, last] {
            prop_assert_eq!(said(&at(moment)), said(&now), "{:?} {:?} at {}", tree, edges, moment);
            prop_assert_eq!(at(moment).valid_until, now.valid_until, "{:?} {:?} at {}", tree, edges, moment);
        }
        if now.valid_until.is_some() {
            let behind = at(UnixTime(last.0 + 1));
            prop_assert_ne!(said(&behind), said(&now), "{:?} {:?} behind {}", tree, edges, last);
        }
    }
}
