//! The flags of the commands that make policies out of something.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::anchors::Anchors;
use super::evidence::Places;

const INIT_EXAMPLE: &str = "\
Examples:
  countersign policy init ghcr.io/acme/app:1.4 ghcr.io/acme/app:1.5 > policy.yaml
  countersign policy init --key release.pub --output-file policy.yaml oci:build:1.4
  countersign policy init --offline --pack app.pack.tar

Trust on first use: the proposal names those who signed, and nobody has confirmed that they should have. Read it before you
use it; DECIDE marks what only you can know. What does not verify is named in a comment and never used.";

/// `policy init`.
#[derive(Args, Debug)]
#[command(after_help = INIT_EXAMPLE)]
pub(crate) struct Init {
    /// Images that the policy is for: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(value_name = "IMAGE", required_unless_present = "pack")]
    pub(crate) images: Vec<String>,
    /// Propose from records that `policy record` wrote into this pack, offline; without IMAGE from all of them.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_PACK", hide_env = true)]
    pub(crate) pack: Option<PathBuf>,
    /// A public key that may have signed (a file, or `env://NAME`); several times. Identities in certificates are found.
    #[arg(
        long,
        value_name = "KEY",
        env = "COUNTERSIGN_KEY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) key: Vec<String>,
    #[command(flatten)]
    pub(crate) anchors: Anchors,
    #[command(flatten)]
    pub(crate) places: Places,
    /// Write the proposal to this file in place of standard output.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_OUTPUT_FILE",
        hide_env = true
    )]
    pub(crate) output_file: Option<PathBuf>,
    /// Replace the file of `--output-file` if it is there.
    #[arg(short, long, alias = "force", value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

const PUSH_EXAMPLE: &str = "\
Example:
  countersign policy push --key policies.key policies/ ghcr.io/acme/policies:prod
  countersign verify --policy oci://ghcr.io/acme/policies@sha256:… --policy-key policies.pub ghcr.io/acme/app:1.4

The same documents give the same digest. Keys must stand in the text: a document that names files is written anew with its keys in it.";

/// `policy push`.
#[derive(Args, Debug)]
#[command(after_help = PUSH_EXAMPLE)]
pub(crate) struct Push {
    /// A policy file, or a folder of them.
    #[arg(value_name = "FILE|DIR")]
    pub(crate) policies: PathBuf,
    /// Where to: `HOST/REPOSITORY[:TAG]`, or a layout `oci:DIR[:TAG]`.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// Sign what is published with this private key (a file, or `env://NAME`); without it nobody can use it until it is signed.
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: Option<String>,
}
