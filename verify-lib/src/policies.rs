//! Policies from files and directories.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_formats::Limits;
use countersign_policy::{PolicyError, PolicySet, Source};
use countersign_trust_store::read_capped;

/// Most policy files in one directory.
const FILES: usize = 10_000;

/// Policies that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyLoadError {
    /// A file or directory cannot be read.
    #[error("`{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A policy file is larger than the limit.
    #[error("policy `{}` is larger than {limit} bytes", path.display())]
    OverLimit {
        /// The path.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A directory holds more policies than the limit.
    #[error("`{}` holds more than {limit} policies", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// The limit, in files.
        limit: usize,
    },
    /// A directory holds no policy.
    #[error("`{}` holds no policy", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A policy that cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl PolicyLoadError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "policy-unreadable",
            Self::OverLimit { .. } => "policy-over-limit",
            Self::TooMany { .. } => "policy-too-many",
            Self::Empty { .. } => "policy-none",
            Self::Policy(error) => error.code(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty { .. } => {
                Some("policies in a directory end in `.yaml` or `.yml`".to_owned())
            }
            Self::Policy(error) => error.hint(),
            _ => None,
        }
    }
}

/// Reads policies from files, and from the `.yaml` and `.yml` files of directories in the order of
/// their names; a `file:` key is relative to the policy that names it.
///
/// # Errors
///
/// [`PolicyLoadError`].
pub fn load_policies(paths: &[PathBuf], limits: &Limits) -> Result<PolicySet, PolicyLoadError> {
    let mut sources = Vec::new();
    for path in paths {
        for file in files(path)? {
            sources.push(source(&file, limits)?);
        }
    }
    // Two policies may name one key: it is read once, and both get the same bytes.
    let read: RefCell<BTreeMap<PathBuf, Vec<u8>>> = RefCell::new(BTreeMap::new());
    let key_file = |policy: &str, name: &str| {
        let path = Path::new(policy)
            .parent()
            .unwrap_or(Path::new(""))
            .join(name);
        if let Some(bytes) = read.borrow().get(&path) {
            return Ok(bytes.clone());
        }
        let limit = limits.key_file_bytes;
        match read_capped(&path, limit) {
            Ok(Some(bytes)) => {
                read.borrow_mut().insert(path, bytes.to_vec());
                Ok(bytes.to_vec())
            }
            Ok(None) => Err(format!("it is larger than {limit} bytes")),
            Err(reason) => Err(reason.to_string()),
        }
    };
    Ok(PolicySet::parse_with_files(&sources, limits, &key_file)?)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, PolicyLoadError> {
    let unreadable = |reason| PolicyLoadError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            if files.len() >= FILES {
                return Err(PolicyLoadError::TooMany {
                    path: path.to_owned(),
                    limit: FILES,
                });
            }
            files.push(file);
        }
    }
    if files.is_empty() {
        // A directory without policies would be a set that nothing can pass, found out much later.
        return Err(PolicyLoadError::Empty {
            path: path.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

fn source(path: &Path, limits: &Limits) -> Result<Source, PolicyLoadError> {
    let limit = limits.policy_bytes;
    match read_capped(path, limit) {
        Ok(Some(bytes)) => Ok(Source {
            name: path.to_string_lossy().into_owned(),
            bytes,
        }),
        Ok(None) => Err(PolicyLoadError::OverLimit {
            path: path.to_owned(),
            limit,
        }),
        Err(reason) => Err(PolicyLoadError::Unreadable {
            path: path.to_owned(),
            reason,
        }),
    }
}
