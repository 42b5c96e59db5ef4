//! Which signature scheme a key of some kind signs with.

use countersign_formats::KeyKind;
use countersign_proof::Scheme;

/// The scheme that statements (images, attestations) are signed with unless another one is asked for.
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
