//! The flags of the commands about images.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::evidence::{Places, Sources};
use super::platform::Platforms;
use super::services::Services;
use super::trust::{Annotation, Trust, annotation};
use super::written::Written;

/// `sign`.
#[derive(Args, Debug)]
pub(crate) struct Sign {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    /// The private key: a file, or `env://NAME`; without one an identity signs (needs `--signing-config`).
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) services: Services,
    /// Sign NAME=VALUE together with the digest; several times.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = annotation, env = "COUNTERSIGN_ANNOTATIONS", hide_env = true)]
    pub(crate) annotations: Vec<Annotation>,
    /// Refuse an image that is named by tag.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_REQUIRE_DIGEST", hide_env = true)]
    pub(crate) require_digest: bool,
    /// Do nothing where this key has signed the digest with these annotations already.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_IF_MISSING", hide_env = true)]
    pub(crate) if_missing: bool,
    /// In which form it is stored beside the image.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Written::Bundle, env = "COUNTERSIGN_FORMAT", hide_env = true)]
    pub(crate) format: Written,
    /// Also write the bundle to this file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Store nothing beside the image; needs `--bundle`.
    #[arg(long, value_parser = BoolishValueParser::new(), requires = "bundle", env = "COUNTERSIGN_NO_UPLOAD", hide_env = true)]
    pub(crate) no_upload: bool,
    /// Answer with yes when asked whether something may become public (a key alone publishes nothing and asks nothing).
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `attest`.
#[derive(Args, Debug)]
pub(crate) struct Attest {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    /// The private key: a file, or `env://NAME`; without one an identity signs (needs `--signing-config`).
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) services: Services,
    /// What the predicate is: an alias (spdxjson, cyclonedx, slsaprovenance1, vuln, …) or a URI.
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "custom",
        conflicts_with = "statement",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) predicate_type: String,
    /// The predicate: a JSON file (`-` for standard input), embedded byte for byte.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "statement",
        env = "COUNTERSIGN_PREDICATE",
        hide_env = true
    )]
    pub(crate) predicate: Option<PathBuf>,
    /// A ready in-toto statement about the image, signed byte for byte.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "predicate",
        env = "COUNTERSIGN_STATEMENT",
        hide_env = true
    )]
    pub(crate) statement: Option<PathBuf>,
    /// Refuse an image that is named by tag.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_REQUIRE_DIGEST", hide_env = true)]
    pub(crate) require_digest: bool,
    /// In which form it is stored beside the image.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Written::Bundle, env = "COUNTERSIGN_FORMAT", hide_env = true)]
    pub(crate) format: Written,
    /// Also write the bundle to this file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Store nothing beside the image; needs `--bundle`.
    #[arg(long, value_parser = BoolishValueParser::new(), requires = "bundle", env = "COUNTERSIGN_NO_UPLOAD", hide_env = true)]
    pub(crate) no_upload: bool,
    /// Answer with yes when asked whether something may become public (a key alone publishes nothing and asks nothing).
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(required_unless_present = "print_policy", value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Demand that NAME=VALUE was signed with the digest; several times: all of them.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = annotation, env = "COUNTERSIGN_ANNOTATIONS", hide_env = true)]
    pub(crate) annotations: Vec<Annotation>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

/// `verify-attestation`.
#[derive(Args, Debug)]
pub(crate) struct VerifyAttestation {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(required_unless_present = "print_policy", value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// What the predicate must be: an alias (spdxjson, slsaprovenance1, …), a URI, or `any`.
    #[arg(
        long = "type",
        value_name = "TYPE",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) predicate_type: Option<String>,
    /// Demand that NAME=VALUE was signed with the digest; several times: all of them.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = annotation, env = "COUNTERSIGN_ANNOTATIONS", hide_env = true)]
    pub(crate) annotations: Vec<Annotation>,
    #[command(flatten)]
    pub(crate) sources: Sources,
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

/// `discover`.
#[derive(Args, Debug)]
pub(crate) struct Discover {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    #[command(flatten)]
    pub(crate) places: Places,
    /// How the list is laid out.
    #[arg(long, value_enum, value_name = "LAYOUT", default_value_t = Layout::Tree, env = "COUNTERSIGN_FORMAT", hide_env = true)]
    pub(crate) format: Layout,
    /// How many levels of attachments to follow.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16), env = "COUNTERSIGN_DEPTH", hide_env = true)]
    pub(crate) depth: u8,
}

/// `inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// A file (bundle, key, certificate, manifest, policy, trusted root, envelope), or an image reference.
    #[arg(value_name = "FILE|IMAGE")]
    pub(crate) what: String,
}
