//! From a reference to the store that holds it.

use countersign_formats::Reference;

use crate::error::StoreError;
use crate::http::Registry;
use crate::layout::{Archive, Layout};
use crate::settings::Settings;
use crate::store::Store;

/// Opens the store that a reference names; no request is made yet.
///
/// # Errors
/// When a layout or archive is absent or unusable.
pub fn open(reference: &Reference, settings: &Settings) -> Result<Box<dyn Store>, StoreError> {
    Ok(match reference {
        Reference::Registry(reference) => Box::new(Registry::open(reference, settings)?),
        Reference::Layout(reference) => {
            Box::new(Layout::open(reference.path())?.with_limits(settings.limits.clone()))
        }
        Reference::Archive(reference) => {
            Box::new(Archive::open(reference.path())?.with_limits(settings.limits.clone()))
        }
    })
}
