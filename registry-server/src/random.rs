//! Names that nobody can guess.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A name that others cannot guess: keys of the hash come from the operating system's generator.
pub(crate) fn random_name() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}
