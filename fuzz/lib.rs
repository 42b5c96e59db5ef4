//! What fuzz targets share.

use countersign_formats::json::Reader;
use countersign_formats::{Document, Limits};

/// Whether our reader takes all of `text` as one JSON value.
pub fn read_whole(text: &str) -> bool {
    let mut reader = Reader::new(Document::Statement, text, &Limits::DEFAULT);
    reader.skip().is_ok() && reader.end().is_ok()
}
