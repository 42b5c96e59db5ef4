//! The one home of hashing: everything in this workspace that computes a digest calls this module.

use crate::crypto;
use countersign_formats::{Digest, HashAlgorithm};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    of(HashAlgorithm::Sha256, bytes)
}

/// The digest of `bytes` under `algorithm`.
pub fn of(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Whether `bytes` have this digest.
pub fn matches(digest: &Digest, bytes: &[u8]) -> bool {
    of(digest.algorithm(), bytes) == *digest
}

/// The digest of nothing: 32 zero bytes, to which no known content hashes.
pub(crate) fn nothing() -> Digest {
    crypto::digest_from(HashAlgorithm::Sha256, &[0; 32])
}

/// Hashes content that arrives in pieces.
pub struct Hasher(crypto::HashContext);

impl Hasher {
    /// Starts a digest under `algorithm`.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self(crypto::HashContext::new(algorithm))
    }

    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hasher").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_fips_180() {
        assert_eq!(
            sha256(b"abc").to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let mut hasher = Hasher::new(HashAlgorithm::Sha512);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digest = hasher.finish();
        assert!(digest.hex().starts_with("ddaf35a193617abacc417349ae204131"));
        assert!(matches(&digest, b"abc"));
        assert!(!matches(&digest, b"abd"));
        assert!(
            of(HashAlgorithm::Sha384, b"abc")
                .hex()
                .starts_with("cb00753f45a35e8bb5a03d699ac65007")
        );
    }
}
