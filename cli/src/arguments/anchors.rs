//! The flags that say what evidence is proven against.

use std::path::PathBuf;

use clap::Args;

use super::material::Material;
use super::trust_store::TrustSource;

/// The logs and authorities that count, and where they come from.
#[derive(Args, Debug)]
pub(crate) struct Anchors {
    /// The logs and authorities to trust; without it those of `--trust-pack`, else of `trust init`, else the public-good Sigstore root that is built in.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_TRUSTED_ROOT",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) trusted_root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: TrustSource,
    #[command(flatten)]
    pub(crate) material: Material,
}
