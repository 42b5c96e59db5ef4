//! The section of a pack that keeps what one verification asked and heard.

use bytes::Bytes;
use countersign_formats::{Digest, Limits, UnixTime};
use countersign_proof::Witness;
use countersign_registry::Target;
use serde::{Deserialize, Serialize};

use super::beside::{self, Authority, AuthorityText};
use super::recorder::{Kept, Recorder};
use crate::pack::{PackError, PackWriter, SectionKind};

/// The version of the document.
const SCHEMA_VERSION: u32 = 1;
/// Largest record, in bytes.
const BYTES: usize = Limits::DEFAULT.record_bytes;
/// Most answers of one place, and most places.
const ANSWERS: usize = Limits::DEFAULT.record_answers;
const PLACES: usize = 64;
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

/// A record that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The content of what was heard is over the limit.
    #[error("the evidence has more than {limit} bytes, and a pack takes no more")]
    OverLimit {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The section is not a record.
    #[error("the record `{name}` cannot be read: {reason}")]
    Malformed {
        /// Name of the section.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The section is a record of another version.
    #[error("the record `{name}` has version {found}, and this program knows {SCHEMA_VERSION}")]
    Version {
        /// Name of the section.
        name: String,
        /// Its version.
        found: u32,
    },
    /// The pack cannot be read or written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

impl RecordError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => "record-over-limit",
            Self::Malformed { .. } => "record-malformed",
            Self::Version { .. } => "record-version",
            Self::Pack(error) => error.code(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OverLimit { .. } => Some(
                "record fewer images in one pack, or remove evidence that nobody needs".to_owned(),
            ),
            Self::Malformed { .. } => Some("record the image again".to_owned()),
            Self::Version { .. } => {
                Some("a newer countersign wrote it; use that version".to_owned())
            }
            Self::Pack(error) => error.hint(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    schema_version: u32,
    reference: String,
    target: TargetText,
    digest: String,
    recorded_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authority: Option<AuthorityText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    witnesses: Vec<String>,
    places: Vec<PlaceText>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum TargetText {
    Tag(String),
    Digest(String),
    Sole {},
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlaceText {
    name: String,
    answers: Vec<AnswerText>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerText {
    ask: AskText,
    heard: HeardText,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum AskText {
    Tag(String),
    MaybeTag(String),
    Sole {},
    Digest(String),
    Manifest { digest: String, size: u64 },
    Exists(String),
    Blob { digest: String, size: u64 },
    Referrers(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum HeardText {
    #[serde(rename_all = "camelCase")]
    Manifest {
        digest: String,
        size: u64,
        media_type: String,
    },
    Blob {},
    Listing {
        digest: String,
        size: u64,
        complete: bool,
        via: String,
    },
    Exists(bool),
    Absent {
        name: String,
    },
    Malformed {
        error: String,
    },
    Failed {
        class: String,
        detail: String,
    },
}

/// What was asked and heard in one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlaceRecord {
    pub(super) name: String,
    pub(super) answers: Vec<Answered>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) ask: Ask,
    pub(super) heard: Heard,
}

/// What a store is asked; the order is that of the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// The manifest under a tag that should be there.
    Tag(String),
    /// The manifest under a tag that may be absent.
    MaybeTag(String),
    Sole,
    Digest(Digest),
    Manifest {
        digest: Digest,
        size: u64,
    },
    Exists(Digest),
    Blob {
        digest: Digest,
        size: u64,
    },
    Referrers(Digest),
}

/// What a store answered; content stands beside the record by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Manifest {
        digest: Digest,
        size: u64,
        media_type: String,
    },
    Blob,
    Listing {
        digest: Digest,
        size: u64,
        complete: bool,
        via: String,
    },
    Exists {
        exists: bool,
    },
    Absent {
        name: String,
    },
    /// A manifest that is what its digest says, and no manifest.
    Malformed {
        error: String,
    },
    Failed {
        class: String,
        detail: String,
    },
}

impl Ask {
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Tag(tag) => Self::Tag(tag.clone()),
            Target::Digest(digest) => Self::Digest(*digest),
            Target::Sole => Self::Sole,
        }
    }
}

impl ImageRecord {
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

    fn of(document: Document) -> Result<Self, String> {
        if document.places.is_empty() || document.places.len() > PLACES {
            return Err(format!("it must have 1 to {PLACES} places"));
        }
        Ok(Self {
            reference: document.reference,
            target: match document.target {
                TargetText::Tag(tag) => Target::Tag(tag),
                TargetText::Digest(digest) => Target::Digest(parsed(&digest)?),
                TargetText::Sole {} => Target::Sole,
            },
            digest: parsed(&document.digest)?,
            recorded_at: UnixTime(document.recorded_at),
            authority: document.authority.map(Authority::of).transpose()?,
            witnesses: beside::witnesses(&document.witnesses)?,
            places: document
                .places
                .into_iter()
                .map(place)
                .collect::<Result<_, _>>()?,
        })
    }

    fn document(&self) -> Document {
        Document {
            schema_version: SCHEMA_VERSION,
            reference: self.reference.clone(),
            target: match &self.target {
                Target::Tag(tag) => TargetText::Tag(tag.clone()),
                Target::Digest(digest) => TargetText::Digest(digest.to_string()),
                Target::Sole => TargetText::Sole {},
            },
            digest: self.digest.to_string(),
            recorded_at: self.recorded_at.0,
            authority: self.authority.as_ref().map(Authority::text),
            witnesses: self.witnesses.iter().map(Witness::to_string).collect(),
            places: self
                .places
                .iter()
                .map(|place| PlaceText {
                    name: place.name.clone(),
                    answers: place.answers.iter().map(answer_text).collect(),
                })
                .collect(),
        }
    }
}

fn answer_text(answered: &Answered) -> AnswerText {
    AnswerText {
        ask: match &answered.ask {
            Ask::Tag(tag) => AskText::Tag(tag.clone()),
            Ask::MaybeTag(tag) => AskText::MaybeTag(tag.clone()),
            Ask::Sole => AskText::Sole {},
            Ask::Digest(digest) => AskText::Digest(digest.to_string()),
            Ask::Manifest { digest, size } => AskText::Manifest {
                digest: digest.to_string(),
                size: *size,
            },
            Ask::Exists(digest) => AskText::Exists(digest.to_string()),
            Ask::Blob { digest, size } => AskText::Blob {
                digest: digest.to_string(),
                size: *size,
            },
            Ask::Referrers(digest) => AskText::Referrers(digest.to_string()),
        },
        heard: match &answered.heard {
            Heard::Manifest {
                digest,
                size,
                media_type,
            } => HeardText::Manifest {
                digest: digest.to_string(),
                size: *size,
                media_type: media_type.clone(),
            },
            Heard::Blob => HeardText::Blob {},
            Heard::Listing {
                digest,
                size,
                complete,
                via,
            } => HeardText::Listing {
                digest: digest.to_string(),
                size: *size,
                complete: *complete,
                via: via.clone(),
            },
            Heard::Exists { exists } => HeardText::Exists(*exists),
            Heard::Absent { name } => HeardText::Absent { name: name.clone() },
            Heard::Malformed { error } => HeardText::Malformed {
                error: error.clone(),
            },
            Heard::Failed { class, detail } => HeardText::Failed {
                class: class.clone(),
                detail: detail.clone(),
            },
        },
    }
}

fn place(place: PlaceText) -> Result<PlaceRecord, String> {
    if place.answers.len() > ANSWERS {
        return Err(format!("a place has more than {ANSWERS} answers"));
    }
    Ok(PlaceRecord {
        name: place.name,
        answers: place
            .answers
            .into_iter()
            .map(answered)
            .collect::<Result<_, _>>()?,
    })
}

fn answered(text: AnswerText) -> Result<Answered, String> {
    Ok(Answered {
        ask: match text.ask {
            AskText::Tag(tag) => Ask::Tag(tag),
            AskText::MaybeTag(tag) => Ask::MaybeTag(tag),
            AskText::Sole {} => Ask::Sole,
            AskText::Digest(digest) => Ask::Digest(parsed(&digest)?),
            AskText::Manifest { digest, size } => Ask::Manifest {
                digest: parsed(&digest)?,
                size,
            },
            AskText::Exists(digest) => Ask::Exists(parsed(&digest)?),
            AskText::Blob { digest, size } => Ask::Blob {
                digest: parsed(&digest)?,
                size,
            },
            AskText::Referrers(digest) => Ask::Referrers(parsed(&digest)?),
        },
        heard: match text.heard {
            HeardText::Manifest {
                digest,
                size,
                media_type,
            } => Heard::Manifest {
                digest: parsed(&digest)?,
                size,
                media_type,
            },
            HeardText::Blob {} => Heard::Blob,
            HeardText::Listing {
                digest,
                size,
                complete,
                via,
            } => Heard::Listing {
                digest: parsed(&digest)?,
                size,
                complete,
                via,
            },
            HeardText::Exists(exists) => Heard::Exists { exists },
            HeardText::Absent { name } => Heard::Absent { name },
            HeardText::Malformed { error } => Heard::Malformed { error },
            HeardText::Failed { class, detail } => Heard::Failed { class, detail },
        },
    })
}

fn parsed(text: &str) -> Result<Digest, String> {
    Digest::parse(text).map_err(|_| format!("`{}` is no digest", short(text)))
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
