//! Opening the files of a layout without following links out of it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};
use rustix::fs::{Mode, OFlags};

use crate::error::{Fault, StoreError};

/// A directory held open: everything below it is reached from here, one plain name at a time.
#[derive(Debug)]
pub(super) struct Directory {
    handle: File,
    path: PathBuf,
}

impl Directory {
    /// Opens the root of a layout, which its user named and may be a link; `None` when there is none.
    pub(super) fn root(path: &Path) -> Result<Option<Self>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self {
                handle: File::from(handle),
                path: path.to_owned(),
            })),
            Err(error) => absent_or(path, error.into()),
        }
    }

    /// Opens a directory below; `None` when there is none, an error when it is anything else, a link included.
    pub(super) fn directory(&self, name: &str) -> Result<Option<Self>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path.join(name);
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self {
                handle: File::from(handle),
                path,
            })),
            Err(error) => absent_or(&path, error.into()),
        }
    }

    /// Opens a directory below, which is made when it is absent.
    pub(super) fn make(&self, name: &str) -> Result<Self, StoreError> {
        if let Some(directory) = self.directory(name)? {
            return Ok(directory);
        }
        let path = self.path.join(name);
        match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(StoreError::local(path, error)),
        }
        self.sync()?;
        self.directory(name)?
            .ok_or_else(|| StoreError::local(path, "directory vanished"))
    }

    /// Opens a regular file below and gives its size in bytes; `None` when there is none, an error when it is a link, a FIFO or a device.
    pub(super) fn file(&self, name: &str) -> Result<Option<(File, u64)>, StoreError> {
        // Without O_NONBLOCK opening a FIFO would wait for a writer for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = self.path.join(name);
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => File::from(handle),
            Err(rustix::io::Errno::LOOP) => {
                return Err(StoreError::local(
                    path,
                    "a symbolic link where a regular file belongs",
                ));
            }
            Err(error) => return absent_or(&path, error.into()),
        };
        let metadata = file
            .metadata()
            .map_err(|error| StoreError::local(&path, error))?;
        if !metadata.is_file() {
            return Err(StoreError::local(path, "not a regular file"));
        }
        Ok(Some((file, metadata.len())))
    }

    /// Reads a regular file of at most `cap` bytes; `None` when there is none.
    pub(super) fn read(
        &self,
        name: &str,
        cap: u64,
        what: &'static str,
        store: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some((file, size)) = self.file(name)? else {
            return Ok(None);
        };
        let over = || StoreError::untrusted(store, Fault::OverLimit { what, limit: cap });
        if size > cap {
            return Err(over());
        }
        let path = self.path.join(name);
        let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(|_| over())?);
        // The file may grow while it is read.
        file.take(cap.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| StoreError::local(path, error))?;
        if bytes.len() as u64 > cap {
            return Err(over());
        }
        Ok(Some(Bytes::from(bytes)))
    }

    /// Makes a file below for writing that did not exist; what was left under that name is removed first.
    pub(super) fn create(&self, name: &str) -> Result<File, StoreError> {
        let path = self.path.join(name);
        match rustix::fs::unlinkat(&self.handle, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(StoreError::local(path, error)),
        }
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle: OwnedFd =
            rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o644))
                .map_err(|error| StoreError::local(path, error))?;
        Ok(File::from(handle))
    }

    /// Removes a file below; one that is gone already is no error.
    pub(super) fn remove(&self, name: &str) -> Result<(), StoreError> {
        match rustix::fs::unlinkat(&self.handle, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(StoreError::local(self.path.join(name), error)),
        }
    }

    /// Gives a file below its final name, in `into`, in one step, and makes that durable.
    pub(super) fn rename(&self, name: &str, into: &Self, to: &str) -> Result<(), StoreError> {
        rustix::fs::renameat(&self.handle, name, &into.handle, to)
            .map_err(|error| StoreError::local(into.path.join(to), error))?;
        into.sync()
    }

    /// At most `most` names in it, and whether these are all.
    pub(super) fn names(&self, most: usize) -> Result<(Vec<String>, bool), StoreError> {
        let failed = |error: rustix::io::Errno| StoreError::local(&self.path, error);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            if names.len() == most {
                return Ok((names, false));
            }
            names.push(name.to_owned());
        }
        Ok((names, true))
    }

    /// A handle of its own on the same directory, for a lock.
    pub(super) fn reopened(&self) -> Result<File, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.handle, ".", flags, Mode::empty())
            .map_err(|error| StoreError::local(&self.path, error))?;
        Ok(File::from(handle))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.handle
            .sync_all()
            .map_err(|error| StoreError::local(&self.path, error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The digests among the names of a `blobs/<algorithm>` directory.
pub(super) fn digests(algorithm: HashAlgorithm, names: &[String]) -> Vec<Digest> {
    names
        .iter()
        .filter_map(|name| Digest::from_hex(algorithm, name).ok())
        .collect()
}

fn absent_or<T>(path: &Path, error: std::io::Error) -> Result<Option<T>, StoreError> {
    match error.kind() {
        ErrorKind::NotFound => Ok(None),
        ErrorKind::NotADirectory => Err(StoreError::local(
            path,
            "not a directory, or a symbolic link where a directory belongs",
        )),
        _ => Err(StoreError::local(path, error)),
    }
}
