//! Reads private keys as other tools leave them: PKCS#8, SEC1 and PKCS#1 in PEM or DER, and cosign's encrypted files.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{EcdsaKeyPair, RsaKeyPair};
use countersign_formats::{EncryptedPrivateKey, KeyKind, Limits};
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::private_key::{PrivateKey, ecdsa_algorithm, rejected};
use crate::secret_pem::SecretBlock;

/// A private key file after its first look: usable at once, or waiting for a password.
#[derive(Debug)]
pub enum PrivateKeyFile {
    /// The key was not encrypted.
    Plain(PrivateKey),
    /// The key is encrypted in cosign's format; [`PrivateKey::decrypt`] opens it.
    Encrypted(EncryptedPrivateKey),
}

impl PrivateKeyFile {
    /// Reads a PEM file: `PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`, `ENCRYPTED SIGSTORE PRIVATE KEY` or
    /// `ENCRYPTED COSIGN PRIVATE KEY`.
    ///
    /// # Errors
    /// Any [`KeyError`] about size, PEM, label, kind or DER; never one about a password.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, KeyError> {
        let found = bytes.len() as u64;
        if found > limits.key_file_bytes {
            return Err(KeyError::TooLarge {
                found,
                limit: limits.key_file_bytes,
            });
        }
        let block = SecretBlock::find(bytes)?;
        match block.label {
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                EncryptedPrivateKey::parse_pem(block.text.as_bytes())
                    .map(Self::Encrypted)
                    .map_err(KeyError::Encrypted)
            }
            "PRIVATE KEY" => PrivateKey::from_pkcs8_der(&block.decode()?).map(Self::Plain),
            "EC PRIVATE KEY" => from_sec1(&block.decode()?).map(Self::Plain),
            "RSA PRIVATE KEY" => from_pkcs1(&block.decode()?).map(Self::Plain),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::ForeignEncryption {
                format: "PKCS#8 PBES2",
            }),
            other => Err(KeyError::Label {
                label: other.chars().take(64).collect(),
            }),
        }
    }

    /// The key, asking for the password only when the file needs one; `None` from `password` means that there is none.
    ///
    /// # Errors
    /// [`KeyError::PasswordRequired`], [`KeyError::WrongPassword`] and what [`PrivateKey::decrypt`] reports.
    pub fn unlock(
        self,
        password: impl FnOnce() -> Option<Zeroizing<Vec<u8>>>,
    ) -> Result<PrivateKey, KeyError> {
        match self {
            Self::Plain(key) => Ok(key),
            Self::Encrypted(encrypted) => {
                let password = password().ok_or(KeyError::PasswordRequired)?;
                PrivateKey::decrypt(&encrypted, &password)
            }
        }
    }
}

impl PrivateKey {
    /// Reads an unencrypted PEM private key: PKCS#8, SEC1 or PKCS#1.
    ///
    /// # Errors
    /// As [`PrivateKeyFile::parse`]; [`KeyError::PasswordRequired`] when the file is encrypted.
    pub fn from_pem(bytes: &[u8], limits: &Limits) -> Result<Self, KeyError> {
        PrivateKeyFile::parse(bytes, limits)?.unlock(|| None)
    }

    /// Reads PKCS#8 DER (RFC 5958), version 1 or 2; a public key inside must fit.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for another algorithm or curve, [`KeyError::Malformed`] for damaged DER.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::from_der(der).map_err(malformed)?;
        match info.algorithm {
            EC_PUBLIC_KEY => {
                let curve = info
                    .parameters
                    .ok_or_else(|| unsupported("elliptic curve key without a curve"))?
                    // A156: explicit parameters may name another generator under a known curve's shape.
                    .decode_as::<ObjectIdentifier>()
                    .map_err(|_| unsupported("elliptic curve with explicit parameters"))?;
                Self::from_ecdsa(curve_kind(curve)?, der)
            }
            ED25519 => {
                let seed = OctetStringRef::from_der(info.private_key).map_err(malformed)?;
                let seed: [u8; 32] =
                    seed.as_bytes()
                        .try_into()
                        .map_err(|_| KeyError::Malformed {
                            detail: "Ed25519 seed is not 32 bytes".to_owned(),
                        })?;
                Self::from_ed25519(Zeroizing::new(seed), der)
            }
            RSA_ENCRYPTION => Self::from_rsa(der),
            other => Err(unsupported(&other.to_string())),
        }
    }
}

pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Whether DER is a SEC1 `ECPrivateKey`: what cosign's old import wrote into an encrypted file.
pub(crate) fn is_sec1(der: &[u8]) -> bool {
    EcPrivateKey::from_der(der).is_ok_and(|key| key.version == 1)
}

fn from_sec1(der: &[u8]) -> Result<PrivateKey, KeyError> {
    let key = EcPrivateKey::from_der(der).map_err(malformed)?;
    let kind = match key.parameters {
        Some(parameters) => {
            let curve = parameters
                .decode_as::<ObjectIdentifier>()
                .map_err(|_| unsupported("elliptic curve with explicit parameters"))?;
            curve_kind(curve)?
        }
        None => match key.private_key.as_bytes().len() {
            32 => KeyKind::EcdsaP256,
            48 => KeyKind::EcdsaP384,
            66 => KeyKind::EcdsaP521,
            other => {
                return Err(unsupported(&format!(
                    "elliptic curve scalar of {other} bytes"
                )));
            }
        },
    };
    let pair = EcdsaKeyPair::from_private_key_der(ecdsa_algorithm(kind)?, der).map_err(rejected)?;
    let document = pair.to_pkcs8v1().map_err(|_| KeyError::Library {
        operation: "key encoding",
    })?;
    let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
    PrivateKey::from_pkcs8_der(&pkcs8)
}

fn from_pkcs1(der: &[u8]) -> Result<PrivateKey, KeyError> {
    let pair = RsaKeyPair::from_der(der).map_err(rejected)?;
    let document = pair.as_der().map_err(|_| KeyError::Library {
        operation: "key encoding",
    })?;
    let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
    PrivateKey::from_pkcs8_der(&pkcs8)
}

fn curve_kind(curve: ObjectIdentifier) -> Result<KeyKind, KeyError> {
    match curve {
        P256 => Ok(KeyKind::EcdsaP256),
        P384 => Ok(KeyKind::EcdsaP384),
        P521 => Ok(KeyKind::EcdsaP521),
        other => Err(unsupported(&format!("elliptic curve {other}"))),
    }
}

fn malformed(error: der::Error) -> KeyError {
    KeyError::Malformed {
        detail: error.to_string(),
    }
}

fn unsupported(found: &str) -> KeyError {
    KeyError::Unsupported {
        found: found.chars().take(128).collect(),
    }
}

/// `OneAsymmetricKey ::= SEQUENCE { version, privateKeyAlgorithm, privateKey OCTET STRING, attributes [0] OPTIONAL,
/// publicKey [1] OPTIONAL }` (RFC 5958 section 2).
struct PrivateKeyInfo<'a> {
    algorithm: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
    private_key: &'a [u8],
}

impl<'a> PrivateKeyInfo<'a> {
    fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(bytes)?;
        let info = reader.sequence(|reader| {
            let version = u8::decode(reader)?;
            if version > 1 {
                return Err(Tag::Integer.value_error());
            }
            let (algorithm, parameters) = reader.sequence(|reader| {
                let algorithm = ObjectIdentifier::decode(reader)?;
                let parameters = Option::<AnyRef<'a>>::decode(reader)?;
                Ok((algorithm, parameters))
            })?;
            let private_key = OctetStringRef::decode(reader)?.as_bytes();
            // Attributes and the public half are the library's to check; here they are only walked over.
            while !reader.is_finished() {
                AnyRef::decode(reader)?;
            }
            Ok(Self {
                algorithm,
                parameters,
                private_key,
            })
        })?;
        reader.finish(info)
    }
}

/// `ECPrivateKey` (RFC 5915 section 3).
struct EcPrivateKey<'a> {
    version: u8,
    private_key: OctetStringRef<'a>,
    parameters: Option<AnyRef<'a>>,
}

impl<'a> EcPrivateKey<'a> {
    fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(bytes)?;
        let key = reader.sequence(|reader| {
            let version = u8::decode(reader)?;
            let private_key = OctetStringRef::decode(reader)?;
            let parameters = ContextSpecific::<AnyRef<'a>>::decode_explicit(reader, TagNumber::N0)?
                .map(|field| field.value);
            ContextSpecific::<BitStringRef<'a>>::decode_explicit(reader, TagNumber::N1)?;
            Ok(Self {
                version,
                private_key,
                parameters,
            })
        })?;
        reader.finish(key)
    }
}
