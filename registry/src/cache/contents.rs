//! What a cache holds: counted, and removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::StoreError;

/// Levels of directories below the root: kind, algorithm, shelf, file.
const LEVELS: u8 = 4;

/// What is in a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The directory.
    pub directory: PathBuf,
    /// Manifests and blobs.
    pub contents: u64,
    /// Pages of listings.
    pub listings: u64,
    /// Bytes of all of them together.
    pub bytes: u64,
    /// When the one that was not used for longest was used; `None` when there is none.
    pub oldest: Option<SystemTime>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A file of a cache.
pub(super) struct Kept {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) used: SystemTime,
}

/// All files that can be seen; what cannot be is left alone.
pub(super) fn files(root: &Path) -> Vec<Kept> {
    let mut found = Vec::new();
    drop(walk(root, LEVELS, &mut found));
    found
}

pub(super) fn of(directory: &Path, root: &Path) -> Result<Contents, StoreError> {
    let mut found = Vec::new();
    walk(root, LEVELS, &mut found).map_err(|error| StoreError::local(root, error))?;
    let listings = root.join(super::LISTINGS);
    let (listings, contents): (Vec<&Kept>, Vec<&Kept>) = found
        .iter()
        .partition(|file| file.path.starts_with(&listings));
    Ok(Contents {
        directory: directory.to_owned(),
        contents: contents.len() as u64,
        listings: listings.len() as u64,
        bytes: found.iter().map(|file| file.bytes).sum(),
        oldest: found.iter().map(|file| file.used).min(),
    })
}

pub(super) fn clear(root: &Path) -> Result<Removed, StoreError> {
    let mut found = Vec::new();
    walk(root, LEVELS, &mut found).map_err(|error| StoreError::local(root, error))?;
    let mut removed = Removed::default();
    for file in found {
        match fs::remove_file(&file.path) {
            Ok(()) => {
                removed.files += 1;
                removed.bytes += file.bytes;
            }
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::local(file.path, error)),
        }
    }
    Ok(removed)
}

/// Collects regular files; links are neither followed nor counted.
fn walk(directory: &Path, levels: u8, found: &mut Vec<Kept>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else {
            // It was removed in the meantime.
            continue;
        };
        if metadata.is_dir() && levels > 1 {
            walk(&entry.path(), levels - 1, found)?;
        } else if metadata.is_file() {
            found.push(Kept {
                path: entry.path(),
                bytes: metadata.len(),
                used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
    }
    Ok(())
}
