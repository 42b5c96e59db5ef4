//! Unfinished uploads, by name, until they are finished or forgotten.

mod chunk;
mod pipe;
mod upload;

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use countersign_formats::HashAlgorithm;
use http::StatusCode;

use crate::{
    random::random_name,
    refusal::{Code, Refusal},
};

pub(crate) use chunk::{Chunk, range};
pub(crate) use upload::Upload;

/// Names of repositories cannot begin with a dot, so this is none of them.
const FOLDER: &str = ".countersign-uploads";

/// All unfinished uploads of one server. They end with it.
#[derive(Debug)]
pub(crate) struct Uploads {
    directory: PathBuf,
    /// Made at the first upload, so that a server that is only read from writes nothing.
    folder: OnceLock<Spool>,
    live: Mutex<HashMap<String, Arc<Upload>>>,
    most: usize,
    idle: Duration,
}

/// A folder of this process; the lock on it says that the process lives.
#[derive(Debug)]
struct Spool {
    path: PathBuf,
    _lock: File,
}

impl Uploads {
    pub(crate) fn new(directory: &Path, most: usize, idle: Duration) -> Self {
        Self {
            directory: directory.join(FOLDER),
            folder: OnceLock::new(),
            live: Mutex::default(),
            most,
            idle,
        }
    }

    /// Begins an upload; blocks.
    pub(crate) fn begin(
        &self,
        repository: &str,
        algorithm: HashAlgorithm,
    ) -> Result<Arc<Upload>, Refusal> {
        self.sweep();
        let folder = self
            .folder()
            .map_err(|error| Refusal::io("cannot make a folder for uploads", &error))?;
        let id = random_name();
        let path = folder.join(&id);
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.len() >= self.most {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyRequests,
                "too many unfinished uploads",
            )
            .with(http::header::RETRY_AFTER, "5"));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| Refusal::io("cannot make a file for an upload", &error))?;
        let upload = Arc::new(Upload::new(id.clone(), repository, path, file, algorithm));
        live.insert(id, Arc::clone(&upload));
        Ok(upload)
    }

    /// The upload `id` of this repository and no other.
    pub(crate) fn find(&self, repository: &str, id: &str) -> Result<Arc<Upload>, Refusal> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        match live.get(id) {
            Some(upload) if upload.repository == repository => {
                upload.touch();
                Ok(Arc::clone(upload))
            }
            _ => Err(Refusal::absent(
                Code::BlobUploadUnknown,
                "upload is not known: it was finished, cancelled or forgotten",
            )),
        }
    }

    /// Forgets an upload; its file goes with the last request that uses it.
    pub(crate) fn forget(&self, upload: &Upload) {
        self.live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&upload.id);
    }

    /// Forgets uploads that nobody continued for a long time.
    pub(crate) fn sweep(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, upload| Arc::strong_count(upload) > 1 || upload.idle() < self.idle);
    }

    fn folder(&self) -> io::Result<&Path> {
        if let Some(spool) = self.folder.get() {
            return Ok(&spool.path);
        }
        let spool = Spool::open(&self.directory)?;
        // When two first uploads meet, the other's folder is used and this one removed by its drop.
        Ok(&self.folder.get_or_init(|| spool).path)
    }
}

impl Spool {
    fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        for entry in fs::read_dir(directory)?.take(1024).flatten() {
            // A killed server cannot hold its lock.
            if let Ok(lock) = File::open(entry.path())
                && lock.try_lock().is_ok()
            {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        let path = directory.join(random_name());
        fs::create_dir(&path)?;
        let lock = File::open(&path)?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
        // Goes only when no other server uses it.
        if let Some(directory) = self.path.parent() {
            drop(fs::remove_dir(directory));
        }
    }
}
