//! Where images and their referrers live: registries over HTTP and OCI image layouts on disk, behind one trait.
//!
//! Every answer is capped before it is read, checked against its digest and still unverified: a [`Store`] says what the bytes
//! *are*, never whether they may be trusted. Absence is a value of its own: only a 404, or a layout that does not list
//! something, is "there is none"; whatever else goes wrong is an error and stays one.

mod attach;
mod cache;
mod depot;
mod error;
mod http;
mod keychain;
pub mod layout;
mod legacy;
mod mend;
mod open;
mod publish;
mod referrer;
pub mod replicate;
mod secret;
mod settings;
mod store;
mod stream;
#[doc(hidden)]
pub mod untrusted;

pub use attach::{Attachment, attach};
pub use cache::{Cache, Contents, Removed};
pub use depot::{Depot, Edit, Fallback, Taken, open_depot};
pub use error::{ErrorClass, Fault, Outage, StoreError, Thing};
pub use http::{
    Ability, Budget, ClientIdentity, Finding, LoginTried, Mirror, MirrorError, Probed, Registry,
    Sessions,
};
pub use keychain::{Credential, Keychain, Stored};
pub use legacy::{PublishedLegacy, publish_legacy};
pub use mend::{Mended, Mending, mend};
pub use open::open;
pub use publish::{Published, publish};
pub use referrer::fallback_tag;
pub use secret::Secret;
pub use settings::{Diagnostics, Event, Settings};
pub use store::{
    BoxFuture, ListedVia, Listing, Pushed, Replacement, Resolved, Store, TagChange, Target,
};
pub use stream::BlobStream;
