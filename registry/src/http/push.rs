//! Writing blobs and manifests, and making a manifest findable by its subject.

use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Manifest, media_types};
use countersign_proof::digest;
use reqwest::header::{CONTENT_LENGTH, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use reqwest::{Method, Url};

use super::call::{Call, random_between};
use super::referrers::FallbackIndex;
use super::{Registry, origin};
use crate::error::{Fault, Outage, StoreError};
use crate::layout::referrer_descriptor;
use crate::referrer::fallback_tag;
use crate::store::{ListedVia, Pushed, Resolved};

/// Times in a row that the entry must be seen in the fallback index before it counts as settled.
pub(super) const CONFIRMATIONS: u32 = 3;
/// Rounds of writing and looking before giving up; eight writers at once need two rounds each.
pub(super) const ROUNDS: u32 = 64;
/// Broken connections that are put up with while writing.
pub(super) const BROKEN: u32 = 3;
/// The wait between two looks: random, so that writers who collided do not collide again.
pub(super) const LOOK_AFTER: (Duration, Duration) =
    (Duration::from_millis(30), Duration::from_millis(150));

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
        match self.upload_once(bytes.clone(), digest).await {
            // The place is used up, so that the whole is begun anew; the registry forgets the rest.
            Err(error) if is_broken(&error) => self.upload_once(bytes, digest).await,
            result => result,
        }
    }

    async fn upload_once(&self, bytes: Bytes, digest: &Digest) -> Result<(), StoreError> {
        let from = self.url("blobs/uploads/")?;
        let reply = self
            .ask(&Call {
                body: Some(Bytes::new()),
                // Said even when it is nothing: some front ends answer 411 otherwise.
                headers: vec![(CONTENT_LENGTH, HeaderValue::from_static("0"))],
                ..Call::change(Method::POST, from.clone())
            })
            .await?;
        let place = match reply.status.as_u16() {
            202 => self.upload_place(&from, reply.headers.get(LOCATION), digest)?,
            _ => return Err(self.unusable(&reply)),
        };
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
    fn upload_place(
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
        let put = Call {
            content_type: Some(media_type),
            body: Some(bytes.clone()),
            ..Call::change(Method::PUT, self.url(&format!("manifests/{reference}"))?)
        };
        let reply = self.ask(&put).await?;
        if reply.status.as_u16() != 201 {
            return Err(self.unusable(&reply));
        }
        let Some(subject) = manifest.subject().map(|subject| subject.digest) else {
            return Ok(Pushed {
                descriptor,
                via: None,
            });
        };
        let listed = reply
            .headers
            .get("oci-subject")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value == subject.to_string());
        let resolved = Resolved {
            descriptor,
            bytes,
            manifest,
        };
        let via = if listed {
            ListedVia::Api
        } else {
            self.list_under_tag(&subject, &referrer_descriptor(&resolved))
                .await?;
            ListedVia::FallbackTag
        };
        Ok(Pushed {
            descriptor: resolved.descriptor,
            via: Some(via),
        })
    }

    /// Adds an entry to the fallback index and stays until it is there for good.
    ///
    /// Most registries ignore conditions on PUT, so that two writers can each overwrite the other's entry. Reading back once still loses
    /// some; an entry that was seen three times, 30 to 150 ms apart, outlived every writer that began when it was written.
    async fn list_under_tag(&self, subject: &Digest, entry: &Descriptor) -> Result<(), StoreError> {
        let mut written = false;
        let mut seen = 0;
        let mut broken = 0;
        for _ in 0..ROUNDS {
            let current = self.fallback_index(subject).await?;
            if current.as_ref().is_some_and(|current| {
                current
                    .index
                    .manifests
                    .iter()
                    .any(|other| other.digest == entry.digest)
            }) {
                seen += 1;
                // What was there before we came is not in danger from our own time.
                if seen >= CONFIRMATIONS || !written {
                    return Ok(());
                }
            } else {
                seen = 0;
                written |= match self.append(subject, current, entry).await {
                    // It may have arrived; the next look says whether it did.
                    Err(error) if is_broken(&error) && broken < BROKEN => {
                        broken += 1;
                        true
                    }
                    result => result?,
                };
            }
            tokio::time::sleep(random_between(LOOK_AFTER.0, LOOK_AFTER.1)).await;
        }
        let tag = fallback_tag(subject);
        Err(StoreError::Conflict {
            store: self.name.clone(),
            tag,
        })
    }

    /// Writes the fallback index with one more entry; false when somebody else was faster.
    async fn append(
        &self,
        subject: &Digest,
        current: Option<FallbackIndex>,
        entry: &Descriptor,
    ) -> Result<bool, StoreError> {
        let tag = fallback_tag(subject);
        let (mut index, condition) = match current {
            None => (
                ImageIndex::default(),
                Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
            ),
            Some(FallbackIndex {
                complete: false, ..
            }) => {
                let fault = Fault::OverLimit {
                    what: "list of referrers to add to",
                    limit: self.settings.limits.referrers as u64,
                };
                return Err(StoreError::untrusted(&self.name, fault));
            }
            Some(FallbackIndex { index, etag, .. }) => (index, etag.map(|etag| (IF_MATCH, etag))),
        };
        index.manifests.push(entry.clone());
        let bytes = index.to_json();
        if bytes.len() as u64 > self.settings.limits.manifest_bytes {
            let fault = Fault::OverLimit {
                what: "list of referrers to write",
                limit: self.settings.limits.manifest_bytes,
            };
            return Err(StoreError::untrusted(&self.name, fault));
        }
        let put = Call {
            content_type: Some(media_types::OCI_INDEX),
            headers: condition
                .into_iter()
                .collect::<Vec<(HeaderName, HeaderValue)>>(),
            body: Some(Bytes::from(bytes)),
            // A second try would fail on the first one's result; the next look says whether it was done.
            repeatable: false,
            ..Call::change(Method::PUT, self.url(&format!("manifests/{tag}"))?)
        };
        let reply = self.ask(&put).await?;
        match reply.status.as_u16() {
            201 => Ok(true),
            409 | 412 => Ok(false),
            _ => Err(self.unusable(&reply)),
        }
    }
}

/// Whether a connection broke after it was made, so that it is unknown whether the registry did what was asked.
pub(super) fn is_broken(error: &StoreError) -> bool {
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
