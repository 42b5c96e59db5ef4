//! The stores of a record: they answer what was answered when it was made, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Limits, UnixTime};
use countersign_proof::Image;
use countersign_registry::{
    BoxFuture, ErrorClass, Fault, ListedVia, Listing, Pushed, Resolved, Store, StoreError, Target,
    Thing,
};

use super::answers::{Ask, Heard, PlaceRecord};
use super::document::ImageRecord;
use super::recorder::MANIFEST;
use crate::error::VerifyError;
use crate::pack::Pack;
use crate::verifier::{Verification, Verifier};

/// A record ready to be judged again.
pub struct Replay {
    target: Target,
    places: Vec<Place>,
}

struct Place {
    name: String,
    answers: BTreeMap<Ask, Heard>,
    content: Arc<dyn Store>,
    limits: Limits,
}

impl Replay {
    /// The stores of `record`, whose content is in `pack`.
    #[must_use]
    pub fn new(record: &ImageRecord, pack: &Pack, limits: &Limits) -> Self {
        Self {
            target: record.target.clone(),
            places: record
                .places
                .iter()
                .map(|place| Place::new(place, pack.store(), limits))
                .collect(),
        }
    }

    /// Judges the record by the policies and the trust of `verifier`, as of `now`; no socket is opened.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify_in`].
    pub async fn verify(
        &self,
        verifier: &Verifier,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.verify_target(verifier, &self.target, now).await
    }

    /// As [`Replay::verify`], for another target of the same store: a manifest of the index.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn verify_target(
        &self,
        verifier: &Verifier,
        target: &Target,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let (own, others) = self.stores()?;
        verifier.verify_with(own, &others, target, now).await
    }

    /// As [`Replay::verify`], for an image that `index`, which was recorded, lists.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify_through`].
    pub async fn verify_through(
        &self,
        verifier: &Verifier,
        index: &Image,
        image: &Digest,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let (own, others) = self.stores()?;
        let target = Target::Digest(*image);
        verifier
            .verify_through_with(own, &others, &target, index, now)
            .await
    }

    /// The recorded manifest of `digest`: an index, or an image.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Store`] with what was heard in its place.
    pub async fn manifest(&self, digest: &Digest) -> Result<Resolved, VerifyError> {
        let (own, _) = self.stores()?;
        let target = Target::Digest(*digest);
        own.resolve(&target).await.map_err(VerifyError::Store)
    }

    /// The image's own store, and the others.
    fn stores(&self) -> Result<(&Place, Vec<&dyn Store>), VerifyError> {
        let mut places = self.places.iter();
        let own = places.next().ok_or_else(|| VerifyError::NotFound {
            name: "the record".to_owned(),
        })?;
        Ok((own, places.map(|place| place as &dyn Store).collect()))
    }
}

impl Place {
    fn new(record: &PlaceRecord, content: Arc<dyn Store>, limits: &Limits) -> Self {
        Self {
            name: record.name.clone(),
            answers: record
                .answers
                .iter()
                .map(|answered| (answered.ask.clone(), answered.heard.clone()))
                .collect(),
            content,
            limits: limits.clone(),
        }
    }

    fn heard(&self, ask: &Ask) -> Result<&Heard, StoreError> {
        self.answers.get(ask).ok_or_else(|| StoreError::Recorded {
            store: self.name.clone(),
            class: ErrorClass::Local,
            detail: "the pack has no answer to this question; record the image again".to_owned(),
        })
    }

    /// What `ask` was answered with when it was not what belongs to the question.
    fn other(&self, thing: Thing, heard: &Heard) -> StoreError {
        match heard {
            Heard::Absent { name } => StoreError::NotFound {
                thing,
                name: name.clone(),
            },
            Heard::Malformed { error } => StoreError::Untrusted {
                store: self.name.clone(),
                fault: Box::new(Fault::Malformed {
                    what: MANIFEST,
                    error: error.clone(),
                }),
            },
            Heard::Failed { class, detail } => StoreError::Recorded {
                store: self.name.clone(),
                class: class_of(class),
                detail: detail.clone(),
            },
            _ => StoreError::Recorded {
                store: self.name.clone(),
                class: ErrorClass::Unreadable,
                detail: "the pack's answer does not fit the question".to_owned(),
            },
        }
    }

    async fn manifest_of(&self, heard: &Heard) -> Result<Resolved, StoreError> {
        let Heard::Manifest {
            digest,
            size,
            media_type,
        } = heard
        else {
            return Err(self.other(Thing::Image, heard));
        };
        let descriptor = Descriptor::new(media_type.clone(), *digest, *size);
        let mut resolved = self.content.manifest(&descriptor).await?;
        // The type with which it came then, which for a manifest that names none is part of what it says.
        resolved.descriptor.media_type.clone_from(media_type);
        Ok(resolved)
    }
}

/// The class of errors that a record's word means; an unknown one is no answer.
fn class_of(word: &str) -> ErrorClass {
    match word {
        "network" | "offline" => ErrorClass::Network,
        "authentication" => ErrorClass::Authentication,
        "over-limit" => ErrorClass::OverLimit,
        "local" => ErrorClass::Local,
        "not-found" => ErrorClass::NotFound,
        _ => ErrorClass::Unreadable,
    }
}

impl Store for Place {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move { self.manifest_of(self.heard(&Ask::of(target))?).await })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            if let Some(Heard::Manifest { .. }) = self.answers.get(&Ask::Digest(*digest)) {
                return Ok(true);
            }
            match self.heard(&Ask::Exists(*digest))? {
                Heard::Exists { exists } => Ok(*exists),
                other => Err(self.other(Thing::Image, other)),
            }
        })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move {
            match self.heard(&Ask::MaybeTag(tag.to_owned()))? {
                Heard::Absent { .. } => Ok(None),
                heard => self.manifest_of(heard).await.map(Some),
            }
        })
    }

    fn manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let ask = Ask::Manifest {
                digest: descriptor.digest,
                size: descriptor.size,
            };
            self.manifest_of(self.heard(&ask)?).await
        })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            let ask = Ask::Blob {
                digest: descriptor.digest,
                size: descriptor.size,
            };
            match self.heard(&ask)? {
                Heard::Blob => self.content.blob(descriptor, cap).await,
                other => Err(self.other(Thing::Blob, other)),
            }
        })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(async move {
            let heard = self.heard(&Ask::Referrers(*digest))?;
            let Heard::Listing {
                digest,
                size,
                complete,
                via,
            } = heard
            else {
                return Err(self.other(Thing::Image, heard));
            };
            let list = Descriptor::new("application/octet-stream", *digest, *size);
            let bytes = self.content.blob(&list, self.limits.manifest_bytes).await?;
            let (index, whole) =
                ImageIndex::parse_up_to(&bytes, None, self.limits.referrers, &self.limits)
                    .map_err(|_| self.other(Thing::Image, heard))?;
            Ok(Listing {
                descriptors: index.manifests,
                complete: *complete && whole,
                via: match via.as_str() {
                    "api" => ListedVia::Api,
                    "fallback-tag" => ListedVia::FallbackTag,
                    _ => ListedVia::Layout,
                },
            })
        })
    }

    fn push_blob<'a>(&'a self, _: Bytes, _: &'a Digest) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { Err(self.reads_only()) })
    }

    fn has_blob<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Err(self.reads_only()) })
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
        Box::pin(async move { Err(self.reads_only()) })
    }

    fn requests(&self) -> u64 {
        0
    }
}

impl Place {
    fn reads_only(&self) -> StoreError {
        StoreError::Unsupported {
            store: self.name.clone(),
            detail: "a pack answers what was recorded and nothing else".to_owned(),
        }
    }
}
