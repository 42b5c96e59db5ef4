//! Why a service could not be used.

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

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { outage, service } => Some(match &**outage {
                Outage::Connection { .. } => format!(
                    "is the {} up and its address right?",
                    service.kind.name()
                ),
                Outage::TooSlow { .. } | Outage::Deadline { .. } => {
                    "try again later, or give a longer time with `--timeout`".to_owned()
                }
                Outage::Status {
                    retry_after: Some(seconds),
                    ..
                } => format!("try again in {seconds} s"),
                Outage::Status { .. } => "try again later".to_owned(),
            }),
            Self::TokenRefused { service, .. } => Some(format!(
                "the {} must know the token's issuer, and the token must be fresh",
                service.kind.name()
            )),
            Self::Answer { fault, .. } => match &**fault {
                AnswerFault::EntryExists => {
                    Some("sign again: a new signature makes a new entry".to_owned())
                }
                AnswerFault::OtherKey
                | AnswerFault::OtherEntry { .. }
                | AnswerFault::OtherNonce
                | AnswerFault::NonceMissing
                | AnswerFault::OtherImprint => Some(
                    "the service, or something between here and there, answers other questions; nothing was stored"
                        .to_owned(),
                ),
                AnswerFault::CertificateTime { .. } => {
                    Some("compare this machine's clock with the certificate authority's".to_owned())
                }
                _ => None,
            },
            Self::Token(error) => error.hint(),
            Self::Login(error) => error.hint(),
            Self::SigningConfig(error) => error.hint(),
            Self::NoService { .. } => {
                Some("the signing config may be out of date: run `countersign trust update`, or give another with `--signing-config`".to_owned())
            }
            Self::Address { .. } => Some(
                "services are reached by https; plain http works on this machine only, or with `--allow-http`"
                    .to_owned(),
            ),
            Self::Signer { .. } | Self::Configuration { .. } => None,
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

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { service, outage } => match &**outage {
                Outage::Connection { detail } => {
                    write!(f, "could not reach the {service}: {detail}")
                }
                Outage::TooSlow { limit } => write!(
                    f,
                    "the {service} did not answer within {} s",
                    limit.as_secs_f32()
                ),
                Outage::Deadline { limit, last } => {
                    write!(
                        f,
                        "the {service} gave no answer within the deadline of {} s",
                        limit.as_secs_f32()
                    )?;
                    last.iter()
                        .try_for_each(|last| write!(f, "; at last {last}"))
                }
                Outage::Status {
                    status, message, ..
                } => {
                    write!(f, "the {service} answered with status {status}")?;
                    words(f, message.as_deref())
                }
            },
            Self::TokenRefused {
                service,
                status,
                message,
            } => {
                write!(
                    f,
                    "the {service} refused the identity token with status {status}"
                )?;
                words(f, message.as_deref())
            }
            Self::Answer { service, fault } => write!(f, "the {service} {fault}"),
            Self::Token(error) => error.fmt(f),
            Self::Login(error) => error.fmt(f),
            Self::Signer { detail } => write!(f, "the key could not sign: {detail}"),
            Self::Address { address, reason } => write!(f, "`{address}` is not used: {reason}"),
            Self::SigningConfig(error) => write!(f, "signing config: {error}"),
            Self::NoService {
                kind,
                wanted,
                found,
            } => write!(
                f,
                "the signing config names {found} usable services of kind {}, and {wanted} are wanted",
                kind.name()
            ),
            Self::Configuration { detail } => f.write_str(detail),
        }
    }
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, message } => {
                write!(f, "refused the request with status {status}")?;
                words(f, message.as_deref())
            }
            Self::OverLimit { what, limit } => {
                write!(f, "sent a {what} over the limit of {limit} bytes")
            }
            Self::Malformed { what, detail } => {
                write!(f, "sent something that is not a {what}: {detail}")
            }
            Self::OtherKey => f.write_str("made a certificate for another key than was sent"),
            Self::CertificateTime { detail } => {
                write!(f, "made a certificate that is not valid now: {detail}")
            }
            Self::OtherEntry { part } => {
                write!(
                    f,
                    "answered with an entry whose {part} is not what was sent"
                )
            }
            Self::EntryWithout { part } => write!(f, "answered with an entry without {part}"),
            Self::EntryExists => {
                f.write_str("has this entry already and does not hand it out again")
            }
            Self::NonceMissing => {
                f.write_str("sent a timestamp without the nonce that was asked for")
            }
            Self::OtherNonce => {
                f.write_str("sent a timestamp with another nonce than was asked for")
            }
            Self::OtherImprint => f.write_str("sent a timestamp for another message"),
        }
    }
}

fn words(f: &mut fmt::Formatter<'_>, message: Option<&str>) -> fmt::Result {
    message.map_or(Ok(()), |message| write!(f, ": {message}"))
}
