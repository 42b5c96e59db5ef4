//! Which pattern includes which: exactly for texts and globs, and not at all for regular expressions but equal ones.

use crate::pattern::Pattern;

/// Whether every text that `small` matches is matched by `large`; `None` when that is not decided.
pub(super) fn includes(large: &Pattern, small: &Pattern) -> Option<bool> {
    if large == small {
        return Some(true);
    }
    match (large.as_automaton(), small.kind(), small.as_automaton()) {
        (_, "exact", _) => Some(large.matches(small.as_str())),
        (Some(large), _, Some(small)) => Some(large.includes(small)),
        _ => None,
    }
}

/// Whether some text is matched by both; `None` when that is not decided.
pub(super) fn overlaps(one: &Pattern, other: &Pattern) -> Option<bool> {
    if one.kind() == "exact" {
        return Some(other.matches(one.as_str()));
    }
    if other.kind() == "exact" {
        return Some(one.matches(other.as_str()));
    }
    match (one.as_automaton(), other.as_automaton()) {
        (Some(one), Some(other)) => Some(one.overlaps(other)),
        _ if one == other => Some(true),
        _ => None,
    }
}
