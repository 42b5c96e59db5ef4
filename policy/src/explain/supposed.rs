//! What is supposed to be otherwise than it was found, as `evaluate` sees it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::predicate_types::PredicateType;
use countersign_formats::{Digest, UnixTime};
use countersign_proof::{KeyId, Signer, Verified};

use crate::candidate::judge_candidate;
use crate::claim_kinds::Leaf;
use crate::distinct::{certificate_text, key_text, same_signer};
use crate::evaluate::{Facts, Held};
use crate::evidence::SourceKind;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::pattern::Pattern;
use crate::rules::{Distinct, Policy, SignerKey, SignerRule};

/// A set of facts that are supposed; a decision supposes none.
#[derive(Debug, Default, Clone)]
pub(crate) struct Supposed {
    pub(crate) pieces: Vec<NewPiece>,
    pub(crate) altered: Vec<Altered>,
    pub(crate) read: BTreeSet<SourceKind>,
    /// Policies by name, with what of them is lifted.
    pub(crate) lifted: BTreeSet<(String, Lift)>,
}

/// What a policy says of the subject before it asks for anything, which is supposed to be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lift {
    /// Its digest is not on the deny-list.
    Denied,
    /// The policy is not over.
    Expired,
    /// An exception that is over still holds.
    Excepted,
}

impl Lift {
    /// The stable word, kebab-case.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied-digest",
            Self::Expired => "policy-expired",
            Self::Excepted => "exception-ended",
        }
    }
}

/// One more piece of evidence: it has everything that one rule asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewPiece {
    /// As in [`Leaf::statement`].
    pub(crate) statement: Option<Option<PredicateType>>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) signer: NewSigner,
}

/// Who signs a supposed piece.
#[derive(Debug, Clone)]
pub(crate) enum NewSigner {
    /// The holder of this key.
    Key(KeyId),
    /// Somebody whose certificate matches the rule; `copy` tells several of them apart where the rule lets many match.
    Certificate { rule: SignerRule, copy: usize },
}

/// A check of a proven piece that is supposed to come out as a rule expects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Altered {
    /// Which piece: its place in memory, which tells two pieces of equal bytes apart.
    pub(crate) piece: usize,
    pub(crate) check: Check,
    pub(crate) expected: String,
    /// Whether the piece has another value in its place now, which it then no longer has for other rules either.
    pub(crate) replaces: bool,
}

impl Altered {
    /// The supposition that this mismatch of the piece were none.
    pub(crate) fn of(piece: &Verified, mismatch: &Mismatch) -> Self {
        Self {
            piece: address(piece),
            check: check(mismatch),
            expected: mismatch.expected.clone(),
            replaces: mismatch.found != "absent"
                && matches!(
                    mismatch.kind,
                    MismatchKind::Identity
                        | MismatchKind::Issuer
                        | MismatchKind::CertificateClaim(_)
                        | MismatchKind::Annotation
                        | MismatchKind::Scheme
                ),
        }
    }
}

/// One check of a piece: the code of its mismatch, and which claim or annotation it is about.
pub(crate) type Check = (&'static str, String);

impl Supposed {
    /// Nothing, under which every decision is made.
    pub(crate) const NOTHING: &'static Self = &Self {
        pieces: Vec::new(),
        altered: Vec::new(),
        read: BTreeSet::new(),
        lifted: BTreeSet::new(),
    };

    /// Whether this of the policy is supposed to be otherwise.
    pub(crate) fn lifts(&self, policy: &Policy, lift: Lift) -> bool {
        self.lifted
            .iter()
            .any(|(name, lifted)| *name == policy.name && *lifted == lift)
    }

    /// Whether the source is supposed to be read to its end.
    pub(crate) fn reads(&self, source: SourceKind) -> bool {
        self.read.contains(&source)
    }

    /// Who passes the rule by what is supposed, as [`same_signer`] writes signers.
    pub(crate) fn signers(
        &self,
        facts: &Facts<'_>,
        policy: &Policy,
        leaf: &Leaf<'_>,
        target: &Digest,
        distinct: Distinct,
    ) -> Vec<String> {
        if self.pieces.is_empty() && self.altered.is_empty() {
            return Vec::new();
        }
        let new = self
            .pieces
            .iter()
            .filter(|piece| piece.meets(policy, leaf, facts.clock.now()))
            .map(|piece| piece.signer.text(distinct));
        let altered = facts
            .verified
            .iter()
            .filter_map(|piece| self.altered_signer(facts, policy, leaf, target, piece, distinct));
        new.chain(altered).collect()
    }

    /// Whose the piece counts as once everything that it misses is supposed away.
    fn altered_signer(
        &self,
        facts: &Facts<'_>,
        policy: &Policy,
        leaf: &Leaf<'_>,
        target: &Digest,
        Held { piece, claimed }: &Held,
        distinct: Distinct,
    ) -> Option<String> {
        let here = address(piece);
        let altered: Vec<&Altered> = self
            .altered
            .iter()
            .filter(|altered| altered.piece == here)
            .collect();
        if altered.is_empty() {
            return None;
        }
        each_signer(leaf).find_map(|(name, leaf)| {
            let mismatches =
                judge_candidate(facts, policy, &leaf, target, piece, *claimed).mismatches;
            let missed: Vec<Altered> = mismatches
                .iter()
                .map(|mismatch| Altered::of(piece, mismatch))
                .collect();
            let waived = missed.iter().all(|missed| altered.contains(&missed));
            // A value that was replaced for another rule's sake may not be what this rule expects.
            let kept = altered
                .iter()
                .all(|altered| !altered.replaces || missed.contains(altered));
            if missed.is_empty() || !waived || !kept {
                return None;
            }
            let renamed = mismatches.iter().any(|mismatch| {
                matches!(mismatch.kind, MismatchKind::Identity | MismatchKind::Issuer)
            });
            match (policy.signers.get(name), piece.signer()) {
                (Some(rule), Signer::Fulcio(certificate)) if renamed => {
                    Some(renamed_text(rule, certificate, distinct))
                }
                _ => Some(same_signer(piece.signer(), distinct)),
            }
        })
    }
}

impl NewPiece {
    /// Whether the piece would count for the rule.
    pub(crate) fn meets(&self, policy: &Policy, leaf: &Leaf<'_>, now: UnixTime) -> bool {
        let kind = match (&self.statement, leaf.statement) {
            (None, None) => true,
            (Some(_), Some(None)) => true,
            (Some(Some(have)), Some(Some(wanted))) => wanted.accepts(&have.uri),
            _ => false,
        };
        kind && leaf
            .annotations
            .iter()
            .all(|(name, value)| self.annotations.get(name) == Some(value))
            && leaf.by.iter().any(|name| {
                policy
                    .signers
                    .get(name)
                    .is_some_and(|rule| self.signer.counts_for(rule, now))
            })
    }
}

impl NewSigner {
    fn counts_for(&self, rule: &SignerRule, now: UnixTime) -> bool {
        match (self, rule) {
            (Self::Key(id), SignerRule::Key { keys }) => keys
                .iter()
                .any(|key| KeyId::of(&key.trusted.key) == *id && signs_now(key, now)),
            (Self::Certificate { rule: made_for, .. }, _) => covers(rule, made_for),
            _ => false,
        }
    }

    /// The signer as [`same_signer`] would write it.
    pub(crate) fn text(&self, distinct: Distinct) -> String {
        match self {
            Self::Key(id) => key_text(id),
            Self::Certificate { rule, copy } => {
                let (identity, issuer) = names(rule);
                supposed_text(identity, issuer, distinct, &copy.to_string())
            }
        }
    }
}

/// Whether a signature that is made now, with whatever the policy demands behind it, is within the key's window.
pub(crate) fn signs_now(key: &SignerKey, now: UnixTime) -> bool {
    key.trusted.valid.contains(now) && key.compromised_since.is_none_or(|since| now < since)
}

/// Each signer that the rule names, with the rule as if it named this one alone.
pub(crate) fn each_signer<'a>(leaf: &Leaf<'a>) -> impl Iterator<Item = (&'a str, Leaf<'a>)> {
    let leaf = leaf.clone();
    leaf.by.iter().map(move |name| {
        let alone = Leaf {
            by: std::slice::from_ref(name),
            ..leaf.clone()
        };
        (name.as_str(), alone)
    })
}

/// Where the piece is, which is one for every rule that looks at it.
pub(crate) fn address(piece: &Verified) -> usize {
    std::ptr::from_ref(piece).addr()
}

/// Which check the mismatch is of.
pub(crate) fn check(mismatch: &Mismatch) -> Check {
    let about = match mismatch.kind {
        MismatchKind::CertificateClaim(claim) => claim.as_str().to_owned(),
        _ => mismatch.about.clone().unwrap_or_default(),
    };
    (mismatch.kind.code(), about)
}

/// Whether whoever matches `made_for` matches `rule` as well, as far as their patterns tell.
fn covers(rule: &SignerRule, made_for: &SignerRule) -> bool {
    match (rule, made_for) {
        (
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            },
            SignerRule::Keyless {
                identity: made_identity,
                issuer: made_issuer,
                claims: made_claims,
            },
        ) => {
            let identity = match (identity, made_identity) {
                (None, _) => !claims.is_empty(),
                (Some(wanted), Some(made)) => includes(wanted, made),
                (Some(_), None) => false,
            };
            identity
                && includes(issuer, made_issuer)
                && claims.iter().all(|(claim, wanted)| {
                    made_claims
                        .get(claim)
                        .is_some_and(|made| includes(wanted, made))
                })
        }
        (SignerRule::Certificate { identity }, SignerRule::Certificate { identity: made }) => {
            includes(identity, made)
        }
        _ => false,
    }
}

/// Whether every name that `made` matches is one of `wanted`: equal patterns, or one name.
fn includes(wanted: &Pattern, made: &Pattern) -> bool {
    (wanted.kind() == made.kind() && wanted.as_str() == made.as_str())
        || (made.kind() == "exact" && wanted.matches(made.as_str()))
}

/// The patterns for the name in a certificate and for its issuer.
fn names(rule: &SignerRule) -> (Option<&Pattern>, Option<&Pattern>) {
    match rule {
        SignerRule::Keyless {
            identity, issuer, ..
        } => (identity.as_ref(), Some(issuer)),
        SignerRule::Certificate { identity } => (Some(identity), None),
        SignerRule::Key { .. } => (None, None),
    }
}

/// Somebody who matches the patterns: the one whom they name, or one of many who is nobody that is known.
fn supposed_text(
    identity: Option<&Pattern>,
    issuer: Option<&Pattern>,
    distinct: Distinct,
    copy: &str,
) -> String {
    let exact = |pattern: Option<&Pattern>| {
        pattern
            .filter(|pattern| pattern.kind() == "exact")
            .map(|pattern| pattern.as_str().to_owned())
    };
    let several = |pattern: Option<&Pattern>| {
        let pattern = pattern.map_or("anybody", Pattern::as_str);
        format!("one of {pattern}, number {copy}")
    };
    let value = exact(identity).unwrap_or_else(|| several(identity));
    let issuer = match issuer {
        None => String::new(),
        Some(_) => exact(issuer).unwrap_or_else(|| several(issuer)),
    };
    let kind = if value.contains("://") {
        "uri"
    } else {
        "email"
    };
    certificate_text(&issuer, kind, &value, distinct)
}

/// A certificate with another name or issuer than it has: the ones that the rule names.
fn renamed_text(
    rule: &SignerRule,
    certificate: &countersign_proof::CertificateIdentity,
    distinct: Distinct,
) -> String {
    let own = |pattern: Option<&Pattern>, have: Option<&str>| match (pattern, have) {
        (Some(pattern), Some(have)) if pattern.matches(have) => Pattern::exact(have).ok(),
        (pattern, _) => pattern.cloned(),
    };
    let (identity, issuer) = names(rule);
    let identity = own(identity, Some(certificate.san.value()))
        .or_else(|| Pattern::exact(certificate.san.value()).ok());
    let issuer = own(issuer, certificate.issuer.as_deref());
    supposed_text(
        identity.as_ref(),
        issuer.as_ref(),
        distinct,
        &certificate.fingerprint.to_string(),
    )
}
