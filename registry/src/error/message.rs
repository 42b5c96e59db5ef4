//! What an error of a store says.

use std::fmt;

use super::{Fault, Outage, StoreError, Thing};

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { thing, name } => {
                let noun = match thing {
                    Thing::Image => "image",
                    Thing::Blob => "blob",
                    Thing::Repository => "repository",
                    Thing::Layout => "layout",
                };
                write!(f, "{noun} `{name}` not found")
            }
            Self::Authentication {
                registry,
                detail,
                had_login: true,
            } => write!(f, "`{registry}` refused the login: {detail}"),
            Self::Authentication {
                registry,
                detail,
                had_login: false,
            } => write!(f, "`{registry}` wants a login: {detail}"),
            Self::Helper {
                registry,
                program,
                detail,
            } => write!(
                f,
                "the credential helper `{program}` has no login for `{registry}`: {detail}"
            ),
            Self::Unavailable { registry, outage } => match outage {
                Outage::Connection { detail, .. } => {
                    write!(f, "could not reach `{registry}`: {detail}")
                }
                Outage::Deadline { limit } => {
                    write!(
                        f,
                        "`{registry}` did not answer within the deadline of {} s",
                        limit.as_secs_f32()
                    )
                }
                Outage::Status {
                    status,
                    code,
                    message,
                    ..
                } => {
                    write!(f, "`{registry}` answered with status {status}")?;
                    if let Some(code) = code {
                        write!(f, " {code}")?;
                    }
                    if let Some(message) = message {
                        write!(f, ": {message}")?;
                    }
                    Ok(())
                }
            },
            Self::Untrusted { store, fault } => write!(f, "`{store}`: {fault}"),
            Self::Local { path, detail } => write!(f, "`{}`: {detail}", path.display()),
            Self::Conflict { store, tag } => write!(
                f,
                "the tag `{tag}` of `{store}` was changed by somebody else"
            ),
            Self::Ambiguous { store, .. } => {
                write!(f, "`{store}` holds several images and none was named")
            }
            Self::Offline { store } => {
                write!(f, "`{store}` needs the network, and offline was asked for")
            }
            Self::Unsupported { store, detail } => write!(f, "`{store}`: {detail}"),
            Self::Recorded { detail, .. } => f.write_str(detail),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DigestMismatch { expected, found } => {
                write!(f, "asked for `{expected}`, got bytes with digest `{found}`")
            }
            Self::SizeMismatch {
                digest,
                expected,
                found,
            } => {
                write!(f, "`{digest}` should have {expected} bytes and has {found}")
            }
            Self::OverLimit { what, limit } => write!(f, "{what} is over the limit of {limit}"),
            Self::Malformed { what, error } => write!(f, "{what} is malformed: {error}"),
            Self::Response { detail } => f.write_str(detail),
            Self::Refused {
                what,
                target,
                reason,
            } => write!(f, "{what} to `{target}` refused: {reason}"),
            Self::ChildMissing { index, child } => {
                write!(f, "the index `{index}` names `{child}`, which is not there")
            }
            Self::TagHolds { tag, found } => write!(
                f,
                "the tag `{tag}` should hold signatures or attestations and holds {found}"
            ),
            Self::FallbackTag { tag, found } => write!(
                f,
                "the tag `{tag}` should be a list of referrers and is {found}"
            ),
        }
    }
}
