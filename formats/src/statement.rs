//! In-toto statements.

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
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
impl Statement {
    pub fn parse(_payload: Bytes, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::Statement, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
}
pub fn statement_json(_version: StatementVersion, _subjects: &[StatementSubject], _predicate_type: &str, _predicate: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        Err(Error::new(Document::Statement, ErrorKind::Unsupported { what: "writing", found: String::new() }))
}
