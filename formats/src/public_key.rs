//! Public keys in SubjectPublicKeyInfo form (RFC 5280 §4.1.2.7).

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use crate::pem::{pem_blocks, write_pem};
use bytes::Bytes;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfo};

const ECDSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Bits of an RSA modulus at least and at most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The smallest public exponent of RSA (FIPS 186-5 §5.1).
const RSA_EXPONENT: u64 = 65537;
/// Bytes of a key at most; RSA with 4096 bits has 550.
const KEY_BYTES: usize = 4096;

/// The kinds of key that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on NIST P-256.
    EcdsaP256,
    /// ECDSA on NIST P-384.
    EcdsaP384,
    /// ECDSA on NIST P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA.
    Rsa {
        /// Bits of the modulus.
        bits: u32,
    },
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::EcdsaP521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
        }
    }
}

/// A public key of a known kind; whether a point lies on its curve is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Bytes,
    raw: Bytes,
}

impl PublicKey {
    /// Reads a PEM file with exactly one `PUBLIC KEY` block.
    ///
    /// # Errors
    /// `bad-pem`, `bad-der`, `over-limit`; `unsupported` for a key of another kind, and for a block of another kind.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let limit = Limits::DEFAULT.key_file_bytes;
        if pem.len() as u64 > limit {
            return Err(refuse(ErrorKind::OverLimit {
                limit: "key_file_bytes",
                maximum: limit,
            }));
        }
        let blocks = pem_blocks(pem, 1).map_err(|error| match error.code() {
            "over-limit" => refuse(ErrorKind::BadPem {
                reason: "there is more than one block",
            }),
            _ => error.in_document(Document::PublicKey),
        })?;
        match blocks.first() {
            None => Err(refuse(ErrorKind::BadPem {
                reason: "there is no public key",
            })),
            Some(block) if block.label == "PUBLIC KEY" => Self::from_spki_der(&block.content),
            Some(block) => Err(unsupported("PEM block", &block.label)),
        }
    }

    /// Reads the DER of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `bad-der` when it is not strict DER or the key is malformed, `unsupported` for a key of another kind or size.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > KEY_BYTES {
            return Err(refuse(ErrorKind::OverLimit {
                limit: "key_bytes",
                maximum: KEY_BYTES as u64,
            }));
        }
        let info = SubjectPublicKeyInfo::<AnyRef<'_>, BitStringRef<'_>>::from_der(der)
            .map_err(|_| bad("it is not a SubjectPublicKeyInfo"))?;
        let raw = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| bad("the bit string has unused bits"))?;
        let parameters = info.algorithm.parameters;
        let kind = match info.algorithm.oid {
            ECDSA => {
                let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
                let (kind, size) = match curve {
                    Some(P256) => (KeyKind::EcdsaP256, 32),
                    Some(P384) => (KeyKind::EcdsaP384, 48),
                    Some(P521) => (KeyKind::EcdsaP521, 66),
                    Some(other) => return Err(unsupported("curve", &other.to_string())),
                    // Explicit curve parameters let an attacker choose the curve (CVE-2020-0601).
                    None => return Err(unsupported("curve", "not named")),
                };
                if raw.first() != Some(&4) || raw.len() != 1 + 2 * size {
                    return Err(bad("the point is not an uncompressed point of its curve"));
                }
                kind
            }
            ED25519 => {
                if parameters.is_some() || raw.len() != 32 {
                    return Err(bad(
                        "the Ed25519 key does not have 32 bytes, or has parameters",
                    ));
                }
                KeyKind::Ed25519
            }
            RSA => {
                if !parameters.is_some_and(|any| any.is_null()) {
                    return Err(bad("the parameters of an RSA key are not NULL"));
                }
                KeyKind::Rsa {
                    bits: rsa_bits(raw)?,
                }
            }
            other => return Err(unsupported("key algorithm", &other.to_string())),
        };
        Ok(Self {
            kind,
            spki: Bytes::copy_from_slice(der),
            raw: Bytes::copy_from_slice(raw),
        })
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER of the SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The content of its bit string: an uncompressed SEC 1 point, 32 bytes, or a PKCS#1 `RSAPublicKey`.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The key as a PEM file.
    pub fn to_pem(&self) -> String {
        write_pem("PUBLIC KEY", &self.spki)
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 §A.1.1)
fn rsa_bits(raw: &[u8]) -> Result<u32, Error> {
    let (modulus, exponent) = read_rsa(raw).map_err(|_| bad("it is not an RSAPublicKey"))?;
    let first = modulus.first().copied().unwrap_or_default();
    let bits = (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(unsupported("RSA modulus", &format!("{bits} bits")));
    }
    if modulus.last().is_none_or(|last| last % 2 == 0) {
        return Err(bad("the modulus of an RSA key is even"));
    }
    if exponent < RSA_EXPONENT || exponent % 2 == 0 {
        return Err(unsupported("RSA exponent", &exponent.to_string()));
    }
    u32::try_from(bits).map_err(|_| bad("it is not an RSAPublicKey"))
}

/// The modulus without leading zeros, and the exponent (0 when it does not fit).
fn read_rsa(raw: &[u8]) -> der::Result<(&[u8], u64)> {
    let mut reader = SliceReader::new(raw)?;
    let numbers = reader.sequence(|inner| {
        let modulus = inner.decode::<UintRef<'_>>()?;
        let exponent = inner.decode::<UintRef<'_>>()?;
        Ok((modulus.as_bytes(), exponent.as_bytes()))
    })?;
    reader.finish(())?;
    let (modulus, exponent) = numbers;
    let exponent = if exponent.len() > 8 {
        0
    } else {
        exponent
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    Ok((modulus, exponent))
}

fn refuse(kind: ErrorKind) -> Error {
    Error::new(Document::PublicKey, kind)
}

fn bad(reason: &'static str) -> Error {
    refuse(ErrorKind::BadDer { reason })
}

fn unsupported(what: &'static str, found: &str) -> Error {
    refuse(ErrorKind::Unsupported {
        what,
        found: crate::error::excerpt(found),
    })
}
