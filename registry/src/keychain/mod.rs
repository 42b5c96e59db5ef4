//! Which login belongs to which registry.
//!
//! Order: a login given explicitly, then the files that containers-auth.json(5) and Docker name: `REGISTRY_AUTH_FILE`, podman's
//! `auth.json`, Docker's `config.json`; else anonymous. Files are read when the first registry asks for a login and not before.

mod config_file;
mod helper;
mod hosts;
mod pull_secret;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::secret::Secret;
pub(crate) use config_file::ConfigFile;
use config_file::Found;

/// A login that was looked up within so much time is not looked up again when it is refused.
const LOOKED_UP_TIME: Duration = Duration::from_secs(1);

/// A login for a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// User name and password.
    Basic {
        /// User name.
        username: String,
        /// Password or personal access token.
        password: Secret,
    },
    /// A refresh token, exchanged for access tokens by POST at the registry's token service.
    IdentityToken(Secret),
    /// A ready bearer token.
    RegistryToken(Secret),
}

impl Credential {
    /// A user name and its password; Docker's `<token>` instead of a name says that the password is a refresh token.
    #[must_use]
    pub fn of(username: &str, password: &Secret) -> Self {
        if username == "<token>" {
            Self::IdentityToken(password.clone())
        } else {
            Self::Basic {
                username: username.to_owned(),
                password: password.clone(),
            }
        }
    }

    /// The secret part.
    pub(crate) fn secret(&self) -> &Secret {
        match self {
            Self::Basic { password, .. } => password,
            Self::IdentityToken(token) | Self::RegistryToken(token) => token,
        }
    }
}

/// Where a login was put or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// In this file, in clear.
    File(PathBuf),
    /// In the store behind the program `docker-credential-<name>`.
    Helper(String),
}

/// Logins from the environment of a user, and those given explicitly; clones share what was looked up.
#[derive(Clone, Default)]
pub struct Keychain {
    explicit: Vec<(String, Credential)>,
    secrets: Arc<Vec<pull_secret::Entry>>,
    files: Arc<Files>,
}

#[derive(Default)]
struct Files {
    /// In the order in which they are asked.
    read: Vec<PathBuf>,
    /// The first of them, where `REGISTRY_AUTH_FILE` names it.
    chosen: Option<PathBuf>,
    /// The one that `login` writes.
    write: Option<PathBuf>,
    /// By registry and repository.
    looked_up: Mutex<HashMap<(String, String), LookedUp>>,
}

/// What was found, and when.
#[derive(Clone)]
struct LookedUp {
    found: Option<Credential>,
    since: Instant,
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain")
            .field("explicit", &self.explicit.len())
            .field("secrets", &self.secrets.len())
            .field("files", &self.files.read)
            .finish()
    }
}

impl Keychain {
    /// No logins at all.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The files that `env` points at: `REGISTRY_AUTH_FILE`, `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`, `HOME`, `DOCKER_CONFIG`. Reads none of them yet.
    pub fn from_environment(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| {
            env(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = set("HOME");
        let mut read = Vec::new();
        let chosen = set("REGISTRY_AUTH_FILE");
        read.extend(chosen.clone());
        match set("XDG_RUNTIME_DIR") {
            Some(runtime) => read.push(runtime.join("containers/auth.json")),
            None => read.extend(runtime_directory().map(|directory| directory.join("auth.json"))),
        }
        if let Some(config) =
            set("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")))
        {
            read.push(config.join("containers/auth.json"));
        }
        let docker = set("DOCKER_CONFIG")
            .or_else(|| home.as_ref().map(|home| home.join(".docker")))
            .map(|directory| directory.join("config.json"));
        read.extend(docker.clone());
        Self {
            explicit: Vec::new(),
            secrets: Arc::default(),
            files: Arc::new(Files {
                read,
                write: chosen.clone().or(docker),
                chosen,
                looked_up: Mutex::default(),
            }),
        }
    }

    /// The logins of Kubernetes image pull secrets (`.dockerconfigjson`, or the older `.dockercfg`) and no others: for services that are
    /// given them by tenants. No file is read and no program is started, whatever the secrets say.
    ///
    /// # Errors
    /// [`StoreError::Local`] for a secret that cannot be read; it shows nothing of it.
    pub fn from_pull_secrets<'a>(
        secrets: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, StoreError> {
        let mut entries = Vec::new();
        for secret in secrets {
            entries.extend(pull_secret::read(secret)?);
        }
        Ok(Self {
            secrets: Arc::new(entries),
            ..Self::default()
        })
    }

    /// The same with a login that goes before all files, for `registry` (`ghcr.io`, `127.0.0.1:5000`) and no other.
    #[must_use]
    pub fn with_login(mut self, registry: &str, credential: Credential) -> Self {
        self.explicit.push((hosts::canonical(registry), credential));
        self
    }

    /// The login for a repository; `None` is anonymous.
    ///
    /// # Errors
    /// [`StoreError::Local`] for a file that is there and unusable, [`StoreError::Authentication`] for a helper that fails.
    pub async fn lookup(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, StoreError> {
        let host = hosts::canonical(registry);
        if let Some((_, credential)) = self.explicit.iter().find(|(name, _)| *name == host) {
            return Ok(Some(credential.clone()));
        }
        if let Some(credential) = pull_secret::find(&self.secrets, &host, repository) {
            return Ok(Some(credential.clone()));
        }
        let key = (host, repository.to_owned());
        if let Some(known) = self.known(&key) {
            return Ok(known.found);
        }
        let found = self.search(&key.0, repository).await?;
        self.keep(key, found.clone());
        Ok(found)
    }

    /// Looks up once more what was refused: a helper's login may have been over (ECR's live for twelve hours), a file may have been
    /// written since. Whether there is another one now.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup).
    pub(crate) async fn renew(&self, registry: &str, repository: &str) -> Result<bool, StoreError> {
        let key = (hosts::canonical(registry), repository.to_owned());
        // One that was given otherwise is not in there.
        let Some(refused) = self.known(&key) else {
            return Ok(false);
        };
        if refused.since.elapsed() < LOOKED_UP_TIME {
            return Ok(false);
        }
        let found = self.search(&key.0, repository).await?;
        self.keep(key, found.clone());
        Ok(found != refused.found)
    }

    /// The file that `REGISTRY_AUTH_FILE` names when it is not there: others are asked then, as podman and skopeo do, which is seldom what was meant.
    pub(crate) fn missing_file(&self) -> Option<&Path> {
        let chosen = self.files.chosen.as_deref()?;
        (!chosen.exists()).then_some(chosen)
    }

    /// The same in words, to be told of where a login is asked for.
    pub(crate) fn missing_file_words(&self) -> Option<String> {
        let path = self.missing_file()?;
        Some(format!(
            "the file `{}` that `REGISTRY_AUTH_FILE` names is not there",
            path.display()
        ))
    }

    fn known(&self, key: &(String, String)) -> Option<LookedUp> {
        let looked_up = &self.files.looked_up;
        let looked_up = looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        looked_up.get(key).cloned()
    }

    fn keep(&self, key: (String, String), found: Option<Credential>) {
        let looked_up = &self.files.looked_up;
        let mut looked_up = looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        let since = Instant::now();
        looked_up.insert(key, LookedUp { found, since });
    }

    async fn search(&self, host: &str, repository: &str) -> Result<Option<Credential>, StoreError> {
        for path in &self.files.read {
            let Some(file) = ConfigFile::read(path)? else {
                continue;
            };
            for found in file.find(host, repository)? {
                match found {
                    Found::Credential(credential) => return Ok(Some(credential)),
                    Found::Helper(name) => {
                        let helper = name.clone();
                        let server = hosts::helper_key(host).to_owned();
                        let registry = host.to_owned();
                        let call = tokio::task::spawn_blocking(move || {
                            helper::get(&name, &server, &registry)
                        });
                        let answer = call.await.map_err(|_| {
                            helper::failure(host, &helper, "its task was stopped")
                        })??;
                        if answer.is_some() {
                            return Ok(answer);
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// Keeps a login: in the helper that the file names for this registry, else in the file itself (mode 0600, replaced in one step).
    ///
    /// # Errors
    /// When no file is known, or it or the helper cannot be used.
    pub fn store(
        &self,
        registry: &str,
        username: &str,
        password: &Secret,
    ) -> Result<Stored, StoreError> {
        let path = self.written_file()?;
        let host = hosts::canonical(registry);
        self.forget(&host);
        config_file::change(path, |file| {
            if let Some(name) = file.helper_for(&host)? {
                helper::store(&name, hosts::helper_key(&host), username, password, &host)?;
                return Ok((Stored::Helper(name), false));
            }
            file.set(&host, username, password);
            Ok((Stored::File(path.to_owned()), true))
        })
    }

    /// Removes a login from where [`store`](Self::store) would put it; `None` when there was none.
    ///
    /// # Errors
    /// When no file is known, or it or the helper cannot be used.
    pub fn erase(&self, registry: &str) -> Result<Option<Stored>, StoreError> {
        let path = self.written_file()?;
        let host = hosts::canonical(registry);
        self.forget(&host);
        config_file::change(path, |file| {
            let mut stored = None;
            if let Some(name) = file.helper_for(&host)?
                && helper::erase(&name, hosts::helper_key(&host), &host)?
            {
                stored = Some(Stored::Helper(name));
            }
            let removed = file.remove(&host);
            if removed && stored.is_none() {
                stored = Some(Stored::File(path.to_owned()));
            }
            Ok((stored, removed))
        })
    }

    fn written_file(&self) -> Result<&PathBuf, StoreError> {
        self.files.write.as_ref().ok_or_else(|| StoreError::Unsupported {
            store: "login".to_owned(),
            detail: "no file for logins is known: set `HOME`, `DOCKER_CONFIG` or `REGISTRY_AUTH_FILE`".to_owned(),
        })
    }

    fn forget(&self, host: &str) {
        self.files
            .looked_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(known, _), _| known != host);
    }
}

/// `/run/containers/<user id>`, where podman keeps logins when `XDG_RUNTIME_DIR` is unset.
#[cfg(target_os = "linux")]
fn runtime_directory() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(PathBuf::from(format!("/run/containers/{user}")))
}

#[cfg(not(target_os = "linux"))]
fn runtime_directory() -> Option<PathBuf> {
    None
}
