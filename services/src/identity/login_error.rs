//! Why an interactive login did not succeed.

use std::fmt;

/// Why an interactive login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// Nobody logged in in time.
    TimedOut,
    /// The issuer, or the person, said no.
    Denied {
        /// What the issuer said, at most 512 bytes.
        detail: String,
    },
    /// The browser came back with another `state` than it was sent with: somebody else's login (CVE-2026-24408).
    State,
    /// The browser came back from another issuer than it was sent to (RFC 9207).
    OtherIssuer,
    /// The token was made for another login.
    Nonce,
    /// The browser came back with neither a code nor an error.
    NoCode,
    /// No port could be opened on this machine for the browser to come back to.
    Listen {
        /// What the system said.
        detail: String,
    },
    /// The issuer has no device login.
    NoDeviceLogin,
}

impl LoginError {
    /// A stable name for the error in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TimedOut => "login-timed-out",
            Self::Denied { .. } => "login-denied",
            Self::State => "login-state-differs",
            Self::OtherIssuer => "login-issuer-differs",
            Self::Nonce => "login-nonce-differs",
            Self::NoCode => "login-without-code",
            Self::Listen { .. } => "login-no-port",
            Self::NoDeviceLogin => "login-no-device-flow",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TimedOut => "start again".to_owned(),
            Self::State | Self::OtherIssuer | Self::Nonce => {
                "close other logins in the browser and start again; if it stays so, somebody interferes".to_owned()
            }
            Self::Listen { .. } => "use the device login, or give a token with `--identity-token FILE`".to_owned(),
            Self::NoDeviceLogin => "log in with a browser, or give a token with `--identity-token FILE`".to_owned(),
            Self::Denied { .. } | Self::NoCode => return None,
        })
    }
}

impl std::error::Error for LoginError {}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("nobody logged in in time"),
            Self::Denied { detail } => write!(f, "the login was denied: {detail}"),
            Self::State => {
                f.write_str("the browser came back from a login that was not begun here")
            }
            Self::OtherIssuer => {
                f.write_str("the browser came back from another issuer than it was sent to")
            }
            Self::Nonce => f.write_str("the issuer's token was made for another login"),
            Self::NoCode => f.write_str("the browser came back with neither a code nor an error"),
            Self::Listen { detail } => write!(
                f,
                "no port could be opened for the browser to come back to: {detail}"
            ),
            Self::NoDeviceLogin => f.write_str("the issuer offers no device login"),
        }
    }
}
