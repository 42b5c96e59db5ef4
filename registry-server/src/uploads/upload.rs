//! One unfinished upload: a finished one becomes a blob by a rename.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use countersign_formats::{Digest, HashAlgorithm};
use http::StatusCode;
use tokio::time::Instant;

use super::{
    chunk::{Chunk, range},
    pipe::Pipe,
};
use crate::{
    blocking::blocking,
    body::Payload,
    digesting,
    refusal::{Code, Refusal},
    store::LayoutStore,
};

/// Pieces are gathered up to this many bytes before they are hashed and written, while the next ones arrive.
const BATCH_BYTES: usize = 1 << 20;

/// One unfinished upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) repository: String,
    path: PathBuf,
    touched: Mutex<Instant>,
    pipe: tokio::sync::Mutex<Pipe>,
}

impl Upload {
    pub(super) fn new(
        id: String,
        repository: &str,
        path: PathBuf,
        file: File,
        algorithm: HashAlgorithm,
    ) -> Self {
        Self {
            id,
            repository: repository.to_owned(),
            path,
            touched: Mutex::new(Instant::now()),
            pipe: tokio::sync::Mutex::new(Pipe::new(file, algorithm)),
        }
    }

    /// Notes that somebody goes on with it.
    pub(super) fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long nobody went on with it.
    pub(super) fn idle(&self) -> Duration {
        self.touched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }

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

impl Drop for Upload {
    fn drop(&mut self) {
        // Fails after a finished upload, whose file was renamed.
        drop(fs::remove_file(&self.path));
    }
}
