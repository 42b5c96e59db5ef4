//! Recipes for evidence: who signs what, where it is logged or dated, how it is bent.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::statement::{image_statement, pae};
use super::{IN_TOTO, Lab, SIGNED_AT};
use crate::certificate::{CertificateSpec, Identity};
use crate::keys::LabKey;
use crate::timestamp_authority::TimestampSpec;
use crate::transparency_log::{
    Entry, EntrySpec, Log, dsse_v1, dsse_v2, hashedrekord_v1, hashedrekord_v2, intoto_v2,
};

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
    pub(super) fn new(lab: &'lab Lab, signer: Signer) -> Self {
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
