//! Why a service could not be used.

mod hint;
mod message;

use std::fmt;
use std::time::Duration;

use countersign_formats::{Error as FormatError, clipped};

use crate::identity::{LoginError, TokenError};

/// The longest piece of a service's own words that an error carries, in bytes.
pub(crate) const WORDS: usize = 512;

/// What a caller may do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The service could not be reached or could not answer now; trying again later may help.
    Network,
    /// The identity token, or the login that should give one, was not accepted.
    Authentication,
    /// The service answered with something that is of no use or is not what was asked for.
    Answer,
    /// What the user gave cannot work: an address, a file, a signing config.
    Configuration,
}

/// The kinds of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceKind {
    /// A certificate authority that speaks Fulcio's interface.
    Fulcio,
    /// A transparency log that speaks Rekor's interface, version 1 or 2.
    Rekor,
    /// A timestamp authority (RFC 3161).
    TimestampAuthority,
    /// An OpenID Connect issuer that a person logs in with.
    Issuer,
    /// What gives a machine its identity token: a CI system, a cloud's metadata service, a SPIFFE agent.
    TokenSource,
    /// A mirror of a repository that says whom to trust.
    TrustMirror,
}

impl ServiceKind {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fulcio => "Fulcio",
            Self::Rekor => "Rekor",
            Self::TimestampAuthority => "timestamp authority",
            Self::Issuer => "issuer",
            Self::TokenSource => "token source",
            Self::TrustMirror => "trust mirror",
        }
    }
}

/// A service, as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// What it is.
    pub kind: ServiceKind,
    /// Its address without query, at most 512 bytes.
    pub address: String,
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind.name(), self.address)
    }
}

/// Why a service gave no answer, or none for now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// No connection, or it broke.
    Connection {
        /// What the network said, at most 512 bytes.
        detail: String,
    },
    /// One request took longer than it may.
    TooSlow {
        /// How long it may take.
        limit: Duration,
    },
    /// The total deadline of the operation is over.
    Deadline {
        /// The deadline.
        limit: Duration,
        /// What went wrong last before it was, at most 512 bytes.
        last: Option<String>,
    },
    /// It answered with a status that means "not now".
    Status {
        /// HTTP status.
        status: u16,
        /// Its message, at most 512 bytes.
        message: Option<String>,
        /// Seconds that it asks to wait.
        retry_after: Option<u64>,
    },
}

/// How an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerFault {
    /// The request was refused as wrong.
    Refused {
        /// HTTP status, or the PKIStatus of a timestamp response (RFC 3161 §2.4.2).
        status: u16,
        /// The service's message, at most 512 bytes.
        message: Option<String>,
    },
    /// The answer is over a cap.
    OverLimit {
        /// What is too large.
        what: &'static str,
        /// The cap, in bytes.
        limit: u64,
    },
    /// The answer does not parse.
    Malformed {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it, at most 512 bytes.
        detail: String,
    },
    /// The certificate is for another public key than was sent.
    OtherKey,
    /// The certificate is not valid at the time of signing.
    CertificateTime {
        /// Its first and last valid second and `now`, for people.
        detail: String,
    },
    /// The log entry is about something else than was sent.
    OtherEntry {
        /// The part that differs.
        part: &'static str,
    },
    /// The log entry lacks a part that proves it.
    EntryWithout {
        /// The part.
        part: &'static str,
    },
    /// The log has this entry already and cannot hand it out.
    EntryExists,
    /// The timestamp does not carry the nonce that was sent.
    NonceMissing,
    /// The timestamp carries another nonce than was sent.
    OtherNonce,
    /// The timestamp is for another message than was sent.
    OtherImprint,
}

/// Why a service could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// The service could not be reached or could not answer now.
    Unavailable {
        /// Which.
        service: ServiceName,
        /// Why.
        outage: Box<Outage>,
    },
    /// The service did not accept the identity token.
    TokenRefused {
        /// Which.
        service: ServiceName,
        /// HTTP status.
        status: u16,
        /// The service's message, at most 512 bytes.
        message: Option<String>,
    },
    /// The service answered with something that is of no use.
    Answer {
        /// Which.
        service: ServiceName,
        /// What is wrong with it.
        fault: Box<AnswerFault>,
    },
    /// There is no identity token, or not one that can be used.
    Token(Box<TokenError>),
    /// An interactive login did not succeed.
    Login(Box<LoginError>),
    /// The key for the certificate could not sign.
    Signer {
        /// What its owner said, at most 512 bytes.
        detail: String,
    },
    /// An address must not be used.
    Address {
        /// The address without query, at most 512 bytes.
        address: String,
        /// Why.
        reason: &'static str,
    },
    /// A signing config does not parse.
    SigningConfig(Box<FormatError>),
    /// A signing config has no, or too few, services that can be used now.
    NoService {
        /// Which kind of service.
        kind: ServiceKind,
        /// How many are wanted.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Something on this machine is missing.
    Configuration {
        /// What.
        detail: String,
    },
}

impl ServiceError {
    pub(crate) fn answer(service: &ServiceName, fault: AnswerFault) -> Self {
        Self::Answer {
            service: service.clone(),
            fault: Box::new(fault),
        }
    }

    pub(crate) fn malformed(
        service: &ServiceName,
        what: &'static str,
        detail: impl fmt::Display,
    ) -> Self {
        let detail = clipped(&detail.to_string(), WORDS);
        Self::answer(service, AnswerFault::Malformed { what, detail })
    }

    pub(crate) fn unavailable(service: &ServiceName, outage: Outage) -> Self {
        Self::Unavailable {
            service: service.clone(),
            outage: Box::new(outage),
        }
    }

    pub(crate) fn configuration(detail: impl Into<String>) -> Self {
        Self::Configuration {
            detail: clipped(&detail.into(), WORDS),
        }
    }

    /// A stable name for the error in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { outage, .. } => match **outage {
                Outage::Connection { .. } => "service-unreachable",
                Outage::TooSlow { .. } => "service-too-slow",
                Outage::Deadline { .. } => "deadline-exceeded",
                Outage::Status { status: 429, .. } => "service-throttled",
                Outage::Status { .. } => "service-error",
            },
            Self::TokenRefused { .. } => "token-refused",
            Self::Answer { fault, .. } => match **fault {
                AnswerFault::Refused { .. } => "request-refused",
                AnswerFault::OverLimit { .. } => "over-limit",
                AnswerFault::Malformed { .. } => "malformed-answer",
                AnswerFault::OtherKey => "certificate-for-another-key",
                AnswerFault::CertificateTime { .. } => "certificate-not-valid-now",
                AnswerFault::OtherEntry { .. } => "entry-for-another-artifact",
                AnswerFault::EntryWithout { .. } => "entry-incomplete",
                AnswerFault::EntryExists => "entry-exists",
                AnswerFault::NonceMissing => "timestamp-nonce-missing",
                AnswerFault::OtherNonce => "timestamp-nonce-differs",
                AnswerFault::OtherImprint => "timestamp-for-another-message",
            },
            Self::Token(error) => error.code(),
            Self::Login(error) => error.code(),
            Self::Signer { .. } => "signer-failed",
            Self::Address { .. } => "address-refused",
            Self::SigningConfig(error) => error.code(),
            Self::NoService { .. } => "no-service",
            Self::Configuration { .. } => "configuration",
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Network,
            Self::TokenRefused { .. } => ErrorClass::Authentication,
            Self::Answer { .. } => ErrorClass::Answer,
            Self::Token(error) => error.class(),
            Self::Login(_) => ErrorClass::Authentication,
            Self::Signer { .. }
            | Self::Address { .. }
            | Self::SigningConfig(_)
            | Self::NoService { .. }
            | Self::Configuration { .. } => ErrorClass::Configuration,
        }
    }
}

impl std::error::Error for ServiceError {}

impl From<TokenError> for ServiceError {
    fn from(error: TokenError) -> Self {
        Self::Token(Box::new(error))
    }
}

impl From<LoginError> for ServiceError {
    fn from(error: LoginError) -> Self {
        Self::Login(Box::new(error))
    }
}
