//! The flags of the commands that move images and their evidence.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::trust::Trust;

const COPY_EXAMPLE: &str = "\
Examples:
  countersign copy ghcr.io/acme/app:1.4 registry.internal/acme/app:1.4
  countersign copy --verify-first --key acme.pub ghcr.io/acme/app:1.4 registry.internal/acme/app
  countersign copy ghcr.io/acme/app:1.4 oci-archive:app.tar:1.4
  countersign copy --platform linux/arm64 --only signature ghcr.io/acme/app:1.4 oci:./app:1.4";

/// What is carried along, shared by the commands that move.
#[derive(Args, Debug)]
pub(crate) struct Carried {
    /// Only this platform of an index, as `linux/arm64` or `linux/arm/v7`, by its own digest; several times: each of them, and no tag.
    #[arg(
        long,
        value_name = "OS/ARCH[/VARIANT]",
        value_parser = super::platform::platform,
        env = "COUNTERSIGN_PLATFORM",
        hide_env = true
    )]
    pub(crate) platform: Vec<String>,
    /// With `--platform`: the index comes along byte for byte, with its tag and its evidence, though it names images that stay behind.
    #[arg(long, requires = "platform", value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_SPARSE_INDEX", hide_env = true)]
    pub(crate) sparse_index: bool,
    /// Only evidence of this type: `signature`, `attestation`, `sbom`, `notation`, a predicate type or its alias, or an artifact type; several times: any of them.
    #[arg(
        long,
        value_name = "TYPE",
        conflicts_with = "no_evidence",
        env = "COUNTERSIGN_ONLY",
        hide_env = true
    )]
    pub(crate) only: Vec<String>,
    /// Leave all evidence behind.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_NO_EVIDENCE", hide_env = true)]
    pub(crate) no_evidence: bool,
    /// Judge the image first by the trust flags or `--policy`, and write nothing unless it passes.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_VERIFY_FIRST", hide_env = true)]
    pub(crate) verify_first: bool,
    /// Blobs, then manifests of platforms, that are carried at the same time, 1 to 32; unless it is 1, of blobs to 1 MiB four times as many.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32), env = "COUNTERSIGN_PARALLEL", hide_env = true)]
    pub(crate) parallel: u8,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// `copy`.
#[derive(Args, Debug)]
#[command(after_help = COPY_EXAMPLE)]
pub(crate) struct Copy {
    /// What is copied: `HOST/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG][@DIGEST]` or `oci-archive:FILE[:TAG][@DIGEST]`.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// Where to, in the same forms; without a tag the source's. A digest must be the source's.
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: String,
    #[command(flatten)]
    pub(crate) carried: Carried,
}

/// A folder or a tar file on this machine.
#[derive(Args, Debug)]
pub(crate) struct LocalPlace {
    /// The folder of an OCI image layout, such as `save` or cosign writes it.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "file",
        conflicts_with = "file",
        env = "COUNTERSIGN_DIR",
        hide_env = true
    )]
    pub(crate) dir: Option<PathBuf>,
    /// A tar file of a layout.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_FILE", hide_env = true)]
    pub(crate) file: Option<PathBuf>,
}

const SAVE_EXAMPLE: &str = "\
Examples:
  countersign save --file app.tar ghcr.io/acme/app:1.4
  countersign save --dir ./app ghcr.io/acme/app:1.4";

/// `save`.
#[derive(Args, Debug)]
#[command(after_help = SAVE_EXAMPLE)]
#[command(mut_arg("dir", |flag| flag.help("The folder of an OCI image layout, made when it is absent; an image that is there already stays")))]
#[command(mut_arg("file", |flag| flag.help("A tar file of a layout, replaced when it exists")))]
pub(crate) struct Save {
    /// The image: `HOST/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG][@DIGEST]` or `oci-archive:FILE[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) place: LocalPlace,
    #[command(flatten)]
    pub(crate) carried: Carried,
}

const LOAD_EXAMPLE: &str = "\
Examples:
  countersign load --file app.tar registry.internal/acme/app:1.4
  countersign load --dir ./saved-by-cosign registry.internal/acme/app:1.4";

/// `load`.
#[derive(Args, Debug)]
#[command(after_help = LOAD_EXAMPLE)]
pub(crate) struct Load {
    /// Where the image goes: `HOST/REPOSITORY[:TAG]`; without a tag the one that it was saved with.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) place: LocalPlace,
    /// Which image of a layout that holds several: a tag or a digest.
    #[arg(
        long,
        value_name = "TAG|DIGEST",
        env = "COUNTERSIGN_SELECT",
        hide_env = true
    )]
    pub(crate) select: Option<String>,
    #[command(flatten)]
    pub(crate) carried: Carried,
}
