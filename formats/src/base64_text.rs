//! Base64 in its one canonical form: standard alphabet, padding, zero trailing bits (RFC 4648 §3.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

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

/// The text was not canonical base64.
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

    #[test]
    fn encoding_round_trips() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|value| value.wrapping_mul(37)).collect();
            assert_eq!(decode_base64(&encode_base64(&bytes), 100).unwrap(), bytes);
        }
    }
}
