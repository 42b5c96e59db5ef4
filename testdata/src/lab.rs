//! The whole lab: one certificate authority, its logs, its timestamp authorities.

mod recipe;
mod statement;

pub use recipe::{Content, Evidence, Recipe, Signer};
pub use statement::{image_statement, pae, simple_signing_payload};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificate::{
    CertificateSpec, Identity, claim, email_name, extended_key_usage, extension, name, raw_claim,
    subject_alternative_name,
};
use crate::certificate_log::SctSpec;
use crate::keys::{LabKey, sha256};
use crate::timestamp_authority::TIME_STAMPING;
use crate::transparency_log::{Log, hex};

/// When the lab signs: 2026-01-15T12:00:00Z.
pub const SIGNED_AT: i64 = 1_768_478_400;
/// When the lab's evidence is judged: 31 days later.
pub const NOW: i64 = SIGNED_AT + 31 * 86_400;
/// When everything in the lab begins to be valid: 2025-01-01T00:00:00Z.
pub const START: i64 = 1_735_689_600;
/// When the lab's authorities end: 2035-01-01T00:00:00Z.
pub const END: i64 = 2_051_222_400;
/// The DSSE payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The trusted root of the committed vectors.
const COMMITTED_ROOT: &str = include_str!("../vectors/trusted_root.json");
/// Issuer that the lab's certificates name.
pub const ISSUER: &str = "https://issuer.lab.example";

/// The authorities and logs.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Root of the certificate authority, P-384.
    pub root: Identity,
    /// Intermediate of the certificate authority, P-384.
    pub intermediate: Identity,
    /// Certificate transparency log, P-256.
    pub certificate_log: LabKey,
    /// A second certificate transparency log, P-256.
    pub second_certificate_log: LabKey,
    /// Rekor version 1, P-256.
    pub rekor_v1: Log,
    /// A second Rekor version 1, P-256.
    pub second_rekor_v1: Log,
    /// Rekor version 2, Ed25519.
    pub rekor_v2: Log,
    /// Rekor version 2, P-256.
    pub rekor_v2_p256: Log,
    /// Timestamp authority root, P-384.
    pub timestamp_root: Identity,
    /// Timestamp authority leaf, P-384.
    pub timestamp_leaf: Identity,
    /// Timestamp authority of its own, RSA 2048, self-signed root of the P-384 key.
    pub rsa_timestamp_leaf: Identity,
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// The lab as the committed vectors know it: the same keys, and their authorities' very certificates.
    ///
    /// So a vector that is added later goes with the trusted root that the others share.
    pub fn new() -> Self {
        let mut lab = Self::anew();
        let root: Value = serde_json::from_str(COMMITTED_ROOT).expect("committed trusted root");
        let chain = |kind: &str, number: usize| -> Vec<Vec<u8>> {
            root[kind][number]["certChain"]["certificates"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| crate::base64_decode(value["rawBytes"].as_str().unwrap_or_default()))
                .collect()
        };
        let take = |identities: [&mut Identity; 2], chain: Vec<Vec<u8>>| {
            for (identity, der) in identities.into_iter().zip(chain) {
                identity.certificate = der;
            }
        };
        take(
            [&mut lab.intermediate, &mut lab.root],
            chain("certificateAuthorities", 0),
        );
        take(
            [&mut lab.rsa_timestamp_leaf, &mut lab.timestamp_root],
            chain("timestampAuthorities", 1),
        );
        take(
            [&mut lab.timestamp_leaf, &mut lab.timestamp_root],
            chain("timestampAuthorities", 0),
        );
        lab
    }

    /// The lab with certificates signed anew, for writing all vectors at once.
    pub fn anew() -> Self {
        let (root, intermediate) = chain_of("lab");
        let (timestamp_root, timestamp_leaf) =
            timestamp_chain("lab-tsa", &LabKey::p384("lab-tsa-leaf"));
        let rsa_timestamp_leaf = timestamp_leaf_of(&timestamp_root, &LabKey::rsa(), "RSA TSA");
        Self {
            root,
            intermediate,
            certificate_log: LabKey::p256("lab-ct"),
            second_certificate_log: LabKey::p256("lab-ct-2"),
            rekor_v1: Log::version_1(
                "rekor.lab.example",
                1_193_050_959_916_656_506,
                LabKey::p256("lab-rekor-1"),
            ),
            second_rekor_v1: Log::version_1(
                "rekor-b.lab.example",
                2_605_736_670_972_794_746,
                LabKey::p256("lab-rekor-1b"),
            ),
            rekor_v2: Log::version_2(
                "log2026-1.rekor.lab.example",
                LabKey::ed25519("lab-rekor-2"),
            ),
            rekor_v2_p256: Log::version_2(
                "log2026-2.rekor.lab.example",
                LabKey::p256("lab-rekor-2b"),
            ),
            timestamp_root,
            timestamp_leaf,
            rsa_timestamp_leaf,
        }
    }

    /// The image that the lab signs: the digest of a fixed text.
    pub fn image() -> String {
        format!("sha256:{}", hex(&sha256(b"the lab's image")))
    }

    /// The file that the lab signs.
    pub fn artifact() -> Vec<u8> {
        b"the lab's artifact\n".to_vec()
    }

    /// `trusted_root.json` of everything in the lab.
    pub fn trusted_root(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                log_instance(&self.rekor_v1),
                log_instance(&self.second_rekor_v1),
                log_instance(&self.rekor_v2),
                log_instance(&self.rekor_v2_p256),
            ],
            "certificateAuthorities": [
                authority_instance("https://fulcio.lab.example", &[&self.intermediate.certificate, &self.root.certificate]),
            ],
            "ctlogs": [
                key_instance("https://ct.lab.example", &self.certificate_log, &self.certificate_log.id()),
                key_instance("https://ct-b.lab.example", &self.second_certificate_log, &self.second_certificate_log.id()),
            ],
            "timestampAuthorities": [
                authority_instance("https://tsa.lab.example", &[&self.timestamp_leaf.certificate, &self.timestamp_root.certificate]),
                authority_instance("https://tsa-rsa.lab.example", &[&self.rsa_timestamp_leaf.certificate, &self.timestamp_root.certificate]),
            ],
        })
    }

    /// A recipe for evidence signed with a certificate for an e-mail address.
    pub fn keyless(&self, email: &str) -> Recipe<'_> {
        self.certified(email_name(email))
    }

    /// A recipe for evidence signed with a certificate for any `GeneralName`.
    pub fn certified(&self, general_name: Vec<u8>) -> Recipe<'_> {
        let key = LabKey::p256("lab-signer");
        let mut certificate = CertificateSpec::code_signing(
            &key,
            &self.intermediate,
            (SIGNED_AT - 60, SIGNED_AT + 540),
        )
        .with(subject_alternative_name(&[general_name]))
        .with(raw_claim(1, ISSUER))
        .with(claim(8, ISSUER));
        certificate.scts = vec![SctSpec::new(&self.certificate_log, SIGNED_AT - 59)];
        Recipe::new(
            self,
            Signer::Certificate {
                key,
                certificate: Box::new(certificate),
                issuer: self.intermediate.clone(),
            },
        )
    }

    /// A recipe for evidence signed with a managed key.
    pub fn managed(&self, key: LabKey) -> Recipe<'_> {
        Recipe::new(self, Signer::Key(key))
    }
}

/// A root and an intermediate for code signing; `prefix` is the keys' seed.
pub fn chain_of(prefix: &str) -> (Identity, Identity) {
    let root_key = LabKey::p384(&format!("{prefix}-root"));
    let root_name = name("lab.example", "lab root");
    let root = Identity {
        certificate: CertificateSpec::authority(
            &root_name,
            &root_key,
            &root_name,
            &root_key,
            None,
            (START, END),
        )
        .sign(&root_key),
        name: root_name.clone(),
        key: root_key.clone(),
    };
    let key = LabKey::p384(&format!("{prefix}-intermediate"));
    let intermediate_name = name("lab.example", "lab intermediate");
    let certificate = CertificateSpec::authority(
        &intermediate_name,
        &key,
        &root_name,
        &root_key,
        Some(0),
        (START, END),
    )
    .with(extension(
        "2.5.29.37",
        false,
        extended_key_usage(&["1.3.6.1.5.5.7.3.3"]),
    ))
    .sign(&root_key);
    let intermediate = Identity {
        certificate,
        name: intermediate_name,
        key,
    };
    (root, intermediate)
}

/// A root and a leaf for timestamping; `prefix` is the root key's seed.
pub fn timestamp_chain(prefix: &str, leaf: &LabKey) -> (Identity, Identity) {
    let key = LabKey::p384(&format!("{prefix}-root"));
    let root_name = name("lab.example", &format!("{prefix} root"));
    let root = Identity {
        certificate: CertificateSpec::authority(
            &root_name,
            &key,
            &root_name,
            &key,
            None,
            (START, END),
        )
        .sign(&key),
        name: root_name,
        key,
    };
    let leaf = timestamp_leaf_of(&root, leaf, "TSA");
    (root, leaf)
}

/// An honest timestamping leaf under `root`.
pub fn timestamp_leaf_of(root: &Identity, key: &LabKey, common: &str) -> Identity {
    let spec = timestamp_leaf_spec(root, key, common);
    Identity {
        certificate: spec.sign(&root.key),
        name: spec.subject,
        key: key.clone(),
    }
}

/// The certificate of an honest timestamping leaf, not yet signed.
pub fn timestamp_leaf_spec(root: &Identity, key: &LabKey, common: &str) -> CertificateSpec {
    let mut spec = CertificateSpec::code_signing(key, root, (START, END));
    spec.subject = name("lab.example", common);
    spec.replace(extension(
        "2.5.29.37",
        true,
        extended_key_usage(&[TIME_STAMPING]),
    ));
    spec
}

/// A log as `tlogs[]` of a trusted root.
pub fn log_instance(log: &Log) -> Value {
    key_instance(&log.base_url, &log.key, &log.id())
}

/// A key as `tlogs[]` or `ctlogs[]` of a trusted root, valid from the lab's start.
pub fn key_instance(url: &str, key: &LabKey, id: &[u8]) -> Value {
    json!({"baseUrl": url, "hashAlgorithm": "SHA2_256",
           "publicKey": {"rawBytes": STANDARD.encode(key.spki()), "keyDetails": key.key_details(),
                         "validFor": {"start": "2025-01-01T00:00:00Z"}},
           "logId": {"keyId": STANDARD.encode(id)}})
}

/// A chain as `certificateAuthorities[]` or `timestampAuthorities[]` of a trusted root, valid from the lab's start.
pub fn authority_instance(url: &str, chain: &[&Vec<u8>]) -> Value {
    json!({"subject": {"organization": "lab.example", "commonName": "lab"}, "uri": url,
           "certChain": {"certificates": chain.iter().map(|der| json!({"rawBytes": STANDARD.encode(der)})).collect::<Vec<_>>()},
           "validFor": {"start": "2025-01-01T00:00:00Z"}})
}
