//! Which trusted root a run works with: a file, else a pack, else the TUF repository of this machine, else the one that is built in.

mod pack;
mod repository;

pub(crate) use pack::MIRROR_ANNOTATION;
pub(crate) use repository::{cache, folders, get, get_from, usable_mirror};

use std::path::Path;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_trust_store::tuf::{
    Acquisition, Cache, Freshness, Material, SIGNING_CONFIG, TufError, acquire,
};
use countersign_trust_store::{Root, RootOrigin};
use serde_json::{Value, json};

use crate::arguments::TrustSource;
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;

impl From<TufError> for Failure {
    fn from(error: TufError) -> Self {
        let status = match &error {
            // Nothing is known to be wrong with the trust: the mirror was not there.
            error if error.is_outage() => ExitStatus::Unavailable,
            TufError::File { .. } => ExitStatus::Usage,
            _ => ExitStatus::TrustMaterial,
        };
        Failure::new(status, error.code(), error.to_string()).or_hint(error.hint())
    }
}

impl From<countersign::pack::PackError> for Failure {
    fn from(error: countersign::pack::PackError) -> Self {
        Failure::usage(error.code(), error.to_string()).or_hint(error.hint())
    }
}

/// A trusted root, where it came from and how long it holds.
#[derive(Clone, Debug)]
pub(crate) struct HeldTrust {
    pub(crate) root: TrustedRoot,
    /// SHA-256 of the root's document.
    pub(crate) digest: Digest,
    /// The root's document.
    pub(crate) document: Bytes,
    /// The signing config that came with it.
    pub(crate) signing_config: Option<Bytes>,
    /// When what proves it expires; `None` for roots that nothing proves.
    pub(crate) expires: Option<UnixTime>,
    /// For the JSON envelope.
    pub(crate) record: Value,
    /// One line for people.
    pub(crate) words: String,
}

/// Where trust will come from, decided before any socket is opened.
pub(crate) enum Chosen {
    /// It is here.
    Held(Box<HeldTrust>),
    /// The repository of this machine has to be looked at, and its mirror perhaps asked.
    Repository {
        cache: Box<Cache>,
        max_age: Option<u64>,
    },
}

impl Chosen {
    /// Decides and reads files; opens no socket.
    pub(crate) fn new(
        context: &Context<'_, '_>,
        file: Option<&Path>,
        source: &TrustSource,
    ) -> Result<Self, Failure> {
        if let Some(path) = file {
            let root = Root::load(path, &Limits::DEFAULT)?;
            undated(source, &root)?;
            return Ok(Self::Held(Box::new(HeldTrust::of(
                &root, None, None, "file",
            ))));
        }
        if let Some(path) = &source.trust_pack {
            return Ok(Self::Held(Box::new(pack::from_pack(
                context, path, source,
            )?)));
        }
        match cache(context)? {
            Some(cache) => Ok(Self::Repository {
                cache: Box::new(cache),
                max_age: source.max_trust_age,
            }),
            None => {
                let root = countersign_trust_store::public_good()?;
                undated(source, &root)?;
                Ok(Self::Held(Box::new(HeldTrust::of(
                    &root, None, None, "built-in",
                ))))
            }
        }
    }

    /// Whether a signing config may come with it.
    pub(crate) fn may_name_services(&self) -> bool {
        match self {
            Self::Held(held) => held.signing_config.is_some(),
            Self::Repository { .. } => true,
        }
    }

    /// The trust; a mirror is asked when a refresh is due, unless offline was asked for.
    pub(crate) fn hold(self, context: &Context<'_, '_>) -> Result<HeldTrust, Failure> {
        match self {
            Self::Held(held) => Ok(*held),
            Self::Repository { cache, max_age } => {
                let acquired = get(context, &cache, max_age, false)
                    // Without trust nothing can be judged, whatever kept it away.
                    .map_err(|failure| Failure {
                        status: ExitStatus::TrustMaterial,
                        ..failure
                    })?;
                if let Freshness::Kept { reason } = &acquired.freshness {
                    context.printer.words().say(&format!(
                        "warning: the trust was not refreshed, and what was fetched at {} still holds: {}",
                        acquired.checked,
                        crate::escape::field(&reason.to_string())
                    ));
                }
                HeldTrust::of_repository(&cache, &acquired.material, acquired.checked)
            }
        }
    }

    /// What there is without asking anybody; `None` when that holds no longer. For keys, of which no log or authority is demanded.
    pub(crate) fn at_hand(self, context: &Context<'_, '_>) -> Option<HeldTrust> {
        match self {
            Self::Held(held) => Some(*held),
            Self::Repository { cache, max_age } => {
                let how = Acquisition {
                    now: context.now,
                    mirror: None,
                    max_age,
                    always: false,
                };
                let acquired = context
                    .runtime()
                    .ok()?
                    .block_on(acquire(&cache, how))
                    .ok()?;
                HeldTrust::of_repository(&cache, &acquired.material, acquired.checked).ok()
            }
        }
    }
}

/// A bound on the age is of no use for a root that has none.
fn undated(source: &TrustSource, root: &Root) -> Result<(), Failure> {
    match source.max_trust_age {
        None => Ok(()),
        Some(_) => Err(Failure::new(
            ExitStatus::TrustMaterial,
            "trust-age-unknown",
            format!(
                "how old {} is cannot be known, and `--max-trust-age` bounds that",
                root.origin()
            ),
        )
        .hint(format!(
            "run `countersign trust init`, and name no `{}`",
            match root.origin() {
                RootOrigin::Pack(_) => "--trust-pack",
                _ => "--trusted-root",
            }
        ))),
    }
}

impl HeldTrust {
    fn of(root: &Root, material: Option<&Material>, checked: Option<UnixTime>, kind: &str) -> Self {
        let expires = material.map(Material::expires);
        let mut record = json!({
            "source": kind,
            "origin": crate::escape::capped(&root.origin().to_string(), crate::escape::FIELD_BYTES),
            "digest": root.digest().to_string(),
        });
        if let (Some(record), Some(material)) = (record.as_object_mut(), material) {
            record.insert("expires".to_owned(), json!(material.expires().to_string()));
            record.insert("roles".to_owned(), roles(material));
            if let Some(checked) = checked {
                record.insert("checked".to_owned(), json!(checked.to_string()));
            }
        }
        let mut words = format!("trust: {}", root.origin());
        if let Some(checked) = checked {
            words.push_str(&format!(", compared with its mirror at {checked}"));
        }
        if let Some(expires) = expires {
            words.push_str(&format!(", holds until {expires}"));
        }
        Self {
            root: root.trusted_root().clone(),
            digest: *root.digest(),
            document: root.bytes().clone(),
            signing_config: material.and_then(|material| material.file(SIGNING_CONFIG).cloned()),
            expires,
            record,
            words,
        }
    }

    /// What was proven of a repository, whether it still holds or not.
    pub(crate) fn of_repository(
        cache: &Cache,
        material: &Material,
        checked: UnixTime,
    ) -> Result<Self, Failure> {
        let origin = RootOrigin::Tuf(cache.instance().mirror.clone());
        let bytes = material.trusted_root()?.clone();
        let root = Root::parse(bytes, origin, &Limits::DEFAULT)?;
        Ok(Self::of(&root, Some(material), Some(checked), "repository"))
    }
}

/// Versions and dates of the roles, for the JSON envelope.
pub(crate) fn roles(material: &Material) -> Value {
    material
        .roles()
        .iter()
        .map(|state| {
            json!({
                "role": state.role.name(),
                "version": state.version,
                "expires": state.expires.to_string(),
            })
        })
        .collect()
}
