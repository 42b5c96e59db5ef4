//! The body of an answer, read under a cap.

use bytes::Bytes;
use countersign_formats::Descriptor;
use countersign_proof::digest::Hasher;
use reqwest::header::CONTENT_ENCODING;

use super::failure::broken;
use super::transport::{Seen, Transport};
use crate::error::{Fault, StoreError};
use crate::settings::Event;

/// Bytes of a transfer between two reports of its progress; shorter transfers are not reported.
const PROGRESS_BYTES: u64 = 1 << 20;
/// Bytes that are taken for a body before its length is known.
const FIRST_BYTES: u64 = 16 << 10;

/// What body a successful answer may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect<'a> {
    /// One that does not matter; it is read like an error's, so that the connection can be used again.
    Nothing,
    /// A document of at most so many bytes.
    Document { cap: u64, what: &'static str },
    /// Exactly these bytes.
    Blob(&'a Descriptor),
    /// Exactly these bytes, left on the connection for whoever asked.
    Stream(&'a Descriptor),
}

impl Transport<'_> {
    /// A whole document, or an error as soon as it is over the cap.
    pub(super) async fn read_document(
        &self,
        response: &mut reqwest::Response,
        cap: u64,
        what: &'static str,
        seen: &mut Seen,
    ) -> Result<Bytes, StoreError> {
        self.refuse_encoded(response)?;
        let over = || StoreError::untrusted(self.store, Fault::OverLimit { what, limit: cap });
        let announced = response.content_length();
        if announced.is_some_and(|length| length > cap) {
            return Err(over());
        }
        let mut body = Vec::with_capacity(
            usize::try_from(announced.unwrap_or(FIRST_BYTES).min(cap)).unwrap_or_default(),
        );
        while let Some(chunk) = self.chunk(response).await? {
            seen.bytes += chunk.len() as u64;
            if seen.bytes > cap {
                return Err(over());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(body))
    }

    /// Exactly the bytes of the descriptor, hashed as they come.
    pub(super) async fn read_blob(
        &self,
        response: &mut reqwest::Response,
        descriptor: &Descriptor,
        seen: &mut Seen,
    ) -> Result<Bytes, StoreError> {
        self.check_announced(response, descriptor)?;
        let wrong_size = |found: u64| {
            let fault = Fault::SizeMismatch {
                digest: descriptor.digest,
                expected: descriptor.size,
                found,
            };
            StoreError::untrusted(self.store, fault)
        };
        // The size is under the caller's cap; memory that is reserved and never written costs nothing.
        let mut body =
            Vec::with_capacity(usize::try_from(descriptor.size).map_err(|_| wrong_size(0))?);
        let mut hasher = Hasher::new(descriptor.digest.algorithm());
        let mut reported = 0;
        while let Some(chunk) = self.chunk(response).await? {
            seen.bytes += chunk.len() as u64;
            if seen.bytes > descriptor.size {
                return Err(wrong_size(seen.bytes));
            }
            hasher.update(&chunk);
            body.extend_from_slice(&chunk);
            if seen.bytes - reported >= PROGRESS_BYTES {
                reported = seen.bytes;
                self.settings.tell(&Event::Progress {
                    done: seen.bytes,
                    total: descriptor.size,
                });
            }
        }
        if seen.bytes != descriptor.size {
            return Err(wrong_size(seen.bytes));
        }
        let found = hasher.finish();
        if found != descriptor.digest {
            return Err(StoreError::untrusted(
                self.store,
                Fault::DigestMismatch {
                    expected: descriptor.digest,
                    found,
                },
            ));
        }
        Ok(Bytes::from(body))
    }

    /// The first bytes of an error's body; what is wrong with the rest does not matter.
    pub(super) async fn read_part(
        &self,
        response: &mut reqwest::Response,
        seen: &mut Seen,
    ) -> Bytes {
        let cap = usize::try_from(self.settings.limits.error_body_bytes).unwrap_or(usize::MAX);
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            seen.bytes += chunk.len() as u64;
            let room = cap.saturating_sub(body.len());
            body.extend(chunk.iter().copied().take(room));
            if chunk.len() > room {
                break;
            }
        }
        Bytes::from(body)
    }

    /// Refuses a blob that says of itself that it is not the one asked for.
    pub(super) fn check_announced(
        &self,
        response: &reqwest::Response,
        descriptor: &Descriptor,
    ) -> Result<(), StoreError> {
        self.refuse_encoded(response)?;
        match response.content_length() {
            Some(length) if length != descriptor.size => Err(StoreError::untrusted(
                self.store,
                Fault::SizeMismatch {
                    digest: descriptor.digest,
                    expected: descriptor.size,
                    found: length,
                },
            )),
            _ => Ok(()),
        }
    }

    async fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<Bytes>, StoreError> {
        match response.chunk().await {
            Ok(chunk) => Ok(chunk),
            Err(error) => {
                let url = response.url().clone();
                Err(broken(&url, error))
            }
        }
    }

    /// We ask for no encoding: a decoded body could be any number of times larger than what was counted.
    fn refuse_encoded(&self, response: &reqwest::Response) -> Result<(), StoreError> {
        let encoded = response
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        if encoded {
            return Err(StoreError::response(
                self.store,
                "the answer has a `Content-Encoding` that was not asked for",
            ));
        }
        Ok(())
    }
}
