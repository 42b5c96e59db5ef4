//! Why there is no decision at all.

use std::time::Duration;

use countersign_policy::NotInIndex;
use countersign_proof::TrustError;
use countersign_registry::{ErrorClass as StoreClass, StoreError};

/// A verification that came to no decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no such image.
    #[error("image `{name}` not found")]
    NotFound {
        /// Its name.
        name: String,
    },
    /// The image could not be resolved, or whether it exists could not be found out.
    #[error("{0}")]
    Store(StoreError),
    /// The deadline passed before the image was resolved.
    #[error("`{name}` was not resolved within {} s", limit.as_secs_f32())]
    Deadline {
        /// The image's name.
        name: String,
        /// The deadline.
        limit: Duration,
    },
    /// The index through which an image is to be judged does not list it.
    #[error("{0}")]
    NotInIndex(NotInIndex),
    /// A rule wants a certificate and there is nothing to judge certificates by.
    #[error("the policy wants a certificate, and there is no trusted root to judge one by")]
    NoTrustedRoot,
    /// The trust material cannot be used.
    #[error("the trust material cannot be used: {0}")]
    Trust(TrustError),
    /// There is no policy, and without one nothing passes.
    #[error("there is no policy to verify by")]
    NoPolicy,
    /// The blocking verifier was called inside an asynchronous runtime, which it would stop.
    #[error("the blocking verifier was called inside an asynchronous runtime")]
    InsideRuntime,
    /// No runtime could be started.
    #[error("no asynchronous runtime could be started: {0}")]
    Runtime(std::io::Error),
}

/// What a caller may do about an error; each class has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// A fault of the program or its host: 1.
    Internal,
    /// The caller must say something else: 2.
    Usage,
    /// There is no such image: 11.
    NotFound,
    /// It could not be found out: 20.
    Unknown,
    /// A login is missing or refused: 21.
    Authentication,
    /// Trust material is missing or unusable: 22.
    Trust,
}

impl VerifyError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "image-not-found",
            Self::Store(error) => error.code(),
            Self::Deadline { .. } => "deadline-exceeded",
            Self::NotInIndex(_) => "not-in-index",
            Self::NoTrustedRoot => "no-trusted-root",
            Self::Trust(error) => error.code(),
            Self::NoPolicy => "no-policy",
            Self::InsideRuntime => "inside-runtime",
            Self::Runtime(_) => "no-runtime",
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Store(error) => match error.class() {
                StoreClass::NotFound => ErrorClass::NotFound,
                StoreClass::Authentication => ErrorClass::Authentication,
                StoreClass::Usage | StoreClass::Unsupported => ErrorClass::Usage,
                _ => ErrorClass::Unknown,
            },
            Self::Deadline { .. } => ErrorClass::Unknown,
            Self::NoTrustedRoot | Self::Trust(_) => ErrorClass::Trust,
            Self::NoPolicy | Self::NotInIndex(_) => ErrorClass::Usage,
            Self::InsideRuntime | Self::Runtime(_) => ErrorClass::Internal,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("check the name, the tag and the digest".to_owned()),
            Self::Store(error) => error.hint(),
            Self::Deadline { .. } => Some(
                "a longer time can be given: `--timeout`, or `VerifierBuilder::deadline`"
                    .to_owned(),
            ),
            Self::NotInIndex(_) => {
                Some("name the image by its own digest, or the index that lists it".to_owned())
            }
            Self::NoTrustedRoot => Some("name a `trusted_root.json`".to_owned()),
            Self::Trust(_) => None,
            Self::NoPolicy => Some("give a policy, or a key or identity to trust".to_owned()),
            Self::InsideRuntime => Some("use `countersign::Verifier` and await it".to_owned()),
            Self::Runtime(_) => None,
        }
    }
}
