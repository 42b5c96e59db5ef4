//! Evidence that is found by a tag made of a digest.

use std::collections::BTreeSet;

use countersign_formats::{Digest, Manifest};

use super::{Piece, Role};
use crate::depot::Depot;
use crate::error::{ErrorClass, StoreError};
use crate::referrer::fallback_tag;

/// What such tags end with.
const SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// Which tags a store has.
pub(super) enum EvidenceTags {
    /// These, and no others.
    Known(BTreeSet<String>),
    /// It does not say: each is asked for.
    Unknown,
}

impl EvidenceTags {
    /// Asks a registry once for all its tags; one that does not give them, or has too many, is asked for each one.
    pub(super) async fn of(source: &dyn Depot) -> Result<Self, StoreError> {
        match source.tags().await {
            // Layouts that cosign saved have evidence that is found by its kind and not by a tag.
            Ok(_) if source.requests() == 0 => Ok(Self::Unknown),
            Ok(tags) => Ok(Self::Known(tags.into_iter().collect())),
            Err(error) => match error.class() {
                ErrorClass::Network | ErrorClass::Offline | ErrorClass::Local => Err(error),
                _ => Ok(Self::Unknown),
            },
        }
    }

    /// Whether the fallback tag of a digest may be there.
    pub(super) fn has_fallback(&self, subject: &Digest) -> bool {
        match self {
            Self::Known(tags) => tags.contains(&fallback_tag(subject)),
            Self::Unknown => true,
        }
    }

    /// The evidence about a digest that is found by tags, with a prefix before them or without.
    pub(super) async fn about(
        &self,
        source: &dyn Depot,
        subject: &Digest,
    ) -> Result<Vec<Piece>, StoreError> {
        let stem = fallback_tag(subject);
        let candidates: Vec<String> = match self {
            Self::Known(tags) => tags
                .iter()
                .filter(|tag| {
                    SUFFIXES.iter().any(|suffix| {
                        tag.strip_suffix(suffix)
                            .is_some_and(|rest| rest.ends_with(&stem))
                    })
                })
                .cloned()
                .collect(),
            Self::Unknown => SUFFIXES
                .iter()
                .map(|suffix| format!("{stem}{suffix}"))
                .collect(),
        };
        let mut pieces = Vec::new();
        for tag in candidates {
            if let Some(resolved) = source.tag(&tag).await?
                && matches!(resolved.manifest, Manifest::Image(_))
            {
                pieces.push(Piece {
                    resolved,
                    role: Role::Tagged {
                        subject: *subject,
                        tag,
                    },
                });
            }
        }
        Ok(pieces)
    }
}
