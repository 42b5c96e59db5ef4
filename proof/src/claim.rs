//! What a signer said: a statement, a simple-signing payload or a signature over content.

use countersign_formats::{Digest, Statement};
use std::collections::BTreeMap;

/// What a proven signer said about the subject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Claim {
    /// An in-toto statement that names the subject.
    Statement(StatementClaim),
    /// A simple-signing payload that names the subject.
    SimpleSigning {
        /// The digest that was signed.
        digest: Digest,
        /// The name the image had when it was signed; binds nothing.
        docker_reference: String,
        /// The signed annotations.
        optional: BTreeMap<String, String>,
    },
    /// A signature over the subject's own bytes; never counts as an image signature.
    Message {
        /// The digest of the content.
        digest: Digest,
    },
}

/// A statement, and which of its subjects is the one that was asked about.
#[derive(Clone, Debug)]
pub struct StatementClaim {
    pub(crate) statement: Statement,
    pub(crate) matched: usize,
}

impl StatementClaim {
    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The position of the first subject that names what was asked about.
    pub fn matched(&self) -> usize {
        self.matched
    }
}

impl std::ops::Deref for StatementClaim {
    type Target = Statement;

    fn deref(&self) -> &Statement {
        &self.statement
    }
}

/// The annotations of a claim that has none.
static NO_ANNOTATIONS: BTreeMap<String, String> = BTreeMap::new();

impl Claim {
    /// The signed annotations: of the matched subject, or the payload's `optional`.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Statement(claim) => claim
                .statement
                .subjects
                .get(claim.matched)
                .map_or(&NO_ANNOTATIONS, |subject| &subject.annotations),
            Self::SimpleSigning { optional, .. } => optional,
            Self::Message { .. } => &NO_ANNOTATIONS,
        }
    }

    /// The predicate type of a statement.
    pub fn predicate_type(&self) -> Option<&str> {
        match self {
            Self::Statement(claim) => Some(&claim.statement.predicate_type),
            Self::SimpleSigning { .. } | Self::Message { .. } => None,
        }
    }

    /// The statement, where the claim is one.
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Statement(claim) => Some(&claim.statement),
            Self::SimpleSigning { .. } | Self::Message { .. } => None,
        }
    }

    /// What kind of claim it is.
    pub fn kind(&self) -> ClaimKind {
        match self {
            Self::Statement(claim) => ClaimKind::Statement {
                predicate_type: claim.statement.predicate_type.clone(),
            },
            Self::SimpleSigning { .. } => ClaimKind::SimpleSigning,
            Self::Message { .. } => ClaimKind::Message,
        }
    }
}

/// What kind of claim a piece of evidence is, or says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimKind {
    /// An in-toto statement with this predicate type.
    Statement {
        /// The predicate type, as written.
        predicate_type: String,
    },
    /// A simple-signing payload.
    SimpleSigning,
    /// A signature over content.
    Message,
}

impl std::fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Statement { predicate_type } => write!(f, "statement of type `{predicate_type}`"),
            Self::SimpleSigning => f.write_str("simple-signing payload"),
            Self::Message => f.write_str("signature over content"),
        }
    }
}
