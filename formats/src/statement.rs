//! In-toto statements.

use crate::descriptor::name_string;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{ObjectWriter, Reader};
use crate::limits::Limits;
use crate::predicate_types::COSIGN_SIGN;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;

/// The version that a statement's `_type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementVersion {
    /// `https://in-toto.io/Statement/v0.1`
    V0_1,
    /// `https://in-toto.io/Statement/v1`
    V1,
}

/// An in-toto statement: a claim of one type about subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The version that `_type` names.
    pub version: StatementVersion,
    /// The subjects; at least one.
    pub subjects: Vec<StatementSubject>,
    /// Type of the predicate, not empty.
    pub predicate_type: String,
    /// The predicate, delimited and not parsed.
    pub predicate: Option<Predicate>,
}

/// One subject of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementSubject {
    /// Name; proves nothing.
    pub name: Option<String>,
    /// Algorithm names and digest values as they were written, in order.
    pub digests: Vec<(String, String)>,
    /// Annotations; a value that is not a string is its JSON text.
    pub annotations: BTreeMap<String, String>,
}

/// A predicate where it stands in the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    payload: Bytes,
    span: Range<usize>,
}

impl Predicate {
    /// The bytes of the JSON value, exactly as they were signed.
    pub fn bytes(&self) -> &[u8] {
        self.payload.get(self.span.clone()).unwrap_or_default()
    }

    /// The same bytes, sharing the payload's memory.
    pub fn to_bytes(&self) -> Bytes {
        self.payload.slice(self.span.clone())
    }
}

impl StatementVersion {
    /// The URI in `_type`.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::V0_1 => "https://in-toto.io/Statement/v0.1",
            Self::V1 => "https://in-toto.io/Statement/v1",
        }
    }
}

impl Statement {
    /// Reads a statement from the payload of an envelope; the predicate shares the payload's memory.
    ///
    /// Members that in-toto does not know are passed over, as its specification says. Names inside the predicate are not
    /// compared: whoever reads the predicate does that.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`; `unsupported` for another
    /// `_type`.
    pub fn parse(payload: Bytes, limits: &Limits) -> Result<Self, Error> {
        let cap = ("bundle_bytes", limits.bundle_bytes);
        let mut reader = Reader::from_bytes(Document::Statement, &payload, cap, limits)?;
        let (mut version, mut subjects, mut predicate_type, mut predicate) =
            (None, None, None, None);
        reader.object(|reader, name| {
            match name {
                "_type" => version = Some(read_version(reader)?),
                "subject" => {
                    let cap = ("subjects", limits.subjects);
                    subjects = Some(
                        reader.capped_list(cap, |reader| StatementSubject::read(reader, limits))?,
                    );
                }
                "predicateType" => predicate_type = Some(name_string(reader, limits)?),
                "predicate" => predicate = Some(reader.skip()?),
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let version = reader.required("_type", version)?;
        let subjects =
            reader.required("subject", subjects.filter(|list: &Vec<_>| !list.is_empty()))?;
        let predicate_type = reader.required(
            "predicateType",
            predicate_type.filter(|text| !text.is_empty()),
        )?;
        reader.end()?;
        let predicate = predicate.map(|span| Predicate {
            payload: payload.clone(),
            span,
        });
        Ok(Self {
            version,
            subjects,
            predicate_type,
            predicate,
        })
    }
}

impl StatementSubject {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut subject = Self::default();
        reader.object(|reader, name| {
            match name {
                "name" => subject.name = Some(name_string(reader, limits)?),
                "digest" => subject.digests = read_digests(reader, limits)?,
                "annotations" => {
                    subject.annotations =
                        reader.lenient_string_map(("annotations", limits.annotations))?;
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        if subject.digests.is_empty() {
            return Err(reader.error(ErrorKind::MissingField { name: "digest" }));
        }
        Ok(subject)
    }

    fn write(&self, out: &mut Vec<u8>, always_annotations: bool) {
        let mut object = ObjectWriter::new(out);
        if let Some(name) = &self.name {
            object.string("name", name);
        }
        object.object("digest", |object| {
            for (algorithm, value) in &self.digests {
                object.string(algorithm, value);
            }
        });
        if always_annotations || !self.annotations.is_empty() {
            object.strings("annotations", &self.annotations);
        }
        object.end();
    }
}

/// Writes a statement with its members in the order in which cosign writes them; the predicate is embedded byte for byte.
///
/// White space around the predicate is left out. A statement of type [`COSIGN_SIGN`](crate::predicate_types::COSIGN_SIGN)
/// always has annotations in its subjects, as cosign writes it.
///
/// # Errors
/// `not-utf8`, `json-syntax` and `over-limit` when the predicate is not one JSON value.
pub fn statement_json(
    version: StatementVersion,
    subjects: &[StatementSubject],
    predicate_type: &str,
    predicate: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let predicate = predicate.map(whole_value).transpose()?;
    let always_annotations = predicate_type == COSIGN_SIGN;
    let mut out = Vec::with_capacity(predicate.map_or(0, <[u8]>::len) + 512);
    let mut object = ObjectWriter::new(&mut out);
    object.string("_type", version.uri());
    let write_subjects = |object: &mut ObjectWriter<'_>| {
        object.list("subject", subjects, |out, subject| {
            subject.write(out, always_annotations)
        });
    };
    match version {
        StatementVersion::V0_1 => {
            object.string("predicateType", predicate_type);
            write_subjects(&mut object);
        }
        StatementVersion::V1 => {
            write_subjects(&mut object);
            object.string("predicateType", predicate_type);
        }
    }
    if let Some(predicate) = predicate {
        object.raw("predicate", predicate);
    }
    object.end();
    Ok(out)
}

fn whole_value(predicate: &[u8]) -> Result<&[u8], Error> {
    let limits = Limits::DEFAULT;
    // The statement around it is one level of nesting more.
    let inner = Limits {
        json_depth: limits.json_depth - 1,
        ..limits
    };
    let mut reader = Reader::from_bytes(
        Document::Predicate,
        predicate,
        ("bundle_bytes", u64::MAX),
        &inner,
    )?;
    let value = reader.raw()?.as_bytes();
    reader.end()?;
    Ok(value)
}

fn read_version(reader: &mut Reader<'_>) -> Result<StatementVersion, Error> {
    let text = reader.string()?;
    [StatementVersion::V0_1, StatementVersion::V1]
        .into_iter()
        .find(|version| version.uri() == text)
        .ok_or_else(|| {
            reader.error(ErrorKind::Unsupported {
                what: "statement type",
                found: excerpt(&text),
            })
        })
}

/// Digests as they were written: which of them counts, and how its text must look, is judged where they are compared.
fn read_digests(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<(String, String)>, Error> {
    let mut digests = Vec::new();
    reader.map(|reader, name| {
        if digests.len() >= limits.subject_digests {
            return Err(reader.over_limit("subject_digests", limits.subject_digests));
        }
        digests.push((name.to_owned(), name_string(reader, limits)?));
        Ok(())
    })?;
    Ok(digests)
}
