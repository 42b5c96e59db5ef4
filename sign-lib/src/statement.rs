//! The statements that are signed: an image signature, an attestation, a statement that somebody else made.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::predicate_types::{COSIGN_SIGN, PredicateType};
use countersign_formats::{
    Digest, Limits, Statement, StatementSubject, StatementVersion, statement_json,
};

use crate::error::SignError;

/// How a predicate file becomes the statement's `predicate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredicateForm {
    /// One JSON value, embedded byte for byte.
    Json,
    /// Text (SPDX tag-value), embedded as one JSON string as cosign does.
    Text,
}

impl PredicateForm {
    /// The form that belongs to what was given as `--type`: `spdx` is text, everything else JSON.
    #[must_use]
    pub fn of(alias_or_uri: &str) -> Self {
        if alias_or_uri == "spdx" {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// The bytes that stand for `file` in a statement.
///
/// # Errors
/// [`SignError::PredicateTooLarge`] beyond `Limits::bundle_bytes`, [`SignError::PredicateNotText`] when text is not UTF-8.
pub fn predicate_bytes<'a>(
    form: PredicateForm,
    file: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, SignError> {
    let found = file.len() as u64;
    if found > limits.bundle_bytes {
        return Err(SignError::PredicateTooLarge {
            found,
            limit: limits.bundle_bytes,
        });
    }
    match form {
        PredicateForm::Json => Ok(Cow::Borrowed(file)),
        PredicateForm::Text => {
            let text = std::str::from_utf8(file).map_err(|error| SignError::PredicateNotText {
                offset: error.valid_up_to(),
            })?;
            Ok(Cow::Owned(json_string(text)))
        }
    }
}

/// The statement that cosign 3 signs for an image: version 1, no name, annotations on the subject, an empty predicate.
///
/// # Errors
/// [`SignError::Predicate`] never happens in practice: the predicate is `{}`.
pub fn image_statement(
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Result<Bytes, SignError> {
    let subject = StatementSubject {
        name: None,
        digests: vec![named(digest)],
        annotations: annotations.clone(),
    };
    statement_json(
        StatementVersion::V1,
        &[subject],
        COSIGN_SIGN,
        Some(b"{}".as_slice()),
    )
    .map(Bytes::from)
    .map_err(SignError::Predicate)
}

/// The statement that cosign signs for an attestation: version 0.1, subjects with names, the predicate byte for byte.
///
/// # Errors
/// [`SignError::Predicate`] when the predicate is not one JSON value.
pub fn attestation_statement(
    subjects: &[(&str, Digest)],
    predicate_type: &str,
    predicate: &[u8],
) -> Result<Bytes, SignError> {
    let subjects: Vec<_> = subjects
        .iter()
        .map(|(name, digest)| StatementSubject {
            name: Some((*name).to_owned()),
            digests: vec![named(digest)],
            annotations: BTreeMap::new(),
        })
        .collect();
    statement_json(
        StatementVersion::V0_1,
        &subjects,
        predicate_type,
        Some(predicate),
    )
    .map(Bytes::from)
    .map_err(SignError::Predicate)
}

/// Checks a statement that was given ready: it parses, names `digest` under its algorithm, and has the type asked for.
///
/// # Errors
/// [`SignError::Statement`], [`SignError::StatementSubject`], [`SignError::StatementType`].
pub fn ready_statement(
    payload: Bytes,
    digest: &Digest,
    predicate_type: Option<&PredicateType>,
    limits: &Limits,
) -> Result<Statement, SignError> {
    let statement = Statement::parse(payload, limits).map_err(SignError::Statement)?;
    let (algorithm, value) = named(digest);
    let digests = || {
        statement
            .subjects
            .iter()
            .flat_map(|subject| &subject.digests)
    };
    if !digests().any(|(name, found)| *name == algorithm && *found == value) {
        let others: Vec<_> = digests()
            .filter(|(name, _)| *name == algorithm)
            .take(3)
            .map(|(name, found)| {
                let found: String = found.chars().take(128).collect();
                format!("`{name}:{found}`")
            })
            .collect();
        return Err(SignError::StatementSubject {
            expected: *digest,
            found: if others.is_empty() {
                format!("no {algorithm} digest")
            } else {
                others.join(", ")
            },
        });
    }
    if let Some(wanted) = predicate_type
        && !wanted.accepts(&statement.predicate_type)
    {
        return Err(SignError::StatementType {
            expected: wanted.uri.clone(),
            found: statement.predicate_type.chars().take(256).collect(),
        });
    }
    Ok(statement)
}

fn named(digest: &Digest) -> (String, String) {
    (digest.algorithm().name().to_owned(), digest.hex())
}

fn json_string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16 + 2);
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x00..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}
