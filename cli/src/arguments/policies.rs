//! The flags of the commands that explain, record, test, propose and publish policies.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::evidence::Sources;
use super::trust::{Annotation, Trust, annotation};

const EXPLAIN_EXAMPLE: &str = "\
Examples:
  countersign policy explain --policy policy.yaml ghcr.io/acme/app:1.4
  countersign policy explain --key release.pub --html why.html oci:build:1.4

It ends with the exit code that `verify` would end with.";

/// `policy explain`.
#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_EXAMPLE)]
pub(crate) struct Explain {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Ask for a statement in place of a signature: an alias (spdxjson, slsaprovenance1, …), a URI, or `any`.
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
    /// Also write the explanation as one HTML page that loads nothing.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_HTML", hide_env = true)]
    pub(crate) html: Option<PathBuf>,
    /// Replace the file of `--html` if it is there.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}
