//! Where files of a repository come from; the network is somebody else's.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

/// A boxed future, so that [`Mirror`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A mirror of one repository: deadlines, retries, proxies and TLS are its own affair.
pub trait Mirror: Send + Sync {
    /// The address for people.
    fn name(&self) -> String;

    /// Gets the file at a path below the mirror; `None` when the mirror says that it has none.
    ///
    /// # Errors
    ///
    /// [`MirrorError`]; more than `cap` bytes are refused as soon as they are known of.
    fn fetch<'a>(
        &'a self,
        path: &'a str,
        cap: u64,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MirrorError>>;

    /// Waits, as only the caller's runtime can.
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// A mirror that gave no file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MirrorError {
    /// It cannot be reached, was too slow, or answered that it cannot answer now.
    Unavailable {
        /// The mirror, and what happened.
        detail: String,
    },
    /// A file is larger than it may be.
    OverLimit {
        /// Path of the file.
        path: String,
        /// The cap, in bytes.
        limit: u64,
    },
    /// It answered with something that is no answer.
    Response {
        /// The mirror, and what it did.
        detail: String,
    },
}

impl MirrorError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "tuf-mirror-unavailable",
            Self::OverLimit { .. } => "tuf-over-limit",
            Self::Response { .. } => "tuf-mirror-response",
        }
    }
}

impl fmt::Display for MirrorError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { detail } | Self::Response { detail } => out.write_str(detail),
            Self::OverLimit { path, limit } => {
                write!(out, "`{path}` is larger than {limit} bytes")
            }
        }
    }
}

impl std::error::Error for MirrorError {}
