//! Turns a statement or a file and a key into a Sigstore bundle, and proves its own result.
//!
//! Signing has two steps, so that a key that lives elsewhere fits between them: [`Prepared`] says which bytes to sign
//! ([`Prepared::to_sign`]), somebody signs them, and [`Prepared::finish`] builds the bundle and verifies it through
//! [`countersign_proof::verify`]. A [`Signed`] value therefore always carries a proof. [`sign_image`], [`attest`] and
//! [`sign_blob`] run both steps with one [`Signer`].
//!
//! Nothing here opens a socket or a file, and nothing reads the clock.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use countersign_formats::{KeyKind, Limits, UnixTime};
//! use countersign_sign::{PrivateKey, sign_image};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
//! let file = key.encrypt(b"password")?.to_pem();
//! assert!(file.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"));
//!
//! let image = countersign_proof::digest::sha256(b"the bytes of an image manifest");
//! let annotations = BTreeMap::from([("release".to_owned(), "1.4".to_owned())]);
//! let now = UnixTime::parse_rfc3339("2026-01-15T12:00:00Z")?;
//! let signed = sign_image(&key, image, &annotations, now, &Limits::DEFAULT)?;
//! assert_eq!(signed.verified.subject(), &image);
//! # Ok(())
//! # }
//! ```

mod cosign_key;
mod document_kind;
mod error;
mod legacy;
mod prepared;
mod private_key;
mod private_key_import;
mod scheme;
mod secret_pem;
mod signer;
mod statement;

pub use crate::document_kind::{DocumentKind, TypeMismatch};
pub use crate::error::{KeyError, SignError};
pub use crate::legacy::{attestation_layer, envelope, has_promise};
pub use crate::prepared::{Attachments, Prepared, Signature, Signed, SignerMaterial, ToSign};
pub use crate::private_key::PrivateKey;
pub use crate::private_key_import::PrivateKeyFile;
pub use crate::scheme::{can_sign, default_scheme};
pub use crate::signer::{Signer, attest, sign, sign_blob, sign_image};
pub use crate::statement::{
    PredicateForm, attestation_statement, image_statement, predicate_bytes, ready_statement,
};
