//! What stored manifests say about themselves, remembered: a referrers list must not read every manifest again.
//!
//! Facts are kept by digest, so they cannot be stale; which repository has a manifest is never asked here (A105).

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use countersign_formats::{Digest, Limits, Manifest};
use serde_json::{Value, json};

use crate::store::LayoutStore;

/// What a manifest says, as far as a referrers list shows it.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) subject: Option<Digest>,
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: Value,
    /// About how many bytes this takes.
    weight: usize,
}

/// Facts of many manifests, at most [`Known::BYTES`] together.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    facts: HashMap<Digest, Option<Arc<Facts>>>,
    weight: usize,
}

impl Known {
    const BYTES: usize = 32 << 20;
    const ENTRY_BYTES: usize = 256;

    /// The facts of a manifest; `None` when it is absent, damaged or not a manifest.
    pub(crate) fn of(
        &self,
        layout: &LayoutStore,
        digest: &Digest,
        limits: &Limits,
    ) -> io::Result<Option<Arc<Facts>>> {
        if let Some(known) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .facts
            .get(digest)
        {
            return Ok(known.clone());
        }
        let bytes = match layout.manifest(digest, limits.manifest_bytes) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            // One damaged manifest must not hide all referrers.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
            Err(error) => return Err(error),
        };
        let facts = Manifest::parse(&bytes, None, limits)
            .ok()
            .map(|manifest| Arc::new(Facts::of(&manifest)));
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = facts.as_ref().map_or(0, |facts| facts.weight) + Self::ENTRY_BYTES;
        if held.weight + weight > Self::BYTES {
            *held = Held::default();
        }
        if weight < Self::BYTES / 8 {
            held.weight += weight;
            held.facts.insert(*digest, facts.clone());
        }
        Ok(facts)
    }
}

impl Facts {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let artifact_type = match manifest {
            Manifest::Image(image) => Some(image.effective_artifact_type().to_owned()),
            Manifest::Index(index) => index.artifact_type.clone(),
        };
        let annotations = manifest.annotations();
        Self {
            subject: manifest.subject().map(|subject| subject.digest),
            media_type: manifest.media_type().to_owned(),
            artifact_type: artifact_type.filter(|text| !text.is_empty()),
            annotations: json!(annotations),
            weight: annotations
                .iter()
                .map(|(name, value)| name.len() + value.len() + 64)
                .sum(),
        }
    }

    /// The entry of a referrers list.
    pub(crate) fn descriptor(&self, digest: &Digest, size: u64) -> Value {
        /// Larger annotations are left out: one manifest must not make the list too large to be read.
        const ANNOTATION_BYTES: usize = 256 << 10;
        let mut descriptor =
            json!({ "mediaType": self.media_type, "digest": digest.to_string(), "size": size });
        if let Some(members) = descriptor.as_object_mut() {
            if let Some(artifact_type) = &self.artifact_type {
                members.insert("artifactType".to_owned(), json!(artifact_type));
            }
            if self.weight <= ANNOTATION_BYTES
                && self
                    .annotations
                    .as_object()
                    .is_some_and(|object| !object.is_empty())
            {
                members.insert("annotations".to_owned(), self.annotations.clone());
            }
        }
        descriptor
    }
}
