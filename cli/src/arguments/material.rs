//! The flags that change which logs and authorities prove something, and how much of that is asked for.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

/// An own certificate authority, and cosign's switches for logs, certificate transparency and timestamps.
#[derive(Args, Debug, Default)]
pub(crate) struct Material {
    /// Own certificate authorities (PEM) in place of the trusted root's: the roots.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "certificate_chain",
        env = "COUNTERSIGN_CA_ROOTS",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) ca_roots: Option<PathBuf>,
    /// Intermediates (PEM) below the roots of `--ca-roots`.
    #[arg(
        long,
        value_name = "FILE",
        requires = "ca_roots",
        env = "COUNTERSIGN_CA_INTERMEDIATES",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) ca_intermediates: Option<PathBuf>,
    /// An own certificate authority (PEM) in place of the trusted root's: intermediates and their self-signed root.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_CERTIFICATE_CHAIN",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_chain: Option<PathBuf>,
    /// A witness of transparency logs, as it publishes its key: `name+hash+key`; a policy's `witnesses` counts those. Repeatable.
    #[arg(
        long = "witness",
        value_name = "KEY",
        value_delimiter = ' ',
        env = "COUNTERSIGN_WITNESS",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) witnesses: Vec<String>,
    /// DANGER: accept a certificate without proof that a certificate transparency log has it.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
        value_name = "BOOL", value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_INSECURE_IGNORE_SCT", hide_env = true, help_heading = "Trust")]
    pub(crate) insecure_ignore_sct: bool,
    /// DANGER: look at no transparency log; a certificate's time must then be proven by a timestamp.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
        value_name = "BOOL", value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_INSECURE_IGNORE_TLOG", hide_env = true, help_heading = "Trust")]
    pub(crate) insecure_ignore_tlog: bool,
    /// Demand a timestamp, as `--require-timestamp 1` does.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
        value_name = "BOOL", value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_USE_SIGNED_TIMESTAMPS", hide_env = true, help_heading = "Trust")]
    pub(crate) use_signed_timestamps: bool,
}

impl Material {
    /// Whether certificates must lead to an own authority.
    pub(crate) fn has_own_authority(&self) -> bool {
        self.ca_roots.is_some() || self.certificate_chain.is_some()
    }
}
