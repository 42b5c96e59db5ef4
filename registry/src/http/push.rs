//! Writing blobs and manifests, and making a manifest findable by its subject.

use std::time::Instant;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Manifest, media_types};
use countersign_proof::digest;
use reqwest::header::{HeaderValue, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, Url};

use super::call::Call;
use super::pace::Pace;
use super::referrers::FallbackIndex;
use super::transfer::Place;
use super::{Registry, origin};
use crate::depot::Edit;
use crate::error::{Fault, Outage, StoreError};
use crate::layout::referrer_descriptor;
use crate::referrer::fallback_tag;
use crate::settings::Event;
use crate::store::{ListedVia, Pushed, Resolved};

/// Times in a row that the entry must be seen in the fallback index before it counts as settled.
pub(super) const CONFIRMATIONS: u32 = 3;
/// Rounds of writing and looking before giving up; eight writers at once need two rounds each.
pub(super) const ROUNDS: u32 = 64;
/// Times that a registry which lists referrers itself is told of one again.
const RELISTINGS: u32 = 4;
/// Broken connections that are put up with while writing.
pub(super) const BROKEN: u32 = 6;

impl Registry {
    /// Uploads a blob in one piece: POST for a place, PUT to it.
    pub(super) async fn upload_blob(
        &self,
        bytes: Bytes,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let found = digest::of(digest.algorithm(), &bytes);
        if found != *digest {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::DigestMismatch {
                    expected: *digest,
                    found,
                },
            ));
        }
        let place = self.begin_upload().await?;
        self.upload_to(&place, bytes, digest).await
    }

    pub(super) async fn upload_once(
        &self,
        bytes: Bytes,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let place = self.begin_upload().await?;
        self.fill(&place, bytes, digest).await
    }

    /// Uploads to a place that was given, in one piece, and anew where the connection breaks.
    pub(super) async fn upload_to(
        &self,
        place: &Place,
        bytes: Bytes,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        match self.fill(place, bytes.clone(), digest).await {
            // The place is used up, so that the whole is begun anew; the registry forgets the rest.
            Err(error) if is_broken(&error) => self.upload_once(bytes, digest).await,
            result => result,
        }
    }

    async fn fill(&self, place: &Place, bytes: Bytes, digest: &Digest) -> Result<(), StoreError> {
        let place = self.upload_place(&place.from, place.location.as_ref(), digest)?;
        let put = Call {
            content_type: Some("application/octet-stream"),
            body: Some(bytes),
            repeatable: false,
            ..Call::change(Method::PUT, place)
        };
        let reply = self.ask(&put).await?;
        match reply.status.as_u16() {
            201 => Ok(()),
            _ => Err(self.unusable(&reply)),
        }
    }

    /// The place for an upload, as the registry spells it, with the digest appended. It may be on another host, which then gets no login.
    pub(super) fn upload_place(
        &self,
        from: &Url,
        location: Option<&HeaderValue>,
        digest: &Digest,
    ) -> Result<Url, StoreError> {
        let location = location.ok_or_else(|| {
            StoreError::response(&self.name, "an upload was begun without a `Location`")
        })?;
        let place = self.target(from, location, "upload location")?;
        if !place.username().is_empty() || place.password().is_some() {
            let fault = Fault::Refused {
                what: "upload location",
                target: origin::shown(&place),
                reason: "it holds a user name",
            };
            return Err(StoreError::untrusted(&self.name, fault));
        }
        // Appended to the text: a URL that is taken apart and put together again may lose what its maker signed.
        let (text, _) = place
            .as_str()
            .split_once('#')
            .unwrap_or((place.as_str(), ""));
        let separator = if place.query().is_some() { '&' } else { '?' };
        let text = format!(
            "{text}{separator}digest={}",
            digest.to_string().replace(':', "%3A")
        );
        Url::parse(&text)
            .map_err(|_| StoreError::response(&self.name, "an upload location that is not a URL"))
    }

    /// Stores a manifest under its digest, or a tag, and makes it findable by its subject.
    pub(super) async fn upload_manifest(
        &self,
        bytes: Bytes,
        media_type: &str,
        tag: Option<&str>,
    ) -> Result<Pushed, StoreError> {
        let manifest =
            Manifest::parse(&bytes, Some(media_type), &self.settings.limits).map_err(|error| {
                StoreError::untrusted(
                    &self.name,
                    Fault::Malformed {
                        what: "manifest to push",
                        error: error.to_string(),
                    },
                )
            })?;
        let descriptor = Descriptor::new(media_type, digest::sha256(&bytes), bytes.len() as u64);
        let reference = tag.map_or_else(|| descriptor.digest.to_string(), str::to_owned);
        let resolved = Resolved {
            descriptor,
            bytes,
            manifest,
        };
        let listed = self.store_manifest(&resolved, &reference).await?;
        let via = match resolved.manifest.subject() {
            None => None,
            Some(subject) if listed => {
                self.stay_listed(&subject.digest, &resolved, &reference)
                    .await?;
                Some(ListedVia::Api)
            }
            Some(subject) => {
                self.list_under_tag(&subject.digest, &[referrer_descriptor(&resolved)])
                    .await?;
                Some(ListedVia::FallbackTag)
            }
        };
        Ok(Pushed {
            descriptor: resolved.descriptor,
            via,
        })
    }

    /// Looks whether the registry's own list has what it took, and says it again when it has not: some lose an entry when two come at once.
    ///
    /// A list that cannot be read, or that lags behind, is no reason to call what was stored lost.
    async fn stay_listed(
        &self,
        subject: &Digest,
        resolved: &Resolved,
        reference: &str,
    ) -> Result<(), StoreError> {
        for _ in 0..RELISTINGS {
            tokio::time::sleep(Pace::default().pause()).await;
            let Ok(Some(listing)) = self.ask_api(subject).await else {
                return Ok(());
            };
            let digest = resolved.descriptor.digest;
            let has = |entry: &Descriptor| entry.digest == digest;
            if !listing.complete || listing.descriptors.iter().any(has) {
                return Ok(());
            }
            self.store_manifest(resolved, reference).await?;
        }
        self.settings.tell(&Event::Note(format!(
            "`{}` took a referrer of `{subject}` and does not list it yet",
            self.name
        )));
        Ok(())
    }

    /// Puts a manifest; true when the registry lists it by its subject itself, or it has none.
    pub(super) async fn store_manifest(
        &self,
        resolved: &Resolved,
        reference: &str,
    ) -> Result<bool, StoreError> {
        let put = Call {
            content_type: Some(&resolved.descriptor.media_type),
            body: Some(resolved.bytes.clone()),
            ..Call::change(Method::PUT, self.url(&format!("manifests/{reference}"))?)
        };
        let reply = self.ask(&put).await?;
        if reply.status.as_u16() != 201 {
            return Err(self.unusable(&reply));
        }
        let Some(subject) = resolved.manifest.subject() else {
            return Ok(true);
        };
        Ok(reply
            .headers
            .get("oci-subject")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value == subject.digest.to_string()))
    }

    /// Adds entries to the fallback index and stays until they are there for good.
    pub(super) async fn list_under_tag(
        &self,
        subject: &Digest,
        entries: &[Descriptor],
    ) -> Result<(), StoreError> {
        let add = |index: &mut ImageIndex| {
            let mut changed = false;
            for entry in entries {
                if !index
                    .manifests
                    .iter()
                    .any(|other| other.digest == entry.digest)
                {
                    index.manifests.push(entry.clone());
                    changed = true;
                }
            }
            changed
        };
        self.settle(subject, &add).await
    }

    /// Changes the fallback index and stays until the change is there for good.
    ///
    /// Most registries ignore conditions on PUT, so that two writers can each overwrite the other's entry. Reading back once still loses
    /// some; an entry that was seen three times, with waits between that grow with what a round takes here, outlived every writer that began
    /// when it was written, unless that one took far longer than we did.
    pub(super) async fn settle(&self, subject: &Digest, edit: &Edit<'_>) -> Result<(), StoreError> {
        let mut written = false;
        let mut seen = 0;
        let mut broken = 0;
        let mut pace = Pace::default();
        for _ in 0..ROUNDS {
            let since = Instant::now();
            let current = match self.fallback_index(subject).await {
                // A tag that is being written can be unreadable for a moment on some registries.
                Err(error) if is_shaken(&error) && broken < BROKEN => {
                    broken += 1;
                    tokio::time::sleep(pace.pause()).await;
                    continue;
                }
                result => result?,
            };
            let mut index = current
                .as_ref()
                .map(|current| current.index.clone())
                .unwrap_or_default();
            if edit(&mut index) {
                seen = 0;
                written |= match self.write_fallback(subject, current, &index).await {
                    // It may have arrived; the next look says whether it did.
                    Err(error) if is_shaken(&error) && broken < BROKEN => {
                        broken += 1;
                        true
                    }
                    result => result?,
                };
            } else {
                seen += 1;
                // What was there before we came is not in danger from our own time.
                if seen >= CONFIRMATIONS || !written {
                    return Ok(());
                }
            }
            pace.took(since.elapsed());
            tokio::time::sleep(pace.pause()).await;
        }
        let tag = fallback_tag(subject);
        Err(StoreError::Conflict {
            store: self.name.clone(),
            tag,
        })
    }

    /// Writes the fallback index in place of the one that was read; false when somebody else was faster.
    async fn write_fallback(
        &self,
        subject: &Digest,
        current: Option<FallbackIndex>,
        index: &ImageIndex,
    ) -> Result<bool, StoreError> {
        let tag = fallback_tag(subject);
        let condition = match current {
            None => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
            Some(FallbackIndex {
                complete: false, ..
            }) => {
                let fault = Fault::OverLimit {
                    what: "list of referrers to add to",
                    limit: self.settings.limits.referrers as u64,
                };
                return Err(StoreError::untrusted(&self.name, fault));
            }
            Some(FallbackIndex { etag, .. }) => etag.map(|etag| (IF_MATCH, etag)),
        };
        let bytes = index.to_json();
        if bytes.len() as u64 > self.settings.limits.manifest_bytes {
            let fault = Fault::OverLimit {
                what: "list of referrers to write",
                limit: self.settings.limits.manifest_bytes,
            };
            return Err(StoreError::untrusted(&self.name, fault));
        }
        self.put_tag(&tag, media_types::OCI_INDEX, Bytes::from(bytes), condition)
            .await
    }
}

/// Whether it is unknown what a registry did: the connection broke, or something in it did, as where two write one tag at once.
pub(super) fn is_shaken(error: &StoreError) -> bool {
    is_broken(error)
        || matches!(
            error,
            StoreError::Unavailable {
                outage: Outage::Status {
                    status: 500..=599,
                    ..
                },
                ..
            }
        )
}

/// Whether a connection broke after it was made, so that it is unknown whether the registry did what was asked.
fn is_broken(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable {
            outage: Outage::Connection {
                temporary: true,
                ..
            },
            ..
        }
    )
}
