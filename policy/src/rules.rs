//! What a policy asks for: signers, thresholds and a tree of requirements.

use std::collections::BTreeMap;

use countersign_formats::predicate_types::PredicateType;
use countersign_proof::TrustedKey;

use crate::claims::CertificateClaim;
use crate::pattern::Pattern;

/// One policy: who may sign, what their proofs must carry, and which claims must be there.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Name, unique in its set; decisions and messages use it.
    pub name: String,
    /// What becomes of an image that the policy does not pass.
    pub mode: Mode,
    /// The signers that requirements refer to by name.
    pub signers: BTreeMap<String, SignerRule>,
    /// What a proof must carry, by kind of signer.
    pub trust: Thresholds,
    /// What must hold.
    pub require: Requirement,
}

/// What a policy does with an answer that is not a pass; the verdict stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Deny.
    #[default]
    Enforce,
    /// Admit with a warning.
    Warn,
}

/// Who counts as one named signer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SignerRule {
    /// Any of these keys.
    Key {
        /// The keys, each with its own window.
        keys: Vec<TrustedKey>,
    },
    /// A certificate whose issuer matches, and its subject alternative name and claims as far as they are asked for;
    /// with neither of these nobody matches.
    Keyless {
        /// Who: an e-mail address or a URI; `None` leaves it to the claims.
        identity: Option<Pattern>,
        /// Who vouches for it: the URL of the identity provider.
        issuer: Pattern,
        /// What the certificate must claim about its build; a claim that it does not have never matches.
        claims: BTreeMap<CertificateClaim, Pattern>,
    },
    /// A certificate of an own authority that knows no identity tokens, by its subject alternative name.
    Certificate {
        /// Who: an e-mail address or a URI.
        identity: Pattern,
    },
}

/// Least counts for proofs, by kind of signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// For signatures by a managed key; nothing by default.
    pub keys: Demand,
    /// For signatures by a certificate: one log, one SCT and one proven time by default.
    pub certificates: Demand,
}

/// Least counts of what must stand behind one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Distinct transparency logs with a proven entry.
    pub logs: usize,
    /// Distinct timestamp authorities.
    pub timestamps: usize,
    /// Distinct certificate transparency logs; only certificates have them.
    pub scts: usize,
    /// Distinct sources of a proven time: timestamp authorities and logs that promise a time.
    pub times: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            keys: Demand::default(),
            certificates: Demand {
                logs: 1,
                timestamps: 0,
                scts: 1,
                times: 1,
            },
        }
    }
}

/// A tree of claims that must be there; every rule is monotone: evidence withheld never helps.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Requirement {
    /// A signature of the subject itself: for images cosign's `sign` statement or a simple signing
    /// payload, for blobs that statement or a message signature.
    Signature {
        /// Names of signers; any of them.
        by: Vec<String>,
        /// Annotations that the signed claim must carry, with equal values.
        annotations: BTreeMap<String, String>,
    },
    /// An in-toto statement about the subject.
    Statement {
        /// Type of the predicate; `None` takes any.
        predicate_type: Option<PredicateType>,
        /// Names of signers; any of them.
        by: Vec<String>,
        /// Annotations that the statement's subject must carry, with equal values.
        annotations: BTreeMap<String, String>,
    },
    /// Every one of these; an empty list never passes.
    AllOf(Vec<Requirement>),
    /// One of these; an empty list never passes.
    AnyOf(Vec<Requirement>),
    /// A number of these, each by a different signer.
    AtLeast {
        /// How many must pass; zero never passes.
        count: usize,
        /// What makes two signers different.
        distinct: Distinct,
        /// The rules that are counted: signatures, statements, and `anyOf` of those.
        of: Vec<Requirement>,
    },
}

/// What makes two signers different when `atLeast` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distinct {
    /// A key, or a certificate's subject name together with its issuer.
    #[default]
    Identity,
    /// The issuer of a certificate; a key stands for itself.
    Issuer,
    /// The key; a certificate counts by its identity, since its key is used once.
    Key,
}

impl Distinct {
    /// The word that policies use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Issuer => "issuer",
            Self::Key => "key",
        }
    }
}

impl Mode {
    /// The word that policies use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
        }
    }
}

impl Requirement {
    /// Calls `visit` for each `signature` and `statement` of the tree, in order.
    pub(crate) fn each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&'a Requirement)) {
        match self {
            Self::Signature { .. } | Self::Statement { .. } => visit(self),
            Self::AllOf(rules) | Self::AnyOf(rules) | Self::AtLeast { of: rules, .. } => {
                for rule in rules {
                    rule.each_leaf(visit);
                }
            }
        }
    }
}
