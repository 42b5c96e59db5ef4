//! Ranges of an upload, as clients and answers write them.

/// A range of bytes, both ends included, that a client says it sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Chunk {
    /// `0-1023` as the specification writes it, or `bytes 0-1023/*` as HTTP does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text
            .trim()
            .strip_prefix("bytes")
            .map_or(text, str::trim_start)
            .trim();
        let text = text.split_once('/').map_or(text, |(range, _)| range);
        let (first, last) = text.split_once('-')?;
        Some(Self {
            first: number(first)?,
            last: number(last)?,
        })
    }
}

/// `Range` of what has arrived; the specification has no word for "nothing", and `0-0` is what is understood everywhere.
pub(crate) fn range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Chunk;

    #[test]
    fn chunk_ranges_are_read_in_both_spellings() {
        assert_eq!(Chunk::parse("0-9"), Some(Chunk { first: 0, last: 9 }));
        assert_eq!(
            Chunk::parse("bytes 10-19/100"),
            Some(Chunk {
                first: 10,
                last: 19
            })
        );
        for text in ["", "-", "1-", "-1", "a-b", "+1-2", "1-99999999999999999999"] {
            assert_eq!(Chunk::parse(text), None, "{text}");
        }
    }
}
