//! The pull reader.

use super::names::Names;
use super::skip;
use super::unescape::unescape;
use crate::base64_text;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::limits::Limits;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// The deepest nesting that is read whatever the limits say; also the size of the skipper's stack in bits.
const DEPTH_BITS: usize = 128;

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    List,
    /// `"…"`
    String,
    /// A number.
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl Kind {
    /// The type's name for people, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a truth value",
            Self::Null => "null",
        }
    }
}

/// Reads one JSON document from its beginning to its end.
///
/// That the document is UTF-8 is checked where text is read or skipped, so that no byte is looked at twice for it: between
/// values only ASCII is taken, and base64 is ASCII by its own check.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a [u8],
    position: usize,
    depth: usize,
    depth_limit: usize,
    document: Document,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`; errors name `document`.
    pub fn new(document: Document, text: &'a str, limits: &Limits) -> Self {
        Self::of(document, text.as_bytes(), limits)
    }

    fn of(document: Document, text: &'a [u8], limits: &Limits) -> Self {
        Self {
            text,
            position: 0,
            depth: 0,
            depth_limit: limits.json_depth.min(DEPTH_BITS),
            document,
        }
    }

    /// A reader of `bytes`, which must be at most `maximum` bytes, and UTF-8 as far as they are read; `limit` is that cap's
    /// name.
    ///
    /// # Errors
    /// `over-limit`.
    pub fn from_bytes(
        document: Document,
        bytes: &'a [u8],
        (limit, maximum): (&'static str, u64),
        limits: &Limits,
    ) -> Result<Self, Error> {
        if bytes.len() as u64 > maximum {
            return Err(Error::new(
                document,
                ErrorKind::OverLimit { limit, maximum },
            ));
        }
        Ok(Self::of(document, bytes, limits))
    }

    /// The document that errors name.
    pub fn document(&self) -> Document {
        self.document
    }

    /// An error about the value being read.
    pub fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.document, kind)
    }

    /// An error that says what value is wanted and shows an excerpt of what is there.
    pub fn bad_value(&self, expected: &'static str, found: &str) -> Error {
        self.error(ErrorKind::BadValue {
            expected,
            found: excerpt(found),
        })
    }

    /// The error for a member that a closed format does not know.
    pub fn unknown_field(&self, name: &str) -> Error {
        self.error(ErrorKind::UnknownField {
            name: excerpt(name),
        })
    }

    /// The error for a value over a named limit.
    pub fn over_limit(&self, limit: &'static str, maximum: usize) -> Error {
        self.error(ErrorKind::OverLimit {
            limit,
            maximum: maximum as u64,
        })
    }

    /// The value, or the error that member `name` is missing.
    ///
    /// # Errors
    /// `missing-field`.
    pub fn required<T>(&self, name: &'static str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.error(ErrorKind::MissingField { name }))
    }

    /// Ends the document: nothing but white space may follow.
    ///
    /// # Errors
    /// `json-syntax`.
    pub fn end(mut self) -> Result<(), Error> {
        self.white_space();
        if self.position == self.text.len() {
            Ok(())
        } else {
            Err(self.syntax("the end of the document"))
        }
    }

    /// The type of the value that comes next.
    ///
    /// # Errors
    /// `json-syntax`.
    pub fn peek(&mut self) -> Result<Kind, Error> {
        self.white_space();
        Ok(match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::List,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't') if self.is_word("true") => Kind::Boolean,
            Some(b'f') if self.is_word("false") => Kind::Boolean,
            Some(b'n') if self.is_word("null") => Kind::Null,
            _ => return Err(self.syntax("a value")),
        })
    }

    /// Reads an object of a fixed format: `member` reads the value of each name.
    ///
    /// Names that are equal but for the case of ASCII letters count as the same name: other readers match names without
    /// regard to case, and would see another document.
    ///
    /// # Errors
    /// `wrong-type`, `duplicate-key`, `over-limit`, `json-syntax`, and what `member` returns.
    pub fn object(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.members(true, member)
    }

    /// Reads an object whose names are free, such as annotations; names are compared byte by byte.
    ///
    /// # Errors
    /// As [`Reader::object`].
    pub fn map(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.members(false, member)
    }

    /// Reads a list: `element` reads each element and is given its index from 0.
    ///
    /// # Errors
    /// `wrong-type`, `over-limit`, `json-syntax`, and what `element` returns.
    pub fn list(
        &mut self,
        mut element: impl FnMut(&mut Self, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.open(Kind::List)?;
        self.white_space();
        if self.take(b']') {
            self.depth -= 1;
            return Ok(());
        }
        for index in 0.. {
            element(self, index).map_err(|error| error.within_index(index))?;
            self.white_space();
            if self.take(b',') {
                continue;
            }
            if self.take(b']') {
                break;
            }
            return Err(self.syntax("`,` or `]`"));
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a list of at most `maximum` elements; `limit` is that cap's name.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn capped_list<T>(
        &mut self,
        (limit, maximum): (&'static str, usize),
        mut element: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut elements = Vec::new();
        self.list(|reader, index| {
            if index >= maximum {
                return Err(reader.over_limit(limit, maximum));
            }
            elements.push(element(reader)?);
            Ok(())
        })?;
        Ok(elements)
    }

    /// Reads a string; it is borrowed when it has no escapes.
    ///
    /// # Errors
    /// `wrong-type`, `json-syntax`.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(Kind::String)?;
        self.string_here()
    }

    /// Reads a string of at most `maximum` bytes; `limit` is that cap's name.
    ///
    /// # Errors
    /// As [`Reader::string`], and `over-limit`.
    pub fn capped_string(
        &mut self,
        (limit, maximum): (&'static str, usize),
    ) -> Result<Cow<'a, str>, Error> {
        let text = self.string()?;
        if text.len() > maximum {
            return Err(self.over_limit(limit, maximum));
        }
        Ok(text)
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// `wrong-type`, `json-syntax`.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        self.expect(Kind::Boolean)?;
        let start = self.position;
        let span = self.skip()?;
        debug_assert!(span.start == start);
        Ok(self.text.get(span) == Some(b"true"))
    }

    /// Reads `null`.
    ///
    /// # Errors
    /// `wrong-type`, `json-syntax`.
    pub fn null(&mut self) -> Result<(), Error> {
        self.expect(Kind::Null)?;
        self.skip().map(|_| ())
    }

    /// Reads a number that is a whole number from 0 to 2^63-1, written without fraction or exponent.
    ///
    /// # Errors
    /// `wrong-type`, `bad-value`, `json-syntax`.
    pub fn whole_number(&mut self) -> Result<u64, Error> {
        self.expect(Kind::Number)?;
        let text = self.raw()?;
        whole(text).ok_or_else(|| self.bad_value("a whole number from 0 to 2^63-1", text))
    }

    /// Reads an int64 of protobuf JSON, written as string or number, that is not negative.
    ///
    /// # Errors
    /// `wrong-type`, `bad-value`, `json-syntax`.
    pub fn protobuf_int64(&mut self) -> Result<u64, Error> {
        if self.peek()? == Kind::Number {
            return self.whole_number();
        }
        let text = self.string()?;
        whole(&text).ok_or_else(|| self.bad_value("a whole number from 0 to 2^63-1", &text))
    }

    /// Reads a string of canonical base64 with at most `maximum` bytes of content; `limit` is that cap's name.
    ///
    /// # Errors
    /// `wrong-type`, `bad-base64`, `over-limit`, `json-syntax`.
    pub fn base64(&mut self, (limit, maximum): (&'static str, usize)) -> Result<Bytes, Error> {
        self.expect(Kind::String)?;
        // Megabytes of base64 are usual, so their end is looked for as fast as the bytes come. What else may be wrong with
        // the string is wrong with its base64 as well, and then the exact way says what it is.
        let content = self.text.get(self.position + 1..).unwrap_or_default();
        if let Some(end) = memchr::memchr2(b'"', b'\\', content)
            && content.get(end) == Some(&b'"')
            && let Ok(Some(bytes)) =
                base64_text::decode(content.get(..end).unwrap_or_default(), maximum)
        {
            self.position += end + 2;
            return Ok(bytes);
        }
        let text = self.string_here()?;
        match base64_text::decode(text.as_bytes(), maximum) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(self.over_limit(limit, maximum)),
            Err(base64_text::Refused) => Err(self.error(ErrorKind::BadBase64)),
        }
    }

    /// Reads an object of strings with at most `maximum` members; `limit` is that cap's name.
    ///
    /// # Errors
    /// As [`Reader::map`], and `wrong-type` for a value that is not a string.
    pub fn string_map(
        &mut self,
        (limit, maximum): (&'static str, usize),
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut strings = BTreeMap::new();
        self.map(|reader, name| {
            if strings.len() >= maximum {
                return Err(reader.over_limit(limit, maximum));
            }
            strings.insert(name.to_owned(), reader.string()?.into_owned());
            Ok(())
        })?;
        Ok(strings)
    }

    /// As [`Reader::string_map`], but a value that is not a string is kept as its JSON text.
    ///
    /// # Errors
    /// As [`Reader::map`].
    pub fn lenient_string_map(
        &mut self,
        (limit, maximum): (&'static str, usize),
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut strings = BTreeMap::new();
        self.map(|reader, name| {
            if strings.len() >= maximum {
                return Err(reader.over_limit(limit, maximum));
            }
            let value = match reader.peek()? {
                Kind::String => reader.string()?.into_owned(),
                _ => reader.checked_raw()?.to_owned(),
            };
            strings.insert(name.to_owned(), value);
            Ok(())
        })?;
        Ok(strings)
    }

    /// Skips one value after validating its grammar and depth, and returns where it stands in the text, in bytes.
    ///
    /// Names inside are not compared: for values that are kept as bytes and judged by another reader.
    ///
    /// # Errors
    /// `json-syntax`, `over-limit`.
    pub fn skip(&mut self) -> Result<Range<usize>, Error> {
        self.white_space();
        let start = self.position;
        let depth = self.depth_limit.saturating_sub(self.depth);
        match skip::value(self.text, start, depth) {
            Ok((end, ascii)) => {
                if !ascii {
                    self.text_between(start, end)?;
                }
                self.position = end;
                Ok(start..end)
            }
            Err(skip::Stop::Syntax { offset, expected }) => {
                self.position = offset;
                Err(self.syntax(expected))
            }
            Err(skip::Stop::TooDeep) => Err(self.over_limit("json_depth", self.depth_limit)),
        }
    }

    /// As [`Reader::skip`], but returns the value's text.
    ///
    /// # Errors
    /// As [`Reader::skip`].
    pub fn raw(&mut self) -> Result<&'a str, Error> {
        let start = self.skip()?.start;
        self.text_between(start, self.position)
    }

    /// Reads over one value and refuses a name that is there twice, at every level.
    ///
    /// # Errors
    /// As [`Reader::object`].
    pub fn ignore(&mut self) -> Result<(), Error> {
        // Recursion is bounded: `open` counts the depth against the cap.
        match self.peek()? {
            Kind::Object => self.map(|reader, _| reader.ignore()),
            Kind::List => self.list(|reader, _| reader.ignore()),
            _ => self.skip().map(|_| ()),
        }
    }

    /// As [`Reader::ignore`], but returns the value's text.
    ///
    /// # Errors
    /// As [`Reader::object`].
    pub fn checked_raw(&mut self) -> Result<&'a str, Error> {
        self.white_space();
        let start = self.position;
        self.ignore()?;
        self.text_between(start, self.position)
    }

    fn members(
        &mut self,
        fold_case: bool,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.open(Kind::Object)?;
        self.white_space();
        if self.take(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        let mut names = Names::new(fold_case);
        loop {
            self.white_space();
            if self.byte() != Some(b'"') {
                return Err(self.syntax("the name of a member"));
            }
            let name = self.string_here()?;
            if !names.insert(&name) {
                return Err(self.error(ErrorKind::DuplicateKey {
                    key: excerpt(&name),
                }));
            }
            self.white_space();
            if !self.take(b':') {
                return Err(self.syntax("`:`"));
            }
            member(self, &name).map_err(|error| place(error, &name))?;
            self.white_space();
            if self.take(b',') {
                continue;
            }
            if self.take(b'}') {
                break;
            }
            return Err(self.syntax("`,` or `}`"));
        }
        self.depth -= 1;
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<(), Error> {
        self.expect(kind)?;
        if self.depth >= self.depth_limit {
            return Err(self.over_limit("json_depth", self.depth_limit));
        }
        self.depth += 1;
        self.position += 1;
        Ok(())
    }

    fn expect(&mut self, kind: Kind) -> Result<(), Error> {
        let found = self.peek()?;
        if found == kind {
            return Ok(());
        }
        Err(self.error(ErrorKind::WrongType {
            expected: kind.name(),
            found: found.name(),
        }))
    }

    fn string_here(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.position;
        let (end, escaped) = skip::string(self.text, start, &mut 0).map_err(|stop| match stop {
            skip::Stop::Syntax { offset, expected } => {
                self.error(ErrorKind::JsonSyntax { offset, expected })
            }
            skip::Stop::TooDeep => self.over_limit("json_depth", self.depth_limit),
        })?;
        let content = self.text_between(start + 1, end - 1)?;
        self.position = end;
        Ok(if escaped {
            Cow::Owned(unescape(content))
        } else {
            Cow::Borrowed(content)
        })
    }

    fn is_word(&self, word: &str) -> bool {
        self.text
            .get(self.position..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.byte() == Some(byte);
        self.position += usize::from(there);
        there
    }

    fn white_space(&mut self) {
        self.position = skip::white_space(self.text, self.position);
    }

    /// The bytes from `start` to `end` as text.
    fn text_between(&self, start: usize, end: usize) -> Result<&'a str, Error> {
        let bytes = self.text.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| {
            self.error(ErrorKind::NotUtf8 {
                offset: start + error.valid_up_to(),
            })
        })
    }

    fn syntax(&self, expected: &'static str) -> Error {
        let rest = self.text.get(self.position..).unwrap_or_default();
        // A byte that begins no character is no syntax of any kind.
        if let Err(error) = std::str::from_utf8(rest)
            && error.valid_up_to() == 0
        {
            return self.error(ErrorKind::NotUtf8 {
                offset: self.position,
            });
        }
        self.error(ErrorKind::JsonSyntax {
            offset: self.position,
            expected,
        })
    }
}

/// The error one level further out; an unknown member's own name is not part of its place.
fn place(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::UnknownField { name: unknown }
            if error.path().is_empty() && *unknown == excerpt(name) =>
        {
            error
        }
        _ => error.within(name),
    }
}

/// A whole number from 0 to 2^63-1, in the one way JSON writes it.
fn whole(text: &str) -> Option<u64> {
    let canonical = text == "0" || (text.len() <= 19 && !text.starts_with('0'));
    if !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>()
        .ok()
        .and_then(|number| u64::try_from(number).ok())
}
