//! Which trusted root a run works with: a file, else a pack, else the TUF repository of this machine, else the one that is built in.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use countersign::pack::{Pack, SectionKind, TufRole};
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_services::{AnswerFault, Client, ServiceError, Settings, StaticFiles};
use countersign_trust_store::tuf::{
    Acquired, Acquisition, BoxFuture, Cache, Folders, Freshness, Instance, Material, Mirror,
    MirrorError, Parts, SIGNING_CONFIG, TufError, acquire,
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
            return Ok(Self::Held(Box::new(from_pack(context, path, source)?)));
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

/// The folders of this user.
pub(crate) fn folders() -> Result<Folders, Failure> {
    Folders::of(&|name| std::env::var_os(name)).ok_or_else(|| {
        Failure::usage(
            "no-home",
            "nothing says where trust is kept on this machine",
        )
        .hint("set `HOME`, or name a folder in `COUNTERSIGN_TRUST_DIR`")
    })
}

/// The cache of the repository that this machine trusts; `None` when none was chosen.
pub(crate) fn cache(context: &Context<'_, '_>) -> Result<Option<Cache>, Failure> {
    let Some(folders) = Folders::of(&|name| std::env::var_os(name)) else {
        return Ok(None);
    };
    let Some(mut instance) = Instance::load(&folders, &Limits::DEFAULT)? else {
        return Ok(None);
    };
    // Another mirror of the same repository: what it serves is proven from the same root.
    let other = MIRROR_VARIABLES
        .iter()
        .find_map(|name| context.environment(name))
        .filter(|mirror| !mirror.is_empty());
    if let Some(mirror) = other {
        instance.mirror = mirror.trim_end_matches('/').to_owned();
    }
    Ok(Some(Cache::new(instance, &folders, &Limits::DEFAULT)))
}

/// Whether the address can be a mirror's; nothing is sent to it.
pub(crate) fn usable_mirror(context: &Context<'_, '_>, address: &str) -> Result<(), Failure> {
    WebMirror::new(context, address).map(|_| ())
}

/// The variables that name another mirror of the chosen repository; the first that is set counts.
const MIRROR_VARIABLES: [&str; 2] = ["COUNTERSIGN_MIRROR", "TUF_MIRROR"];

/// The repository's material that holds now.
pub(crate) fn get(
    context: &Context<'_, '_>,
    cache: &Cache,
    max_age: Option<u64>,
    always: bool,
) -> Result<Acquired, Failure> {
    let set = MIRROR_VARIABLES
        .iter()
        .find(|name| context.environment(name).is_some());
    let place = format!("in `{}`", set.unwrap_or(&"TUF_MIRROR"));
    get_from(context, cache, max_age, always, &place)
}

/// As [`get`]; `place` says where another mirror would be named.
pub(crate) fn get_from(
    context: &Context<'_, '_>,
    cache: &Cache,
    max_age: Option<u64>,
    always: bool,
    place: &str,
) -> Result<Acquired, Failure> {
    let mirror = match context.global.offline {
        true => None,
        false => Some(WebMirror::new(context, &cache.instance().mirror)?),
    };
    let how = Acquisition {
        now: context.now,
        mirror: mirror.as_ref().map(|mirror| mirror as &dyn Mirror),
        max_age,
        always,
    };
    let acquired = context.runtime()?.block_on(acquire(cache, how));
    acquired.map_err(|error| of_mirror(&cache.instance().mirror, error, mirror.is_some(), place))
}

/// What is wrong with a repository's trust, by the name of its mirror; `asked` says whether the mirror was.
fn of_mirror(mirror: &str, error: TufError, asked: bool, place: &str) -> Failure {
    let past_its_date = match &error {
        TufError::Expired { .. } => asked,
        TufError::Stale { refresh, .. } => matches!(**refresh, TufError::Expired { .. }),
        _ => false,
    };
    let named = matches!(
        error,
        TufError::Mirror(_)
            | TufError::Offline { .. }
            | TufError::File { .. }
            | TufError::Locked { .. }
    );
    let unanswered = matches!(error, TufError::Mirror(_));
    let failure = Failure::from(error);
    let failure = if past_its_date {
        failure.instead(&format!(
            "the mirror serves a state past its date: its owners must sign a new one, or another mirror is named {place}; is the clock of this machine right?",
        ))
    } else if unanswered {
        failure.instead(&format!("try again later, or name another mirror {place}"))
    } else {
        failure
    };
    if named {
        return failure;
    }
    let mirror = crate::escape::field(mirror);
    Failure {
        message: format!("`{mirror}`: {}", failure.message),
        ..failure
    }
}

/// Proves a pack from the root that is held: the chosen repository's, else the public-good one's that is built in.
fn from_pack(
    context: &Context<'_, '_>,
    path: &Path,
    source: &TrustSource,
) -> Result<HeldTrust, Failure> {
    let limits = Limits::DEFAULT;
    let held = match cache(context)? {
        Some(cache) => cache.instance().clone(),
        None => Instance::public_good(&limits)?,
    };
    let pack = Pack::open(path, &limits)?;
    let material = proven(&held, &pack)?;
    let expired = |error: TufError| {
        of_pack(path, error).instead(
        "export it anew with `countersign trust export`, where the mirror can be reached; is the clock of this machine right?",
    )
    };
    material.check(context.now).map_err(expired)?;
    let origin = RootOrigin::Pack(path.to_owned());
    let root = Root::parse(material.trusted_root()?.clone(), origin, &limits)?;
    undated(source, &root)?;
    Ok(HeldTrust::of(&root, Some(&material), None, "pack"))
}

/// What the held root proves of a pack.
fn proven(held: &Instance, pack: &Pack) -> Result<Material, Failure> {
    let mut parts = Parts::default();
    for section in pack.sections_of(SectionKind::TufMetadata) {
        let bytes = section.bytes.clone();
        let place = match section.tuf_role {
            Some(TufRole::Timestamp) => &mut parts.timestamp,
            Some(TufRole::Snapshot) => &mut parts.snapshot,
            Some(TufRole::Targets) => &mut parts.targets,
            _ => {
                parts.roots.push(bytes);
                continue;
            }
        };
        if !place.is_empty() {
            return Err(Failure::usage(
                "pack-section-count",
                format!(
                    "the pack `{}` has two files of metadata for one role",
                    pack.path().display()
                ),
            ));
        }
        *place = bytes;
    }
    if parts.timestamp.is_empty() {
        return Err(Failure::new(
            ExitStatus::TrustMaterial,
            "pack-unproven",
            format!(
                "the pack `{}` holds no metadata that could prove its trusted root",
                pack.path().display()
            ),
        )
        .hint("`countersign trust export` writes packs with it"));
    }
    let root = pack.required(SectionKind::TrustedRoot)?;
    parts.files.insert(
        countersign_trust_store::tuf::TRUSTED_ROOT.to_owned(),
        root.bytes.clone(),
    );
    if let Some(config) = pack.section(SectionKind::SigningConfig)? {
        parts
            .files
            .insert(SIGNING_CONFIG.to_owned(), config.bytes.clone());
    }
    parts.sort_roots();
    Material::prove(&held.root, parts, &Limits::DEFAULT).map_err(|error| {
        let unsigned = matches!(error, TufError::Threshold { .. });
        let failure = of_pack(pack.path(), error);
        if !unsigned {
            return failure;
        }
        let from = pack
            .annotations()
            .get(MIRROR_ANNOTATION)
            .map_or("another repository", String::as_str);
        failure.instead(&format!(
            "this machine holds root version {} of {}, and the pack says that it is of {}: hold the root of the repository that is meant, `countersign trust init --offline --mirror URL --root FILE`",
            held.root_version,
            crate::escape::field(&held.mirror),
            crate::escape::field(from),
        ))
    })
}

/// What is wrong with the trust in a pack.
fn of_pack(path: &Path, error: TufError) -> Failure {
    let failure = Failure::from(error);
    let path = path.display().to_string();
    Failure {
        message: format!("the pack `{}`: {}", crate::escape::field(&path), failure.message),
        ..failure
    }
    .or_hint(Some(
        "it is not as it was exported: copy it again, or export it anew with `countersign trust export`".to_owned(),
    ))
}

/// The annotation of a pack that says which mirror it was exported from; nothing proves it.
pub(crate) const MIRROR_ANNOTATION: &str = "dev.countersign.pack.mirror";

/// A mirror over https, under the deadline of the command.
struct WebMirror {
    files: StaticFiles,
}

impl WebMirror {
    fn new(context: &Context<'_, '_>, address: &str) -> Result<Self, Failure> {
        let settings = Settings {
            ca_certificates: context.global.transport.authorities.clone(),
            ..crate::signatory::service_settings(context, false)
        };
        Ok(Self {
            files: StaticFiles::new(&Client::new(settings), address)?,
        })
    }
}

impl Mirror for WebMirror {
    fn name(&self) -> String {
        self.files.name().to_string()
    }

    fn fetch<'a>(
        &'a self,
        path: &'a str,
        cap: u64,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MirrorError>> {
        Box::pin(async move {
            self.files
                .get(path, cap)
                .await
                .map_err(|error| match &error {
                    ServiceError::Answer { fault, .. }
                        if matches!(**fault, AnswerFault::OverLimit { .. }) =>
                    {
                        MirrorError::OverLimit {
                            path: path.to_owned(),
                            limit: cap,
                        }
                    }
                    ServiceError::Unavailable { .. } => MirrorError::Unavailable {
                        detail: error.to_string(),
                    },
                    _ => MirrorError::Response {
                        detail: error.to_string(),
                    },
                })
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
