//! The document of a record, as JSON.

use countersign_formats::{Digest, Limits, UnixTime};
use countersign_proof::Witness;
use countersign_registry::Target;
use serde::{Deserialize, Serialize};

use super::answers::{Answered, Ask, Heard, PlaceRecord};
use super::beside::{self, Authority, AuthorityText};
use super::document::ImageRecord;

/// The version of the document.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// Most answers of one place.
const ANSWERS: usize = Limits::DEFAULT.record_answers;
/// Most places.
const PLACES: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) schema_version: u32,
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

impl ImageRecord {
    /// The record that a document of the known version describes.
    pub(super) fn of(document: Document) -> Result<Self, String> {
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

    /// The record as a document.
    pub(super) fn document(&self) -> Document {
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
