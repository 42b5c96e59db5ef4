//! How a policy names an identity or an issuer: exactly, by anchored glob, or by anchored regular expression.

use std::fmt;

use crate::error::shown;
use crate::glob::{Glob, GlobProblem};

/// Longest regular expression, in bytes.
const EXPRESSION_BYTES: usize = 4096;
/// Largest compiled regular expression, in bytes.
const COMPILED_BYTES: usize = 1 << 20;

/// A text that must match whole: nothing here ever matches a part of a name.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact,
    Glob(Glob),
    Regex(regex::bytes::Regex),
}

/// Why a text is no usable pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The text is empty and would match only an empty name.
    #[error("the pattern is empty")]
    Empty,
    /// The text is longer than the limit.
    #[error("the pattern is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Three stars in a row mean nothing.
    #[error("`{pattern}` has three stars in a row")]
    ThreeStars {
        /// The pattern as given.
        pattern: String,
    },
    /// A regular expression that could match a part of a name.
    #[error("the regular expression `{pattern}` is not anchored")]
    Unanchored {
        /// The pattern as given.
        pattern: String,
        /// The same pattern, anchored.
        anchored: String,
    },
    /// A text that reads like a regular expression where globs are read.
    #[error("`{pattern}` looks like a regular expression, and would be read as a glob")]
    LooksLikeRegex {
        /// The pattern as given.
        pattern: String,
        /// The same pattern, anchored, which is read as a regular expression.
        anchored: String,
    },
    /// A text that stands where a repository belongs.
    #[error("`{pattern}` is no repository like `owner/name`")]
    NotARepository {
        /// The pattern as given.
        pattern: String,
    },
    /// A text that stands where a project belongs.
    #[error("`{pattern}` is no project like `group/project`")]
    NotAProject {
        /// The pattern as given.
        pattern: String,
    },
    /// A regular expression that does not compile or compiles to more than the limit.
    #[error("the regular expression `{pattern}` cannot be used: {detail}")]
    BadRegex {
        /// The pattern as given.
        pattern: String,
        /// What the compiler says, shortened.
        detail: String,
    },
}

impl PatternError {
    /// The stable code of this error, kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "pattern-empty",
            Self::TooLong { .. } => "pattern-too-long",
            Self::ThreeStars { .. } => "pattern-three-stars",
            Self::Unanchored { .. } => "pattern-unanchored",
            Self::LooksLikeRegex { .. } => "pattern-looks-like-regex",
            Self::NotARepository { .. } => "pattern-not-a-repository",
            Self::NotAProject { .. } => "pattern-not-a-project",
            Self::BadRegex { .. } => "pattern-bad-regex",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::TooLong { .. } => Some("use several signers with shorter patterns".to_owned()),
            Self::ThreeStars { .. } => {
                Some("`*` matches within one `/` segment and `**` across segments".to_owned())
            }
            Self::Unanchored { anchored, .. } => Some(format!("write `{anchored}`")),
            Self::LooksLikeRegex { anchored, .. } => Some(format!(
                "write `{anchored}` for the regular expression, or a glob: `*` within a segment, `**` across"
            )),
            Self::NotARepository { .. } => Some(
                "write `owner/name` of a repository on github.com, or a glob such as `owner/*`"
                    .to_owned(),
            ),
            Self::NotAProject { .. } => Some(
                "write `group/project` with every group that it is in, or a glob such as `group/**`, without the server"
                    .to_owned(),
            ),
            Self::BadRegex { .. } => Some(
                "matching is on bytes and in linear time: no look-around, no back-references"
                    .to_owned(),
            ),
        }
    }
}

impl Pattern {
    /// A pattern as policies write it: `^…$` is a regular expression, a text with `*` is a glob, and
    /// anything else is exact.
    ///
    /// # Errors
    ///
    /// [`PatternError`] when the text is empty or too long, or when a regular expression is not anchored.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.starts_with('^') {
            return Self::regex(text);
        }
        if reads_like_regex(text) {
            return Err(PatternError::LooksLikeRegex {
                pattern: shown(text),
                anchored: shown(&anchored(text)),
            });
        }
        if text.contains('*') {
            Self::glob(text)
        } else {
            Self::exact(text)
        }
    }

    /// A pattern that matches `text` and nothing else.
    ///
    /// # Errors
    ///
    /// [`PatternError::Empty`] and [`PatternError::TooLong`].
    pub fn exact(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        Ok(Self {
            text: text.to_owned(),
            matcher: Matcher::Exact,
        })
    }

    /// A glob over the whole name: `*` stays within one `/` segment, `**` crosses them.
    ///
    /// # Errors
    ///
    /// [`PatternError::Empty`], [`PatternError::TooLong`] and [`PatternError::ThreeStars`].
    pub fn glob(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        let glob = Glob::parse(text).map_err(|problem| match problem {
            GlobProblem::TooLong { limit } => PatternError::TooLong { limit },
            GlobProblem::ThreeStars => PatternError::ThreeStars {
                pattern: shown(text),
            },
        })?;
        Ok(Self {
            text: text.to_owned(),
            matcher: Matcher::Glob(glob),
        })
    }

    /// A regular expression over the whole name, written `^…$`, of linear time and on bytes.
    ///
    /// # Errors
    ///
    /// [`PatternError::Unanchored`] with the anchored form when an anchor is missing; [`PatternError::BadRegex`]
    /// when it does not compile within its limit.
    pub fn regex(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        let inner = text
            .strip_prefix('^')
            .and_then(strip_end_anchor)
            .ok_or_else(|| PatternError::Unanchored {
                pattern: shown(text),
                anchored: shown(&anchored(text)),
            })?;
        let bad = |error: &regex::Error| PatternError::BadRegex {
            pattern: shown(text),
            detail: shown(
                error
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: "),
            ),
        };
        // The inner part must stand alone, else `^a)|(b$` would open the group that anchors it; and it
        // is grouped, else the anchors of `^a|b$` would bind to one branch each.
        compile(inner).map_err(|error| bad(&error))?;
        let regex = compile(&format!(r"\A(?:{inner})\z")).map_err(|error| bad(&error))?;
        Ok(Self {
            text: text.to_owned(),
            matcher: Matcher::Regex(regex),
        })
    }

    /// Whether the whole of `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Exact => self.text == name,
            Matcher::Glob(glob) => glob.matches(name),
            Matcher::Regex(regex) => regex.is_match(name.as_bytes()),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the pattern is: `exact`, `glob` or `regex`, the words that policies use.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.matcher {
            Matcher::Exact => "exact",
            Matcher::Glob(_) => "glob",
            Matcher::Regex(_) => "regex",
        }
    }

    /// The pattern as a glob, for questions about all texts that it matches; an exact text is one unless it has a star.
    pub(crate) fn as_automaton(&self) -> Option<&Glob> {
        match &self.matcher {
            Matcher::Glob(glob) => Some(glob),
            Matcher::Exact | Matcher::Regex(_) => None,
        }
    }

    /// Whether the pattern matches every name, so that it restricts nothing.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        match &self.matcher {
            Matcher::Exact => false,
            Matcher::Glob(_) => self.text == "**",
            Matcher::Regex(_) => matches!(self.text.as_str(), "^.*$" | "^.+$" | "^(.*)$"),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.kind() == other.kind()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn check_length(text: &str) -> Result<(), PatternError> {
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    if text.len() > EXPRESSION_BYTES {
        return Err(PatternError::TooLong {
            limit: EXPRESSION_BYTES,
        });
    }
    Ok(())
}

/// Identities are ASCII in all but rare cases: byte matching needs no tables, and `\d` is `[0-9]`.
fn compile(expression: &str) -> Result<regex::bytes::Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(expression)
        .unicode(false)
        .size_limit(COMPILED_BYTES)
        .dfa_size_limit(COMPILED_BYTES)
        .build()
}

/// `text` without its final `$`; `None` when there is none or it is escaped.
fn strip_end_anchor(text: &str) -> Option<&str> {
    let inner = text.strip_suffix('$')?;
    let escapes = inner
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    (escapes % 2 == 0).then_some(inner)
}

fn anchored(text: &str) -> String {
    let inner = text.strip_prefix('^').unwrap_or(text);
    let inner = strip_end_anchor(inner).unwrap_or(inner);
    format!("^{inner}$")
}

/// Signs that no identity and no glob needs: somebody brought a regular expression.
fn reads_like_regex(text: &str) -> bool {
    text.contains('\\')
        || text.contains('|')
        || text.contains(".+")
        || text.contains("(?")
        || text.contains(")?")
        || text.contains("]*")
        || text.contains("]+")
        || text.contains(".*$")
        || text.contains("/.*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_is_exact_and_a_star_makes_a_glob() {
        let exact = Pattern::parse("bob+ci@acme.example").unwrap();
        assert_eq!(exact.kind(), "exact");
        assert!(exact.matches("bob+ci@acme.example"));
        assert!(!exact.matches("bob+ci@acme.example.evil.example"));
        let glob =
            Pattern::parse("https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*")
                .unwrap();
        assert_eq!(glob.kind(), "glob");
        assert!(
            glob.matches(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.4"
            )
        );
        assert!(
            !glob.matches(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"
            )
        );
    }

    #[test]
    fn an_unanchored_expression_is_refused_with_its_anchored_form() {
        for (written, anchored) in [
            ("acme.*", "^acme.*$"),
            ("^acme.*", "^acme.*$"),
            ("acme.*$", "^acme.*$"),
            (r"^acme\$", r"^acme\$$"),
        ] {
            let error = Pattern::regex(written).unwrap_err();
            assert_eq!(error.code(), "pattern-unanchored", "{written}");
            assert_eq!(error.hint().unwrap(), format!("write `{anchored}`"));
        }
        assert!(Pattern::regex("^acme.*$").unwrap().matches("acme/app"));
        assert!(Pattern::regex(r"^acme\\$").unwrap().matches(r"acme\"));
    }

    #[test]
    fn anchors_bind_to_the_whole_expression_and_not_to_a_branch() {
        let pattern = Pattern::regex("^alice|bob$").unwrap();
        assert!(pattern.matches("alice") && pattern.matches("bob"));
        assert!(!pattern.matches("alice@evil.example"));
        assert!(!pattern.matches("evil-bob"));
        assert_eq!(
            Pattern::regex("^alice)|(bob$").unwrap_err().code(),
            "pattern-bad-regex"
        );
    }

    #[test]
    fn multi_line_mode_does_not_loosen_the_anchors() {
        let pattern = Pattern::regex("^(?m)a$").unwrap();
        assert!(pattern.matches("a"));
        assert!(!pattern.matches("b\na"));
        assert!(!pattern.matches("a\n"));
    }

    #[test]
    fn an_expression_that_grows_too_large_is_refused() {
        assert_eq!(
            Pattern::regex("^((a{200}){200}){200}$").unwrap_err().code(),
            "pattern-bad-regex"
        );
        assert_eq!(
            Pattern::regex(&format!("^{}$", "a".repeat(5000)))
                .unwrap_err()
                .code(),
            "pattern-too-long"
        );
    }

    #[test]
    fn a_regular_expression_in_the_place_of_a_glob_is_refused() {
        for text in [
            "https://github.com/acme/.*",
            r"github\.com/acme/*",
            "a|b",
            "https://github.com/acme/.+",
        ] {
            assert_eq!(
                Pattern::parse(text).unwrap_err().code(),
                "pattern-looks-like-regex",
                "{text}"
            );
        }
        assert_eq!(Pattern::parse("refs/tags/v1.*").unwrap().kind(), "glob");
        assert_eq!(Pattern::parse("").unwrap_err().code(), "pattern-empty");
    }
}
