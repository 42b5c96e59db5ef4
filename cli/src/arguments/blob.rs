//! The flags of the commands about files.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::services::Services;
use super::trust::Trust;

/// `sign-blob`.
#[derive(Args, Debug)]
pub(crate) struct SignBlob {
    /// The file to sign (`-` for standard input).
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// The private key: a file, or `env://NAME`; without one an identity signs (needs `--signing-config`).
    #[arg(long, value_name = "KEY", env = "COUNTERSIGN_KEY", hide_env = true)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) services: Services,
    /// Where to write the bundle (`-` for standard output); FILE.sigstore.json when not said.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Answer with yes when asked whether something may become public (a key alone publishes nothing and asks nothing).
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `attest-blob`.
#[derive(Args, Debug)]
pub(crate) struct AttestBlob {
    /// The file, or its digest as `sha256:HEX`.
    #[arg(value_name = "FILE|DIGEST")]
    pub(crate) file: String,
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
    /// A ready in-toto statement about the file, signed byte for byte.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "predicate",
        env = "COUNTERSIGN_STATEMENT",
        hide_env = true
    )]
    pub(crate) statement: Option<PathBuf>,
    /// Where to write the bundle (`-` for standard output); FILE.sigstore.json when not said.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
    /// Answer with yes when asked whether something may become public (a key alone publishes nothing and asks nothing).
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `verify-blob`.
#[derive(Args, Debug)]
pub(crate) struct VerifyBlob {
    /// The file (`-` for standard input), or its digest as `sha256:HEX`.
    #[arg(required_unless_present = "print_policy", value_name = "FILE|DIGEST")]
    pub(crate) file: Option<String>,
    /// The bundle; several times: any of them.
    #[arg(
        long,
        required_unless_present = "print_policy",
        value_name = "FILE",
        env = "COUNTERSIGN_BUNDLE",
        hide_env = true
    )]
    pub(crate) bundle: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Accept only a statement of this type (or `any`) that names the file; without it a message signature or a cosign signature statement.
    #[arg(
        long = "type",
        value_name = "TYPE",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) predicate_type: Option<String>,
}

/// `verify-blob-attestation`.
#[derive(Args, Debug)]
pub(crate) struct VerifyBlobAttestation {
    /// The file (`-` for standard input), or its digest as `sha256:HEX`.
    #[arg(required_unless_present = "print_policy", value_name = "FILE|DIGEST")]
    pub(crate) file: Option<String>,
    /// The bundle; several times: any of them.
    #[arg(
        long,
        required_unless_present = "print_policy",
        value_name = "FILE",
        env = "COUNTERSIGN_BUNDLE",
        hide_env = true
    )]
    pub(crate) bundle: Vec<PathBuf>,
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
}
