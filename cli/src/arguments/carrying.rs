//! The flags of `download` and `attach`.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};

use super::claim::StatementType;
use super::trust::Trust;

/// The commands that print evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum DownloadCommand {
    /// Print the signatures, a JSON object a line.
    Signature(Download),
    /// Print the attestations' envelopes, a line each, or with `--predicate` what they state.
    Attestation(Download),
    /// Print bills of materials.
    Sbom(Download),
    /// Print the bundles, a line each.
    Bundle(Download),
}

const DOWNLOAD_EXAMPLE: &str = "\
Examples:
  countersign download bundle ghcr.io/acme/app:1.4 > evidence.jsonl
  countersign download attestation --predicate --type spdxjson --key acme.pub ghcr.io/acme/app:1.4";

/// `download …`.
#[derive(Args, Debug)]
#[command(after_help = DOWNLOAD_EXAMPLE)]
#[command(mut_arg("predicate_type", |flag| flag.help("Only this predicate type: an alias (spdxjson, slsaprovenance1, …) or a URI")))]
pub(crate) struct Download {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG][@DIGEST]` or `oci-archive:FILE`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) statement_type: StatementType,
    /// Print the predicates alone; each is verified by the trust flags first.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_PREDICATE", hide_env = true)]
    pub(crate) predicate: bool,
    /// Print what nobody has verified.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_UNVERIFIED", hide_env = true)]
    pub(crate) unverified: bool,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// The commands that store evidence made elsewhere.
#[derive(Debug, Subcommand)]
pub(crate) enum AttachCommand {
    /// Store a Sigstore bundle beside an image.
    Bundle(AttachBundle),
    /// Store a simple-signing signature under the tag `sha256-<hex>.sig`.
    Signature(AttachSignature),
    /// Store a DSSE envelope under the tag `sha256-<hex>.att`.
    Attestation(AttachAttestation),
    /// Store a bill of materials as it is, unsigned.
    Sbom(AttachSbom),
}

const ATTACH_EXAMPLE: &str = "\
Example:
  countersign attach bundle --bundle signature.json --key acme.pub ghcr.io/acme/app:1.4";

/// `attach bundle`.
#[derive(Args, Debug)]
#[command(after_help = ATTACH_EXAMPLE)]
pub(crate) struct AttachBundle {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The bundle file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_BUNDLE", hide_env = true)]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) proof: ProofFlags,
}

const ATTACH_SIGNATURE_EXAMPLE: &str = "\
Example:
  countersign attach signature --signature app.sig --payload payload.json --key acme.pub ghcr.io/acme/app:1.4";

/// `attach signature`.
#[derive(Args, Debug)]
#[command(after_help = ATTACH_SIGNATURE_EXAMPLE)]
pub(crate) struct AttachSignature {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The signature, base64.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_SIGNATURE",
        hide_env = true
    )]
    pub(crate) signature: PathBuf,
    /// The payload that was signed.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_PAYLOAD",
        hide_env = true
    )]
    pub(crate) payload: PathBuf,
    /// The signer's certificate, PEM.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_CERTIFICATE",
        hide_env = true
    )]
    pub(crate) certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) proof: ProofFlags,
}

const ATTACH_ATTESTATION_EXAMPLE: &str = "\
Example:
  countersign attach attestation --attestation envelope.json --key acme.pub ghcr.io/acme/app:1.4";

/// `attach attestation`.
#[derive(Args, Debug)]
#[command(after_help = ATTACH_ATTESTATION_EXAMPLE)]
pub(crate) struct AttachAttestation {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The DSSE envelope.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_ATTESTATION",
        hide_env = true
    )]
    pub(crate) attestation: PathBuf,
    #[command(flatten)]
    pub(crate) proof: ProofFlags,
}

const ATTACH_SBOM_EXAMPLE: &str = "\
Example:
  countersign attach sbom --sbom app.spdx.json --type spdxjson --unverified ghcr.io/acme/app:1.4";

/// `attach sbom`.
#[derive(Args, Debug)]
#[command(after_help = ATTACH_SBOM_EXAMPLE)]
pub(crate) struct AttachSbom {
    /// Image: `HOST/REPOSITORY[:TAG][@DIGEST]` or a layout `oci:DIR[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The bill of materials.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_SBOM", hide_env = true)]
    pub(crate) sbom: PathBuf,
    /// Its format: `spdx`, `spdxjson`, `cyclonedx`, `cyclonedxxml`, `syft`, or a media type.
    #[arg(
        long = "type",
        value_name = "TYPE",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) format: String,
    /// Say that you know that nothing about it is signed.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_UNVERIFIED", hide_env = true)]
    pub(crate) unverified: bool,
}

/// Whether what is attached is verified first.
#[derive(Args, Debug)]
pub(crate) struct ProofFlags {
    /// Store it although nobody has verified it.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_UNVERIFIED", hide_env = true)]
    pub(crate) unverified: bool,
    #[command(flatten)]
    pub(crate) trust: Trust,
}
