//! What the flags amount to, with no `Option` left over.

use std::time::Duration;

use crate::arguments;

/// What every command works under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global {
    /// How long the command may wait for registries and services in all.
    pub(crate) timeout: Duration,
    /// Whether plain http is allowed.
    pub(crate) allow_http: bool,
    /// Whether opening a socket is forbidden.
    pub(crate) offline: bool,
}

impl From<&arguments::Global> for Global {
    fn from(arguments: &arguments::Global) -> Self {
        Self {
            timeout: arguments.timeout,
            allow_http: arguments.allow_http,
            offline: arguments.offline,
        }
    }
}
