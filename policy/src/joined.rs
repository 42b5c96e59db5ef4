//! One pattern made of several, each for a part of the text.

use crate::glob;
use crate::pattern::{Pattern, PatternError};

/// A part of a text, and what it must be.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Literal(&'a str),
    Glob(&'a str),
    Pattern(&'a Pattern),
}

/// One pattern for texts that consist of a text for each part.
pub(crate) fn joined(parts: &[Part<'_>]) -> Result<Pattern, PatternError> {
    let kind = |part: &Part<'_>| match part {
        Part::Literal(_) => "exact",
        Part::Glob(_) => "glob",
        Part::Pattern(pattern) => pattern.kind(),
    };
    let text = |part: &Part<'_>| match part {
        Part::Literal(text) | Part::Glob(text) => (*text).to_owned(),
        Part::Pattern(pattern) => pattern.as_str().to_owned(),
    };
    let is = |wanted: &str| parts.iter().any(|part| kind(part) == wanted);
    // In a glob a star that is meant as itself cannot be written.
    let stars = parts
        .iter()
        .any(|part| kind(part) == "exact" && text(part).contains('*'));
    let whole: String = parts.iter().map(text).collect();
    if !is("regex") && !is("glob") {
        return Pattern::exact(&whole);
    }
    if !is("regex") && !stars {
        return Pattern::glob(&whole);
    }
    let expression: String = parts
        .iter()
        .map(|part| match kind(part) {
            "exact" => regex::escape(&text(part)),
            "glob" => glob::expression(&text(part)),
            _ => {
                let text = text(part);
                let inner = text.strip_prefix('^').unwrap_or(&text);
                format!("(?:{})", inner.strip_suffix('$').unwrap_or(inner))
            }
        })
        .collect();
    Pattern::regex(&format!("^{expression}$"))
}
