//! The facts that can be supposed about a decision, and which rules each touches.

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::UnixTime;
use countersign_formats::predicate_types::COSIGN_SIGN;
use countersign_proof::{Claim, KeyId, Verified};

use super::supposed::{Altered, Lift, NewPiece, NewSigner, Supposed, each_signer, signs_now};
use super::{Fact, MOST_FACTS};
use crate::candidate::judge_candidate;
use crate::claim_kinds::Leaf;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::distinct::same_signer;
use crate::error::shown;
use crate::evaluate::Facts;
use crate::evidence::SourceKind;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::rules::{Distinct, Policy, Requirement, SignerRule};
use crate::scope::last_exception;

/// What new pieces have in common that can stand for each other: the rules that they touch, by policy and place in it, and what
/// tells their signers from those that are known.
type Class = (Vec<(usize, usize)>, String);

/// One fact that can be supposed.
pub(super) struct Atom {
    pub(super) fact: Fact,
    supposed: One,
}

enum One {
    Piece(NewPiece),
    Altered(Altered),
    Read(SourceKind),
    Lifted(String, Lift),
}

/// Every fact that can be supposed, and per policy and rule (in the order of [`Requirement::each_leaf`]) those that touch it.
pub(super) struct Atoms {
    pub(super) all: Vec<Atom>,
    pub(super) touching: Vec<Vec<BTreeSet<usize>>>,
    /// Per policy, what of its standing can be lifted.
    pub(super) lifts: Vec<BTreeMap<Lift, usize>>,
}

impl Atoms {
    /// The facts that can change something about `decision`.
    pub(super) fn of(decision: &Decision) -> Self {
        let policies = decision.ground.speaking();
        let mut atoms = Self {
            all: Vec::new(),
            touching: Vec::new(),
            lifts: Vec::new(),
        };
        for policy in &policies {
            for leaf in leaves(policy) {
                atoms.add_pieces(policy, &leaf, decision.decided_at);
            }
        }
        atoms.add_altered(decision, &policies);
        atoms.add_sources(decision);
        atoms.add_lifts(decision, &policies);
        atoms.touching = policies
            .iter()
            .map(|policy| {
                leaves(policy)
                    .iter()
                    .map(|leaf| atoms.touching(decision, policy, leaf))
                    .collect()
            })
            .collect();
        atoms.drop_interchangeable(decision);
        atoms
    }

    /// The atoms as `evaluate` sees them; `None` when two of them contradict each other.
    pub(super) fn supposed(&self, chosen: &BTreeSet<usize>) -> Option<Supposed> {
        let mut supposed = Supposed::default();
        for atom in chosen.iter().filter_map(|index| self.all.get(*index)) {
            match &atom.supposed {
                One::Piece(piece) => supposed.pieces.push(piece.clone()),
                One::Altered(altered) => {
                    let other_value = |known: &Altered| {
                        known.piece == altered.piece && known.check == altered.check
                    };
                    if supposed.altered.iter().any(other_value) {
                        return None;
                    }
                    supposed.altered.push(altered.clone());
                }
                One::Read(source) => {
                    supposed.read.insert(*source);
                }
                One::Lifted(policy, lift) => {
                    supposed.lifted.insert((policy.clone(), *lift));
                }
            }
        }
        Some(supposed)
    }

    /// One new piece for each signer that the rule names, for each of its keys, and as often as a pattern lets many match.
    fn add_pieces(&mut self, policy: &Policy, leaf: &Leaf<'_>, now: UnixTime) {
        for (name, _) in each_signer(leaf) {
            let Some(rule) = policy.signers.get(name) else {
                continue;
            };
            for signer in signers(rule, now) {
                let piece = NewPiece {
                    statement: leaf.statement.map(|wanted| wanted.cloned()),
                    annotations: leaf.annotations.clone(),
                    signer,
                };
                self.all.push(Atom {
                    fact: Fact::Evidence {
                        evidence: words(policy, leaf, name, rule, &piece.signer),
                        policy: policy.name.clone(),
                    },
                    supposed: One::Piece(piece),
                });
            }
        }
    }

    fn add_altered(&mut self, decision: &Decision, policies: &[&Policy]) {
        let mut known: BTreeSet<Altered> = BTreeSet::new();
        let counting = decision.accepted.len();
        let pieces = decision.accepted.iter().chain(&decision.unused);
        for (index, piece) in pieces.enumerate() {
            let counts = index < counting;
            for policy in policies {
                for leaf in leaves(policy) {
                    for mismatches in missed(decision, policy, &leaf, piece) {
                        for mismatch in mismatches {
                            let altered = Altered::of(piece, &mismatch);
                            // A piece that counts for some rule must go on to do so.
                            if !(counts && altered.replaces) && known.insert(altered.clone()) {
                                self.all.push(Atom {
                                    fact: piece_fact(piece, mismatch),
                                    supposed: One::Altered(altered),
                                });
                            }
                        }
                    }
                }
            }
        }
    }

    fn add_sources(&mut self, decision: &Decision) {
        for source in crate::sources::all_sources(decision.ground.family.subject()) {
            let read = decision
                .sources
                .iter()
                .any(|report| report.source == *source && report.is_read());
            if !read {
                self.all.push(Atom {
                    fact: Fact::Source { source: *source },
                    supposed: One::Read(*source),
                });
            }
        }
    }

    /// What policies say of the subject before they ask for anything, where that stands in the way.
    fn add_lifts(&mut self, decision: &Decision, policies: &[&Policy]) {
        for policy in policies {
            let mut lifts = BTreeMap::new();
            for (lift, words) in standing_in_the_way(decision, policy) {
                lifts.insert(lift, self.all.len());
                self.all.push(Atom {
                    fact: Fact::Standing {
                        policy: policy.name.clone(),
                        lifted: lift.word(),
                        words,
                    },
                    supposed: One::Lifted(policy.name.clone(), lift),
                });
            }
            self.lifts.push(lifts);
        }
    }

    fn touching(&self, decision: &Decision, policy: &Policy, leaf: &Leaf<'_>) -> BTreeSet<usize> {
        let mut missing: BTreeSet<Altered> = BTreeSet::new();
        for piece in decision.accepted.iter().chain(&decision.unused) {
            for mismatches in missed(decision, policy, leaf, piece) {
                missing.extend(
                    mismatches
                        .iter()
                        .map(|mismatch| Altered::of(piece, mismatch)),
                );
            }
        }
        let touches = |atom: &Atom| match &atom.supposed {
            One::Piece(piece) => piece.meets(policy, leaf, decision.decided_at),
            One::Altered(altered) => missing.contains(altered),
            One::Read(_) => true,
            One::Lifted(..) => false,
        };
        self.all
            .iter()
            .enumerate()
            .filter(|(_, atom)| touches(atom))
            .map(|(index, _)| index)
            .collect()
    }

    /// Of new pieces that touch the same rules and whose signers nobody knows yet, a change needs no more than
    /// [`MOST_FACTS`]: any of them can stand for any other.
    fn drop_interchangeable(&mut self, decision: &Decision) {
        let known: BTreeSet<String> = decision
            .accepted
            .iter()
            .chain(&decision.unused)
            .flat_map(|piece| {
                [Distinct::Identity, Distinct::Issuer, Distinct::Key]
                    .map(|distinct| same_signer(piece.signer(), distinct))
            })
            .collect();
        let mut classes: BTreeMap<Class, BTreeSet<String>> = BTreeMap::new();
        let mut dropped = BTreeSet::new();
        for (index, atom) in self.all.iter().enumerate() {
            let One::Piece(piece) = &atom.supposed else {
                continue;
            };
            let text = piece.signer.text(Distinct::Identity);
            let touched: Vec<(usize, usize)> = self
                .touching
                .iter()
                .enumerate()
                .flat_map(|(policy, leaves)| {
                    leaves
                        .iter()
                        .enumerate()
                        .filter(|(_, atoms)| atoms.contains(&index))
                        .map(move |(leaf, _)| (policy, leaf))
                })
                .collect();
            // A signer that has signed already counts as one with those pieces, and stands for nobody else; so does an
            // issuer, where issuers are told apart.
            let class = match &piece.signer {
                _ if known.contains(&text) => text.clone(),
                NewSigner::Key(_) => String::new(),
                NewSigner::Certificate { .. } => piece.signer.text(Distinct::Issuer),
            };
            let signers = classes.entry((touched, class)).or_default();
            if signers.contains(&text) || signers.len() >= MOST_FACTS {
                dropped.insert(index);
            } else {
                signers.insert(text);
            }
        }
        for atoms in self.touching.iter_mut().flatten() {
            atoms.retain(|atom| !dropped.contains(atom));
        }
    }
}

/// What of the policy's standing can be lifted, each in words.
fn standing_in_the_way(decision: &Decision, policy: &Policy) -> Vec<(Lift, String)> {
    let mut lifts = Vec::new();
    let (name, digest) = (shown(&policy.name), decision.digests.subject);
    if policy.deny.digests.contains(&digest) {
        let words = format!("policy `{name}` does not have {digest} on its deny-list");
        lifts.push((Lift::Denied, words));
    }
    let clock = Clock::new(decision.decided_at);
    if let Some(since) = policy.expires.filter(|since| !clock.is_open_until(*since)) {
        let words = format!("policy `{name}` is not over, which passes nothing after {since}");
        lifts.push((Lift::Expired, words));
    }
    if let Some(exception) = last_exception(policy, decision.image_name.as_deref())
        && !clock.is_open_until(exception.until)
    {
        let words = format!(
            "the exception of policy `{name}` for `{}` is not over, which ended at {}",
            shown(exception.image.as_str()),
            exception.until
        );
        lifts.push((Lift::Excepted, words));
    }
    lifts
}

/// The rules of the policy that look at pieces.
pub(super) fn leaves(policy: &Policy) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    policy
        .require
        .each_leaf(&mut |rule: &Requirement| leaves.extend(Leaf::of(rule)));
    leaves
}

/// What each signer that the rule names misses in the piece, where that can be otherwise.
fn missed(
    decision: &Decision,
    policy: &Policy,
    leaf: &Leaf<'_>,
    piece: &Verified,
) -> Vec<Vec<Mismatch>> {
    let clock = Clock::new(decision.decided_at);
    let sources = BTreeMap::new();
    let facts = Facts {
        family: &decision.ground.family,
        trust: &decision.digests.trust,
        verified: &[],
        rejected: &[],
        sources: &sources,
        spent: None,
        clock: &clock,
        supposed: Supposed::NOTHING,
    };
    let own = decision.digests.subject;
    let target = Some(*piece.subject())
        .filter(|about| decision.ground.family.has(about))
        .unwrap_or(own);
    let claimed = decision.ground.claimed(piece);
    each_signer(leaf)
        .map(|(_, alone)| {
            judge_candidate(&facts, policy, &alone, &target, piece, claimed).mismatches
        })
        .filter(|mismatches| {
            !mismatches.is_empty()
                && mismatches.len() <= MOST_FACTS
                && mismatches.iter().all(|mismatch| alterable(mismatch.kind))
        })
        .collect()
}

/// Whether it is one piece still when the check comes out otherwise: one of another kind, or by another key, is a new one.
fn alterable(kind: MismatchKind) -> bool {
    !matches!(
        kind,
        MismatchKind::Binding
            | MismatchKind::ClaimKind
            | MismatchKind::PredicateType
            | MismatchKind::Predicate
            | MismatchKind::SignerKind
            | MismatchKind::Key
    )
}

fn signers(rule: &SignerRule, now: UnixTime) -> Vec<NewSigner> {
    match rule {
        SignerRule::Key { keys } => keys
            .iter()
            .filter(|key| signs_now(key, now))
            .map(|key| NewSigner::Key(KeyId::of(&key.trusted.key)))
            .collect(),
        SignerRule::Keyless { .. } | SignerRule::Certificate { .. } => {
            // A rule that names one person has one signer, whose copies count once.
            (1..=MOST_FACTS)
                .map(|copy| NewSigner::Certificate {
                    rule: rule.clone(),
                    copy,
                })
                .collect()
        }
    }
}

fn words(
    policy: &Policy,
    leaf: &Leaf<'_>,
    name: &str,
    rule: &SignerRule,
    signer: &NewSigner,
) -> String {
    let wording = policy.wording.as_ref();
    let by = wording.and_then(|wording| wording.signer(name));
    let mut words = leaf.words_by(&by.unwrap_or_else(|| format!("`{name}`")));
    match (rule, signer) {
        (SignerRule::Key { keys }, NewSigner::Key(id)) if keys.len() > 1 => {
            words.push_str(&format!(" (key {id})"));
        }
        (_, NewSigner::Certificate { copy, .. }) if *copy > 1 => {
            words.push_str(&format!(" (number {copy}, by somebody else)"));
        }
        _ => {}
    }
    words
}

fn piece_fact(piece: &Verified, mismatch: Mismatch) -> Fact {
    let noun = match (mismatch.kind, &mismatch.about) {
        (MismatchKind::CertificateClaim(claim), _) => format!("the {}", claim.words()),
        (_, Some(about)) => format!("{} `{about}`", mismatch.kind.noun()),
        (MismatchKind::Identity | MismatchKind::Issuer, _) => {
            format!("the {}", mismatch.kind.noun())
        }
        _ => mismatch.kind.noun().to_owned(),
    };
    let claim = match piece.claim() {
        Claim::Statement(statement) if statement.predicate_type != COSIGN_SIGN => {
            format!("statement of type `{}`", shown(&statement.predicate_type))
        }
        _ => "signature".to_owned(),
    };
    Fact::Piece {
        digest: piece.digest(),
        claim,
        check: mismatch.kind.code(),
        expected: mismatch.expected,
        found: mismatch.found,
        noun,
    }
}
