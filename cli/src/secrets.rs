//! Where passwords come from: the environment, the terminal, a pipe.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use countersign_registry::Secret;

use crate::context::Context;
use crate::failure::{Failure, words};

/// Longest password that is read, in bytes.
const PASSWORD_BYTES: u64 = 4096;

/// What the password is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A key is opened with it.
    Open,
    /// A key is closed with it: asked twice.
    Close,
}

/// The password of a private key.
///
/// `COUNTERSIGN_PASSWORD` and `COSIGN_PASSWORD` may be empty, which is a password; otherwise the terminal is asked, or a
/// line read from a pipe.
pub(crate) fn key_password(context: &Context<'_, '_>, purpose: Purpose) -> Result<Secret, Failure> {
    for name in ["COUNTERSIGN_PASSWORD", "COSIGN_PASSWORD"] {
        if let Some(value) = context.environment(name) {
            return Ok(Secret::new(value));
        }
    }
    if !io::stdin().is_terminal() {
        return piped("the key").map_err(|failure| failure.or_hint(Some("set COUNTERSIGN_PASSWORD (or COSIGN_PASSWORD; it may be empty), or write the password to standard input".to_owned())));
    }
    let first = ask("password of the key: ")?;
    if purpose == Purpose::Close {
        let second = ask("the same again: ")?;
        if first != second {
            return Err(
                Failure::usage("password-mismatch", "the two passwords differ")
                    .hint("start again and write the same password twice"),
            );
        }
    }
    Ok(first)
}

/// A password from a pipe: its first line.
pub(crate) fn piped(what: &str) -> Result<Secret, Failure> {
    let mut line = String::new();
    let read = io::stdin()
        .lock()
        .take(PASSWORD_BYTES)
        .read_line(&mut line)
        .map_err(|error| {
            Failure::usage(
                "password-unreadable",
                format!(
                    "cannot read the password of {what} from standard input: {}",
                    words(&error)
                ),
            )
        })?;
    if read == 0 {
        return Err(Failure::usage(
            "password-missing",
            format!("no password for {what} was given"),
        ));
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(Secret::new(line))
}

/// Asks on the terminal without showing what is typed.
pub(crate) fn ask(question: &str) -> Result<Secret, Failure> {
    rpassword::prompt_password(question)
        .map(Secret::new)
        .map_err(|error| {
            Failure::usage(
                "password-unreadable",
                format!(
                    "cannot ask for a password on the terminal: {}",
                    words(&error)
                ),
            )
            .hint("set COUNTERSIGN_PASSWORD, or write the password to standard input")
        })
}
