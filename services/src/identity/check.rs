//! What must be true of a token before it is sent anywhere.

use std::fmt;

use countersign_formats::{UnixTime, clipped};

use super::AUDIENCE;
use super::token::IdentityToken;
use crate::error::ErrorClass;
use crate::secret::Secret;

/// Seconds that the issuer's clock may be ahead of ours.
const CLOCK_SKEW: i64 = 60;
/// The longest piece of a claim that an error carries, in bytes.
const CLAIM_WORDS: usize = 200;

/// What is expected of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The audience that it must be for.
    pub audience: String,
    /// Issuers that may have made it, exactly; empty when any may.
    pub issuers: Vec<String>,
    /// The e-mail address or subject that it must be for, when that is known.
    pub identity: Option<String>,
}

impl Default for Expected {
    /// The audience `sigstore`, from any issuer, for anybody.
    fn default() -> Self {
        Self {
            audience: AUDIENCE.to_owned(),
            issuers: Vec::new(),
            identity: None,
        }
    }
}

/// A token that is for the right audience, from an expected issuer and not over.
#[derive(Clone)]
pub struct CheckedToken {
    token: IdentityToken,
    expires: UnixTime,
}

/// Why there is no token, or not one that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is not a token.
    Malformed {
        /// What is wrong; never a part of the token.
        detail: String,
    },
    /// The text is over the limit `token_bytes`.
    TooLong {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The token is for somebody else.
    Audience {
        /// The audience that is expected.
        expected: String,
        /// Those that it has, at most 200 bytes.
        found: String,
    },
    /// The token is over.
    Expired {
        /// When it ended; `None` when it does not say.
        at: Option<UnixTime>,
        /// The time that it was compared with.
        now: UnixTime,
    },
    /// The token does not hold yet.
    NotYetValid {
        /// When it begins.
        from: UnixTime,
        /// The time that it was compared with.
        now: UnixTime,
    },
    /// The token is from an issuer that is not expected, or that is not an issuer's name.
    Issuer {
        /// The issuer that it names, at most 200 bytes.
        found: String,
        /// What is wrong with it, or what was expected.
        reason: String,
    },
    /// The issuer says that it has not verified the e-mail address.
    EmailUnverified,
    /// The token is for another identity than was expected.
    Identity {
        /// The identity that is expected.
        expected: String,
        /// The one that it has, at most 200 bytes.
        found: String,
    },
    /// The token names nobody.
    NoIdentity,
    /// No token was given and none was found in the surroundings.
    NotFound,
    /// The surroundings are a CI system that gives tokens, but not to this job.
    NotGranted {
        /// The CI system.
        system: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A file with a token cannot be read.
    File {
        /// Its path as it was given.
        path: String,
        /// What the system said.
        detail: String,
    },
}

impl IdentityToken {
    /// Checks the token against what is expected at `now`.
    ///
    /// # Errors
    /// [`TokenError::Issuer`], [`TokenError::Audience`], [`TokenError::Expired`], [`TokenError::NotYetValid`],
    /// [`TokenError::EmailUnverified`], [`TokenError::NoIdentity`], [`TokenError::Identity`].
    pub fn check(self, expected: &Expected, now: UnixTime) -> Result<CheckedToken, TokenError> {
        let claims = &self.unverified;
        check_issuer(&claims.issuer, &expected.issuers)?;
        if !claims.audiences.contains(&expected.audience) {
            return Err(TokenError::Audience {
                expected: expected.audience.clone(),
                found: clipped(&claims.audiences.join(", "), CLAIM_WORDS),
            });
        }
        let expires = match claims.expires {
            Some(at) if at > now => at,
            at => return Err(TokenError::Expired { at, now }),
        };
        if let Some(from) = claims.not_before
            && from.0 > now.0.saturating_add(CLOCK_SKEW)
        {
            return Err(TokenError::NotYetValid { from, now });
        }
        // Fulcio refuses these too; said here, the token need not be sent.
        if claims.email.is_some() && claims.email_verified == Some(false) {
            return Err(TokenError::EmailUnverified);
        }
        let checked = CheckedToken {
            token: self,
            expires,
        };
        let found = checked.identity();
        if found.is_empty() {
            return Err(TokenError::NoIdentity);
        }
        if let Some(expected) = &expected.identity
            && expected != found
        {
            return Err(TokenError::Identity {
                expected: expected.clone(),
                found: clipped(found, CLAIM_WORDS),
            });
        }
        Ok(checked)
    }
}

impl CheckedToken {
    /// The e-mail address that the token is for, else its subject: what Fulcio wants signed as proof of possession.
    #[must_use]
    pub fn identity(&self) -> &str {
        let claims = &self.token.unverified;
        claims.email.as_deref().unwrap_or(&claims.subject)
    }

    /// The name that a certificate for this token is expected to carry, where that is known before there is one: the e-mail address,
    /// the workflow of a GitHub or GitLab job, the SPIFFE identity. Only the certificate itself proves it.
    #[must_use]
    pub fn expected_name(&self) -> Option<String> {
        let claims = &self.token.unverified;
        if let Some(email) = &claims.email {
            return Some(email.clone());
        }
        if let Some(workflow) = &claims.github_workflow {
            return Some(format!("https://github.com/{workflow}"));
        }
        if let Some(config) = &claims.gitlab_config {
            return Some(format!("https://{config}"));
        }
        claims
            .subject
            .starts_with("spiffe://")
            .then(|| claims.subject.clone())
    }

    /// The issuer that made it, by its own words.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.token.unverified.issuer
    }

    /// The issuer that this one asked in turn: the connector of a Dex, by its own words. Certificates name it in place of the
    /// [issuer](Self::issuer) where the certificate authority is set up so, as the public-good instance is.
    #[must_use]
    pub fn connector(&self) -> Option<&str> {
        self.token.unverified.connector.as_deref()
    }

    /// When it ends.
    #[must_use]
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    pub(crate) fn secret(&self) -> &Secret {
        self.token.secret()
    }
}

impl fmt::Debug for CheckedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedToken(****)")
    }
}

/// An issuer is an https URL without user, query and fragment (OpenID Connect Core 1.0 §2); http is for loopback only.
fn check_issuer(found: &str, expected: &[String]) -> Result<(), TokenError> {
    let refuse = |reason: &str| {
        Err(TokenError::Issuer {
            found: clipped(found, CLAIM_WORDS),
            reason: reason.to_owned(),
        })
    };
    // Some issuers, Google among them, have written their name without a scheme.
    if found != "accounts.google.com" && crate::http::parse(found, false).is_err() {
        return refuse("it is not an https address without user, query and fragment");
    }
    if !expected.is_empty() && !expected.iter().any(|issuer| issuer == found) {
        return refuse(&format!("expected is `{}`", expected.join("` or `")));
    }
    Ok(())
}

impl TokenError {
    /// A stable name for the error in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "token-malformed",
            Self::TooLong { .. } => "token-too-long",
            Self::Audience { .. } => "token-audience",
            Self::Expired { .. } => "token-expired",
            Self::NotYetValid { .. } => "token-not-yet-valid",
            Self::Issuer { .. } => "token-issuer",
            Self::EmailUnverified => "token-email-unverified",
            Self::Identity { .. } => "token-identity",
            Self::NoIdentity => "token-without-identity",
            Self::NotFound => "token-not-found",
            Self::NotGranted { .. } => "token-not-granted",
            Self::File { .. } => "token-file",
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::File { .. } => ErrorClass::Configuration,
            _ => ErrorClass::Authentication,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Malformed { .. } | Self::TooLong { .. } => {
                "a token is one line of the form `header.payload.signature`; a file with it is given with `--identity-token FILE`".to_owned()
            }
            Self::Audience { expected, .. } => format!("ask the token's issuer for one with the audience `{expected}`"),
            Self::Expired { .. } => "get a fresh token; is this machine's clock right?".to_owned(),
            Self::NotYetValid { .. } => "is this machine's clock right?".to_owned(),
            Self::EmailUnverified => "verify the address with the issuer, then get a fresh token".to_owned(),
            Self::NotFound => {
                "log in on a terminal, or give a token with `--identity-token FILE` or in SIGSTORE_ID_TOKEN".to_owned()
            }
            Self::NotGranted { remedy, .. } => (*remedy).to_owned(),
            Self::Issuer { .. } => {
                "get the token from the issuer that is expected, or name the token's own with `--oidc-issuer URL`".to_owned()
            }
            Self::Identity { .. } | Self::NoIdentity | Self::File { .. } => return None,
        })
    }
}

impl std::error::Error for TokenError {}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { detail } => write!(f, "not an identity token: {detail}"),
            Self::TooLong { limit } => write!(
                f,
                "not an identity token: over the limit `token_bytes` of {limit}"
            ),
            Self::Audience { expected, found } => write!(
                f,
                "the identity token is for the audience `{found}`, not for `{expected}`"
            ),
            Self::Expired { at: Some(at), now } => {
                write!(f, "the identity token ended at {at}, and it is {now}")
            }
            Self::Expired { at: None, .. } => {
                f.write_str("the identity token does not say when it ends")
            }
            Self::NotYetValid { from, now } => {
                write!(f, "the identity token begins at {from}, and it is {now}")
            }
            Self::Issuer { found, reason } => {
                write!(f, "the identity token's issuer is `{found}`: {reason}")
            }
            Self::EmailUnverified => f.write_str(
                "the issuer of the identity token has not verified the e-mail address in it",
            ),
            Self::Identity { expected, found } => write!(
                f,
                "the identity token is for `{found}`, not for `{expected}`"
            ),
            Self::NoIdentity => f.write_str("the identity token names nobody"),
            Self::NotFound => f.write_str("no identity token was given or found"),
            Self::NotGranted { system, .. } => {
                write!(f, "{system} has given this job no identity token")
            }
            Self::File { path, detail } => {
                write!(f, "the identity token in `{path}` cannot be read: {detail}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use countersign_formats::{Limits, UnixTime};

    use super::{CheckedToken, Expected, TokenError};
    use crate::identity::IdentityToken;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn check(claims: &str, expected: &Expected) -> Result<CheckedToken, TokenError> {
        let text = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        IdentityToken::parse(&text, &Limits::DEFAULT)?.check(expected, NOW)
    }

    #[test]
    fn a_good_token_passes_and_names_whom_it_is_for() {
        let expected = Expected {
            issuers: vec!["https://i".to_owned()],
            ..Expected::default()
        };
        let person = check(
            r#"{"iss":"https://i","sub":"x","aud":"sigstore","exp":1700000001,"nbf":1700000059,"email":"a@b.c","email_verified":true}"#,
            &expected,
        )
        .unwrap();
        assert_eq!(
            (person.identity(), person.expires()),
            ("a@b.c", UnixTime(1_700_000_001))
        );
        let machine = check(
            r#"{"iss":"https://i","sub":"repo:o/r","aud":"sigstore","exp":1700000001}"#,
            &expected,
        )
        .unwrap();
        assert_eq!(
            (machine.identity(), machine.issuer()),
            ("repo:o/r", "https://i")
        );
        assert_eq!(format!("{machine:?}"), "CheckedToken(****)");
    }

    #[test]
    fn each_fault_of_a_token_has_its_code() {
        let whose = Expected {
            issuers: vec!["https://i".to_owned()],
            identity: Some("x".to_owned()),
            ..Expected::default()
        };
        for (claims, code) in [
            (
                r#"{"iss":"https://i","sub":"x","aud":"other","exp":1700000001}"#,
                "token-audience",
            ),
            (
                r#"{"iss":"https://i","sub":"x","aud":["sigstore.dev"],"exp":1700000001}"#,
                "token-audience",
            ),
            (
                r#"{"iss":"https://i","sub":"x","exp":1700000001}"#,
                "token-audience",
            ),
            (
                r#"{"iss":"https://i","sub":"x","aud":"sigstore","exp":1700000000}"#,
                "token-expired",
            ),
            (
                r#"{"iss":"https://i","sub":"x","aud":"sigstore"}"#,
                "token-expired",
            ),
            (
                r#"{"iss":"https://i","sub":"x","aud":"sigstore","exp":1800000000,"nbf":1700000061}"#,
                "token-not-yet-valid",
            ),
            (
                r#"{"iss":"https://j","sub":"x","aud":"sigstore","exp":1700000001}"#,
                "token-issuer",
            ),
            (
                r#"{"iss":"https://i?x=https://i","sub":"x","aud":"sigstore","exp":1700000001}"#,
                "token-issuer",
            ),
            (
                r#"{"iss":"https://i@j","sub":"x","aud":"sigstore","exp":1700000001}"#,
                "token-issuer",
            ),
            (
                r#"{"iss":"http://i","sub":"x","aud":"sigstore","exp":1700000001}"#,
                "token-issuer",
            ),
            (
                r#"{"iss":"https://i","sub":"y","aud":"sigstore","exp":1700000001}"#,
                "token-identity",
            ),
            (
                r#"{"iss":"https://i","sub":"","aud":"sigstore","exp":1700000001}"#,
                "token-without-identity",
            ),
            (
                r#"{"iss":"https://i","sub":"x","aud":"sigstore","exp":1700000001,"email":"x","email_verified":false}"#,
                "token-email-unverified",
            ),
        ] {
            assert_eq!(check(claims, &whose).unwrap_err().code(), code, "{claims}");
        }
        let good = r#"{"iss":"https://i","sub":"x","aud":"sigstore","exp":1700000001}"#;
        assert!(check(good, &whose).is_ok());
    }
}
