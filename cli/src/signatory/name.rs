//! The name of who signs, as far as it is known before there is a signature.

use countersign_proof::{KeyId, Signer, Verified};

/// The name of who signs.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// A key.
    Key(KeyId),
    /// An identity.
    Identity {
        /// Who: by the token's own words.
        identity: String,
        /// Who vouches for it.
        issuer: String,
        /// Whom the issuer asked in turn, where it says so; certificates may name this one in its place.
        connector: Option<String>,
        /// The subject name that its certificates are expected to carry, where that is known before there is one.
        expected: Option<String>,
    },
}

impl Name {
    /// Whether a proven signature is of this signer, as far as the name is known before there is a certificate.
    pub(crate) fn is_of(&self, verified: &Verified) -> bool {
        match (self, verified.signer()) {
            (Self::Key(key), Signer::Key(signer)) => key == signer,
            (
                Self::Identity {
                    issuer,
                    connector,
                    expected,
                    ..
                },
                Signer::Fulcio(certificate),
            ) => {
                certificate.issuer.as_ref().is_some_and(|found| {
                    found == issuer || connector.as_ref().is_some_and(|asked| found == asked)
                }) && expected
                    .as_deref()
                    .is_none_or(|expected| expected == certificate.san.value())
            }
            _ => false,
        }
    }
}
