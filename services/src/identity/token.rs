//! Parsing an identity token (JWT, RFC 7519, in its compact form).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, Limits, UnixTime};

use super::check::TokenError;
use crate::secret::Secret;

/// Audiences that one token may have.
const AUDIENCES: usize = 32;

/// An identity token that parses. What it says is proven by nothing yet.
#[derive(Clone)]
pub struct IdentityToken {
    text: Secret,
    pub(super) unverified: Claims,
}

/// What a token says.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audiences: Vec<String>,
    pub(super) expires: Option<UnixTime>,
    pub(super) not_before: Option<UnixTime>,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<bool>,
    pub(super) nonce: Option<String>,
    /// The workflow file of a GitHub job, with its ref (`job_workflow_ref`).
    pub(super) github_workflow: Option<String>,
    /// The configuration of a GitLab job, with its ref (`ci_config_ref_uri`).
    pub(super) gitlab_config: Option<String>,
    /// Whom a Dex asked in turn (`federated_claims.connector_id`).
    pub(super) connector: Option<String>,
}

impl IdentityToken {
    /// Reads a token; white space around it is passed over.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::TooLong`].
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() as u64 > limits.token_bytes {
            return Err(TokenError::TooLong {
                limit: limits.token_bytes,
            });
        }
        let malformed = |detail: &str| TokenError::Malformed {
            detail: detail.to_owned(),
        };
        // Exactly three parts; a text of dots is not cut into a list first (CVE-2025-66506).
        let (header, rest) = text
            .split_once('.')
            .ok_or_else(|| malformed("it has no `.`; a token has three parts"))?;
        let (payload, signature) = rest
            .split_once('.')
            .ok_or_else(|| malformed("it has one `.`; a token has three parts"))?;
        if signature.contains('.') {
            return Err(malformed("it has more than two `.`; is it encrypted?"));
        }
        if header.is_empty() || signature.is_empty() {
            return Err(malformed("it has no header or no signature"));
        }
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !header.bytes().chain(signature.bytes()).all(url_safe) {
            return Err(malformed("a part is not base64url"));
        }
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| malformed("its second part is not base64url"))?;
        // The reader's own words could show a part of the token: only its code is passed on.
        let unverified =
            Claims::parse(&payload, limits).map_err(|error| TokenError::Malformed {
                detail: format!(
                    "its claims cannot be read ({}, `{}`)",
                    error.code(),
                    error.path()
                ),
            })?;
        Ok(Self {
            text: Secret::new(text),
            unverified,
        })
    }

    /// The issuer that the token names.
    #[must_use]
    pub fn unverified_issuer(&self) -> &str {
        &self.unverified.issuer
    }

    /// When the token says that it ends.
    #[must_use]
    pub fn unverified_expiry(&self) -> Option<UnixTime> {
        self.unverified.expires
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.text
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityToken(****)")
    }
}

impl Claims {
    fn parse(payload: &[u8], limits: &Limits) -> Result<Self, Error> {
        let cap = ("token_bytes", limits.token_bytes);
        let mut reader = Reader::from_bytes(Document::Json, payload, cap, limits)?;
        let mut claims = Self::default();
        let (mut issuer, mut subject) = (None, None);
        reader.object(|reader, name| {
            let text = |reader: &mut Reader<'_>| {
                reader
                    .capped_string(("name_bytes", limits.name_bytes))
                    .map(|text| text.into_owned())
            };
            match name {
                "iss" => issuer = Some(text(reader)?),
                "sub" => subject = Some(text(reader)?),
                "aud" if reader.peek()? == Kind::List => {
                    claims.audiences = reader.capped_list(("audiences", AUDIENCES), text)?;
                }
                "aud" => claims.audiences = vec![text(reader)?],
                "exp" => claims.expires = Some(read_date(reader)?),
                "nbf" => claims.not_before = Some(read_date(reader)?),
                "email" => claims.email = Some(text(reader)?),
                // Some issuers write it as text.
                "email_verified" if reader.peek()? == Kind::String => {
                    claims.email_verified = Some(reader.string()? == "true");
                }
                "email_verified" => claims.email_verified = Some(reader.boolean()?),
                "nonce" => claims.nonce = Some(text(reader)?),
                "job_workflow_ref" if reader.peek()? == Kind::String => {
                    claims.github_workflow = Some(text(reader)?);
                }
                "ci_config_ref_uri" if reader.peek()? == Kind::String => {
                    claims.gitlab_config = Some(text(reader)?);
                }
                "federated_claims" if reader.peek()? == Kind::Object => {
                    reader.object(|reader, name| {
                        if name == "connector_id" && reader.peek()? == Kind::String {
                            claims.connector = Some(text(reader)?);
                            Ok(())
                        } else {
                            reader.ignore()
                        }
                    })?;
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        claims.issuer = reader.required("iss", issuer)?;
        claims.subject = reader.required("sub", subject)?;
        reader.end()?;
        Ok(claims)
    }
}

/// A NumericDate (RFC 7519 §2): seconds, whose fraction is cut off.
fn read_date(reader: &mut Reader<'_>) -> Result<UnixTime, Error> {
    if reader.peek()? != Kind::Number {
        return reader.whole_number().map(|_| UnixTime(0));
    }
    let text = reader.raw()?;
    let seconds = text.parse().ok().or_else(|| {
        // A fraction or an exponent; what is out of range becomes the nearest that is in it.
        let seconds: f64 = text.parse().ok()?;
        Some(seconds.floor() as i64)
    });
    seconds
        .map(UnixTime)
        .ok_or_else(|| reader.bad_value("seconds since 1970", text))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use countersign_formats::{Limits, UnixTime};

    use super::IdentityToken;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn parse(text: &str) -> Result<IdentityToken, super::TokenError> {
        IdentityToken::parse(text, &Limits::DEFAULT)
    }

    #[test]
    fn claims_are_read_in_every_spelling() {
        let one = parse(&format!(
            " {}\n",
            token(
                r#"{"iss":"https://i","sub":"s","aud":"sigstore","exp":1700000000,"email_verified":true,"x":{"y":[1]}}"#
            )
        ))
        .unwrap();
        assert_eq!(one.unverified.audiences, ["sigstore"]);
        assert_eq!(one.unverified_expiry(), Some(UnixTime(1_700_000_000)));
        let many = parse(&token(
            r#"{"iss":"https://i","sub":"s","aud":["a","sigstore"],"exp":1.7000000005e9,"nbf":-1.5,"email":"e","email_verified":"true"}"#,
        ))
        .unwrap();
        assert_eq!(many.unverified.audiences, ["a", "sigstore"]);
        assert_eq!(many.unverified_expiry(), Some(UnixTime(1_700_000_000)));
        assert_eq!(many.unverified.not_before, Some(UnixTime(-2)));
        assert_eq!(format!("{one:?}"), "IdentityToken(****)");
    }

    #[test]
    fn whom_a_dex_asked_is_read() {
        let connector = |federated: &str| {
            let claims =
                format!(r#"{{"iss":"https://i","sub":"s","federated_claims":{federated}}}"#);
            parse(&token(&claims)).unwrap().unverified.connector
        };
        assert_eq!(
            connector(r#"{"user_id":7,"connector_id":"https://github.com/login/oauth"}"#)
                .as_deref(),
            Some("https://github.com/login/oauth")
        );
        for none in ["{}", r#"{"connector_id":7}"#, r#""text""#, "null"] {
            assert_eq!(connector(none), None, "{none}");
        }
    }

    #[test]
    fn texts_that_are_no_tokens_are_refused() {
        for text in [
            "",
            "a",
            "a.b",
            "a.b.c.d",
            "..",
            "a.e30.",
            "a.%%.c",
            "a b.e30.c",
            &token("[]"),
            &token("{}"),
            &token(r#"{"iss":"https://i"}"#),
            &token(r#"{"iss":"https://i","sub":"s","exp":"soon"}"#),
            &token(r#"{"iss":"https://i","iss":"https://j","sub":"s"}"#),
        ] {
            assert_eq!(parse(text).unwrap_err().code(), "token-malformed", "{text}");
        }
        let long = "a".repeat(70_000);
        assert_eq!(parse(&long).unwrap_err().code(), "token-too-long");
    }

    #[test]
    fn a_text_of_dots_costs_nothing() {
        let since = Instant::now();
        let wide = Limits {
            token_bytes: 4 << 20,
            ..Limits::DEFAULT
        };
        let error = IdentityToken::parse(&".".repeat(1_000_000), &wide).unwrap_err();
        assert_eq!(error.code(), "token-malformed");
        assert!(since.elapsed().as_millis() < 500);
    }
}
