//! OCI image layouts on disk: directories that are read and written, archives that are read.
//!
//! Reading opens regular files only and follows no link below the layout's root. Writing keeps every state whole that another process can
//! see: a file is complete before it gets its name, and `index.json` is replaced in one step under a lock on the directory.

mod archive;
mod archive_writer;
mod directory;
mod kinds;
mod source;
mod transfer;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, HashAlgorithm, ImageIndex, Limits};

use crate::error::{StoreError, Thing};
use crate::store::{BoxFuture, Listing, Pushed, Resolved, Store, TagChange, Target};
use directory::Directory;
use source::Source;

pub use archive::Archive;
pub use archive_writer::ArchiveWriter;
pub(crate) use source::referrer_descriptor;

/// Name of the file that says that a directory is a layout.
const MARKER: &str = "oci-layout";
/// Content of [`MARKER`].
const MARKER_CONTENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// Largest [`MARKER`] that is read, in bytes.
const MARKER_BYTES: u64 = 4 << 10;
/// Name of the list of manifests.
const INDEX: &str = "index.json";
/// Content of [`INDEX`] in a new layout.
const EMPTY_INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
/// Name of the directory of blobs.
const BLOBS: &str = "blobs";
/// The algorithms whose blobs are looked for.
const ALGORITHMS: [HashAlgorithm; 3] = [
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
];

/// An OCI image layout in a directory.
///
/// The methods of its own block for as long as the disk does; those of [`Store`] do the same inside their first poll.
#[derive(Debug)]
pub struct Layout {
    root: Directory,
    path: PathBuf,
    limits: Limits,
}

impl Layout {
    /// Opens a layout that exists.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, [`StoreError::Local`] when it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let name = format!("oci:{}", path.display());
        let absent = || StoreError::NotFound {
            thing: Thing::Layout,
            name: name.clone(),
        };
        let root = Directory::root(path)?.ok_or_else(absent)?;
        let marker = root
            .read(MARKER, MARKER_BYTES, MARKER, &name)?
            .ok_or_else(absent)?;
        archive::check_marker(&marker, &name)?;
        Ok(Self {
            root,
            path: path.to_owned(),
            limits: Limits::default(),
        })
    }

    /// Opens a layout and makes an empty one, parent directories included, when there is none.
    ///
    /// # Errors
    /// [`StoreError::Local`] when it cannot be made, or when the directory holds something else.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        match Self::open(path) {
            Err(StoreError::NotFound { .. }) => {}
            other => return other,
        }
        std::fs::create_dir_all(path).map_err(|error| StoreError::local(path, error))?;
        let root =
            Directory::root(path)?.ok_or_else(|| StoreError::local(path, "directory vanished"))?;
        let layout = Self {
            root,
            path: path.to_owned(),
            limits: Limits::default(),
        };
        layout.initialize()?;
        Ok(layout)
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The directory as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads `index.json`.
    ///
    /// # Errors
    /// When it is absent, too large or malformed.
    pub fn index(&self) -> Result<ImageIndex, StoreError> {
        source::index(self)
    }

    fn blob_file(&self, digest: &Digest) -> Result<Option<(File, u64)>, StoreError> {
        match self.blob_directory(digest.algorithm())? {
            Some(directory) => directory.file(&digest.hex()),
            None => Ok(None),
        }
    }

    fn blob_directory(&self, algorithm: HashAlgorithm) -> Result<Option<Directory>, StoreError> {
        match self.root.directory(BLOBS)? {
            Some(blobs) => blobs.directory(algorithm.name()),
            None => Ok(None),
        }
    }
}

impl Source for Layout {
    fn name(&self) -> String {
        format!("oci:{}", self.path.display())
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn index(&self) -> Result<Bytes, StoreError> {
        let absent = || StoreError::NotFound {
            thing: Thing::Layout,
            name: Source::name(self),
        };
        self.root
            .read(INDEX, source::INDEX_BYTES, INDEX, &Source::name(self))?
            .ok_or_else(absent)
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.blob_file(digest)?.map(|(_, size)| size))
    }

    fn read(
        &self,
        digest: &Digest,
        cap: u64,
        what: &'static str,
    ) -> Result<Option<Bytes>, StoreError> {
        match self.blob_directory(digest.algorithm())? {
            Some(directory) => directory.read(&digest.hex(), cap, what, &Source::name(self)),
            None => Ok(None),
        }
    }

    fn blobs(&self, most: usize) -> Result<(Vec<Digest>, bool), StoreError> {
        let mut digests = Vec::new();
        let mut complete = true;
        for algorithm in ALGORITHMS {
            if let Some(directory) = self.blob_directory(algorithm)? {
                let (names, all) = directory.names(most.saturating_sub(digests.len()))?;
                complete &= all;
                digests.extend(directory::digests(algorithm, &names));
            }
        }
        Ok((digests, complete))
    }
}

impl Store for Layout {
    fn name(&self) -> String {
        Source::name(self)
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move { source::resolve(self, target) })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.blob_file(digest)?.is_some()) })
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
        bytes: Bytes,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.put_blob(&bytes, digest) })
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.blob_file(digest)?.is_some()) })
    }

    fn push_manifest<'a>(
        &'a self,
        bytes: Bytes,
        media_type: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(async move { self.put_manifest(bytes, media_type, tag.as_slice()) })
    }

    fn update_tag<'a>(
        &'a self,
        tag: &'a str,
        change: &'a TagChange<'a>,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move { self.change_tag(tag, change) })
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move { source::tags(self) })
    }

    fn requests(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
