//! Docker's `config.json` and podman's `auth.json`: one format, read and changed.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value};

use super::{Credential, helper, hosts};
use crate::error::StoreError;
use crate::secret::Secret;

/// Largest credential file that is read, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// A parsed credential file; members that we do not know are kept when it is written again.
pub(crate) struct ConfigFile {
    path: PathBuf,
    members: Map<String, Value>,
}

/// Where a login for a registry is, in the order in which the file is to be asked.
pub(super) enum Found {
    Helper(String),
    Credential(Credential),
}

impl ConfigFile {
    /// Reads a file; `None` when it does not exist.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::local(path, error)),
        };
        let metadata = file
            .metadata()
            .map_err(|error| StoreError::local(path, error))?;
        if !metadata.is_file() {
            return Err(StoreError::local(path, "not a regular file"));
        }
        let mut text = Vec::new();
        std::io::Read::by_ref(&mut file)
            .take(FILE_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|error| StoreError::local(path, error))?;
        if text.len() as u64 > FILE_BYTES {
            return Err(StoreError::local(
                path,
                format!("credential file is over the limit of {FILE_BYTES} bytes"),
            ));
        }
        Self::parse(path, &text).map(Some)
    }

    /// Reads the text of a file; one of nothing but white space is empty.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self, StoreError> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self {
                path: path.to_owned(),
                members: Map::new(),
            });
        }
        // The parser's message names line and column and never shows the text, which holds passwords.
        match serde_json::from_slice::<Value>(text) {
            Ok(Value::Object(members)) => Ok(Self {
                path: path.to_owned(),
                members,
            }),
            Ok(_) => Err(StoreError::local(
                path,
                "credential file is not a JSON object",
            )),
            Err(error) => Err(StoreError::local(
                path,
                format!(
                    "credential file is not JSON (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )),
        }
    }

    /// The text that is written.
    fn to_text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(&self.members)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Whether a login that is written into these bytes, as a file, is read from it again, everything else in it is kept, and it is
    /// gone when it is removed; `None` when they are no file. What `fuzz/` feeds.
    pub(crate) fn holds_logins(text: &[u8]) -> Option<bool> {
        let path = Path::new("config.json");
        let host = "registry.example";
        let mut file = Self::parse(path, text).ok()?;
        let others = |file: &Self| {
            let mut members = file.members.clone();
            members.remove("auths");
            members
        };
        let before = others(&file);
        // Reading never fails otherwise than with an error.
        for (host, repository) in [(host, "acme/app"), ("docker.io", "library/app")] {
            let _ = file.find(host, repository);
        }
        file.set(host, "user", &Secret::new("pass:word"));
        let mut again = Self::parse(path, &file.to_text().ok()?).ok()?;
        let own = |file: &Self| {
            file.find(host, "").map(|found| {
                found.iter().any(|found| {
                    matches!(found, Found::Credential(Credential::Basic { username, password })
                        if username == "user" && password.reveal() == "pass:word")
                })
            })
        };
        let kept = own(&again).unwrap_or(true) && others(&again) == before;
        let removed = again.remove(host) && !again.remove(host) && !own(&again).unwrap_or(false);
        Some(kept && removed)
    }

    /// A reader of entries that come from elsewhere; `name` is what errors call that.
    pub(super) fn without_file(name: &str) -> Self {
        Self {
            path: PathBuf::from(name),
            members: Map::new(),
        }
    }

    /// Everything in the file that may hold a login for the repository: the registry's own helper, the general one, then entries, the
    /// longest matching path first.
    pub(super) fn find(&self, host: &str, repository: &str) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        if let Some(name) = self.helper_for(host)? {
            found.push(Found::Helper(name));
        }
        let mut entries: Vec<(usize, Credential)> = Vec::new();
        for (key, entry) in self
            .members
            .get("auths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let (entry_host, path) = hosts::canonical_key(key);
            if entry_host == host
                && hosts::covers(&path, repository)
                && let Some(credential) = self.credential(key, entry)?
            {
                entries.push((path.len(), credential));
            }
        }
        // A stable sort: of two spellings of one key the first counts.
        entries.sort_by_key(|(length, _)| Reverse(*length));
        found.extend(
            entries
                .into_iter()
                .map(|(_, credential)| Found::Credential(credential)),
        );
        Ok(found)
    }

    /// The helper that the file names for a registry: `credHelpers`, else `credsStore`.
    pub(super) fn helper_for(&self, host: &str) -> Result<Option<String>, StoreError> {
        let own = self
            .members
            .get("credHelpers")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let own = own
            .filter(|(key, _)| hosts::canonical(key) == host)
            .find_map(|(_, name)| name.as_str());
        let name = own
            .or_else(|| self.members.get("credsStore").and_then(Value::as_str))
            .filter(|name| !name.is_empty());
        match name {
            Some(name) if helper::name_is_plain(name) => Ok(Some(name.to_owned())),
            // The name becomes a program's: anything but plain letters could point out of the search path.
            Some(_) => Err(StoreError::local(
                &self.path,
                "the name of a credential helper may have the characters a-z, 0-9 and `-` only",
            )),
            None => Ok(None),
        }
    }

    pub(super) fn set(&mut self, host: &str, username: &str, password: &Secret) {
        self.remove(host);
        let auths = self
            .members
            .entry("auths")
            .or_insert_with(|| Value::Object(Map::new()));
        if !auths.is_object() {
            *auths = Value::Object(Map::new());
        }
        if let Value::Object(auths) = auths {
            let mut entry = Map::new();
            entry.insert(
                "auth".to_owned(),
                Value::String(STANDARD.encode(format!("{username}:{}", password.reveal()))),
            );
            auths.insert(hosts::helper_key(host).to_owned(), Value::Object(entry));
        }
    }

    /// Removes every entry of the registry itself; entries for paths below it stay.
    pub(super) fn remove(&mut self, host: &str) -> bool {
        let Some(Value::Object(auths)) = self.members.get_mut("auths") else {
            return false;
        };
        let before = auths.len();
        auths.retain(|key, _| {
            let (entry_host, path) = hosts::canonical_key(key);
            !(entry_host == host && path.is_empty())
        });
        auths.len() != before
    }

    /// The login in one entry.
    pub(super) fn credential(
        &self,
        key: &str,
        entry: &Value,
    ) -> Result<Option<Credential>, StoreError> {
        let member = |name: &str| {
            entry
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        if let Some(token) = member("registrytoken") {
            return Ok(Some(Credential::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = member("identitytoken") {
            return Ok(Some(Credential::IdentityToken(Secret::new(token))));
        }
        if let Some(auth) = member("auth") {
            let bad = || {
                StoreError::local(
                    &self.path,
                    format!("the `auth` of `{key}` is not the base64 of `user:password`"),
                )
            };
            let decoded = STANDARD
                .decode(auth)
                .or_else(|_| STANDARD_NO_PAD.decode(auth))
                .map_err(|_| bad())?;
            let decoded = String::from_utf8(decoded).map_err(|_| bad())?;
            let (username, password) = decoded.split_once(':').ok_or_else(bad)?;
            // Docker pads the password with NUL on some systems.
            return Ok(Some(Credential::of(
                username,
                &Secret::new(password.trim_end_matches('\0')),
            )));
        }
        match (member("username"), member("password")) {
            (Some(username), Some(password)) => {
                Ok(Some(Credential::of(username, &Secret::new(password))))
            }
            _ => Ok(None),
        }
    }
}

/// Reads a file (an empty one when there is none), lets `act` change it and replaces it when `act` says so, all under a lock.
pub(super) fn change<T>(
    path: &Path,
    act: impl FnOnce(&mut ConfigFile) -> Result<(T, bool), StoreError>,
) -> Result<T, StoreError> {
    // A dotfiles manager may have put a link there: what it points at is replaced, not the link.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    create_private(directory)?;
    let lock = File::open(directory).map_err(|error| StoreError::local(directory, error))?;
    lock.lock()
        .map_err(|error| StoreError::local(directory, error))?;
    let mut file = ConfigFile::read(&path)?.unwrap_or_else(|| ConfigFile {
        path: path.clone(),
        members: Map::new(),
    });
    let (result, changed) = act(&mut file)?;
    if changed {
        let failed = |error: std::io::Error| StoreError::local(&path, error);
        let text = file.to_text().map_err(|error| failed(error.into()))?;
        // `tempfile` makes files that only their owner can read (0600).
        let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        temporary.write_all(&text).map_err(failed)?;
        temporary.as_file().sync_all().map_err(failed)?;
        temporary
            .persist(&path)
            .map_err(|error| failed(error.error))?;
        lock.sync_all()
            .map_err(|error| StoreError::local(directory, error))?;
    }
    Ok(result)
}

fn create_private(directory: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|error| StoreError::local(directory, error))
}
