//! The flags about where trust comes from, and the commands that keep it.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};

use super::instance::Instance;

/// Where trust comes from when no file is named.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TrustSource {
    /// A pack of trust (`trust export`), proven from the root that is held here, in place of a mirror.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "trusted_root",
        env = "COUNTERSIGN_TRUST_PACK",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) trust_pack: Option<PathBuf>,
    /// Longest time since the trust was compared with its mirror, as `12h` or `7d`; older is stale.
    #[arg(long, value_name = "AGE", value_parser = age, env = "COUNTERSIGN_MAX_TRUST_AGE", hide_env = true, help_heading = "Trust")]
    pub(crate) max_trust_age: Option<u64>,
}

/// The commands about trust.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Choose the TUF repository that says whom this machine trusts, and fetch it.
    #[command(
        after_help = "Examples:\n  countersign trust init\n  countersign trust init --mirror https://tuf.acme.example --root root.json"
    )]
    Init(TrustInit),
    /// Say what is trusted, how old it is and when it expires; opens no socket.
    #[command(after_help = "Example:\n  countersign trust show")]
    Show(TrustShow),
    /// Compare the trust with its mirror now.
    #[command(after_help = "Example:\n  countersign trust update")]
    Update,
    /// Write the trust, and the metadata that proves it, into a pack for machines without a network.
    #[command(
        after_help = "Example:\n  countersign trust export acme.pack\n  countersign verify --offline --trust-pack acme.pack ... oci:image"
    )]
    Export(TrustExport),
    /// Build a trusted root for own services from keys and certificates.
    #[command(
        after_help = "Example:\n  countersign trust create --out root.json \\\n    --fulcio url=https://fulcio.acme.example,certificate-chain=ca.pem,start-time=2026-01-01T00:00:00Z \\\n    --rekor url=https://rekor.acme.example,public-key=rekor.pub,start-time=2026-01-01T00:00:00Z"
    )]
    Create(TrustCreate),
}

/// `trust init`.
#[derive(Args, Debug)]
pub(crate) struct TrustInit {
    /// The repository's address; without it Sigstore's public-good instance.
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_MIRROR", hide_env = true)]
    pub(crate) mirror: Option<String>,
    /// The repository's root, which you got by another way; without it the public-good instance's, which is built in.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_ROOT", hide_env = true)]
    pub(crate) root: Option<PathBuf>,
}

/// `trust show`.
#[derive(Args, Debug)]
pub(crate) struct TrustShow {
    /// Show this trusted root instead.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_TRUSTED_ROOT",
        hide_env = true
    )]
    pub(crate) trusted_root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: TrustSource,
}

/// `trust export`.
#[derive(Args, Debug)]
pub(crate) struct TrustExport {
    /// The pack to write.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replace an existing file.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// `trust create`.
#[derive(Args, Debug)]
pub(crate) struct TrustCreate {
    /// A certificate authority: `url=URL,certificate-chain=FILE,start-time=TIME[,end-time=TIME]`, intermediates first, root last.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_FULCIO", hide_env = true)]
    pub(crate) fulcio: Vec<Instance>,
    /// A transparency log: `url=URL,public-key=FILE,start-time=TIME[,end-time=TIME][,origin=NAME]`.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_REKOR", hide_env = true)]
    pub(crate) rekor: Vec<Instance>,
    /// A certificate transparency log: `url=URL,public-key=FILE,start-time=TIME[,end-time=TIME]`.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_CTFE", hide_env = true)]
    pub(crate) ctfe: Vec<Instance>,
    /// A timestamp authority: `url=URL,certificate-chain=FILE,start-time=TIME[,end-time=TIME]`, its own certificate first, root last.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_TSA", hide_env = true)]
    pub(crate) tsa: Vec<Instance>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// The commands about signing configs.
#[derive(Debug, Subcommand)]
pub(crate) enum SigningConfigCommand {
    /// Build a signing config (version 0.2) for own services.
    #[command(
        after_help = "Example:\n  countersign signing-config create --out services.json \\\n    --fulcio url=https://fulcio.acme.example,api-version=1,start-time=2026-01-01T00:00:00Z,operator=acme \\\n    --rekor url=https://rekor.acme.example,api-version=2,start-time=2026-01-01T00:00:00Z,operator=acme \\\n    --tsa url=https://tsa.acme.example/api/v1/timestamp,api-version=1,start-time=2026-01-01T00:00:00Z,operator=acme"
    )]
    Create(SigningConfigCreate),
}

/// `signing-config create`.
#[derive(Args, Debug)]
pub(crate) struct SigningConfigCreate {
    /// A certificate authority: `url=URL,api-version=N,start-time=TIME,operator=NAME[,end-time=TIME]`.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_FULCIO", hide_env = true)]
    pub(crate) fulcio: Vec<Instance>,
    /// An issuer to log in with, likewise.
    #[arg(
        long,
        value_name = "SPEC",
        env = "COUNTERSIGN_OIDC_PROVIDER",
        hide_env = true
    )]
    pub(crate) oidc_provider: Vec<Instance>,
    /// A transparency log, likewise.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_REKOR", hide_env = true)]
    pub(crate) rekor: Vec<Instance>,
    /// A timestamp authority, likewise.
    #[arg(long, value_name = "SPEC", env = "COUNTERSIGN_TSA", hide_env = true)]
    pub(crate) tsa: Vec<Instance>,
    /// How many logs take part: `ANY`, `ALL` or `EXACT:N`.
    #[arg(
        long,
        value_name = "SELECTOR",
        default_value = "ANY",
        env = "COUNTERSIGN_REKOR_CONFIG",
        hide_env = true
    )]
    pub(crate) rekor_config: String,
    /// How many timestamp authorities take part: `ANY`, `ALL` or `EXACT:N`.
    #[arg(
        long,
        value_name = "SELECTOR",
        default_value = "ANY",
        env = "COUNTERSIGN_TSA_CONFIG",
        hide_env = true
    )]
    pub(crate) tsa_config: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Where what a `create` command built goes.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The file to write, `-` for standard output.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "-",
        env = "COUNTERSIGN_OUT",
        hide_env = true
    )]
    pub(crate) out: PathBuf,
    /// Replace an existing file.
    #[arg(short, long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_YES", hide_env = true)]
    pub(crate) yes: bool,
}

/// Parses an age in seconds: `90m`, `12h`, `7d`, or a bare number of seconds.
fn age(text: &str) -> Result<u64, String> {
    let refused = || "write an age such as `12h` or `7d`, more than zero".to_owned();
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (Some(text), 1),
    };
    number
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|number| number.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| *seconds > 0)
        .ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit_and_is_not_nothing() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("2m", 120),
            ("12h", 43_200),
            ("7d", 604_800),
        ] {
            assert_eq!(age(text).unwrap(), seconds);
        }
        for text in [
            "",
            "0",
            "0d",
            "-1",
            "d",
            "1w",
            "1.5h",
            "99999999999999999999d",
        ] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
