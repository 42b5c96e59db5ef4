//! What was proven from a held root: metadata that belongs together, and the files that it names.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{Limits, UnixTime};

use super::document::{Metadata, Root};
use super::error::TufError;
use super::refresh::TRUSTED_ROOT;
use super::roles::Role;
use super::trusted::{TrustedRootMetadata, parse};

/// The bytes of a repository's metadata and of some of its files, from a cache, a pack or a mirror; unproven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Roots in the order of their versions.
    pub roots: Vec<Bytes>,
    /// `timestamp.json`.
    pub timestamp: Bytes,
    /// The snapshot that the timestamp names.
    pub snapshot: Bytes,
    /// The top-level targets that the snapshot names.
    pub targets: Bytes,
    /// Target files by name.
    pub files: BTreeMap<String, Bytes>,
}

impl Parts {
    /// Puts the roots in the order of the versions that they say they have; what they are worth is another question.
    pub fn sort_roots(&mut self) {
        self.roots
            .sort_by_cached_key(|root| unverified_version(root).unwrap_or(u64::MAX));
    }
}

fn unverified_version(root: &Bytes) -> Option<u64> {
    let metadata: Result<Metadata<Root>, _> = parse(root, Role::Root, &Limits::DEFAULT);
    metadata.ok().map(|metadata| metadata.version)
}

/// Version and expiry of the metadata of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleState {
    /// The role.
    pub role: Role,
    /// Version of its metadata.
    pub version: u64,
    /// Until when it holds; at that second it does no longer.
    pub expires: UnixTime,
}

/// Metadata and files that the keys of a held root stand behind. Whether it still holds is asked apart: [`Material::check`].
#[derive(Clone, Debug)]
pub struct Material {
    pub(super) parts: Parts,
    roles: [RoleState; 4],
}

impl Material {
    /// Proves parts from the root that the caller holds, which comes from elsewhere than the parts (a trust anchor never comes from what
    /// it is to judge). Every file in the parts must be one that the targets name.
    ///
    /// # Errors
    ///
    /// [`TufError`] of every kind that is about metadata; expiry is not looked at.
    pub fn prove(held_root: &Bytes, parts: Parts, limits: &Limits) -> Result<Self, TufError> {
        let root = TrustedRootMetadata::held(held_root, limits)?.follow(&parts.roots)?;
        let timestamp = root.timestamp(&parts.timestamp, None)?;
        let snapshot = root.snapshot(&parts.snapshot, &timestamp, None)?;
        let targets = root.targets(&parts.targets, &snapshot)?;
        for (name, bytes) in &parts.files {
            targets
                .body
                .0
                .get(name)
                .ok_or_else(|| TufError::NoTarget { name: name.clone() })?
                .check(name, bytes)?;
        }
        let state = |role, version, expires| RoleState {
            role,
            version,
            expires,
        };
        let roles = [
            state(Role::Root, root.root.version, root.root.expires),
            state(Role::Timestamp, timestamp.version, timestamp.expires),
            state(Role::Snapshot, snapshot.version, snapshot.expires),
            state(Role::Targets, targets.version, targets.expires),
        ];
        Ok(Self { parts, roles })
    }

    /// Version and expiry of the four roles, root first.
    #[must_use]
    pub fn roles(&self) -> &[RoleState; 4] {
        &self.roles
    }

    /// When the first of the roles expires.
    #[must_use]
    pub fn expires(&self) -> UnixTime {
        let [root, others @ ..] = &self.roles;
        others
            .iter()
            .map(|state| state.expires)
            .fold(root.expires, UnixTime::min)
    }

    /// Whether all of it holds at `now` (§5.3.10, §5.4.4, §5.5.6, §5.6.5).
    ///
    /// # Errors
    ///
    /// [`TufError::Expired`] with the first role that does not.
    pub fn check(&self, now: UnixTime) -> Result<(), TufError> {
        match self.roles.iter().find(|state| state.expires <= now) {
            None => Ok(()),
            Some(state) => Err(state.expired()),
        }
    }

    /// A file that the targets name, when it is among the parts.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&Bytes> {
        self.parts.files.get(name)
    }

    /// The file `trusted_root.json`.
    ///
    /// # Errors
    ///
    /// [`TufError::NoTarget`].
    pub fn trusted_root(&self) -> Result<&Bytes, TufError> {
        self.file(TRUSTED_ROOT).ok_or_else(|| TufError::NoTarget {
            name: TRUSTED_ROOT.to_owned(),
        })
    }

    /// What it was proven from, to be kept or carried elsewhere.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

impl RoleState {
    pub(super) fn expired(&self) -> TufError {
        TufError::Expired {
            role: self.role,
            version: self.version,
            expires: self.expires,
        }
    }
}
