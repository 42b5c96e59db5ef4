//! The client of The Update Framework (specification 1.0, section 5): a root that its user holds proves what a mirror serves.
//!
//! [`Material`] is what was proven: metadata of the four top-level roles and the target files that are wanted. [`refresh`] gets
//! it from a [`Mirror`], [`Material::prove`] from bytes that lay in a cache or came in a pack; both start at a root that is held
//! already and run the same checks. Delegated roles are not followed: a file counts only when the top-level `targets` names it.

mod canonical;
mod document;
mod error;
mod instance;
mod key;
mod material;
mod mirror;
mod refresh;
mod roles;
mod state;
mod trusted;

pub use error::TufError;
pub use instance::{Folders, Instance, PUBLIC_GOOD_MIRROR};
pub use material::{Material, Parts, RoleState};
pub use mirror::{BoxFuture, Mirror, MirrorError};
pub use refresh::{Refused, SIGNING_CONFIG, TRUSTED_ROOT, refresh};
pub use roles::Role;
pub use state::{Acquired, Acquisition, Cache, Freshness, acquire};
