//! The text that a JSON string with escapes stands for.

/// Resolves the escapes of the content of a string that [`string`](super::skip::string) found valid.
pub(super) fn unescape(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let first = code_unit(&mut characters);
                let unit = if (0xd800..0xdc00).contains(&first) {
                    // Validated: a low surrogate follows.
                    characters.next();
                    characters.next();
                    let second = code_unit(&mut characters);
                    0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff))
                } else {
                    first
                };
                text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => text.push(other),
            None => break,
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    text
}

fn code_unit(characters: &mut std::str::Chars<'_>) -> u32 {
    characters
        .by_ref()
        .take(4)
        .fold(0, |unit, digit| unit << 4 | digit.to_digit(16).unwrap_or(0))
}
