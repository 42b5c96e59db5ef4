//! Writing a pack: sorted, so that the same content gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Limits, media_types};
use countersign_proof::digest;
use countersign_registry::Store as _;
use countersign_registry::layout::ArchiveWriter;

use super::error::PackError;
use super::section::{SectionKind, TufRole};
use super::{ANNOTATION_NAME, ANNOTATION_ROLE, ARTIFACT_TYPE};

/// Content of the config that says nothing.
const EMPTY: Bytes = Bytes::from_static(media_types::EMPTY_JSON);

/// The content of a pack before it is written.
#[derive(Debug, Default)]
pub struct PackWriter {
    annotations: BTreeMap<String, String>,
    sections: Vec<(Key, Bytes)>,
    manifests: BTreeMap<(Digest, Option<String>), (Bytes, String)>,
    blobs: BTreeMap<Digest, Bytes>,
}

/// What sections are sorted by; sections that agree in it keep the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: SectionKind,
    role: Option<TufRole>,
    name: String,
}

impl PackWriter {
    /// An empty pack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an annotation of the pack's manifest, for people.
    pub fn annotate(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.annotations.insert(name.into(), value.into());
    }

    /// Adds a section of any kind but TUF metadata; the name is for people and tells sections of a kind apart.
    pub fn section(&mut self, kind: SectionKind, name: impl Into<String>, bytes: Bytes) {
        let name = name.into();
        let role = None;
        self.sections.push((Key { kind, role, name }, bytes));
    }

    /// Adds a file of TUF metadata under the name that it has in its repository.
    pub fn tuf_metadata(&mut self, role: TufRole, name: impl Into<String>, bytes: Bytes) {
        let key = Key {
            kind: SectionKind::TufMetadata,
            role: Some(role),
            name: name.into(),
        };
        self.sections.push((key, bytes));
    }

    /// Adds an image's, index's or referrer's manifest byte for byte, under a tag if it has one; its blobs are added apart.
    pub fn manifest(&mut self, bytes: Bytes, media_type: impl Into<String>, tag: Option<&str>) {
        let key = (digest::sha256(&bytes), tag.map(str::to_owned));
        self.manifests.insert(key, (bytes, media_type.into()));
    }

    /// Adds a blob of an image or referrer.
    pub fn blob(&mut self, bytes: Bytes) {
        self.blobs.insert(digest::sha256(&bytes), bytes);
    }

    /// Writes the pack; a file of that name is replaced when the new one is whole.
    ///
    /// # Errors
    ///
    /// [`PackError::Store`] when it cannot be written.
    pub async fn write(mut self, path: impl AsRef<Path>) -> Result<(), PackError> {
        let archive = ArchiveWriter::create(path, Limits::default())?;
        let config = put(&archive, media_types::OCI_EMPTY, EMPTY).await?;
        self.sections
            .sort_by(|(first, _), (second, _)| first.cmp(second));
        let mut layers: Vec<Descriptor> = Vec::new();
        for (key, bytes) in self.sections {
            let mut layer = put(&archive, key.kind.media_type(), bytes).await?;
            if !key.name.is_empty() {
                layer
                    .annotations
                    .insert(ANNOTATION_NAME.to_owned(), key.name);
            }
            if let Some(role) = key.role {
                layer
                    .annotations
                    .insert(ANNOTATION_ROLE.to_owned(), role.name().to_owned());
            }
            layers.push(layer);
        }
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: Some(ARTIFACT_TYPE.to_owned()),
            config,
            layers,
            subject: None,
            annotations: self.annotations,
        };
        let bytes = Bytes::from(manifest.to_json());
        archive
            .push_manifest(bytes, media_types::OCI_MANIFEST, None)
            .await?;
        for (digest, bytes) in self.blobs {
            archive.push_blob(bytes, &digest).await?;
        }
        for ((_, tag), (bytes, media_type)) in self.manifests {
            archive
                .push_manifest(bytes, &media_type, tag.as_deref())
                .await?;
        }
        archive.finish().await?;
        Ok(())
    }
}

async fn put(
    archive: &ArchiveWriter,
    media_type: &str,
    bytes: Bytes,
) -> Result<Descriptor, PackError> {
    let descriptor = Descriptor::new(media_type, digest::sha256(&bytes), bytes.len() as u64);
    archive.push_blob(bytes, &descriptor.digest).await?;
    Ok(descriptor)
}
