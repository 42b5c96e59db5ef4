//! Moving an image with its platforms and its evidence from one store to another, byte for byte.
//!
//! First everything that belongs to the image is found and read ([`survey`]); nothing is written by then. What is carried over afterwards
//! ([`replicate`]) is in an order in which every state that others can see makes sense: blobs before manifests, children before parents,
//! an image before what refers to it, tags last. Nothing is rewritten and nothing is verified: who wants that judges the evidence before.

mod carry;
mod evidence_tag;
mod survey;
mod tagging;

use std::sync::Arc;

use countersign_formats::Digest;

use crate::store::{ListedVia, Resolved};

pub use carry::{Moving, Replicated, replicate};
pub use survey::{Extent, Scope, Survey, Surveyed, survey};
pub use tagging::{TaggedAs, tag_evidence};

/// What a manifest is to the image that is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// An image that was asked for.
    Root,
    /// A manifest that an index names: a platform, or something beside it.
    Child,
    /// It refers to `subject`.
    Referrer {
        /// What it is about.
        subject: Digest,
        /// How it was found.
        via: ListedVia,
    },
    /// It is found by a tag that is made of the digest of `subject`: `sha256-<hex>.sig`, `.att`, `.sbom`.
    Tagged {
        /// What it is about.
        subject: Digest,
        /// The tag.
        tag: String,
    },
}

impl Role {
    /// What it is about, if it is evidence.
    #[must_use]
    pub fn subject(&self) -> Option<&Digest> {
        match self {
            Self::Root | Self::Child => None,
            Self::Referrer { subject, .. } | Self::Tagged { subject, .. } => Some(subject),
        }
    }
}

/// A manifest that belongs to an image.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its bytes, hashed and parsed.
    pub resolved: Resolved,
    /// What it is to the image.
    pub role: Role,
}

/// Chooses among evidence; whatever is chosen comes with all that is attached to it.
pub type Choice = Arc<dyn Fn(&Piece) -> bool + Send + Sync>;

/// Tells how far a move is.
pub type Watch = Arc<dyn Fn(&Step) + Send + Sync>;

/// How far a move is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// So many manifests were found and so many bytes belong to them.
    Surveyed {
        /// Manifests.
        manifests: usize,
        /// Bytes of all blobs.
        bytes: u64,
    },
    /// A blob is at the destination.
    Blob {
        /// Which.
        digest: Digest,
        /// Its bytes.
        size: u64,
    },
    /// Something is worth telling.
    Note(String),
}
