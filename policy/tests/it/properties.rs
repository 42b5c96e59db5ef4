//! What holds for every policy and every set of evidence: over generated trees, and over every subset of a small pool.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_policy::{
    Action, Answer, Asked, Budget, Decision, Judge, PolicySet, RuleOutcome, SourceKind, Status,
    Supplied, Verdict,
};
use countersign_proof::{Origin, StorageForm, Unverified};
use proptest::prelude::*;

use crate::model::{
    AT, POOL, REVIEW, SBOM, Tree, any_tree, document, judge, leaf, members, monotone, passes,
    policy, tree, world,
};
use crate::workshop::{ALL_READ, set};

#[test]
fn every_subset_of_the_pool_is_judged_as_the_model_says() {
    use Tree::{All, Any, AtLeast, Signature, Statement};
    let trees = [
        Signature(vec!["a"]),
        Signature(vec!["c", "anybody"]),
        All(vec![Signature(vec!["a"]), Statement(SBOM, vec!["a"], "")]),
        Any(vec![
            Signature(vec!["b"]),
            Statement(REVIEW, vec!["a", "b"], ""),
        ]),
        AtLeast(
            2,
            vec![
                Signature(vec!["a", "b"]),
                Signature(vec!["a"]),
                Statement(REVIEW, vec!["a", "b"], ""),
            ],
        ),
        AtLeast(
            3,
            vec![
                Signature(vec!["anybody"]),
                Signature(vec!["alice"]),
                Statement(REVIEW, vec!["b"], ""),
            ],
        ),
        AtLeast(
            2,
            vec![
                Any(vec![Signature(vec!["a"]), Statement(SBOM, vec!["a"], "")]),
                Statement(REVIEW, vec!["a", "b"], ""),
            ],
        ),
        Statement(REVIEW, vec!["a", "b"], ", select: all, minimum: 1"),
    ];
    for tree in trees {
        let policies = policy(&tree);
        for mask in 0..1 << POOL.len() {
            let there = members(mask);
            let decision = judge(&policies, &there, None, AT);
            assert_eq!(passes(&decision), tree.holds(&there), "{tree:?} {there:?}");
            assert!(
                !matches!(decision.verdict, Verdict::Unknown(_)),
                "{tree:?} {there:?}"
            );
            // What one source hides leaves the answer as it is or makes it unknown.
            let hidden = judge(&policies, &there, Some(SourceKind::AttestationTag), AT);
            match hidden.verdict {
                Verdict::Pass => assert!(passes(&decision), "{tree:?} {there:?}"),
                Verdict::Fail(_) => assert!(!passes(&decision), "{tree:?} {there:?}"),
                Verdict::Unknown(_) => assert_eq!(hidden.action, Action::Deny),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_generated_tree_is_judged_as_the_model_says(tree in any_tree(), mask in 0_usize..256) {
        let there = members(mask);
        prop_assert_eq!(passes(&judge(&policy(&tree), &there, None, AT)), tree.holds(&there), "{:?}", tree);
    }

    #[test]
    fn withholding_never_admits_and_flooding_never_denies(tree in monotone(), mask in 0_usize..256, less in 0_usize..256) {
        let policies = policy(&tree);
        let all = judge(&policies, &members(mask), None, AT);
        let fewer = judge(&policies, &members(mask & less), None, AT);
        prop_assert!(!passes(&fewer) || passes(&all), "{:?}", tree);
        prop_assert!(fewer.action != Action::Admit || all.action == Action::Admit);
    }

    #[test]
    fn a_further_layer_never_admits_more(tree in any_tree(), other in any_tree(), mask in 0_usize..256, scoped in any::<bool>()) {
        let base = policy(&tree);
        let more = if scoped { "scope: {images: [\"ghcr.io/acme/**\"]}" } else { "mode: warn" };
        let layered = base.with_layer(&set(&document("q", more, &other.yaml()))).unwrap();
        let alone = judge(&base, &members(mask), None, AT);
        let both = judge(&layered, &members(mask), None, AT);
        prop_assert!(!passes(&both) || passes(&alone));
        prop_assert!(both.action >= alone.action, "{:?} {:?}", alone.action, both.action);
    }

    #[test]
    fn order_and_duplicates_change_nothing(tree in any_tree(), mask in 0_usize..256, seed in any::<u64>()) {
        let policies = policy(&tree);
        let mut order = members(mask);
        let straight = judge(&policies, &order, None, AT);
        order.extend(order.clone());
        let length = order.len().max(1);
        let turn = usize::try_from(seed % 64).unwrap() % length;
        let turn = turn.min(order.len());
        order.rotate_left(turn);
        order.reverse();
        let turned = judge(&policies, &order, None, AT);
        prop_assert_eq!(&straight.verdict, &turned.verdict);
        prop_assert_eq!(straight.action, turned.action);
        prop_assert_eq!(straight.digests, turned.digests);
        prop_assert_eq!(straight.valid_until, turned.valid_until);
    }

    #[test]
    fn what_is_unknown_never_passes(tree in any_tree(), mask in 0_usize..256, which in 0_usize..4) {
        let hidden = judge(&policy(&tree), &members(mask), Some(ALL_READ[which]), AT);
        // Only what is there already may have made it pass, and nothing that could not be read is an answer.
        prop_assert!(!passes(&hidden) || tree.holds(&members(mask)));
        if let Verdict::Unknown(causes) = &hidden.verdict {
            prop_assert!(!causes.is_empty());
            prop_assert_eq!(hidden.action, Action::Deny);
        }
    }

    #[test]
    fn an_incomplete_source_never_lets_a_rule_pass_that_is_not_monotone(tree in tree(vec![", select: all, minimum: 1", ", select: all, minimum: 2", ""]), mask in 0_usize..256, which in proptest::sample::select(vec![SourceKind::BundleReferrers, SourceKind::AttestationTag, SourceKind::OtherPieces])) {
        let hidden = judge(&policy(&tree), &members(mask), Some(which), AT);
        let mut wrong = Vec::new();
        for outcome in &hidden.policies {
            each_leaf(&outcome.rule, &mut |rule| {
                if !rule.monotone && rule.status == Status::Pass {
                    wrong.push(rule.part.clone());
                }
            });
        }
        prop_assert!(wrong.is_empty(), "{:?}: {:?}", tree, wrong);
    }

    #[test]
    fn one_signer_never_counts_twice(of in proptest::collection::vec(leaf(vec![""]), 2..5), count in 2_usize..5, signer in proptest::sample::select(vec!["a", "b", "alice"])) {
        let counted = Tree::AtLeast(count.min(of.len()), of);
        let pieces: Vec<usize> = (0..POOL.len()).filter(|index| POOL[*index].signer == signer).collect();
        prop_assert!(!passes(&judge(&policy(&counted), &pieces, None, AT)), "{:?}", counted);
    }

    #[test]
    fn garbage_changes_no_answer(tree in any_tree(), mask in 0_usize..256, junk in 1_usize..40, first in any::<bool>()) {
        let policies = policy(&tree);
        let clean = judge(&policies, &members(mask), None, AT);
        let flooded = flooded(&policies, mask, junk, first, None);
        // What is garbage makes "nothing is there" into "nothing of it suffices", and that is all.
        prop_assert_eq!(passes(&clean), passes(&flooded));
        prop_assert_eq!(clean.action, flooded.action);
        prop_assert!(!matches!(flooded.verdict, Verdict::Unknown(_)));
    }

    #[test]
    fn a_flood_beyond_the_budget_buys_no_admission(tree in any_tree(), mask in 0_usize..256, room in 0_usize..10, first in any::<bool>()) {
        // Outages are excused, so that an answer that is taken for one would admit.
        let policies = set(&document("p", "unavailable: warn", &tree.yaml()));
        let clean = judge(&policies, &members(mask), None, AT);
        let flooded = flooded(&policies, mask, 12, first, Some(room));
        prop_assert!(!passes(&flooded) || passes(&clean), "{:?}", tree);
        prop_assert!(flooded.action >= clean.action, "{:?} {:?}", clean.action, flooded.action);
    }
}

/// The pieces of `mask` with so much garbage before or behind them, and room for so many pieces.
fn flooded(
    policies: &PolicySet,
    mask: usize,
    junk: usize,
    first: bool,
    room: Option<usize>,
) -> Decision {
    let world = world();
    let garbage = |number: usize| {
        let origin = Origin::new(StorageForm::BundleReferrer);
        let bytes = Bytes::from(format!("garbage {number}"));
        let piece = Unverified::bundle(bytes, origin, &Limits::DEFAULT);
        Supplied::Piece(Box::new(Err(piece.unwrap_err())))
    };
    let real = members(mask)
        .into_iter()
        .map(|index| Supplied::Piece(Box::new(Ok(world.pieces[index].clone()))));
    let junk = (0..junk).map(garbage);
    let mut supplied: Vec<Supplied> = if first {
        junk.chain(real).collect()
    } else {
        real.chain(junk).collect()
    };
    supplied.extend(ALL_READ.map(|source| {
        let answer = Answer::Read {
            complete: true,
            as_of: AT,
        };
        Supplied::Source(source, answer)
    }));
    let asked = Asked::about(world.case.subject.clone());
    let mut judge = Judge::prepare(policies, asked, Arc::clone(&world.case.trust), AT);
    if let Some(pieces) = room {
        judge = judge.with_budget(Budget {
            pieces,
            bytes: u64::MAX,
        });
    }
    judge.conclude(supplied)
}

fn each_leaf(rule: &RuleOutcome, visit: &mut dyn FnMut(&RuleOutcome)) {
    if rule.children.is_empty() {
        visit(rule);
    }
    for child in &rule.children {
        each_leaf(child, visit);
    }
}

#[test]
fn one_signer_counts_once_however_much_it_signs() {
    let of = "[{signature: {by: [a]}}, {statement: {type: \"https://spdx.dev/Document\", by: [a]}}, {statement: {type: \"https://acme.example/review/v1\", by: [a, b]}}]";
    let two = set(&document(
        "p",
        "mode: enforce",
        &format!("{{atLeast: {{count: 2, of: {of}}}}}"),
    ));
    assert!(!passes(&judge(&two, &[0, 4, 6], None, AT)));
    assert!(passes(&judge(&two, &[0, 4, 5], None, AT)));
}
