//! Writing JSON objects member by member, in the order of the calls.

/// Writes `text` as a JSON string; only what RFC 8259 §7 demands is escaped.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest
        .iter()
        .position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\')
    {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((first, after)) = special.split_first() else {
            break;
        };
        match first {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Writes one object; [`ObjectWriter::end`] closes it.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens an object at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes the name of a member; the caller writes the value to what is returned.
    pub fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Writes a member that is a string.
    pub fn string(&mut self, name: &str, value: &str) {
        let out = self.key(name);
        write_string(out, value);
    }

    /// Writes a member whose value is JSON text already.
    pub fn raw(&mut self, name: &str, value: &[u8]) {
        self.key(name).extend_from_slice(value);
    }

    /// Writes a member that is a whole number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, value.to_string().as_bytes());
    }

    /// Writes a member that is an object of strings, in the order of the iterator.
    pub fn strings<'s>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = (&'s String, &'s String)>,
    ) {
        let mut object = ObjectWriter::new(self.key(name));
        for (key, value) in values {
            object.string(key, value);
        }
        object.end();
    }

    /// Writes a member that is an object; `fill` writes its members.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        let mut object = ObjectWriter::new(self.key(name));
        fill(&mut object);
        object.end();
    }

    /// Writes a member that is a list; `each` writes one element.
    pub fn list<T>(&mut self, name: &str, elements: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
        let out = self.key(name);
        out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            each(out, element);
        }
        out.push(b']');
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_reads_back_as_it_was() {
        for text in [
            "",
            "plain",
            "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}",
            "é€😀\u{2028}",
            "<&>",
        ] {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn members_keep_the_order_of_the_calls() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.string("b", "x");
        object.number("a", 7);
        object.object("o", |inner| inner.raw("r", b"[1, 2]"));
        object.list("l", &["p", "q"], |out, element| write_string(out, element));
        object.object("e", |_| ());
        object.end();
        assert_eq!(
            out,
            br#"{"b":"x","a":7,"o":{"r":[1, 2]},"l":["p","q"],"e":{}}"#
        );
    }
}
