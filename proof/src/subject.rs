//! What evidence is asked about: an image by its digest, or a file.

use crate::digest;
use bytes::Bytes;
use countersign_formats::{Digest, Error, HashAlgorithm, Limits, Manifest};
use std::fmt::Debug;
use std::sync::Arc;

/// The thing a verdict is wanted for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An image or index in a registry or layout.
    Image(Image),
    /// Any other content.
    Blob(Arc<dyn Content>),
}

impl Subject {
    /// An image of which only the digest is known.
    pub fn image(digest: Digest) -> Self {
        Self::Image(Image::Pinned { digest })
    }

    /// The digest that names the subject: an image's own, a file's SHA-256 or else another digest it knows.
    ///
    /// Content that knows no digest at all is named by 32 zero bytes, which nothing hashes to; no evidence is about it.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Image(image) => *image.digest(),
            Self::Blob(content) => [
                HashAlgorithm::Sha256,
                HashAlgorithm::Sha512,
                HashAlgorithm::Sha384,
            ]
            .into_iter()
            .find_map(|algorithm| content.digest(algorithm))
            .unwrap_or_else(digest::nothing),
        }
    }

    /// The subject's digest under `algorithm`, where it is known or can be computed.
    pub fn names(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        match self {
            Self::Image(Image::Pinned { digest }) => {
                (digest.algorithm() == algorithm).then_some(*digest)
            }
            Self::Image(Image::Read(read)) => {
                if read.digest.algorithm() == algorithm {
                    Some(read.digest)
                } else {
                    Some(digest::of(algorithm, &read.bytes))
                }
            }
            Self::Blob(content) => content.digest(algorithm),
        }
    }

    /// The subject's bytes, up to `cap`.
    pub(crate) fn bytes(&self, cap: u64) -> Result<Bytes, ContentError> {
        match self {
            Self::Image(Image::Pinned { .. }) => Err(ContentError::OnlyDigest),
            Self::Image(Image::Read(read)) => Ok(read.bytes.clone()),
            Self::Blob(content) => content.bytes(cap),
        }
    }
}

/// An image, or image index.
#[derive(Clone, Debug)]
pub enum Image {
    /// Only its digest is known.
    Pinned {
        /// The digest of the manifest.
        digest: Digest,
    },
    /// Its manifest was read, and hashed here.
    Read(ReadImage),
}

/// An image whose manifest was read; [`Image::read`] is the only maker, so the digest is the bytes' digest.
#[derive(Clone, Debug)]
pub struct ReadImage {
    digest: Digest,
    bytes: Bytes,
    manifest: Arc<Manifest>,
}

impl ReadImage {
    /// The digest of the manifest, computed here.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The manifest as it arrived.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The parsed manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

impl Image {
    /// An image of which only the digest is known.
    pub fn pinned(digest: Digest) -> Self {
        Self::Pinned { digest }
    }

    /// An image from the bytes of its manifest, named by their SHA-256.
    ///
    /// # Errors
    /// What [`Manifest::parse`] refuses.
    pub fn read(bytes: Bytes, content_type: Option<&str>, limits: &Limits) -> Result<Self, Error> {
        Self::read_as(HashAlgorithm::Sha256, bytes, content_type, limits)
    }

    /// The same, named by the digest under `algorithm`.
    ///
    /// # Errors
    /// What [`Manifest::parse`] refuses.
    pub fn read_as(
        algorithm: HashAlgorithm,
        bytes: Bytes,
        content_type: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let manifest = Arc::new(Manifest::parse(&bytes, content_type, limits)?);
        Ok(Self::Read(ReadImage {
            digest: digest::of(algorithm, &bytes),
            bytes,
            manifest,
        }))
    }

    /// The digest of the manifest.
    pub fn digest(&self) -> &Digest {
        match self {
            Self::Pinned { digest } => digest,
            Self::Read(read) => &read.digest,
        }
    }

    /// The parsed manifest, where it was read.
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Pinned { .. } => None,
            Self::Read(read) => Some(&read.manifest),
        }
    }
}

/// Something with a digest that may also be able to give its bytes.
pub trait Content: Send + Sync + Debug {
    /// The digest under `algorithm`; `None` when it is neither known nor computable.
    fn digest(&self, algorithm: HashAlgorithm) -> Option<Digest>;

    /// All bytes, at most `cap` of them.
    ///
    /// # Errors
    /// [`ContentError`] when they can't be had or are more than `cap`.
    fn bytes(&self, cap: u64) -> Result<Bytes, ContentError>;
}

/// Why content could not give its bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Only a digest is known, and the content itself is needed.
    #[error("only the digest is known, not the content")]
    OnlyDigest,
    /// The content is longer than the cap, in bytes.
    #[error("the content is longer than {cap} bytes")]
    TooLong {
        /// The cap in bytes.
        cap: u64,
    },
    /// Reading failed.
    #[error("reading the content failed: {detail}")]
    Unreadable {
        /// What the system said.
        detail: String,
    },
}

/// Content held in memory.
#[derive(Clone, Debug)]
pub struct BytesContent(pub Bytes);

impl Content for BytesContent {
    fn digest(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        Some(digest::of(algorithm, &self.0))
    }

    fn bytes(&self, cap: u64) -> Result<Bytes, ContentError> {
        if self.0.len() as u64 > cap {
            return Err(ContentError::TooLong { cap });
        }
        Ok(self.0.clone())
    }
}

/// Content of which only one digest is known.
#[derive(Clone, Copy, Debug)]
pub struct DigestContent(pub Digest);

impl Content for DigestContent {
    fn digest(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        (self.0.algorithm() == algorithm).then_some(self.0)
    }

    fn bytes(&self, _cap: u64) -> Result<Bytes, ContentError> {
        Err(ContentError::OnlyDigest)
    }
}
