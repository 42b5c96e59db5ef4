//! The store that images arrive in.

use std::path::Path;
use std::sync::Arc;

use countersign_formats::{Digest, Limits, Reference};
use countersign_registry::layout::{ArchiveWriter, Layout};
use countersign_registry::{Depot, Settings, StoreError, open_depot};

use crate::failure::Failure;
use crate::files::{self, Existing};

/// A destination, and what must be done when everything is in it.
pub(super) enum Destination {
    Depot(Arc<dyn Depot>),
    Archive(Arc<ArchiveWriter>),
}

impl Destination {
    pub(super) fn open(reference: &Reference, settings: &Settings) -> Result<Self, Failure> {
        Ok(match reference {
            Reference::Registry(_) => Self::Depot(open_depot(reference, settings)?),
            Reference::Layout(layout) => Self::Depot(Arc::new(
                Layout::create(layout.path())?.with_limits(settings.limits.clone()),
            )),
            Reference::Archive(archive) => Self::Archive(Arc::new(ArchiveWriter::create(
                archive.path(),
                settings.limits.clone(),
            )?)),
        })
    }

    /// Refuses what can be no destination, without a trace.
    pub(super) fn possible(reference: &Reference) -> Result<(), Failure> {
        match reference {
            Reference::Registry(_) => Ok(()),
            Reference::Layout(layout) => match Layout::open(layout.path()) {
                Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Reference::Archive(archive) => {
                files::writable("the archive", Path::new(archive.path()), Existing::Replace)
            }
        }
    }

    pub(super) fn depot(&self) -> Arc<dyn Depot> {
        match self {
            Self::Depot(depot) => Arc::clone(depot),
            Self::Archive(archive) => {
                let depot: Arc<dyn Depot> = Arc::<ArchiveWriter>::clone(archive);
                depot
            }
        }
    }

    /// Does what is left when everything is in it; `marked` is the image that cosign is to take out of it.
    pub(super) async fn finish(
        &self,
        reference: &Reference,
        marked: Option<&Digest>,
        limits: &Limits,
    ) -> Result<(), StoreError> {
        if let (Some(image), Reference::Layout(layout)) = (marked, reference) {
            let layout = Layout::open(layout.path())?.with_limits(limits.clone());
            layout.mark_for_cosign(image)?;
        }
        if let Self::Archive(archive) = self {
            if let Some(image) = marked {
                archive.mark_for_cosign(image).await;
            }
            archive.finish().await?;
        }
        Ok(())
    }
}
