//! Why a pack cannot be read or written.

use std::path::PathBuf;

use countersign_registry::StoreError;

/// A pack that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The file, or the layout in it, cannot be read or written.
    #[error("pack: {0}")]
    Store(#[from] StoreError),
    /// There is no such file.
    #[error("there is no pack `{}`", path.display())]
    Absent {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else than an archive of a layout.
    #[error("`{}` is no pack: it is no whole tar file of an OCI layout", path.display())]
    NotALayout {
        /// The file.
        path: PathBuf,
    },
    /// The archive ends before its contents, or they are not what its list says.
    #[error("the pack `{}` is cut off or was changed: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: StoreError,
    },
    /// The archive is a layout without a pack's manifest, or with several.
    #[error("`{}` is no pack: its `index.json` lists {found} manifests of type `{}`", path.display(), super::ARTIFACT_TYPE)]
    NotAPack {
        /// The file.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
    /// A pack of a version that this program does not know.
    #[error("`{}` is a pack of type `{found}`, and this program knows `{}`", path.display(), super::ARTIFACT_TYPE)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its type, at most 256 bytes.
        found: String,
    },
    /// A section of a kind that this program does not know and may not pass over.
    #[error("`{}` has a section of the unknown type `{media_type}`", path.display())]
    UnknownSection {
        /// The file.
        path: PathBuf,
        /// Its media type, at most 256 bytes.
        media_type: String,
    },
    /// Two sections where one may be, or none where one must be.
    #[error("`{}` has {found} sections of the kind {kind}, and one is wanted", path.display())]
    SectionCount {
        /// The file.
        path: PathBuf,
        /// Name of the kind.
        kind: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A section lacks what its kind demands.
    #[error("`{}` has a section of the kind {kind} {problem}", path.display())]
    Section {
        /// The file.
        path: PathBuf,
        /// Name of the kind.
        kind: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The sections are together larger than the limit.
    #[error("`{}`: the sections are over the limit pack_bytes of {limit} bytes", path.display())]
    OverLimit {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl PackError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) | Self::Damaged { reason: error, .. } => error.code(),
            Self::Absent { .. } => "pack-not-found",
            Self::NotALayout { .. } | Self::NotAPack { .. } => "pack-not-a-pack",
            Self::Version { .. } => "pack-version",
            Self::UnknownSection { .. } => "pack-section-unknown",
            Self::SectionCount { .. } => "pack-section-count",
            Self::Section { .. } => "pack-section-malformed",
            Self::OverLimit { .. } => "pack-over-limit",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Absent { .. } => {
                Some("check the path; it is relative to the current folder".to_owned())
            }
            Self::Damaged { .. } => {
                Some("copy it again from where it was written, or write it anew".to_owned())
            }
            Self::NotALayout { .. } => Some(
                "`countersign trust export` and `countersign policy record` write packs; copy one again that was cut off on its way"
                    .to_owned(),
            ),
            Self::NotAPack { .. } => Some(
                "`countersign trust export` and `countersign policy record` write packs".to_owned(),
            ),
            Self::Version { .. } | Self::UnknownSection { .. } => {
                Some("a newer countersign wrote it; use that version".to_owned())
            }
            Self::SectionCount { .. } | Self::Section { .. } | Self::OverLimit { .. } => None,
        }
    }
}
