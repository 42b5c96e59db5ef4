//! Listings as a registry gave them, with the `ETag` by which it says that they did not change.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use countersign_proof::digest;
use serde_json::{Value, json};

use super::{Cache, LISTINGS, touch, write};

/// Longest `ETag`, link or media type that is kept, in bytes.
const HEADER_BYTES: usize = 4 << 10;

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptListing {
    pub(crate) etag: String,
    pub(crate) content_type: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) body: Bytes,
}

impl Cache {
    /// The listing that was kept for an address, if the file is whole. It counts only when the registry confirms its `ETag`.
    pub(crate) fn listing(&self, address: &str, cap: u64) -> Option<KeptListing> {
        let path = self.listing_path(address);
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        let most = cap.saturating_add(4 * HEADER_BYTES as u64);
        file.take(most + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > most {
            return None;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = bytes.split_at_checked(end)?;
        let body = body.get(1..)?;
        let head: Value = serde_json::from_slice(head).ok()?;
        let text = |name: &str| head.get(name).and_then(Value::as_str).map(str::to_owned);
        // Two addresses never share a name by accident; and what is cut or changed is not this listing.
        if text("address").as_deref() != Some(address)
            || text("digest") != Some(digest::sha256(body).to_string())
        {
            return None;
        }
        let kept = KeptListing {
            etag: text("etag")?,
            content_type: text("contentType"),
            link: text("link"),
            body: Bytes::copy_from_slice(body),
        };
        touch(&path);
        Some(kept)
    }

    /// Keeps a page of a listing.
    pub(crate) fn keep_listing(&self, address: &str, listing: &KeptListing) {
        let long =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > HEADER_BYTES);
        if listing.etag.len() > HEADER_BYTES || long(&listing.content_type) || long(&listing.link) {
            return;
        }
        let head = json!({
            "address": address,
            "etag": listing.etag,
            "contentType": listing.content_type,
            "link": listing.link,
            "digest": digest::sha256(&listing.body).to_string(),
        });
        let mut bytes = head.to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&listing.body);
        if write(&self.listing_path(address), &bytes).is_ok() {
            self.wrote(bytes.len() as u64, false);
        }
    }

    fn listing_path(&self, address: &str) -> std::path::PathBuf {
        self.root()
            .join(LISTINGS)
            .join(digest::sha256(address.as_bytes()).hex())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, KeptListing};

    #[test]
    fn a_listing_comes_back_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path(), Cache::LIMIT);
        let listing = KeptListing {
            etag: "\"a\"".to_owned(),
            content_type: Some("application/json".to_owned()),
            link: None,
            body: bytes::Bytes::from_static(b"{\"manifests\":\n[]}"),
        };
        cache.keep_listing("https://a/v2/x/referrers/y", &listing);
        assert_eq!(
            cache.listing("https://a/v2/x/referrers/y", 100),
            Some(listing.clone())
        );
        assert_eq!(cache.listing("https://b/v2/x/referrers/y", 100), None);
        let path = cache.listing_path("https://a/v2/x/referrers/y");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(cache.listing("https://a/v2/x/referrers/y", 100), None);
    }
}
