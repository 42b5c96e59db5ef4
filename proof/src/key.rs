//! Which keys are trusted, how they are named, and which signature schemes each kind of key yields.

use crate::digest::sha256;
use countersign_formats::{Digest, HashAlgorithm, KeyKind, PublicKey, Window, encode_base64};
use std::fmt;

/// The name of a public key: SHA-256 of its SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Digest);

impl KeyId {
    /// The name of `key`.
    pub fn of(key: &PublicKey) -> Self {
        Self(sha256(key.spki()))
    }

    /// The digest that is the name.
    pub fn digest(&self) -> &Digest {
        &self.0
    }

    /// The text that bundles carry as `publicKey.hint`: base64 of the digest's bytes.
    pub fn hint(&self) -> String {
        encode_base64(self.0.as_bytes())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}

/// A key that its owner trusts to sign, and the times and schemes that the trust covers.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When its signatures count; closed at both ends, an open window means always.
    pub valid: Window,
    /// The schemes it may be used with; `None` means all that its kind yields ([`Scheme::of`]).
    pub schemes: Option<Vec<Scheme>>,
}

impl TrustedKey {
    /// A key without window and with every scheme of its kind.
    pub fn new(key: PublicKey) -> Self {
        Self {
            key,
            valid: Window::ALWAYS,
            schemes: None,
        }
    }
}

/// A signature scheme: algorithm, curve or padding, and hash.
///
/// The kind of a key fixes the set ([`Scheme::of`]), a [`TrustedKey`] may narrow it, and evidence selects only within
/// it: a hash named in a bundle, a log entry or an envelope never adds a scheme (N-62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384Sha384,
    /// ECDSA on P-384 with SHA-256, as older cosign signs with every key.
    EcdsaP384Sha256,
    /// ECDSA on P-521 with SHA-512.
    EcdsaP521Sha512,
    /// Ed25519 (RFC 8032 §5.1) over the message itself.
    Ed25519,
    /// Ed25519ph (RFC 8032 §5.1) over the SHA-512 of the message, without context.
    Ed25519ph,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS (RFC 8017 §8.1) with SHA-256 and a salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS (RFC 8017 §8.1) with SHA-384 and a salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS (RFC 8017 §8.1) with SHA-512 and a salt of 64 bytes.
    RsaPssSha512,
}

impl Scheme {
    /// The schemes that a key of this kind yields; the first is what it signs with unless told otherwise.
    pub fn of(kind: KeyKind) -> &'static [Self] {
        match kind {
            KeyKind::EcdsaP256 => &[Self::EcdsaP256Sha256],
            KeyKind::EcdsaP384 => &[Self::EcdsaP384Sha384, Self::EcdsaP384Sha256],
            KeyKind::EcdsaP521 => &[Self::EcdsaP521Sha512],
            KeyKind::Ed25519 => &[Self::Ed25519, Self::Ed25519ph],
            KeyKind::Rsa { .. } => &[
                Self::RsaPkcs1Sha256,
                Self::RsaPssSha256,
                Self::RsaPkcs1Sha384,
                Self::RsaPssSha384,
                Self::RsaPkcs1Sha512,
                Self::RsaPssSha512,
            ],
        }
    }

    /// The name for people and policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::EcdsaP384Sha256 => "ecdsa-p384-sha256",
            Self::EcdsaP521Sha512 => "ecdsa-p521-sha512",
            Self::Ed25519 => "ed25519",
            Self::Ed25519ph => "ed25519ph",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
            Self::RsaPkcs1Sha384 => "rsa-pkcs1-sha384",
            Self::RsaPkcs1Sha512 => "rsa-pkcs1-sha512",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaPssSha384 => "rsa-pss-sha384",
            Self::RsaPssSha512 => "rsa-pss-sha512",
        }
    }

    /// The scheme with exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::EcdsaP256Sha256,
            Self::EcdsaP384Sha384,
            Self::EcdsaP384Sha256,
            Self::EcdsaP521Sha512,
            Self::Ed25519,
            Self::Ed25519ph,
            Self::RsaPkcs1Sha256,
            Self::RsaPkcs1Sha384,
            Self::RsaPkcs1Sha512,
            Self::RsaPssSha256,
            Self::RsaPssSha384,
            Self::RsaPssSha512,
        ]
        .into_iter()
        .find(|scheme| scheme.name() == name)
    }

    /// The hash that is signed; `None` when the message itself is (pure Ed25519).
    pub const fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::Ed25519 => None,
            Self::EcdsaP256Sha256
            | Self::EcdsaP384Sha256
            | Self::RsaPkcs1Sha256
            | Self::RsaPssSha256 => Some(HashAlgorithm::Sha256),
            Self::EcdsaP384Sha384 | Self::RsaPkcs1Sha384 | Self::RsaPssSha384 => {
                Some(HashAlgorithm::Sha384)
            }
            Self::EcdsaP521Sha512 | Self::Ed25519ph | Self::RsaPkcs1Sha512 | Self::RsaPssSha512 => {
                Some(HashAlgorithm::Sha512)
            }
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
