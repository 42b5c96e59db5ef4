//! The flags of the commands that explain, record, test, propose and publish policies.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::claim::{Annotated, StatementType};
use super::evidence::{Places, Sources};
use super::trust::Trust;

const EXPLAIN_EXAMPLE: &str = "\
Examples:
  countersign policy explain --policy policy.yaml ghcr.io/acme/app:1.4
  countersign policy explain --key release.pub --html why.html oci:build:1.4

It ends with the exit code that `verify` would end with.";

/// `policy explain`.
#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_EXAMPLE)]
#[command(mut_arg("predicate_type", |flag| flag.help("Ask for a statement in place of a signature: an alias (spdxjson, slsaprovenance1, …), a URI, or `any`")))]
pub(crate) struct Explain {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(value_name = "IMAGE", required_unless_present_any = ["pack", "print_policy"])]
    pub(crate) image: Option<String>,
    /// Explain a record that `policy record` wrote into this pack, offline; IMAGE chooses one of several.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_PACK", hide_env = true)]
    pub(crate) pack: Option<PathBuf>,
    /// Judge by the trust, the time and, where none is given, the policies that the pack holds; nobody vouches for them.
    #[arg(long, value_parser = BoolishValueParser::new(), requires = "pack", env = "COUNTERSIGN_AS_RECORDED", hide_env = true)]
    pub(crate) as_recorded: bool,
    /// Explain the image for this platform inside the index, as `linux/arm64`.
    #[arg(
        long,
        value_name = "PLATFORM",
        value_parser = super::platform::platform,
        env = "COUNTERSIGN_PLATFORM",
        hide_env = true
    )]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) statement_type: StatementType,
    #[command(flatten)]
    pub(crate) annotated: Annotated,
    /// Also write the explanation as one HTML page that loads nothing.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_HTML", hide_env = true)]
    pub(crate) html: Option<PathBuf>,
    /// Replace the file of `--html` if it is there.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
    // Last: what follows would stand below its heading.
    #[command(flatten)]
    pub(crate) sources: Sources,
}

const RECORD_EXAMPLE: &str = "\
Example:
  countersign policy record --out app.pack.tar ghcr.io/acme/app:1.4
  countersign policy test tests/app.yaml

Every source is read to its end, and outages are recorded as such.";

/// `policy record`.
#[derive(Args, Debug)]
#[command(after_help = RECORD_EXAMPLE)]
pub(crate) struct Record {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]`, a layout `oci:DIR[:TAG][@DIGEST]`, or `oci-archive:FILE`.
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// The pack to write.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_OUT", hide_env = true)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) places: Places,
    /// Replace the file if it is there.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

const TEST_EXAMPLE: &str = "\
Example of a test file:
  apiVersion: countersign.dev/v1
  kind: PolicyTest
  metadata: {name: release}
  pack: app.pack.tar
  policies: [policy.yaml]
  cases:
    - {name: the release passes, expect: pass}
    - {name: nothing counts after the key is over, now: \"2030-01-01T00:00:00Z\", expect: fail, codes: [none-acceptable]}

No socket is opened, and the clock stands where the pack was recorded unless `now` says otherwise.
Exit codes: 0 every case came out as expected, 12 some did not, 2 a file cannot be used.";

/// `policy test`.
#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLE)]
pub(crate) struct Test {
    /// Test files, or folders of them (`*.yaml`, `*.yml`; what is no `PolicyTest` is passed over).
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) files: Vec<PathBuf>,
    /// Also write the results as JUnit XML.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_JUNIT", hide_env = true)]
    pub(crate) junit: Option<PathBuf>,
}
