//! The flags of the commands about files.

use std::path::PathBuf;

use clap::Args;

use super::claim::StatementType;
use super::signing::{Document, Signer};
use super::trust::Trust;

/// `sign-blob`.
#[derive(Args, Debug)]
pub(crate) struct SignBlob {
    /// The file to sign (`-` for standard input).
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) signer: Signer,
    #[command(flatten)]
    pub(crate) written: BundleFile,
}

/// `attest-blob`.
#[derive(Args, Debug)]
pub(crate) struct AttestBlob {
    /// The file, or its digest as `sha256:HEX`.
    #[arg(value_name = "FILE|DIGEST")]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) signer: Signer,
    #[command(flatten)]
    pub(crate) document: Document,
    #[command(flatten)]
    pub(crate) written: BundleFile,
}

/// Where the bundle of a file goes.
#[derive(Args, Debug)]
pub(crate) struct BundleFile {
    /// Where to write the bundle (`-` for standard output); FILE.sigstore.json when not said.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: Option<PathBuf>,
}

/// `verify-blob`.
#[derive(Args, Debug)]
#[command(mut_arg("predicate_type", |flag| flag.help("Accept only a statement of this type (or `any`) that names the file; without it a message signature or a cosign signature statement")))]
pub(crate) struct VerifyBlob {
    #[command(flatten)]
    pub(crate) judged: Judged,
    #[command(flatten)]
    pub(crate) statement_type: StatementType,
}

/// `verify-blob-attestation`.
#[derive(Args, Debug)]
pub(crate) struct VerifyBlobAttestation {
    #[command(flatten)]
    pub(crate) judged: Judged,
    #[command(flatten)]
    pub(crate) statement_type: StatementType,
}

/// The file that is judged, by what evidence and whose.
#[derive(Args, Debug)]
pub(crate) struct Judged {
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
}
