//! Every vector goes the one road, and what comes out is what its folder says.

mod catalogue;
mod verdicts;

use std::path::{Path, PathBuf};

/// `testdata/vectors`.
fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}
