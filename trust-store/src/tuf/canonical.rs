//! The canonical form of JSON that TUF signatures are over: members sorted, no white space, two escapes.

use countersign_formats::Error;
use countersign_formats::json::{Kind, Reader};

/// Appends the canonical form of the next value (OLPC canonical JSON, as TUF §4.2.1 names it); a number that is not whole has none.
pub(super) fn write(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    // Recursion is bounded: the reader counts the depth against its cap.
    match reader.peek()? {
        Kind::Object => {
            let mut members: Vec<(String, Vec<u8>)> = Vec::new();
            reader.map(|reader, name| {
                let mut value = Vec::new();
                write(reader, &mut value)?;
                members.push((name.to_owned(), value));
                Ok(())
            })?;
            members.sort();
            out.push(b'{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                string(name, out);
                out.push(b':');
                out.extend_from_slice(value);
            }
            out.push(b'}');
        }
        Kind::List => {
            out.push(b'[');
            reader.list(|reader, index| {
                if index > 0 {
                    out.push(b',');
                }
                write(reader, out)
            })?;
            out.push(b']');
        }
        Kind::String => string(&reader.string()?, out),
        Kind::Number => {
            let text = reader.raw()?;
            let digits = text.strip_prefix('-').unwrap_or(text);
            if text == "-0" || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(reader.bad_value("a whole number", text));
            }
            out.extend_from_slice(text.as_bytes());
        }
        Kind::Boolean | Kind::Null => out.extend_from_slice(reader.raw()?.as_bytes()),
    }
    Ok(())
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use countersign_formats::{Document, Limits};

    use super::*;

    fn canonical(text: &str) -> Result<String, &'static str> {
        let mut reader = Reader::new(Document::Json, text, &Limits::DEFAULT);
        let mut out = Vec::new();
        write(&mut reader, &mut out).map_err(|error| error.code())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn members_are_sorted_and_only_quotes_and_backslashes_are_escaped() {
        for (text, expected) in [
            (
                r#" { "b" : [ 1 , -2 ] , "a" : { } } "#,
                r#"{"a":{},"b":[1,-2]}"#,
            ),
            (
                r#"{"é":true,"z":null,"Z":"\u0041\n\"\\\/"}"#,
                "{\"Z\":\"A\n\\\"\\\\/\",\"z\":null,\"é\":true}",
            ),
            ("[]", "[]"),
        ] {
            assert_eq!(canonical(text).unwrap(), expected);
        }
        for text in ["1.5", "1e3", "-0"] {
            assert_eq!(canonical(text).unwrap_err(), "bad-value", "{text}");
        }
        let deep = "[".repeat(200);
        assert_eq!(canonical(&deep).unwrap_err(), "over-limit");
    }
}
