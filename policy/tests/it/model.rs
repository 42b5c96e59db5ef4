//! A small pool of evidence, trees of rules over it, and what they mean, said in another way than the judge does.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use countersign_formats::UnixTime;
use countersign_policy::{
    Answer, CauseClass, Decision, PolicySet, SourceKind, Supplied, Verdict, check,
};
use countersign_proof::Verified;
use countersign_testdata::lab::NOW;
use proptest::prelude::*;

use crate::workshop::{ALL_READ, Case, key, keyless, outage, set};

/// The signers that every policy here has, so that all proofs are made under one trust.
pub(crate) fn signers() -> String {
    [
        key("a"),
        key("b"),
        key("c"),
        keyless("alice", "alice@acme.example"),
        keyless("anybody", "*@acme.example"),
    ]
    .join(", ")
}

pub(crate) fn document(name: &str, more: &str, require: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  {more}\n  signers: {{{}}}\n  require: {require}\n",
        signers()
    )
}

/// One piece of the pool: who signed it and what it claims.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) signer: &'static str,
    /// `None` for a signature, else the type of the statement.
    pub(crate) claim: Option<&'static str>,
}

pub(crate) const SBOM: &str = "https://spdx.dev/Document";
pub(crate) const REVIEW: &str = "https://acme.example/review/v1";

pub(crate) const POOL: [Piece; 8] = [
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

pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) pieces: Vec<Verified>,
}

pub(crate) fn world() -> &'static World {
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
pub(crate) fn judge(
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

pub(crate) fn members(mask: usize) -> Vec<usize> {
    (0..POOL.len())
        .filter(|bit| mask & (1 << bit) != 0)
        .collect()
}

pub(crate) fn passes(decision: &Decision) -> bool {
    decision.verdict == Verdict::Pass
}

/// A tree of rules, as it is written and as a model understands it.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Signature(Vec<&'static str>),
    Statement(&'static str, Vec<&'static str>, &'static str),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    AtLeast(usize, Vec<Tree>),
}

impl Tree {
    pub(crate) fn yaml(&self) -> String {
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

    /// The people who pass the leaf or `anyOf`, by the pool alone.
    pub(crate) fn people(&self, there: &[usize]) -> BTreeSet<&'static str> {
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
    pub(crate) fn holds(&self, there: &[usize]) -> bool {
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

pub(crate) fn names() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["a", "b", "c", "alice", "anybody"], 1..4)
}

pub(crate) fn leaf(terms: Vec<&'static str>) -> impl Strategy<Value = Tree> {
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

pub(crate) fn tree(terms: Vec<&'static str>) -> impl Strategy<Value = Tree> {
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

pub(crate) fn monotone() -> impl Strategy<Value = Tree> {
    tree(vec![""])
}

pub(crate) fn any_tree() -> impl Strategy<Value = Tree> {
    tree(vec![
        "",
        ", select: all, minimum: 1",
        ", select: all, minimum: 2",
    ])
}

pub(crate) fn policy(tree: &Tree) -> PolicySet {
    set(&document("p", "mode: enforce", &tree.yaml()))
}

pub(crate) const AT: UnixTime = UnixTime(NOW);
