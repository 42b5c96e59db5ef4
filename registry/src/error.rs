//! Why a store could not answer.

mod hint;
mod message;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use countersign_formats::{Digest, clipped};

/// What a caller may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// It is not there; the only absence.
    NotFound,
    /// The registry could not be reached or could not answer now; trying again later may help.
    Network,
    /// It wants a login, or refused the one that was given.
    Authentication,
    /// What it answered is not what it promised.
    Unreadable,
    /// A cap was reached.
    OverLimit,
    /// A file on this machine could not be read or written.
    Local,
    /// The caller must say more precisely what is meant.
    Usage,
    /// Offline was asked for.
    Offline,
    /// The store cannot do that.
    Unsupported,
}

/// The kind of thing that is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A manifest: an image, an index, a referrer.
    Image,
    /// A blob.
    Blob,
    /// The repository's list of tags.
    Repository,
    /// A layout or archive on disk.
    Layout,
}

/// Why a registry could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// No connection, or it broke.
    Connection {
        /// What the network said, at most 512 bytes.
        detail: String,
        /// Whether the connection broke after it was made, so that another try may help at once.
        temporary: bool,
    },
    /// The total deadline of the store is over.
    Deadline {
        /// The deadline.
        limit: Duration,
    },
    /// It answered with a status that means "not now" or that is of no use here.
    Status {
        /// HTTP status.
        status: u16,
        /// The first `code` of the registry's error body, when it had one.
        code: Option<String>,
        /// Its message, at most 256 bytes.
        message: Option<String>,
        /// Seconds that it asks to wait.
        retry_after: Option<u64>,
    },
}

/// How an answer broke its promise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes have another digest than was asked for.
    DigestMismatch {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// There are more or fewer bytes than the descriptor says.
    SizeMismatch {
        /// Digest of the thing.
        digest: Digest,
        /// Bytes by the descriptor.
        expected: u64,
        /// Bytes that came, or were announced; when too many, the count at which reading stopped.
        found: u64,
    },
    /// A cap was reached.
    OverLimit {
        /// What is too large: `manifest`, `blob`, `token`.
        what: &'static str,
        /// The cap in bytes, or in entries where `what` counts entries.
        limit: u64,
    },
    /// A document does not parse.
    Malformed {
        /// Which document.
        what: &'static str,
        /// What is wrong with it.
        error: String,
    },
    /// An answer that the distribution specification does not allow.
    Response {
        /// What is wrong, at most 512 bytes.
        detail: String,
    },
    /// A redirect, upload location, page link or token realm that must not be followed.
    Refused {
        /// `redirect`, `upload location`, `page link`, `token realm`.
        what: &'static str,
        /// Scheme, host and path of the target, at most 512 bytes.
        target: String,
        /// Why.
        reason: &'static str,
    },
    /// An index names a manifest that is not there.
    ChildMissing {
        /// The index.
        index: Digest,
        /// What it names.
        child: Digest,
    },
    /// A tag for signatures or attestations holds something else.
    TagHolds {
        /// The tag.
        tag: String,
        /// What it holds.
        found: &'static str,
    },
    /// The fallback tag of a digest holds something that is not a list of referrers.
    FallbackTag {
        /// The tag.
        tag: String,
        /// What it holds.
        found: &'static str,
    },
}

/// Why a store could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not there; the only absence.
    NotFound {
        /// What was looked for.
        thing: Thing,
        /// Its name: `ghcr.io/acme/app:1.4`.
        name: String,
    },
    /// A login is wanted, or was refused.
    Authentication {
        /// The registry, or the token service that it named.
        registry: String,
        /// What happened, at most 512 bytes.
        detail: String,
        /// Whether a login was sent.
        had_login: bool,
    },
    /// The program that should have had the login failed.
    Helper {
        /// The registry that the login is for.
        registry: String,
        /// `docker-credential-<name>`.
        program: String,
        /// What happened, at most 512 bytes.
        detail: String,
    },
    /// The registry could not answer.
    Unavailable {
        /// Host of the registry.
        registry: String,
        /// Why.
        outage: Outage,
    },
    /// The store answered with something that is not what it promised.
    Untrusted {
        /// The store's name.
        store: String,
        /// What was wrong.
        fault: Box<Fault>,
    },
    /// A file could not be read or written.
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A tag does not hold what the condition of a push says.
    Conflict {
        /// The store's name.
        store: String,
        /// The tag.
        tag: String,
    },
    /// A layout holds several images and none was named.
    Ambiguous {
        /// The store's name.
        store: String,
        /// What could be appended to the name, at most 10: `:TAG` or `@DIGEST`.
        choices: Vec<String>,
    },
    /// Offline was asked for and this needs the network.
    Offline {
        /// The store's name.
        store: String,
    },
    /// The store cannot do that.
    Unsupported {
        /// The store's name.
        store: String,
        /// What cannot be done.
        detail: String,
    },
    /// An answer that was recorded earlier and is played back.
    Recorded {
        /// The name of the store that was asked then.
        store: String,
        /// What kind of trouble it was.
        class: ErrorClass,
        /// What was said about it then.
        detail: String,
    },
}

impl StoreError {
    /// The same about a manifest that an index names: when it is not there, no image is missing, but the index promises what its store has
    /// not.
    #[must_use]
    pub fn of_child(self, store: String, index: Digest, child: Digest) -> Self {
        match self {
            Self::NotFound { .. } => Self::untrusted(store, Fault::ChildMissing { index, child }),
            other => other,
        }
    }

    pub(crate) fn untrusted(store: impl Into<String>, fault: Fault) -> Self {
        Self::Untrusted {
            store: store.into(),
            fault: Box::new(fault),
        }
    }

    pub(crate) fn response(store: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::untrusted(
            store,
            Fault::Response {
                detail: clipped(detail.as_ref(), 512),
            },
        )
    }

    pub(crate) fn local(path: impl Into<PathBuf>, error: impl fmt::Display) -> Self {
        Self::Local {
            path: path.into(),
            detail: error.to_string(),
        }
    }

    /// A stable name for the error in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound {
                thing: Thing::Image,
                ..
            } => "image-not-found",
            Self::NotFound {
                thing: Thing::Blob, ..
            } => "blob-not-found",
            Self::NotFound {
                thing: Thing::Repository,
                ..
            } => "repository-not-found",
            Self::NotFound {
                thing: Thing::Layout,
                ..
            } => "layout-not-found",
            Self::Authentication {
                had_login: true, ..
            } => "login-refused",
            Self::Authentication {
                had_login: false, ..
            } => "login-required",
            Self::Helper { .. } => "credential-helper-failed",
            Self::Unavailable { outage, .. } => match outage {
                Outage::Connection { .. } => "registry-unreachable",
                Outage::Deadline { .. } => "deadline-exceeded",
                Outage::Status { status: 429, .. } => "registry-throttled",
                Outage::Status { .. } => "registry-error",
            },
            Self::Untrusted { fault, .. } => match **fault {
                Fault::DigestMismatch { .. } => "digest-mismatch",
                Fault::SizeMismatch { .. } => "size-mismatch",
                Fault::OverLimit { .. } => "over-limit",
                Fault::Malformed { .. } => "malformed-document",
                Fault::Response { .. } => "bad-response",
                Fault::Refused { .. } => "target-refused",
                Fault::FallbackTag { .. } => "fallback-tag-not-an-index",
                Fault::ChildMissing { .. } => "child-missing",
                Fault::TagHolds { .. } => "tag-holds-something-else",
            },
            Self::Local { .. } => "file-unusable",
            Self::Conflict { .. } => "tag-changed",
            Self::Ambiguous { .. } => "image-ambiguous",
            Self::Offline { .. } => "offline",
            Self::Unsupported { .. } => "store-unsupported",
            Self::Recorded { .. } => "recorded-failure",
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            // Nobody asks for a blob but who read its digest in a manifest: that promise is broken.
            Self::NotFound {
                thing: Thing::Blob, ..
            } => ErrorClass::Unreadable,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Authentication { .. } | Self::Helper { .. } => ErrorClass::Authentication,
            Self::Unavailable { .. } => ErrorClass::Network,
            Self::Untrusted { fault, .. } if matches!(**fault, Fault::OverLimit { .. }) => {
                ErrorClass::OverLimit
            }
            Self::Untrusted { .. } => ErrorClass::Unreadable,
            Self::Local { .. } => ErrorClass::Local,
            Self::Conflict { .. } => ErrorClass::Network,
            Self::Ambiguous { .. } => ErrorClass::Usage,
            Self::Offline { .. } => ErrorClass::Offline,
            Self::Unsupported { .. } => ErrorClass::Unsupported,
            Self::Recorded { class, .. } => *class,
        }
    }
}

impl std::error::Error for StoreError {}
