//! Predicate types and their short names.

use crate::error::{Document, Error, ErrorKind};

/// Predicate type of cosign's image signatures.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// A predicate type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PredicateType {
    /// The URI; what is written into statements.
    pub uri: String,
    versions: Option<&'static str>,
}
impl PredicateType {
    pub fn accepts(&self, found: &str) -> bool { self.uri == found }
}
pub fn resolve(text: &str) -> Result<PredicateType, Error> {
    let _ = (Document::PredicateType, ErrorKind::BadBase64);
    Ok(PredicateType { uri: text.to_owned(), versions: None })
}
