//! Keys of the lab: derived from a name, so that every run has the same ones.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};

use crate::der_writer::{bit_string, context, null, oid, sequence, small_integer};

/// A throw-away key pair; its name is its seed.
#[derive(Clone)]
pub struct LabKey {
    name: String,
    pair: Arc<Pair>,
    spki: Vec<u8>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    /// The same, signing by PSS.
    RsaPss(RsaKeyPair),
}

impl LabKey {
    /// P-256, signs with SHA-256.
    pub fn p256(name: &str) -> Self {
        let seed = digest(&SHA256, name.as_bytes());
        Self::ecdsa(
            name,
            seed.as_ref(),
            &agreement::ECDH_P256,
            &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            "1.2.840.10045.3.1.7",
        )
    }

    /// P-384, signs with SHA-384.
    pub fn p384(name: &str) -> Self {
        let seed = digest(&SHA384, name.as_bytes());
        Self::ecdsa(
            name,
            seed.as_ref(),
            &agreement::ECDH_P384,
            &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            "1.3.132.0.34",
        )
    }

    /// P-521, signs with SHA-512.
    pub fn p521(name: &str) -> Self {
        let seed = digest(&SHA512, name.as_bytes());
        let scalar = [&[0, 0], seed.as_ref()].concat();
        Self::ecdsa(
            name,
            &scalar,
            &agreement::ECDH_P521,
            &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            "1.3.132.0.35",
        )
    }

    /// Ed25519, signs purely.
    pub fn ed25519(name: &str) -> Self {
        let seed = digest(&SHA256, name.as_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("seed of 32 bytes");
        let spki = sequence(&[
            &sequence(&[&oid("1.3.101.112")]),
            &bit_string(pair.public_key().as_ref()),
        ]);
        Self {
            name: name.to_owned(),
            pair: Arc::new(Pair::Ed25519(pair)),
            spki,
        }
    }

    /// The committed RSA key of 2048 bits, signs PKCS#1 v1.5 with SHA-256; RSA keys cannot be derived from a seed.
    pub fn rsa() -> Self {
        Self::rsa_from(
            "lab-rsa-2048",
            include_str!("../keys/lab-rsa-2048.pem"),
            Pair::Rsa,
        )
    }

    /// The same RSA key, signing by PSS with SHA-256 and naming that in certificates and tokens.
    pub fn rsa_pss() -> Self {
        Self::rsa_from(
            "lab-rsa-2048",
            include_str!("../keys/lab-rsa-2048.pem"),
            Pair::RsaPss,
        )
    }

    fn rsa_from(name: &str, pem: &str, kind: fn(RsaKeyPair) -> Pair) -> Self {
        let body: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = crate::base64_decode(&body);
        let pair = RsaKeyPair::from_pkcs8(&der).expect("committed key");
        let spki = sequence(&[
            &sequence(&[&oid("1.2.840.113549.1.1.1"), &null()]),
            &bit_string(pair.public_key().as_ref()),
        ]);
        Self {
            name: name.to_owned(),
            pair: Arc::new(kind(pair)),
            spki,
        }
    }

    fn ecdsa(
        name: &str,
        scalar: &[u8],
        curve: &'static agreement::Algorithm,
        algorithm: &'static EcdsaSigningAlgorithm,
        curve_oid: &str,
    ) -> Self {
        let private =
            agreement::PrivateKey::from_private_key(curve, scalar).expect("scalar in range");
        let public = private.compute_public_key().expect("public key");
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, public.as_ref())
                .expect("halves fit");
        let spki = sequence(&[
            &sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve_oid)]),
            &bit_string(public.as_ref()),
        ]);
        Self {
            name: name.to_owned(),
            pair: Arc::new(Pair::Ecdsa(pair)),
            spki,
        }
    }

    /// The name that the key was derived from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SubjectPublicKeyInfo: key id, log id, hint.
    pub fn id(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// The private key, PKCS#8 in DER.
    pub fn pkcs8(&self) -> Vec<u8> {
        let der = match &*self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::Rsa(pair) | Pair::RsaPss(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key of the lab");
                return der.as_ref().to_vec();
            }
        };
        der.expect("a key of the lab").as_ref().to_vec()
    }

    /// The public key as PEM.
    pub fn public_pem(&self) -> String {
        crate::pem("PUBLIC KEY", &self.spki)
    }

    /// The bit string's content: point, Ed25519 key, PKCS#1 public key.
    pub fn raw_public(&self) -> Vec<u8> {
        match &*self.pair {
            Pair::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) | Pair::RsaPss(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// Signs with the key's one scheme; ECDSA in ASN.1 form.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &*self.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("signing")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .expect("signing");
                signature
            }
            Pair::RsaPss(_) => self.sign_pss(message),
        }
    }

    /// Signs as Ed25519ph (RFC 8032 section 5.1) without context.
    pub fn sign_prehashed(&self, message: &[u8]) -> Vec<u8> {
        use ed25519_dalek::Digest as _;
        let seed: [u8; 32] = sha256(self.name.as_bytes());
        let hash = ed25519_dalek::Sha512::new_with_prefix(message);
        ed25519_dalek::SigningKey::from_bytes(&seed)
            .sign_prehashed(hash, None)
            .expect("no context")
            .to_bytes()
            .to_vec()
    }

    /// Signs by RSA-PSS with SHA-256; the key must be RSA.
    pub fn sign_pss(&self, message: &[u8]) -> Vec<u8> {
        let (Pair::Rsa(pair) | Pair::RsaPss(pair)) = &*self.pair else {
            return Vec::new();
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &signature::RSA_PSS_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .expect("signing");
        signature
    }

    /// `AlgorithmIdentifier` of the signatures that [`LabKey::sign`] makes, DER.
    pub fn signature_algorithm(&self) -> Vec<u8> {
        match &*self.pair {
            Pair::Ecdsa(pair) => {
                let dotted = match pair.public_key().as_ref().len() {
                    65 => "1.2.840.10045.4.3.2",
                    97 => "1.2.840.10045.4.3.3",
                    _ => "1.2.840.10045.4.3.4",
                };
                sequence(&[&oid(dotted)])
            }
            Pair::Ed25519(_) => sequence(&[&oid("1.3.101.112")]),
            Pair::Rsa(_) => sequence(&[&oid("1.2.840.113549.1.1.11"), &null()]),
            Pair::RsaPss(_) => {
                // RFC 4055 section 3.1: SHA-256, MGF1 with SHA-256, a salt of 32 bytes.
                let hash = sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &null()]);
                let mask = sequence(&[&oid("1.2.840.113549.1.1.8"), &hash]);
                let parameters = sequence(&[
                    &context(0, &hash),
                    &context(1, &mask),
                    &context(2, &small_integer(32)),
                ]);
                sequence(&[&oid("1.2.840.113549.1.1.10"), &parameters])
            }
        }
    }

    /// The hash that goes with [`LabKey::signature_algorithm`]: object identifier and function.
    pub fn hash(&self) -> Hash {
        match &*self.pair {
            Pair::Ecdsa(pair) => match pair.public_key().as_ref().len() {
                65 => Hash::Sha256,
                97 => Hash::Sha384,
                _ => Hash::Sha512,
            },
            Pair::Ed25519(_) => Hash::Sha512,
            Pair::Rsa(_) | Pair::RsaPss(_) => Hash::Sha256,
        }
    }

    /// `keyDetails` of a trusted root for this key.
    pub fn key_details(&self) -> &'static str {
        match &*self.pair {
            Pair::Ecdsa(pair) => match pair.public_key().as_ref().len() {
                65 => "PKIX_ECDSA_P256_SHA_256",
                97 => "PKIX_ECDSA_P384_SHA_384",
                _ => "PKIX_ECDSA_P521_SHA_512",
            },
            Pair::Ed25519(_) => "PKIX_ED25519",
            Pair::Rsa(_) => "PKIX_RSA_PKCS1V15_2048_SHA256",
            Pair::RsaPss(_) => "PKIX_RSA_PSS_2048_SHA256",
        }
    }
}

impl fmt::Debug for LabKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LabKey({})", self.name)
    }
}

/// A hash function of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1: for tests of its refusal.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash of some bytes.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        };
        digest(algorithm, bytes).as_ref().to_vec()
    }

    /// `AlgorithmIdentifier`, DER, without parameters.
    pub fn algorithm(self) -> Vec<u8> {
        let dotted = match self {
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        };
        sequence(&[&oid(dotted)])
    }

    /// The name in protobuf JSON.
    pub fn protobuf_name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA2_256",
            Self::Sha384 => "SHA2_384",
            Self::Sha512 => "SHA2_512",
        }
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes)
        .as_ref()
        .try_into()
        .expect("32 bytes")
}
