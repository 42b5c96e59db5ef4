//! What holds for every policy and every set of evidence: over generated trees, and over every subset of a small pool.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use countersign_formats::UnixTime;
use countersign_policy::{
    Action, Answer, CauseClass, Decision, PolicySet, SourceKind, Supplied, Verdict, check,
};
use countersign_proof::Verified;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW};
use proptest::prelude::*;

use crate::judge::{ALL_READ, Case, key, keyless, outage, set};

/// The signers that every policy here has, so that all proofs are made under one trust.
fn signers() -> String {
    [
        key("a"),
        key("b"),
        key("c"),
        keyless("alice", "alice@acme.example"),
        keyless("anybody", "*@acme.example"),
    ]
    .join(", ")
}

fn document(name: &str, more: &str, require: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  {more}\n  signers: {{{}}}\n  require: {require}\n",
        signers()
    )
}

/// One piece of the pool: who signed it and what it claims.
#[derive(Clone, Copy)]
struct Piece {
    signer: &'static str,
    /// `None` for a signature, else the type of the statement.
    claim: Option<&'static str>,
}

const SBOM: &str = "https://spdx.dev/Document";
const REVIEW: &str = "https://acme.example/review/v1";

const POOL: [Piece; 8] = [
    Piece {
        signer: "a",
        claim: None,
    },
    Piece {
        signer: "b",
        claim: None,
    },
    Piece {
        signer: "alice",
        claim: None,
    },
    Piece {
        signer: "bob",
        claim: None,
    },
    Piece {
        signer: "a",
        claim: Some(SBOM),
    },
    Piece {
        signer: "b",
        claim: Some(REVIEW),
    },
    Piece {
        signer: "a",
        claim: Some(REVIEW),
    },
    Piece {
        signer: "mallory",
        claim: None,
    },
];

struct World {
    case: Case,
    pieces: Vec<Verified>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let case = Case::of(set(&document("p", "mode: enforce", "{signature: {by: a}}")));
        let pieces = POOL
            .iter()
            .map(|piece| {
                let supplied = match (piece.signer, piece.claim) {
                    ("alice" | "bob", _) => {
                        case.keyless_by(&format!("{}@acme.example", piece.signer))
                    }
                    ("mallory", _) => case.keyless_by("mallory@evil.example"),
                    (name, None) => case.signed_by(name),
                    (name, Some(claim)) => case.attested_by(name, claim),
                };
                match supplied {
                    Supplied::Piece(piece) => piece.unwrap(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        World { case, pieces }
    })
}

/// Judges the pieces of `order`, which may name one twice; the source `failing` could not be read.
fn judge(
    policies: &PolicySet,
    order: &[usize],
    failing: Option<SourceKind>,
    now: UnixTime,
) -> Decision {
    let world = world();
    let mut supplied: Vec<Supplied> = order
        .iter()
        .map(|index| Supplied::Piece(Box::new(Ok(world.pieces[*index].clone()))))
        .collect();
    for source in ALL_READ {
        let answer = if Some(source) == failing {
            outage(CauseClass::Network)
        } else {
            Answer::Read {
                complete: true,
                as_of: now,
            }
        };
        supplied.push(Supplied::Source(source, answer));
    }
    check(
        policies,
        world.case.subject.clone(),
        Arc::clone(&world.case.trust),
        now,
        supplied,
    )
}

fn members(mask: usize) -> Vec<usize> {
    (0..POOL.len())
        .filter(|bit| mask & (1 << bit) != 0)
        .collect()
}

fn passes(decision: &Decision) -> bool {
    decision.verdict == Verdict::Pass
}

/// A tree of rules, as it is written and as a model understands it.
#[derive(Debug, Clone)]
enum Tree {
    Signature(Vec<&'static str>),
    Statement(&'static str, Vec<&'static str>, &'static str),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    AtLeast(usize, Vec<Tree>),
}

impl Tree {
    fn yaml(&self) -> String {
        let list = |trees: &[Tree]| trees.iter().map(Tree::yaml).collect::<Vec<_>>().join(", ");
        match self {
            Self::Signature(by) => format!("{{signature: {{by: [{}]}}}}", by.join(", ")),
            Self::Statement(claim, by, terms) => format!(
                "{{statement: {{type: \"{claim}\", by: [{}]{terms}}}}}",
                by.join(", ")
            ),
            Self::All(trees) => format!("{{allOf: [{}]}}", list(trees)),
            Self::Any(trees) => format!("{{anyOf: [{}]}}", list(trees)),
            Self::AtLeast(count, trees) => {
                format!("{{atLeast: {{count: {count}, of: [{}]}}}}", list(trees))
            }
        }
    }

    fn is_monotone(&self) -> bool {
        match self {
            Self::Signature(_) => true,
            Self::Statement(_, _, terms) => terms.is_empty(),
            Self::All(trees) | Self::Any(trees) | Self::AtLeast(_, trees) => {
                trees.iter().all(Tree::is_monotone)
            }
        }
    }

    /// The people who pass the leaf or `anyOf`, by the pool alone.
    fn people(&self, there: &[usize]) -> BTreeSet<&'static str> {
        let of = |claim: Option<&str>, by: &[&str]| {
            there
                .iter()
                .map(|index| POOL[*index])
                .filter(|piece| piece.claim == claim)
                .filter(|piece| {
                    by.contains(&piece.signer)
                        || (by.contains(&"anybody") && ["alice", "bob"].contains(&piece.signer))
                })
                .map(|piece| piece.signer)
                .collect()
        };
        match self {
            Self::Signature(by) => of(None, by),
            // Claims of the pool differ in their signers only, and `all` counts different claims.
            Self::Statement(_, _, terms) if terms.contains("minimum: 2") => BTreeSet::new(),
            Self::Statement(claim, by, _) => of(Some(claim), by),
            Self::Any(trees) => trees.iter().flat_map(|tree| tree.people(there)).collect(),
            Self::All(_) | Self::AtLeast(..) => BTreeSet::new(),
        }
    }

    /// What a tree means, said in another way than the judge does.
    fn holds(&self, there: &[usize]) -> bool {
        match self {
            Self::Signature(_) | Self::Statement(..) => !self.people(there).is_empty(),
            Self::All(trees) => trees.iter().all(|tree| tree.holds(there)),
            Self::Any(trees) => trees.iter().any(|tree| tree.holds(there)),
            Self::AtLeast(count, trees) => {
                let sets: Vec<_> = trees.iter().map(|tree| tree.people(there)).collect();
                most(&sets, &mut BTreeSet::new()) >= *count
            }
        }
    }
}

/// Every assignment of people to rules, tried one by one.
fn most(rules: &[BTreeSet<&'static str>], taken: &mut BTreeSet<&'static str>) -> usize {
    let Some((first, rest)) = rules.split_first() else {
        return 0;
    };
    let mut best = most(rest, taken);
    for person in first {
        if taken.insert(person) {
            best = best.max(1 + most(rest, taken));
            taken.remove(person);
        }
    }
    best
}

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["a", "b", "c", "alice", "anybody"], 1..4)
}

fn leaf(terms: Vec<&'static str>) -> impl Strategy<Value = Tree> {
    prop_oneof![
        names().prop_map(Tree::Signature),
        (
            proptest::sample::select(vec![SBOM, REVIEW]),
            names(),
            proptest::sample::select(terms)
        )
            .prop_map(|(claim, by, terms)| Tree::Statement(claim, by, terms)),
    ]
}

fn tree(terms: Vec<&'static str>) -> impl Strategy<Value = Tree> {
    let counted = proptest::collection::vec(
        prop_oneof![
            leaf(terms.clone()),
            proptest::collection::vec(leaf(terms.clone()), 1..3).prop_map(Tree::Any)
        ],
        1..4,
    )
    .prop_flat_map(|of| (1..=of.len(), Just(of)))
    .prop_map(|(count, of)| Tree::AtLeast(count, of));
    prop_oneof![leaf(terms), counted].prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Tree::All),
            proptest::collection::vec(inner, 1..3).prop_map(Tree::Any),
        ]
    })
}

fn monotone() -> impl Strategy<Value = Tree> {
    tree(vec![""])
}

fn any_tree() -> impl Strategy<Value = Tree> {
    tree(vec![
        "",
        ", select: all, minimum: 1",
        ", select: all, minimum: 2",
    ])
}

fn policy(tree: &Tree) -> PolicySet {
    set(&document("p", "mode: enforce", &tree.yaml()))
}

const AT: UnixTime = UnixTime(NOW);

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
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

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
        let policies = policy(&tree);
        let hidden = judge(&policies, &members(mask), Some(ALL_READ[which]), AT);
        if passes(&hidden) {
            // Only what is there already made it pass.
            prop_assert!(tree.holds(&members(mask)));
            if let Tree::Statement(..) = &tree {
                prop_assert!(tree.is_monotone() || !matches!(ALL_READ[which], SourceKind::BundleReferrers | SourceKind::AttestationTag | SourceKind::OtherPieces));
            }
        }
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
