//! The one trait behind which images and their referrers are found.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, Manifest};

use crate::error::{Fault, StoreError};

/// A boxed future, so that [`Store`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a manifest is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tag, or in a layout the `org.opencontainers.image.ref.name` of an entry.
    Tag(String),
    /// A digest.
    Digest(Digest),
    /// The one image of a layout that holds one.
    Sole,
}

/// A manifest whose bytes were hashed and parsed.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Media type, digest and size as computed from the bytes.
    pub descriptor: Descriptor,
    /// The bytes as they arrived.
    pub bytes: Bytes,
    /// What they say.
    pub manifest: Manifest,
}

/// The referrers of a digest as a store lists them: hints, none of them fetched.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The entries, at most `Limits::referrers`.
    pub descriptors: Vec<Descriptor>,
    /// False when the list was cut at a cap.
    pub complete: bool,
    /// How it was found.
    pub via: ListedVia,
}

/// Which way a listing came, or a push made its manifest findable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedVia {
    /// The referrers API of the distribution specification 1.1.
    Api,
    /// The index under the tag `sha256-<hex>`.
    FallbackTag,
    /// An OCI image layout.
    Layout,
}

/// What should be under a tag.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Blobs that the manifest names and that may not be there yet.
    pub blobs: Vec<Bytes>,
    /// Media type of the manifest.
    pub media_type: String,
    /// The manifest.
    pub manifest: Bytes,
}

/// Says what should be under a tag, given what is there; `None` when that is right.
pub type TagChange<'a> =
    dyn Fn(Option<&Resolved>) -> Result<Option<Replacement>, StoreError> + Send + Sync + 'a;

/// A manifest that was stored.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Its media type, digest and size.
    pub descriptor: Descriptor,
    /// How readers will find it by its subject; `None` when it has none.
    pub via: Option<ListedVia>,
}

/// Where images and their referrers are: a repository of a registry, a layout, an archive of one.
///
/// Every byte handed out was read under a cap and, where a digest was given, matches it.
pub trait Store: Send + Sync {
    /// The name for people: `ghcr.io/acme/app`, `oci:DIR`.
    fn name(&self) -> String;

    /// Reads a manifest in whole.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] is the only absence; anything else means that it could not be found out.
    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>>;

    /// Whether a manifest is there, by one HEAD.
    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The manifest under a tag that may well be absent (`sha256-<hex>.sig`).
    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>>;

    /// The manifest that a listing or an index names; its size must be the descriptor's as well.
    fn manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let resolved = self.resolve(&Target::Digest(descriptor.digest)).await?;
            if resolved.descriptor.size != descriptor.size {
                return Err(StoreError::untrusted(
                    self.name(),
                    Fault::SizeMismatch {
                        digest: descriptor.digest,
                        expected: descriptor.size,
                        found: resolved.descriptor.size,
                    },
                ));
            }
            Ok(resolved)
        })
    }

    /// A blob of exactly `descriptor.size` bytes and the right digest; nothing is fetched when that is more than `cap` bytes.
    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>>;

    /// The referrers of a digest: the API, else the fallback tag; an empty list of the API is followed by one look at the tag.
    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>>;

    /// Stores a blob whether or not it is there already.
    fn push_blob<'a>(
        &'a self,
        bytes: Bytes,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Whether a blob is there, by one HEAD.
    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Stores a manifest under its digest and, when given, a tag; one with a `subject` is also made findable.
    fn push_manifest<'a>(
        &'a self,
        bytes: Bytes,
        media_type: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>>;

    /// Changes what is under a tag without losing what others put there, and stays until the change is there for good: `change` sees what is
    /// there and says what should be; it is asked again until it has nothing to say. Answers what is there then.
    ///
    /// # Errors
    /// What `change` answers; [`StoreError::Conflict`] when others were faster each time; [`StoreError::Unsupported`] in archives.
    fn update_tag<'a>(
        &'a self,
        tag: &'a str,
        change: &'a TagChange<'a>,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        let _ = change;
        Box::pin(async move {
            Err(StoreError::Unsupported {
                store: self.name(),
                detail: format!("the tag `{tag}` is written to registries and layouts only"),
            })
        })
    }

    /// All tags, in the order in which the store gives them.
    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;

    /// HTTP requests made so far; 0 for layouts.
    fn requests(&self) -> u64;
}
