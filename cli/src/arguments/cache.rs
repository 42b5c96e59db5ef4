//! The commands about the cache of evidence.

use clap::Subcommand;

/// The commands about the cache of evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Say where fetched evidence is kept and how much of it there is.
    #[command(after_help = "Example:\n  countersign cache show")]
    Show,
    /// Remove all fetched evidence.
    #[command(after_help = "Example:\n  countersign cache clear")]
    Clear,
}
