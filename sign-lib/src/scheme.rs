//! Which signature scheme a key of some kind signs with.

use countersign_formats::KeyKind;
use countersign_proof::Scheme;

/// The scheme that a key signs with unless another one is asked for: the key's own hash.
///
/// Ed25519 signs the message itself: cosign writes Ed25519ph for images and then verifies pure Ed25519 only, so pure is what
/// both sides can verify.
#[must_use]
pub fn default_scheme(kind: KeyKind) -> Scheme {
    match kind {
        KeyKind::EcdsaP256 => Scheme::EcdsaP256Sha256,
        KeyKind::EcdsaP384 => Scheme::EcdsaP384Sha384,
        KeyKind::EcdsaP521 => Scheme::EcdsaP521Sha512,
        KeyKind::Ed25519 => Scheme::Ed25519,
        KeyKind::Rsa { .. } => Scheme::RsaPkcs1Sha256,
    }
}

/// Whether a key of this kind can make signatures of this scheme here.
#[must_use]
pub fn can_sign(kind: KeyKind, scheme: Scheme) -> bool {
    match kind {
        KeyKind::EcdsaP256 => matches!(scheme, Scheme::EcdsaP256Sha256),
        KeyKind::EcdsaP384 => matches!(scheme, Scheme::EcdsaP384Sha384),
        KeyKind::EcdsaP521 => matches!(scheme, Scheme::EcdsaP521Sha512),
        KeyKind::Ed25519 => matches!(scheme, Scheme::Ed25519 | Scheme::Ed25519ph),
        KeyKind::Rsa { .. } => matches!(
            scheme,
            Scheme::RsaPkcs1Sha256
                | Scheme::RsaPkcs1Sha384
                | Scheme::RsaPkcs1Sha512
                | Scheme::RsaPssSha256
                | Scheme::RsaPssSha384
                | Scheme::RsaPssSha512
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_first_scheme_that_a_key_yields() {
        for kind in [
            KeyKind::EcdsaP256,
            KeyKind::EcdsaP384,
            KeyKind::EcdsaP521,
            KeyKind::Ed25519,
            KeyKind::Rsa { bits: 2048 },
        ] {
            assert_eq!(Scheme::of(kind).first(), Some(&default_scheme(kind)));
            assert!(can_sign(kind, default_scheme(kind)));
        }
    }
}
