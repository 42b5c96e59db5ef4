//! Why a trusted root cannot be had.

use std::path::PathBuf;

use crate::load::RootOrigin;

/// A trusted root that cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// The file cannot be opened or read.
    #[error("trusted root `{}` cannot be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The file is larger than the limit.
    #[error("trusted root `{}` is larger than {limit} bytes", path.display())]
    OverLimit {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The bytes are no trusted root.
    #[error("{origin} is no usable trusted root: {reason}")]
    Malformed {
        /// What was read.
        origin: RootOrigin,
        /// What is wrong with it.
        reason: countersign_formats::Error,
    },
}

impl RootError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "trusted-root-unreadable",
            Self::OverLimit { .. } => "trusted-root-over-limit",
            Self::Malformed { .. } => "trusted-root-malformed",
        }
    }

    /// Whether a file that was named is at fault, and not trust that could not be established.
    #[must_use]
    pub fn is_of_named_file(&self) -> bool {
        match self {
            Self::File { .. } | Self::OverLimit { .. } => true,
            Self::Malformed { origin, .. } => matches!(origin, RootOrigin::File(_)),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } => Some("name a `trusted_root.json`, or leave it out for the embedded public-good root".to_owned()),
            Self::OverLimit { .. } => Some("a trusted root has a few kilobytes; is this the right file?".to_owned()),
            Self::Malformed { origin: RootOrigin::File(_), .. } => Some(
                "name a `trusted_root.json`, which `countersign trust create` or the owners of the services make (JSON of media type `application/vnd.dev.sigstore.trustedroot+json;version=0.1` or 0.2), or leave it out for the embedded public-good root"
                    .to_owned(),
            ),
            Self::Malformed { .. } => Some(
                "a trusted root is JSON of media type `application/vnd.dev.sigstore.trustedroot+json;version=0.1` or 0.2"
                    .to_owned(),
            ),
        }
    }
}
