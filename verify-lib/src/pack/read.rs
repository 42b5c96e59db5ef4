//! Reading a pack: every section under a cap and proven by its digest before anything is handed out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Limits, Manifest};
use countersign_registry::layout::Archive;
use countersign_registry::{Fault, Store, StoreError, Target};

use super::error::PackError;
use super::section::{SectionKind, TufRole};
use super::{ANNOTATION_NAME, ANNOTATION_OPTIONAL, ANNOTATION_ROLE};
use super::{ARTIFACT_TYPE, ARTIFACT_TYPE_PREFIX};

/// A pack that was opened: its sections are in memory, its images and referrers stay in the file.
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    archive: Arc<Archive>,
    digest: Digest,
    annotations: BTreeMap<String, String>,
    sections: Vec<Section>,
    skipped: Vec<Skipped>,
}

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// Its name, unproven and for people; empty when it has none.
    pub name: String,
    /// The role of a file of TUF metadata; `None` for every other kind.
    pub tuf_role: Option<TufRole>,
    /// Digest of the content.
    pub digest: Digest,
    /// The content.
    pub bytes: Bytes,
}

/// A section that was passed over: its type is unknown, and whoever wrote the pack allowed that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its media type, at most 256 bytes.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Pack {
    /// Opens a pack and reads its sections, at most [`Limits::pack_bytes`] together.
    ///
    /// # Errors
    ///
    /// [`PackError`]. A section of an unknown type is refused unless it is marked as optional; then it is among [`Pack::skipped`].
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, PackError> {
        let path = path.as_ref();
        if path.is_dir() {
            return Err(PackError::NotALayout {
                path: path.to_owned(),
            });
        }
        let archive = Archive::open(path).map_err(|error| match error {
            StoreError::NotFound { .. } if !path.exists() => PackError::Absent {
                path: path.to_owned(),
            },
            // What a reader of tar files says about another kind of file helps nobody.
            StoreError::NotFound { .. } => PackError::NotALayout {
                path: path.to_owned(),
            },
            StoreError::Untrusted { fault, .. } if matches!(*fault, Fault::Malformed { .. }) => {
                PackError::NotALayout {
                    path: path.to_owned(),
                }
            }
            error => damaged(path, PackError::Store(error)),
        })?;
        let archive = Arc::new(archive.with_limits(limits.clone()));
        let index = archive.list().map_err(|error| match error {
            // The list comes last: an archive without it was cut off, or is of something else.
            StoreError::NotFound { .. } => PackError::NotALayout {
                path: path.to_owned(),
            },
            error => damaged(path, PackError::Store(error)),
        })?;
        let listed = manifest_digest(path, &index.manifests)?;
        let (digest, manifest) =
            manifest(path, &archive, listed).map_err(|error| damaged(path, error))?;
        let mut pack = Self {
            path: path.to_owned(),
            archive,
            digest,
            annotations: manifest.annotations,
            sections: Vec::new(),
            skipped: Vec::new(),
        };
        let mut room = limits.pack_bytes;
        for layer in &manifest.layers {
            room = room
                .checked_sub(layer.size)
                .ok_or_else(|| PackError::OverLimit {
                    path: path.to_owned(),
                    limit: limits.pack_bytes,
                })?;
            pack.read(layer).map_err(|error| damaged(path, error))?;
        }
        Ok(pack)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Digest of the manifest that lists the sections, and so of all of them.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Annotations of that manifest, unproven.
    #[must_use]
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// All sections in the order of the manifest.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The sections of a kind.
    pub fn sections_of(&self, kind: SectionKind) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(move |section| section.kind == kind)
    }

    /// The one section of a kind; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`PackError::SectionCount`] when there are several.
    pub fn section(&self, kind: SectionKind) -> Result<Option<&Section>, PackError> {
        let mut sections = self.sections_of(kind);
        match (sections.next(), sections.count()) {
            (section, 0) => Ok(section),
            (_, more) => Err(self.count(kind, more + 1)),
        }
    }

    /// The one section of a kind that has to be there.
    ///
    /// # Errors
    ///
    /// [`PackError::SectionCount`] when there are several, or none.
    pub fn required(&self, kind: SectionKind) -> Result<&Section, PackError> {
        self.section(kind)?.ok_or_else(|| self.count(kind, 0))
    }

    /// Sections that were passed over.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The images and referrers in the pack.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.archive) as Arc<dyn Store>
    }

    /// Whether an entry of the layout's list is the pack's own manifest and no image.
    #[must_use]
    pub fn is_own(&self, target: &Target) -> bool {
        matches!(target, Target::Digest(digest) if *digest == self.digest)
    }

    fn count(&self, kind: SectionKind, found: usize) -> PackError {
        PackError::SectionCount {
            path: self.path.clone(),
            kind: kind.name(),
            found,
        }
    }

    fn read(&mut self, layer: &Descriptor) -> Result<(), PackError> {
        let Some(kind) = SectionKind::of(&layer.media_type) else {
            let media_type = shortened(&layer.media_type);
            let optional = layer.annotations.get(ANNOTATION_OPTIONAL);
            if optional.is_none_or(|value| value != "true") {
                return Err(PackError::UnknownSection {
                    path: self.path.clone(),
                    media_type,
                });
            }
            self.skipped.push(Skipped {
                media_type,
                size: layer.size,
            });
            return Ok(());
        };
        let tuf_role = match kind {
            SectionKind::TufMetadata => {
                let role = layer
                    .annotations
                    .get(ANNOTATION_ROLE)
                    .and_then(|name| TufRole::of(name));
                Some(role.ok_or_else(|| PackError::Section {
                    path: self.path.clone(),
                    kind: kind.name(),
                    problem: "without the annotation that names its role",
                })?)
            }
            _ => None,
        };
        self.sections.push(Section {
            kind,
            name: layer
                .annotations
                .get(ANNOTATION_NAME)
                .cloned()
                .unwrap_or_default(),
            tuf_role,
            digest: layer.digest,
            bytes: self.archive.content(layer, layer.size)?,
        });
        Ok(())
    }
}

/// The digest of the one manifest that the list calls a pack.
fn manifest_digest<'a>(
    path: &Path,
    entries: &'a [Descriptor],
) -> Result<&'a Descriptor, PackError> {
    let of_type = |entry: &&Descriptor| {
        entry
            .artifact_type
            .as_deref()
            .is_some_and(|found| found.starts_with(ARTIFACT_TYPE_PREFIX))
    };
    let mut packs = entries.iter().filter(of_type);
    match (packs.next(), packs.count()) {
        (Some(entry), 0) => Ok(entry),
        (first, more) => Err(PackError::NotAPack {
            path: path.to_owned(),
            found: more + usize::from(first.is_some()),
        }),
    }
}

/// What the list of a pack names is in the pack: where it is not, or is other bytes, the pack was changed.
fn damaged(path: &Path, error: PackError) -> PackError {
    match error {
        PackError::Store(reason @ (StoreError::NotFound { .. } | StoreError::Untrusted { .. })) => {
            PackError::Damaged {
                path: path.to_owned(),
                reason,
            }
        }
        error => error,
    }
}

fn manifest(
    path: &Path,
    archive: &Archive,
    listed: &Descriptor,
) -> Result<(Digest, ImageManifest), PackError> {
    let resolved = archive.manifest(listed)?;
    let Manifest::Image(manifest) = resolved.manifest else {
        return Err(PackError::NotAPack {
            path: path.to_owned(),
            found: 0,
        });
    };
    // The manifest says what it is; the list only says where to look.
    if manifest.effective_artifact_type() != ARTIFACT_TYPE {
        return Err(PackError::Version {
            path: path.to_owned(),
            found: shortened(manifest.effective_artifact_type()),
        });
    }
    Ok((listed.digest, manifest))
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
