//! The only module that touches a cryptographic library, so that a second provider stays possible.

use crate::asn1::{AlgorithmIdentifier, oid};
use crate::key::Scheme;
use crate::pss;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use countersign_formats::{Digest, HashAlgorithm, KeyKind, PublicKey};
use std::fmt;

mod ed25519;

/// A hash computation that is under way.
pub(crate) struct HashContext {
    algorithm: HashAlgorithm,
    context: aws_lc_rs::digest::Context,
}

impl HashContext {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        Self {
            algorithm,
            context: aws_lc_rs::digest::Context::new(provided(algorithm)),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        digest_from(self.algorithm, self.context.finish().as_ref())
    }
}

/// A digest from bytes whose number is the algorithm's own.
#[expect(
    clippy::expect_used,
    reason = "callers pass the output of the algorithm itself, which has its length"
)]
pub(crate) fn digest_from(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
    Digest::new(algorithm, bytes).expect("the length is the algorithm's")
}

fn provided(algorithm: HashAlgorithm) -> &'static aws_lc_rs::digest::Algorithm {
    match algorithm {
        HashAlgorithm::Sha256 => &aws_lc_rs::digest::SHA256,
        HashAlgorithm::Sha384 => &aws_lc_rs::digest::SHA384,
        HashAlgorithm::Sha512 => &aws_lc_rs::digest::SHA512,
    }
}

/// What a key does to verify a signature. More combinations than [`Scheme`] has are known, for certificates and tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ecdsa(HashAlgorithm),
    RsaPkcs1(HashAlgorithm),
    RsaPss(HashAlgorithm),
    Ed25519,
    Ed25519ph,
}

impl Algorithm {
    /// The algorithm of a scheme.
    pub(crate) fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::EcdsaP256Sha256 | Scheme::EcdsaP384Sha256 => Self::Ecdsa(HashAlgorithm::Sha256),
            Scheme::EcdsaP384Sha384 => Self::Ecdsa(HashAlgorithm::Sha384),
            Scheme::EcdsaP521Sha512 => Self::Ecdsa(HashAlgorithm::Sha512),
            Scheme::Ed25519 => Self::Ed25519,
            Scheme::Ed25519ph => Self::Ed25519ph,
            Scheme::RsaPkcs1Sha256 => Self::RsaPkcs1(HashAlgorithm::Sha256),
            Scheme::RsaPkcs1Sha384 => Self::RsaPkcs1(HashAlgorithm::Sha384),
            Scheme::RsaPkcs1Sha512 => Self::RsaPkcs1(HashAlgorithm::Sha512),
            Scheme::RsaPssSha256 => Self::RsaPss(HashAlgorithm::Sha256),
            Scheme::RsaPssSha384 => Self::RsaPss(HashAlgorithm::Sha384),
            Scheme::RsaPssSha512 => Self::RsaPss(HashAlgorithm::Sha512),
        }
    }

    /// The algorithm that a signature's identifier in a certificate or token names.
    ///
    /// Plain key algorithms (`rsaEncryption`, `id-ecPublicKey`), as CMS allows (RFC 5652 §10.1.2), take the hash beside it.
    pub(crate) fn from_identifier(
        identifier: &AlgorithmIdentifier<'_>,
        hash: Option<HashAlgorithm>,
    ) -> Option<Self> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let (algorithm, own) = match identifier.algorithm {
            oid::ECDSA_SHA256 => (Self::Ecdsa(Sha256), Some(Sha256)),
            oid::ECDSA_SHA384 => (Self::Ecdsa(Sha384), Some(Sha384)),
            oid::ECDSA_SHA512 => (Self::Ecdsa(Sha512), Some(Sha512)),
            oid::RSA_SHA256 => (Self::RsaPkcs1(Sha256), Some(Sha256)),
            oid::RSA_SHA384 => (Self::RsaPkcs1(Sha384), Some(Sha384)),
            oid::RSA_SHA512 => (Self::RsaPkcs1(Sha512), Some(Sha512)),
            oid::ED25519 if identifier.parameters.is_none() => (Self::Ed25519, None),
            oid::RSA_ENCRYPTION => (Self::RsaPkcs1(hash?), hash),
            oid::RSA_PSS => {
                let own = pss::hash(identifier.parameters.as_ref()).ok()?;
                // N-62: two names of one hash must agree.
                return hash
                    .is_none_or(|hash| hash == own)
                    .then_some(Self::RsaPss(own));
            }
            // The parameters of a key algorithm are the curve; the key says that better.
            oid::EC_PUBLIC_KEY => return Some(Self::Ecdsa(hash?)),
            _ => return None,
        };
        // RFC 5758 §3.2: ECDSA has no parameters; RFC 4055 §5: RSA has NULL or none.
        if matches!(algorithm, Self::Ecdsa(_)) && identifier.parameters.is_some() {
            return None;
        }
        // N-62: two names of one hash must agree.
        if !identifier.is_plain() || (hash.is_some() && own.is_some() && hash != own) {
            return None;
        }
        Some(algorithm)
    }

    /// The implementation for a key of this kind; `None` when they do not go together.
    fn provided(self, kind: KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        Some(match (self, kind) {
            (Self::Ecdsa(Sha256), KeyKind::EcdsaP256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Self::Ecdsa(Sha384), KeyKind::EcdsaP256) => &signature::ECDSA_P256_SHA384_ASN1,
            (Self::Ecdsa(Sha512), KeyKind::EcdsaP256) => &signature::ECDSA_P256_SHA512_ASN1,
            (Self::Ecdsa(Sha256), KeyKind::EcdsaP384) => &signature::ECDSA_P384_SHA256_ASN1,
            (Self::Ecdsa(Sha384), KeyKind::EcdsaP384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Self::Ecdsa(Sha512), KeyKind::EcdsaP384) => &signature::ECDSA_P384_SHA512_ASN1,
            (Self::Ecdsa(Sha256), KeyKind::EcdsaP521) => &signature::ECDSA_P521_SHA256_ASN1,
            (Self::Ecdsa(Sha384), KeyKind::EcdsaP521) => &signature::ECDSA_P521_SHA384_ASN1,
            (Self::Ecdsa(Sha512), KeyKind::EcdsaP521) => &signature::ECDSA_P521_SHA512_ASN1,
            (Self::RsaPkcs1(Sha256), KeyKind::Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Self::RsaPkcs1(Sha384), KeyKind::Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Self::RsaPkcs1(Sha512), KeyKind::Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Self::RsaPss(Sha256), KeyKind::Rsa { .. }) => &signature::RSA_PSS_2048_8192_SHA256,
            (Self::RsaPss(Sha384), KeyKind::Rsa { .. }) => &signature::RSA_PSS_2048_8192_SHA384,
            (Self::RsaPss(Sha512), KeyKind::Rsa { .. }) => &signature::RSA_PSS_2048_8192_SHA512,
            (Self::Ed25519, KeyKind::Ed25519) => &signature::ED25519,
            _ => return None,
        })
    }
}

/// What a signature is over, as far as it is known.
#[derive(Clone, Copy)]
pub(crate) enum Over<'a> {
    /// The message itself.
    Message(&'a [u8]),
    /// Its digest, under the algorithm's hash.
    Digest(&'a Digest),
}

/// A public key whose point or modulus was checked, ready for one or more algorithms.
pub(crate) struct VerifyingKey {
    kind: KeyKind,
    raw: Box<[u8]>,
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

impl VerifyingKey {
    /// Prepares a key for these algorithms; `None` when the point is not on its curve or the key is otherwise no good.
    ///
    /// Algorithms that do not go with the key's kind are left out.
    pub(crate) fn prepare(
        key: &PublicKey,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Option<Self> {
        if key.kind() == KeyKind::Ed25519 && !ed25519::is_sound_point(key.raw()) {
            return None;
        }
        let mut parsed = Vec::new();
        for algorithm in algorithms {
            if let Some(provided) = algorithm.provided(key.kind()) {
                parsed.push((algorithm, ParsedPublicKey::new(provided, key.raw()).ok()?));
            }
        }
        Some(Self {
            kind: key.kind(),
            raw: key.raw().into(),
            parsed,
        })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether `signature` is this key's under `algorithm`.
    pub(crate) fn verify(&self, algorithm: Algorithm, over: Over<'_>, signature: &[u8]) -> bool {
        match algorithm {
            Algorithm::Ed25519 if !ed25519::is_sound_signature(signature) => return false,
            Algorithm::Ed25519ph => {
                return self.kind == KeyKind::Ed25519
                    && ed25519::verify_prehashed(&self.raw, over, signature);
            }
            _ => {}
        }
        if let Some((_, parsed)) = self
            .parsed
            .iter()
            .find(|(prepared, _)| *prepared == algorithm)
        {
            return verify_parsed(parsed, algorithm, over, signature);
        }
        algorithm
            .provided(self.kind)
            .and_then(|provided| ParsedPublicKey::new(provided, &self.raw).ok())
            .is_some_and(|parsed| verify_parsed(&parsed, algorithm, over, signature))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn verify_parsed(
    parsed: &ParsedPublicKey,
    algorithm: Algorithm,
    over: Over<'_>,
    signature: &[u8],
) -> bool {
    match (over, algorithm) {
        (Over::Message(message), _) => parsed.verify_sig(message, signature).is_ok(),
        (
            Over::Digest(digest),
            Algorithm::Ecdsa(hash) | Algorithm::RsaPkcs1(hash) | Algorithm::RsaPss(hash),
        ) => {
            digest.algorithm() == hash
                && aws_lc_rs::digest::Digest::import_less_safe(digest.as_bytes(), provided(hash))
                    .is_ok_and(|digest| parsed.verify_digest_sig(&digest, signature).is_ok())
        }
        (Over::Digest(_), Algorithm::Ed25519 | Algorithm::Ed25519ph) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{Element, tag};
    use HashAlgorithm::{Sha256, Sha384, Sha512};

    fn named(
        algorithm: der::asn1::ObjectIdentifier,
        parameters: Option<u8>,
        hash: Option<HashAlgorithm>,
    ) -> Option<Algorithm> {
        let parameters = parameters.map(|tag| Element {
            tag,
            value: &[],
            raw: &[],
        });
        Algorithm::from_identifier(
            &AlgorithmIdentifier {
                algorithm,
                parameters,
            },
            hash,
        )
    }

    // RFC 5758 §3.2: ECDSA has no parameters. RFC 4055 §5: RSA has NULL, and none is accepted. RFC 8410 §3: Ed25519 has none.
    #[test]
    fn an_identifier_names_one_algorithm_with_its_own_parameters() {
        for (id, expected) in [
            (oid::ECDSA_SHA256, Algorithm::Ecdsa(Sha256)),
            (oid::ECDSA_SHA384, Algorithm::Ecdsa(Sha384)),
            (oid::ECDSA_SHA512, Algorithm::Ecdsa(Sha512)),
            (oid::ED25519, Algorithm::Ed25519),
        ] {
            assert_eq!(named(id, None, None), Some(expected));
            assert_eq!(named(id, Some(tag::NULL), None), None);
        }
        for (id, expected) in [
            (oid::RSA_SHA256, Algorithm::RsaPkcs1(Sha256)),
            (oid::RSA_SHA384, Algorithm::RsaPkcs1(Sha384)),
            (oid::RSA_SHA512, Algorithm::RsaPkcs1(Sha512)),
        ] {
            assert_eq!(named(id, None, None), Some(expected));
            assert_eq!(named(id, Some(tag::NULL), None), Some(expected));
            assert_eq!(named(id, Some(tag::SEQUENCE), None), None);
        }
        assert_eq!(named(oid::RSA_PSS, None, Some(Sha256)), None);
        assert_eq!(named(oid::MGF1, None, None), None);
    }

    // N-62: a token names its hash twice, and RFC 5652 §10.1.2 lets it name the key's algorithm in place of the signature's.
    #[test]
    fn two_names_of_a_hash_agree_and_a_key_s_name_takes_the_hash_beside_it() {
        for hash in [Sha256, Sha384, Sha512] {
            for (own, id) in [
                (Sha256, oid::ECDSA_SHA256),
                (Sha384, oid::ECDSA_SHA384),
                (Sha512, oid::RSA_SHA512),
            ] {
                assert_eq!(named(id, None, Some(hash)).is_some(), own == hash);
            }
            assert_eq!(
                named(oid::RSA_ENCRYPTION, Some(tag::NULL), Some(hash)),
                Some(Algorithm::RsaPkcs1(hash))
            );
            for parameters in [None, Some(tag::OBJECT_IDENTIFIER)] {
                assert_eq!(
                    named(oid::EC_PUBLIC_KEY, parameters, Some(hash)),
                    Some(Algorithm::Ecdsa(hash))
                );
            }
            assert_eq!(
                named(oid::ED25519, None, Some(hash)),
                Some(Algorithm::Ed25519)
            );
        }
        assert_eq!(named(oid::RSA_ENCRYPTION, None, None), None);
        assert_eq!(named(oid::EC_PUBLIC_KEY, None, None), None);
    }

    #[test]
    fn a_key_has_no_algorithm_of_another_kind() {
        let ecdsa = [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521];
        let rsa = KeyKind::Rsa { bits: 2048 };
        for hash in [Sha256, Sha384, Sha512] {
            for kind in ecdsa {
                assert!(Algorithm::Ecdsa(hash).provided(kind).is_some());
                assert!(Algorithm::RsaPkcs1(hash).provided(kind).is_none());
                assert!(Algorithm::RsaPss(hash).provided(kind).is_none());
                assert!(Algorithm::Ed25519.provided(kind).is_none());
            }
            assert!(Algorithm::RsaPkcs1(hash).provided(rsa).is_some());
            assert!(Algorithm::RsaPss(hash).provided(rsa).is_some());
            assert!(Algorithm::Ecdsa(hash).provided(rsa).is_none());
            assert!(Algorithm::Ecdsa(hash).provided(KeyKind::Ed25519).is_none());
        }
        assert!(Algorithm::Ed25519.provided(KeyKind::Ed25519).is_some());
    }
}
