//! Policies from files, directories, and registries.

mod published;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_formats::{Limits, UnixTime};
use countersign_policy::{Outcome, PolicyError, PolicySet, Source};
use countersign_proof::TrustedKey;
use countersign_registry::{Settings, StoreError};
use countersign_trust_store::read_capped;

use crate::error::VerifyError;
pub use published::{
    POLICIES_TYPE, POLICY_DOCUMENT, is_published, publish_policies, published_reference,
};

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
    /// A place in a registry that is no reference.
    #[error("`{place}` is no reference to policies: {detail}")]
    Reference {
        /// The place as given.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Published policies that are not pinned: a tag could bring back older ones that are signed as well.
    #[error("the policies at `{place}` are not pinned by a digest")]
    WithoutDigest {
        /// The place as given.
        place: String,
    },
    /// Published policies, and no key to judge their signature by.
    #[error("no key is named that the policies at `{place}` must be signed by")]
    WithoutKey {
        /// The place as given.
        place: String,
    },
    /// Whether published policies are signed could not be judged at all.
    #[error("the policies at `{place}`: {error}")]
    Unverified {
        /// The place as given.
        place: String,
        /// Why.
        error: VerifyError,
    },
    /// The signature of published policies is missing, another's, or could not be found out.
    #[error("the policies at `{place}` are not used: {detail}")]
    NotAccepted {
        /// The place as given.
        place: String,
        /// What the judge said, as for any image.
        outcome: Outcome,
        /// Why, in one sentence.
        detail: String,
    },
    /// Published policies could not be fetched.
    #[error("the policies at `{place}`: {error}")]
    Store {
        /// The place as given.
        place: String,
        /// What the store said.
        error: StoreError,
    },
    /// Published policies were not fetched in time.
    #[error("the policies at `{place}` were not fetched within {seconds} s")]
    Deadline {
        /// The place as given.
        place: String,
        /// The deadline, in seconds.
        seconds: f32,
    },
    /// What is published and signed there are no policies.
    #[error("there are no policies at `{place}`: {detail}")]
    NotPolicies {
        /// The place as given.
        place: String,
        /// What is there.
        detail: String,
    },
    /// A place in a registry where only files are read.
    #[error("`{place}` is published, and only files and folders are read here")]
    OnlyFiles {
        /// The place as given.
        place: String,
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
            Self::Reference { .. } => "policy-reference",
            Self::WithoutDigest { .. } => "policy-without-digest",
            Self::WithoutKey { .. } => "policy-without-key",
            Self::Unverified { error, .. } => error.code(),
            Self::NotAccepted {
                outcome: Outcome::NoEvidence,
                ..
            } => "policy-unsigned",
            Self::NotAccepted {
                outcome: Outcome::Unknown(_),
                ..
            } => "policy-signature-unknown",
            Self::NotAccepted { .. } => "policy-signature-denied",
            Self::Store { error, .. } => error.code(),
            Self::Deadline { .. } => "policy-deadline",
            Self::NotPolicies { .. } => "policy-not-policies",
            Self::OnlyFiles { .. } => "policy-only-files",
            Self::Policy(error) => error.code(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty { .. } => {
                Some("policies in a directory end in `.yaml` or `.yml` and begin with no dot".to_owned())
            }
            Self::Policy(error) => error.hint(),
            Self::Reference { .. } | Self::WithoutDigest { .. } => Some(
                "write `oci://HOST/REPOSITORY@sha256:…`, as `policy push` prints it; `oci:DIR@sha256:…` for a layout".to_owned(),
            ),
            Self::WithoutKey { .. } => Some(
                "name the key with `--policy-key`; unsigned policies are never fetched".to_owned(),
            ),
            Self::NotAccepted { outcome: Outcome::Unknown(_), .. } => Some(
                "nothing is judged without its policies; try again when that is mended".to_owned(),
            ),
            Self::NotAccepted { .. } => Some(
                "sign them with `countersign sign`, or name the key that did with `--policy-key`".to_owned(),
            ),
            Self::Unverified { error, .. } => error.hint(),
            Self::Store { error, .. } => error.hint(),
            Self::Deadline { .. } => Some("a longer time can be given: `--timeout`, or `VerifierBuilder::deadline`".to_owned()),
            Self::NotPolicies { .. } => Some("`countersign policy push` publishes policies".to_owned()),
            Self::OnlyFiles { .. } => Some(
                "`countersign verify --policy PLACE --policy-key KEY --print-policy` fetches policies into a file".to_owned(),
            ),
            _ => None,
        }
    }
}

/// Reads policies from files, and from the `.yaml` and `.yml` files of directories in the order of
/// their names, hidden ones and subdirectories left out; a `file:` key is relative to the policy that names it.
///
/// # Errors
///
/// [`PolicyLoadError`].
pub fn load_policies(paths: &[PathBuf], limits: &Limits) -> Result<PolicySet, PolicyLoadError> {
    let mut sources = Vec::new();
    for path in paths {
        if let Some(place) = path.to_str().filter(|place| is_published(place)) {
            return Err(PolicyLoadError::OnlyFiles {
                place: place.to_owned(),
            });
        }
        sources.extend(policy_sources(path, limits)?);
    }
    parse(&sources, limits)
}

/// Reads policies from files and directories as [`load_policies`] does, and from registries and layouts: pinned by digest, and only
/// after a signature by one of `keys` was judged as that of any image is. Their order is that of `places`.
///
/// # Errors
///
/// [`PolicyLoadError`].
pub async fn load_published_policies(
    places: &[PathBuf],
    keys: &[TrustedKey],
    settings: &Settings,
    limits: &Limits,
    now: UnixTime,
) -> Result<PolicySet, PolicyLoadError> {
    let mut sources = Vec::new();
    for path in places {
        match path.to_str().filter(|place| is_published(place)) {
            Some(place) => {
                sources.extend(published::fetch(place, keys, settings, limits, now).await?);
            }
            None => sources.extend(policy_sources(path, limits)?),
        }
    }
    parse(&sources, limits)
}

/// The texts of a policy file, or of the policies of a directory in the order of their names.
///
/// # Errors
///
/// [`PolicyLoadError`].
pub fn policy_sources(path: &Path, limits: &Limits) -> Result<Vec<Source>, PolicyLoadError> {
    files(path)?
        .iter()
        .map(|file| source(file, limits))
        .collect()
}

fn parse(sources: &[Source], limits: &Limits) -> Result<PolicySet, PolicyLoadError> {
    // Two policies may name one key: it is read once, and both get the same bytes.
    let read: RefCell<BTreeMap<PathBuf, Vec<u8>>> = RefCell::new(BTreeMap::new());
    let key_file = |policy: &str, name: &str| {
        if is_published(policy) {
            // Whoever publishes must not choose which file of this machine is read.
            return Err("a published policy holds its keys in the text, with `pem:`".to_owned());
        }
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
    Ok(PolicySet::parse_with_files(sources, limits, &key_file)?)
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
        // What editors and mounts keep beside a policy begins with a dot.
        let hidden = file
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && !hidden {
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
