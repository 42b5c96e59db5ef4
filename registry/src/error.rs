//! Why a store could not answer.

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

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { thing: Thing::Image, .. } => "check the name, the tag and the digest".to_owned(),
            Self::NotFound { thing: Thing::Layout, .. } => "a layout is a directory, or an uncompressed tar archive of one, with the files `oci-layout` and `index.json`".to_owned(),
            Self::NotFound { .. } => return None,
            Self::Authentication { had_login: false, registry, .. } => format!("run `countersign login {registry}`"),
            Self::Authentication { had_login: true, registry, .. } => {
                format!("the login is wrong, expired or lacks the right; renew it with `countersign login {registry}`")
            }
            Self::Helper { registry, program, .. } => {
                format!("try the helper by itself: `echo {registry} | {program} get`; a file for logins names it (`credHelpers`, `credsStore`)")
            }
            Self::Unavailable { outage: Outage::Deadline { .. }, .. } => "a longer time can be given with `--timeout`".to_owned(),
            Self::Unavailable { outage: Outage::Status { retry_after: Some(seconds), .. }, .. } => format!("try again in {seconds} s"),
            Self::Unavailable { outage: Outage::Connection { detail, .. }, .. } => connection_hint(detail).to_owned(),
            Self::Unavailable { outage: Outage::Status { status: 400..=428 | 430..=499, message, .. }, .. } => {
                match message {
                    Some(message) if message.contains("HTTPS") => "it speaks https there: leave out `--allow-http`",
                    _ => "is this the address of a registry? `countersign doctor HOST` shows how it answers",
                }
                .to_owned()
            }
            Self::Unavailable { .. } => "try again later".to_owned(),
            Self::Untrusted { fault, .. } => match &**fault {
                Fault::FallbackTag { tag, .. } | Fault::TagHolds { tag, .. } => {
                    format!("look at what the tag `{tag}` holds and remove it if it is not wanted")
                }
                _ => return None,
            },
            Self::Ambiguous { store, choices } => format!("name one: `{store}{}`", choices.join(&format!("`, `{store}"))),
            Self::Conflict { .. } => "try again".to_owned(),
            Self::Offline { .. } => "use a layout (`oci:DIR`), or leave out `--offline`".to_owned(),
            Self::Local { .. } | Self::Unsupported { .. } | Self::Recorded { .. } => return None,
        })
    }
}

/// What to do about a connection that was not made, by the words of who refused it.
fn connection_hint(detail: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if says(&["UnknownIssuer"]) {
        "no authority that this machine trusts issued the registry's certificate; name its authority's with `--registry-cacert FILE`"
    } else if says(&["CaUsedAsEndEntity"]) {
        "the registry shows an authority's certificate as its own; if that very certificate is to be trusted, name it with `--registry-cacert FILE`"
    } else if says(&["not valid for name"]) {
        "the registry's certificate is for another name; reach it by a name that stands in it"
    } else if says(&["certificate expired", "certificate not valid yet"]) {
        "the registry has to renew its certificate, unless this machine's clock is wrong"
    } else if says(&[
        "alert: BadCertificate",
        "alert: CertificateRequired",
        "alert: UnknownCA",
        "alert: AccessDenied",
    ]) {
        "the registry wants a client certificate, or another one: `--registry-client-cert FILE` and `--registry-client-key FILE`"
    } else if says(&["broken pipe", "onnection reset"]) {
        "the other side broke the connection off; one that wants a client certificate may do so: `--registry-client-cert FILE` and `--registry-client-key FILE`"
    } else if says(&["certificate"]) {
        "the registry's certificate cannot be used; ask who runs it, or name its authority's with `--registry-cacert FILE`"
    } else if says(&["InvalidContentType"]) {
        "it does not speak https there; a registry without https needs `--allow-http`"
    } else {
        "is the registry up and the name right? a registry without https needs `--allow-http`"
    }
}

impl std::error::Error for StoreError {}

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

#[cfg(test)]
mod tests {
    use super::connection_hint;

    #[test]
    fn a_refused_connection_says_what_to_do() {
        for (detail, part) in [
            (
                "invalid peer certificate: UnknownIssuer",
                "--registry-cacert",
            ),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                "that very certificate",
            ),
            (
                "invalid peer certificate: certificate not valid for name \"a\"; certificate is only valid for DnsName(\"b\")",
                "another name",
            ),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 (1 seconds ago)",
                "clock",
            ),
            (
                "connection error: received fatal alert: BadCertificate",
                "--registry-client-cert",
            ),
            (
                "connection error: stream closed because of a broken pipe",
                "--registry-client-cert",
            ),
            (
                "received corrupt message of type InvalidContentType",
                "--allow-http",
            ),
            ("Connection refused (os error 111)", "--allow-http"),
        ] {
            assert!(connection_hint(detail).contains(part), "{detail}");
        }
    }
}
