//! What was fetched before and is still good: content by its digest, a listing by the registry's own word.

use bytes::Bytes;
use countersign_formats::{Descriptor, Manifest};
use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LINK,
};

use super::Registry;
use super::call::{Call, Reply};
use crate::cache::KeptListing;
use crate::error::{Fault, StoreError};
use crate::store::{Resolved, Target};

impl Registry {
    /// Asks for a listing, or whether the one that is kept is still it.
    pub(super) async fn ask_listing(&self, call: Call<'_>) -> Result<Reply, StoreError> {
        let Some(cache) = &self.settings.cache else {
            return self.ask(&call).await;
        };
        let address = call.url.to_string();
        let kept = cache
            .listing(&address, self.settings.limits.listing_page_bytes)
            .and_then(|kept| Some((HeaderValue::from_str(&kept.etag).ok()?, kept)));
        let mut call = call;
        if let Some((etag, _)) = &kept {
            call.headers.push((IF_NONE_MATCH, etag.clone()));
        }
        let reply = self.ask(&call).await?;
        match (reply.status, kept) {
            (StatusCode::NOT_MODIFIED, Some((etag, kept))) if reply.at_home => {
                Ok(unchanged(etag, kept))
            }
            (StatusCode::OK, _) => {
                if let Some(listing) = keepable(&reply) {
                    cache.keep_listing(&address, &listing);
                }
                Ok(reply)
            }
            _ => Ok(reply),
        }
    }

    /// A manifest that a listing names: from what was fetched before, else from the registry.
    pub(super) async fn listed_manifest(
        &self,
        descriptor: &Descriptor,
    ) -> Result<Resolved, StoreError> {
        let cache = self.settings.cache.as_ref();
        let kept = cache
            .filter(|_| descriptor.size <= self.settings.limits.manifest_bytes)
            .and_then(|cache| cache.content(&descriptor.digest, descriptor.size));
        if let Some(bytes) = kept
            && let Ok(manifest) = Manifest::parse(&bytes, None, &self.settings.limits)
        {
            return Ok(Resolved {
                descriptor: Descriptor::new(
                    manifest.media_type(),
                    descriptor.digest,
                    descriptor.size,
                ),
                bytes,
                manifest,
            });
        }
        let resolved = self
            .pull_manifest(&Target::Digest(descriptor.digest))
            .await?;
        if resolved.descriptor.size != descriptor.size {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::SizeMismatch {
                    digest: descriptor.digest,
                    expected: descriptor.size,
                    found: resolved.descriptor.size,
                },
            ));
        }
        if let Some(cache) = cache {
            cache.keep_content(&descriptor.digest, &resolved.bytes);
        }
        Ok(resolved)
    }

    /// A blob: from what was fetched before, else from the registry.
    pub(super) async fn cached_blob(
        &self,
        descriptor: &Descriptor,
        cap: u64,
    ) -> Result<Bytes, StoreError> {
        let Some(cache) = self
            .settings
            .cache
            .as_ref()
            .filter(|_| descriptor.size <= cap && descriptor.data.is_none())
        else {
            return self.pull_blob(descriptor, cap).await;
        };
        if let Some(bytes) = cache.content(&descriptor.digest, descriptor.size) {
            return Ok(bytes);
        }
        let bytes = self.pull_blob(descriptor, cap).await?;
        cache.keep_content(&descriptor.digest, &bytes);
        Ok(bytes)
    }
}

/// The kept listing as the answer that it was.
fn unchanged(etag: HeaderValue, kept: KeptListing) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, etag);
    let mut add = |name: HeaderName, text: Option<String>| {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    };
    add(CONTENT_TYPE, kept.content_type);
    add(LINK, kept.link);
    Reply {
        status: StatusCode::OK,
        headers,
        body: kept.body,
        at_home: true,
        code: None,
        message: None,
        rest: None,
    }
}

/// What to keep of an answer that has an `ETag`; of several links none is lost.
fn keepable(reply: &Reply) -> Option<KeptListing> {
    if !reply.at_home || reply.headers.get_all(LINK).iter().count() > 1 {
        return None;
    }
    let text = |name: HeaderName| match reply.headers.get(name) {
        None => Some(None),
        Some(value) => value.to_str().ok().map(|text| Some(text.to_owned())),
    };
    Some(KeptListing {
        etag: text(ETAG)??,
        content_type: text(CONTENT_TYPE)?,
        link: text(LINK)?,
        body: reply.body.clone(),
    })
}
