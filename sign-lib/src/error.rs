//! What can go wrong with a key, and what can go wrong with a signature.

use countersign_formats::{Digest, KeyKind};
use countersign_proof::{Rejected, Scheme, TrustError};

/// Why a private key cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is larger than `Limits::key_file_bytes`.
    #[error("key file has {found} bytes, more than the limit of {limit} (`key_file_bytes`)")]
    TooLarge {
        /// Size that was given, in bytes.
        found: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The input is not a PEM document.
    #[error("key file is not PEM: {detail}")]
    NotPem {
        /// What the PEM reader met.
        detail: String,
    },
    /// The PEM label names something else than a private key that can be read.
    #[error("PEM block `{label}` is not a private key that can be read")]
    Label {
        /// The label between `BEGIN` and the dashes, capped in length.
        label: String,
    },
    /// The key is encrypted by another format than cosign's.
    #[error("private key is encrypted in the format `{format}`, which is not read")]
    ForeignEncryption {
        /// Name of the format.
        format: &'static str,
    },
    /// The key is encrypted and no password was given.
    #[error("private key is encrypted, and no password was given")]
    PasswordRequired,
    /// The password does not open the key.
    #[error("wrong password for the private key")]
    WrongPassword,
    /// The envelope of an encrypted key is malformed or asks for unacceptable parameters.
    #[error("encrypted private key: {0}")]
    Encrypted(#[source] countersign_formats::Error),
    /// The decrypted key is a SEC1 `EC PRIVATE KEY`, not PKCS#8.
    #[error("encrypted private key holds a SEC1 elliptic curve key, not PKCS#8")]
    Sec1Inside,
    /// The key's algorithm, curve or size is not one of the supported kinds.
    #[error("private key kind `{found}` is not supported")]
    Unsupported {
        /// What the key says it is: an object identifier, a curve or a size.
        found: String,
    },
    /// The key is damaged: DER that does not parse, a public half that does not fit, a scalar out of range.
    #[error("private key is malformed: {detail}")]
    Malformed {
        /// What was wrong.
        detail: String,
    },
    /// The public half cannot be represented.
    #[error("public key: {0}")]
    Public(#[source] countersign_formats::Error),
    /// This key cannot make signatures of the scheme that was asked for.
    #[error("a key of kind `{kind:?}` cannot sign with `{scheme:?}`")]
    Scheme {
        /// The key's kind.
        kind: KeyKind,
        /// The scheme that was asked for.
        scheme: Scheme,
    },
    /// The scheme signs the message itself, and only its digest is known.
    #[error("`{scheme:?}` signs the content itself, and only its digest is known")]
    ContentRequired {
        /// The scheme that was asked for.
        scheme: Scheme,
    },
    /// The cryptographic library failed, for example for want of randomness.
    #[error("cryptographic library failed at {operation}")]
    Library {
        /// What it was asked to do.
        operation: &'static str,
    },
}

impl KeyError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "key-too-large",
            Self::NotPem { .. } => "key-not-pem",
            Self::Label { .. } => "key-label-unknown",
            Self::ForeignEncryption { .. } => "key-encryption-unsupported",
            Self::PasswordRequired => "key-password-required",
            Self::WrongPassword => "key-wrong-password",
            Self::Encrypted(error) => error.code(),
            Self::Sec1Inside => "key-sec1-inside",
            Self::Unsupported { .. } => "key-unsupported",
            Self::Malformed { .. } => "key-malformed",
            Self::Public(error) => error.code(),
            Self::Scheme { .. } => "key-scheme-mismatch",
            Self::ContentRequired { .. } => "content-required",
            Self::Library { .. } => "crypto-library",
        }
    }

    /// What to do next, where there is one clear thing.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotPem { .. } => {
                "a private key file starts with `-----BEGIN`; `generate-key-pair` makes one"
            }
            Self::Label { label } if label.contains("PUBLIC") => {
                "this is the public half; sign with the private key file, often `cosign.key`"
            }
            Self::Label { label } if label.contains("CERTIFICATE") => {
                "this is a certificate; sign with the private key that belongs to it"
            }
            Self::Label { .. } => {
                "accepted: `PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`, `ENCRYPTED SIGSTORE PRIVATE KEY`"
            }
            Self::ForeignEncryption { .. } => {
                "decrypt it first (`openssl pkcs8 -in KEY -out PLAIN`), then run `import-key-pair`"
            }
            Self::PasswordRequired | Self::WrongPassword => {
                "set COSIGN_PASSWORD (it may be empty), or answer the prompt"
            }
            Self::Sec1Inside => {
                "convert the original key (`openssl pkcs8 -topk8 -nocrypt -in KEY -out PKCS8`), then run `import-key-pair` again"
            }
            Self::Unsupported { .. } => {
                "supported: elliptic curves P-256, P-384 and P-521, Ed25519, RSA of 2048 to 4096 bits"
            }
            Self::ContentRequired { .. } => "give the file itself instead of its digest",
            Self::TooLarge { .. }
            | Self::Encrypted(_)
            | Self::Malformed { .. }
            | Self::Public(_)
            | Self::Scheme { .. }
            | Self::Library { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why no signature came out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signer outside this process failed.
    #[error("signer `{signer}` failed: {detail}")]
    Remote {
        /// The signer's name for people.
        signer: String,
        /// What it answered.
        detail: String,
    },
    /// The predicate is not what its type needs.
    #[error("predicate: {0}")]
    Predicate(#[source] countersign_formats::Error),
    /// The predicate must be text and is not UTF-8.
    #[error("predicate is not UTF-8 text, first at byte {offset}")]
    PredicateNotText {
        /// Offset of the first byte that is not UTF-8, from 0.
        offset: usize,
    },
    /// The predicate is larger than fits into a bundle.
    #[error("predicate has {found} bytes, more than the limit of {limit} (`bundle_bytes`)")]
    PredicateTooLarge {
        /// Size that was given, in bytes.
        found: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The statement is larger in base64 than a bundle may be.
    #[error(
        "statement has {found} bytes, which are {encoded} in a bundle, more than the limit of {limit} (`bundle_bytes`)"
    )]
    StatementTooLarge {
        /// Its size in bytes.
        found: u64,
        /// Its size in base64, in bytes.
        encoded: u64,
        /// The limit of a whole bundle, in bytes.
        limit: u64,
    },
    /// The statement does not parse.
    #[error("statement: {0}")]
    Statement(#[source] countersign_formats::Error),
    /// A ready statement does not name the artifact that it is to be attached to.
    #[error("statement does not name `{expected}`; it names {found}")]
    StatementSubject {
        /// The artifact's digest.
        expected: Digest,
        /// The digests that it names instead, or `no sha256 digest`.
        found: String,
    },
    /// A ready statement has another predicate type than the one asked for.
    #[error("statement has predicate type `{found}`, not `{expected}`")]
    StatementType {
        /// The type asked for.
        expected: String,
        /// The statement's own.
        found: String,
    },
    /// A log entry or a second timestamp has no place in the annotations of a `.sig` or `.att` layer.
    #[error("{what} cannot be stored in the annotations of a `.sig` or `.att` layer")]
    NotLegacy {
        /// What has no place.
        what: &'static str,
    },
    /// The content could not be read.
    #[error("content cannot be read: {detail}")]
    Content {
        /// What went wrong.
        detail: String,
    },
    /// The content's digest under this algorithm is not known.
    #[error("digest `{algorithm}` of the content is not known")]
    DigestUnknown {
        /// Name of the algorithm.
        algorithm: &'static str,
    },
    /// A bundle of an earlier run does not parse.
    #[error("bundle: {0}")]
    Bundle(#[source] countersign_formats::Error),
    /// A bundle of an earlier run holds another statement than the one that is to be signed.
    #[error("the bundle holds another statement than the one that is to be signed")]
    OtherContent,
    /// The signer's own key cannot be trusted, for example because it is too weak.
    #[error("the signer's key: {0}")]
    Trust(#[source] TrustError),
    /// What was signed does not verify; nothing may be published.
    #[error("the new signature does not verify: {0}")]
    NotVerified(#[source] Box<Rejected>),
}

impl SignError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            Self::Remote { .. } => "signer-failed",
            Self::Predicate(error) | Self::Statement(error) | Self::Bundle(error) => error.code(),
            Self::OtherContent => "bundle-of-other-statement",
            Self::PredicateNotText { .. } => "predicate-not-text",
            Self::PredicateTooLarge { .. } | Self::StatementTooLarge { .. } => "over-limit",
            Self::StatementSubject { .. } => "statement-subject-mismatch",
            Self::StatementType { .. } => "statement-type-mismatch",
            Self::NotLegacy { .. } => "not-legacy",
            Self::Content { .. } => "content-unreadable",
            Self::DigestUnknown { .. } => "digest-unknown",
            Self::Trust(error) => error.code(),
            Self::NotVerified(_) => "signature-not-verified",
        }
    }

    /// What to do next, where there is one clear thing.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::Predicate(_) => {
                Some("a predicate is one JSON value; SPDX tag-value text goes with `--type spdx`".to_owned())
            }
            Self::PredicateNotText { .. } => {
                Some("`--type spdx` takes the tag-value text of an SPDX document".to_owned())
            }
            Self::StatementSubject { .. } => {
                Some("make the statement for this digest, or name the image that it is about".to_owned())
            }
            Self::StatementType { .. } => {
                Some("leave out `--type`, or name the statement's own type".to_owned())
            }
            Self::PredicateTooLarge { .. } | Self::StatementTooLarge { .. } => too_large(),
            // The material and the log entries beside a statement that just fits.
            Self::NotVerified(rejected) if rejected.code() == "over-limit" => too_large(),
            Self::NotVerified(_) => Some(
                "nothing was published; the signer may have used another key or scheme than it said".to_owned(),
            ),
            Self::Remote { .. }
            | Self::Statement(_)
            | Self::Bundle(_)
            | Self::OtherContent
            | Self::Trust(_)
            | Self::NotLegacy { .. }
            | Self::Content { .. }
            | Self::DigestUnknown { .. } => None,
        }
    }
}

fn too_large() -> Option<String> {
    Some(
        "a bundle holds its statement in base64, a third larger; attest a smaller document, or the digest of this one and where it lies"
            .to_owned(),
    )
}
