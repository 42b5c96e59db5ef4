//! The section of a pack that keeps what one verification asked and heard.

use bytes::Bytes;
use countersign_formats::{Digest, Limits, UnixTime};
use countersign_proof::Witness;
use countersign_registry::Target;

use super::answers::PlaceRecord;
use super::beside::Authority;
use super::error::RecordError;
use super::recorder::{Kept, Recorder};
use super::text::{Document, SCHEMA_VERSION};
use crate::pack::{PackWriter, SectionKind};

/// Largest record, in bytes.
const BYTES: usize = Limits::DEFAULT.record_bytes;

/// What was asked about one image, what was heard, and under which trust and clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// The image as it was asked for.
    pub reference: String,
    /// What that named in its store.
    pub target: Target,
    /// The image's digest.
    pub digest: Digest,
    /// The time by which it was judged.
    pub recorded_at: UnixTime,
    /// Certificates of an own authority that were trusted in place of the trusted root's.
    pub authority: Option<Authority>,
    /// The witnesses whose cosignatures counted.
    pub witnesses: Vec<Witness>,
    /// Each store that was asked, the image's own first.
    pub(super) places: Vec<PlaceRecord>,
}

impl ImageRecord {
    /// A record in which nothing was heard yet.
    #[must_use]
    pub fn new(reference: String, target: Target, digest: Digest, recorded_at: UnixTime) -> Self {
        Self {
            reference,
            target,
            digest,
            recorded_at,
            authority: None,
            witnesses: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Takes what the recorders heard, the image's own store first, into the record and its content into `writer`.
    ///
    /// # Errors
    ///
    /// [`RecordError::OverLimit`].
    pub fn write(
        mut self,
        recorders: Vec<Recorder<'_>>,
        writer: &mut PackWriter,
        limits: &Limits,
    ) -> Result<(), RecordError> {
        let limit = limits.pack_bytes;
        for recorder in recorders {
            let (place, kept) = recorder.finish();
            let Kept {
                manifests,
                blobs,
                over_limit,
                ..
            } = kept;
            if over_limit {
                return Err(RecordError::OverLimit { limit });
            }
            for (bytes, media_type) in manifests.into_values() {
                writer.manifest(bytes, media_type, None);
            }
            for bytes in blobs.into_values() {
                writer.blob(bytes);
            }
            self.places.push(place);
        }
        let name = self.reference.clone();
        let bytes =
            serde_json::to_vec(&self.document()).map_err(|error| RecordError::Malformed {
                name: name.clone(),
                reason: error.to_string(),
            })?;
        writer.section(SectionKind::Record, name, Bytes::from(bytes));
        Ok(())
    }

    /// Reads a record; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// [`RecordError::Malformed`] and [`RecordError::Version`].
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, RecordError> {
        let malformed = |reason: String| RecordError::Malformed {
            name: name.chars().take(256).collect(),
            reason,
        };
        if bytes.len() > BYTES {
            return Err(malformed(format!("it has more than {BYTES} bytes")));
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if document.schema_version != SCHEMA_VERSION {
            return Err(RecordError::Version {
                name: name.chars().take(256).collect(),
                found: document.schema_version,
            });
        }
        Self::of(document).map_err(malformed)
    }
}
