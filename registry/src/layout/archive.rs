//! OCI archives: a layout in an uncompressed tar file, read in place.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, HashAlgorithm, ImageIndex, Limits};
use rustix::fs::{Mode, OFlags};

use super::source::{self, Source};
use super::transfer::Stretch;
use super::{BLOBS, INDEX, MARKER, MARKER_BYTES};
use crate::error::{Fault, StoreError, Thing};
use crate::store::{BoxFuture, Listing, Pushed, Resolved, Store, Target};

/// Files of an archive that are listed before it is refused.
const ENTRIES: usize = 100_000;
/// What a gzip file and a zstd file begin with.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// An OCI image layout in a tar file; it cannot be written.
#[derive(Debug)]
pub struct Archive {
    file: File,
    path: PathBuf,
    limits: Limits,
    index: Option<Place>,
    blobs: BTreeMap<Digest, Place>,
}

/// Where in the archive a file is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    size: u64,
}

impl Place {
    fn end(self) -> Option<u64> {
        self.offset.checked_add(self.size)
    }
}

impl Archive {
    /// Opens an archive and lists its files.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the file is absent or no layout, [`StoreError::Unsupported`] when it is compressed,
    /// [`StoreError::Local`] when it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let name = format!("oci-archive:{}", path.display());
        let absent = || StoreError::NotFound {
            thing: Thing::Layout,
            name: name.clone(),
        };
        let failed = |error: std::io::Error| StoreError::local(path, error);
        // Without O_NONBLOCK opening a FIFO would wait for a writer for ever.
        let file = match rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(handle) => File::from(handle),
            Err(rustix::io::Errno::NOENT) => return Err(absent()),
            Err(error) => return Err(StoreError::local(path, error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(StoreError::local(path, "not a regular file"));
        }
        refuse_compressed(&file, &name)?;
        let listed = list(&file, metadata.len(), &name).map_err(|error| match error {
            ListError::Store(error) => error,
            ListError::Tar(error) => StoreError::untrusted(
                &name,
                Fault::Malformed {
                    what: "tar archive",
                    error: countersign_formats::clipped(&error.to_string(), 256),
                },
            ),
        })?;
        let lacks = listed.marker.is_none() || listed.index.is_none();
        // A cut between two files leaves no half of one; only the end of the archive is missing.
        if lacks && listed.files > 0 && !has_end(&file, metadata.len()).map_err(failed)? {
            return Err(cut_off(&name));
        }
        let archive = Self {
            file,
            path: path.to_owned(),
            limits: Limits::default(),
            index: listed.index,
            blobs: listed.blobs,
        };
        let marker = listed.marker.ok_or_else(absent)?;
        let marker = archive.bytes(marker, MARKER_BYTES, MARKER)?;
        check_marker(&marker, &name)?;
        Ok(archive)
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A blob's stretch of the file and its size in bytes; `None` when there is none.
    pub(super) fn stretch_of(&self, digest: &Digest) -> Result<Option<(Stretch, u64)>, StoreError> {
        let Some(place) = self.blobs.get(digest) else {
            return Ok(None);
        };
        let file = self
            .file
            .try_clone()
            .map_err(|error| StoreError::local(&self.path, error))?;
        let stretch = Stretch {
            file,
            path: self.path.clone(),
            offset: place.offset,
            left: place.size,
        };
        Ok(Some((stretch, place.size)))
    }

    /// Reads `index.json`.
    ///
    /// # Errors
    /// When it is absent, too large or malformed.
    pub fn list(&self) -> Result<ImageIndex, StoreError> {
        source::index(self)
    }

    /// Reads a blob of exactly the size and digest of its descriptor.
    ///
    /// # Errors
    /// As [`Store::blob`].
    pub fn content(&self, descriptor: &Descriptor, cap: u64) -> Result<Bytes, StoreError> {
        source::blob(self, descriptor, cap)
    }

    /// Reads the manifest that an entry of the list names.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub fn manifest(&self, entry: &Descriptor) -> Result<Resolved, StoreError> {
        source::listed(self, entry)
    }

    fn bytes(&self, place: Place, cap: u64, what: &'static str) -> Result<Bytes, StoreError> {
        let over =
            || StoreError::untrusted(Source::name(self), Fault::OverLimit { what, limit: cap });
        if place.size > cap {
            return Err(over());
        }
        // The header's size is a claim until the file is known to be that long.
        let length = self
            .file
            .metadata()
            .map_err(|error| StoreError::local(&self.path, error))?
            .len();
        if place.end().is_none_or(|end| end > length) {
            return Err(cut_off(&Source::name(self)));
        }
        let mut bytes = vec![0_u8; usize::try_from(place.size).map_err(|_| over())?];
        self.file
            .read_exact_at(&mut bytes, place.offset)
            .map_err(|error| StoreError::local(&self.path, error))?;
        Ok(Bytes::from(bytes))
    }

    fn read_only<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unsupported {
            store: Source::name(self),
            detail: "an archive cannot be written; unpack it and use `oci:DIR`".to_owned(),
        })
    }
}

/// Whether the content of `oci-layout` names a version that we know.
pub(super) fn check_marker(bytes: &[u8], name: &str) -> Result<(), StoreError> {
    let malformed = |error: &str| {
        StoreError::untrusted(
            name,
            Fault::Malformed {
                what: MARKER,
                error: error.to_owned(),
            },
        )
    };
    let marker: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| malformed("not JSON"))?;
    match marker
        .get("imageLayoutVersion")
        .and_then(serde_json::Value::as_str)
    {
        Some(version) if version.starts_with("1.") => Ok(()),
        Some(_) => Err(malformed("`imageLayoutVersion` is not 1.0.0")),
        None => Err(malformed("`imageLayoutVersion` is missing")),
    }
}

#[derive(Default)]
struct Listed {
    files: usize,
    marker: Option<Place>,
    index: Option<Place>,
    blobs: BTreeMap<Digest, Place>,
}

enum ListError {
    Store(StoreError),
    Tar(std::io::Error),
}

fn list(file: &File, length: u64, name: &str) -> Result<Listed, ListError> {
    let mut listed = Listed::default();
    let mut archive = tar::Archive::new(file);
    // Raw: extended headers are not interpreted, so that none can make the reader take memory; the names of a layout fit the plain header.
    for (count, entry) in archive
        .entries_with_seek()
        .map_err(ListError::Tar)?
        .raw(true)
        .enumerate()
    {
        let entry = entry.map_err(ListError::Tar)?;
        if count >= ENTRIES {
            return Err(ListError::Store(StoreError::untrusted(
                name,
                Fault::OverLimit {
                    what: "number of files in the archive",
                    limit: ENTRIES as u64,
                },
            )));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        listed.files += 1;
        let path = entry.path_bytes();
        let Ok(path) = std::str::from_utf8(&path) else {
            continue;
        };
        let path = path.strip_prefix("./").unwrap_or(path);
        let place = Place {
            offset: entry.raw_file_position(),
            size: entry.size(),
        };
        // Seeking goes beyond the end without a word, and what would have come after is not missed.
        if place.end().is_none_or(|end| end > length) {
            return Err(ListError::Store(cut_off(name)));
        }
        let twice = match path {
            MARKER => listed.marker.replace(place).is_some(),
            INDEX => listed.index.replace(place).is_some(),
            _ => {
                blob_digest(path).is_some_and(|digest| listed.blobs.insert(digest, place).is_some())
            }
        };
        if twice {
            // Unpacking would keep the last and a reader in place the first: two readings of one file.
            let detail = format!(
                "the archive holds `{}` twice",
                countersign_formats::clipped(path, 200)
            );
            return Err(ListError::Store(StoreError::response(name, detail)));
        }
    }
    Ok(listed)
}

/// The digest of `blobs/<algorithm>/<hex>`; other files of an archive are none of our business.
fn blob_digest(path: &str) -> Option<Digest> {
    let (algorithm, hex) = path
        .strip_prefix(BLOBS)?
        .strip_prefix('/')?
        .split_once('/')?;
    Digest::from_hex(HashAlgorithm::from_name(algorithm)?, hex).ok()
}

/// Whether the file ends as a tar archive does, with a block of zeros.
fn has_end(file: &File, length: u64) -> std::io::Result<bool> {
    let mut last = [0_u8; 512];
    let Some(start) = length.checked_sub(last.len() as u64) else {
        return Ok(false);
    };
    file.read_exact_at(&mut last, start)?;
    Ok(last.iter().all(|byte| *byte == 0))
}

fn cut_off(name: &str) -> StoreError {
    StoreError::untrusted(
        name,
        Fault::Malformed {
            what: "tar archive",
            error: "it is cut off".to_owned(),
        },
    )
}

fn refuse_compressed(file: &File, name: &str) -> Result<(), StoreError> {
    let mut start = [0_u8; 4];
    if file.read_exact_at(&mut start, 0).is_ok()
        && COMPRESSED.iter().any(|magic| start.starts_with(magic))
    {
        return Err(StoreError::Unsupported {
            store: name.to_owned(),
            detail: "the archive is compressed; decompress it first".to_owned(),
        });
    }
    Ok(())
}

impl Source for Archive {
    fn name(&self) -> String {
        format!("oci-archive:{}", self.path.display())
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn index(&self) -> Result<Bytes, StoreError> {
        let place = self.index.ok_or_else(|| StoreError::NotFound {
            thing: Thing::Layout,
            name: Source::name(self),
        })?;
        self.bytes(place, source::INDEX_BYTES, INDEX)
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.blobs.get(digest).map(|place| place.size))
    }

    fn read(
        &self,
        digest: &Digest,
        cap: u64,
        what: &'static str,
    ) -> Result<Option<Bytes>, StoreError> {
        self.blobs
            .get(digest)
            .map(|place| self.bytes(*place, cap, what))
            .transpose()
    }

    fn blobs(&self, most: usize) -> Result<(Vec<Digest>, bool), StoreError> {
        Ok((
            self.blobs.keys().take(most).copied().collect(),
            self.blobs.len() <= most,
        ))
    }
}

impl Store for Archive {
    fn name(&self) -> String {
        Source::name(self)
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move { source::resolve(self, target) })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.blobs.contains_key(digest)) })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move { source::tagged(self, tag) })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move { source::blob(self, descriptor, cap) })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(async move { source::referrers(self, digest) })
    }

    fn push_blob<'a>(
        &'a self,
        _bytes: Bytes,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.read_only() })
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.blobs.contains_key(digest)) })
    }

    fn push_manifest<'a>(
        &'a self,
        _bytes: Bytes,
        _media_type: &'a str,
        _tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(async move { self.read_only() })
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move { source::tags(self) })
    }

    fn requests(&self) -> u64 {
        0
    }
}
