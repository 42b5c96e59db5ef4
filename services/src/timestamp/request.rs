//! Writing a timestamp request (RFC 3161 §2.4.1).
//!
//! ```text
//! TimeStampReq ::= SEQUENCE { version INTEGER (1), messageImprint, reqPolicy OID OPTIONAL, nonce INTEGER OPTIONAL, certReq BOOLEAN }
//! MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
//! ```

use countersign_formats::{Digest, HashAlgorithm};

/// Bytes of a nonce: 64 bits, which every authority takes.
pub(super) const NONCE_BYTES: usize = 8;

/// The request for a digest; it asks for the authority's certificates too.
pub(super) fn write(digest: &Digest, nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let algorithm = element(
        0x30,
        &[&object_identifier(digest.algorithm()), &[0x05, 0x00]],
    );
    let imprint = element(0x30, &[&algorithm, &element(0x04, &[digest.as_bytes()])]);
    let version = [0x02, 0x01, 0x01];
    let nonce = element(0x02, &[&nonce_content(nonce)]);
    let certificates = [0x01, 0x01, 0xff];
    element(0x30, &[&version, &imprint, &nonce, &certificates])
}

/// The content of the nonce's INTEGER: positive, and without zeros before it (X.690 §8.3.2).
pub(super) fn nonce_content(nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let mut content: Vec<u8> = nonce.into_iter().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    content
}

/// `sha256`, `sha384`, `sha512` of arc 2.16.840.1.101.3.4.2, as a whole element.
pub(super) fn object_identifier(algorithm: HashAlgorithm) -> [u8; 11] {
    let last = match algorithm {
        HashAlgorithm::Sha256 => 1,
        HashAlgorithm::Sha384 => 2,
        HashAlgorithm::Sha512 => 3,
    };
    [
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last,
    ]
}

/// An element of fewer than 128 bytes, which every part of a request is: the longest digest has 64.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    debug_assert!(length < 128);
    let mut element = vec![tag, length];
    element.extend_from_slice(&content);
    element
}

#[cfg(test)]
mod tests {
    use countersign_formats::HashAlgorithm;
    use countersign_proof::digest::of;

    use super::{nonce_content, write};

    #[test]
    fn a_request_is_der_of_the_length_it_says() {
        for algorithm in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let request = write(&of(algorithm, b"x"), [0xff; 8]);
            assert_eq!(usize::from(request[1]) + 2, request.len());
            assert!(request[1] < 128);
        }
    }

    #[test]
    fn a_nonce_is_positive_and_short() {
        assert_eq!(nonce_content([0; 8]), [0]);
        assert_eq!(nonce_content([0, 0, 0, 0, 0, 0, 0, 0x7f]), [0x7f]);
        assert_eq!(nonce_content([0, 0, 0, 0, 0, 0, 0, 0x80]), [0, 0x80]);
        assert_eq!(nonce_content([0x80; 8]).len(), 9);
    }
}
