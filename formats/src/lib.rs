//! Bytes to types and back: digests, references, manifests, bundles, envelopes, statements and keys.
//!
//! A value from this crate says what the bytes *say*, nothing more: nothing here checks a signature, computes a digest,
//! opens a file or reads a clock. Every parser refuses duplicate keys, reads its input to the end, and holds every
//! number that comes from outside against a named limit of [`Limits`] before memory is taken for it.
//!
//! ```
//! use countersign_formats::{Limits, Reference, Statement};
//!
//! let reference = Reference::parse("nginx:1.27")?;
//! assert_eq!(reference.to_string(), "docker.io/library/nginx:1.27");
//!
//! let payload = br#"{"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": "00"}}],
//!     "predicateType": "https://example.com/review/v1", "predicate": {"by": "a person"}}"#;
//! let statement = Statement::parse(payload.as_slice().into(), &Limits::DEFAULT)?;
//! assert_eq!(statement.predicate.unwrap().bytes(), br#"{"by": "a person"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base64_text;
mod bundle;
mod cbor;
mod checkpoint;
mod clipped;
mod descriptor;
mod digest;
mod encrypted_key;
mod envelope;
mod error;
pub mod json;
mod legacy;
mod legacy_write;
mod limits;
mod log_body;
mod log_entry;
mod manifest;
pub mod media_types;
mod notation;
mod pem;
pub mod predicate_types;
mod public_key;
mod reference;
mod reference_error;
mod registry_name;
mod simple_signing;
mod statement;
mod trusted_root;
mod unix_time;

pub use base64_text::{decode_base64, encode_base64};
pub use bundle::{Bundle, BundleContent, BundleVersion, KeyMaterial};
pub use checkpoint::{Checkpoint, NoteSignature};
pub use clipped::clipped;
pub use descriptor::{Descriptor, Platform};
pub use digest::{Digest, HashAlgorithm};
pub use encrypted_key::{EncryptedPrivateKey, Scrypt};
pub use envelope::{Envelope, EnvelopeSignature, pae, pae_prefix};
pub use error::{Document, Error, ErrorKind};
pub use legacy::LegacyAnnotations;
pub use limits::Limits;
pub use log_body::{LogBody, LoggedHash, LoggedSignature, Verifier};
pub use log_entry::{InclusionProof, LogEntry};
pub use manifest::{ImageIndex, ImageManifest, Manifest};
pub use notation::{NotationEnvelope, NotationSignature};
pub use pem::{PemBlock, pem_blocks, pem_certificates, write_pem};
pub use predicate_types::PredicateType;
pub use public_key::{KeyKind, PublicKey};
pub use reference::{ArchiveReference, LayoutReference, Reference, RegistryReference};
pub use reference_error::{ReferenceError, ReferenceErrorKind};
pub use simple_signing::SimpleSigning;
pub use statement::{Predicate, Statement, StatementSubject, StatementVersion, statement_json};
pub use trusted_root::{AuthorityInstance, InstanceKey, LogInstance, TrustedRoot};
pub use unix_time::{UnixTime, Window};
