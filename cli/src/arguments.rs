//! The command line as it is written, before anything in it is believed.

mod alternatives;
mod anchors;
mod blob;
mod cache;
mod carrying;
mod claim;
mod evidence;
mod github;
mod gitlab;
mod image;
mod instance;
mod keys;
mod material;
mod mending;
mod moving;
mod platform;
mod policies;
mod policy_making;
pub(crate) mod refused;
mod registry;
mod rejection;
mod services;
mod signing;
mod transport;
mod trust;
mod trust_store;
mod written;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use anchors::Anchors;
pub(crate) use blob::{AttestBlob, Judged, SignBlob, VerifyBlob, VerifyBlobAttestation};
pub(crate) use cache::CacheCommand;
pub(crate) use carrying::{
    AttachAttestation, AttachBundle, AttachCommand, AttachSbom, AttachSignature, Download,
    DownloadCommand, ProofFlags,
};
pub(crate) use claim::Annotated;
pub(crate) use evidence::{Places, Sources};
pub(crate) use github::Given;
pub(crate) use image::{
    Attest, Discover, Examined, Inspect, Layout, Sign, Verify, VerifyAttestation,
};
pub(crate) use instance::Instance;
pub(crate) use keys::{GenerateKeyPair, ImportKeyPair, KeyType, PublicKey};
pub(crate) use material::Material;
pub(crate) use mending::{Clean, Doctor, Migrate, Repair};
pub(crate) use moving::{Carried, Copy, Load, LocalPlace, Save};
pub(crate) use platform::Platforms;
pub(crate) use policies::{Explain, Record, Test};
pub(crate) use policy_making::{Init, Push};
pub(crate) use registry::{Login, Logout, RegistryCommand, Serve};
pub(crate) use rejection::rejection;
pub(crate) use services::{Ambient, Login as LoginWay, Services};
pub(crate) use signing::{Document, Many, Placement, Signer};
pub(crate) use transport::Transport;
pub(crate) use trust::{Annotation, Trust};
pub(crate) use trust_store::{
    SigningConfigCommand, SigningConfigCreate, Target, TrustCommand, TrustCreate, TrustExport,
    TrustInit, TrustShow, TrustSource,
};

use crate::printer::Output;

const CODES: &str = "\
Exit codes:
  0   done, verified
  1   internal error, or the output could not be written
  2   the command line or a file given with it cannot be used
  10  the image is there and nothing is attached to it
  11  the image does not exist
  12  evidence is there and none of it is acceptable
  13  a certificate was required and only keys have signed
  20  it could not be found out (network, rate limit, a registry that lies)
  21  the registry wants other credentials
  22  trust material is missing or stale

Every flag can be set in the environment: `--allow-http` is COUNTERSIGN_ALLOW_HTTP.";

/// Signs container images and attestations about them, and decides whether an image has what a policy asks for.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, after_help = CODES, max_term_width = 100)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Reads the command line and the environment.
    pub(crate) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let mut matches = command.try_get_matches_from_mut(arguments);
        if let Err(error) = &matches
            && error.kind() == ErrorKind::ArgumentConflict
        {
            let (path, outdone) = alternatives::outdone(Self::command(), arguments);
            if !outdone.is_empty() {
                command = alternatives::without_variables(Self::command(), &path, &outdone);
                matches = command.try_get_matches_from_mut(arguments);
            }
        }
        let matches = matches?;
        let mut innermost = &matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        let given = |id| innermost.try_contains_id(id).unwrap_or(false);
        let from = |id| given(id).then(|| innermost.value_source(id)).flatten();
        // COUNTERSIGN_POLICY_KEY may stay set where there is no policy that it could be for; the flag means one.
        if from("policy_key") == Some(ValueSource::CommandLine) && !given("policy") {
            return Err(command.error(
                ErrorKind::MissingRequiredArgument,
                "`--policy-key` is given, and no `--policy` that it could be for",
            ));
        }
        // COUNTERSIGN_SIGNING_CONFIG names the services for identities; a key that nobody told to publish does not.
        let told = |id| from(id).is_some_and(|source| source != ValueSource::DefaultValue);
        if let Some((name, _)) = matches.subcommand()
            && from("signing_config") == Some(ValueSource::EnvVariable)
            && given("key")
            && !told("log")
            && !told("timestamp")
        {
            let name = name.to_owned();
            let matches =
                alternatives::without_variables(command, &[name], &["signing_config".to_owned()])
                    .try_get_matches_from(arguments)?;
            return Self::from_arg_matches(&matches);
        }
        Self::from_arg_matches(&matches)
    }
}

/// What every command knows.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Tell what happens (requests without their secrets); twice for more.
    #[arg(short, long, global = true, action = ArgAction::Count, env = "COUNTERSIGN_VERBOSE", hide_env = true)]
    pub(crate) verbose: u8,
    /// What standard output carries.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text, env = "COUNTERSIGN_OUTPUT", hide_env = true)]
    pub(crate) output: Output,
    /// How long the command may wait for registries and services in all, as `30s`, `2m` or `500ms`.
    #[arg(short, long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration, env = "COUNTERSIGN_TIMEOUT", hide_env = true)]
    pub(crate) timeout: Duration,
    /// Speak plain http to registries.
    #[arg(long, global = true, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_ALLOW_HTTP", hide_env = true)]
    pub(crate) allow_http: bool,
    /// Open no socket.
    #[arg(long, global = true, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_OFFLINE", hide_env = true)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) transport: Transport,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign images by digest and store the signatures beside them.
    Sign(Sign),
    /// Sign a statement about images (an SBOM, provenance, a scan) and store it beside them.
    Attest(Attest),
    /// Decide whether images are signed as asked.
    Verify(Verify),
    /// Decide whether images have an attestation as asked.
    VerifyAttestation(VerifyAttestation),
    /// Sign a file into a bundle.
    SignBlob(SignBlob),
    /// Sign a statement about a file into a bundle.
    AttestBlob(AttestBlob),
    /// Decide whether a file is signed as asked.
    VerifyBlob(VerifyBlob),
    /// Decide whether a file has an attestation as asked.
    VerifyBlobAttestation(VerifyBlobAttestation),
    /// List what is attached to an image, without verifying it.
    #[command(visible_alias = "tree")]
    Discover(Discover),
    /// Copy an image with its platforms and its evidence, byte for byte.
    Copy(Copy),
    /// Put an image with its platforms and its evidence into a folder or a tar file.
    Save(Save),
    /// Bring what `save` or cosign put into a folder or a tar file into a registry.
    Load(Load),
    /// Print the evidence of an image as it is stored.
    #[command(subcommand)]
    Download(DownloadCommand),
    /// Store evidence that was made elsewhere beside an image.
    #[command(subcommand)]
    Attach(AttachCommand),
    /// Remove evidence that is not wanted any more; shows what it would do until `--yes` is given.
    Clean(Clean),
    /// Mend the list of an image's referrers under its fallback tag.
    Repair(Repair),
    /// Find out what a registry can do and who sees what is in it.
    Doctor(Doctor),
    /// Turn attestations under `.att` tags into bundles where that is possible.
    Migrate(Migrate),
    /// Show what a bundle, key, certificate, manifest or policy says, without verifying it.
    Inspect(Inspect),
    /// Make a key pair: an encrypted private key and its public key.
    GenerateKeyPair(GenerateKeyPair),
    /// Encrypt an existing private key into a key pair.
    ImportKeyPair(ImportKeyPair),
    /// Print the public key of a key.
    PublicKey(PublicKey),
    /// Work with policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say whom to trust: repositories, packs and roots.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Say which services to sign with.
    #[command(subcommand)]
    SigningConfig(SigningConfigCommand),
    /// Work with registries.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Work with the cache of fetched evidence.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Store credentials for a registry.
    Login(Login),
    /// Forget the credentials for a registry.
    Logout(Logout),
    /// Print a completion script for a shell.
    Completion(Completion),
    /// Do the main job for real in a new folder: keys, registry, signature, SBOM, policy, tampering.
    Demo(Demo),
}

/// The commands about policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read policy files, say what they ask for and what in them is probably not meant.
    ///
    /// Findings go to standard error, a line each, as editors read them: `file:line:column: severity: message [code]`.
    #[command(
        visible_alias = "lint",
        after_help = "Example: countersign policy check policies/prod.yaml"
    )]
    Check(PolicyCheck),
    /// Explain why an image passes or not: evidence, rules, nearest miss, and what would make it pass.
    Explain(Box<Explain>),
    /// Propose a tight policy from what is signed, to be reviewed: whoever signed is taken for who should have.
    Init(Box<Init>),
    /// Publish policies in a registry or layout, so that `verify --policy oci://…` reads them where they are signed.
    Push(Push),
    /// Record all evidence about images, the trust and the time into a pack, to be tested offline.
    Record(Box<Record>),
    /// Run tables of tests over packs, offline and with a frozen clock.
    Test(Test),
}

/// `policy check`.
#[derive(Args, Debug)]
pub(crate) struct PolicyCheck {
    /// Policy files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// `completion`.
#[derive(Args, Debug)]
pub(crate) struct Completion {
    /// The shell.
    pub(crate) shell: Shell,
}

/// The shells that completion is printed for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// Friendly interactive shell.
    Fish,
}

/// `demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The folder to make; it must not exist or be empty.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "countersign-demo",
        env = "COUNTERSIGN_DIR",
        hide_env = true
    )]
    pub(crate) dir: PathBuf,
}

/// Parses `30s`, `2m`, `1h`, `500ms`, `1m30s`, or a bare number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let refused = || {
        "write a duration such as `30s`, `2m` or `500ms`, more than zero and at most 24 hours"
            .to_owned()
    };
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds))
            .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
            .ok_or_else(refused);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(refused)?;
        let (number, tail) = rest.split_at_checked(digits).ok_or_else(refused)?;
        let unit = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit).ok_or_else(refused)?;
        let number: u64 = number.parse().map_err(|_| refused())?;
        let milliseconds = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1_000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            _ => None,
        };
        total = milliseconds
            .and_then(|more| total.checked_add(Duration::from_millis(more)))
            .ok_or_else(refused)?;
        rest = tail;
    }
    if total.is_zero() || total > LONGEST {
        return Err(refused());
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        for bad in [
            "",
            "s",
            "0s",
            "0",
            "-1s",
            "1y",
            "1.5s",
            "99999999999999999999s",
            "25h",
            "5 s",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_can_be_set_in_the_environment() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                let Some(long) = argument.get_long() else {
                    continue;
                };
                // `login --password`: COUNTERSIGN_PASSWORD belongs to keys, see there.
                if ["help", "version", "password"].contains(&long) {
                    continue;
                }
                // `sign --format` says what is written, `discover --format` how it is shown: one variable cannot say both.
                let prefix = if command.get_name() == "discover" && long == "format" {
                    "COUNTERSIGN_DISCOVER_"
                } else {
                    "COUNTERSIGN_"
                };
                let expected = format!("{prefix}{}", long.to_uppercase().replace('-', "_"));
                let found = argument
                    .get_env()
                    .map(|name| name.to_string_lossy().into_owned());
                assert_eq!(found, Some(expected), "--{long} of {}", command.get_name());
                assert!(argument.get_help().is_some(), "--{long} has no help");
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Arguments::command());
    }

    #[test]
    fn no_flag_is_both_honoured_and_refused() {
        for command in Arguments::command().get_subcommands() {
            for argument in command.get_arguments() {
                if let Some(long) = argument.get_long() {
                    assert!(
                        refused::find(command.get_name(), &format!("--{long}")).is_none(),
                        "--{long} of {}",
                        command.get_name()
                    );
                }
            }
        }
    }
}
