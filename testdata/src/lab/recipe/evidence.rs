//! What a recipe makes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::statement::pae;
use super::{Content, Recipe, Signer};
use crate::keys::LabKey;
use crate::timestamp_authority::TimestampSpec;
use crate::transparency_log::{
    Entry, Log, dsse_v1, dsse_v2, hashedrekord_v1, hashedrekord_v2, intoto_v2,
};

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

impl Recipe<'_> {
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
