//! The flags of the commands about images.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::claim::{Annotated, StatementType};
use super::evidence::{Places, Sources};
use super::platform::Platforms;
use super::signing::{Document, Many, Placement, Signer};
use super::trust::{Annotation, Trust, annotation};

/// `sign`.
#[derive(Args, Debug)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) many: Many,
    #[command(flatten)]
    pub(crate) signer: Signer,
    /// Sign NAME=VALUE together with the digest; several times.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = annotation, env = "COUNTERSIGN_ANNOTATIONS", hide_env = true)]
    pub(crate) annotations: Vec<Annotation>,
    /// Do nothing where this key or identity has signed the digest with these annotations already.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_IF_MISSING", hide_env = true)]
    pub(crate) if_missing: bool,
    #[command(flatten)]
    pub(crate) placement: Placement,
}

/// `attest`.
#[derive(Args, Debug)]
pub(crate) struct Attest {
    #[command(flatten)]
    pub(crate) many: Many,
    #[command(flatten)]
    pub(crate) signer: Signer,
    #[command(flatten)]
    pub(crate) document: Document,
    /// Sign one statement that names all of the images, in place of one each.
    #[arg(long, value_parser = BoolishValueParser::new(), conflicts_with = "statement", env = "COUNTERSIGN_ONE_STATEMENT", hide_env = true)]
    pub(crate) one_statement: bool,
    /// Do nothing where this key or identity has signed this predicate about the digest already.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_IF_MISSING", hide_env = true)]
    pub(crate) if_missing: bool,
    #[command(flatten)]
    pub(crate) placement: Placement,
}

/// `verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) examined: Examined,
    #[command(flatten)]
    pub(crate) annotated: Annotated,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

/// `verify-attestation`.
#[derive(Args, Debug)]
pub(crate) struct VerifyAttestation {
    #[command(flatten)]
    pub(crate) examined: Examined,
    #[command(flatten)]
    pub(crate) statement_type: StatementType,
    #[command(flatten)]
    pub(crate) annotated: Annotated,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

/// The images that are judged, by whose word.
#[derive(Args, Debug)]
pub(crate) struct Examined {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(required_unless_present_any = ["print_policy", "pack"], value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// Judge records that `policy record` wrote into this pack, offline, by the trust and the clock of this machine; without IMAGE all of them.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_PACK", hide_env = true)]
    pub(crate) pack: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// How `discover` lays out its list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// Each artifact below what it is attached to.
    #[default]
    Tree,
    /// A line an artifact.
    Table,
}

const DISCOVER_EXAMPLE: &str = "\
Examples:
  countersign discover ghcr.io/acme/app:1.4
  countersign discover --all-platforms --format table ghcr.io/acme/app:1.4
  countersign discover --evidence-from registry.internal/evidence --output json ghcr.io/acme/app:1.4";

/// `discover`.
#[derive(Args, Debug)]
#[command(after_help = DISCOVER_EXAMPLE)]
pub(crate) struct Discover {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    #[command(flatten)]
    pub(crate) places: Places,
    /// How the list is laid out; in the environment COUNTERSIGN_DISCOVER_FORMAT.
    // Not COUNTERSIGN_FORMAT, which is the form that `sign` and `attest` write: one set for both would break either.
    #[arg(long, value_enum, value_name = "LAYOUT", default_value_t = Layout::Tree, env = "COUNTERSIGN_DISCOVER_FORMAT", hide_env = true)]
    pub(crate) format: Layout,
    /// How many levels of attachments to follow.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16), env = "COUNTERSIGN_DEPTH", hide_env = true)]
    pub(crate) depth: u8,
}

const INSPECT_EXAMPLE: &str = "\
Examples:
  countersign inspect signature.sigstore.json
  countersign inspect ghcr.io/acme/app:1.4";

/// `inspect`.
#[derive(Args, Debug)]
#[command(after_help = INSPECT_EXAMPLE)]
pub(crate) struct Inspect {
    /// A file (bundle, key, certificate, manifest, policy, trusted root, envelope), or an image reference.
    #[arg(value_name = "FILE|IMAGE")]
    pub(crate) what: String,
}
