//! What a store must be able to do beyond [`Store`] when images are moved out of it, into it or removed from it.

use countersign_formats::{Descriptor, Digest, ImageIndex, Reference};

use crate::error::StoreError;
use crate::http::Registry;
use crate::layout::{Archive, Layout};
use crate::settings::Settings;
use crate::store::{BoxFuture, ListedVia, Resolved, Store};
use crate::stream::BlobStream;

/// Blobs up to this size in bytes are held whole and sent in one piece, which can be sent again.
pub(crate) const SMALL_BLOB: u64 = 1 << 20;

/// How a blob came to be where it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The registry had it in another repository and made it known here; no byte moved.
    Mounted,
    /// Its bytes were carried over.
    Carried,
}

/// The index under a fallback tag.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// What it holds, at most `Limits::referrers` entries.
    pub index: ImageIndex,
    /// False when it holds more.
    pub complete: bool,
}

/// A change to a fallback index: says whether it changed anything. It is asked again until its result stays.
pub type Edit<'a> = dyn Fn(&mut ImageIndex) -> bool + Send + Sync + 'a;

/// A store that images are moved between: blobs flow through it without being held whole, and what is stored can be listed in one go,
/// mended and removed.
pub trait Depot: Store {
    /// Opens a blob for reading in pieces; the last piece comes only when size and digest are right.
    fn stream<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<BlobStream, StoreError>>;

    /// Whether a blob is there whole: by one HEAD, in a layout by size and digest.
    fn holds_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Takes a blob from another store, or from the repository `mount` of the same registry.
    fn take_blob<'a>(
        &'a self,
        source: &'a dyn Depot,
        descriptor: &'a Descriptor,
        mount: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken, StoreError>>;

    /// Stores a manifest under its digest; true when the store itself lists it as a referrer of its subject (or it has none).
    fn take_manifest<'a>(
        &'a self,
        resolved: &'a Resolved,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Makes stored manifests findable as referrers of `subject`, all in one change.
    fn list<'a>(
        &'a self,
        subject: &'a Digest,
        referrers: &'a [Resolved],
    ) -> BoxFuture<'a, Result<ListedVia, StoreError>>;

    /// The index under the fallback tag of a digest; `None` when there is none, or the store is no registry.
    fn fallback<'a>(
        &'a self,
        _subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Fallback>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    /// Changes the index under the fallback tag of a digest and stays until the change is there for good; a store without
    /// [`Self::fallback`] has nothing to change.
    fn edit_fallback<'a>(
        &'a self,
        _subject: &'a Digest,
        _edit: &'a Edit<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Removes a manifest; false when it was not there.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when the store refuses deletes.
    fn delete_manifest<'a>(&'a self, digest: &'a Digest)
    -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Takes a tag off, and where the store cannot do that, removes the manifest under it; false when there was no such tag.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when the store refuses deletes.
    fn delete_tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// How many blobs may be written at the same time.
    fn writers(&self) -> usize {
        usize::MAX
    }

    /// Says that work got on: the deadline is for standing still.
    fn renew(&self) {}
}

/// Opens the store that a reference names, for moving; no request is made yet.
///
/// # Errors
/// As [`open`](crate::open).
pub fn open_depot(
    reference: &Reference,
    settings: &Settings,
) -> Result<std::sync::Arc<dyn Depot>, StoreError> {
    Ok(match reference {
        Reference::Registry(reference) => std::sync::Arc::new(Registry::open(reference, settings)?),
        Reference::Layout(reference) => std::sync::Arc::new(
            Layout::open(reference.path())?.with_limits(settings.limits.clone()),
        ),
        Reference::Archive(reference) => std::sync::Arc::new(
            Archive::open(reference.path())?.with_limits(settings.limits.clone()),
        ),
    })
}
