//! Numbers that nobody else can guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ServiceError;

/// Bytes from the random generator of the TLS library, which is the one of the crypto library: no second one enters the tree.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], ServiceError> {
    let mut bytes = [0; N];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| {
            ServiceError::configuration("the system's random number generator does not answer")
        })?;
    Ok(bytes)
}

/// 256 random bits as 43 characters that a URL may carry.
pub(crate) fn text() -> Result<String, ServiceError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn no_two_texts_are_the_same() {
        let one = text().unwrap();
        assert_eq!(one.len(), 43);
        assert_ne!(one, text().unwrap());
    }
}
