//! Image manifests and image indexes of OCI and Docker schema 2.

use crate::descriptor::{Descriptor, name_string, write_list};
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{Kind, ObjectWriter, Reader};
use crate::limits::Limits;
use crate::media_types;
use std::collections::BTreeMap;

/// The only `schemaVersion` that is read and written.
const SCHEMA_VERSION: u64 = 2;

/// An image manifest or an image index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one manifest for each document, never a list of them"
)]
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
    /// Reads a manifest or an index; `content_type` is what the registry, or the descriptor that led here, calls it.
    ///
    /// Which of the two it is follows from its members alone, and its media type and `content_type` must agree with
    /// that: one document must never be an image to one reader and an index to another (CVE-2021-41190).
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`, `bad-value`,
    /// `bad-digest`, `bad-base64`; `conflict` for a document of both shapes or whose media types disagree; `unsupported`
    /// for schema 1, OCI artifact manifests and unknown media types.
    pub fn parse(bytes: &[u8], content_type: Option<&str>, limits: &Limits) -> Result<Self, Error> {
        Members::read(bytes, limits, None)?.into_manifest(content_type)
    }

    /// Its own media type, else the content type it came with, else that of OCI.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Image(manifest) => &manifest.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// Type of the artifact: of an image manifest, [`ImageManifest::effective_artifact_type`].
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Image(manifest) => Some(manifest.effective_artifact_type()),
            Self::Index(index) => index.artifact_type.as_deref(),
        }
    }

    /// The manifest that this one refers to.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(manifest) => manifest.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }

    /// Annotations of the manifest itself.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Image(manifest) => &manifest.annotations,
            Self::Index(index) => &index.annotations,
        }
    }
}

impl ImageManifest {
    /// The artifact type, else the media type of the config (distribution specification, "Listing Referrers").
    pub fn effective_artifact_type(&self) -> &str {
        self.artifact_type
            .as_deref()
            .unwrap_or(&self.config.media_type)
    }

    /// The manifest as JSON, with its members in the order in which cosign writes them.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.number("schemaVersion", SCHEMA_VERSION);
        object.string("mediaType", &self.media_type);
        self.config.write(object.key("config"));
        write_list(&mut object, "layers", &self.layers);
        if !self.annotations.is_empty() {
            object.strings("annotations", &self.annotations);
        }
        if let Some(subject) = &self.subject {
            subject.write(object.key("subject"));
        }
        if let Some(artifact_type) = &self.artifact_type {
            object.string("artifactType", artifact_type);
        }
        object.end();
        out
    }
}

impl ImageIndex {
    /// Reads an index and keeps its first `maximum` entries; says whether that is all of them.
    ///
    /// This is for listings: a list that is too long is an incomplete source, not an unreadable one.
    ///
    /// # Errors
    /// As [`Manifest::parse`]; `conflict` also when the document is an image manifest.
    pub fn parse_up_to(
        bytes: &[u8],
        content_type: Option<&str>,
        maximum: usize,
        limits: &Limits,
    ) -> Result<(Self, bool), Error> {
        let members = Members::read(bytes, limits, Some(maximum))?;
        let complete = members.complete;
        match members.into_manifest(content_type)? {
            Manifest::Index(index) => Ok((index, complete)),
            Manifest::Image(_) => Err(conflict(
                "an image manifest",
                "the image index that is wanted",
            )),
        }
    }

    /// The index as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.number("schemaVersion", SCHEMA_VERSION);
        object.string("mediaType", &self.media_type);
        if let Some(artifact_type) = &self.artifact_type {
            object.string("artifactType", artifact_type);
        }
        write_list(&mut object, "manifests", &self.manifests);
        if let Some(subject) = &self.subject {
            subject.write(object.key("subject"));
        }
        if !self.annotations.is_empty() {
            object.strings("annotations", &self.annotations);
        }
        for (name, value) in &self.extra {
            object.raw(name, value.as_bytes());
        }
        object.end();
        out
    }
}

/// The two shapes a document can have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Image,
    Index,
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Self::Image => "members of an image manifest",
            Self::Index => "members of an image index",
        }
    }

    const fn oci_media_type(self) -> &'static str {
        match self {
            Self::Image => media_types::OCI_MANIFEST,
            Self::Index => media_types::OCI_INDEX,
        }
    }

    /// The shape that a media type stands for.
    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            media_types::OCI_MANIFEST | media_types::DOCKER_MANIFEST => Some(Self::Image),
            media_types::OCI_INDEX | media_types::DOCKER_LIST => Some(Self::Index),
            _ => None,
        }
    }
}

/// Every member that a manifest of either shape can have.
struct Members {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: BTreeMap<String, String>,
    obsolete: Option<&'static str>,
    complete: bool,
    extra: Vec<(String, String)>,
}

impl Members {
    /// With `cut_at`, entries beyond that number are read over instead of refused.
    fn read(bytes: &[u8], limits: &Limits, cut_at: Option<usize>) -> Result<Self, Error> {
        let cap = ("manifest_bytes", limits.manifest_bytes);
        let mut reader = Reader::from_bytes(Document::Manifest, bytes, cap, limits)?;
        let mut schema_version = None;
        let mut members = Self {
            schema_version: 0,
            media_type: None,
            artifact_type: None,
            config: None,
            layers: None,
            manifests: None,
            subject: None,
            annotations: BTreeMap::new(),
            obsolete: None,
            complete: true,
            extra: Vec::new(),
        };
        reader.object(|reader, name| {
            match name {
                "schemaVersion" => schema_version = Some(reader.whole_number()?),
                "mediaType" => members.media_type = Some(name_string(reader, limits)?),
                "artifactType" => members.artifact_type = Some(name_string(reader, limits)?),
                "config" => members.config = Some(Descriptor::read(reader, limits)?),
                "layers" => {
                    let layers = reader.capped_list(("layers", limits.layers), |reader| {
                        Descriptor::read(reader, limits)
                    })?;
                    members.layers = Some(layers);
                }
                // olareg answers `null` to a question for referrers when there is none.
                "manifests" if reader.peek()? == Kind::Null => {
                    reader.null()?;
                    members.manifests = Some(Vec::new());
                }
                "manifests" => {
                    let mut entries = Vec::new();
                    reader.list(|reader, index| {
                        match cut_at {
                            Some(maximum) if index >= maximum => {
                                members.complete = false;
                                return reader.ignore();
                            }
                            None if index >= limits.index_entries => {
                                return Err(
                                    reader.over_limit("index_entries", limits.index_entries)
                                );
                            }
                            _ => entries.push(Descriptor::read(reader, limits)?),
                        }
                        Ok(())
                    })?;
                    members.manifests = Some(entries);
                }
                "subject" => members.subject = Some(Descriptor::read(reader, limits)?),
                "annotations" => {
                    members.annotations = reader.string_map(("annotations", limits.annotations))?
                }
                _ => {
                    members.obsolete = members.obsolete.or(match name {
                        "fsLayers" | "history" | "signatures" => Some("schema 1"),
                        "blobs" => Some(media_types::OCI_ARTIFACT_MANIFEST),
                        _ => None,
                    });
                    members
                        .extra
                        .push((name.to_owned(), reader.checked_raw()?.to_owned()));
                }
            }
            Ok(())
        })?;
        members.schema_version = reader.required("schemaVersion", schema_version)?;
        reader.end()?;
        members.artifact_type = members.artifact_type.filter(|text| !text.is_empty());
        members.media_type = members.media_type.filter(|text| !text.is_empty());
        Ok(members)
    }

    fn into_manifest(self, content_type: Option<&str>) -> Result<Manifest, Error> {
        let unsupported = |found: &str| {
            let kind = ErrorKind::Unsupported {
                what: "manifest type",
                found: excerpt(found),
            };
            Error::new(Document::Manifest, kind)
        };
        if self.schema_version != SCHEMA_VERSION {
            return Err(unsupported(&format!("schema {}", self.schema_version)));
        }
        if let Some(obsolete) = self.obsolete {
            return Err(unsupported(obsolete));
        }
        let shape = match (
            self.config.is_some() || self.layers.is_some(),
            self.manifests.is_some(),
        ) {
            (true, true) => return Err(conflict(Shape::Image.name(), Shape::Index.name())),
            (false, true) => Shape::Index,
            (true, false) | (false, false) => Shape::Image,
        };
        // Parameters say nothing about the shape, and the name is compared without regard to case (RFC 9110 §8.3.1).
        let content_type = content_type
            .map(|text| {
                text.split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_ascii_lowercase()
            })
            .filter(|text| !text.is_empty());
        for media_type in [self.media_type.as_deref(), content_type.as_deref()]
            .into_iter()
            .flatten()
        {
            let named = Shape::of(media_type).ok_or_else(|| unsupported(media_type))?;
            if named != shape {
                return Err(conflict(
                    &format!("media type `{media_type}`"),
                    shape.name(),
                ));
            }
        }
        let media_type = match (self.media_type, content_type) {
            (Some(own), Some(content_type)) if own != content_type => {
                return Err(conflict(
                    &format!("media type `{own}`"),
                    &format!("content type `{content_type}`"),
                ));
            }
            (Some(own), _) => own,
            (None, Some(content_type)) => content_type,
            (None, None) => shape.oci_media_type().to_owned(),
        };
        let missing = |name| Error::new(Document::Manifest, ErrorKind::MissingField { name });
        match shape {
            Shape::Image => Ok(Manifest::Image(ImageManifest {
                media_type,
                artifact_type: self.artifact_type,
                config: self.config.ok_or_else(|| missing("config"))?,
                layers: self.layers.ok_or_else(|| missing("layers"))?,
                subject: self.subject,
                annotations: self.annotations,
            })),
            Shape::Index => Ok(Manifest::Index(ImageIndex {
                media_type,
                artifact_type: self.artifact_type,
                manifests: self.manifests.ok_or_else(|| missing("manifests"))?,
                subject: self.subject,
                annotations: self.annotations,
                extra: self.extra,
            })),
        }
    }
}

fn conflict(first: &str, second: &str) -> Error {
    Error::new(
        Document::Manifest,
        ErrorKind::Conflict {
            first: excerpt(first),
            second: excerpt(second),
        },
    )
}
