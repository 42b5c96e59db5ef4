//! Content that was fetched before, on disk: manifests and blobs by digest, listings by what they answered.
//!
//! Never a verdict. A content is hashed each time it is read, so that a changed file is a missing one. A listing is used only when the
//! registry says, to the `ETag` that it gave itself, that it did not change. Files are written beside and renamed, so that any number of
//! processes share a directory; nothing that fails here fails what is being done.

mod contents;
mod listings;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use countersign_formats::Digest;
use countersign_proof::digest;

use crate::error::StoreError;

pub use contents::{Contents, Removed};
pub(crate) use listings::KeptListing;

/// Below the directory, so that another layout can live beside this one.
const VERSION: &str = "v1";
/// Content by digest.
const CONTENT: &str = "content";
/// Listings by the address that they were asked at.
const LISTINGS: &str = "listings";
/// Largest content that is kept, in bytes: evidence, never the layers of images.
const ENTRY_BYTES: u64 = 16 << 20;
/// One write in so many looks whether the cap is passed; looking reads the whole directory.
const LOOK_SHARE: u8 = 16;
/// Of the cap, what is left after making room.
const ROOM_PERCENT: u64 = 90;

/// A directory of content that was fetched before; clones are the same cache.
#[derive(Debug, Clone)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    /// Bytes of all files together.
    limit: u64,
    /// Bytes written since the last look at the whole.
    written: AtomicU64,
}

impl Cache {
    /// Default cap on all files together, in bytes.
    pub const LIMIT: u64 = 256 << 20;

    /// A cache in `directory` of at most `limit` bytes; the directory is made when the first thing is kept.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, limit: u64) -> Self {
        Self(Arc::new(Inner {
            directory: directory.into(),
            limit,
            written: AtomicU64::new(0),
        }))
    }

    /// Where a user's cache is: below `XDG_CACHE_HOME`, else below `HOME`; `None` when neither is set.
    pub fn user_directory(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let set = |name: &str| {
            env(name)
                .map(PathBuf::from)
                // The base directory specification: what is relative is to be passed over.
                .filter(|path| path.is_absolute())
        };
        set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .map(|cache| cache.join("countersign").join("evidence"))
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// The cap on all files together, in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// The content of a digest, if it is here and whole; what is here and not whole is removed.
    pub(crate) fn content(&self, digest: &Digest, size: u64) -> Option<Bytes> {
        if size > ENTRY_BYTES {
            return None;
        }
        let path = self.content_path(digest);
        let bytes = read(&path, size)?;
        if !digest::matches(digest, &bytes) {
            drop(fs::remove_file(&path));
            return None;
        }
        touch(&path);
        Some(Bytes::from(bytes))
    }

    /// Keeps content that was checked against its digest; what cannot be kept is not.
    pub(crate) fn keep_content(&self, digest: &Digest, bytes: &[u8]) {
        let path = self.content_path(digest);
        if bytes.len() as u64 > ENTRY_BYTES.min(self.0.limit / 4) || path.exists() {
            return;
        }
        if write(&path, bytes).is_ok() {
            let look = digest
                .as_bytes()
                .first()
                .is_some_and(|byte| byte % LOOK_SHARE == 0);
            self.wrote(bytes.len() as u64, look);
        }
    }

    fn content_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let shelf: String = hex.chars().take(2).collect();
        self.root()
            .join(CONTENT)
            .join(digest.algorithm().name())
            .join(shelf)
            .join(hex)
    }

    fn root(&self) -> PathBuf {
        self.0.directory.join(VERSION)
    }

    /// Makes room when the cap may be passed.
    fn wrote(&self, bytes: u64, look: bool) {
        let written = self.0.written.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if look || written > self.0.limit / 16 {
            self.0.written.store(0, Ordering::Relaxed);
            self.make_room();
        }
    }

    /// Removes what was not used for longest until the files are under the cap; one process at a time.
    fn make_room(&self) {
        let root = self.root();
        let Ok(lock) = File::open(&root) else {
            return;
        };
        if lock.try_lock().is_err() {
            return;
        }
        let mut files = contents::files(&root);
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        if total <= self.0.limit {
            return;
        }
        files.sort_by_key(|file| file.used);
        let aim = self.0.limit / 100 * ROOM_PERCENT;
        for file in files {
            if total <= aim {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                total = total.saturating_sub(file.bytes);
            }
        }
    }

    /// What is in the cache now.
    ///
    /// # Errors
    /// [`StoreError::Local`] when the directory is there and cannot be read.
    pub fn contents(&self) -> Result<Contents, StoreError> {
        contents::of(&self.0.directory, &self.root())
    }

    /// Removes everything that this cache keeps, and nothing else in its directory.
    ///
    /// # Errors
    /// [`StoreError::Local`] when something cannot be removed.
    pub fn clear(&self) -> Result<Removed, StoreError> {
        contents::clear(&self.root())
    }
}

/// Exactly `size` bytes of a regular file.
fn read(path: &Path, size: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() != size {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
    file.take(size).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == size).then_some(bytes)
}

/// Says that a file was used: setting its length to what it is changes its time and nothing else, and asks no clock of ours.
fn touch(path: &Path) {
    if let Ok(file) = File::options().write(true).open(path)
        && let Ok(metadata) = file.metadata()
    {
        drop(file.set_len(metadata.len()));
    }
}

/// Writes a file beside and puts it in place, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path
        .parent()
        .ok_or_else(|| std::io::Error::other("a path without a directory"))?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // What a user verifies is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Cache, ENTRY_BYTES};
    use countersign_proof::digest::sha256;

    fn cache(limit: u64) -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().join("cache"), limit);
        (directory, cache)
    }

    #[test]
    fn what_was_kept_is_read_and_hashed_each_time() {
        let (_directory, cache) = cache(Cache::LIMIT);
        let digest = sha256(b"evidence");
        assert_eq!(cache.content(&digest, 8), None);
        cache.keep_content(&digest, b"evidence");
        assert_eq!(cache.content(&digest, 8).as_deref(), Some(&b"evidence"[..]));
        // Another size than the descriptor's is another thing.
        assert_eq!(cache.content(&digest, 7), None);
        std::fs::write(cache.content_path(&digest), b"tampered").unwrap();
        assert_eq!(cache.content(&digest, 8), None);
        assert!(
            !cache.content_path(&digest).exists(),
            "what is not whole is removed"
        );
    }

    #[test]
    fn the_cap_holds_and_what_was_used_lately_stays() {
        let (_directory, cache) = cache(64 << 10);
        let first = sha256(&[0; 1000]);
        cache.keep_content(&first, &[0; 1000]);
        for number in 1..=200_u8 {
            std::thread::sleep(std::time::Duration::from_millis(2));
            let bytes = [number; 1000];
            cache.keep_content(&sha256(&bytes), &bytes);
            assert!(
                cache.content(&first, 1000).is_some(),
                "used each time, gone at {number}"
            );
        }
        cache.make_room();
        let contents = cache.contents().unwrap();
        assert!(
            contents.bytes <= 64 << 10,
            "{contents:?} is over the cap of 64 KiB"
        );
        assert!(contents.contents > 30, "{contents:?}");
        let last = [200; 1000];
        assert!(cache.content(&sha256(&last), 1000).is_some());
        let oldest = [1; 1000];
        assert!(cache.content(&sha256(&oldest), 1000).is_none());
    }

    #[test]
    fn layers_of_images_are_not_kept() {
        let (_directory, cache) = cache(Cache::LIMIT);
        let large = vec![7; usize::try_from(ENTRY_BYTES).unwrap() + 1];
        cache.keep_content(&sha256(&large), &large);
        assert_eq!(cache.contents().unwrap().contents, 0);
    }

    #[test]
    fn clear_removes_what_is_the_caches_and_nothing_else() {
        let (directory, cache) = cache(Cache::LIMIT);
        cache.keep_content(&sha256(b"a"), b"a");
        cache.keep_content(&sha256(b"b"), b"b");
        let mine = directory.path().join("cache").join("mine");
        std::fs::write(&mine, "mine").unwrap();
        let removed = cache.clear().unwrap();
        assert_eq!((removed.files, removed.bytes), (2, 2));
        assert!(mine.exists());
        assert_eq!(cache.contents().unwrap().contents, 0);
        assert_eq!(cache.clear().unwrap().files, 0);
    }

    #[test]
    fn many_writers_leave_whole_files() {
        let (_directory, cache) = cache(Cache::LIMIT);
        let digest = sha256(&[9; 5000]);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        cache.keep_content(&digest, &[9; 5000]);
                        if let Some(bytes) = cache.content(&digest, 5000) {
                            assert_eq!(bytes.len(), 5000);
                        }
                    }
                });
            }
        });
        assert!(cache.content(&digest, 5000).is_some());
    }

    #[test]
    fn a_directory_that_cannot_be_written_costs_nothing_but_speed() {
        let cache = Cache::new("/proc/countersign-nothing-can-be-made-here", Cache::LIMIT);
        cache.keep_content(&sha256(b"a"), b"a");
        assert_eq!(cache.content(&sha256(b"a"), 1), None);
        assert_eq!(cache.contents().unwrap().contents, 0);
    }
}
