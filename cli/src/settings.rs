//! What the flags amount to, with no `Option` left over.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Limits, pem_certificates};
use countersign_registry::{ClientIdentity, Mirror};

use crate::arguments;
use crate::failure::Failure;
use crate::files;

/// Largest PEM file that is read, in bytes: the authorities of a whole system have 300 KB.
const PEM_BYTES: u64 = 1 << 20;
/// Most certificates of such a file.
const AUTHORITIES: usize = 1000;

/// What every command works under.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    /// How long the command may wait for registries and services in all.
    pub(crate) timeout: Duration,
    /// Whether plain http is allowed.
    pub(crate) allow_http: bool,
    /// Whether opening a socket is forbidden.
    pub(crate) offline: bool,
    /// How registries are reached.
    pub(crate) transport: Transport,
}

/// How registries are reached, with every file read.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    /// Authorities besides the system's, DER.
    pub(crate) authorities: Vec<Bytes>,
    /// What registries that ask for a certificate are shown.
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) mirrors: Vec<Mirror>,
    /// Whether what was fetched is neither kept nor used.
    pub(crate) no_cache: bool,
    /// Where it is kept, when that is not the user's own directory.
    pub(crate) cache_directory: Option<PathBuf>,
}

impl Global {
    /// Reads the files that the flags name.
    ///
    /// # Errors
    /// Certificate and key files that cannot be used (exit 2).
    pub(crate) fn read(flags: &arguments::Global) -> Result<Self, Failure> {
        let transport = &flags.transport;
        Ok(Self {
            timeout: flags.timeout,
            allow_http: flags.allow_http,
            offline: flags.offline,
            transport: Transport {
                authorities: authorities(transport.registry_cacert.as_deref())?,
                identity: identity(transport)?,
                mirrors: transport.registry_mirror.clone(),
                no_cache: transport.no_cache,
                cache_directory: transport.cache_dir.clone(),
            },
        })
    }
}

fn authorities(path: Option<&Path>) -> Result<Vec<Bytes>, Failure> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let limits = Limits {
        certificates: AUTHORITIES,
        ..Limits::DEFAULT
    };
    let pem = files::read("the certificates", path, PEM_BYTES)?;
    pem_certificates(&pem, &limits).map_err(|error| {
        Failure::usage(error.code(), format!("`{}`: {error}", path.display()))
            .hint("write the certificate of the registry's authority as PEM")
    })
}

fn identity(flags: &arguments::Transport) -> Result<Option<ClientIdentity>, Failure> {
    let (Some(certificate), Some(key)) = (&flags.registry_client_cert, &flags.registry_client_key)
    else {
        return Ok(None);
    };
    let certificate = files::read("the client certificate", certificate, PEM_BYTES)?;
    let key = files::read("the client key", key, PEM_BYTES)?;
    Ok(Some(ClientIdentity::from_pem(&certificate, &key)?))
}
