//! A blob that is read in pieces and hashed while it flows.

use std::fmt;

use bytes::Bytes;
use countersign_formats::Descriptor;
use countersign_proof::digest::Hasher;

use crate::error::{Fault, StoreError};
use crate::store::BoxFuture;

/// Where the pieces of a blob come from.
pub(crate) trait Pieces: Send {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;
}

/// The bytes of a blob in pieces.
///
/// The last piece is held back until the size and the digest of the whole are known to be right: whoever writes what comes out of here
/// never finishes a wrong blob.
pub struct BlobStream {
    pieces: Box<dyn Pieces>,
    descriptor: Descriptor,
    store: String,
    /// Of what came so far; none after the end or an error, and then nothing more comes.
    hasher: Option<Hasher>,
    seen: u64,
    held: Option<Bytes>,
    /// Size and digest were compared.
    right: bool,
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream")
            .field("store", &self.store)
            .field("digest", &self.descriptor.digest)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl BlobStream {
    pub(crate) fn new(pieces: Box<dyn Pieces>, descriptor: &Descriptor, store: String) -> Self {
        Self {
            pieces,
            descriptor: descriptor.clone(),
            store,
            hasher: Some(Hasher::new(descriptor.digest.algorithm())),
            seen: 0,
            held: None,
            right: false,
        }
    }

    /// The next piece; `None` when the whole blob came and is what its descriptor says.
    ///
    /// # Errors
    /// What reading meets, and [`StoreError::Untrusted`] when there are more or fewer bytes, or others.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if self.right {
                return Ok(self.held.take());
            }
            // Taken for as long as it is not known that all is well.
            let mut hasher = self.hasher.take().ok_or_else(|| self.broken_off())?;
            match self.pieces.next().await? {
                Some(piece) => {
                    self.seen += piece.len() as u64;
                    if self.seen > self.descriptor.size {
                        return Err(self.wrong_size());
                    }
                    // Here and not on a thread of its own: the piece is still in this core's cache.
                    hasher.update(&piece);
                    self.hasher = Some(hasher);
                    if piece.is_empty() {
                        continue;
                    }
                    if let Some(before) = self.held.replace(piece) {
                        return Ok(Some(before));
                    }
                }
                None => self.finish(hasher)?,
            }
        }
    }

    fn finish(&mut self, hasher: Hasher) -> Result<(), StoreError> {
        if self.seen != self.descriptor.size {
            return Err(self.wrong_size());
        }
        let found = hasher.finish();
        if found != self.descriptor.digest {
            self.held = None;
            return Err(StoreError::untrusted(
                &self.store,
                Fault::DigestMismatch {
                    expected: self.descriptor.digest,
                    found,
                },
            ));
        }
        self.right = true;
        Ok(())
    }

    fn broken_off(&self) -> StoreError {
        StoreError::Local {
            path: self.store.clone().into(),
            detail: "the reading was broken off before".to_owned(),
        }
    }

    fn wrong_size(&self) -> StoreError {
        StoreError::untrusted(
            &self.store,
            Fault::SizeMismatch {
                digest: self.descriptor.digest,
                expected: self.descriptor.size,
                found: self.seen,
            },
        )
    }
}

/// A blob that is in memory already.
pub(crate) struct Whole(pub(crate) Option<Bytes>);

impl Pieces for Whole {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let piece = self.0.take();
        Box::pin(async move { Ok(piece) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_proof::digest;

    struct List(Vec<&'static [u8]>);
    impl Pieces for List {
        fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
            let next = (!self.0.is_empty()).then(|| Bytes::from_static(self.0.remove(0)));
            Box::pin(async move { Ok(next) })
        }
    }

    fn read(
        pieces: Vec<&'static [u8]>,
        digest_of: &[u8],
        size: u64,
    ) -> (Vec<u8>, Option<&'static str>) {
        let descriptor = Descriptor::new("text/plain", digest::sha256(digest_of), size);
        let mut stream = BlobStream::new(Box::new(List(pieces)), &descriptor, "test".to_owned());
        run(async {
            let mut bytes = Vec::new();
            loop {
                match stream.next().await {
                    Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                    Ok(None) => return (bytes, None),
                    Err(error) => return (bytes, Some(error.code())),
                }
            }
        })
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn after_an_error_the_piece_that_was_held_back_does_not_come() {
        for size in [2, 3] {
            let descriptor = Descriptor::new("text/plain", digest::sha256(b"abc"), size);
            let pieces = Box::new(List(vec![b"ab", b"d"]));
            let mut stream = BlobStream::new(pieces, &descriptor, "test".to_owned());
            run(async {
                while let Ok(Some(piece)) = stream.next().await {
                    assert_eq!(piece, "ab");
                }
                for _ in 0..3 {
                    assert!(stream.next().await.is_err(), "{size}");
                }
            });
        }
    }

    #[test]
    fn a_blob_of_many_batches_is_hashed_whole_and_in_order() {
        static BYTES: [u8; 70_001] = [7; 70_001];
        let pieces: Vec<&'static [u8]> = (1..40).map(|end| BYTES.get(end..).unwrap()).collect();
        let whole = pieces.concat();
        let (bytes, code) = read(pieces.clone(), &whole, whole.len() as u64);
        assert_eq!((bytes.len(), code), (whole.len(), None));
        let mut other = whole.clone();
        *other.last_mut().unwrap() = 8;
        let (bytes, code) = read(pieces, &other, whole.len() as u64);
        assert_eq!(code, Some("digest-mismatch"));
        assert!(bytes.len() < whole.len());
    }

    #[test]
    fn a_right_blob_comes_whole_and_a_wrong_one_never_does() {
        assert_eq!(
            read(vec![b"ab", b"", b"c"], b"abc", 3),
            (b"abc".to_vec(), None)
        );
        assert_eq!(read(vec![], b"", 0), (Vec::new(), None));
        for (pieces, of, size, code) in [
            (vec![&b"ab"[..], b"d"], &b"abc"[..], 3, "digest-mismatch"),
            (vec![b"ab"], b"abc", 3, "size-mismatch"),
            (vec![b"abc", b"d"], b"abc", 3, "size-mismatch"),
            (vec![b"abc"], b"abd", 3, "digest-mismatch"),
        ] {
            let (bytes, found) = read(pieces, of, size);
            assert_eq!(found, Some(code));
            assert!((bytes.len() as u64) < size, "the last piece stays back");
        }
    }
}
