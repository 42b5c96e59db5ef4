//! What is wrong with a document, and where in it.

use std::fmt;

use crate::clipped::clipped;

/// The longest piece of foreign text that an error carries, in bytes.
const EXCERPT_BYTES: usize = 120;

/// The longest path inside a document that an error carries, in bytes.
const PATH_BYTES: usize = 512;

/// The kinds of document this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Document {
    /// A digest in its text form, `algorithm:hex`.
    Digest,
    /// A date and time in RFC 3339 form.
    Timestamp,
    /// An OCI or Docker image manifest or index.
    Manifest,
    /// An OCI image index, read as an index.
    ImageIndex,
    /// A Sigstore bundle.
    Bundle,
    /// A DSSE envelope.
    Envelope,
    /// An in-toto statement.
    Statement,
    /// A predicate that is to be embedded in a statement.
    Predicate,
    /// A predicate type, as alias or as URI.
    PredicateType,
    /// A simple-signing payload.
    SimpleSigning,
    /// The annotations of a signature or attestation layer.
    LegacyAnnotations,
    /// A Notary Project signature.
    Notation,
    /// A checkpoint of a transparency log in signed-note form.
    Checkpoint,
    /// The canonical body of a transparency log entry.
    LogBody,
    /// A trusted root.
    TrustedRoot,
    /// Metadata of a TUF repository.
    TufMetadata,
    /// A public key.
    PublicKey,
    /// An encrypted private key file.
    EncryptedPrivateKey,
    /// A list of certificates in PEM form.
    Certificates,
    /// Another JSON document, read by another crate through [`crate::json`].
    Json,
}

impl Document {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Timestamp => "timestamp",
            Self::Manifest => "image manifest",
            Self::ImageIndex => "image index",
            Self::Bundle => "bundle",
            Self::Envelope => "envelope",
            Self::Statement => "statement",
            Self::Predicate => "predicate",
            Self::PredicateType => "predicate type",
            Self::SimpleSigning => "simple-signing payload",
            Self::LegacyAnnotations => "signature annotations",
            Self::Notation => "notation signature",
            Self::Checkpoint => "checkpoint",
            Self::LogBody => "log entry body",
            Self::TrustedRoot => "trusted root",
            Self::TufMetadata => "TUF metadata",
            Self::PublicKey => "public key",
            Self::EncryptedPrivateKey => "private key file",
            Self::Certificates => "certificate list",
            Self::Json => "JSON document",
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON by RFC 8259; `offset` counts bytes from the start of the text.
    JsonSyntax {
        /// Byte offset of the first byte that does not fit.
        offset: usize,
        /// What the grammar wants there.
        expected: &'static str,
    },
    /// The bytes are not UTF-8; `offset` counts bytes.
    NotUtf8 {
        /// Byte offset of the first invalid byte.
        offset: usize,
    },
    /// An object names a member twice, or twice but for the case of its letters.
    DuplicateKey {
        /// The member's name.
        key: String,
    },
    /// An object has a member that this closed format does not know.
    UnknownField {
        /// The member's name.
        name: String,
    },
    /// A member that must be there is not.
    MissingField {
        /// The member's name.
        name: &'static str,
    },
    /// A value has another JSON type than the format says.
    WrongType {
        /// The type wanted.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A number or size from outside is over a named limit.
    OverLimit {
        /// Name of the field of [`crate::Limits`], or of the fixed limit.
        limit: &'static str,
        /// The limit's value, in the unit of the limit.
        maximum: u64,
    },
    /// Text that must be canonical, padded, standard base64 is not.
    BadBase64,
    /// Text that must be a digest is not one that is known.
    BadDigest {
        /// The text, cut to a short excerpt.
        value: String,
    },
    /// A value has the right type and a wrong content.
    BadValue {
        /// What is wanted.
        expected: &'static str,
        /// What is there, cut to a short excerpt.
        found: String,
    },
    /// Two members or inputs contradict each other.
    Conflict {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// The document is of a known kind that is not supported.
    Unsupported {
        /// What is not supported.
        what: &'static str,
        /// What is there, cut to a short excerpt.
        found: String,
    },
    /// The text is not the PEM (RFC 7468) that is wanted.
    BadPem {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The bytes are not the DER (X.690) that is wanted.
    BadDer {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// CBOR is not of the definite form that is read, or not what belongs there.
    BadCbor {
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A document was refused: which, where in it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    document: Document,
    path: String,
    kind: ErrorKind,
}

impl std::error::Error for Error {}

impl Error {
    /// An error about a whole document; [`Error::within`] adds the place.
    pub fn new(document: Document, kind: ErrorKind) -> Self {
        Self {
            document,
            path: String::new(),
            kind,
        }
    }

    /// The document that was refused.
    pub fn document(&self) -> Document {
        self.document
    }

    /// The place in the document, as in `verificationMaterial.tlogEntries[3].logId`; empty for the whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why it was refused.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// A stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::JsonSyntax { .. } => "json-syntax",
            ErrorKind::NotUtf8 { .. } => "not-utf8",
            ErrorKind::DuplicateKey { .. } => "duplicate-key",
            ErrorKind::UnknownField { .. } => "unknown-field",
            ErrorKind::MissingField { .. } => "missing-field",
            ErrorKind::WrongType { .. } => "wrong-type",
            ErrorKind::OverLimit { .. } => "over-limit",
            ErrorKind::BadBase64 => "bad-base64",
            ErrorKind::BadDigest { .. } => "bad-digest",
            ErrorKind::BadValue { .. } => "bad-value",
            ErrorKind::Conflict { .. } => "conflict",
            ErrorKind::Unsupported { .. } => "unsupported",
            ErrorKind::BadPem { .. } => "bad-pem",
            ErrorKind::BadDer { .. } => "bad-der",
            ErrorKind::BadCbor { .. } => "bad-cbor",
        }
    }

    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            ErrorKind::Unsupported { .. } if self.document == Document::PredicateType => {
                let names: Vec<&str> = crate::predicate_types::aliases().collect();
                Some(format!(
                    "write the URI of the type, or one of: {}",
                    names.join(", ")
                ))
            }
            ErrorKind::BadDigest { .. } => Some(
                "a digest is `sha256:`, `sha384:` or `sha512:` and lower-case hexadecimal digits"
                    .to_owned(),
            ),
            ErrorKind::BadBase64 => Some(
                "base64 here is the standard alphabet with padding, without line breaks".to_owned(),
            ),
            ErrorKind::BadPem { .. } => Some(
                "the file must hold a block between `-----BEGIN …-----` and `-----END …-----`"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// The same error, one level further out: `segment` is the name of the member that holds the place so far.
    #[must_use]
    pub fn within(mut self, segment: &str) -> Self {
        let segment = excerpt(segment);
        if self.path.is_empty() {
            self.path = segment;
        } else if self.path.len() + segment.len() < PATH_BYTES {
            let separator = if self.path.starts_with('[') { "" } else { "." };
            self.path = format!("{segment}{separator}{}", self.path);
        }
        self
    }

    /// The same error, one level further out: in element `index` (from 0) of a list.
    #[must_use]
    pub fn within_index(mut self, index: usize) -> Self {
        if self.path.len() < PATH_BYTES {
            let separator = if self.path.is_empty() || self.path.starts_with('[') {
                ""
            } else {
                "."
            };
            self.path = format!("[{index}]{separator}{}", self.path);
        }
        self
    }

    /// The same error in the document that holds the one it was found in.
    #[must_use]
    pub fn in_document(mut self, document: Document) -> Self {
        self.document = document;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.document)?;
        if !self.path.is_empty() {
            write!(f, ", at `{}`", self.path)?;
        }
        f.write_str(": ")?;
        match &self.kind {
            ErrorKind::JsonSyntax { offset, expected } => {
                write!(f, "not valid JSON at byte {offset}: expected {expected}")
            }
            ErrorKind::NotUtf8 { offset } => write!(f, "not UTF-8 at byte {offset}"),
            ErrorKind::DuplicateKey { key } => write!(f, "member `{key}` is there twice"),
            ErrorKind::UnknownField { name } => write!(f, "unknown member `{name}`"),
            ErrorKind::MissingField { name } => write!(f, "member `{name}` is missing"),
            ErrorKind::WrongType { expected, found } => {
                write!(f, "expected {expected}, found {found}")
            }
            ErrorKind::OverLimit { limit, maximum } => {
                write!(f, "over the limit `{limit}` of {maximum}")
            }
            ErrorKind::BadBase64 => f.write_str("not canonical base64"),
            ErrorKind::BadDigest { value } => write!(f, "`{value}` is not a digest"),
            ErrorKind::BadValue { expected, found } => {
                write!(f, "expected {expected}, found `{found}`")
            }
            ErrorKind::Conflict { first, second } => write!(f, "{first} contradicts {second}"),
            ErrorKind::Unsupported { what, found } => {
                write!(f, "{what} `{found}` is not supported")
            }
            ErrorKind::BadPem { reason } => write!(f, "not valid PEM: {reason}"),
            ErrorKind::BadDer { reason } => write!(f, "not valid DER: {reason}"),
            ErrorKind::BadCbor { reason } => write!(f, "not a CBOR that can be read: {reason}"),
        }
    }
}

/// Foreign text cut to what an error may carry.
pub(crate) fn excerpt(text: &str) -> String {
    clipped(text, EXCERPT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_says_where_and_what_and_hint_says_what_next() {
        let error = Error::new(Document::Bundle, ErrorKind::BadBase64)
            .within("sig")
            .within_index(3)
            .within("signatures");
        assert_eq!(
            error.to_string(),
            "bundle, at `signatures[3].sig`: not canonical base64"
        );
        assert!(error.hint().unwrap().contains("standard alphabet"));
        let error = Error::new(
            Document::PredicateType,
            ErrorKind::Unsupported {
                what: "short name",
                found: "x".to_owned(),
            },
        );
        assert_eq!(
            error.to_string(),
            "predicate type: short name `x` is not supported"
        );
        assert!(error.hint().unwrap().contains("spdxjson"));
        assert_eq!(error.in_document(Document::Bundle).hint(), None);
    }

    #[test]
    fn excerpts_end_at_a_character() {
        let long = "é".repeat(100);
        let cut = excerpt(&long);
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (61, true));
        assert_eq!(excerpt("short"), "short");
    }
}
