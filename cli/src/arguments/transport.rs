//! The flags about how registries are reached, which every command knows.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use countersign_registry::Mirror;

/// How registries are reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Transport {
    /// Trust the authorities of this PEM file for registries, besides the system's.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERSIGN_REGISTRY_CACERT",
        hide_env = true
    )]
    pub(crate) registry_cacert: Option<PathBuf>,
    /// Show registries that ask for one this certificate (PEM); needs `--registry-client-key`.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "registry_client_key",
        env = "COUNTERSIGN_REGISTRY_CLIENT_CERT",
        hide_env = true
    )]
    pub(crate) registry_client_cert: Option<PathBuf>,
    /// The key of `--registry-client-cert` (PEM, in clear).
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "registry_client_cert",
        env = "COUNTERSIGN_REGISTRY_CLIENT_KEY",
        hide_env = true
    )]
    pub(crate) registry_client_key: Option<PathBuf>,
    /// Reach everything below a name at another place, as `ghcr.io=mirror.example:5000/ghcr`; several times.
    #[arg(long, global = true, value_name = "NAME=PLACE", value_parser = Mirror::parse, value_delimiter = ',', env = "COUNTERSIGN_REGISTRY_MIRROR", hide_env = true)]
    pub(crate) registry_mirror: Vec<Mirror>,
    /// Keep nothing that was fetched, and use nothing that was kept.
    #[arg(long, global = true, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_NO_CACHE", hide_env = true)]
    pub(crate) no_cache: bool,
    /// Where fetched evidence is kept.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COUNTERSIGN_CACHE_DIR",
        hide_env = true
    )]
    pub(crate) cache_dir: Option<PathBuf>,
}
