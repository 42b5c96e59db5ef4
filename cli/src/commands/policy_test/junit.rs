//! The results as JUnit XML, as continuous integration reads it.

use std::fmt::Write as _;

use super::{CaseDone, Table, lines};
use crate::escape;

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
        let file = text(&path.display().to_string());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" file=\"{file}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
            text(&table.name),
            results.len()
        );
        for (case, done) in table.cases.iter().zip(results) {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{file}\" line=\"{}\"",
                text(&table.name),
                text(&case.name),
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
                text(first),
                lines
                    .iter()
                    .map(|line| text(line))
                    .collect::<Vec<_>>()
                    .join("\n")
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// `text` as text of an element or of an attribute in double quotes.
fn text(text: &str) -> String {
    let line = escape::line(text);
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // What XML 1.0 has no way to write.
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}
