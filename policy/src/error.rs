//! What can be wrong with a policy, and where.

use std::fmt;

/// A policy that cannot be used: the file, line and column, what is wrong and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Name of the source as the caller gave it, usually a path.
    pub file: String,
    /// Line, counted from 1; `None` when the fault has no place in the text.
    pub line: Option<u64>,
    /// Column in characters, counted from 1; `None` when the fault has no place in the text.
    pub column: Option<u64>,
    /// What kind of fault this is.
    pub problem: PolicyProblem,
    /// What is wrong, in one sentence without full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The kinds of fault in a policy; each has a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// The source is larger than the limit or nests too deep.
    OverLimit,
    /// The source is not UTF-8 or not YAML.
    Syntax,
    /// A key is given twice in one mapping.
    DuplicateKey,
    /// A field, or a kind of rule or signer, that policies do not have.
    UnknownField,
    /// A field that must be there is not.
    MissingField,
    /// A value of the wrong type, such as a list where a word belongs.
    WrongType,
    /// A word that other YAML readers take for a number or a boolean and that is not quoted.
    AmbiguousScalar,
    /// An anchor, alias, merge key or tag; policies are plain.
    NotPlain,
    /// More than one document in one source.
    SeveralDocuments,
    /// `apiVersion` or `kind` is not one that this version reads.
    UnknownVersion,
    /// A value that has the right type and no meaning, such as an empty list of rules.
    InvalidValue,
    /// A rule names a signer that the policy does not define.
    UnknownSigner,
    /// A pattern that cannot be used or is not anchored.
    Pattern,
    /// A key that cannot be read.
    Key,
    /// Two policies of one set say opposite things about one key, or bear one name.
    Conflict,
}

impl PolicyProblem {
    /// The stable code of this kind, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OverLimit => "policy-over-limit",
            Self::Syntax => "policy-syntax",
            Self::DuplicateKey => "policy-duplicate-key",
            Self::UnknownField => "policy-unknown-field",
            Self::MissingField => "policy-missing-field",
            Self::WrongType => "policy-wrong-type",
            Self::AmbiguousScalar => "policy-ambiguous-scalar",
            Self::NotPlain => "policy-not-plain",
            Self::SeveralDocuments => "policy-several-documents",
            Self::UnknownVersion => "policy-unknown-version",
            Self::InvalidValue => "policy-invalid-value",
            Self::UnknownSigner => "policy-unknown-signer",
            Self::Pattern => "policy-pattern",
            Self::Key => "policy-key",
            Self::Conflict => "policy-conflict",
        }
    }
}

impl PolicyError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// What to do next, when there is one thing to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(out, ":{line}:{column}")?;
        }
        write!(out, ": {}", self.message)
    }
}

impl std::error::Error for PolicyError {}

/// Longest piece of a policy's own text that an error repeats, in bytes.
const SHOWN_BYTES: usize = 200;

/// `text` cut to what an error may repeat.
pub(crate) fn shown(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(SHOWN_BYTES / 4).collect();
    cut.push('…');
    cut
}

/// The entry of `valid` that `found` was probably meant to be.
pub(crate) fn nearest<'a>(
    found: &str,
    valid: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    valid
        .into_iter()
        .map(|name| (distance(&found.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Longest name that is compared for likeness, in characters: the cost is quadratic.
const COMPARED_CHARACTERS: usize = 64;

/// Number of single-character edits between two short names.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(COMPARED_CHARACTERS).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().take(COMPARED_CHARACTERS).enumerate() {
        let mut diagonal = index;
        let mut previous = index + 1;
        let mut next = vec![previous];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let substituted = diagonal + usize::from(a != *b);
            previous = substituted.min(above + 1).min(previous + 1);
            next.push(previous);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_valid_name_is_offered_only_when_it_is_near() {
        let valid = ["signers", "trust", "require", "mode"];
        assert_eq!(nearest("signer", valid), Some("signers"));
        assert_eq!(nearest("requires", valid), Some("require"));
        assert_eq!(nearest("Mode", valid), Some("mode"));
        assert_eq!(nearest("exceptions", valid), None);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let cut = shown(&"é".repeat(500));
        assert!(cut.chars().count() <= 51 && cut.ends_with('…'));
    }
}
