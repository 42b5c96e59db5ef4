//! Public keys in SubjectPublicKeyInfo form.

use crate::error::{Document, Error, ErrorKind};
use bytes::Bytes;

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

/// A public key of a known kind; whether a point lies on its curve is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Bytes,
    raw: Bytes,
}
impl PublicKey {
    pub fn from_pem(_pem: &[u8]) -> Result<Self, Error> {
        Err(Error::new(Document::PublicKey, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn from_spki_der(_der: &[u8]) -> Result<Self, Error> {
        Err(Error::new(Document::PublicKey, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn kind(&self) -> KeyKind { self.kind }
    pub fn spki(&self) -> &[u8] { &self.spki }
    pub fn raw(&self) -> &[u8] { &self.raw }
    pub fn to_pem(&self) -> String { String::new() }
}
