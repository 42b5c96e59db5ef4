//! The four top-level roles.

use std::fmt;

use countersign_formats::Limits;

/// A top-level role of a TUF repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Says whose signatures count for every role.
    Root,
    /// Says which snapshot is the newest.
    Timestamp,
    /// Says which versions of metadata belong together.
    Snapshot,
    /// Says which files there are.
    Targets,
}

impl Role {
    /// All four, in the order in which they are checked.
    pub const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }

    /// Name and value of the limit on the bytes of its metadata.
    pub(super) fn limit(self, limits: &Limits) -> (&'static str, u64) {
        match self {
            Self::Root => ("tuf_root_bytes", limits.tuf_root_bytes),
            Self::Timestamp => ("tuf_timestamp_bytes", limits.tuf_timestamp_bytes),
            Self::Snapshot => ("tuf_snapshot_bytes", limits.tuf_snapshot_bytes),
            Self::Targets => ("tuf_targets_bytes", limits.tuf_targets_bytes),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
