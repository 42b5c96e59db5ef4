//! Witnesses that cosign the checkpoints of logs (C2SP tlog-cosignature).

use crate::crypto::{Algorithm, VerifyingKey};
use crate::digest::sha256;
use crate::trust_error::TrustError;
use countersign_formats::{KeyKind, PublicKey};
use std::fmt;

/// A witness whose cosignatures on checkpoints are looked for (C2SP tlog-cosignature).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The witness's name, as it stands on signature lines.
    pub name: String,
    /// Its Ed25519 key.
    pub key: PublicKey,
}

impl Witness {
    /// Reads a key as a witness publishes it (C2SP signed-note, verifier keys): `name+hash+key` with the hash in hexadecimal and the
    /// key in base64 behind its type, which is 4 for cosignatures with a time (C2SP tlog-cosignature).
    ///
    /// # Errors
    /// A text of another form or type, or whose hash is not that of its name and key.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let refuse = || TrustError::WitnessKey {
            name: crate::identity::excerpt(text),
        };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refuse());
        };
        let sound = !name.is_empty() && !name.chars().any(char::is_whitespace);
        let key = countersign_formats::decode_base64(key, 64).ok_or_else(refuse)?;
        let key = match key.split_first() {
            Some((4, key)) if sound && key.len() == 32 => key,
            _ => return Err(refuse()),
        };
        let expected: String = hint(name, key)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if expected != hash {
            return Err(refuse());
        }
        // RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this, then the key.
        let mut spki = vec![
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        spki.extend_from_slice(key);
        Ok(Self {
            name: name.to_owned(),
            key: PublicKey::from_spki_der(&spki).map_err(|_| refuse())?,
        })
    }
}

/// The key as [`Witness::parse`] reads it.
impl fmt::Display for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 8410: the key is what an Ed25519 SubjectPublicKeyInfo ends with.
        let key = self
            .key
            .spki()
            .last_chunk::<32>()
            .copied()
            .unwrap_or_default();
        write!(formatter, "{}+", self.name)?;
        for byte in hint(&self.name, &key) {
            write!(formatter, "{byte:02x}")?;
        }
        let typed: Vec<u8> = std::iter::once(4).chain(key).collect();
        write!(formatter, "+{}", countersign_formats::encode_base64(&typed))
    }
}

/// C2SP signed-note: SHA-256(name, line feed, signature type, key); type 4 is a cosignature with its time.
fn hint(name: &str, key: &[u8]) -> [u8; 4] {
    let mut identity = Vec::with_capacity(name.len() + 34);
    identity.extend_from_slice(name.as_bytes());
    identity.extend_from_slice(b"\n\x04");
    identity.extend_from_slice(key);
    let digest = sha256(&identity);
    digest
        .as_bytes()
        .first_chunk::<4>()
        .copied()
        .unwrap_or_default()
}

/// A witness with its key ready for use.
#[derive(Debug)]
pub(crate) struct PreparedWitness {
    pub(crate) name: String,
    pub(crate) hint: [u8; 4],
    pub(crate) key: VerifyingKey,
}

impl PreparedWitness {
    pub(super) fn prepare(witness: Witness) -> Result<Self, TrustError> {
        let name = witness.name;
        if witness.key.kind() != KeyKind::Ed25519 {
            return Err(TrustError::WitnessKey { name });
        }
        let hint = hint(&name, witness.key.raw());
        match VerifyingKey::prepare(&witness.key, [Algorithm::Ed25519]) {
            Some(key) => Ok(Self { name, hint, key }),
            None => Err(TrustError::WitnessKey { name }),
        }
    }
}
