//! Text from outside, cut to what a message may carry.

/// At most `limit` bytes of a text, cut at a character.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = text.get(..end).unwrap_or_default().to_owned();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::clipped;

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("aäb", 2), "a…");
    }
}
