//! What services say about their errors.

use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Limits, clipped};

use crate::error::WORDS;
use crate::secret::Secret;

/// The message in the body of an error answer, if it has one and repeats nothing secret.
///
/// Fulcio and Rekor write `message`, issuers `error_description` or `error` (RFC 6749 §5.2).
pub(crate) fn error_words(body: &[u8], secrets: &[Secret]) -> Option<String> {
    let [message, description, error] = members(body, ["message", "error_description", "error"])?;
    let words = message.or(description).or(error)?;
    let words = words.trim();
    // A service may repeat what it was sent; its words are not worth a token.
    let repeats = secrets
        .iter()
        .map(Secret::reveal)
        .any(|secret| !secret.is_empty() && words.contains(secret));
    (!words.is_empty() && !repeats).then(|| clipped(words, WORDS))
}

/// The `error` of an OAuth answer (RFC 6749 §5.2).
pub(crate) fn error_code(body: &[u8]) -> Option<String> {
    let [error] = members(body, ["error"])?;
    error.map(|error| clipped(&error, 64))
}

fn members<const N: usize>(body: &[u8], names: [&str; N]) -> Option<[Option<String>; N]> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::new(Document::Json, text, &Limits::DEFAULT);
    let mut found = [const { None }; N];
    reader
        .map(|reader, name| {
            let place = names
                .iter()
                .zip(&mut found)
                .find(|(known, _)| **known == name);
            match place {
                Some((_, value)) if reader.peek()? == Kind::String => {
                    *value = Some(reader.string()?.into_owned());
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })
        .ok()?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{error_code, error_words};
    use crate::secret::Secret;

    #[test]
    fn the_words_of_every_kind_of_service_are_found() {
        for body in [
            r#"{"code":3,"message":"no","details":[]}"#,
            r#"{"error":"invalid_grant","error_description":"no"}"#,
            r#"{"error":"no"}"#,
        ] {
            assert_eq!(
                error_words(body.as_bytes(), &[]).as_deref(),
                Some("no"),
                "{body}"
            );
        }
        for body in [
            "",
            "<html>",
            r#"{"message":1}"#,
            r#"{"message":""}"#,
            r#"[1]"#,
        ] {
            assert_eq!(error_words(body.as_bytes(), &[]), None, "{body}");
        }
        assert_eq!(
            error_code(br#"{"error":"slow_down"}"#).as_deref(),
            Some("slow_down")
        );
    }

    #[test]
    fn words_that_repeat_the_token_are_dropped() {
        let body = br#"{"message":"bad token a.b.c"}"#;
        assert!(error_words(body, &[Secret::new("d.e.f")]).is_some());
        assert_eq!(error_words(body, &[Secret::new("a.b.c")]), None);
    }
}
