//! Globs as automata over bytes: inclusion and intersection, exactly.

use std::collections::{BTreeSet, VecDeque};

use crate::glob::{Glob, Token};

/// A set of positions in a glob: where a text that was read so far may have led.
type States = BTreeSet<usize>;

impl Glob {
    /// Whether every text that `small` matches is matched by `self`.
    ///
    /// The positions of `small` are walked one by one together with the set of positions of `self`: a text for which `small` ends
    /// and none of the others does is a witness against it.
    pub(crate) fn includes(&self, small: &Self) -> bool {
        let alphabet = alphabet(self, small);
        let mut seen: BTreeSet<(States, States)> = BTreeSet::new();
        let start = (small.start(), self.start());
        let mut pending = VecDeque::from([start]);
        while let Some((inner, outer)) = pending.pop_front() {
            if small.accepts(&inner) && !self.accepts(&outer) {
                return false;
            }
            for byte in &alphabet {
                let next = (small.step(&inner, *byte), self.step(&outer, *byte));
                if !next.0.is_empty() && seen.insert(next.clone()) {
                    pending.push_back(next);
                }
            }
        }
        true
    }

    /// Whether some text is matched by both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let alphabet = alphabet(self, other);
        let mut seen: BTreeSet<(States, States)> = BTreeSet::new();
        let mut pending = VecDeque::from([(self.start(), other.start())]);
        while let Some((one, two)) = pending.pop_front() {
            if self.accepts(&one) && other.accepts(&two) {
                return true;
            }
            for byte in &alphabet {
                let next = (self.step(&one, *byte), other.step(&two, *byte));
                if !next.0.is_empty() && !next.1.is_empty() && seen.insert(next.clone()) {
                    pending.push_back(next);
                }
            }
        }
        false
    }

    fn start(&self) -> States {
        self.closed(BTreeSet::from([0]))
    }

    fn accepts(&self, states: &States) -> bool {
        states.contains(&self.tokens().len())
    }

    fn step(&self, states: &States, byte: u8) -> States {
        let mut next = States::new();
        for state in states {
            match self.tokens().get(*state) {
                Some(Token::Literal(expected)) if *expected == byte => {
                    next.insert(state + 1);
                }
                Some(Token::Segment) if byte != b'/' => {
                    next.insert(*state);
                }
                Some(Token::Any) => {
                    next.insert(*state);
                }
                _ => {}
            }
        }
        self.closed(next)
    }

    /// A star also matches nothing: from before it one is also behind it.
    fn closed(&self, mut states: States) -> States {
        for (index, token) in self.tokens().iter().enumerate() {
            if states.contains(&index) && !matches!(token, Token::Literal(_)) {
                states.insert(index + 1);
            }
        }
        states
    }
}

/// Every byte that one of the globs names, the slash, and one that stands for all others.
fn alphabet(one: &Glob, other: &Glob) -> BTreeSet<u8> {
    let mut bytes: BTreeSet<u8> = one
        .tokens()
        .iter()
        .chain(other.tokens())
        .filter_map(|token| match token {
            Token::Literal(byte) => Some(*byte),
            Token::Segment | Token::Any => None,
        })
        .collect();
    bytes.insert(b'/');
    bytes.extend((0..=u8::MAX).find(|byte| !bytes.contains(byte)));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap()
    }

    /// Every text over a small alphabet up to a length: what the answers must agree with.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..6 {
            last = last
                .iter()
                .flat_map(|text| ["a", "b", "/"].map(|letter| format!("{text}{letter}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn inclusion_and_overlap_agree_with_every_short_text() {
        let globs = [
            "a", "ab", "a*", "*a", "a**", "**a", "*", "**", "a/*", "a/**", "*/b", "**/b", "a*b",
            "a**b", "*/*", "a/b", "*b*", "a/*/b",
        ];
        let texts = texts();
        for one in globs {
            for other in globs {
                let (large, small) = (glob(one), glob(other));
                let included = texts
                    .iter()
                    .all(|text| !small.matches(text) || large.matches(text));
                assert_eq!(large.includes(&small), included, "{one} includes {other}");
                let both = texts
                    .iter()
                    .any(|text| small.matches(text) && large.matches(text));
                assert_eq!(large.overlaps(&small), both, "{one} overlaps {other}");
            }
        }
    }

    #[test]
    fn long_globs_are_decided_too() {
        let large = glob("https://github.com/acme/**");
        let small = glob("https://github.com/acme/*/.github/workflows/*.yml@refs/tags/v*");
        assert!(large.includes(&small) && !small.includes(&large));
        assert!(!glob("https://github.com/acme/*").includes(&small));
    }
}
