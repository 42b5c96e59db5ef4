//! Every vector goes the one road, and what comes out is what its folder says.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod verdicts;

use std::path::{Path, PathBuf};

/// `testdata/vectors`.
fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}
