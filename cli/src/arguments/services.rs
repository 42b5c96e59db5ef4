//! The flags that say with what identity is signed and which services take part, shared by the four commands that sign.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::trust_store::TrustSource;

/// How a person logs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Login {
    /// In a browser on this machine.
    Browser,
    /// In a browser elsewhere, with a code that is shown here.
    Device,
}

/// Which of the surroundings are asked for a token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Ambient {
    /// GitHub Actions, SIGSTORE_ID_TOKEN (GitLab and others), CircleCI, Buildkite, SPIFFE: whichever is there.
    #[default]
    Auto,
    /// Those, and the metadata service of Google Cloud, whose token is of the machine and not of a job.
    Google,
    /// None.
    None,
}

/// The identity and the services.
#[derive(Args, Debug)]
pub(crate) struct Services {
    /// The identity token to sign with: a file, `-` for standard input, or `env://NAME`.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "key",
        env = "COUNTERSIGN_IDENTITY_TOKEN",
        hide_env = true,
        help_heading = "Identity"
    )]
    pub(crate) identity_token: Option<String>,
    /// Which of the surroundings are asked for an identity token.
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        default_value_t = Ambient::Auto,
        env = "COUNTERSIGN_AMBIENT",
        hide_env = true,
        help_heading = "Identity"
    )]
    pub(crate) ambient: Ambient,
    /// Log in for a token, whatever the surroundings could give.
    #[arg(
        long,
        value_enum,
        value_name = "WAY",
        conflicts_with_all = ["key", "identity_token"],
        env = "COUNTERSIGN_LOGIN",
        hide_env = true,
        help_heading = "Identity"
    )]
    pub(crate) login: Option<Login>,
    /// The issuer to log in with, in place of the signing config's; a token of another is refused.
    #[arg(
        long,
        value_name = "URL",
        env = "COUNTERSIGN_OIDC_ISSUER",
        hide_env = true,
        help_heading = "Identity"
    )]
    pub(crate) oidc_issuer: Option<String>,
    /// The client that the issuer knows, which is the audience of the token.
    #[arg(
        long,
        value_name = "ID",
        default_value = "sigstore",
        env = "COUNTERSIGN_OIDC_CLIENT_ID",
        hide_env = true,
        help_heading = "Identity"
    )]
    pub(crate) oidc_client_id: String,
    /// The services to use (a signing config of version 0.2); needed without `--key`, since none is built in.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_SIGNING_CONFIG",
        hide_env = true,
        help_heading = "Services"
    )]
    pub(crate) signing_config: Option<PathBuf>,
    /// The logs and authorities that the answers must be proven by; without it those of `--trust-pack`, else of `trust init`, else the public-good Sigstore root that is built in.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_TRUSTED_ROOT",
        hide_env = true,
        help_heading = "Services"
    )]
    pub(crate) trusted_root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: TrustSource,
    /// Use no service, which is what a key does unless told otherwise.
    #[arg(
        long,
        value_parser = BoolishValueParser::new(),
        conflicts_with_all = ["log", "timestamp", "identity_token", "login"],
        env = "COUNTERSIGN_NO_SERVICES",
        hide_env = true,
        help_heading = "Services"
    )]
    pub(crate) no_services: bool,
    /// Enter the key's signature into the signing config's logs, which is public.
    #[arg(
        long,
        value_parser = BoolishValueParser::new(),
        requires = "signing_config",
        env = "COUNTERSIGN_LOG",
        hide_env = true,
        help_heading = "Services"
    )]
    pub(crate) log: bool,
    /// Have the key's signature dated by the signing config's timestamp authorities.
    #[arg(
        long,
        value_parser = BoolishValueParser::new(),
        requires = "signing_config",
        env = "COUNTERSIGN_TIMESTAMP",
        hide_env = true,
        help_heading = "Services"
    )]
    pub(crate) timestamp: bool,
}
