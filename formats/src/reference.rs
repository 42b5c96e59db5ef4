//! Names of images: in registries, in OCI layouts and in archives of such layouts.

use crate::digest::Digest;
use std::fmt;
use std::str::FromStr;

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

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// An image in an OCI layout directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// An image in an archive of an OCI layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArchiveReference {
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// Nothing is there.
    Empty,
}

/// A text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceError {
    text: String,
    kind: ReferenceErrorKind,
}
impl ReferenceError {
    pub fn kind(&self) -> ReferenceErrorKind { self.kind }
    pub fn code(&self) -> &'static str { "bad-reference" }
    pub fn hint(&self) -> Option<String> { None }
}
impl std::error::Error for ReferenceError {}
impl fmt::Display for ReferenceError { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.text) } }
impl Reference {
    pub fn parse(text: &str) -> Result<Self, ReferenceError> { Err(ReferenceError { text: text.to_owned(), kind: ReferenceErrorKind::Empty }) }
    pub fn tag(&self) -> Option<&str> { None }
    pub fn digest(&self) -> Option<&Digest> { None }
}
impl FromStr for Reference { type Err = ReferenceError; fn from_str(t: &str) -> Result<Self, ReferenceError> { Self::parse(t) } }
impl fmt::Display for Reference { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("") } }
impl RegistryReference {
    pub fn registry(&self) -> &str { &self.registry }
    pub fn repository(&self) -> &str { &self.repository }
    pub fn tag(&self) -> Option<&str> { self.tag.as_deref() }
    pub fn digest(&self) -> Option<&Digest> { self.digest.as_ref() }
    pub fn name(&self) -> String { format!("{}/{}", self.registry, self.repository) }
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self { Self { tag: None, digest: Some(digest), ..self.clone() } }
}
impl LayoutReference {
    pub fn path(&self) -> &str { &self.path }
    pub fn tag(&self) -> Option<&str> { self.tag.as_deref() }
    pub fn digest(&self) -> Option<&Digest> { self.digest.as_ref() }
}
impl ArchiveReference {
    pub fn path(&self) -> &str { &self.path }
    pub fn tag(&self) -> Option<&str> { self.tag.as_deref() }
    pub fn digest(&self) -> Option<&Digest> { self.digest.as_ref() }
}
