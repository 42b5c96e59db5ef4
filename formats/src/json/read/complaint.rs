//! What a reader says of a document that is not as it should be.

use super::Reader;
use crate::error::{Error, ErrorKind, excerpt};

impl Reader<'_> {
    /// An error about the value being read.
    pub fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.document, kind)
    }

    /// An error that says what value is wanted and shows an excerpt of what is there.
    pub fn bad_value(&self, expected: &'static str, found: &str) -> Error {
        self.error(ErrorKind::BadValue {
            expected,
            found: excerpt(found),
        })
    }

    /// The error for a member that a closed format does not know.
    pub fn unknown_field(&self, name: &str) -> Error {
        self.error(ErrorKind::UnknownField {
            name: excerpt(name),
        })
    }

    /// The error for a value over a named limit.
    pub fn over_limit(&self, limit: &'static str, maximum: usize) -> Error {
        self.error(ErrorKind::OverLimit {
            limit,
            maximum: maximum as u64,
        })
    }

    /// The value, or the error that member `name` is missing.
    ///
    /// # Errors
    /// `missing-field`.
    pub fn required<T>(&self, name: &'static str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.error(ErrorKind::MissingField { name }))
    }

    pub(super) fn syntax(&self, expected: &'static str) -> Error {
        let rest = self.text.get(self.position..).unwrap_or_default();
        // A byte that begins no character is no syntax of any kind.
        if let Err(error) = std::str::from_utf8(rest)
            && error.valid_up_to() == 0
        {
            return self.error(ErrorKind::NotUtf8 {
                offset: self.position,
            });
        }
        self.error(ErrorKind::JsonSyntax {
            offset: self.position,
            expected,
        })
    }
}

/// The error one level further out; an unknown member's own name is not part of its place.
pub(super) fn place(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::UnknownField { name: unknown }
            if error.path().is_empty() && *unknown == excerpt(name) =>
        {
            error
        }
        _ => error.within(name),
    }
}
