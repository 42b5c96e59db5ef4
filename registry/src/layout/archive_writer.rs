//! Writing an OCI archive: blobs flow into the tar one after the other, the lists come last, and the file gets its name when it is whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Limits, Manifest};
use countersign_proof::digest;
use tokio::sync::Mutex;

use super::source::referrer_descriptor;
use super::write::list;
use super::{BLOBS, INDEX, MARKER, MARKER_CONTENT};
use crate::depot::{Depot, Taken};
use crate::error::{Fault, StoreError, Thing};
use crate::store::{BoxFuture, ListedVia, Listing, Pushed, Resolved, Store, Target};
use crate::stream::{BlobStream, Whole};

/// A tar is made of blocks of so many bytes.
const BLOCK: u64 = 512;

/// An archive that is being written; without [`ArchiveWriter::finish`] nothing of it stays.
///
/// The same content in the same order gives the same file: no time, owner or name of this machine goes into it.
#[derive(Debug)]
pub struct ArchiveWriter {
    path: PathBuf,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: tempfile::NamedTempFile,
    blobs: BTreeMap<Digest, u64>,
    manifests: BTreeMap<Digest, Resolved>,
    index: ImageIndex,
}

impl ArchiveWriter {
    /// Begins an archive beside its place.
    ///
    /// # Errors
    /// [`StoreError::Local`] when the folder cannot be written, or the file exists and is not a regular one.
    pub fn create(path: impl AsRef<Path>, limits: Limits) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(StoreError::local(path, "exists and is not a regular file"));
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new()
            .prefix(".countersign-archive-")
            .tempfile_in(folder)
            .map_err(|error| StoreError::local(folder, error))?;
        entry(file.as_file_mut(), MARKER, MARKER_CONTENT)
            .map_err(|error| StoreError::local(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            limits,
            state: Mutex::new(State {
                file,
                blobs: BTreeMap::new(),
                manifests: BTreeMap::new(),
                index: ImageIndex::default(),
            }),
        })
    }

    /// Writes the list, makes the file durable and gives it its name, in place of what was there.
    ///
    /// # Errors
    /// [`StoreError::Local`] when that fails; what was there before stays then.
    pub async fn finish(&self) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| StoreError::local(&self.path, error);
        let mut state = self.state.lock().await;
        let index = state.index.to_json();
        let file = state.file.as_file_mut();
        entry(file, INDEX, &index).map_err(failed)?;
        // Two empty blocks end a tar.
        file.write_all(&[0; 2 * BLOCK as usize]).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // Temporary files are their owner's alone; an archive is like any file.
        set_mode(file).map_err(failed)?;
        rustix::fs::rename(state.file.path(), &self.path)
            .map_err(|error| StoreError::local(&self.path, error))
    }

    pub(super) async fn change_index(&self, change: impl FnOnce(&mut ImageIndex)) {
        change(&mut self.state.lock().await.index);
    }

    fn name_of(&self) -> String {
        format!("oci-archive:{}", self.path.display())
    }

    async fn write_whole(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        if state.blobs.contains_key(digest) {
            return Ok(());
        }
        let name = blob_name(digest);
        entry(state.file.as_file_mut(), &name, bytes)
            .map_err(|error| StoreError::local(&self.path, error))?;
        state.blobs.insert(*digest, bytes.len() as u64);
        Ok(())
    }

    async fn take(&self, source: &dyn Depot, descriptor: &Descriptor) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| StoreError::local(&self.path, error);
        let mut state = self.state.lock().await;
        if state.blobs.contains_key(&descriptor.digest) {
            return Ok(());
        }
        let mut blob = source.stream(descriptor).await?;
        let file = state.file.as_file_mut();
        let start = file.stream_position().map_err(failed)?;
        let copied = async {
            head(file, &blob_name(&descriptor.digest), descriptor.size).map_err(failed)?;
            while let Some(piece) = blob.next().await? {
                file.write_all(&piece).map_err(failed)?;
            }
            pad(file, descriptor.size).map_err(failed)
        }
        .await;
        if let Err(error) = copied {
            // What was begun is taken back, so that it can be tried again.
            file.set_len(start).map_err(failed)?;
            file.seek(SeekFrom::Start(start)).map_err(failed)?;
            return Err(error);
        }
        state.blobs.insert(descriptor.digest, descriptor.size);
        Ok(())
    }

    fn write_only<T>(&self, name: String, thing: Thing) -> Result<T, StoreError> {
        let _ = self;
        Err(StoreError::NotFound { thing, name })
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("{BLOBS}/{}/{}", digest.algorithm().name(), digest.hex())
}

fn head(file: &mut File, name: &str, size: u64) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    file.write_all(header.as_bytes())
}

fn pad(file: &mut File, size: u64) -> std::io::Result<()> {
    let over = usize::try_from((BLOCK - size % BLOCK) % BLOCK).unwrap_or_default();
    file.write_all(&vec![0; over])
}

fn entry(file: &mut File, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    head(file, name, bytes.len() as u64)?;
    file.write_all(bytes)?;
    pad(file, bytes.len() as u64)
}

fn set_mode(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

impl Store for ArchiveWriter {
    fn name(&self) -> String {
        self.name_of()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let state = self.state.lock().await;
            let digest = match target {
                Target::Digest(digest) => Some(*digest),
                Target::Tag(tag) => tagged(&state.index, tag),
                Target::Sole => None,
            };
            match digest.and_then(|digest| state.manifests.get(&digest)) {
                Some(found) => Ok(found.clone()),
                None => self.write_only(format!("{} {target:?}", self.name_of()), Thing::Image),
            }
        })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.state.lock().await.manifests.contains_key(digest)) })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move {
            let state = self.state.lock().await;
            Ok(tagged(&state.index, tag).and_then(|digest| state.manifests.get(&digest).cloned()))
        })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        _cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        let name = format!("{}@{}", self.name_of(), descriptor.digest);
        Box::pin(async move { self.write_only(name, Thing::Blob) })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(async move {
            let state = self.state.lock().await;
            let about = |resolved: &&Resolved| {
                let subject = resolved.manifest.subject();
                subject.is_some_and(|subject| subject.digest == *digest)
                    && state
                        .index
                        .manifests
                        .iter()
                        .any(|entry| entry.digest == resolved.descriptor.digest)
            };
            Ok(Listing {
                descriptors: state
                    .manifests
                    .values()
                    .filter(about)
                    .map(referrer_descriptor)
                    .collect(),
                complete: true,
                via: ListedVia::Layout,
            })
        })
    }

    fn push_blob<'a>(
        &'a self,
        bytes: Bytes,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let found = digest::of(digest.algorithm(), &bytes);
            if found != *digest {
                let expected = *digest;
                let fault = Fault::DigestMismatch { expected, found };
                return Err(StoreError::untrusted(self.name_of(), fault));
            }
            self.write_whole(digest, &bytes).await
        })
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.state.lock().await.blobs.contains_key(digest)) })
    }

    fn push_manifest<'a>(
        &'a self,
        bytes: Bytes,
        media_type: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(async move {
            let manifest =
                Manifest::parse(&bytes, Some(media_type), &self.limits).map_err(|error| {
                    let fault = Fault::Malformed {
                        what: "manifest",
                        error: error.to_string(),
                    };
                    StoreError::untrusted(self.name_of(), fault)
                })?;
            let descriptor =
                Descriptor::new(media_type, digest::sha256(&bytes), bytes.len() as u64);
            let resolved = Resolved {
                descriptor,
                bytes,
                manifest,
            };
            self.take_manifest(&resolved).await?;
            let mut state = self.state.lock().await;
            list(&mut state.index, &resolved, tag.as_slice());
            let via = resolved.manifest.subject().map(|_| ListedVia::Layout);
            Ok(Pushed {
                descriptor: resolved.descriptor,
                via,
            })
        })
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let state = self.state.lock().await;
            let names = state
                .index
                .manifests
                .iter()
                .filter_map(super::source::ref_name);
            Ok(names.map(str::to_owned).collect())
        })
    }

    fn requests(&self) -> u64 {
        0
    }
}

fn tagged(index: &ImageIndex, tag: &str) -> Option<Digest> {
    index
        .manifests
        .iter()
        .find(|entry| super::source::ref_name(entry) == Some(tag))
        .map(|entry| entry.digest)
}

impl Depot for ArchiveWriter {
    fn stream<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<BlobStream, StoreError>> {
        Box::pin(async move {
            let found = self
                .state
                .lock()
                .await
                .manifests
                .get(&descriptor.digest)
                .cloned();
            let bytes = found.map(|found| found.bytes).ok_or(StoreError::NotFound {
                thing: Thing::Blob,
                name: format!("{}@{}", self.name_of(), descriptor.digest),
            })?;
            let pieces = Box::new(Whole(Some(bytes)));
            Ok(BlobStream::new(pieces, descriptor, self.name_of()))
        })
    }

    fn holds_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.has_blob(&descriptor.digest)
    }

    fn take_blob<'a>(
        &'a self,
        source: &'a dyn Depot,
        descriptor: &'a Descriptor,
        _mount: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async move {
            self.take(source, descriptor).await?;
            Ok(Taken::Carried)
        })
    }

    fn take_manifest<'a>(
        &'a self,
        resolved: &'a Resolved,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let digest = resolved.descriptor.digest;
            self.write_whole(&digest, &resolved.bytes).await?;
            let mut state = self.state.lock().await;
            state.manifests.insert(digest, resolved.clone());
            Ok(resolved.manifest.subject().is_none())
        })
    }

    fn list<'a>(
        &'a self,
        _subject: &'a Digest,
        referrers: &'a [Resolved],
    ) -> BoxFuture<'a, Result<ListedVia, StoreError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            for resolved in referrers {
                list(&mut state.index, resolved, &[]);
            }
            Ok(ListedVia::Layout)
        })
    }

    fn delete_manifest<'a>(
        &'a self,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Ok(false) })
    }

    fn delete_tag<'a>(&'a self, _tag: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Ok(false) })
    }

    /// One blob at a time flows into a tar.
    fn writers(&self) -> usize {
        1
    }
}
