//! A record that cannot be written or read.

use super::text::SCHEMA_VERSION;
use crate::pack::PackError;

/// Why a record cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The content of what was heard is over the limit.
    #[error("the evidence has more than {limit} bytes, and a pack takes no more")]
    OverLimit {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The section is not a record.
    #[error("the record `{name}` cannot be read: {reason}")]
    Malformed {
        /// Name of the section.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The section is a record of another version.
    #[error("the record `{name}` has version {found}, and this program knows {SCHEMA_VERSION}")]
    Version {
        /// Name of the section.
        name: String,
        /// Its version.
        found: u32,
    },
    /// The pack cannot be read or written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

impl RecordError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => "record-over-limit",
            Self::Malformed { .. } => "record-malformed",
            Self::Version { .. } => "record-version",
            Self::Pack(error) => error.code(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OverLimit { .. } => Some(
                "record fewer images in one pack, or remove evidence that nobody needs".to_owned(),
            ),
            Self::Malformed { .. } => Some("record the image again".to_owned()),
            Self::Version { .. } => {
                Some("a newer countersign wrote it; use that version".to_owned())
            }
            Self::Pack(error) => error.hint(),
        }
    }
}
