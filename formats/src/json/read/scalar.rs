//! Values that hold no others, and maps of them.

use super::Reader;
use crate::base64_text;
use crate::error::{Error, ErrorKind};
use crate::json::unescape::unescape;
use crate::json::{Kind, skip};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

impl<'a> Reader<'a> {
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

    /// Passes over a string of base64 and says where its text is, without decoding it; `None`, and nothing is passed over, where the text
    /// is written with escapes.
    ///
    /// # Errors
    /// `wrong-type`, `json-syntax`.
    pub(crate) fn base64_place(&mut self) -> Result<Option<Range<usize>>, Error> {
        self.expect(Kind::String)?;
        let start = self.position + 1;
        let content = self.text.get(start..).unwrap_or_default();
        let Some(length) = memchr::memchr2(b'"', b'\\', content)
            .filter(|length| content.get(*length) == Some(&b'"'))
        else {
            return Ok(None);
        };
        self.position = start + length + 1;
        Ok(Some(start..start + length))
    }

    /// Reads an object of strings with at most `maximum` members; `limit` is that cap's name.
    ///
    /// # Errors
    /// As [`Reader::map`], and `wrong-type` for a value that is not a string.
    pub fn string_map(
        &mut self,
        (limit, maximum): (&'static str, usize),
    ) -> Result<BTreeMap<String, String>, Error> {
        self.map_of((limit, maximum), |reader| Ok(reader.string()?.into_owned()))
    }

    /// As [`Reader::string_map`], but a value that is not a string is kept as its JSON text.
    ///
    /// # Errors
    /// As [`Reader::map`].
    pub fn lenient_string_map(
        &mut self,
        (limit, maximum): (&'static str, usize),
    ) -> Result<BTreeMap<String, String>, Error> {
        self.map_of((limit, maximum), |reader| match reader.peek()? {
            Kind::String => Ok(reader.string()?.into_owned()),
            _ => Ok(reader.checked_raw()?.to_owned()),
        })
    }

    /// An object of at most `maximum` members, each read by `read`.
    fn map_of(
        &mut self,
        (limit, maximum): (&'static str, usize),
        read: impl Fn(&mut Self) -> Result<String, Error>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut strings = BTreeMap::new();
        self.map(|reader, name| {
            if strings.len() >= maximum {
                return Err(reader.over_limit(limit, maximum));
            }
            strings.insert(name.to_owned(), read(reader)?);
            Ok(())
        })?;
        Ok(strings)
    }

    pub(super) fn string_here(&mut self) -> Result<Cow<'a, str>, Error> {
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
