//! One layout on disk: its blobs, its index and the changes made to it under its lock.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};

use crate::{
    digesting,
    folder::{Folder, Lock},
    index::Index,
};

const LAYOUT_FILE: &str = "oci-layout";
const LAYOUT_TEXT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX_FILE: &str = "index.json";
/// Files before they have their names. They are written under the lock only, so that one name each is enough, and what a killed
/// server left is overwritten by the next.
const INDEX_NEXT: &str = ".countersign-index.next";
const BLOB_NEXT: &str = ".countersign-blob.next";
/// Entries that readers of layouts in this workspace take.
pub(crate) const INDEX_ENTRIES: usize = 20_000;

/// A layout, whether or not it exists yet. Every method blocks.
#[derive(Clone, Debug)]
pub(crate) struct LayoutStore {
    path: PathBuf,
    index_bytes: u64,
}

/// A layout whose lock is held.
pub(crate) struct Locked<'a> {
    store: &'a LayoutStore,
    root: Folder,
    _lock: Lock,
    pub(crate) index: Index,
}

impl LayoutStore {
    pub(crate) fn at(path: PathBuf, index_bytes: u64) -> Self {
        Self { path, index_bytes }
    }

    pub(crate) fn exists(&self) -> io::Result<bool> {
        match Folder::root(&self.path)? {
            Some(root) => Ok(root.file(LAYOUT_FILE)?.is_some()),
            None => Ok(false),
        }
    }

    /// Makes the layout unless it exists.
    pub(crate) fn create(&self) -> io::Result<()> {
        if self.exists()? {
            return Ok(());
        }
        fs::create_dir_all(&self.path)?;
        let root = self.root()?;
        let _lock = root.lock()?;
        if root.file(INDEX_FILE)?.is_none() {
            replace(
                &root,
                INDEX_NEXT,
                &Index::new().to_json(),
                &root,
                INDEX_FILE,
            )?;
        }
        root.make_folder("blobs")?
            .make_folder(HashAlgorithm::Sha256.name())?;
        // Last, because this file makes a folder a layout.
        if root.file(LAYOUT_FILE)?.is_none() {
            replace(&root, INDEX_NEXT, LAYOUT_TEXT, &root, LAYOUT_FILE)?;
        }
        Ok(())
    }

    pub(crate) fn index(&self) -> io::Result<Index> {
        self.read_index(&self.root()?)
    }

    /// Waits for the lock and reads the index under it.
    pub(crate) fn lock(&self) -> io::Result<Locked<'_>> {
        let root = self.root()?;
        let lock = root.lock()?;
        let index = self.read_index(&root)?;
        Ok(Locked {
            store: self,
            root,
            _lock: lock,
            index,
        })
    }

    /// Opens a blob and gives its size in bytes.
    pub(crate) fn blob(&self, digest: &Digest) -> io::Result<Option<(File, u64)>> {
        match self.blobs(digest.algorithm())? {
            Some(blobs) => blobs.file(&digest.hex()),
            None => Ok(None),
        }
    }

    /// The bytes of a manifest, hashed; `None` also for a blob that is larger than a manifest may be.
    pub(crate) fn manifest(&self, digest: &Digest, cap: u64) -> io::Result<Option<Bytes>> {
        let Some((file, size)) = self.blob(digest)? else {
            return Ok(None);
        };
        if size > cap {
            return Ok(None);
        }
        let bytes = read_all(file, size)?;
        if !digesting::matches(digest, &bytes) {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("blob `{digest}` is damaged"),
            ));
        }
        Ok(Some(Bytes::from(bytes)))
    }

    /// Gives a finished upload its place; the file must be hashed and synced already.
    pub(crate) fn take_blob(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        let blobs = self.make_blobs(digest.algorithm())?;
        let name = digest.hex();
        if blobs.file(&name)?.is_some() {
            return fs::remove_file(from);
        }
        match blobs.take(from, &name) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let mut source = File::open(from)?;
                copy_in(&blobs, &mut source, &name)?;
                fs::remove_file(from)
            }
            result => result,
        }
    }

    /// Makes a blob of another layout one of this layout too; false when the other has none.
    pub(crate) fn mount(&self, from: &Self, digest: &Digest) -> io::Result<bool> {
        let name = digest.hex();
        let Some(source) = from.blobs(digest.algorithm())? else {
            return Ok(false);
        };
        let Some((mut file, _)) = source.file(&name)? else {
            return Ok(false);
        };
        self.create()?;
        let blobs = self.make_blobs(digest.algorithm())?;
        if blobs.file(&name)?.is_none() && blobs.link(&source, &name).is_err() {
            // Another file system, or one without links.
            copy_in(&blobs, &mut file, &name)?;
        }
        Ok(true)
    }

    fn root(&self) -> io::Result<Folder> {
        Folder::root(&self.path)?.ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn blobs(&self, algorithm: HashAlgorithm) -> io::Result<Option<Folder>> {
        let Some(root) = Folder::root(&self.path)? else {
            return Ok(None);
        };
        let Some(blobs) = root.folder("blobs")? else {
            return Ok(None);
        };
        blobs.folder(algorithm.name())
    }

    fn make_blobs(&self, algorithm: HashAlgorithm) -> io::Result<Folder> {
        self.root()?
            .make_folder("blobs")?
            .make_folder(algorithm.name())
    }

    fn read_index(&self, root: &Folder) -> io::Result<Index> {
        let invalid = |what: String| io::Error::new(ErrorKind::InvalidData, what);
        let Some((file, size)) = root.file(INDEX_FILE)? else {
            return Err(invalid("layout has no `index.json`".to_owned()));
        };
        if size > self.index_bytes {
            return Err(invalid(format!(
                "`index.json` is over {} bytes",
                self.index_bytes
            )));
        }
        Index::parse(&read_all(file, size)?)
            .map_err(|error| invalid(format!("`index.json`: {error}")))
    }
}

impl Locked<'_> {
    /// Whether the layout holds a blob.
    pub(crate) fn has_blob(&self, digest: &Digest) -> io::Result<Option<u64>> {
        Ok(self.store.blob(digest)?.map(|(_, size)| size))
    }

    pub(crate) fn write_blob(&self, bytes: &[u8], digest: &Digest) -> io::Result<()> {
        let blobs = self
            .root
            .make_folder("blobs")?
            .make_folder(digest.algorithm().name())?;
        let name = digest.hex();
        if blobs
            .file(&name)?
            .is_some_and(|(_, size)| size == bytes.len() as u64)
        {
            return Ok(());
        }
        replace(&self.root, BLOB_NEXT, bytes, &blobs, &name)
    }

    pub(crate) fn remove_blob(&self, digest: &Digest) -> io::Result<bool> {
        match self.store.blobs(digest.algorithm())? {
            Some(blobs) => blobs.remove(&digest.hex()),
            None => Ok(false),
        }
    }

    /// Writes the changed index in one step; `None` when it would be larger than readers take.
    pub(crate) fn commit(&self) -> io::Result<Option<()>> {
        let bytes = self.index.to_json();
        if bytes.len() as u64 > self.store.index_bytes || self.index.len() > INDEX_ENTRIES {
            return Ok(None);
        }
        replace(&self.root, INDEX_NEXT, &bytes, &self.root, INDEX_FILE).map(Some)
    }
}

fn replace(root: &Folder, next: &str, bytes: &[u8], into: &Folder, name: &str) -> io::Result<()> {
    let mut file = root.create(next)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    root.rename(next, into, name)
}

fn copy_in(folder: &Folder, source: &mut File, name: &str) -> io::Result<()> {
    // Two mounts of one blob at a time must not write one file.
    let next = format!(".{name}.{}", crate::random::random_name());
    let mut file = folder.create(&next)?;
    let copied = io::copy(source, &mut file).and_then(|_| file.sync_data());
    if let Err(error) = copied {
        drop(folder.remove(&next));
        return Err(error);
    }
    folder.rename(&next, folder, name)
}

fn read_all(file: File, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // Not more than was there when it was opened: the file may grow while it is read.
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}
