//! Opening files of a layout without following links out of it.
//!
//! A served layout may come from anywhere: a `blobs/sha256/…` that is a link to the server's own files must not be served.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{AtFlags, Mode, OFlags};

/// How long another writer may take.
const LOCK_FOR: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A directory held open; what is below is reached from here, one plain name at a time.
#[derive(Debug)]
pub(crate) struct Folder(File);

impl Folder {
    /// Opens a layout's root, which the server's user named and may be a link.
    pub(crate) fn root(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        present(rustix::fs::open(path, flags, Mode::empty()).map(|handle| Self(handle.into())))
    }

    pub(crate) fn folder(&self, name: &str) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        present(
            rustix::fs::openat(&self.0, name, flags, Mode::empty())
                .map(|handle| Self(handle.into())),
        )
    }

    pub(crate) fn make_folder(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.sync()?,
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.folder(name)?.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Opens a regular file and gives its size in bytes.
    pub(crate) fn file(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        // Without NONBLOCK opening a FIFO would wait for a writer for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Some(file) =
            present(rustix::fs::openat(&self.0, name, flags, Mode::empty()).map(File::from))?
        else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("`{name}` is not a regular file"),
            ));
        }
        Ok(Some((file, metadata.len())))
    }

    /// Makes a file for writing; what was left under that name is removed first.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o644)).map(File::from)?)
    }

    /// Gives a file here its final name, in `into`, in one step, and makes that durable.
    pub(crate) fn rename(&self, from: &str, into: &Self, to: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.0, from, &into.0, to)?;
        into.sync()
    }

    /// Moves a file from anywhere on the same file system to a name here, in one step, and makes that durable.
    pub(crate) fn take(&self, from: &Path, to: &str) -> io::Result<()> {
        rustix::fs::renameat(rustix::fs::CWD, from, &self.0, to)?;
        self.sync()
    }

    /// Gives a file of another folder a second name here.
    pub(crate) fn link(&self, from: &Self, name: &str) -> io::Result<()> {
        match rustix::fs::linkat(&from.0, name, &self.0, name, AtFlags::empty()) {
            Ok(()) => self.sync(),
            Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<bool> {
        Ok(present(rustix::fs::unlinkat(&self.0, name, AtFlags::empty()))?.is_some())
    }

    /// Waits for the lock that everything holds which changes a layout's `index.json`: `flock` on the layout's root.
    pub(crate) fn lock(&self) -> io::Result<Lock> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = File::from(rustix::fs::openat(&self.0, ".", flags, Mode::empty())?);
        let since = Instant::now();
        loop {
            match handle.try_lock() {
                Ok(()) => return Ok(Lock(handle)),
                Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_FOR => {
                    thread::sleep(LOCK_PAUSE)
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(
                        ErrorKind::ResourceBusy,
                        "another program keeps the layout locked",
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// A held lock; dropping it releases it, and so does the death of the process.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

fn present<T>(result: Result<T, rustix::io::Errno>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
