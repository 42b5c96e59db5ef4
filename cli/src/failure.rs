//! The error of a command: what, where, what next, and the exit code that it ends with.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use crate::exit::ExitStatus;

/// Why a command could not give its answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The code that the process ends with.
    pub(crate) status: ExitStatus,
    /// Stable, kebab-case name of what went wrong.
    pub(crate) code: Cow<'static, str>,
    /// One sentence in lower case with the user's value in backticks.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// An error with its exit code, its stable code and its sentence.
    pub(crate) fn new(
        status: ExitStatus,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// A command line, environment or given file that cannot be used (exit 2).
    pub(crate) fn usage(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Usage, code, message)
    }

    /// Something that should not happen (exit 1).
    pub(crate) fn internal(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Internal, code, message)
    }

    /// The same with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with another thing to do next.
    pub(crate) fn instead(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    /// The same with what to do next, unless nothing is known or a hint is there already.
    pub(crate) fn or_hint(mut self, hint: Option<String>) -> Self {
        if self.hint.is_none() {
            self.hint = hint;
        }
        self
    }

    /// The `error` of a JSON envelope.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "code": self.code,
            "message": crate::escape::capped(&self.message, crate::escape::MESSAGE_BYTES),
            "hint": self.hint,
        })
    }

    /// A file that was named on the command line and cannot be read (exit 2).
    pub(crate) fn unreadable(what: &str, path: &Path, error: &io::Error) -> Self {
        let failure = Self::usage(
            "file-unreadable",
            format!("cannot read {what} `{}`: {}", path.display(), words(error)),
        );
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("check the path; it is relative to the current folder")
            }
            io::ErrorKind::PermissionDenied => {
                failure.hint("check the permissions of the file and its folders")
            }
            _ => failure,
        }
    }

    /// A file that cannot be written (exit 2: the place was chosen on the command line).
    pub(crate) fn unwritable(what: &str, path: &Path, error: &io::Error) -> Self {
        let failure = Self::usage(
            "file-unwritable",
            format!("cannot write {what} `{}`: {}", path.display(), words(error)),
        );
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                failure.hint("make the folder first; the path is relative to the current folder")
            }
            io::ErrorKind::IsADirectory => failure.hint("name a file inside that folder"),
            io::ErrorKind::PermissionDenied => failure.hint("check the permissions of the folder"),
            _ => failure,
        }
    }
}

/// The words of an I/O error without the number that the operating system gave it.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_says_which_and_what_to_do() {
        let error = io::Error::from_raw_os_error(2);
        let failure = Failure::unreadable("the key", Path::new("absent.key"), &error);
        assert_eq!(failure.status, ExitStatus::Usage);
        assert_eq!(
            failure.to_string(),
            "cannot read the key `absent.key`: no such file or directory"
        );
        assert!(failure.hint.is_some());
    }
}
