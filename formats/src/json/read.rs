//! The pull reader.

mod complaint;
mod kept;
mod scalar;

use self::complaint::place;
use super::Kind;
use super::names::Names;
use super::skip;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::limits::Limits;

/// The deepest nesting that is read whatever the limits say; also the size of the skipper's stack in bits.
const DEPTH_BITS: usize = 128;

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
}
