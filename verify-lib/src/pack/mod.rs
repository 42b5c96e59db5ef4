//! Packs: one file that carries what a decision needs to machines without a network.
//!
//! A pack is an OCI image layout in a tar file. One manifest of artifact type [`ARTIFACT_TYPE`] lists its *sections* as layers: trusted
//! roots, the TUF metadata that proves them, signing configs, policies, records. Beside it the layout holds images and their
//! referrers as any layout does, and [`Pack::store`] reads them. A pack vouches for nothing: whoever trusts a section has to
//! verify it by what they hold themselves.

mod error;
mod read;
mod section;
mod write;

pub use error::PackError;
pub use read::{Pack, Section, Skipped};
pub use section::{SectionKind, TufRole};
pub use write::PackWriter;

/// Artifact type of the manifest that lists the sections; a pack of another version has another.
pub const ARTIFACT_TYPE: &str = "application/vnd.countersign.pack.v1+json";
/// What the artifact types of all versions begin with.
const ARTIFACT_TYPE_PREFIX: &str = "application/vnd.countersign.pack.";
/// Annotation of a section: its name, for people and for telling sections of a kind apart.
const ANNOTATION_NAME: &str = "org.opencontainers.image.title";
/// Annotation of a section of TUF metadata: the role.
const ANNOTATION_ROLE: &str = "dev.countersign.pack.tuf-role";
/// Annotation of a section: `true` when a reader that does not know its media type may pass over it.
const ANNOTATION_OPTIONAL: &str = "dev.countersign.pack.optional";

#[cfg(test)]
mod tests;
