//! A blob that arrives piece by piece: for servers, which cannot hold it in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use countersign_formats::Digest;
use countersign_proof::digest::Hasher;

use super::Layout;
use super::directory::Directory;
use super::source::Source;
use crate::error::{Fault, StoreError};

/// Directory below the layout's root for uploads under way.
const UPLOADS: &str = ".countersign-uploads";
/// Uploads that may lie in a layout, finished or not.
const UPLOADS_KEPT: usize = 100_000;

/// A blob under way; dropping it leaves its bytes for [`Layout::resume_upload`] until [`Layout::remove_stale_uploads`].
#[derive(Debug)]
pub struct Upload {
    directory: Directory,
    file: File,
    name: String,
    path: PathBuf,
    length: u64,
}

impl Layout {
    /// Begins an upload under a name that the caller makes unique: 1 to 64 of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for another name, [`StoreError::Local`] when the file cannot be made.
    pub fn begin_upload(&self, name: &str) -> Result<Upload, StoreError> {
        self.check_upload_name(name)?;
        let directory = self.root.make(UPLOADS)?;
        let file = directory.create(name)?;
        // Whoever cleans up leaves what is locked.
        file.lock_shared()
            .map_err(|error| StoreError::local(directory.path(), error))?;
        let path = directory.path().join(name);
        Ok(Upload {
            directory,
            file,
            name: name.to_owned(),
            path,
            length: 0,
        })
    }

    /// Takes up an upload that was begun earlier, at its end; `None` when there is none of that name.
    ///
    /// # Errors
    /// As [`begin_upload`](Self::begin_upload).
    pub fn resume_upload(&self, name: &str) -> Result<Option<Upload>, StoreError> {
        self.check_upload_name(name)?;
        let Some(directory) = self.root.directory(UPLOADS)? else {
            return Ok(None);
        };
        let Some((mut file, _)) = directory.writable(name)? else {
            return Ok(None);
        };
        file.lock_shared()
            .map_err(|error| StoreError::local(directory.path(), error))?;
        let path = directory.path().join(name);
        let length = file
            .seek(SeekFrom::End(0))
            .map_err(|error| StoreError::local(&path, error))?;
        Ok(Some(Upload {
            directory,
            file,
            name: name.to_owned(),
            path,
            length,
        }))
    }

    /// Removes uploads that no process holds open; returns how many. For a server's start.
    ///
    /// # Errors
    /// [`StoreError::Local`] when the directory cannot be read.
    pub fn remove_stale_uploads(&self) -> Result<usize, StoreError> {
        let Some(directory) = self.root.directory(UPLOADS)? else {
            return Ok(0);
        };
        let mut removed = 0;
        for name in directory.names(UPLOADS_KEPT)?.0 {
            let stale =
                matches!(directory.file(&name), Ok(Some((file, _))) if file.try_lock().is_ok());
            if stale && directory.remove(&name)? {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn check_upload_name(&self, name: &str) -> Result<(), StoreError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
            return Ok(());
        }
        Err(StoreError::Unsupported {
            store: Source::name(self),
            detail: "upload names have 1 to 64 of `a-z`, `0-9` and `-`".to_owned(),
        })
    }
}

impl Upload {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`StoreError::Local`] when they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all(bytes)
            .map_err(|error| StoreError::local(&self.path, error))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Hashes what arrived and gives it its place among the blobs of `layout`; with another digest the upload is removed.
    ///
    /// # Errors
    /// [`StoreError::Untrusted`] when the bytes have another digest, [`StoreError::Local`] when the file cannot be kept.
    pub fn finish(mut self, layout: &Layout, digest: &Digest) -> Result<(), StoreError> {
        let found = self.hash(digest)?;
        if found != *digest {
            self.directory.remove(&self.name)?;
            return Err(StoreError::untrusted(
                Source::name(layout),
                Fault::DigestMismatch {
                    expected: *digest,
                    found,
                },
            ));
        }
        self.file
            .sync_all()
            .map_err(|error| StoreError::local(&self.path, error))?;
        let blobs = layout.blob_directory_for_writing(digest.algorithm())?;
        self.directory.rename(&self.name, &blobs, &digest.hex())
    }

    /// Gives the upload up.
    ///
    /// # Errors
    /// [`StoreError::Local`] when its file cannot be removed.
    pub fn cancel(self) -> Result<(), StoreError> {
        self.directory.remove(&self.name).map(drop)
    }

    fn hash(&mut self, expected: &Digest) -> Result<Digest, StoreError> {
        let failed = |error: std::io::Error| StoreError::local(&self.path, error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut hasher = Hasher::new(expected.algorithm());
        let mut buffer = vec![0_u8; 64 << 10];
        loop {
            let count = self.file.read(&mut buffer).map_err(failed)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
                return Ok(hasher.finish());
            };
            hasher.update(part);
        }
    }
}
