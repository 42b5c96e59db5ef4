//! The checks of the client workflow (specification 1.0, section 5), one function a role, without clock and network.

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_proof::digest;

use super::document::{Body, Listed, ListedMetadata, Metadata, RoleKeys, Root, Target, Targets};
use super::error::TufError;
use super::roles::Role;

/// A root that is trusted, and how it says that others are.
#[derive(Clone, Debug)]
pub(super) struct TrustedRootMetadata<'l> {
    pub(super) root: Metadata<Root>,
    limits: &'l Limits,
}

impl<'l> TrustedRootMetadata<'l> {
    /// Takes the root that its user holds; it must have signed itself, or it is damaged.
    pub(super) fn held(bytes: &Bytes, limits: &'l Limits) -> Result<Self, TufError> {
        let root = parse(bytes, Role::Root, limits)?;
        let trusted = Self { root, limits };
        trusted.signed(&trusted.root)?;
        Ok(trusted)
    }

    /// §5.3: the next root, signed by enough keys of this one and of its own, and exactly one version later.
    pub(super) fn next(&self, bytes: &Bytes) -> Result<Self, TufError> {
        let root: Metadata<Root> = parse(bytes, Role::Root, self.limits)?;
        // §5.3.4: by both, so that neither old keys alone nor new keys alone can go on.
        self.signed(&root)?;
        let next = Self {
            root,
            limits: self.limits,
        };
        next.signed(&next.root)?;
        // §5.3.5, CVE-2025-2885: the name of the file says nothing.
        let expected = self.root.version.saturating_add(1);
        if next.root.version != expected {
            return Err(TufError::Version {
                role: Role::Root,
                expected,
                found: next.root.version,
            });
        }
        Ok(next)
    }

    /// The chain from this root on; roots that are not newer are passed over.
    pub(super) fn follow(mut self, roots: &[Bytes]) -> Result<Self, TufError> {
        for bytes in roots {
            let version = parse::<Root>(bytes, Role::Root, self.limits)?.version;
            if version <= self.root.version {
                continue;
            }
            if version > self.root.version.saturating_add(1) {
                return Err(TufError::RootGap {
                    held: self.root.version,
                    oldest: version,
                });
            }
            self = self.next(bytes)?;
        }
        Ok(self)
    }

    /// §5.4: a timestamp. With one that was trusted before, an older one is refused, and of two equal ones the first stays.
    pub(super) fn timestamp(
        &self,
        bytes: &Bytes,
        before: Option<&Metadata<Listed>>,
    ) -> Result<Metadata<Listed>, TufError> {
        let timestamp: Metadata<Listed> = parse(bytes, Role::Timestamp, self.limits)?;
        self.signed(&timestamp)?;
        let Some(before) = before else {
            return Ok(timestamp);
        };
        rollback("timestamp.json", before.version, timestamp.version)?;
        let snapshot = |metadata: &Metadata<Listed>| {
            entry(&metadata.body, "snapshot.json").map_or(0, |listed| listed.version)
        };
        rollback("snapshot.json", snapshot(before), snapshot(&timestamp))?;
        if timestamp.version == before.version {
            return Ok(before.clone());
        }
        Ok(timestamp)
    }

    /// §5.5: the snapshot that a timestamp names; no metadata may vanish from it or become older.
    pub(super) fn snapshot(
        &self,
        bytes: &Bytes,
        timestamp: &Metadata<Listed>,
        before: Option<&Metadata<Listed>>,
    ) -> Result<Metadata<Listed>, TufError> {
        let announced = listed(timestamp, "snapshot.json")?;
        announced.check("snapshot.json", bytes)?;
        let snapshot: Metadata<Listed> = parse(bytes, Role::Snapshot, self.limits)?;
        self.signed(&snapshot)?;
        announced.check_version(Role::Snapshot, snapshot.version)?;
        if let Some(before) = before {
            for (name, old) in &before.body.0 {
                // CVE-2025-2887: gone is older than any version.
                let new = entry(&snapshot.body, name).map_or(0, |listed| listed.version);
                rollback(name, old.version, new)?;
            }
        }
        Ok(snapshot)
    }

    /// §5.6: the top-level targets that a snapshot names.
    pub(super) fn targets(
        &self,
        bytes: &Bytes,
        snapshot: &Metadata<Listed>,
    ) -> Result<Metadata<Targets>, TufError> {
        let announced = listed(snapshot, "targets.json")?;
        announced.check("targets.json", bytes)?;
        let targets: Metadata<Targets> = parse(bytes, Role::Targets, self.limits)?;
        self.signed(&targets)?;
        announced.check_version(Role::Targets, targets.version)?;
        Ok(targets)
    }

    /// Whose signatures count for a role.
    pub(super) fn keys(&self, role: Role) -> Option<&RoleKeys> {
        self.root.body.roles.get(&role)
    }

    fn signed<B: Body>(&self, metadata: &Metadata<B>) -> Result<(), TufError> {
        let role = metadata.role;
        let found = self
            .keys(role)
            .map_or(0, |keys| metadata.signers(&self.root.body, keys));
        let wanted = self.keys(role).map_or(u64::MAX, |keys| keys.threshold);
        if found < wanted {
            return Err(TufError::Threshold {
                role,
                version: metadata.version,
                by: self.root.version,
                found,
                wanted,
            });
        }
        Ok(())
    }
}

impl ListedMetadata {
    /// Length and digests, as far as they were announced (§5.5.2).
    fn check(&self, name: &str, bytes: &Bytes) -> Result<(), TufError> {
        if self
            .length
            .is_some_and(|length| length != bytes.len() as u64)
        {
            return Err(different(name, "length"));
        }
        check_digests(name, &self.digests, bytes)
    }

    fn check_version(&self, role: Role, found: u64) -> Result<(), TufError> {
        if self.version != found {
            return Err(TufError::Version {
                role,
                expected: self.version,
                found,
            });
        }
        Ok(())
    }
}

impl Target {
    /// §5.7: the file is the one that was signed.
    pub(super) fn check(&self, name: &str, bytes: &Bytes) -> Result<(), TufError> {
        if self.length != bytes.len() as u64 {
            return Err(different(name, "length"));
        }
        check_digests(name, &self.digests, bytes)
    }
}

fn check_digests(name: &str, digests: &[Digest], bytes: &Bytes) -> Result<(), TufError> {
    for expected in digests {
        if !digest::matches(expected, bytes) {
            return Err(different(name, expected.algorithm().name()));
        }
    }
    Ok(())
}

fn different(name: &str, what: &'static str) -> TufError {
    TufError::Different {
        name: name.to_owned(),
        what,
    }
}

fn rollback(name: &str, trusted: u64, found: u64) -> Result<(), TufError> {
    if found < trusted {
        return Err(TufError::Rollback {
            name: name.chars().take(128).collect(),
            trusted,
            found,
        });
    }
    Ok(())
}

fn entry<'a>(listed: &'a Listed, name: &str) -> Option<&'a ListedMetadata> {
    listed.0.get(name)
}

/// What is announced about a file of metadata; parsing saw to it that it is there.
pub(super) fn listed<'a>(
    metadata: &'a Metadata<Listed>,
    name: &str,
) -> Result<&'a ListedMetadata, TufError> {
    entry(&metadata.body, name).ok_or_else(|| TufError::NoFile {
        name: name.to_owned(),
    })
}

pub(super) fn parse<B: Body>(
    bytes: &Bytes,
    role: Role,
    limits: &Limits,
) -> Result<Metadata<B>, TufError> {
    Metadata::parse(bytes, role, limits).map_err(|reason| TufError::Malformed { role, reason })
}
