//! A store that remembers what another one answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Limits, media_types};
use countersign_proof::digest;
use countersign_registry::{
    BoxFuture, ErrorClass, Fault, ListedVia, Listing, Pushed, Resolved, Store, StoreError, Target,
};

use super::answers::{Answered, Ask, Heard, PlaceRecord};

/// Stands before a store and keeps each of its answers.
pub struct Recorder<'a> {
    store: &'a dyn Store,
    limit: u64,
    kept: Mutex<Kept>,
}

/// What was heard.
#[derive(Default)]
pub(super) struct Kept {
    answers: BTreeMap<Ask, Heard>,
    pub(super) manifests: BTreeMap<Digest, (Bytes, String)>,
    pub(super) blobs: BTreeMap<Digest, Bytes>,
    /// Bytes of all manifests and blobs.
    bytes: u64,
    pub(super) over_limit: bool,
}

impl<'a> Recorder<'a> {
    /// Records the answers of `store`, with at most [`Limits::pack_bytes`] of content.
    #[must_use]
    pub fn new(store: &'a dyn Store, limits: &Limits) -> Self {
        Self {
            store,
            limit: limits.pack_bytes,
            kept: Mutex::new(Kept::default()),
        }
    }

    /// What was asked and heard so far, and the content that goes with it.
    pub(super) fn finish(self) -> (PlaceRecord, Kept) {
        let mut kept = self
            .kept
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let place = PlaceRecord {
            name: self.store.name(),
            answers: std::mem::take(&mut kept.answers)
                .into_iter()
                .map(|(ask, heard)| Answered { ask, heard })
                .collect(),
        };
        (place, kept)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to ask; dropped before there is an answer, it stands for none.
    fn ask(&self, ask: Ask) -> Asking<'_, 'a> {
        Asking {
            recorder: self,
            ask: Some(ask),
        }
    }

    fn keep_manifest(&self, resolved: &Resolved) -> Heard {
        let Descriptor {
            digest,
            media_type,
            size,
            ..
        } = &resolved.descriptor;
        let mut kept = self.kept();
        if !kept.manifests.contains_key(digest) && kept.room(*size, self.limit) {
            let entry = (resolved.bytes.clone(), media_type.clone());
            kept.manifests.insert(*digest, entry);
        }
        Heard::Manifest {
            digest: *digest,
            size: *size,
            media_type: media_type.clone(),
        }
    }

    fn keep_blob(&self, digest: Digest, bytes: &Bytes) {
        let mut kept = self.kept();
        if !kept.blobs.contains_key(&digest) && kept.room(bytes.len() as u64, self.limit) {
            kept.blobs.insert(digest, bytes.clone());
        }
    }
}

impl Kept {
    fn room(&mut self, size: u64, limit: u64) -> bool {
        let total = self.bytes.saturating_add(size);
        if total > limit {
            self.over_limit = true;
            return false;
        }
        self.bytes = total;
        true
    }
}

/// A question that waits for its answer.
struct Asking<'r, 'a> {
    recorder: &'r Recorder<'a>,
    ask: Option<Ask>,
}

impl Asking<'_, '_> {
    fn heard(mut self, heard: Heard) {
        if let Some(ask) = self.ask.take() {
            self.recorder.kept().answers.insert(ask, heard);
        }
    }
}

impl Drop for Asking<'_, '_> {
    fn drop(&mut self) {
        // Whoever asked has stopped waiting: that is how an outage looks from here.
        if let Some(ask) = self.ask.take() {
            let heard = Heard::Failed {
                class: class_word(ErrorClass::Network),
                detail: "there was no answer within the deadline".to_owned(),
            };
            self.recorder.kept().answers.entry(ask).or_insert(heard);
        }
    }
}

/// What the registry's errors call a manifest.
pub(super) const MANIFEST: &str = "manifest";

fn failed(error: &StoreError) -> Heard {
    // Whoever may push puts garbage there: it is evidence that counts for nothing, and no outage.
    if let StoreError::Untrusted { fault, .. } = error
        && let Fault::Malformed { what, error } = &**fault
        && *what == MANIFEST
    {
        return Heard::Malformed {
            error: error.clone(),
        };
    }
    match error {
        StoreError::NotFound { name, .. } => Heard::Absent { name: name.clone() },
        other => Heard::Failed {
            class: class_word(other.class()),
            detail: other.to_string(),
        },
    }
}

/// The word for a class of errors in a record.
pub(super) fn class_word(class: ErrorClass) -> String {
    match class {
        ErrorClass::NotFound => "not-found",
        ErrorClass::Network => "network",
        ErrorClass::Authentication => "authentication",
        ErrorClass::Unreadable => "unreadable",
        ErrorClass::OverLimit => "over-limit",
        ErrorClass::Local => "local",
        ErrorClass::Usage => "usage",
        ErrorClass::Offline => "offline",
        ErrorClass::Unsupported => "unsupported",
    }
    .to_owned()
}

impl Store for Recorder<'_> {
    fn name(&self) -> String {
        self.store.name()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::of(target));
            let answer = self.store.resolve(target).await;
            asking.heard(match &answer {
                Ok(resolved) => self.keep_manifest(resolved),
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::Exists(*digest));
            let answer = self.store.exists(digest).await;
            asking.heard(match &answer {
                Ok(exists) => Heard::Exists { exists: *exists },
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::MaybeTag(tag.to_owned()));
            let answer = self.store.tag(tag).await;
            asking.heard(match &answer {
                Ok(Some(resolved)) => self.keep_manifest(resolved),
                Ok(None) => Heard::Absent {
                    name: tag.to_owned(),
                },
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::Manifest {
                digest: descriptor.digest,
                size: descriptor.size,
            });
            let answer = self.store.manifest(descriptor).await;
            asking.heard(match &answer {
                Ok(resolved) => self.keep_manifest(resolved),
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::Blob {
                digest: descriptor.digest,
                size: descriptor.size,
            });
            let answer = self.store.blob(descriptor, cap).await;
            asking.heard(match &answer {
                Ok(bytes) => {
                    self.keep_blob(descriptor.digest, bytes);
                    Heard::Blob
                }
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(async move {
            let asking = self.ask(Ask::Referrers(*digest));
            let answer = self.store.referrers(digest).await;
            asking.heard(match &answer {
                Ok(listing) => self.keep_listing(listing),
                Err(error) => failed(error),
            });
            answer
        })
    }

    fn push_blob<'a>(&'a self, _: Bytes, _: &'a Digest) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { Err(self.reads_only()) })
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.store.has_blob(digest)
    }

    fn push_manifest<'a>(
        &'a self,
        _: Bytes,
        _: &'a str,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(async move { Err(self.reads_only()) })
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.store.tags()
    }

    fn requests(&self) -> u64 {
        self.store.requests()
    }
}

impl Recorder<'_> {
    fn reads_only(&self) -> StoreError {
        StoreError::Unsupported {
            store: self.name(),
            detail: "what is recorded is only read".to_owned(),
        }
    }

    /// The list as an index, which is the form that a registry gives it in.
    fn keep_listing(&self, listing: &Listing) -> Heard {
        let index = ImageIndex {
            media_type: media_types::OCI_INDEX.to_owned(),
            manifests: listing.descriptors.clone(),
            ..ImageIndex::default()
        };
        let bytes = Bytes::from(index.to_json());
        let digest = digest::sha256(&bytes);
        self.keep_blob(digest, &bytes);
        Heard::Listing {
            digest,
            size: bytes.len() as u64,
            complete: listing.complete,
            via: via_word(listing.via).to_owned(),
        }
    }
}

fn via_word(via: ListedVia) -> &'static str {
    match via {
        ListedVia::Api => "api",
        ListedVia::FallbackTag => "fallback-tag",
        ListedVia::Layout => "layout",
    }
}
