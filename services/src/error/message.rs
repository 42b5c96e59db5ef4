//! What an error of a service says.

use std::fmt;

use super::{AnswerFault, Outage, ServiceError};

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
