//! Logs that a trusted root names, with their keys ready.

use crate::crypto::{Algorithm, VerifyingKey};
use crate::key::Scheme;
use crate::report::LogId;
use crate::trust_error::DisabledReason;
use bytes::Bytes;
use countersign_formats::{HashAlgorithm, KeyKind, LogInstance, PublicKey, Window};

/// A transparency log or CT log.
#[derive(Debug)]
pub(crate) struct TrustedLog {
    pub(crate) id: LogId,
    /// First four bytes of the identifier of the key that signs checkpoints (C2SP signed-note).
    pub(crate) checkpoint_hint: Option<[u8; 4]>,
    /// Host name of the base URL: the name of a Rekor v2 log.
    pub(crate) origin: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: VerifyingKey,
    pub(crate) valid: Window,
    spki: Bytes,
}

impl TrustedLog {
    pub(crate) fn prepare(instance: &LogInstance, others: &[Self]) -> Result<Self, DisabledReason> {
        let valid = checked_window(instance.key.valid)?;
        // RFC 6962 §2.1 knows one hash. Roots of logs without tree hash are those of CT logs, which imply it.
        if !matches!(instance.hash_algorithm.as_str(), "SHA2_256" | "") {
            return Err(DisabledReason::HashAlgorithm {
                found: crate::identity::excerpt(&instance.hash_algorithm),
            });
        }
        if instance.log_id.is_empty() {
            return Err(DisabledReason::NoLogId);
        }
        let Some(known) = KnownKey::from_details(&instance.key.key_details) else {
            return Err(DisabledReason::KeyDetails {
                found: crate::identity::excerpt(&instance.key.key_details),
            });
        };
        let key = PublicKey::from_spki_der(&instance.key.raw).map_err(|_| DisabledReason::Key)?;
        // TOB-SIGSTORE-6: the key must be of the kind that its details say.
        if !known.fits(key.kind()) {
            return Err(DisabledReason::Key);
        }
        let id = LogId(instance.log_id.clone());
        // A015: one key under two identifiers would count as two logs, and two keys under one can't be told apart.
        let spki = Bytes::copy_from_slice(key.spki());
        if others
            .iter()
            .any(|other| (other.id == id) != (other.spki == spki))
        {
            return Err(DisabledReason::SameLog);
        }
        let checkpoint_key = instance
            .checkpoint_key_id
            .as_ref()
            .unwrap_or(&instance.log_id);
        Ok(Self {
            id,
            checkpoint_hint: checkpoint_key.first_chunk::<4>().copied(),
            origin: instance.origin.clone(),
            algorithm: known.algorithm,
            key: VerifyingKey::prepare(&key, [known.algorithm]).ok_or(DisabledReason::Key)?,
            valid,
            spki,
        })
    }
}

/// The kind of key and the algorithm that a protobuf name of Sigstore's `PublicKeyDetails` stands for.
struct KnownKey {
    algorithm: Algorithm,
    kind: Kind,
}

enum Kind {
    Exactly(KeyKind),
    Rsa(u32),
}

impl KnownKey {
    fn from_details(details: &str) -> Option<Self> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let (algorithm, kind) = match details {
            "PKIX_ECDSA_P256_SHA_256" => {
                (Algorithm::Ecdsa(Sha256), Kind::Exactly(KeyKind::EcdsaP256))
            }
            "PKIX_ECDSA_P384_SHA_384" => {
                (Algorithm::Ecdsa(Sha384), Kind::Exactly(KeyKind::EcdsaP384))
            }
            "PKIX_ECDSA_P521_SHA_512" => {
                (Algorithm::Ecdsa(Sha512), Kind::Exactly(KeyKind::EcdsaP521))
            }
            "PKIX_ED25519" => (Algorithm::Ed25519, Kind::Exactly(KeyKind::Ed25519)),
            "PKIX_ED25519_PH" => (Algorithm::Ed25519ph, Kind::Exactly(KeyKind::Ed25519)),
            "PKIX_RSA_PKCS1V15_2048_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(2048)),
            "PKIX_RSA_PKCS1V15_3072_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(3072)),
            "PKIX_RSA_PKCS1V15_4096_SHA256" => (Algorithm::RsaPkcs1(Sha256), Kind::Rsa(4096)),
            "PKIX_RSA_PSS_2048_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(2048)),
            "PKIX_RSA_PSS_3072_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(3072)),
            "PKIX_RSA_PSS_4096_SHA256" => (Algorithm::RsaPss(Sha256), Kind::Rsa(4096)),
            _ => return None,
        };
        Some(Self { algorithm, kind })
    }

    fn fits(&self, kind: KeyKind) -> bool {
        match (&self.kind, kind) {
            (Kind::Exactly(expected), kind) => *expected == kind,
            (Kind::Rsa(expected), KeyKind::Rsa { bits }) => *expected == bits,
            (Kind::Rsa(_), _) => false,
        }
    }
}

/// Whether a log entry's `keyDetails` may stand beside a signature of this scheme.
pub(crate) fn details_fit(details: &str, scheme: Scheme) -> bool {
    KnownKey::from_details(details).is_some_and(|known| known.algorithm == Algorithm::of(scheme))
}

/// TOB-SIGSTORE-1: a window without start is an omission, not "always".
pub(crate) fn checked_window(window: Window) -> Result<Window, DisabledReason> {
    match (window.start, window.end) {
        (None, _) => Err(DisabledReason::NoStart),
        (Some(start), Some(end)) if end < start => Err(DisabledReason::ReversedWindow),
        _ => Ok(window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_formats::UnixTime;

    #[test]
    fn a_key_s_details_name_its_scheme_and_its_size() {
        use HashAlgorithm::Sha256;
        for (details, algorithm, kind) in [
            ("PKIX_ED25519", Algorithm::Ed25519, KeyKind::Ed25519),
            ("PKIX_ED25519_PH", Algorithm::Ed25519ph, KeyKind::Ed25519),
            (
                "PKIX_RSA_PKCS1V15_2048_SHA256",
                Algorithm::RsaPkcs1(Sha256),
                KeyKind::Rsa { bits: 2048 },
            ),
            (
                "PKIX_RSA_PKCS1V15_3072_SHA256",
                Algorithm::RsaPkcs1(Sha256),
                KeyKind::Rsa { bits: 3072 },
            ),
            (
                "PKIX_RSA_PKCS1V15_4096_SHA256",
                Algorithm::RsaPkcs1(Sha256),
                KeyKind::Rsa { bits: 4096 },
            ),
            (
                "PKIX_RSA_PSS_2048_SHA256",
                Algorithm::RsaPss(Sha256),
                KeyKind::Rsa { bits: 2048 },
            ),
            (
                "PKIX_RSA_PSS_3072_SHA256",
                Algorithm::RsaPss(Sha256),
                KeyKind::Rsa { bits: 3072 },
            ),
            (
                "PKIX_RSA_PSS_4096_SHA256",
                Algorithm::RsaPss(Sha256),
                KeyKind::Rsa { bits: 4096 },
            ),
        ] {
            let known = KnownKey::from_details(details).unwrap();
            assert_eq!(known.algorithm, algorithm, "{details}");
            assert!(known.fits(kind), "{details}");
            assert!(!known.fits(KeyKind::Rsa { bits: 2047 }), "{details}");
            assert!(!known.fits(KeyKind::EcdsaP256), "{details}");
        }
        assert!(KnownKey::from_details("PKIX_RSA_PSS_1024_SHA256").is_none());
    }

    #[test]
    fn a_window_may_be_one_second_long() {
        let window = |start, end| {
            checked_window(Window {
                start: Some(UnixTime(start)),
                end: Some(UnixTime(end)),
            })
        };
        assert!(window(5, 5).is_ok());
        assert!(matches!(window(5, 4), Err(DisabledReason::ReversedWindow)));
    }
}
