//! What a store was asked, and what it answered.

use countersign_formats::Digest;
use countersign_registry::Target;

/// What was asked and heard in one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlaceRecord {
    pub(super) name: String,
    pub(super) answers: Vec<Answered>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) ask: Ask,
    pub(super) heard: Heard,
}

/// What a store is asked; the order is that of the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// The manifest under a tag that should be there.
    Tag(String),
    /// The manifest under a tag that may be absent.
    MaybeTag(String),
    Sole,
    Digest(Digest),
    Manifest {
        digest: Digest,
        size: u64,
    },
    Exists(Digest),
    Blob {
        digest: Digest,
        size: u64,
    },
    Referrers(Digest),
}

/// What a store answered; content stands beside the record by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Manifest {
        digest: Digest,
        size: u64,
        media_type: String,
    },
    Blob,
    Listing {
        digest: Digest,
        size: u64,
        complete: bool,
        via: String,
    },
    Exists {
        exists: bool,
    },
    Absent {
        name: String,
    },
    /// A manifest that is what its digest says, and no manifest.
    Malformed {
        error: String,
    },
    Failed {
        class: String,
        detail: String,
    },
}

impl Ask {
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Tag(tag) => Self::Tag(tag.clone()),
            Target::Digest(digest) => Self::Digest(*digest),
            Target::Sole => Self::Sole,
        }
    }
}
