//! What is wrong with trust: what was given by hand and can't be used, and what a trusted root has and is left out.

use crate::fault::CertificateFault;
use crate::key::KeyId;

/// A part of a trusted root that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{instance} is not used: {reason}")]
#[non_exhaustive]
pub struct TrustWarning {
    /// The part: what it is, and its URL.
    pub instance: String,
    /// Why.
    pub reason: DisabledReason,
}

impl TrustWarning {
    pub(crate) fn new(role: &str, url: &str, reason: DisabledReason) -> Self {
        let instance = format!("{role} `{}`", crate::identity::excerpt(url));
        Self { instance, reason }
    }

    /// A stable name of the reason, in kebab case.
    pub fn code(&self) -> &'static str {
        match &self.reason {
            DisabledReason::KeyDetails { .. } => "trust-key-details",
            DisabledReason::Key => "trust-key",
            DisabledReason::HashAlgorithm { .. } => "trust-hash-algorithm",
            DisabledReason::NoStart => "trust-no-start",
            DisabledReason::ReversedWindow => "trust-reversed-window",
            DisabledReason::SameLog => "trust-same-log",
            DisabledReason::NoLogId => "trust-no-log-id",
            DisabledReason::Chain(_) => "trust-chain",
        }
    }
}

/// Why a part of a trusted root is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisabledReason {
    /// The algorithm of its key is not known.
    #[error("key algorithm `{found}` is not supported")]
    KeyDetails {
        /// The name in the trusted root.
        found: String,
    },
    /// Its key can't be read, or is not of the kind that its algorithm says.
    #[error("its key is malformed or not of the kind that it says")]
    Key,
    /// Its tree has an unknown hash.
    #[error("hash algorithm `{found}` is not supported")]
    HashAlgorithm {
        /// The name in the trusted root.
        found: String,
    },
    /// Its validity has no start.
    #[error("its validity has no start")]
    NoStart,
    /// Its validity ends before it starts.
    #[error("its validity ends before it starts")]
    ReversedWindow,
    /// Another log has the same identifier or key.
    #[error(
        "another log has the same identifier with another key, or the same key with another identifier"
    )]
    SameLog,
    /// It has no identifier.
    #[error("it has no identifier")]
    NoLogId,
    /// Its chain of certificates is not acceptable.
    #[error("its certificates are not acceptable: {0}")]
    Chain(CertificateFault),
}

/// Trust that its owner gave by hand can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A key is not a point on its curve, or of small order.
    #[error("key `{key}` is not a sound public key")]
    Key {
        /// The key.
        key: KeyId,
    },
    /// A key may be used with no scheme.
    #[error("key `{key}` may be used with no scheme that its kind has")]
    NoScheme {
        /// The key.
        key: KeyId,
    },
    /// A key's validity ends before it starts.
    #[error("the validity of key `{key}` ends before it starts")]
    KeyWindow {
        /// The key.
        key: KeyId,
    },
    /// A certificate of an own authority is not acceptable.
    #[error("{role} certificate {position} of the own authority: {fault}")]
    Authority {
        /// `root` or `intermediate`.
        role: &'static str,
        /// Its position among its kind, from 0.
        position: usize,
        /// Why.
        fault: CertificateFault,
    },
    /// An own authority has no root.
    #[error("the own authority has no root certificate")]
    NoRoot,
    /// A witness's key is not an Ed25519 key.
    #[error("the key of witness `{name}` is not a sound Ed25519 key")]
    WitnessKey {
        /// The witness.
        name: String,
    },
}

impl TrustError {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "trust-key",
            Self::NoScheme { .. } => "trust-no-scheme",
            Self::KeyWindow { .. } => "trust-key-window",
            Self::Authority { .. } => "trust-authority",
            Self::NoRoot => "trust-no-root",
            Self::WitnessKey { .. } => "trust-witness-key",
        }
    }
}
