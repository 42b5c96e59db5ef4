//! Anchored globs over identities: `*` stays within one `/` segment, `**` crosses them.

/// Longest glob, in bytes.
const GLOB_BYTES: usize = 2048;

/// A compiled glob; it matches a whole text or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(u8),
    /// `*`: any bytes but `/`.
    Segment,
    /// `**`: any bytes.
    Any,
}

/// Why a text is no glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlobProblem {
    TooLong { limit: usize },
    ThreeStars,
}

impl Glob {
    pub(crate) fn parse(text: &str) -> Result<Self, GlobProblem> {
        if text.len() > GLOB_BYTES {
            return Err(GlobProblem::TooLong { limit: GLOB_BYTES });
        }
        let mut tokens = Vec::with_capacity(text.len());
        for byte in text.bytes() {
            if byte != b'*' {
                tokens.push(Token::Literal(byte));
                continue;
            }
            match tokens.last() {
                Some(Token::Any) => return Err(GlobProblem::ThreeStars),
                Some(Token::Segment) => {
                    tokens.pop();
                    tokens.push(Token::Any);
                }
                _ => tokens.push(Token::Segment),
            }
        }
        Ok(Self { tokens })
    }

    /// What the glob is made of, in order.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the whole of `text` matches: all states at once, so the cost is the product of the
    /// two lengths and never exponential.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut states = vec![false; self.tokens.len() + 1];
        if let Some(first) = states.first_mut() {
            *first = true;
        }
        self.skip_stars(&mut states);
        for byte in text.bytes() {
            let mut next = vec![false; states.len()];
            let mut alive = false;
            for (index, token) in self.tokens.iter().enumerate() {
                if !states.get(index).copied().unwrap_or(false) {
                    continue;
                }
                let (stays, steps) = match token {
                    Token::Literal(expected) => (false, *expected == byte),
                    Token::Segment => (byte != b'/', false),
                    Token::Any => (true, false),
                };
                if stays && let Some(state) = next.get_mut(index) {
                    *state = true;
                    alive = true;
                }
                if steps && let Some(state) = next.get_mut(index + 1) {
                    *state = true;
                    alive = true;
                }
            }
            if !alive {
                return false;
            }
            self.skip_stars(&mut next);
            states = next;
        }
        states.last().copied().unwrap_or(false)
    }

    /// A star also matches nothing: from before it one is also behind it.
    fn skip_stars(&self, states: &mut [bool]) {
        for (index, token) in self.tokens.iter().enumerate() {
            let here = states.get(index).copied().unwrap_or(false);
            if here
                && !matches!(token, Token::Literal(_))
                && let Some(state) = states.get_mut(index + 1)
            {
                *state = true;
            }
        }
    }
}

/// The regular expression, without anchors, that matches the same texts.
pub(crate) fn expression(glob: &str) -> String {
    let across: Vec<String> = glob
        .split("**")
        .map(|part| {
            let within: Vec<String> = part.split('*').map(regex::escape).collect();
            within.join("[^/]*")
        })
        .collect();
    across.join("(?s:.*)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, text: &str) -> bool {
        Glob::parse(glob).unwrap().matches(text)
    }

    #[test]
    fn one_star_never_crosses_a_slash() {
        assert!(matches("https://a/*/c", "https://a/b/c"));
        assert!(!matches("https://a/*/c", "https://a/b/b/c"));
        assert!(matches("refs/tags/v*", "refs/tags/v1.2.3"));
        assert!(matches("refs/tags/v*", "refs/tags/v"));
        assert!(!matches("refs/tags/v*", "refs/tags/v1/../../heads/main"));
    }

    #[test]
    fn two_stars_cross_slashes() {
        assert!(matches("https://a/**", "https://a/b/c/d"));
        assert!(matches("https://a/**@v1", "https://a/b/c@v1"));
        assert!(!matches("https://a/**@v1", "https://a/b/c@v10"));
    }

    #[test]
    fn a_glob_is_anchored_at_both_ends() {
        assert!(!matches("your.name@gmail.*", "not.your.name@gmail.com"));
        assert!(!matches("https://a/*", "xhttps://a/b"));
        assert!(!matches("*@acme.example", "eve@acme.example.evil.example"));
        assert!(matches("*@acme.example", "bob@acme.example"));
    }

    #[test]
    fn a_dot_or_a_question_mark_is_itself() {
        assert!(!matches("a.c*", "abc"));
        assert!(!matches("a?c*", "abc"));
        assert!(matches("a?c*", "a?c"));
    }

    #[test]
    fn many_stars_cost_no_more_than_the_product_of_the_lengths() {
        let glob = format!("{}b", "*a".repeat(500));
        assert!(!matches(&glob, &"a".repeat(4000)));
    }

    #[test]
    fn three_stars_and_endless_globs_are_refused() {
        assert_eq!(Glob::parse("a***"), Err(GlobProblem::ThreeStars));
        assert!(Glob::parse(&"a".repeat(GLOB_BYTES)).is_ok());
        assert_eq!(
            Glob::parse(&"a".repeat(GLOB_BYTES + 1)),
            Err(GlobProblem::TooLong { limit: GLOB_BYTES })
        );
    }
}
