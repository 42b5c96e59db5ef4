//! The cache of an instance: one file that is whole at every moment, shared by any number of processes.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::json::{ObjectWriter, Reader, write_string};
use countersign_formats::{Document, Limits, UnixTime};

use super::error::TufError;
use super::instance::{Folders, Instance, write_whole};
use super::material::{Material, Parts};
use super::mirror::Mirror;
use super::refresh::refresh;
use crate::load::read_capped;

/// Name of the file with everything that is kept.
const FILE: &str = "state.json";
/// Name of the lock beside it.
const LOCK: &str = "lock";
/// Material that was compared with its mirror so many seconds ago is compared again, so that revocations arrive within a day.
const REFRESH_AFTER: i64 = 24 * 3600;
/// Seconds after a failed attempt during which material that still holds is used without another.
const RETRY_AFTER: i64 = 300;
/// How long another process's refresh is waited for.
const LOCK_TIME: Duration = Duration::from_secs(60);
/// How often is looked whether it is over.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Where the material of one instance is kept.
#[derive(Clone, Debug)]
pub struct Cache {
    instance: Instance,
    folder: PathBuf,
    limits: Limits,
}

/// How material is to be got.
#[derive(Clone, Copy)]
pub struct Acquisition<'a> {
    /// The time to judge by.
    pub now: UnixTime,
    /// Whom to ask; `None` opens no socket.
    pub mirror: Option<&'a dyn Mirror>,
    /// The longest time since the mirror was last asked, in seconds.
    pub max_age: Option<u64>,
    /// Whether to ask the mirror although nothing is due.
    pub always: bool,
}

/// Material that holds, and how it was got.
#[derive(Debug)]
pub struct Acquired {
    /// What was proven.
    pub material: Material,
    /// When it was last compared with its mirror.
    pub checked: UnixTime,
    /// How it was got.
    pub freshness: Freshness,
}

/// How material was got.
#[derive(Debug)]
#[non_exhaustive]
pub enum Freshness {
    /// It lay in the cache, and no refresh was due.
    Cached,
    /// It was compared with the mirror just now.
    Refreshed,
    /// A refresh was due and failed; what lay in the cache still holds.
    Kept {
        /// Why the refresh failed.
        reason: TufError,
    },
}

/// What the file holds.
#[derive(Debug, Clone, Default)]
struct State {
    checked: Option<UnixTime>,
    attempted: Option<UnixTime>,
    parts: Parts,
}

impl Cache {
    /// The cache of an instance; nothing is opened yet.
    #[must_use]
    pub fn new(instance: Instance, folders: &Folders, limits: &Limits) -> Self {
        Self {
            folder: instance.cache_folder(folders),
            instance,
            limits: limits.clone(),
        }
    }

    /// The instance.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// What lies in the cache, proven from the held root, and when it was last compared; whether it still holds is another question.
    ///
    /// # Errors
    ///
    /// When what lies there cannot be read or does not prove itself.
    pub fn kept(&self) -> Result<Option<(Material, UnixTime)>, TufError> {
        let Some(state) = self.load()? else {
            return Ok(None);
        };
        let Some(checked) = state.checked else {
            return Ok(None);
        };
        Material::prove(&self.instance.root, state.parts, &self.limits)
            .map(|material| Some((material, checked)))
    }

    fn load(&self) -> Result<Option<State>, TufError> {
        let path = self.folder.join(FILE);
        let failed = |reason: String| TufError::File {
            path: path.clone(),
            reason,
        };
        let limit = self.limits.tuf_cache_bytes;
        match read_capped(&path, limit) {
            Ok(Some(bytes)) => State::read(&bytes, &self.limits)
                .map(Some)
                .map_err(|error| failed(error.to_string())),
            Ok(None) => Err(failed(format!(
                "larger than tuf_cache_bytes, {limit} bytes"
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn save(&self, state: &State) -> Result<(), TufError> {
        let failed = |reason: &str| TufError::File {
            path: self.folder.join(FILE),
            reason: reason.to_owned(),
        };
        let bytes = state
            .write()
            .ok_or_else(|| failed("metadata is not text"))?;
        if bytes.len() as u64 > self.limits.tuf_cache_bytes {
            return Err(failed("it would be larger than tuf_cache_bytes"));
        }
        write_whole(&self.folder, FILE, &bytes)
    }

    /// Waits until no other process refreshes; a process that dies loses the lock.
    async fn lock(&self, mirror: &dyn Mirror) -> Result<File, TufError> {
        let path = self.folder.join(LOCK);
        let failed = |error: std::io::Error| TufError::File {
            path: path.clone(),
            reason: error.to_string(),
        };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(std::fs::TryLockError::WouldBlock) if waited < LOCK_TIME => {
                    mirror.pause(LOCK_PAUSE).await;
                    waited += LOCK_PAUSE;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(TufError::Locked {
                        path,
                        seconds: LOCK_TIME.as_secs(),
                    });
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// Gets material that holds at `now`: from the cache while no refresh is due, else from the mirror, else from the cache as long as it holds.
///
/// # Errors
///
/// [`TufError`]: there is none that holds. [`TufError::Stale`] says what is wrong with what lies in the cache and why there is no newer.
pub async fn acquire(cache: &Cache, how: Acquisition<'_>) -> Result<Acquired, TufError> {
    let (mut held, mut attempted) = cache.held(how);
    let Some(mirror) = how.mirror else {
        return match held {
            Held::Usable(material, checked) => Ok(Acquired::cached(material, checked)),
            Held::Stale(stale) => Err(stale),
            Held::Nothing => Err(TufError::Offline {
                mirror: cache.instance.mirror.clone(),
            }),
        };
    };
    if !how.always && !is_due(&held, attempted, how.now) {
        return held.into_cached(cache);
    }
    // One process asks the mirror; the others wait and find what it found.
    let lock = match cache.lock(mirror).await {
        Ok(lock) => lock,
        Err(error) => return held.or_fail(error, how.always),
    };
    (held, attempted) = cache.held(how);
    if !how.always && !is_due(&held, attempted, how.now) {
        return held.into_cached(cache);
    }
    let before = cache.load().ok().flatten().unwrap_or_default();
    let parts =
        Some(&before.parts).filter(|parts| !parts.roots.is_empty() || before.checked.is_some());
    let refreshed = refresh(&cache.instance.root, parts, mirror, how.now, &cache.limits).await;
    match refreshed {
        Ok(material) => {
            let parts = material.parts().clone();
            cache.save(&State {
                checked: Some(how.now),
                attempted: Some(how.now),
                parts,
            })?;
            drop(lock);
            Ok(Acquired {
                material,
                checked: how.now,
                freshness: Freshness::Refreshed,
            })
        }
        Err(refused) => {
            let mut state = before;
            state.attempted = Some(how.now);
            if refused.roots.len() > state.parts.roots.len() {
                state.parts.roots = refused.roots;
            }
            // That it failed is only worth keeping; the failure itself is the answer.
            let saved = cache.save(&state);
            drop(lock);
            saved?;
            // Anew: by a later root what was kept may not hold any more.
            cache.held(how).0.or_fail(refused.error, how.always)
        }
    }
}

/// What lies in the cache.
enum Held {
    Usable(Material, UnixTime),
    Stale(TufError),
    Nothing,
}

impl Cache {
    fn held(&self, how: Acquisition<'_>) -> (Held, Option<UnixTime>) {
        let state = match self.load() {
            Ok(Some(state)) => state,
            Ok(None) => return (Held::Nothing, None),
            Err(error) => return (Held::Stale(error), None),
        };
        let attempted = state.attempted;
        let Some(checked) = state.checked else {
            return (Held::Nothing, attempted);
        };
        let usable = Material::prove(&self.instance.root, state.parts, &self.limits)
            .and_then(|material| material.check(how.now).map(|()| material));
        let held = match usable {
            Err(error) => Held::Stale(error),
            Ok(_) if is_too_old(checked, how) => Held::Stale(TufError::TooOld {
                checked,
                limit: how.max_age.unwrap_or_default(),
            }),
            Ok(material) => Held::Usable(material, checked),
        };
        (held, attempted)
    }
}

fn is_too_old(checked: UnixTime, how: Acquisition<'_>) -> bool {
    let age = how.now.0.saturating_sub(checked.0);
    how.max_age
        .is_some_and(|limit| age > i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Whether the mirror is to be asked: nothing usable, or nothing new for a day and no attempt a moment ago.
fn is_due(held: &Held, attempted: Option<UnixTime>, now: UnixTime) -> bool {
    let within = |since: UnixTime, seconds: i64| {
        // A time in the future is the clock's fault, and no reason to trust for longer.
        (0..seconds).contains(&now.0.saturating_sub(since.0))
    };
    match held {
        Held::Usable(_, checked) => {
            !within(*checked, REFRESH_AFTER)
                && !attempted.is_some_and(|attempted| within(attempted, RETRY_AFTER))
        }
        Held::Stale(_) | Held::Nothing => true,
    }
}

impl Held {
    fn into_cached(self, cache: &Cache) -> Result<Acquired, TufError> {
        match self {
            Self::Usable(material, checked) => Ok(Acquired::cached(material, checked)),
            Self::Stale(error) => Err(error),
            Self::Nothing => Err(TufError::Offline {
                mirror: cache.instance.mirror.clone(),
            }),
        }
    }

    fn or_fail(self, error: TufError, always: bool) -> Result<Acquired, TufError> {
        match self {
            Self::Usable(material, checked) if !always => Ok(Acquired {
                material,
                checked,
                freshness: Freshness::Kept { reason: error },
            }),
            Self::Stale(stale) if !always => Err(TufError::Stale {
                stale: Box::new(stale),
                refresh: Box::new(error),
            }),
            _ => Err(error),
        }
    }
}

impl Acquired {
    fn cached(material: Material, checked: UnixTime) -> Self {
        Self {
            material,
            checked,
            freshness: Freshness::Cached,
        }
    }
}

impl State {
    fn read(bytes: &[u8], limits: &Limits) -> Result<Self, countersign_formats::Error> {
        let cap = ("tuf_cache_bytes", limits.tuf_cache_bytes);
        let mut reader = Reader::from_bytes(Document::Json, bytes, cap, limits)?;
        let mut state = Self::default();
        let mut format = None;
        reader.object(|reader, name| {
            match name {
                "format" => format = Some(reader.whole_number()?),
                "checked" => state.checked = Some(time(reader)?),
                "attempted" => state.attempted = Some(time(reader)?),
                "roots" => {
                    let most = usize::try_from(limits.tuf_root_rotations)
                        .unwrap_or(usize::MAX)
                        .saturating_mul(16);
                    state.parts.roots = reader.capped_list(("tuf_root_rotations", most), text)?;
                }
                "timestamp" => state.parts.timestamp = text(reader)?,
                "snapshot" => state.parts.snapshot = text(reader)?,
                "targets" => state.parts.targets = text(reader)?,
                "files" => reader.map(|reader, name| {
                    let bytes = text(reader)?;
                    state.parts.files.insert(name.to_owned(), bytes);
                    Ok(())
                })?,
                other => return Err(reader.unknown_field(other)),
            }
            Ok(())
        })?;
        let format = reader.required("format", format)?;
        if format != 1 {
            return Err(reader.bad_value("format 1", &format.to_string()));
        }
        reader.end()?;
        Ok(state)
    }

    fn write(&self) -> Option<Vec<u8>> {
        let text = |bytes: &Bytes| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let roots: Vec<String> = self.parts.roots.iter().map(text).collect::<Option<_>>()?;
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.number("format", 1);
        for (name, time) in [("checked", self.checked), ("attempted", self.attempted)] {
            if let Some(time) = time {
                object.string(name, &time.to_string());
            }
        }
        object.list("roots", &roots, |out, root| write_string(out, root));
        object.string("timestamp", &text(&self.parts.timestamp)?);
        object.string("snapshot", &text(&self.parts.snapshot)?);
        object.string("targets", &text(&self.parts.targets)?);
        let files = self
            .parts
            .files
            .iter()
            .map(|(name, bytes)| Some((name.clone(), text(bytes)?)))
            .collect::<Option<std::collections::BTreeMap<_, _>>>()?;
        object.strings("files", &files);
        object.end();
        Some(out)
    }
}

fn time(reader: &mut Reader<'_>) -> Result<UnixTime, countersign_formats::Error> {
    let text = reader.string()?;
    UnixTime::parse_rfc3339(&text)
}

fn text(reader: &mut Reader<'_>) -> Result<Bytes, countersign_formats::Error> {
    Ok(Bytes::from(reader.string()?.into_owned().into_bytes()))
}
