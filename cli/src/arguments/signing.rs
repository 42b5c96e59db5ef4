//! The flags that the commands which sign share: who signs, what is said, about which images, and where the bundle goes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::platform::Platforms;
use super::services::Services;
use super::written::Written;

/// Who signs.
#[derive(Args, Debug)]
pub(crate) struct Signer {
    /// The private key: a file, or `env://NAME`; without one an identity signs (needs `--signing-config`).
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) services: Services,
    /// Answer with yes when asked whether something may become public (a key alone publishes nothing and asks nothing).
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// What is said: a predicate with its type, or a ready statement.
#[derive(Args, Debug)]
pub(crate) struct Document {
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
    /// A ready in-toto statement, signed byte for byte.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "predicate",
        env = "COUNTERSIGN_STATEMENT",
        hide_env = true
    )]
    pub(crate) statement: Option<PathBuf>,
}

/// The images, of which there may be thousands.
#[derive(Args, Debug)]
pub(crate) struct Many {
    /// Images: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(required_unless_present = "images_from", value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// A list of images, one a line (`-` for standard input); `#` begins a comment.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_IMAGES_FROM",
        hide_env = true,
        help_heading = "Many images"
    )]
    pub(crate) images_from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) platforms: Platforms,
    /// Of an index also each platform.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_RECURSIVE", hide_env = true, help_heading = "Many images")]
    pub(crate) recursive: bool,
    /// How many images are worked on at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64), env = "COUNTERSIGN_JOBS", hide_env = true, help_heading = "Many images")]
    pub(crate) jobs: u8,
    /// Keep what is done in this file; a run that was cut off is taken up from there, without a second log entry.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_JOURNAL",
        hide_env = true,
        help_heading = "Many images"
    )]
    pub(crate) journal: Option<PathBuf>,
    /// Refuse an image that is named by tag.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_REQUIRE_DIGEST", hide_env = true)]
    pub(crate) require_digest: bool,
}

/// Where the bundle goes.
#[derive(Args, Debug)]
pub(crate) struct Placement {
    /// In which form it is stored beside the image.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Written::Bundle, env = "COUNTERSIGN_FORMAT", hide_env = true)]
    pub(crate) format: Written,
    /// Also write the bundle to this file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Store nothing beside the image; needs `--bundle`.
    #[arg(long, value_parser = BoolishValueParser::new(), requires = "bundle", env = "COUNTERSIGN_NO_UPLOAD", hide_env = true)]
    pub(crate) no_upload: bool,
}
