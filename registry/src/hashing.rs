//! Hashes what flows past on a thread of its own, so that reading and writing go on meanwhile.

use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};
use countersign_proof::digest::Hasher;
use tokio::task::{JoinError, JoinHandle};

/// Pieces are gathered up to this many bytes before they are handed over: handing over costs more than hashing a small piece.
const BATCH_BYTES: usize = 256 << 10;

/// A digest in the making; at most two batches of pieces are held.
pub(crate) struct Hashing {
    step: Step,
    batch: Vec<Bytes>,
    gathered: usize,
}

/// Where the hasher is.
enum Step {
    Here(Hasher),
    Away(JoinHandle<Hasher>),
}

impl Step {
    async fn back(self) -> Result<Hasher, JoinError> {
        match self {
            Self::Here(hasher) => Ok(hasher),
            Self::Away(thread) => thread.await,
        }
    }
}

impl Hashing {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        Self {
            step: Step::Here(Hasher::new(algorithm)),
            batch: Vec::new(),
            gathered: 0,
        }
    }

    /// Takes the next piece; waits when hashing is a whole batch behind.
    pub(crate) async fn update(mut self, piece: Bytes) -> Result<Self, JoinError> {
        self.gathered += piece.len();
        self.batch.push(piece);
        if self.gathered < BATCH_BYTES {
            return Ok(self);
        }
        let hasher = self.step.back().await?;
        let batch = self.batch;
        let thread = tokio::task::spawn_blocking(move || hash(hasher, &batch));
        Ok(Self {
            step: Step::Away(thread),
            batch: Vec::new(),
            gathered: 0,
        })
    }

    /// The digest of all pieces.
    pub(crate) async fn finish(self) -> Result<Digest, JoinError> {
        let hasher = self.step.back().await?;
        Ok(hash(hasher, &self.batch).finish())
    }
}

fn hash(mut hasher: Hasher, batch: &[Bytes]) -> Hasher {
    for piece in batch {
        hasher.update(piece);
    }
    hasher
}
