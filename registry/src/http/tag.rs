//! Changing what is under a tag without losing what others put there.

use std::time::Instant;

use bytes::Bytes;
use countersign_proof::digest;
use reqwest::Method;
use reqwest::header::{ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use super::Registry;
use super::call::Call;
use super::pace::Pace;
use super::push::{BROKEN, CONFIRMATIONS, ROUNDS, is_shaken};
use crate::error::{StoreError, Thing};
use crate::store::{Replacement, Resolved, TagChange, Target};

impl Registry {
    /// Changes what is under a tag and stays until the change is there for good, as the fallback index is written: with a condition
    /// where the registry heeds one, read back three times in any case.
    pub(super) async fn settle_tag(
        &self,
        tag: &str,
        change: &TagChange<'_>,
    ) -> Result<Resolved, StoreError> {
        let mut written = false;
        let mut seen = 0;
        let mut broken = 0;
        let mut pace = Pace::default();
        for _ in 0..ROUNDS {
            let since = Instant::now();
            let (current, etag) = self.tag_now(tag).await?;
            match (change(current.as_ref())?, current) {
                (None, Some(current)) => {
                    seen += 1;
                    // What was there before we came is not in danger from our own time.
                    if seen >= CONFIRMATIONS || !written {
                        return Ok(current);
                    }
                }
                (None, None) => {
                    return Err(StoreError::NotFound {
                        thing: Thing::Image,
                        name: format!("{}:{tag}", self.name),
                    });
                }
                (Some(replacement), current) => {
                    seen = 0;
                    let condition = match (current, etag) {
                        (None, _) => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
                        (Some(_), etag) => etag.map(|etag| (IF_MATCH, etag)),
                    };
                    written |= match self.replace_tag(tag, replacement, condition).await {
                        // It may have arrived; the next look says whether it did.
                        Err(error) if is_shaken(&error) && broken < BROKEN => {
                            broken += 1;
                            true
                        }
                        result => result?,
                    };
                }
            }
            pace.took(since.elapsed());
            tokio::time::sleep(pace.pause()).await;
        }
        Err(StoreError::Conflict {
            store: self.name.clone(),
            tag: tag.to_owned(),
        })
    }

    /// What is under a tag now, and the `ETag` of that.
    async fn tag_now(
        &self,
        tag: &str,
    ) -> Result<(Option<Resolved>, Option<HeaderValue>), StoreError> {
        let reply = self.ask(&self.manifest_call(tag)?).await?;
        match reply.status.as_u16() {
            200 => {
                let resolved = self.read_manifest(&reply, &Target::Tag(tag.to_owned()))?;
                Ok((Some(resolved), reply.headers.get(ETAG).cloned()))
            }
            404 => Ok((None, None)),
            _ => Err(self.unusable(&reply)),
        }
    }

    /// Blobs before the manifest, which some registries demand; false when somebody else was faster.
    async fn replace_tag(
        &self,
        tag: &str,
        replacement: Replacement,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<bool, StoreError> {
        for blob in replacement.blobs {
            let digest = digest::sha256(&blob);
            if !self.finds_blob(&digest).await? {
                self.upload_blob(blob, &digest).await?;
            }
        }
        self.put_tag(
            tag,
            &replacement.media_type,
            replacement.manifest,
            condition,
        )
        .await
    }

    /// Writes a manifest under a tag on a condition; false when somebody else was faster.
    pub(super) async fn put_tag(
        &self,
        tag: &str,
        media_type: &str,
        manifest: Bytes,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<bool, StoreError> {
        let put = Call {
            content_type: Some(media_type),
            headers: condition.into_iter().collect(),
            body: Some(manifest),
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
