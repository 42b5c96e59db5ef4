//! The kinds of sections and their media types.

use countersign_formats::media_types;

/// What a section is; each kind has one media type, and a trusted root two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SectionKind {
    /// A `trusted_root.json` of Sigstore.
    TrustedRoot,
    /// A `signing_config.v0.2.json` of Sigstore.
    SigningConfig,
    /// One file of TUF metadata, with its role in an annotation.
    TufMetadata,
    /// A policy document.
    Policy,
    /// What was asked and answered in one verification.
    Record,
}

impl SectionKind {
    /// All kinds, in the order in which a pack holds them.
    pub const ALL: [Self; 5] = [
        Self::TrustedRoot,
        Self::SigningConfig,
        Self::TufMetadata,
        Self::Policy,
        Self::Record,
    ];

    /// The media type that is written.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::TrustedRoot => media_types::TRUSTED_ROOT_V01,
            Self::SigningConfig => "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            Self::TufMetadata => "application/vnd.countersign.pack.tuf-metadata.v1+json",
            Self::Policy => "application/vnd.countersign.pack.policy.v1+yaml",
            Self::Record => "application/vnd.countersign.pack.record.v1+json",
        }
    }

    /// The kind of a media type.
    #[must_use]
    pub fn of(media_type: &str) -> Option<Self> {
        if media_type == media_types::TRUSTED_ROOT_V02 {
            return Some(Self::TrustedRoot);
        }
        Self::ALL
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrustedRoot => "trusted root",
            Self::SigningConfig => "signing config",
            Self::TufMetadata => "TUF metadata",
            Self::Policy => "policy",
            Self::Record => "record",
        }
    }
}

/// The role of one file of TUF metadata in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TufRole {
    /// `root`; a pack holds each version that leads from the oldest that it supports to the newest.
    Root,
    /// `timestamp`.
    Timestamp,
    /// `snapshot`.
    Snapshot,
    /// The top-level `targets`.
    Targets,
}

impl TufRole {
    /// The role's name in the TUF specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets]
            .into_iter()
            .find(|role| role.name() == name)
    }
}
