//! Encrypted private key files as cosign writes them.

use crate::base64_text::encode_base64;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{ObjectWriter, Reader};
use crate::limits::Limits;
use crate::pem::{pem_blocks, write_pem};
use bytes::Bytes;

/// The label we write.
const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The label of older files.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// Costs that are accepted: what was and is written, and one step more; anything else could exhaust memory.
const COSTS: [u64; 3] = [1 << 15, 1 << 16, 1 << 17];
const BLOCK_SIZE: u64 = 8;
const PARALLELISM: u64 = 1;

/// Bytes of a salt at least and at most.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Bytes of a box at least: its tag and one byte.
const BOX_BYTES: usize = 17;

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
    /// Reads a PEM file with exactly one block of either label.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `bad-pem`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`,
    /// `wrong-type`, `bad-base64`; `unsupported` for another PEM block, function, cipher or cost.
    pub fn parse_pem(pem: &[u8]) -> Result<Self, Error> {
        let limits = Limits::DEFAULT;
        let cap = ("key_file_bytes", limits.key_file_bytes);
        if pem.len() as u64 > cap.1 {
            return Err(refuse(ErrorKind::OverLimit {
                limit: cap.0,
                maximum: cap.1,
            }));
        }
        let blocks = pem_blocks(pem, 1).map_err(|error| match error.code() {
            "over-limit" => refuse(ErrorKind::BadPem {
                reason: "there is more than one block",
            }),
            _ => error.in_document(Document::EncryptedPrivateKey),
        })?;
        let block = blocks.first().ok_or_else(|| {
            refuse(ErrorKind::BadPem {
                reason: "there is no private key",
            })
        })?;
        if block.label != LABEL && block.label != OLD_LABEL {
            return Err(refuse(ErrorKind::Unsupported {
                what: "PEM block",
                found: excerpt(&block.label),
            }));
        }
        let mut reader =
            Reader::from_bytes(Document::EncryptedPrivateKey, &block.content, cap, &limits)?;
        let (mut kdf, mut nonce, mut ciphertext) = (None, None, None);
        reader.object(|reader, name| {
            match name {
                "kdf" => kdf = Some(read_kdf(reader)?),
                "cipher" => nonce = Some(read_cipher(reader)?),
                "ciphertext" => {
                    let maximum = usize::try_from(limits.key_file_bytes).unwrap_or(usize::MAX);
                    ciphertext = Some(reader.base64(("key_file_bytes", maximum))?);
                }
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        let key = Self {
            kdf: reader.required("kdf", kdf)?,
            nonce: reader.required("cipher", nonce)?,
            ciphertext: reader.required("ciphertext", ciphertext)?,
        };
        if key.ciphertext.len() < BOX_BYTES {
            return Err(reader.bad_value(
                "a box of at least 17 bytes",
                &format!("{} bytes", key.ciphertext.len()),
            ));
        }
        reader.end()?;
        Ok(key)
    }

    /// The file as PEM text, as cosign writes it.
    pub fn to_pem(&self) -> String {
        let mut json = Vec::new();
        let mut object = ObjectWriter::new(&mut json);
        object.object("kdf", |object| {
            object.string("name", "scrypt");
            object.object("params", |object| {
                object.number("N", self.kdf.n.into());
                object.number("r", self.kdf.r.into());
                object.number("p", self.kdf.p.into());
            });
            object.string("salt", &encode_base64(&self.kdf.salt));
        });
        object.object("cipher", |object| {
            object.string("name", "nacl/secretbox");
            object.string("nonce", &encode_base64(&self.nonce));
        });
        object.string("ciphertext", &encode_base64(&self.ciphertext));
        object.end();
        write_pem(LABEL, &json)
    }
}

fn read_kdf(reader: &mut Reader<'_>) -> Result<Scrypt, Error> {
    let (mut parameters, mut salt) = (None, None);
    let mut named = false;
    reader.object(|reader, name| {
        match name {
            "name" => named = read_fixed(reader, "key derivation function", "scrypt")?,
            "params" => parameters = Some(read_parameters(reader)?),
            "salt" => salt = Some(reader.base64(("salt_bytes", *SALT_BYTES.end()))?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    reader.required("name", named.then_some(()))?;
    let (n, r, p) = reader.required("params", parameters)?;
    let salt = reader.required("salt", salt)?;
    if !SALT_BYTES.contains(&salt.len()) {
        return Err(reader.bad_value(
            "a salt of at least 16 bytes",
            &format!("{} bytes", salt.len()),
        ));
    }
    Ok(Scrypt { n, r, p, salt })
}

fn read_parameters(reader: &mut Reader<'_>) -> Result<(u32, u32, u32), Error> {
    let (mut cost, mut block_size, mut parallelism) = (None, None, None);
    reader.map(|reader, name| {
        match name {
            "N" => cost = Some(reader.whole_number()?),
            "r" => block_size = Some(reader.whole_number()?),
            "p" => parallelism = Some(reader.whole_number()?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let (cost, block_size, parallelism) = (
        reader.required("N", cost)?,
        reader.required("r", block_size)?,
        reader.required("p", parallelism)?,
    );
    let known = COSTS.contains(&cost) && block_size == BLOCK_SIZE && parallelism == PARALLELISM;
    match (
        u32::try_from(cost),
        u32::try_from(block_size),
        u32::try_from(parallelism),
    ) {
        (Ok(n), Ok(r), Ok(p)) if known => Ok((n, r, p)),
        _ => {
            let found = format!("N {cost}, r {block_size}, p {parallelism}");
            Err(reader.error(ErrorKind::Unsupported {
                what: "scrypt cost",
                found,
            }))
        }
    }
}

fn read_cipher(reader: &mut Reader<'_>) -> Result<[u8; 24], Error> {
    let mut nonce = None;
    let mut named = false;
    reader.object(|reader, name| {
        match name {
            "name" => named = read_fixed(reader, "cipher", "nacl/secretbox")?,
            "nonce" => {
                let bytes = reader.base64(("nonce_bytes", 24))?;
                let exact = <[u8; 24]>::try_from(bytes.as_ref());
                nonce = Some(exact.map_err(|_| {
                    reader.bad_value("a nonce of 24 bytes", &format!("{} bytes", bytes.len()))
                })?);
            }
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    reader.required("name", named.then_some(()))?;
    reader.required("nonce", nonce)
}

/// Reads a string that must be `wanted`.
fn read_fixed(reader: &mut Reader<'_>, what: &'static str, wanted: &str) -> Result<bool, Error> {
    let text = reader.string()?;
    if text != wanted {
        return Err(reader.error(ErrorKind::Unsupported {
            what,
            found: excerpt(&text),
        }));
    }
    Ok(true)
}

fn refuse(kind: ErrorKind) -> Error {
    Error::new(Document::EncryptedPrivateKey, kind)
}
