//! Signatures over documents that are no evidence.

use countersign_formats::PublicKey;

use crate::crypto::{Algorithm, Over, VerifyingKey};
use crate::key::Scheme;

/// Whether `signature` is `key`'s over `message` under `scheme`; false also when the two do not go together.
///
/// This is for documents that say whom to trust, such as TUF metadata. It proves nothing about an image or a file: that is
/// [`crate::verify`]'s alone.
pub fn is_signature(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
    let algorithm = Algorithm::of(scheme);
    Scheme::of(key.kind()).contains(&scheme)
        && VerifyingKey::prepare(key, [algorithm])
            .is_some_and(|key| key.verify(algorithm, Over::Message(message), signature))
}
