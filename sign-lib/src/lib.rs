//! Turns a statement or a file and a key into a Sigstore bundle, and proves its own result.
//!
//! Signing has two steps, so that a key that lives elsewhere fits between them: [`Prepared`] says which bytes to sign
//! ([`Prepared::to_sign`]), somebody signs them, and [`Prepared::finish`] builds the bundle and verifies it through
//! [`countersign_proof::verify`]. A [`Signed`] value therefore always carries a proof. [`sign_image`], [`attest`] and
//! [`sign_blob`] run both steps with one [`Signer`].
//!
//! Nothing here opens a socket or a file, and nothing reads the clock.

mod cosign_key;
mod error;
mod prepared;
mod private_key;
mod private_key_import;
mod scheme;
mod signer;
mod statement;

pub use crate::error::{KeyError, SignError};
pub use crate::prepared::{Attachments, Prepared, Signature, Signed, SignerMaterial, ToSign};
pub use crate::private_key::PrivateKey;
pub use crate::private_key_import::PrivateKeyFile;
pub use crate::scheme::{can_sign, default_scheme};
pub use crate::signer::{Signer, attest, sign, sign_blob, sign_image};
pub use crate::statement::{
    PredicateForm, attestation_statement, image_statement, predicate_bytes, ready_statement,
};
