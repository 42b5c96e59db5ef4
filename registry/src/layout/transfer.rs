//! Moving blobs into and out of layouts and archives without holding them, and removing what is stored.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, Manifest};

use super::source::{self, Source};
use super::{Archive, Layout};
use crate::depot::{Depot, Taken};
use crate::error::{Fault, StoreError, Thing};
use crate::store::{BoxFuture, ListedVia, Resolved, Store};
use crate::stream::{BlobStream, Pieces};

/// Bytes of one piece.
const PIECE: u64 = 1 << 20;
/// Files that blobs are written to before they have their names begin so; each is locked by its writer for as long as it writes.
const PARTIAL: &str = ".countersign-partial-";
/// Tells the partial files of one process apart.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A stretch of a file.
pub(super) struct Stretch {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    pub(super) left: u64,
}

impl Pieces for Stretch {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let piece = self.read();
        Box::pin(async move { piece })
    }
}

impl Stretch {
    fn read(&mut self) -> Result<Option<Bytes>, StoreError> {
        let length = usize::try_from(self.left.min(PIECE)).unwrap_or(usize::MAX);
        if length == 0 {
            return Ok(None);
        }
        let mut piece = vec![0_u8; length];
        let count = self
            .file
            .read_at(&mut piece, self.offset)
            .map_err(|error| StoreError::local(&self.path, error))?;
        piece.truncate(count);
        self.offset += count as u64;
        self.left -= count as u64;
        Ok((count > 0).then(|| Bytes::from(piece)))
    }
}

/// The stream of a blob in a file whose size was checked against the descriptor.
pub(super) fn stretch(
    source: &dyn Source,
    descriptor: &Descriptor,
    found: Option<(Stretch, u64)>,
) -> Result<BlobStream, StoreError> {
    let (stretch, size) = found.ok_or_else(|| StoreError::NotFound {
        thing: Thing::Blob,
        name: format!("{}@{}", source.name(), descriptor.digest),
    })?;
    if size != descriptor.size {
        return Err(StoreError::untrusted(
            source.name(),
            Fault::SizeMismatch {
                digest: descriptor.digest,
                expected: descriptor.size,
                found: size,
            },
        ));
    }
    Ok(BlobStream::new(
        Box::new(stretch),
        descriptor,
        source.name(),
    ))
}

impl Layout {
    /// Removes what killed writers left: files that nobody holds locked.
    fn sweep(&self) -> Result<(), StoreError> {
        let (names, _) = self.root.names(10_000)?;
        for name in names.iter().filter(|name| name.starts_with(PARTIAL)) {
            if let Some((file, _)) = self.root.file(name)?
                && file.try_lock().is_ok()
            {
                self.root.remove(name)?;
            }
        }
        Ok(())
    }

    async fn take(&self, source: &dyn Depot, descriptor: &Descriptor) -> Result<(), StoreError> {
        let name = format!(
            "{PARTIAL}{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let mut blob = source.stream(descriptor).await?;
        let failed = |error: std::io::Error| StoreError::local(self.path.join(&name), error);
        let mut file = {
            // Nobody sweeps between the moment that the file is there and the moment that it is locked.
            let _lock = self.lock()?;
            self.sweep()?;
            let file = self.root.create(&name)?;
            file.lock().map_err(failed)?;
            file
        };
        let written = async {
            while let Some(piece) = blob.next().await? {
                file.write_all(&piece).map_err(failed)?;
            }
            file.sync_all().map_err(failed)
        };
        if let Err(error) = written.await {
            self.root.remove(&name)?;
            return Err(error);
        }
        let blobs = self.blob_directory_for_writing(descriptor.digest.algorithm())?;
        self.root.rename(&name, &blobs, &descriptor.digest.hex())
    }

    /// Takes a manifest off the list and removes the blobs that nothing in the layout names any more.
    fn delete(&self, digest: &Digest) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        let mut index = source::index(self)?;
        let before = index.manifests.len();
        index.manifests.retain(|entry| entry.digest != *digest);
        let Some(gone) = source::manifest(self, digest, None)? else {
            return Ok(false);
        };
        if index.manifests.len() != before {
            self.write_index(&index)?;
        }
        let mut kept = BTreeSet::new();
        for entry in &index.manifests {
            self.reach(&entry.digest, &mut kept, 0)?;
        }
        // An orphan blob may be evidence in a layout that cosign saved: what it names stays, too.
        let (blobs, complete) = Source::blobs(self, 10_000)?;
        if kept.contains(digest) || !complete {
            return Ok(true);
        }
        for blob in blobs.iter().filter(|blob| *blob != digest) {
            if Source::size(self, blob)?.is_some_and(|size| size <= self.limits.manifest_bytes) {
                self.reach(blob, &mut kept, 0)?;
            }
        }
        let mut gone_blobs: Vec<Digest> = named(&gone.manifest)
            .filter(|blob| !kept.contains(&blob.digest))
            .map(|blob| blob.digest)
            .collect();
        gone_blobs.push(*digest);
        for blob in gone_blobs {
            if let Some(directory) = self.blob_directory(blob.algorithm())?
                && directory.file(&blob.hex())?.is_some()
            {
                directory.remove(&blob.hex())?;
            }
        }
        Ok(true)
    }

    /// Collects everything that a manifest names; other blobs name nothing.
    fn reach(
        &self,
        digest: &Digest,
        kept: &mut BTreeSet<Digest>,
        depth: usize,
    ) -> Result<(), StoreError> {
        if depth > 8 || (depth > 0 && !kept.insert(*digest)) {
            return Ok(());
        }
        let bytes = match Source::read(self, digest, self.limits.manifest_bytes, "manifest") {
            Ok(Some(bytes)) if bytes.first() == Some(&b'{') => bytes,
            Ok(_) | Err(StoreError::Untrusted { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Ok(manifest) = Manifest::parse(&bytes, None, &self.limits) else {
            return Ok(());
        };
        if depth == 0 {
            kept.insert(*digest);
        }
        for blob in named(&manifest) {
            match manifest {
                Manifest::Image(_) => {
                    kept.insert(blob.digest);
                }
                Manifest::Index(_) => self.reach(&blob.digest, kept, depth + 1)?,
            }
        }
        Ok(())
    }
}

fn named(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    let (config, others) = match manifest {
        Manifest::Image(image) => (Some(&image.config), image.layers.as_slice()),
        Manifest::Index(index) => (None, index.manifests.as_slice()),
    };
    config.into_iter().chain(others)
}

impl Depot for Layout {
    fn stream<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<BlobStream, StoreError>> {
        Box::pin(async move {
            let found = self.blob_file(&descriptor.digest)?.map(|(file, size)| {
                let path = self.path.clone();
                let stretch = Stretch {
                    file,
                    path,
                    offset: 0,
                    left: size,
                };
                (stretch, size)
            });
            stretch(self, descriptor, found)
        })
    }

    fn holds_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut blob = match self.stream(descriptor).await {
                Ok(blob) => blob,
                Err(StoreError::NotFound { .. } | StoreError::Untrusted { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            // A damaged file is written anew.
            loop {
                match blob.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(true),
                    Err(StoreError::Untrusted { .. }) => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
        })
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
            // Not listed: the children of an index are found through it.
            self.put_blob(&resolved.bytes, &resolved.descriptor.digest)?;
            Ok(resolved.manifest.subject().is_none())
        })
    }

    fn list<'a>(
        &'a self,
        _subject: &'a Digest,
        referrers: &'a [Resolved],
    ) -> BoxFuture<'a, Result<ListedVia, StoreError>> {
        Box::pin(async move {
            self.list_all(referrers)?;
            Ok(ListedVia::Layout)
        })
    }

    fn delete_manifest<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { self.delete(digest) })
    }

    fn delete_tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            match Store::tag(self, tag).await? {
                Some(found) => self.delete(&found.descriptor.digest),
                None => Ok(false),
            }
        })
    }
}

impl Archive {
    fn read_only_depot<T>(path: &Path) -> Result<T, StoreError> {
        Err(StoreError::Unsupported {
            store: format!("oci-archive:{}", path.display()),
            detail: "an archive that exists is not changed; unpack it and use `oci:DIR`".to_owned(),
        })
    }
}

impl Depot for Archive {
    fn stream<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<BlobStream, StoreError>> {
        Box::pin(async move {
            let found = self.stretch_of(&descriptor.digest)?;
            stretch(self, descriptor, found)
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
        _source: &'a dyn Depot,
        _descriptor: &'a Descriptor,
        _mount: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async { Self::read_only_depot(self.path()) })
    }

    fn take_manifest<'a>(
        &'a self,
        _resolved: &'a Resolved,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Self::read_only_depot(self.path()) })
    }

    fn list<'a>(
        &'a self,
        _subject: &'a Digest,
        _referrers: &'a [Resolved],
    ) -> BoxFuture<'a, Result<ListedVia, StoreError>> {
        Box::pin(async { Self::read_only_depot(self.path()) })
    }

    fn delete_manifest<'a>(
        &'a self,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Self::read_only_depot(self.path()) })
    }

    fn delete_tag<'a>(&'a self, _tag: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Self::read_only_depot(self.path()) })
    }
}
