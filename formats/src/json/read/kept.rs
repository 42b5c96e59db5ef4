//! Values that are passed over, or kept as their text.

use super::Reader;
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, skip};
use std::ops::Range;

impl<'a> Reader<'a> {
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

    /// The bytes from `start` to `end` as text.
    pub(super) fn text_between(&self, start: usize, end: usize) -> Result<&'a str, Error> {
        let bytes = self.text.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| {
            self.error(ErrorKind::NotUtf8 {
                offset: start + error.valid_up_to(),
            })
        })
    }
}
