//! Where trust comes from: TUF repositories, the embedded public-good root and trusted roots in files.
//!
//! A [`Root`] is a parsed `trusted_root.json` together with where it came from. What its keys and
//! certificates are worth is decided by `countersign-proof`, which turns it into trust material.

mod error;
mod load;
mod public_good;
pub mod tuf;

pub use error::RootError;
pub use load::{Root, RootOrigin, read_capped};
pub use public_good::public_good;
