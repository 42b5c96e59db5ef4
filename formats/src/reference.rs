//! Names of images: in registries, in OCI layouts and in archives of such layouts.
//!
//! A reference has one canonical form, which is what is matched against policies, fetched and reported. Short names mean
//! what container runtimes take them to mean: `nginx` is `docker.io/library/nginx:latest`.
//!
//! In the path of a layout or archive the last `:` after the last `/` begins a tag when what follows is a valid tag; a
//! digest is what follows the last `@` when it begins like one.

use crate::digest::Digest;
use crate::reference_error::{ReferenceError, ReferenceErrorKind};
use crate::registry_name::{is_tag, registry_reference};
use std::fmt;
use std::str::FromStr;

/// The longest reference that is looked at, in bytes: a path of 4096, a tag and a digest.
const REFERENCE_BYTES: usize = 4096 + 512;
/// The longest path of a layout or archive, in bytes.
const PATH_BYTES: usize = 4096;

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// In a registry.
    Registry(RegistryReference),
    /// In an OCI layout on disk, `oci:DIR[:TAG][@DIGEST]`.
    Layout(LayoutReference),
    /// In an archive of an OCI layout, `oci-archive:FILE[:TAG][@DIGEST]`.
    Archive(ArchiveReference),
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    /// [`ReferenceError`] with the reason; its hint says what to write instead.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let parsed = if text.is_empty() {
            Err(ReferenceErrorKind::Empty)
        } else if text.len() > REFERENCE_BYTES {
            Err(ReferenceErrorKind::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(ReferenceErrorKind::Character)
        } else if let Some(rest) = text.strip_prefix("oci:") {
            path_reference(rest)
                .map(|(path, tag, digest)| Self::Layout(LayoutReference { path, tag, digest }))
        } else if let Some(rest) = text.strip_prefix("oci-archive:") {
            path_reference(rest)
                .map(|(path, tag, digest)| Self::Archive(ArchiveReference { path, tag, digest }))
        } else {
            registry_reference(text).map(Self::Registry)
        };
        parsed.map_err(|kind| ReferenceError::new(text, kind))
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => reference.tag(),
            Self::Layout(reference) => reference.tag(),
            Self::Archive(reference) => reference.tag(),
        }
    }

    /// The digest, if there is one.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Registry(reference) => reference.digest(),
            Self::Layout(reference) => reference.digest(),
            Self::Archive(reference) => reference.digest(),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Layout(reference) => reference.fmt(f),
            Self::Archive(reference) => reference.fmt(f),
        }
    }
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryReference {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<Digest>,
}

impl RegistryReference {
    /// Host and port: `ghcr.io`, `127.0.0.1:5000`, `[::1]:5000`; `docker.io` for Docker Hub. Port 443 is left out.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository, such as `acme/app`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` when neither tag nor digest was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given; it wins over a tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository, such as `ghcr.io/acme/app`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same repository at `digest`, without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            tag: None,
            digest: Some(digest),
        }
    }
}

impl fmt::Display for RegistryReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        suffix(f, self.tag(), self.digest())
    }
}

/// An image in an OCI layout directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl LayoutReference {
    /// Path of the directory.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl fmt::Display for LayoutReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.path)?;
        suffix(f, self.tag(), self.digest())
    }
}

/// An image in an archive of an OCI layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArchiveReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ArchiveReference {
    /// Path of the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl fmt::Display for ArchiveReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci-archive:{}", self.path)?;
        suffix(f, self.tag(), self.digest())
    }
}

fn suffix(f: &mut fmt::Formatter<'_>, tag: Option<&str>, digest: Option<&Digest>) -> fmt::Result {
    if let Some(tag) = tag {
        write!(f, ":{tag}")?;
    }
    if let Some(digest) = digest {
        write!(f, "@{digest}")?;
    }
    Ok(())
}

type PathParts = (String, Option<String>, Option<Digest>);

fn path_reference(text: &str) -> Result<PathParts, ReferenceErrorKind> {
    if text.starts_with("//") {
        return Err(ReferenceErrorKind::Scheme);
    }
    let digest_begins = |after: &str| {
        ["sha256:", "sha384:", "sha512:"]
            .iter()
            .any(|name| after.starts_with(name))
    };
    let (rest, digest) = match text.rsplit_once('@') {
        Some((rest, after)) if digest_begins(after) => (
            rest,
            Some(Digest::parse(after).map_err(|_| ReferenceErrorKind::Digest)?),
        ),
        _ => (text, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((_, "")) => return Err(ReferenceErrorKind::Path),
        Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err(ReferenceErrorKind::Path);
    }
    if path.len() > PATH_BYTES {
        return Err(ReferenceErrorKind::TooLong);
    }
    Ok((path.to_owned(), tag, digest))
}
