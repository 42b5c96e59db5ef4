//! A private key in memory: made, used, and never shown.

use std::fmt;

use aws_lc_rs::digest::Digest as LibraryDigest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};
use countersign_formats::{Digest, HashAlgorithm, KeyKind, PublicKey};
use countersign_proof::Scheme;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// A private key of a supported kind; `Debug` prints `****`, memory is cleared when it is dropped.
pub struct PrivateKey {
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
    pair: Pair,
}

pub(crate) enum Pair {
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519 {
        pair: Box<Ed25519KeyPair>,
        seed: Zeroizing<[u8; 32]>,
    },
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Makes a new key; RSA sizes are 2048, 3072 and 4096 bits.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for another RSA size, [`KeyError::Library`] without randomness.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let failed = |operation| move |_| KeyError::Library { operation };
        let pkcs8 = match kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
                let algorithm = ecdsa_algorithm(kind)?;
                let pair = EcdsaKeyPair::generate(algorithm).map_err(failed("key generation"))?;
                let document = pair.to_pkcs8v1().map_err(failed("key encoding"))?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed("key generation"))?;
                let document = pair.to_pkcs8v1().map_err(failed("key encoding"))?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            KeyKind::Rsa { bits } => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    other => {
                        return Err(KeyError::Unsupported {
                            found: format!("RSA of {other} bits"),
                        });
                    }
                };
                let pair = RsaKeyPair::generate(size).map_err(failed("key generation"))?;
                let document = pair.as_der().map_err(failed("key encoding"))?;
                Zeroizing::new(document.as_ref().to_vec())
            }
        };
        Self::from_pkcs8_der(&pkcs8)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The kind of key.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// The key as PKCS#8 DER, unencrypted.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// Signs a message that is given whole.
    ///
    /// # Errors
    /// [`KeyError::Scheme`] when the scheme is not one of this key's, [`KeyError::Library`] when signing fails.
    pub fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.check(scheme)?;
        match &self.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| signing()),
            Pair::Ed25519 { pair, seed } => match scheme {
                Scheme::Ed25519ph => {
                    use ed25519_dalek::Digest as _;
                    let key = ed25519_dalek::SigningKey::from_bytes(seed);
                    let hash = ed25519_dalek::Sha512::new_with_prefix(message);
                    key.sign_prehashed(hash, None)
                        .map(|signature| signature.to_bytes().to_vec())
                        .map_err(|_| signing())
                }
                _ => pair
                    .try_sign(message)
                    .map(|signature| signature.as_ref().to_vec())
                    .map_err(|_| signing()),
            },
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(scheme).ok_or_else(|| self.mismatch(scheme))?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| signing())?;
                Ok(signature)
            }
        }
    }

    /// Signs a message of which only the digest is known.
    ///
    /// # Errors
    /// [`KeyError::ContentRequired`] for Ed25519, [`KeyError::Scheme`] when scheme, key and digest algorithm do not fit
    /// together, [`KeyError::Library`] when signing fails.
    pub fn sign_digest(&self, scheme: Scheme, digest: &Digest) -> Result<Vec<u8>, KeyError> {
        self.check(scheme)?;
        let algorithm = match digest.algorithm() {
            HashAlgorithm::Sha256 => &aws_lc_rs::digest::SHA256,
            HashAlgorithm::Sha384 => &aws_lc_rs::digest::SHA384,
            HashAlgorithm::Sha512 => &aws_lc_rs::digest::SHA512,
        };
        let imported =
            LibraryDigest::import_less_safe(digest.as_bytes(), algorithm).map_err(|_| signing())?;
        match &self.pair {
            Pair::Ecdsa(pair) => pair
                .sign_digest(&imported)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| self.mismatch(scheme)),
            Pair::Ed25519 { .. } => Err(KeyError::ContentRequired { scheme }),
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(scheme).ok_or_else(|| self.mismatch(scheme))?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding, &imported, &mut signature)
                    .map_err(|_| self.mismatch(scheme))?;
                Ok(signature)
            }
        }
    }

    pub(crate) fn from_ecdsa(kind: KeyKind, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(ecdsa_algorithm(kind)?, pkcs8).map_err(rejected)?;
        let spki = pair.public_key().as_der().map_err(|_| encoding())?;
        Self::assemble(spki.as_ref(), pkcs8, Pair::Ecdsa(Box::new(pair)))
    }

    pub(crate) fn from_ed25519(seed: Zeroizing<[u8; 32]>, pkcs8: &[u8]) -> Result<Self, KeyError> {
        // RUSTSEC-2022-0093: the public half is always derived, never taken from the caller.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(rejected)?;
        let spki = pair.public_key().as_der().map_err(|_| encoding())?;
        let pair = Pair::Ed25519 {
            pair: Box::new(pair),
            seed,
        };
        Self::assemble(spki.as_ref(), pkcs8, pair)
    }

    pub(crate) fn from_rsa(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
        let spki = pair.public_key().as_der().map_err(|_| encoding())?;
        Self::assemble(spki.as_ref(), pkcs8, Pair::Rsa(Box::new(pair)))
    }

    fn assemble(spki: &[u8], pkcs8: &[u8], pair: Pair) -> Result<Self, KeyError> {
        Ok(Self {
            public: PublicKey::from_spki_der(spki).map_err(KeyError::Public)?,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            pair,
        })
    }

    fn check(&self, scheme: Scheme) -> Result<(), KeyError> {
        if crate::scheme::can_sign(self.kind(), scheme) {
            Ok(())
        } else {
            Err(self.mismatch(scheme))
        }
    }

    fn mismatch(&self, scheme: Scheme) -> KeyError {
        KeyError::Scheme {
            kind: self.kind(),
            scheme,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PrivateKey")
            .field("kind", &self.kind())
            .field("secret", &format_args!("****"))
            .finish()
    }
}

pub(crate) fn ecdsa_algorithm(kind: KeyKind) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
    match kind {
        KeyKind::EcdsaP256 => Ok(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyKind::EcdsaP384 => Ok(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyKind::EcdsaP521 => Ok(&ECDSA_P521_SHA512_ASN1_SIGNING),
        other => Err(KeyError::Unsupported {
            found: format!("{other:?}"),
        }),
    }
}

fn rsa_encoding(scheme: Scheme) -> Option<&'static dyn RsaEncoding> {
    Some(match scheme {
        Scheme::RsaPkcs1Sha256 => &RSA_PKCS1_SHA256,
        Scheme::RsaPkcs1Sha384 => &RSA_PKCS1_SHA384,
        Scheme::RsaPkcs1Sha512 => &RSA_PKCS1_SHA512,
        Scheme::RsaPssSha256 => &RSA_PSS_SHA256,
        Scheme::RsaPssSha384 => &RSA_PSS_SHA384,
        Scheme::RsaPssSha512 => &RSA_PSS_SHA512,
        _ => return None,
    })
}

pub(crate) fn rejected(reason: aws_lc_rs::error::KeyRejected) -> KeyError {
    KeyError::Malformed {
        detail: reason.to_string(),
    }
}

fn encoding() -> KeyError {
    KeyError::Library {
        operation: "key encoding",
    }
}

fn signing() -> KeyError {
    KeyError::Library {
        operation: "signing",
    }
}
