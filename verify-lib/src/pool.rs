//! Proves pieces of evidence without blocking the runtime: a small one that comes alone inline, others on threads.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_proof::{Rejected, Subject, TrustMaterial, Unverified, Verified, verify};
use tokio::sync::Semaphore;

/// Largest piece that is proven inline, in bytes: its hashes take less time than a change of threads.
const INLINE_BYTES: u64 = 256 << 10;

/// What pieces are proven against.
#[derive(Clone)]
pub(crate) struct Prover {
    pub(crate) subject: Subject,
    pub(crate) trust: Arc<TrustMaterial>,
    pub(crate) now: UnixTime,
    /// Whether the bytes of bundles stay in memory with their proofs.
    pub(crate) keeps_bytes: bool,
    /// Threads that prove at once, over all verifications of one verifier.
    pub(crate) threads: Arc<Semaphore>,
}

impl Prover {
    /// Proves a piece; `alone` says that no other waits. `None` when the host could not run it to its end.
    pub(crate) async fn prove(
        &self,
        piece: Result<Unverified, Rejected>,
        alone: bool,
    ) -> Option<Result<Verified, Rejected>> {
        let inline = match &piece {
            Err(_) => true,
            Ok(piece) => alone && piece.size() <= INLINE_BYTES,
        };
        if inline {
            return Some(self.one(piece));
        }
        let _thread = self.threads.acquire().await.ok()?;
        let prover = self.clone();
        tokio::task::spawn_blocking(move || prover.one(piece))
            .await
            .ok()
    }

    fn one(&self, piece: Result<Unverified, Rejected>) -> Result<Verified, Rejected> {
        verify(&piece?, &self.subject, &self.trust, self.now)
    }
}
