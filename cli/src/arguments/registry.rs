//! The flags of the commands about registries and their credentials.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};

/// The commands about registries.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Serve a folder of OCI layouts as a registry.
    Serve(Serve),
}

const SERVE_EXAMPLE: &str = "\
Examples:
  countersign registry serve --dir ./registry
  countersign registry serve --dir ./registry --listen 127.0.0.1:0 --users users.txt --allow-delete";

/// `registry serve`.
#[derive(Args, Debug)]
#[command(after_help = SERVE_EXAMPLE)]
pub(crate) struct Serve {
    /// The folder; each repository is an OCI layout below it.
    #[arg(long, value_name = "DIR", env = "COUNTERSIGN_DIR", hide_env = true)]
    pub(crate) dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:5000",
        env = "COUNTERSIGN_LISTEN",
        hide_env = true
    )]
    pub(crate) listen: SocketAddr,
    /// Let manifests, tags and blobs be deleted.
    #[arg(long, value_parser = BoolishValueParser::new(), conflicts_with = "read_only", env = "COUNTERSIGN_ALLOW_DELETE", hide_env = true)]
    pub(crate) allow_delete: bool,
    /// Take no pushes.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_READ_ONLY", hide_env = true)]
    pub(crate) read_only: bool,
    /// Who may log in: a file with a line `NAME:PASSWORD` each, `NAME:PASSWORD:pull` for who may only pull; nobody else gets in.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_USERS", hide_env = true)]
    pub(crate) users: Option<PathBuf>,
}

const LOGIN_EXAMPLE: &str = "\
Example:
  countersign login --username robot --password-stdin ghcr.io < token.txt";

/// `login`.
#[derive(Args, Debug)]
#[command(after_help = LOGIN_EXAMPLE)]
pub(crate) struct Login {
    /// The registry, as `ghcr.io` or `127.0.0.1:5000`.
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// The user's name.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "COUNTERSIGN_USERNAME",
        hide_env = true
    )]
    pub(crate) username: Option<String>,
    /// The password or token (other users of the machine may see it; prefer `--password-stdin`).
    // No environment variable: COUNTERSIGN_PASSWORD is the password of keys and must not be sent to a registry.
    #[arg(
        short,
        long,
        value_name = "PASSWORD",
        conflicts_with = "password_stdin"
    )]
    pub(crate) password: Option<String>,
    /// Read the password from standard input.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_PASSWORD_STDIN", hide_env = true)]
    pub(crate) password_stdin: bool,
}

/// `logout`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  countersign logout ghcr.io")]
pub(crate) struct Logout {
    /// The registry, as `ghcr.io` or `127.0.0.1:5000`.
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
}
