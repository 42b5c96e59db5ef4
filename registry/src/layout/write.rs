//! Changing a layout: every file is whole before it has its name, and the list changes in one step under a lock.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, HashAlgorithm, ImageIndex, Manifest, media_types};
use countersign_proof::digest;

use super::source::{self, Source};
use super::{BLOBS, EMPTY_INDEX, INDEX, Layout, MARKER, MARKER_CONTENT, directory::Directory};
use crate::error::{Fault, StoreError, Thing};
use crate::store::{ListedVia, Pushed, Resolved, TagChange};

/// Time to wait for another process that changes the layout.
const LOCK_TIME: Duration = Duration::from_secs(10);
/// A new `index.json` before it has its name. There is one writer at a time, so that one name is enough, and what a killed writer left
/// is overwritten by the next.
const NEW_INDEX: &str = ".countersign-index.tmp";
/// A new blob before it has its name, likewise.
const NEW_BLOB: &str = ".countersign-blob.tmp";

impl Layout {
    /// Stores a blob; nothing is written when it is there with that size.
    ///
    /// # Errors
    /// [`StoreError::Untrusted`] when the bytes have another digest, [`StoreError::Local`] when they cannot be written.
    pub fn put_blob(&self, bytes: &[u8], digest: &Digest) -> Result<(), StoreError> {
        let found = digest::of(digest.algorithm(), bytes);
        if found != *digest {
            return Err(StoreError::untrusted(
                Source::name(self),
                Fault::DigestMismatch {
                    expected: *digest,
                    found,
                },
            ));
        }
        let _lock = self.lock()?;
        self.write_blob(bytes, digest)
    }

    /// Stores a manifest under its digest and `tags`, and names it in `index.json`; returns the same for the same bytes.
    ///
    /// A tag that another manifest has moves; that manifest stays listed without it.
    ///
    /// # Errors
    /// [`StoreError::Untrusted`] when the bytes are not a manifest of that type, [`StoreError::Local`] when they cannot be written.
    pub fn put_manifest(
        &self,
        bytes: Bytes,
        media_type: &str,
        tags: &[&str],
    ) -> Result<Pushed, StoreError> {
        let resolved = self.read_manifest(bytes, media_type)?;
        let _lock = self.lock()?;
        self.write_manifest(&resolved, tags)?;
        let via = resolved.manifest.subject().map(|_| ListedVia::Layout);
        Ok(Pushed {
            descriptor: resolved.descriptor,
            via,
        })
    }

    /// Changes what a tag names while nobody else writes here.
    ///
    /// # Errors
    /// What `change` answers; [`StoreError::NotFound`] when it has nothing to say of a tag that is not there.
    pub(super) fn change_tag(
        &self,
        tag: &str,
        change: &TagChange<'_>,
    ) -> Result<Resolved, StoreError> {
        let _lock = self.lock()?;
        let current = source::tagged(self, tag)?;
        let Some(replacement) = change(current.as_ref())? else {
            return current.ok_or_else(|| StoreError::NotFound {
                thing: Thing::Image,
                name: format!("{}:{tag}", Source::name(self)),
            });
        };
        let resolved = self.read_manifest(replacement.manifest, &replacement.media_type)?;
        for blob in &replacement.blobs {
            self.write_blob(blob, &digest::sha256(blob))?;
        }
        self.write_manifest(&resolved, &[tag])?;
        Ok(resolved)
    }

    /// Names stored manifests in `index.json`, all in one change.
    pub(super) fn list_all(&self, manifests: &[Resolved]) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let mut index = source::index(self)?;
        let mut changed = false;
        for resolved in manifests {
            changed |= list(&mut index, resolved, &[]);
        }
        if changed {
            self.write_index(&index)?;
        }
        Ok(())
    }

    pub(super) fn initialize(&self) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        if self.root.file(MARKER)?.is_some() {
            return Ok(());
        }
        // A directory with other things in it is not ours to turn into a layout.
        let (names, _) = self.root.names(64)?;
        if let Some(name) = names
            .iter()
            .find(|name| !matches!(name.as_str(), BLOBS | INDEX | NEW_INDEX | NEW_BLOB))
        {
            return Err(StoreError::local(
                &self.path,
                format!("is no layout and not empty: it holds `{name}`"),
            ));
        }
        self.root.make(BLOBS)?.make(HashAlgorithm::Sha256.name())?;
        if self.root.file(INDEX)?.is_none() {
            self.write_file(NEW_INDEX, EMPTY_INDEX, &self.root, INDEX)?;
        }
        // The marker last: from then on it is a layout.
        self.write_file(NEW_INDEX, MARKER_CONTENT, &self.root, MARKER)
    }

    /// The directory for new blobs, made when it is absent.
    pub(super) fn blob_directory_for_writing(
        &self,
        algorithm: HashAlgorithm,
    ) -> Result<Directory, StoreError> {
        self.root.make(BLOBS)?.make(algorithm.name())
    }

    /// Holds the layout against other writers, processes and threads alike, until it is dropped; a killed process loses it.
    pub(super) fn lock(&self) -> Result<Lock, StoreError> {
        Lock::take(self.root.reopened()?, &self.path)
    }

    fn read_manifest(&self, bytes: Bytes, media_type: &str) -> Result<Resolved, StoreError> {
        let manifest =
            Manifest::parse(&bytes, Some(media_type), &self.limits).map_err(|error| {
                StoreError::untrusted(
                    Source::name(self),
                    Fault::Malformed {
                        what: "manifest",
                        error: error.to_string(),
                    },
                )
            })?;
        let descriptor = Descriptor::new(media_type, digest::sha256(&bytes), bytes.len() as u64);
        Ok(Resolved {
            descriptor,
            bytes,
            manifest,
        })
    }

    /// The blob before its list: whoever reads the list finds what it names.
    fn write_manifest(&self, resolved: &Resolved, tags: &[&str]) -> Result<(), StoreError> {
        let mut index = source::index(self)?;
        self.write_blob(&resolved.bytes, &resolved.descriptor.digest)?;
        if list(&mut index, resolved, tags) {
            self.write_index(&index)?;
        }
        Ok(())
    }

    fn write_blob(&self, bytes: &[u8], digest: &Digest) -> Result<(), StoreError> {
        let blobs = self.blob_directory_for_writing(digest.algorithm())?;
        let name = digest.hex();
        // The same size and not the same bytes would be a damaged file; a writer of the right bytes may as well heal it.
        if let Some((file, size)) = blobs.file(&name)?
            && size == bytes.len() as u64
            && holds(file, digest, &blobs)?
        {
            return Ok(());
        }
        self.write_file(NEW_BLOB, bytes, &blobs, &name)
    }

    pub(super) fn write_index(&self, index: &ImageIndex) -> Result<(), StoreError> {
        let bytes = index.to_json();
        if bytes.len() as u64 > source::INDEX_BYTES {
            return Err(StoreError::untrusted(
                Source::name(self),
                Fault::OverLimit {
                    what: INDEX,
                    limit: source::INDEX_BYTES,
                },
            ));
        }
        // What we write, we must be able to read.
        source::parse_index(&bytes, self)?;
        self.write_file(NEW_INDEX, &bytes, &self.root, INDEX)
    }

    fn write_file(
        &self,
        temporary: &str,
        bytes: &[u8],
        into: &Directory,
        name: &str,
    ) -> Result<(), StoreError> {
        let mut file = self.root.create(temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|error| StoreError::local(self.path.join(temporary), error))?;
        self.root.rename(temporary, into, name)
    }
}

/// A lock on a layout.
#[derive(Debug)]
pub(super) struct Lock {
    _directory: File,
}

impl Lock {
    fn take(directory: File, path: &Path) -> Result<Self, StoreError> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match directory.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        _directory: directory,
                    });
                }
                Err(std::fs::TryLockError::WouldBlock) if since.elapsed() < LOCK_TIME => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(StoreError::local(
                        path,
                        "another program has been changing the layout for 10 s",
                    ));
                }
                Err(std::fs::TryLockError::Error(error)) => {
                    return Err(StoreError::local(path, error));
                }
            }
        }
    }
}

/// Names a manifest in the list; false when nothing changed.
pub(super) fn list(index: &mut ImageIndex, resolved: &Resolved, tags: &[&str]) -> bool {
    let digest = resolved.descriptor.digest;
    let mut changed = false;
    for tag in tags {
        let mut holders = index
            .manifests
            .iter()
            .filter(|entry| source::ref_name(entry) == Some(tag));
        if holders.next().is_some_and(|entry| entry.digest == digest) && holders.next().is_none() {
            continue;
        }
        untag(index, tag);
        let mut entry = listed_descriptor(resolved);
        entry.annotations.insert(
            media_types::ANNOTATION_REF_NAME.to_owned(),
            (*tag).to_owned(),
        );
        // An entry without a tag is taken for the tagged one.
        index
            .manifests
            .retain(|other| !(other.digest == digest && source::ref_name(other).is_none()));
        index.manifests.push(entry);
        changed = true;
    }
    if !index.manifests.iter().any(|entry| entry.digest == digest) {
        index.manifests.push(listed_descriptor(resolved));
        changed = true;
    }
    changed
}

/// Takes a tag off; its manifest stays listed once.
fn untag(index: &mut ImageIndex, tag: &str) -> bool {
    let Some(position) = index
        .manifests
        .iter()
        .position(|entry| source::ref_name(entry) == Some(tag))
    else {
        return false;
    };
    let mut entry = index.manifests.remove(position);
    entry.annotations.remove(media_types::ANNOTATION_REF_NAME);
    if !index
        .manifests
        .iter()
        .any(|other| other.digest == entry.digest)
    {
        index.manifests.insert(position, entry);
    }
    // A list in which a tag is twice is not ours; take it off everywhere.
    untag(index, tag);
    true
}

/// An entry as oras writes it: what a reader needs to tell referrers from images without opening them, and no annotations of the manifest.
fn listed_descriptor(resolved: &Resolved) -> Descriptor {
    let mut descriptor = resolved.descriptor.clone();
    descriptor.artifact_type = match &resolved.manifest {
        Manifest::Image(image) if image.subject.is_some() => {
            Some(image.effective_artifact_type().to_owned())
        }
        Manifest::Image(image) => image.artifact_type.clone(),
        Manifest::Index(index) => index.artifact_type.clone(),
    };
    descriptor
}

fn holds(file: File, expected: &Digest, directory: &Directory) -> Result<bool, StoreError> {
    use std::io::Read;
    let mut file = file;
    let mut hasher = digest::Hasher::new(expected.algorithm());
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(|error| StoreError::local(directory.path(), error))?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
            break;
        };
        hasher.update(part);
    }
    Ok(hasher.finish() == *expected)
}
