//! Listing what refers to a digest: the referrers API, else the index under the fallback tag.

use countersign_formats::{Digest, ImageIndex, Limits, media_types};
use countersign_proof::digest;
use reqwest::header::{CONTENT_TYPE, ETAG};

use super::Registry;
use super::body::Expect;
use super::call::{Call, Reply};
use super::pull::{content_type, is_index, media_type};
use crate::error::{Fault, StoreError};
use crate::referrer::fallback_tag;
use crate::settings::Event;
use crate::store::{ListedVia, Listing};

/// The index under a fallback tag.
pub(super) struct FallbackIndex {
    pub(super) index: ImageIndex,
    pub(super) complete: bool,
    /// Its `ETag`, by which it can be replaced only if nobody else did.
    pub(super) etag: Option<reqwest::header::HeaderValue>,
}

impl Registry {
    /// Lists unfiltered: producers write wrong artifact types, so that a filter could hide evidence.
    pub(super) async fn list_referrers(&self, digest: &Digest) -> Result<Listing, StoreError> {
        let memory = self.memory();
        if !self.settings.sessions.lacks_api(&memory) {
            match self.ask_api(digest).await? {
                // A registry that came to have the API later may have older referrers under the tag only.
                Some(listing) if !listing.descriptors.is_empty() => return Ok(listing),
                Some(listing) => {
                    let tagged = self.list_tagged(digest).await?;
                    return Ok(if tagged.descriptors.is_empty() && tagged.complete {
                        listing
                    } else {
                        tagged
                    });
                }
                None => self.settings.sessions.remember_no_api(&memory),
            }
        }
        self.list_tagged(digest).await
    }

    /// The API's list; `None` when the registry has no such API.
    pub(super) async fn ask_api(&self, digest: &Digest) -> Result<Option<Listing>, StoreError> {
        let limits = &self.settings.limits;
        let mut url = self.url(&format!("referrers/{digest}"))?;
        let mut listing = Listing {
            descriptors: Vec::new(),
            complete: true,
            via: ListedVia::Api,
        };
        for page in 0..limits.listing_pages {
            let expect = Expect::Document {
                cap: limits.listing_page_bytes,
                what: "list of referrers",
            };
            let reply = self
                .ask_listing(Call {
                    accept: Some(media_types::OCI_INDEX),
                    ..Call::get(url.clone(), expect)
                })
                .await?;
            if page == 0 && is_without_api(&reply) {
                self.tell_no_list(&reply, digest);
                return Ok(None);
            }
            if reply.status.as_u16() != 200 {
                return Err(self.unusable(&reply));
            }
            let room = limits.referrers.saturating_sub(listing.descriptors.len());
            let (index, complete) = self.read_list(&reply, room)?;
            listing.descriptors.extend(index.manifests);
            match self.next_page(&url, &reply)? {
                Some(_) if !complete => {
                    return Ok(Some(Listing {
                        complete: false,
                        ..listing
                    }));
                }
                Some(next) => url = next,
                None => {
                    return Ok(Some(Listing {
                        complete,
                        ..listing
                    }));
                }
            }
        }
        Ok(Some(Listing {
            complete: false,
            ..listing
        }))
    }

    /// Success without a list sends a client to the tag, by the specification; whoever wonders why nothing is found must see it.
    fn tell_no_list(&self, reply: &Reply, digest: &Digest) {
        if reply.status.as_u16() != 200 {
            return;
        }
        let found = media_type(&reply.headers).map_or_else(
            || "something without a media type".to_owned(),
            |name| format!("`{name}`"),
        );
        self.settings.tell(&Event::Note(format!(
            "`{}` answered the question for referrers with {found}, which is no list of them; the tag `{}` is looked at in its place",
            self.name,
            fallback_tag(digest)
        )));
    }

    async fn list_tagged(&self, digest: &Digest) -> Result<Listing, StoreError> {
        let call = self.manifest_call(&fallback_tag(digest))?;
        let reply = self.ask_listing(call).await?;
        let tagged = self.read_fallback_index(digest, &reply)?;
        let (descriptors, complete) = tagged.map_or((Vec::new(), true), |tagged| {
            (tagged.index.manifests, tagged.complete)
        });
        Ok(Listing {
            descriptors,
            complete,
            via: ListedVia::FallbackTag,
        })
    }

    /// The index under the fallback tag; only a 404 means that there is none.
    pub(super) async fn fallback_index(
        &self,
        digest: &Digest,
    ) -> Result<Option<FallbackIndex>, StoreError> {
        let reply = self
            .ask(&self.manifest_call(&fallback_tag(digest))?)
            .await?;
        self.read_fallback_index(digest, &reply)
    }

    fn read_fallback_index(
        &self,
        digest: &Digest,
        reply: &Reply,
    ) -> Result<Option<FallbackIndex>, StoreError> {
        let tag = fallback_tag(digest);
        match reply.status.as_u16() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.unusable(reply)),
        }
        // GitLab finds the image itself under this tag; of an index, the children would pass for referrers.
        if digest::matches(digest, &reply.body) {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::FallbackTag {
                    tag,
                    found: "the image itself",
                },
            ));
        }
        if content_type(&reply.headers).is_some_and(|name| !is_index(&name)) {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::FallbackTag {
                    tag,
                    found: "not an index",
                },
            ));
        }
        let (index, complete) = match self.read_list(reply, self.settings.limits.referrers) {
            Ok(read) => read,
            // An image manifest that came without a media type.
            Err(StoreError::Untrusted { .. }) if self.is_image(reply) => {
                return Err(StoreError::untrusted(
                    &self.name,
                    Fault::FallbackTag {
                        tag,
                        found: "an image",
                    },
                ));
            }
            Err(error) => return Err(error),
        };
        Ok(Some(FallbackIndex {
            index,
            complete,
            etag: reply.headers.get(ETAG).cloned(),
        }))
    }

    fn is_image(&self, reply: &Reply) -> bool {
        use countersign_formats::Manifest;
        matches!(
            Manifest::parse(&reply.body, None, &self.settings.limits),
            Ok(Manifest::Image(_))
        )
    }

    fn read_list(&self, reply: &Reply, most: usize) -> Result<(ImageIndex, bool), StoreError> {
        let limits = Limits {
            manifest_bytes: self.settings.limits.listing_page_bytes,
            ..self.settings.limits.clone()
        };
        ImageIndex::parse_up_to(
            &reply.body,
            content_type(&reply.headers).as_deref(),
            most,
            &limits,
        )
        .map_err(|error| {
            StoreError::untrusted(
                &self.name,
                Fault::Malformed {
                    what: "list of referrers",
                    error: error.to_string(),
                },
            )
        })
    }

    /// What is remembered about this repository.
    fn memory(&self) -> String {
        format!("{}/{}", self.base_authority, self.repository)
    }
}

/// Whether an answer to the API says that there is none: the statuses for that, a page for people, or a redirect away from the registry.
///
/// Everything else (401, 403, 429, 5xx) is an error: who can cause one must not be able to turn "signed" into "unsigned".
fn is_without_api(reply: &Reply) -> bool {
    match reply.status.as_u16() {
        404 | 405 | 501 => true,
        400 => reply.code.as_deref() == Some("UNSUPPORTED"),
        200 if reply.headers.contains_key(CONTENT_TYPE) => {
            media_type(&reply.headers).is_none_or(|name| !is_index(&name))
        }
        // Without a content type the body's own media type decides.
        200 => serde_json::from_slice::<serde_json::Value>(&reply.body)
            .ok()
            .and_then(|body| {
                body.get("mediaType")
                    .and_then(serde_json::Value::as_str)
                    .map(|name| !is_index(name))
            })
            .unwrap_or(true),
        // Only those that leave the registry come this far.
        300..=399 => true,
        _ => false,
    }
}
