//! `policy test`: tables of cases over packs, offline and with a frozen clock.

mod case;
mod junit;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use countersign::PolicyLoadError;
use countersign_formats::Limits;
use countersign_policy::{Source, TestCase, TestTable};
use serde_json::{Value, json};

use super::Done;
use crate::arguments::Test;
use crate::context::Context;
use crate::escape::{self, field};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, Audience, Existing};

/// Most threads that judge cases.
const THREADS: usize = 16;
/// Most test files in one folder.
const FILES: usize = 10_000;

/// A table and the file that it was read from.
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) table: TestTable,
}

/// What came of one case.
pub(super) struct CaseDone {
    /// What differs from what was expected, a line a difference; empty when nothing does.
    pub(super) differences: Vec<String>,
    /// What the case came to; `None` when it could not be judged.
    pub(super) verdict: Option<&'static str>,
    /// Why it could not be judged.
    pub(super) failure: Option<Failure>,
}

impl CaseDone {
    pub(super) fn is_good(&self) -> bool {
        self.differences.is_empty() && self.failure.is_none()
    }
}

pub(crate) fn run(arguments: &Test, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let tables = tables(&arguments.files)?;
    let done = judge(&tables);
    if let Some(path) = &arguments.junit {
        let report = junit::report(&tables, &done);
        files::write(
            "the report",
            path,
            report.as_bytes(),
            Audience::Everybody,
            Existing::Replace,
        )?;
    }
    let mut status = ExitStatus::Pass;
    let (mut passed, mut entries) = (0_usize, Vec::new());
    let mut results = done.iter();
    for Table { path, table } in &tables {
        let path = field(&path.display().to_string());
        for case in &table.cases {
            let Some(done) = results.next() else {
                continue;
            };
            let word = if done.is_good() { "ok" } else { "FAIL" };
            passed += usize::from(done.is_good());
            context.printer.line(&format!(
                "{word}: {path}:{}: {}",
                case.line,
                field(&case.name)
            ));
            for line in lines(done) {
                context.printer.line(&format!("  {line}"));
            }
            status = status.and(match &done.failure {
                Some(failure) => failure.status,
                None if done.is_good() => ExitStatus::Pass,
                None => ExitStatus::NoneAcceptable,
            });
            entries.push(entry(&path, table, case, done));
        }
    }
    context.printer.say(&format!(
        "{passed} of {} cases came out as expected",
        done.len()
    ));
    Ok(Done {
        status,
        result: Some(json!({
            "exitCode": status.code(),
            "passed": passed,
            "failed": done.len() - passed,
            "cases": entries,
        })),
    })
}

/// What is said about a case that is not good.
pub(super) fn lines(done: &CaseDone) -> Vec<String> {
    let mut lines = done.differences.clone();
    if let Some(failure) = &done.failure {
        lines.push(format!("error: {}", field(&failure.message)));
        if let Some(hint) = &failure.hint {
            lines.push(format!("hint: {}", field(hint)));
        }
    }
    lines
}

fn entry(path: &str, table: &TestTable, case: &TestCase, done: &CaseDone) -> Value {
    json!({
        "file": path,
        "line": case.line,
        "table": escape::capped(&table.name, escape::FIELD_BYTES),
        "case": escape::capped(&case.name, escape::FIELD_BYTES),
        "ok": done.is_good(),
        "verdict": done.verdict,
        "differences": done.differences,
        "error": done.failure.as_ref().map(Failure::to_json),
    })
}

/// Judges every case, several at a time; the results are in the order of the cases.
fn judge(tables: &[Table]) -> Vec<CaseDone> {
    let work: Vec<(&Path, &TestCase)> = tables
        .iter()
        .flat_map(|Table { path, table }| table.cases.iter().map(|case| (path.as_path(), case)))
        .collect();
    let shared = case::Shared::default();
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, CaseDone)>> = Mutex::new(Vec::with_capacity(work.len()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(THREADS).min(work.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, case)) = work.get(index) else {
                        return;
                    };
                    let result = case::judge(&shared, path, case);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Reads the tables that were named; of a folder, the files that are tables.
fn tables(paths: &[PathBuf]) -> Result<Vec<Table>, Failure> {
    let mut tables = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in folder(path)? {
                let source = source(&file)?;
                if TestTable::is_one(&source) {
                    tables.push(table(file, &source)?);
                }
            }
        } else {
            let source = source(path)?;
            tables.push(table(path.clone(), &source)?);
        }
    }
    if tables.is_empty() {
        return Err(
            Failure::usage("test-none", "there is no test in what was named").hint(
                "a test file begins with `apiVersion: countersign.dev/v1` and `kind: PolicyTest`",
            ),
        );
    }
    Ok(tables)
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::unreadable("the folder", path, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let yaml = file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && file.is_file() {
            files.push(file);
        }
        if files.len() > FILES {
            return Err(Failure::usage(
                "test-too-many",
                format!("the folder holds more than {FILES} files"),
            )
            .hint("name the test files"));
        }
    }
    files.sort();
    Ok(files)
}

fn source(path: &Path) -> Result<Source, Failure> {
    let bytes = files::read("the test", path, Limits::DEFAULT.policy_bytes)?;
    Ok(Source {
        name: path.display().to_string(),
        bytes: Bytes::from(bytes),
    })
}

fn table(path: PathBuf, source: &Source) -> Result<Table, Failure> {
    let table = TestTable::parse(source, &Limits::DEFAULT)
        .map_err(|error| Failure::from(PolicyLoadError::from(error)))?;
    Ok(Table { path, table })
}
