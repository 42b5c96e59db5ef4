//! The table command × fault × exit code × words, generated and run row by row.
//!
//! Each bad input gives one clear sentence and the right exit code; a fault of a peer is never an internal error (1), an
//! absence is never an outage and an outage never an absence.

mod answers;
mod command_lines;
mod files;
mod registries;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::{self, words};
use crate::workshop::Workshop;

/// One row.
pub(super) struct Row {
    line: String,
    code: i32,
    words: String,
}

pub(super) fn row(line: impl Into<String>, code: i32, words: &str) -> Row {
    Row {
        line: line.into(),
        code,
        words: words.to_owned(),
    }
}

/// Runs the rows and reports all that differ, not the first alone.
#[track_caller]
pub(super) fn check(workshop: &Workshop, rows: &[Row]) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Rows run beside each other: what one fetched must not answer for a registry that fails in the next.
                    let run = program::finish(
                        program::command(workshop.path())
                            .env("COUNTERSIGN_NO_CACHE", "true")
                            .args(words(&row.line)),
                    );
                    let clear = run.code == 0
                        || run.stderr.lines().any(|line| {
                            ["error: ", "denied: ", "unknown: "]
                                .iter()
                                .any(|start| line.starts_with(start))
                                // As editors read it: `FILE:LINE:COLUMN: error: …`.
                                || line.split_once(": error: ").is_some_and(|(place, _)| {
                                    place.bytes().last().is_some_and(|byte| byte.is_ascii_digit())
                                })
                        });
                    if run.code != row.code
                        || !run.stderr.contains(&row.words)
                        || !clear
                        || run.stderr.contains('\u{1b}')
                    {
                        let _ = writeln!(
                            wrong.lock().unwrap(),
                            "countersign {}\n  expected {} and `{}`\n  ended with {}:\n{}{}",
                            row.line,
                            row.code,
                            row.words,
                            run.code,
                            run.stderr,
                            run.stdout
                        );
                    }
                    // Nothing is reported as verified, signed or printed by a command that failed.
                    if run.code != 0 && !run.stdout.is_empty() {
                        let _ = writeln!(
                            wrong.lock().unwrap(),
                            "countersign {}\n  printed {}",
                            row.line,
                            run.stdout
                        );
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {} rows:\n{wrong}", rows.len());
}

/// The commands that take an image, with everything else of their line in order.
const IMAGE_COMMANDS: [&str; 6] = [
    "sign --key plain.key",
    "attest --key plain.key --type spdxjson --predicate sbom.json",
    "verify --key release.pub",
    "verify-attestation --key release.pub --type spdxjson",
    "discover",
    "inspect",
];
