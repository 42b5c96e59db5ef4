//! Base64 in its one canonical form: standard alphabet, padding, zero trailing bits (RFC 4648 §3.5).

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine, alphabet};
use bytes::Bytes;
use std::ops::Range;

/// Characters that are decoded at a time where the content takes the place of its text: groups of four.
const STEP: usize = 64 << 10;
/// For what is followed by more: padding ends a text.
const IN_THE_MIDDLE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Decodes canonical base64 of at most `maximum` bytes of content; `Ok(None)` when it would be more.
///
/// # Errors
/// `Err(())`-like [`Refused`] when the text is not canonical base64.
pub(crate) fn decode(text: &[u8], maximum: usize) -> Result<Option<Bytes>, Refused> {
    // The estimate is at most 2 bytes too high, so nothing is allocated for a text that is far over the cap.
    if text.len() / 4 * 3 > maximum.saturating_add(2) {
        return Ok(None);
    }
    let decoded = STANDARD.decode(text).map_err(|_| Refused)?;
    Ok((decoded.len() <= maximum).then(|| Bytes::from(decoded)))
}

/// Decodes the canonical base64 at `text` into the memory that it stands in; of the rest of `bytes` nothing is left.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_in_place(mut bytes: Vec<u8>, text: Range<usize>) -> Result<Bytes, Refused> {
    let mut piece = vec![0; STEP];
    let (mut read, mut written) = (text.start, 0);
    while read < text.end {
        let end = text.end.min(read + STEP);
        let engine = if end == text.end {
            &STANDARD
        } else {
            &IN_THE_MIDDLE
        };
        let source = bytes.get(read..end).ok_or(Refused)?;
        let count = engine
            .decode_slice(source, &mut piece)
            .map_err(|_| Refused)?;
        let (target, content) = (bytes.get_mut(written..written + count), piece.get(..count));
        target
            .ok_or(Refused)?
            .copy_from_slice(content.ok_or(Refused)?);
        (read, written) = (end, written + count);
    }
    bytes.truncate(written);
    bytes.shrink_to_fit();
    Ok(Bytes::from(bytes))
}

/// The text was not canonical base64.
#[derive(Debug)]
pub(crate) struct Refused;

/// Decodes canonical, padded, standard base64; `None` when the text is anything else or more than `maximum` bytes.
pub fn decode_base64(text: &str, maximum: usize) -> Option<Bytes> {
    decode(text.as_bytes(), maximum).ok().flatten()
}

/// Standard base64 with padding.
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // N-32: exactly one text decodes to each content.
    #[test]
    fn only_canonical_base64_is_accepted() {
        assert_eq!(decode_base64("/+8=", 2).unwrap(), &[0xff, 0xef][..]);
        assert_eq!(decode_base64("", 0).unwrap(), &[][..]);
        for text in [
            "/+8", "_-8=", "/+9=", "/+8==", "/+8=\n", " /+8=", "/ +8=", "/+8=AAAA", "=", "====",
            "A", "é+8=",
        ] {
            assert!(decode_base64(text, 100).is_none(), "{text:?}");
        }
        assert!(decode_base64("AAAA", 2).is_none());
        assert!(decode_base64("AAA=", 2).is_some());
    }

    // The same texts are refused wherever the pieces are cut.
    #[test]
    fn what_is_decoded_in_place_is_what_is_decoded_elsewhere() {
        let around = |text: &str| -> (Vec<u8>, Range<usize>) {
            let bytes = format!("{{\"payload\":\"{text}\"}}").into_bytes();
            let end = bytes.len() - 2;
            (bytes, 12..end)
        };
        for length in [0, 1, 2, 3, STEP - 1, STEP, STEP + 1, 3 * STEP] {
            let content: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
            let (bytes, text) = around(&encode_base64(&content));
            assert_eq!(decode_in_place(bytes, text).unwrap(), content, "{length}");
        }
        let whole = "A".repeat(STEP);
        for text in [
            "/+8".to_owned(),
            "/+9=".to_owned(),
            "_-8=".to_owned(),
            format!("{}AA=AAAA", "A".repeat(STEP - 3)),
            format!("{}A===", "A".repeat(STEP - 4)),
            format!("{}AA=={whole}", "A".repeat(STEP - 4)),
            format!("{whole}AA="),
            format!("{whole}AB=="),
        ] {
            let (bytes, place) = around(&text);
            assert!(decode(text.as_bytes(), usize::MAX).is_err());
            assert!(decode_in_place(bytes, place).is_err(), "{}", text.len());
        }
    }

    #[test]
    fn encoding_round_trips() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|value| value.wrapping_mul(37)).collect();
            assert_eq!(decode_base64(&encode_base64(&bytes), 100).unwrap(), bytes);
        }
    }
}
