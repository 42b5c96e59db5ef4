//! What RFC 8032 leaves to verifiers, decided strictly (N-61).

use super::{Over, provided};
use countersign_formats::HashAlgorithm;
use ed25519_dalek::ed25519::signature::digest::{
    FixedOutput, HashMarker, Output, OutputSizeUser, Update, consts::U64,
};
use ed25519_dalek::{Signature, VerifyingKey};

/// The encodings of the points whose order divides 8, without their sign bit.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // y = 0, order 4
    [0; 32],
    // y = 1, order 1
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    // y = -1, order 2
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    // order 8
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether this is the one encoding of a point of large order.
pub(super) fn is_sound_point(point: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(point) else {
        return false;
    };
    // The sign bit; x = 0, which has no negative, is of small order anyway.
    y[31] &= 0x7f;
    // y must be below p = 2^255 - 19; the values from p to 2^255 - 1 end in 0xed..=0xff and are all ones above.
    let canonical = y[31] != 0x7f
        || y[0] < 0xed
        || y.get(1..31)
            .is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0xff));
    canonical && !SMALL_ORDER.contains(&y)
}

/// Whether R is the encoding of a point of large order; that S is below the group's order is the library's to check.
pub(super) fn is_sound_signature(signature: &[u8]) -> bool {
    signature.len() == 64
        && signature
            .first_chunk::<32>()
            .is_some_and(|r| is_sound_point(r))
}

pub(super) fn verify_prehashed(key: &[u8], over: Over<'_>, signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (<&[u8; 32]>::try_from(key), <&[u8; 64]>::try_from(signature))
    else {
        return false;
    };
    if !is_sound_signature(signature) {
        return false;
    }
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return false;
    };
    let mut hash = [0; 64];
    match over {
        Over::Message(message) => {
            let digest = aws_lc_rs::digest::digest(provided(HashAlgorithm::Sha512), message);
            hash.copy_from_slice(digest.as_ref());
        }
        Over::Digest(digest) if digest.algorithm() == HashAlgorithm::Sha512 => {
            hash.copy_from_slice(digest.as_bytes());
        }
        Over::Digest(_) => return false,
    }
    key.verify_prehashed_strict(Computed(hash), None, &Signature::from_bytes(signature))
        .is_ok()
}

/// A SHA-512 that was computed elsewhere, in the shape in which the library takes it.
struct Computed([u8; 64]);

impl Default for Computed {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl OutputSizeUser for Computed {
    type OutputSize = U64;
}

impl Update for Computed {
    fn update(&mut self, _: &[u8]) {
        debug_assert!(false, "the digest is computed already");
    }
}

impl FixedOutput for Computed {
    fn finalize_into(self, output: &mut Output<Self>) {
        output.copy_from_slice(&self.0);
    }
}

impl HashMarker for Computed {}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_testdata::keys::LabKey;

    /// The little-endian encoding of 2^255 - `below`.
    fn from_the_top(below: u8) -> [u8; 32] {
        let mut y = [0xff; 32];
        y[0] = 0_u8.wrapping_sub(below);
        y[31] = 0x7f;
        y
    }

    fn with_sign(mut point: [u8; 32]) -> [u8; 32] {
        point[31] |= 0x80;
        point
    }

    // A149: a point of small order verifies everything; p = 2^255 - 19, and a y from p on is a second encoding.
    #[test]
    fn a_point_is_of_large_order_and_encoded_in_the_one_way() {
        let honest: [u8; 32] = LabKey::ed25519("signer").raw_public().try_into().unwrap();
        assert!(is_sound_point(&honest));
        for point in SMALL_ORDER {
            assert!(VerifyingKey::from_bytes(&point).unwrap().is_weak());
            assert!(!is_sound_point(&point), "{point:02x?}");
            assert!(!is_sound_point(&with_sign(point)), "{point:02x?}");
        }
        for below in 1..=19 {
            let y = from_the_top(below);
            assert!(!is_sound_point(&y), "2^255 - {below}");
            assert!(!is_sound_point(&with_sign(y)), "2^255 - {below}");
        }
        // p - 1 is of small order; from p - 2 on downwards a value is as good as any.
        assert!(is_sound_point(&from_the_top(21)));
        // One byte away from the values above p, at either end.
        for position in [1, 30, 31] {
            let mut y = from_the_top(1);
            y[position] -= 1;
            assert!(is_sound_point(&y), "{position}");
        }
        assert!(!is_sound_point(honest.get(..31).unwrap()));
        assert!(!is_sound_point(&[&honest[..], &[0]].concat()));
    }

    #[test]
    fn a_signature_has_64_bytes_and_its_r_is_sound() {
        let signature = LabKey::ed25519("signer").sign(b"message");
        assert!(is_sound_signature(&signature));
        assert!(!is_sound_signature(&[&signature[..], &[0]].concat()));
        assert!(!is_sound_signature(signature.get(..63).unwrap()));
        for point in SMALL_ORDER {
            let bent = [&point[..], signature.get(32..).unwrap()].concat();
            assert!(!is_sound_signature(&bent));
        }
    }

    // RFC 8032 §5.1: the prehashed form is over SHA-512 of the message, given whole or as that digest.
    #[test]
    fn the_prehashed_form_takes_the_message_or_its_sha_512() {
        let key = LabKey::ed25519("signer");
        let signature = key.sign_prehashed(b"message");
        let verify =
            |over: Over<'_>, signature: &[u8]| verify_prehashed(&key.raw_public(), over, signature);
        assert!(verify(Over::Message(b"message"), &signature));
        assert!(!verify(Over::Message(b"another"), &signature));
        let digest = |algorithm| crate::digest::of(algorithm, b"message");
        assert!(verify(
            Over::Digest(&digest(HashAlgorithm::Sha512)),
            &signature
        ));
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
            assert!(!verify(Over::Digest(&digest(algorithm)), &signature));
        }
        assert!(!verify(Over::Message(b"message"), &key.sign(b"message")));
        let small = [&SMALL_ORDER[1][..], signature.get(32..).unwrap()].concat();
        assert!(!verify(Over::Message(b"message"), &small));
        assert!(!verify_prehashed(
            &[2; 31],
            Over::Message(b"message"),
            &signature
        ));
        assert!(!verify_prehashed(
            &[2; 32],
            Over::Message(b"message"),
            &signature
        ));
    }
}
