//! Makes text that came from outside safe to print.
//!
//! A registry, a bundle or a file name may carry terminal commands, line breaks that forge a second message, or
//! bidirectional marks that show an identity in another order than the one that was compared.

use std::fmt::Write as _;

/// Longest field from outside that is printed, in bytes.
pub(crate) const FIELD_BYTES: usize = 512;

/// Longest whole message that is printed, in bytes.
pub(crate) const MESSAGE_BYTES: usize = 8 * 1024;

/// `text` without anything that a terminal would act on, cut at [`FIELD_BYTES`].
pub(crate) fn field(text: &str) -> String {
    line(&capped(text, FIELD_BYTES))
}

/// `text` without anything that a terminal would act on, on one line.
pub(crate) fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_hazardous(c) => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// `text` cut at `limit` bytes (at a character boundary), with a mark that says how much is missing.
pub(crate) fn capped(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}… ({} more bytes)", text.len().saturating_sub(end))
}

/// `text` on one line as text of an element, or of an attribute in double quotes, of XML and HTML.
pub(crate) fn markup(text: &str) -> String {
    let line = line(text);
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '`' => safe.push_str("&#96;"),
            // What XML 1.0 has no way to write.
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// Serialized JSON in which hazardous characters stand as `\uXXXX`, so that a terminal is as safe as a parser.
pub(crate) fn json(serialized: &str) -> String {
    if !serialized.chars().any(|c| c != '\n' && is_hazardous(c)) {
        return serialized.to_owned();
    }
    let mut safe = String::with_capacity(serialized.len());
    let mut units = [0_u16; 2];
    for character in serialized.chars() {
        if character != '\n' && is_hazardous(character) {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Controls (C0, DEL, C1), line and paragraph separators, bidirectional marks, and characters without a shape.
fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{FIELD_BYTES, capped, field, json, line, markup};

    #[test]
    fn terminal_commands_are_shown_and_not_run() {
        assert_eq!(line("a\u{1b}[2Jb\u{9b}31m"), "a\\u{1b}[2Jb\\u{9b}31m");
        assert_eq!(line("bell\u{7}del\u{7f}"), "bell\\u{7}del\\u{7f}");
    }

    #[test]
    fn a_line_break_cannot_forge_a_second_message() {
        assert_eq!(line("x\nVerified OK\r"), "x\\nVerified OK\\r");
        assert_eq!(line("x\u{2028}y"), "x\\u{2028}y");
    }

    #[test]
    fn bidirectional_and_invisible_marks_are_shown() {
        assert_eq!(
            line("a\u{202e}b\u{2066}c\u{200b}d"),
            "a\\u{202e}b\\u{2066}c\\u{200b}d"
        );
    }

    #[test]
    fn ordinary_text_in_any_script_is_left_alone() {
        for text in ["ghcr.io/acme/app", "größe", "日本語", "it's `here`"] {
            assert_eq!(line(text), text);
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn a_long_field_is_cut_at_a_character_boundary() {
        let long = "é".repeat(FIELD_BYTES);
        let cut = field(&long);
        assert!(cut.ends_with("… (512 more bytes)"), "{cut}");
        assert_eq!(capped("éé", 3), "é… (2 more bytes)");
        assert_eq!(field("short"), "short");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"san": "a\u{202e}\u{9b}\u{e0041}b\n"});
        let serialized = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&serialized);
        assert!(safe.is_ascii(), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }

    #[test]
    fn markup_holds_no_element_and_ends_no_attribute() {
        assert_eq!(
            markup("<a href=\"x\" b='`'>&\u{fffe}\n\u{202e}"),
            "&lt;a href=&quot;x&quot; b=&#39;&#96;&#39;&gt;&amp;\u{fffd}\\n\\u{202e}"
        );
    }
}
