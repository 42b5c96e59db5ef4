//! The bytes of one upload, hashed and written while the next ones arrive.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use countersign_formats::HashAlgorithm;
use tokio::task::JoinHandle;

use crate::{digesting::Hasher, refusal::Refusal};

#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) received: Arc<Mutex<Received>>,
    /// The batch that is being written. It is kept here and not in the request: when the client goes away in the middle, the
    /// next request waits for it and so sees a consistent state.
    pending: Option<JoinHandle<io::Result<()>>>,
}

/// What has arrived.
pub(super) struct Received {
    pub(super) file: File,
    offset: u64,
    pub(super) algorithm: HashAlgorithm,
    pub(super) hasher: Option<Hasher>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Received")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Pipe {
    pub(super) fn new(file: File, algorithm: HashAlgorithm) -> Self {
        Self {
            received: Arc::new(Mutex::new(Received {
                file,
                offset: 0,
                algorithm,
                hasher: Some(Hasher::new(algorithm)),
            })),
            pending: None,
        }
    }

    /// How many bytes have arrived, all of them written.
    pub(super) async fn offset(&mut self) -> Result<u64, Refusal> {
        self.settle().await?;
        Ok(self
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .offset)
    }

    /// Begins to write a batch, once the one before it is written.
    pub(super) async fn write(&mut self, batch: Vec<Bytes>) -> Result<(), Refusal> {
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
}
