//! The results as JUnit XML, as continuous integration reads it.

use std::fmt::Write as _;

use super::{CaseDone, Table, lines};
use crate::escape::markup;

/// One test suite a table.
pub(super) fn report(tables: &[Table], done: &[CaseDone]) -> String {
    let bad = done.iter().filter(|case| !case.is_good()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "<testsuites name=\"countersign policy test\" tests=\"{}\" failures=\"{bad}\">",
        done.len()
    );
    let mut results = done.iter();
    for Table { path, table } in tables {
        let results: Vec<&CaseDone> = results.by_ref().take(table.cases.len()).collect();
        let errors = results.iter().filter(|case| case.failure.is_some()).count();
        let failures = results.iter().filter(|case| !case.is_good()).count() - errors;
        let file = markup(&path.display().to_string());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" file=\"{file}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
            markup(&table.name),
            results.len()
        );
        for (case, done) in table.cases.iter().zip(results) {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{file}\" line=\"{}\"",
                markup(&table.name),
                markup(&case.name),
                case.line
            );
            if done.is_good() {
                let _ = writeln!(out, "{head}/>");
                continue;
            }
            let kind = if done.failure.is_some() {
                "error"
            } else {
                "failure"
            };
            let lines = lines(done);
            let first = lines.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(
                out,
                "{head}>\n      <{kind} message=\"{}\">{}</{kind}>\n    </testcase>",
                markup(first),
                lines
                    .iter()
                    .map(|line| markup(line))
                    .collect::<Vec<_>>()
                    .join("\n")
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
