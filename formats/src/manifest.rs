//! Image manifests and image indexes of OCI and Docker schema 2.

use crate::descriptor::Descriptor;
use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use crate::media_types;
use std::collections::BTreeMap;

/// An image manifest or an image index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A manifest of one image or artifact.
    Image(ImageManifest),
    /// An index of manifests.
    Index(ImageIndex),
}

/// A manifest of one image or artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageManifest {
    /// Its own media type, else the content type it came with, else that of OCI.
    pub media_type: String,
    /// Type of the artifact, when the manifest names one.
    pub artifact_type: Option<String>,
    /// Descriptor of the config blob.
    pub config: Descriptor,
    /// Descriptors of the layers, in order.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to.
    pub subject: Option<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// An index of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageIndex {
    /// Its own media type, else the content type it came with, else that of OCI.
    pub media_type: String,
    /// Type of the artifact, when the index names one.
    pub artifact_type: Option<String>,
    /// Descriptors of the manifests, in order.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this index refers to.
    pub subject: Option<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Members this crate does not know, with their JSON text, in the order they were read.
    pub extra: Vec<(String, String)>,
}

impl Default for ImageIndex {
    fn default() -> Self {
        Self {
            media_type: media_types::OCI_INDEX.to_owned(),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: BTreeMap::new(),
            extra: Vec::new(),
        }
    }
}
impl Manifest {
    pub fn parse(_bytes: &[u8], _content_type: Option<&str>, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::Manifest, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn media_type(&self) -> &str { match self { Self::Image(m) => &m.media_type, Self::Index(m) => &m.media_type } }
    pub fn artifact_type(&self) -> Option<&str> { match self { Self::Image(m) => m.artifact_type.as_deref(), Self::Index(m) => m.artifact_type.as_deref() } }
    pub fn subject(&self) -> Option<&Descriptor> { match self { Self::Image(m) => m.subject.as_ref(), Self::Index(m) => m.subject.as_ref() } }
    pub fn annotations(&self) -> &BTreeMap<String, String> { match self { Self::Image(m) => &m.annotations, Self::Index(m) => &m.annotations } }
}
impl ImageManifest {
    pub fn effective_artifact_type(&self) -> &str { self.artifact_type.as_deref().unwrap_or(&self.config.media_type) }
    pub fn to_json(&self) -> Vec<u8> { Vec::new() }
}
impl ImageIndex {
    pub fn parse_up_to(_bytes: &[u8], _content_type: Option<&str>, _maximum: usize, _limits: &Limits) -> Result<(Self, bool), Error> {
        Err(Error::new(Document::Manifest, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn to_json(&self) -> Vec<u8> { Vec::new() }
}
