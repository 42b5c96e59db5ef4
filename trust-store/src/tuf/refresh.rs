//! The client workflow over a mirror (specification 1.0, section 5.1 to 5.7).

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, UnixTime};

use super::document::{Listed, Metadata, Target};
use super::error::TufError;
use super::material::{Material, Parts};
use super::mirror::Mirror;
use super::roles::Role;
use super::trusted::{TrustedRootMetadata, listed};

/// The file that says which logs and authorities are trusted.
pub const TRUSTED_ROOT: &str = "trusted_root.json";
/// The file that says which services to sign with.
pub const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
/// The files that are wanted, and whether a repository without them is of no use.
const WANTED: [(&str, bool); 2] = [(TRUSTED_ROOT, true), (SIGNING_CONFIG, false)];

/// A refresh that was refused, and the roots that were proven before it was.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: TufError,
    /// The chain of roots as far as it is good.
    pub roots: Vec<Bytes>,
}

/// Brings what was proven before up to date from a mirror, or begins with the held root; nothing that comes out is expired at `now`.
///
/// # Errors
///
/// [`Refused`]: the roots in it hold all the same (CVE-2020-15163: a later attempt goes on from the last good one).
pub async fn refresh(
    held_root: &Bytes,
    before: Option<&Parts>,
    mirror: &dyn Mirror,
    now: UnixTime,
    limits: &Limits,
) -> Result<Material, Refused> {
    let mut roots = Vec::new();
    match update(held_root, before, mirror, now, limits, &mut roots).await {
        Ok(material) => Ok(material),
        Err(error) => Err(Refused { error, roots }),
    }
}

async fn update(
    held_root: &Bytes,
    before: Option<&Parts>,
    mirror: &dyn Mirror,
    now: UnixTime,
    limits: &Limits,
    roots: &mut Vec<Bytes>,
) -> Result<Material, TufError> {
    let fetcher = Fetcher { mirror, limits };
    let mut root = TrustedRootMetadata::held(held_root, limits)?;
    if let Some(before) = before {
        root = root.follow(&before.roots)?;
        roots.clone_from(&before.roots);
    }
    let (root, rotated) = newest_root(root, &fetcher, roots).await?;
    fresh(&root.root, now)?;

    // §5.3.11: keys of the timestamp or the snapshot that changed may have been stolen; what they signed is forgotten, and with it a
    // version that was raised out of reach.
    let known = if rotated { None } else { before };
    let old_timestamp = known.and_then(|parts| root.timestamp(&parts.timestamp, None).ok());
    let old_snapshot = match (known, &old_timestamp) {
        (Some(parts), Some(timestamp)) => root.snapshot(&parts.snapshot, timestamp, None).ok(),
        _ => None,
    };

    let bytes = fetcher
        .metadata(Role::Timestamp, "timestamp.json", None)
        .await?;
    let timestamp = root.timestamp(&bytes, old_timestamp.as_ref())?;
    // Also when it is the one from before: else an old mirror could keep it alive for ever.
    fresh(&timestamp, now)?;

    let snapshot = match old_snapshot
        .as_ref()
        .filter(|old| root.snapshot(&old.bytes, &timestamp, None).is_ok())
    {
        Some(old) => old.clone(),
        None => {
            let bytes = fetcher
                .listed(Role::Snapshot, &root, &timestamp, "snapshot.json")
                .await?;
            root.snapshot(&bytes, &timestamp, old_snapshot.as_ref())?
        }
    };
    fresh(&snapshot, now)?;

    let targets = match known.and_then(|parts| root.targets(&parts.targets, &snapshot).ok()) {
        Some(old) => old,
        None => {
            let bytes = fetcher
                .listed(Role::Targets, &root, &snapshot, "targets.json")
                .await?;
            root.targets(&bytes, &snapshot)?
        }
    };
    fresh(&targets, now)?;

    let mut files = BTreeMap::new();
    for (name, needed) in WANTED {
        let Some(target) = targets.body.0.get(name) else {
            if needed {
                return Err(TufError::NoTarget {
                    name: name.to_owned(),
                });
            }
            continue;
        };
        let kept = known
            .and_then(|parts| parts.files.get(name))
            .filter(|bytes| target.check(name, bytes).is_ok());
        let bytes = match kept {
            Some(bytes) => bytes.clone(),
            None => {
                let consistent = root.root.body.consistent_snapshot;
                fetcher.target(name, target, consistent).await?
            }
        };
        files.insert(name.to_owned(), bytes);
    }
    let parts = Parts {
        roots: roots.clone(),
        timestamp: timestamp.bytes,
        snapshot: snapshot.bytes,
        targets: targets.bytes,
        files,
    };
    // The same road as for a cache: what is kept is what can be proven again.
    Material::prove(held_root, parts, limits)
}

/// §5.3: one root after the other until the mirror has no more; says whether keys of timestamp or snapshot changed on the way.
async fn newest_root<'l>(
    mut root: TrustedRootMetadata<'l>,
    fetcher: &Fetcher<'l>,
    roots: &mut Vec<Bytes>,
) -> Result<(TrustedRootMetadata<'l>, bool), TufError> {
    let from = root.root.version;
    let mut rotated = false;
    let limit = fetcher.limits.tuf_root_rotations;
    for _ in 0..=limit {
        let name = format!("{}.root.json", root.root.version.saturating_add(1));
        let Some(bytes) = fetcher
            .get(&name, Role::Root.limit(fetcher.limits).1)
            .await?
        else {
            return Ok((root, rotated));
        };
        if root.root.version.saturating_sub(from) >= limit {
            break;
        }
        let next = root.next(&bytes)?;
        for role in [Role::Timestamp, Role::Snapshot] {
            rotated |= root.keys(role) != next.keys(role);
        }
        roots.push(bytes);
        root = next;
    }
    Err(TufError::RootRotations { from, limit })
}

fn fresh<B>(metadata: &Metadata<B>, now: UnixTime) -> Result<(), TufError> {
    if metadata.expires <= now {
        return Err(TufError::Expired {
            role: metadata.role,
            version: metadata.version,
            expires: metadata.expires,
        });
    }
    Ok(())
}

/// Gets files under their caps.
struct Fetcher<'a> {
    mirror: &'a dyn Mirror,
    limits: &'a Limits,
}

impl Fetcher<'_> {
    async fn get(&self, path: &str, cap: u64) -> Result<Option<Bytes>, TufError> {
        self.mirror.fetch(path, cap).await.map_err(TufError::Mirror)
    }

    async fn needed(&self, path: &str, cap: u64) -> Result<Bytes, TufError> {
        self.get(path, cap).await?.ok_or_else(|| TufError::NoFile {
            name: path.to_owned(),
        })
    }

    /// A file of metadata; of one whose length was announced no byte more is read.
    async fn metadata(
        &self,
        role: Role,
        path: &str,
        length: Option<u64>,
    ) -> Result<Bytes, TufError> {
        let (_, cap) = role.limit(self.limits);
        self.needed(path, length.map_or(cap, |length| length.min(cap)))
            .await
    }

    /// The metadata that other metadata names; with consistent snapshots its file has the version in its name (§5.5.1, §5.6.1).
    async fn listed(
        &self,
        role: Role,
        root: &TrustedRootMetadata<'_>,
        by: &Metadata<Listed>,
        name: &str,
    ) -> Result<Bytes, TufError> {
        let announced = listed(by, name)?;
        let path = if root.root.body.consistent_snapshot {
            format!("{}.{name}", announced.version)
        } else {
            name.to_owned()
        };
        self.metadata(role, &path, announced.length).await
    }

    /// A target file; with consistent snapshots its digest is in its name (§5.7.2).
    async fn target(
        &self,
        name: &str,
        target: &Target,
        consistent: bool,
    ) -> Result<Bytes, TufError> {
        let limit = self.limits.trusted_root_bytes;
        if target.length > limit {
            return Err(TufError::Mirror(super::mirror::MirrorError::OverLimit {
                path: name.to_owned(),
                limit,
            }));
        }
        // Names are ours, not the repository's: none of them leads out of a folder.
        let path = match target.digests.first().filter(|_| consistent) {
            Some(digest) => format!("targets/{}.{name}", Digest::hex(digest)),
            None => format!("targets/{name}"),
        };
        let bytes = self.needed(&path, target.length).await?;
        target.check(name, &bytes)?;
        Ok(bytes)
    }
}
