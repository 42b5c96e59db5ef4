//! Why metadata of a TUF repository, or what it should prove, was refused.

use std::path::PathBuf;

use countersign_formats::{Error, UnixTime};

use super::mirror::MirrorError;
use super::roles::Role;

/// Trust material that cannot be had, or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// A file is not the metadata that it should be.
    #[error("{role} metadata: {reason}")]
    Malformed {
        /// The role.
        role: Role,
        /// What is wrong with it.
        reason: Error,
    },
    /// Too few of the keys that count signed.
    #[error(
        "{role} metadata version {version} is signed by {found} of the keys of root version {by}, and {wanted} are wanted"
    )]
    Threshold {
        /// The role.
        role: Role,
        /// Version of the metadata.
        version: u64,
        /// Version of the root that says whose signatures count.
        by: u64,
        /// Keys that signed.
        found: u64,
        /// The role's threshold.
        wanted: u64,
    },
    /// A version is not the one that had to come.
    #[error("{role} metadata has version {found} where version {expected} was announced")]
    Version {
        /// The role.
        role: Role,
        /// The version that had to come.
        expected: u64,
        /// The version that came.
        found: u64,
    },
    /// Metadata is older than what was trusted before.
    #[error("{name} goes back from version {trusted} to version {found}")]
    Rollback {
        /// Name of the metadata.
        name: String,
        /// The version that is trusted already.
        trusted: u64,
        /// The version that came; 0 when it is gone.
        found: u64,
    },
    /// Metadata or a file has another length or digest than what was signed.
    #[error("`{name}` is not the file that was signed: its {what} differs")]
    Different {
        /// Name of the file.
        name: String,
        /// `length`, or the digest's algorithm.
        what: &'static str,
    },
    /// Metadata is past its date.
    #[error("{role} metadata version {version} expired at {expires}")]
    Expired {
        /// The role.
        role: Role,
        /// Its version.
        version: u64,
        /// Since when.
        expires: UnixTime,
    },
    /// The trust material was last compared with its mirror longer ago than is allowed.
    #[error(
        "trust material was last compared with its mirror at {checked}, more than {limit} s ago"
    )]
    TooOld {
        /// When it was.
        checked: UnixTime,
        /// The bound, in seconds.
        limit: u64,
    },
    /// What lies in the cache holds no longer, and there is no newer.
    #[error("{stale}; there is no newer: {refresh}")]
    Stale {
        /// What is wrong with what lies in the cache.
        stale: Box<TufError>,
        /// Why the refresh failed.
        refresh: Box<TufError>,
    },
    /// More new roots than are followed in one go.
    #[error("the repository has more than {limit} roots after version {from}")]
    RootRotations {
        /// The root at which it began.
        from: u64,
        /// The limit `tuf_root_rotations`.
        limit: u64,
    },
    /// The chain of roots does not begin where the held root ends.
    #[error(
        "the oldest root there has version {oldest}, and the one that is held has version {held}"
    )]
    RootGap {
        /// Version of the held root.
        held: u64,
        /// Version of the oldest root in the chain.
        oldest: u64,
    },
    /// The signed list of files lacks one that is needed.
    #[error("the repository has no file `{name}`")]
    NoTarget {
        /// Name of the file.
        name: String,
    },
    /// A file that was announced is not there.
    #[error("`{name}` is missing")]
    NoFile {
        /// Name of the file.
        name: String,
    },
    /// The mirror cannot be reached, or what it sends is over a limit.
    #[error("{0}")]
    Mirror(MirrorError),
    /// There is nothing in the cache, and no network may be used.
    #[error("there is no trust material of `{mirror}` on this machine, and offline was asked for")]
    Offline {
        /// The mirror.
        mirror: String,
    },
    /// A file of the cache or the settings cannot be read or written.
    #[error("`{}`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process has been refreshing for too long.
    #[error("`{}` has been locked by another process for {seconds} s", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// How long was waited, in seconds.
        seconds: u64,
    },
}

impl TufError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "tuf-malformed",
            Self::Threshold { .. } => "tuf-threshold",
            Self::Version { .. } => "tuf-version",
            Self::Rollback { .. } => "tuf-rollback",
            Self::Different { .. } => "tuf-file-differs",
            Self::Expired { .. } => "tuf-expired",
            Self::TooOld { .. } => "trust-too-old",
            Self::Stale { .. } => "trust-stale",
            Self::RootRotations { .. } => "tuf-root-rotations",
            Self::RootGap { .. } => "tuf-root-gap",
            Self::NoTarget { .. } => "tuf-no-target",
            Self::NoFile { .. } => "tuf-file-missing",
            Self::Mirror(error) => error.code(),
            Self::Offline { .. } => "trust-offline",
            Self::File { .. } => "trust-file-unusable",
            Self::Locked { .. } => "trust-locked",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Expired { .. } | Self::TooOld { .. } | Self::Stale { .. } => {
                    "run `countersign trust update` where the mirror can be reached; is the clock of this machine right?"
                }
                Self::Threshold { .. } | Self::Rollback { .. } | Self::Version { .. } | Self::Different { .. } => {
                    "the mirror serves something that its owners did not sign, or not now; what was trusted before is kept"
                }
                Self::RootRotations { .. } => "a newer countersign, or a newer root file, knows later roots",
                Self::RootGap { .. } => "export the pack anew, or give the root that its repository began with: `--root FILE`",
                Self::Offline { .. } => "run `countersign trust update` once, or give `--trust-pack FILE`",
                Self::NoFile { .. } => "the mirror has no such file: is its address that of a TUF repository?",
                Self::NoTarget { .. } => "it is a TUF repository, and not one of trust for Sigstore; is the address of the mirror right?",
                Self::Mirror(_) => "try again later, or name another mirror in `TUF_MIRROR`",
                _ => return None,
            }
            .to_owned(),
        )
    }

    /// Whether the mirror could not be asked, which says nothing about what it holds.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Mirror(MirrorError::Unavailable { .. }) | Self::Locked { .. }
        )
    }
}
