//! A text from outside, cut to what a message may carry.

/// At most `limit` bytes of a text, cut at a character; an ellipsis follows where something is missing.
#[must_use]
pub fn clipped(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = text.get(..text.floor_char_boundary(limit));
    format!("{}…", head.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::clipped;

    #[test]
    fn a_text_that_is_no_longer_than_the_limit_stays_as_it_is() {
        for text in ["", "abc", "aé", "…"] {
            assert_eq!(clipped(text, 3), text);
        }
        assert_eq!(clipped("abc", usize::MAX), "abc");
    }

    #[test]
    fn a_longer_text_is_cut_at_a_character() {
        assert_eq!(clipped("abcd", 3), "abc…");
        assert_eq!(clipped("aéb", 3), "aé…");
        // The limit stands within `é`, then within each byte of a character of four.
        assert_eq!(clipped("aéb", 2), "a…");
        for limit in 1..5 {
            assert_eq!(clipped("a🔑b", limit), "a…");
        }
        assert_eq!(clipped("a🔑b", 5), "a🔑…");
    }

    #[test]
    fn a_limit_of_zero_leaves_the_ellipsis() {
        assert_eq!(clipped("é", 0), "…");
        assert_eq!(clipped("", 0), "");
    }
}
