//! The flags of the commands that look after what is stored: `repair`, `clean`, `doctor`, `migrate`.

use clap::Args;
use clap::builder::BoolishValueParser;

use super::trust::Trust;

const REPAIR_EXAMPLE: &str = "\
Example:
  countersign repair ghcr.io/acme/app:1.4 --known sha256:9f86…";

/// `repair`.
#[derive(Args, Debug)]
#[command(after_help = REPAIR_EXAMPLE)]
pub(crate) struct Repair {
    /// The image whose list of referrers is mended: `HOST/REPOSITORY[:TAG][@DIGEST]`.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The digest of a manifest that may be a lost referrer; several times.
    #[arg(
        long,
        value_name = "DIGEST",
        env = "COUNTERSIGN_KNOWN",
        hide_env = true
    )]
    pub(crate) known: Vec<String>,
    /// Take out entries that lead to nothing, or to something about another image.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_DROP_DANGLING", hide_env = true)]
    pub(crate) drop_dangling: bool,
    /// Look and write nothing.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_DRY_RUN", hide_env = true)]
    pub(crate) dry_run: bool,
    /// Mend the lists of the index's platforms, too.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_RECURSIVE", hide_env = true)]
    pub(crate) recursive: bool,
}

const CLEAN_EXAMPLE: &str = "\
Examples:
  countersign clean --orphans ghcr.io/acme/app
  countersign clean --type vuln --older-than 90d ghcr.io/acme/app:1.4 --yes";

/// `clean`.
#[derive(Args, Debug)]
#[command(after_help = CLEAN_EXAMPLE)]
pub(crate) struct Clean {
    /// The image whose evidence is looked at, or with `--orphans` the repository.
    #[arg(value_name = "IMAGE|REPOSITORY")]
    pub(crate) image: String,
    /// In the whole repository: evidence under tags and lists about images that are gone.
    #[arg(long, value_parser = BoolishValueParser::new(), conflicts_with_all = ["evidence_type", "older_than", "signer"], env = "COUNTERSIGN_ORPHANS", hide_env = true)]
    pub(crate) orphans: bool,
    /// Evidence of this type: `signature`, `attestation`, `sbom`, `notation`, `all`, a predicate type or alias, an artifact type; several times: any of them.
    #[arg(
        long = "type",
        value_name = "TYPE",
        env = "COUNTERSIGN_TYPE",
        hide_env = true
    )]
    pub(crate) evidence_type: Vec<String>,
    /// Evidence that says it was made longer ago than this, as `12h`, `90d` or `2w`; what says nothing stays.
    #[arg(
        long,
        value_name = "AGE",
        env = "COUNTERSIGN_OLDER_THAN",
        hide_env = true
    )]
    pub(crate) older_than: Option<String>,
    /// Evidence that says it was made by this signer: a key id, or the name in a certificate.
    #[arg(
        long,
        value_name = "SIGNER",
        env = "COUNTERSIGN_SIGNER",
        hide_env = true
    )]
    pub(crate) signer: Option<String>,
    /// Delete what the list shows; without it nothing is changed.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

const DOCTOR_EXAMPLE: &str = "\
Examples:
  countersign doctor ghcr.io
  countersign doctor ghcr.io/acme/app:1.4
  countersign doctor --write --mount-from acme/app registry.internal/scratch/doctor";

/// `doctor`.
#[derive(Args, Debug)]
#[command(after_help = DOCTOR_EXAMPLE)]
pub(crate) struct Doctor {
    /// A registry, or an image in it: `HOST[:PORT][/REPOSITORY[:TAG][@DIGEST]]`.
    #[arg(value_name = "REGISTRY[/REPOSITORY]")]
    pub(crate) registry: String,
    /// Find out by pushing small things into the repository, which are removed again where the registry allows that.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_WRITE", hide_env = true)]
    pub(crate) write: bool,
    /// Another repository of the same registry, which is only read: is its image's configuration mounted from there?
    #[arg(
        long,
        value_name = "REPOSITORY[:TAG]",
        requires = "write",
        env = "COUNTERSIGN_MOUNT_FROM",
        hide_env = true
    )]
    pub(crate) mount_from: Option<String>,
}

const MIGRATE_EXAMPLE: &str = "\
Examples:
  countersign migrate --key acme.pub ghcr.io/acme/app:1.4 --yes
  countersign migrate --certificate-identity ci@acme.example --certificate-oidc-issuer https://accounts.example \\
    --rekor-url https://rekor.sigstore.dev ghcr.io/acme/app:1.4 --yes";

/// `migrate`.
#[derive(Args, Debug)]
#[command(after_help = MIGRATE_EXAMPLE)]
pub(crate) struct Migrate {
    /// The image whose `.sig` and `.att` evidence is turned into bundles.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// Store the bundles; without it the report says what would be done.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
    /// The log of version 1 that is asked for the inclusion proofs which `.att` layers lack; without it, logged attestations stay as they are.
    #[arg(
        long,
        value_name = "URL",
        env = "COUNTERSIGN_REKOR_URL",
        hide_env = true
    )]
    pub(crate) rekor_url: Option<String>,
    #[command(flatten)]
    pub(crate) trust: Trust,
}
