//! Unfinished uploads: pieces are hashed and written as they arrive, and a finished one becomes a blob by a rename.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};
use http::StatusCode;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    body::Payload,
    digesting::{self, Hasher},
    refusal::{Code, Refusal},
    store::LayoutStore,
};

/// Names of repositories cannot begin with a dot, so this is none of them.
const FOLDER: &str = ".countersign-uploads";
/// Pieces are gathered up to this many bytes before they are hashed and written, while the next ones arrive.
const BATCH_BYTES: usize = 1 << 20;

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

/// One unfinished upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) repository: String,
    path: PathBuf,
    touched: Mutex<Instant>,
    pipe: tokio::sync::Mutex<Pipe>,
}

#[derive(Debug)]
struct Pipe {
    received: Arc<Mutex<Received>>,
    /// The batch that is being written. It is kept here and not in the request: when the client goes away in the middle, the
    /// next request waits for it and so sees a consistent state.
    pending: Option<JoinHandle<io::Result<()>>>,
}

struct Received {
    file: File,
    offset: u64,
    algorithm: HashAlgorithm,
    hasher: Option<Hasher>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Received")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// A range of bytes, both ends included, that a client says it sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) last: u64,
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
        let received = Received {
            file,
            offset: 0,
            algorithm,
            hasher: Some(Hasher::new(algorithm)),
        };
        let upload = Arc::new(Upload {
            id: id.clone(),
            repository: repository.to_owned(),
            path,
            touched: Mutex::new(Instant::now()),
            pipe: tokio::sync::Mutex::new(Pipe {
                received: Arc::new(Mutex::new(received)),
                pending: None,
            }),
        });
        live.insert(id, Arc::clone(&upload));
        Ok(upload)
    }

    /// The upload `id` of this repository and no other.
    pub(crate) fn find(&self, repository: &str, id: &str) -> Result<Arc<Upload>, Refusal> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        match live.get(id) {
            Some(upload) if upload.repository == repository => {
                *upload
                    .touched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Instant::now();
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
        live.retain(|_, upload| {
            Arc::strong_count(upload) > 1
                || upload
                    .touched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .elapsed()
                    < self.idle
        });
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

impl Drop for Upload {
    fn drop(&mut self) {
        // Fails after a finished upload, whose file was renamed.
        drop(fs::remove_file(&self.path));
    }
}

impl Upload {
    /// How many bytes have arrived.
    pub(crate) async fn offset(&self) -> Result<u64, Refusal> {
        self.hold()?.offset().await
    }

    /// Appends a request's body. Refuses a chunk that does not continue what is there, with 416.
    pub(crate) async fn append(
        &self,
        payload: &mut Payload,
        chunk: Option<Chunk>,
        cap: u64,
    ) -> Result<u64, Refusal> {
        let mut pipe = self.hold()?;
        let offset = pipe.offset().await?;
        if let Some(Chunk { first, last }) = chunk {
            let length = last
                .checked_sub(first)
                .and_then(|length| length.checked_add(1));
            if first != offset || length.is_none() {
                return Err(self.out_of_order(offset));
            }
            if let (Some(announced), Some(length)) = (payload.announced(), length)
                && announced != length
            {
                return Err(Refusal::bad(
                    Code::SizeInvalid,
                    "`Content-Range` and `Content-Length` disagree",
                ));
            }
        }
        payload.limit(cap.saturating_sub(offset))?;
        let mut batch = Vec::new();
        let mut gathered = 0;
        let mut ended = Ok(());
        loop {
            match payload.piece().await {
                Ok(Some(piece)) => {
                    gathered += piece.len();
                    batch.push(piece);
                    if gathered >= BATCH_BYTES {
                        gathered = 0;
                        pipe.write(std::mem::take(&mut batch)).await?;
                    }
                }
                Ok(None) => break,
                // What arrived before the connection broke is kept: the client asks how much and goes on from there.
                Err(refusal) => {
                    ended = Err(refusal);
                    break;
                }
            }
        }
        pipe.write(batch).await?;
        let after = pipe.offset().await?;
        ended?;
        if chunk.is_some_and(|chunk| chunk.last.checked_add(1) != Some(after)) {
            return Err(Refusal::bad(
                Code::SizeInvalid,
                "body is not as long as `Content-Range` says",
            ));
        }
        Ok(after)
    }

    /// Compares the content with `digest` and gives it its place in `layout`.
    pub(crate) async fn finish(&self, digest: Digest, layout: LayoutStore) -> Result<(), Refusal> {
        let mut pipe = self.hold()?;
        pipe.offset().await?;
        let received = Arc::clone(&pipe.received);
        let path = self.path.clone();
        blocking(move || {
            let (algorithm, hasher) = {
                let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
                (received.algorithm, received.hasher.take())
            };
            let storage = |error: io::Error| Refusal::io("cannot finish an upload", &error);
            let found = match hasher {
                Some(hasher) if algorithm == digest.algorithm() => hasher.finish(),
                _ => digesting::of_file(&path, digest.algorithm()).map_err(storage)?,
            };
            if found != digest {
                return Err(Refusal::bad(
                    Code::DigestInvalid,
                    format!("content has digest `{found}`, not `{digest}`"),
                ));
            }
            received
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .file
                .sync_data()
                .map_err(storage)?;
            layout.create().map_err(storage)?;
            layout.take_blob(&path, &digest).map_err(storage)
        })
        .await
    }

    fn hold(&self) -> Result<tokio::sync::MutexGuard<'_, Pipe>, Refusal> {
        self.pipe.try_lock().map_err(|_| {
            Refusal::new(
                StatusCode::CONFLICT,
                Code::BlobUploadInvalid,
                "another request is writing to this upload",
            )
        })
    }

    fn out_of_order(&self, offset: u64) -> Refusal {
        Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            Code::BlobUploadInvalid,
            format!("chunk does not begin at byte {offset}, where the upload is"),
        )
        .with(http::header::LOCATION, self.location())
        .with(http::header::RANGE, range(offset))
    }

    /// Where the upload goes on.
    pub(crate) fn location(&self) -> String {
        format!("/v2/{}/blobs/uploads/{}", self.repository, self.id)
    }
}

impl Pipe {
    async fn settle(&mut self) -> Result<(), Refusal> {
        if let Some(pending) = &mut self.pending {
            let written = pending.await;
            self.pending = None;
            written
                .map_err(|error| Refusal::storage("cannot write an upload", error))?
                .map_err(|error| Refusal::io("cannot write an upload", &error))?;
        }
        Ok(())
    }

    async fn offset(&mut self) -> Result<u64, Refusal> {
        self.settle().await?;
        Ok(self
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .offset)
    }

    async fn write(&mut self, batch: Vec<Bytes>) -> Result<(), Refusal> {
        self.settle().await?;
        if batch.is_empty() {
            return Ok(());
        }
        let received = Arc::clone(&self.received);
        self.pending = Some(tokio::task::spawn_blocking(move || {
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            for piece in &batch {
                let offset = received.offset;
                received.file.write_all_at(piece, offset)?;
                if let Some(hasher) = &mut received.hasher {
                    hasher.update(piece);
                }
                received.offset = offset.saturating_add(piece.len() as u64);
            }
            Ok(())
        }));
        Ok(())
    }
}

impl Chunk {
    /// `0-1023` as the specification writes it, or `bytes 0-1023/*` as HTTP does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text
            .trim()
            .strip_prefix("bytes")
            .map_or(text, str::trim_start)
            .trim();
        let text = text.split_once('/').map_or(text, |(range, _)| range);
        let (first, last) = text.split_once('-')?;
        Some(Self {
            first: number(first)?,
            last: number(last)?,
        })
    }
}

/// `Range` of what has arrived; the specification has no word for "nothing", and `0-0` is what is understood everywhere.
pub(crate) fn range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

/// Runs what blocks away from the threads that answer.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::storage("a storage task ended", error)),
    }
}

/// A name that others cannot guess: keys of the hash come from the operating system's generator.
pub(crate) fn random_name() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Chunk;

    #[test]
    fn chunk_ranges_are_read_in_both_spellings() {
        assert_eq!(Chunk::parse("0-9"), Some(Chunk { first: 0, last: 9 }));
        assert_eq!(
            Chunk::parse("bytes 10-19/100"),
            Some(Chunk {
                first: 10,
                last: 19
            })
        );
        for text in ["", "-", "1-", "-1", "a-b", "+1-2", "1-99999999999999999999"] {
            assert_eq!(Chunk::parse(text), None, "{text}");
        }
    }
}
