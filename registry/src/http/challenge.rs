//! Reading `WWW-Authenticate` (RFC 9110, section 11).

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Bytes of challenges that are read from one answer.
const CHALLENGE_BYTES: usize = 16 << 10;
/// Challenges that are read from one answer.
const CHALLENGES: usize = 16;

/// How a registry wants its callers to prove themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from a token service.
    Bearer {
        /// Its URL.
        realm: String,
        /// The name that the token is for.
        service: Option<String>,
    },
}

/// The challenge to answer: bearer before basic; `None` when there is none that we know.
pub(crate) fn choose(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = Vec::new();
    let mut read = 0_usize;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        read = read.saturating_add(value.len());
        if read > CHALLENGE_BYTES || found.len() > CHALLENGES {
            break;
        }
        if let Ok(text) = value.to_str() {
            found.extend(parse(text));
        }
    }
    let bearer = found
        .iter()
        .find(|challenge| matches!(challenge, Challenge::Bearer { .. }))
        .cloned();
    bearer.or_else(|| found.into_iter().next())
}

/// Reads the challenges of one header value; schemes that we do not know are left out.
///
/// ```text
/// challenges = challenge *( "," challenge )
/// challenge  = scheme [ SP ( token68 / parameter *( "," parameter ) ) ]
/// parameter  = token "=" ( token / quoted-string )
/// ```
fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut current: Option<(String, BTreeMap<String, String>)> = None;
    for part in parts(text) {
        let part = part.trim();
        let (head, rest) = part
            .split_once(|character: char| character.is_ascii_whitespace())
            .unwrap_or((part, ""));
        // `Bearer realm="x"` begins a challenge, `realm="x"` goes on with one; `Basic` alone is one, too.
        let begins = !head.is_empty() && !head.contains('=') && !rest.trim_start().starts_with('=');
        let parameter = if begins {
            challenges.extend(current.take().and_then(known));
            if challenges.len() > CHALLENGES {
                return challenges;
            }
            current = Some((head.to_ascii_lowercase(), BTreeMap::new()));
            rest
        } else {
            part
        };
        if let (Some((_, parameters)), Some((name, value))) =
            (&mut current, parameter.split_once('='))
        {
            // The first counts: a second realm is not one that anybody should go to.
            parameters
                .entry(name.trim().to_ascii_lowercase())
                .or_insert_with(|| unquoted(value.trim()));
        }
    }
    challenges.extend(current.and_then(known));
    challenges
}

fn known((scheme, mut parameters): (String, BTreeMap<String, String>)) -> Option<Challenge> {
    match scheme.as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service").filter(|name| !name.is_empty()),
        }),
        _ => None,
    }
}

/// The parts between commas that are not inside quotes.
fn parts(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        let comma = character == ',' && !quoted;
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
        }
        comma
    })
    .collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .map(|inner| inner.strip_suffix('"').unwrap_or(inner))
    else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for character in inner.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(character);
            escaped = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Challenge, choose, parse};
    use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        }
    }

    #[test]
    fn bearer_with_quoted_commas() {
        let text = r#"Bearer realm="https://auth.example/token?a=1,2",service="reg, the \"one\"",scope="repository:a:pull,push""#;
        assert_eq!(
            parse(text),
            [bearer(
                "https://auth.example/token?a=1,2",
                Some("reg, the \"one\"")
            )]
        );
    }

    #[test]
    fn several_challenges_in_one_header_or_in_several() {
        assert_eq!(
            parse(r#"Basic realm="x", Bearer realm="https://a/t",service=s"#),
            [Challenge::Basic, bearer("https://a/t", Some("s"))]
        );
        let mut headers = HeaderMap::new();
        headers.append(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"x\""),
        );
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        headers.append(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("bearer REALM=\"https://a/t\""),
        );
        assert_eq!(choose(&headers), Some(bearer("https://a/t", None)));
    }

    #[test]
    fn schemes_are_without_case_and_unknown_ones_left_out() {
        assert_eq!(parse("BASIC"), [Challenge::Basic]);
        assert_eq!(
            parse("Digest realm=\"x\", qop=\"auth, auth-int\", nonce=abc=="),
            []
        );
        assert_eq!(parse("Bearer service=\"without a realm\""), []);
        assert_eq!(
            parse(r#"Bearer realm="https://first/", realm="https://second/""#),
            [bearer("https://first/", None)]
        );
    }

    #[test]
    fn odd_text_does_not_matter() {
        for text in [
            "",
            ",",
            ",,,",
            "=",
            "\"",
            "Bearer \"",
            "Bearer realm=\"https://a/t",
            "Bearer realm",
            "a b c d",
            "\\",
            "Bearer realm=\"\\",
        ] {
            let _ = parse(text);
        }
        let long = format!("Bearer realm=\"https://a/{}\"", "x".repeat(1 << 20));
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_str(&long).unwrap());
        assert_eq!(choose(&headers), None);
    }
}
