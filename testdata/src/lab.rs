//! The whole lab: one certificate authority, its logs, its timestamp authorities, and recipes for evidence.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificate::{
    CertificateSpec, Identity, claim, email_name, extended_key_usage, extension, name, raw_claim,
    subject_alternative_name,
};
use crate::certificate_log::SctSpec;
use crate::keys::{LabKey, sha256};
use crate::timestamp_authority::{TIME_STAMPING, TimestampSpec};
use crate::transparency_log::{
    Entry, EntrySpec, Log, dsse_v1, dsse_v2, hashedrekord_v1, hashedrekord_v2, hex, intoto_v2,
};

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

/// Who signs in a recipe.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A managed key.
    Key(LabKey),
    /// A certificate.
    Certificate {
        /// The key that is certified.
        key: LabKey,
        /// The certificate, not yet signed.
        certificate: Box<CertificateSpec>,
        /// Who signs the certificate.
        issuer: Identity,
    },
}

/// What is signed.
#[derive(Clone, Debug)]
pub enum Content {
    /// A DSSE envelope.
    Envelope {
        /// Payload type.
        payload_type: String,
        /// Payload.
        payload: Vec<u8>,
    },
    /// A file.
    Message(Vec<u8>),
    /// cosign's simple signing payload, signed as it is.
    SimpleSigning(Vec<u8>),
}

type Bend<'lab, T> = Vec<Box<dyn Fn(&mut T) + 'lab>>;

/// Evidence in the making: honest unless bent.
pub struct Recipe<'lab> {
    lab: &'lab Lab,
    signer: Signer,
    content: Content,
    signing_key: Option<LabKey>,
    logs: Vec<(Log, &'static str)>,
    integrated_time: i64,
    authorities: Vec<(Identity, i64)>,
    chain: Option<Vec<Vec<u8>>>,
    bend_certificate: Bend<'lab, CertificateSpec>,
    bend_signature: Bend<'lab, Vec<u8>>,
    bend_body: Bend<'lab, Value>,
    bend_entry: Bend<'lab, EntrySpec>,
    bend_timestamp: Bend<'lab, TimestampSpec>,
    bend_bundle: Bend<'lab, Value>,
}

/// What a recipe makes.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The bundle.
    pub bundle: Value,
    /// The signed bytes that an OCI layer would hold: envelope or simple signing payload.
    pub layer: Vec<u8>,
    /// The annotations that such a layer would carry.
    pub annotations: BTreeMap<String, String>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The signer's certificate, DER.
    pub certificate: Option<Vec<u8>>,
    /// Log entries.
    pub entries: Vec<Entry>,
    /// Timestamp responses, DER.
    pub timestamps: Vec<Vec<u8>>,
}

impl<'lab> Recipe<'lab> {
    fn new(lab: &'lab Lab, signer: Signer) -> Self {
        Self {
            lab,
            signer,
            content: Content::Envelope {
                payload_type: IN_TOTO.to_owned(),
                payload: image_statement(&Lab::image()).to_string().into_bytes(),
            },
            signing_key: None,
            logs: Vec::new(),
            integrated_time: SIGNED_AT,
            authorities: Vec::new(),
            chain: None,
            bend_certificate: Vec::new(),
            bend_signature: Vec::new(),
            bend_body: Vec::new(),
            bend_entry: Vec::new(),
            bend_timestamp: Vec::new(),
            bend_bundle: Vec::new(),
        }
    }

    /// Signs this statement in place of the image signature.
    pub fn statement(self, statement: &Value) -> Self {
        self.payload(IN_TOTO, statement.to_string().as_bytes())
    }

    /// Signs these bytes in an envelope of this type.
    pub fn payload(mut self, payload_type: &str, payload: &[u8]) -> Self {
        self.content = Content::Envelope {
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
        };
        self
    }

    /// Signs a file.
    pub fn message(mut self, bytes: &[u8]) -> Self {
        self.content = Content::Message(bytes.to_vec());
        self
    }

    /// Signs a simple signing payload.
    pub fn simple_signing(mut self, payload: &[u8]) -> Self {
        self.content = Content::SimpleSigning(payload.to_vec());
        self
    }

    /// Signs with another key than the one that is named.
    pub fn signed_by(mut self, key: LabKey) -> Self {
        self.signing_key = Some(key);
        self
    }

    /// Certifies another key.
    pub fn certified_key(mut self, other: LabKey) -> Self {
        if let Signer::Certificate {
            key, certificate, ..
        } = &mut self.signer
        {
            certificate.spki = other.spki().to_vec();
            *key = other;
        }
        self
    }

    /// Has the certificate issued by another authority; its issuer name becomes that one's.
    pub fn issued_by(mut self, authority: &Identity) -> Self {
        if let Signer::Certificate {
            certificate,
            issuer,
            ..
        } = &mut self.signer
        {
            certificate.issuer = authority.name.clone();
            *issuer = authority.clone();
        }
        self
    }

    /// Adds an entry of the version 1 log: `dsse` for envelopes, `hashedrekord` else.
    pub fn rekor_v1(self) -> Self {
        let log = self.lab.rekor_v1.clone();
        self.logged(log, "")
    }

    /// Adds an entry of the Ed25519 version 2 log.
    pub fn rekor_v2(self) -> Self {
        let log = self.lab.rekor_v2.clone();
        self.logged(log, "")
    }

    /// Adds an entry of any log; `kind` is empty for the usual one, else `dsse`, `intoto` or `hashedrekord`.
    pub fn logged(mut self, log: Log, kind: &'static str) -> Self {
        self.logs.push((log, kind));
        self
    }

    /// When version 1 logs say that they integrated the entry.
    pub fn integrated_at(mut self, seconds: i64) -> Self {
        self.integrated_time = seconds;
        self
    }

    /// Adds a timestamp of the P-384 authority.
    pub fn timestamped(self) -> Self {
        let authority = self.lab.timestamp_leaf.clone();
        self.timestamped_by(&authority, SIGNED_AT)
    }

    /// Adds a timestamp of any authority at any time.
    pub fn timestamped_by(mut self, authority: &Identity, seconds: i64) -> Self {
        self.authorities.push((authority.clone(), seconds));
        self
    }

    /// Writes a chain in place of the leaf certificate; the leaf goes first.
    pub fn chain(mut self, above: Vec<Vec<u8>>) -> Self {
        self.chain = Some(above);
        self
    }

    /// Bends the certificate before SCTs and signature are made.
    pub fn certificate(mut self, bend: impl Fn(&mut CertificateSpec) + 'lab) -> Self {
        self.bend_certificate.push(Box::new(bend));
        self
    }

    /// Bends the signature before it is logged and stamped.
    pub fn signature(mut self, bend: impl Fn(&mut Vec<u8>) + 'lab) -> Self {
        self.bend_signature.push(Box::new(bend));
        self
    }

    /// Bends the body of each log entry before it is logged.
    pub fn body(mut self, bend: impl Fn(&mut Value) + 'lab) -> Self {
        self.bend_body.push(Box::new(bend));
        self
    }

    /// Bends each log entry before it is logged.
    pub fn entry(mut self, bend: impl Fn(&mut EntrySpec) + 'lab) -> Self {
        self.bend_entry.push(Box::new(bend));
        self
    }

    /// Bends each timestamp before it is signed.
    pub fn timestamp(mut self, bend: impl Fn(&mut TimestampSpec) + 'lab) -> Self {
        self.bend_timestamp.push(Box::new(bend));
        self
    }

    /// Bends the finished bundle.
    pub fn bundle(mut self, bend: impl Fn(&mut Value) + 'lab) -> Self {
        self.bend_bundle.push(Box::new(bend));
        self
    }

    /// Makes the evidence.
    pub fn build(&self) -> Evidence {
        let (key, certificate) = self.signer();
        let signing_key = self.signing_key.as_ref().unwrap_or(&key);
        let signed = match &self.content {
            Content::Envelope {
                payload_type,
                payload,
            } => pae(payload_type, payload),
            Content::Message(bytes) | Content::SimpleSigning(bytes) => bytes.clone(),
        };
        let mut signature = signing_key.sign(&signed);
        for bend in &self.bend_signature {
            bend(&mut signature);
        }
        let envelope = match &self.content {
            Content::Envelope {
                payload_type,
                payload,
            } => json!({
                "payload": STANDARD.encode(payload), "payloadType": payload_type,
                "signatures": [{"sig": STANDARD.encode(&signature)}]}),
            _ => Value::Null,
        };
        let entries: Vec<Entry> = self
            .logs
            .iter()
            .map(|(log, kind)| {
                let mut body = self.log_body(
                    log,
                    kind,
                    &key,
                    certificate.as_deref(),
                    &signed,
                    &signature,
                    &envelope,
                );
                for bend in &self.bend_body {
                    bend(&mut body);
                }
                let mut entry = log.entry(&body, self.integrated_time);
                for bend in &self.bend_entry {
                    bend(&mut entry);
                }
                entry.log()
            })
            .collect();
        let timestamps: Vec<Vec<u8>> = self
            .authorities
            .iter()
            .map(|(authority, seconds)| {
                let mut spec = TimestampSpec::new(authority, *seconds, &signature);
                for bend in &self.bend_timestamp {
                    bend(&mut spec);
                }
                spec.sign()
            })
            .collect();
        let mut bundle = self.bundle_of(&key, certificate.as_deref(), &entries, &timestamps);
        match &self.content {
            Content::Envelope { .. } => bundle["dsseEnvelope"] = envelope.clone(),
            Content::Message(bytes) | Content::SimpleSigning(bytes) => {
                let hash = key.hash();
                bundle["messageSignature"] = json!({
                    "messageDigest": {"algorithm": hash.protobuf_name(), "digest": STANDARD.encode(hash.of(bytes))},
                    "signature": STANDARD.encode(&signature)});
            }
        }
        for bend in &self.bend_bundle {
            bend(&mut bundle);
        }
        let layer = match &self.content {
            Content::Envelope { .. } => envelope.to_string().into_bytes(),
            Content::Message(bytes) | Content::SimpleSigning(bytes) => bytes.clone(),
        };
        Evidence {
            annotations: self.annotations(
                &signature,
                certificate.as_deref(),
                &entries,
                &timestamps,
            ),
            bundle,
            layer,
            signature,
            certificate,
            entries,
            timestamps,
        }
    }

    fn signer(&self) -> (LabKey, Option<Vec<u8>>) {
        match &self.signer {
            Signer::Key(key) => (key.clone(), None),
            Signer::Certificate {
                key,
                certificate,
                issuer,
            } => {
                let mut certificate = certificate.clone();
                for bend in &self.bend_certificate {
                    bend(&mut certificate);
                }
                (key.clone(), Some(certificate.sign(&issuer.key)))
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call, each argument a different thing"
    )]
    fn log_body(
        &self,
        log: &Log,
        kind: &str,
        key: &LabKey,
        certificate: Option<&[u8]>,
        signed: &[u8],
        signature: &[u8],
        envelope: &Value,
    ) -> Value {
        let hash = key.hash();
        if log.version_2 {
            let verifier = match certificate {
                Some(der) => {
                    json!({"keyDetails": key.key_details(), "x509Certificate": {"rawBytes": STANDARD.encode(der)}})
                }
                None => {
                    json!({"keyDetails": key.key_details(), "publicKey": {"rawBytes": STANDARD.encode(key.spki())}})
                }
            };
            return match (&self.content, kind) {
                (Content::Envelope { payload, .. }, "dsse") => {
                    dsse_v2(payload, signature, verifier)
                }
                _ => hashedrekord_v2(hash.protobuf_name(), &hash.of(signed), signature, verifier),
            };
        }
        let pem = match certificate {
            Some(der) => crate::pem("CERTIFICATE", der),
            None => key.public_pem(),
        };
        match (&self.content, kind) {
            (Content::Envelope { payload, .. }, "" | "dsse") => {
                dsse_v1(envelope.to_string().as_bytes(), payload, signature, &pem)
            }
            (
                Content::Envelope {
                    payload_type,
                    payload,
                },
                "intoto",
            ) => intoto_v2(
                envelope.to_string().as_bytes(),
                payload_type,
                payload,
                signature,
                &pem,
            ),
            _ => {
                let name = match hash {
                    crate::keys::Hash::Sha384 => "sha384",
                    crate::keys::Hash::Sha512 => "sha512",
                    _ => "sha256",
                };
                hashedrekord_v1(name, &hash.of(signed), signature, &pem)
            }
        }
    }

    fn bundle_of(
        &self,
        key: &LabKey,
        certificate: Option<&[u8]>,
        entries: &[Entry],
        timestamps: &[Vec<u8>],
    ) -> Value {
        let raw = |der: &[u8]| json!({"rawBytes": STANDARD.encode(der)});
        let mut material = match (certificate, &self.chain) {
            (Some(leaf), Some(above)) => {
                let mut certificates = vec![raw(leaf)];
                certificates.extend(above.iter().map(|der| raw(der)));
                json!({"x509CertificateChain": {"certificates": certificates}})
            }
            (Some(leaf), None) => json!({"certificate": raw(leaf)}),
            (None, _) => json!({"publicKey": {"hint": STANDARD.encode(key.id())}}),
        };
        if !entries.is_empty() {
            material["tlogEntries"] = entries.iter().map(|entry| entry.bundle.clone()).collect();
        }
        if !timestamps.is_empty() {
            material["timestampVerificationData"] = json!({"rfc3161Timestamps": timestamps.iter()
                .map(|der| json!({"signedTimestamp": STANDARD.encode(der)})).collect::<Vec<_>>()});
        }
        json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material})
    }

    fn annotations(
        &self,
        signature: &[u8],
        certificate: Option<&[u8]>,
        entries: &[Entry],
        timestamps: &[Vec<u8>],
    ) -> BTreeMap<String, String> {
        let mut annotations = BTreeMap::new();
        let is_envelope = matches!(self.content, Content::Envelope { .. });
        let text = if is_envelope {
            String::new()
        } else {
            STANDARD.encode(signature)
        };
        annotations.insert("dev.cosignproject.cosign/signature".to_owned(), text);
        if let Content::Envelope { payload, .. } = &self.content
            && let Ok(statement) = serde_json::from_slice::<Value>(payload)
            && let Some(predicate_type) = statement["predicateType"].as_str()
        {
            annotations.insert("predicateType".to_owned(), predicate_type.to_owned());
        }
        if let (Some(der), Signer::Certificate { .. }) = (certificate, &self.signer) {
            annotations.insert(
                "dev.sigstore.cosign/certificate".to_owned(),
                crate::pem("CERTIFICATE", der),
            );
            let chain = [
                &self.lab.intermediate.certificate,
                &self.lab.root.certificate,
            ]
            .map(|der| crate::pem("CERTIFICATE", der))
            .concat();
            annotations.insert("dev.sigstore.cosign/chain".to_owned(), chain);
        }
        if let Some(annotation) = entries.iter().find_map(|entry| entry.annotation.as_ref()) {
            annotations.insert(
                "dev.sigstore.cosign/bundle".to_owned(),
                annotation.to_string(),
            );
        }
        if let Some(der) = timestamps.first() {
            let value = json!({"SignedRFC3161Timestamp": STANDARD.encode(der)});
            annotations.insert(
                "dev.sigstore.cosign/rfc3161timestamp".to_owned(),
                value.to_string(),
            );
        }
        annotations
    }
}

/// The statement that cosign signs for an image.
pub fn image_statement(digest: &str) -> Value {
    let (algorithm, value) = digest.split_once(':').expect("algorithm:value");
    json!({"_type": "https://in-toto.io/Statement/v1",
           "subject": [{"digest": {algorithm: value}, "annotations": {}}],
           "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {}})
}

/// The simple signing payload that cosign signs for an image.
pub fn simple_signing_payload(digest: &str) -> Value {
    json!({"critical": {"identity": {"docker-reference": "registry.lab.example/app"},
                        "image": {"docker-manifest-digest": digest},
                        "type": "cosign container image signature"},
           "optional": null})
}

/// DSSE pre-authentication encoding.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
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
