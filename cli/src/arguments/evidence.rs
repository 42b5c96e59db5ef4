//! The flags that say where evidence is looked for.

use std::path::PathBuf;

use clap::Args;

/// Where evidence is looked for, besides beside the image.
#[derive(Args, Debug)]
#[command(next_help_heading = "Evidence")]
pub(crate) struct Sources {
    /// A bundle file to judge together with what is stored beside the image; several times.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) places: Places,
}

/// Other places that may hold evidence.
#[derive(Args, Debug)]
pub(crate) struct Places {
    /// Look for evidence there as well: a repository, `oci:DIR` or `oci-archive:FILE`; several times (also COSIGN_REPOSITORY).
    #[arg(
        long,
        value_name = "PLACE",
        env = "COUNTERSIGN_EVIDENCE_FROM",
        hide_env = true
    )]
    pub(crate) evidence_from: Vec<String>,
    /// Look also at tags whose names begin so, as in `PREFIXsha256-….sig`; several times.
    #[arg(
        long,
        value_name = "PREFIX",
        env = "COUNTERSIGN_ATTACHMENT_TAG_PREFIX",
        hide_env = true
    )]
    pub(crate) attachment_tag_prefix: Vec<String>,
}
