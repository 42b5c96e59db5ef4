//! Content digests of the OCI image specification, `algorithm:hex`.

use crate::error::{Document, Error, ErrorKind, excerpt};
use std::fmt;
use std::str::FromStr;

/// The hash algorithms a digest may have; weaker ones do not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// The algorithm's name in digests and statements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The size of its output in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm with exactly this name; case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The name in Sigstore's protobuf formats, such as `SHA2_256`.
    pub const fn protobuf_name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA2_256",
            Self::Sha384 => "SHA2_384",
            Self::Sha512 => "SHA2_512",
        }
    }

    /// The algorithm with exactly this protobuf name.
    pub fn from_protobuf_name(name: &str) -> Option<Self> {
        match name {
            "SHA2_256" => Some(Self::Sha256),
            "SHA2_384" => Some(Self::Sha384),
            "SHA2_512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The digest of some content: an algorithm and its output.
///
/// Its text is `algorithm:` and lower-case hexadecimal digits of exactly the algorithm's length, and nothing else, so it
/// is safe inside URLs and file names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: HashAlgorithm,
    // Unused bytes are zero, so that the derived comparisons hold.
    bytes: [u8; 64],
}

impl Digest {
    /// A digest from raw bytes.
    ///
    /// # Errors
    /// `bad-digest` when the number of bytes is not the algorithm's.
    pub fn new(algorithm: HashAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        let mut full = [0; 64];
        match full.get_mut(..algorithm.size()) {
            Some(space) if bytes.len() == space.len() => space.copy_from_slice(bytes),
            _ => return Err(refuse(&format!("{algorithm} with {} bytes", bytes.len()))),
        }
        Ok(Self {
            algorithm,
            bytes: full,
        })
    }

    /// Reads `sha256:…`, `sha384:…` or `sha512:…`.
    ///
    /// # Errors
    /// `bad-digest` for another algorithm, another length, upper-case or other characters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, hex) = text.split_once(':').ok_or_else(|| refuse(text))?;
        let algorithm = HashAlgorithm::from_name(name).ok_or_else(|| refuse(text))?;
        Self::from_hex(algorithm, hex).map_err(|_| refuse(text))
    }

    /// Reads the lower-case hexadecimal part alone.
    ///
    /// # Errors
    /// `bad-digest` for another length, upper-case or other characters.
    pub fn from_hex(algorithm: HashAlgorithm, hex: &str) -> Result<Self, Error> {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != algorithm.size() || !rest.is_empty() {
            return Err(refuse(hex));
        }
        let mut full = [0; 64];
        for (byte, [high, low]) in full.iter_mut().zip(pairs) {
            *byte = match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(refuse(hex)),
            };
        }
        Ok(Self {
            algorithm,
            bytes: full,
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The raw bytes, as many as [`HashAlgorithm::size`] says.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.size()).unwrap_or_default()
    }

    /// The lower-case hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |value: u8| char::from(DIGITS.get(usize::from(value)).copied().unwrap_or(b'0'));
        self.as_bytes()
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

fn nibble(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

fn refuse(text: &str) -> Error {
    Error::new(
        Document::Digest,
        ErrorKind::BadDigest {
            value: excerpt(text),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_text_round_trips() {
        for algorithm in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let text = format!("{algorithm}:{}", "0a9f".repeat(algorithm.size() / 2));
            let digest = Digest::parse(&text).unwrap();
            assert_eq!(digest.to_string(), text);
            assert_eq!(digest.as_bytes().len(), algorithm.size());
            assert_eq!(Digest::new(algorithm, digest.as_bytes()).unwrap(), digest);
            assert_eq!(
                HashAlgorithm::from_protobuf_name(algorithm.protobuf_name()),
                Some(algorithm)
            );
        }
    }

    // A076: a digest goes into paths and URLs, so nothing but the canonical text may pass.
    #[test]
    fn text_that_is_not_a_canonical_digest_is_refused() {
        let hex = "a".repeat(64);
        for text in [
            String::new(),
            ":".to_owned(),
            "sha256".to_owned(),
            "sha256:".to_owned(),
            "sha256:../../x".to_owned(),
            format!("sha256:{}", "A".repeat(64)),
            format!("sha256:{}", "g".repeat(64)),
            format!("SHA256:{hex}"),
            format!("sha256:{hex}a"),
            format!("sha256:{hex}aa"),
            format!("sha256:{}", "a".repeat(63)),
            format!("sha256: {hex}"),
            format!("sha256:{hex}\n"),
            format!("sha512:{hex}"),
            format!("md5:{}", "a".repeat(32)),
            format!("sha1:{}", "a".repeat(40)),
            format!("sha512_256:{hex}"),
            format!("sha256:{}", "é".repeat(32)),
            format!("sha256:{}", "a".repeat(10 << 20)),
        ] {
            let error = Digest::parse(&text).unwrap_err();
            assert_eq!(error.code(), "bad-digest", "{error}");
            assert!(error.to_string().len() < 300);
        }
        assert!(Digest::new(HashAlgorithm::Sha256, &[0; 31]).is_err());
        assert!(Digest::new(HashAlgorithm::Sha256, &[0; 64]).is_err());
    }
}
