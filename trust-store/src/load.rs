//! Trusted roots from bytes and files, under a cap.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot};
use countersign_proof::digest;

use crate::error::RootError;

/// A parsed trusted root and where it came from.
#[derive(Debug, Clone)]
pub struct Root {
    trusted_root: TrustedRoot,
    origin: RootOrigin,
    digest: Digest,
    bytes: Bytes,
}

/// Where a trusted root came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootOrigin {
    /// Embedded in the program.
    PublicGood,
    /// A file that the user named.
    File(PathBuf),
    /// A TUF repository, by the address of its mirror.
    Tuf(String),
    /// A pack that was proven from a held root.
    Pack(PathBuf),
    /// Bytes that the caller had, with a name for messages.
    Bytes(String),
}

impl Root {
    /// Parses the bytes of a `trusted_root.json`.
    ///
    /// # Errors
    ///
    /// [`RootError::Malformed`].
    pub fn parse(bytes: Bytes, origin: RootOrigin, limits: &Limits) -> Result<Self, RootError> {
        let digest = digest::sha256(&bytes);
        match TrustedRoot::parse(&bytes, limits) {
            Ok(trusted_root) => Ok(Self {
                trusted_root,
                origin,
                digest,
                bytes,
            }),
            Err(reason) => Err(RootError::Malformed { origin, reason }),
        }
    }

    /// Reads a `trusted_root.json`, at most [`Limits::trusted_root_bytes`] of it.
    ///
    /// # Errors
    ///
    /// [`RootError`].
    pub fn load(path: &Path, limits: &Limits) -> Result<Self, RootError> {
        let limit = limits.trusted_root_bytes;
        match read_capped(path, limit) {
            Ok(Some(bytes)) => Self::parse(bytes, RootOrigin::File(path.to_owned()), limits),
            Ok(None) => Err(RootError::OverLimit {
                path: path.to_owned(),
                limit,
            }),
            Err(reason) => Err(RootError::File {
                path: path.to_owned(),
                reason,
            }),
        }
    }

    /// What the root says.
    #[must_use]
    pub fn trusted_root(&self) -> &TrustedRoot {
        &self.trusted_root
    }

    /// Where the root came from.
    #[must_use]
    pub fn origin(&self) -> &RootOrigin {
        &self.origin
    }

    /// The root's bytes as they were read.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 of the root's bytes as they were read.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Display for RootOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicGood => out.write_str("the embedded public-good root"),
            Self::File(path) => write!(out, "`{}`", path.display()),
            Self::Tuf(mirror) => write!(out, "the TUF repository `{mirror}`"),
            Self::Pack(path) => write!(out, "the pack `{}`", path.display()),
            Self::Bytes(name) => write!(out, "`{name}`"),
        }
    }
}

/// The content of a file of at most `limit` bytes; `None` when it has more. A device or pipe that never
/// ends costs no more than the limit.
///
/// # Errors
///
/// What the system says.
pub fn read_capped(path: &Path, limit: u64) -> io::Result<Option<Bytes>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then(|| Bytes::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_read_from_a_file_and_says_where_it_came_from() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trusted_root.json");
        std::fs::write(&path, include_bytes!("../roots/public-good.json")).unwrap();
        let root = Root::load(&path, &Limits::DEFAULT).unwrap();
        assert_eq!(root.origin(), &RootOrigin::File(path));
        assert_eq!(root.digest(), crate::public_good().unwrap().digest());
    }

    #[test]
    fn a_missing_file_a_wrong_file_and_an_endless_file_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let missing =
            Root::load(&directory.path().join("absent.json"), &Limits::DEFAULT).unwrap_err();
        assert_eq!(missing.code(), "trusted-root-unreadable");
        let path = directory.path().join("wrong.json");
        std::fs::write(&path, b"{\"mediaType\": \"text/plain\"}").unwrap();
        let malformed = Root::load(&path, &Limits::DEFAULT).unwrap_err();
        assert_eq!(malformed.code(), "trusted-root-malformed");
        assert!(malformed.to_string().contains("wrong.json"), "{malformed}");
        assert!(malformed.is_of_named_file());
        let endless = Root::load(Path::new("/dev/zero"), &Limits::DEFAULT).unwrap_err();
        assert_eq!(endless.code(), "trusted-root-over-limit");
        let mirror = RootOrigin::Tuf("https://tuf.example".to_owned());
        let served = Root::parse(Bytes::from_static(b"{}"), mirror, &Limits::DEFAULT).unwrap_err();
        assert_eq!(served.code(), "trusted-root-malformed");
        assert!(!served.is_of_named_file());
    }
}
