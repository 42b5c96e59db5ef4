//! Encrypted private key files of cosign.

use crate::error::{Document, Error, ErrorKind};
use bytes::Bytes;

/// Parameters of the key derivation function scrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrypt {
    /// Cost: 32768, 65536 or 131072.
    pub n: u32,
    /// Block size: 8.
    pub r: u32,
    /// Parallelism: 1.
    pub p: u32,
    /// Salt, 16 to 64 bytes.
    pub salt: Bytes,
}

/// An encrypted private key file; its plaintext is PKCS#8 DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedPrivateKey {
    /// How the key is derived from the password.
    pub kdf: Scrypt,
    /// Nonce of the XSalsa20-Poly1305 box.
    pub nonce: [u8; 24],
    /// The box, its 16-byte tag first.
    pub ciphertext: Bytes,
}
impl EncryptedPrivateKey {
    pub fn parse_pem(_pem: &[u8]) -> Result<Self, Error> {
        Err(Error::new(Document::EncryptedPrivateKey, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn to_pem(&self) -> String { String::new() }
}
