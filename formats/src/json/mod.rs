//! A strict pull reader for JSON (RFC 8259), and a small writer.
//!
//! The reader refuses an object that names a member twice, text after the document, nesting beyond a cap, lone
//! surrogates and everything else the grammar does not have. Strings without escapes are borrowed. Objects and lists
//! are read through callbacks, so that a place in the document costs nothing until an error needs it.

mod kind;
mod names;
mod read;
mod skip;
mod unescape;
mod write;

pub use kind::Kind;
pub use read::Reader;
pub use write::{ObjectWriter, write_string};
