//! Keys of TUF metadata.

use countersign_formats::json::Reader;
use countersign_formats::{Error, KeyKind, Limits, PublicKey};
use countersign_proof::{KeyId, Scheme, is_signature};

/// DER of an Ed25519 SubjectPublicKeyInfo up to the 32 bytes of the key (RFC 8410 §4).
const ED25519_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key of a root whose type and scheme are known.
#[derive(Clone, Debug)]
pub(super) struct TufKey {
    key: PublicKey,
    scheme: Scheme,
}

impl TufKey {
    /// Reads one key; `None` when its type or scheme is not one that is known: it then signs nothing.
    ///
    /// Whatever is read here is not yet proven, so that a wrong type is an error and never a panic (CVE-2026-23991).
    pub(super) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Option<Self>, Error> {
        let (mut key_type, mut scheme, mut public) = (None, None, None);
        let most = usize::try_from(limits.key_file_bytes).unwrap_or(usize::MAX);
        reader.map(|reader, name| {
            match name {
                "keytype" => {
                    key_type = Some(reader.capped_string(("name_bytes", limits.name_bytes))?)
                }
                "scheme" => scheme = Some(reader.capped_string(("name_bytes", limits.name_bytes))?),
                "keyval" => reader.map(|reader, name| {
                    if name == "public" {
                        public = Some(reader.capped_string(("key_file_bytes", most))?);
                        return Ok(());
                    }
                    reader.ignore()
                })?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let key_type = reader.required("keytype", key_type)?;
        let scheme = reader.required("scheme", scheme)?;
        let public = reader.required("keyval.public", public)?;
        Ok(Self::of(&key_type, &scheme, &public))
    }

    fn of(key_type: &str, scheme: &str, public: &str) -> Option<Self> {
        let scheme = match (key_type, scheme) {
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => Scheme::EcdsaP256Sha256,
            ("ecdsa" | "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => Scheme::EcdsaP384Sha384,
            ("ed25519", "ed25519") => Scheme::Ed25519,
            ("rsa", "rsassa-pss-sha256") => Scheme::RsaPssSha256,
            ("rsa", "rsassa-pss-sha384") => Scheme::RsaPssSha384,
            ("rsa", "rsassa-pss-sha512") => Scheme::RsaPssSha512,
            ("rsa", "rsa-pkcs1v15-sha256") => Scheme::RsaPkcs1Sha256,
            _ => return None,
        };
        let key = match scheme {
            Scheme::Ed25519 => {
                let raw: [u8; 32] = hex(public, 32)?.try_into().ok()?;
                PublicKey::from_spki_der(&[ED25519_PREFIX.as_slice(), &raw].concat())
            }
            _ => PublicKey::from_pem(public.as_bytes()),
        }
        .ok()?;
        let fits = match (scheme, key.kind()) {
            (Scheme::RsaPkcs1Sha256, KeyKind::Rsa { .. }) => true,
            (scheme, kind) => Scheme::of(kind).contains(&scheme),
        };
        fits.then_some(Self { key, scheme })
    }

    /// What tells keys apart: the key itself. One key under two ids, or with two schemes, is one key (GHSA-3633-5h82-39pq).
    pub(super) fn identity(&self) -> KeyId {
        KeyId::of(&self.key)
    }

    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        is_signature(&self.key, self.scheme, message, signature)
    }
}

/// The bytes of hexadecimal text of at most `most` bytes.
pub(super) fn hex(text: &str, most: usize) -> Option<Vec<u8>> {
    if text.len() > most.saturating_mul(2) || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
