//! The lab's transparency logs: Rekor version 1 with promises and checkpoints, Rekor version 2 with checkpoints alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::keys::{LabKey, sha256};
use crate::merkle::{leaf_hash, path, root};

/// A log of the lab.
#[derive(Clone, Debug)]
pub struct Log {
    /// Its signing key: P-256 for version 1; Ed25519 or P-256 for version 2.
    pub key: LabKey,
    /// Base URL in the trusted root.
    pub base_url: String,
    /// First line of its checkpoints.
    pub origin: String,
    /// Name in the signature line of its checkpoints.
    pub note_name: String,
    /// Whether it is a version 2 log.
    pub version_2: bool,
    /// What is added to the index in the tree to give the global index (version 1 shards).
    pub index_offset: u64,
}

/// One line of a checkpoint's signatures.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    /// Who signs.
    pub key: LabKey,
    /// Name in the line.
    pub name: String,
    /// Four bytes before the signature.
    pub hint: [u8; 4],
    /// Flips the last bit of the signature.
    pub broken: bool,
}

/// A witness's line on a checkpoint (C2SP tlog-cosignature).
#[derive(Clone, Debug)]
pub struct Cosigner {
    /// Who cosigns, Ed25519.
    pub key: LabKey,
    /// Name in the line.
    pub name: String,
    /// Four bytes before the signature, in place of the witness's own.
    pub hint: Option<[u8; 4]>,
    /// The time that the line states, seconds since 1970.
    pub time: i64,
    /// The time that is signed.
    pub signed_time: i64,
    /// What is signed in place of the checkpoint's text.
    pub text: Option<String>,
}

/// A checkpoint before it is signed.
#[derive(Clone, Debug)]
pub struct CheckpointSpec {
    /// First line.
    pub origin: String,
    /// Second line, as text.
    pub size: String,
    /// Third line, decoded.
    pub root: Vec<u8>,
    /// Further lines.
    pub extensions: Vec<String>,
    /// Signature lines.
    pub signers: Vec<NoteSigner>,
    /// Lines of witnesses, behind them.
    pub cosigners: Vec<Cosigner>,
}

impl Cosigner {
    /// An honest line of a witness.
    pub fn new(key: &LabKey, name: &str, time: i64) -> Self {
        Self {
            key: key.clone(),
            name: name.to_owned(),
            hint: None,
            time,
            signed_time: time,
            text: None,
        }
    }

    /// The first bytes of SHA-256 over name, type and key (C2SP signed-note).
    pub fn hint(&self) -> [u8; 4] {
        let name = self.name.as_bytes();
        let id = sha256(&[name, b"\n\x04", &self.key.raw_public()[..]].concat());
        [id[0], id[1], id[2], id[3]]
    }

    /// The line under this text.
    fn line(&self, text: &str) -> String {
        let text = self.text.as_deref().unwrap_or(text);
        let signed = format!("cosignature/v1\ntime {}\n{text}", self.signed_time);
        let blob = [
            &self.hint.unwrap_or(self.hint())[..],
            &self.time.to_be_bytes(),
            &self.key.sign(signed.as_bytes()),
        ]
        .concat();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(blob))
    }
}

/// An entry on its way into a log, each part open to bending before it is written.
#[derive(Clone, Debug)]
pub struct EntrySpec {
    /// The log.
    pub log: Log,
    /// Kind in the bundle.
    pub kind: String,
    /// Version in the bundle.
    pub version: String,
    /// The body that is logged.
    pub body: Vec<u8>,
    /// Entries before ours in the tree.
    pub before: usize,
    /// Entries after ours in the tree.
    pub after: usize,
    /// Seconds since 1970 (version 1).
    pub integrated_time: Option<i64>,
    /// Whether to write a signed entry timestamp (version 1).
    pub promise: bool,
    /// Whether to write an inclusion proof.
    pub proof: bool,
    /// Signed in the promise in place of the real members.
    pub promise_override: Option<Value>,
    /// Bends the checkpoint.
    pub checkpoint: Option<fn(&mut CheckpointSpec)>,
}

/// What the log answered.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As `tlogEntries[]` of a bundle.
    pub bundle: Value,
    /// As cosign's `dev.sigstore.cosign/bundle` annotation (version 1 with a promise).
    pub annotation: Option<Value>,
}

impl Log {
    /// A version 1 log: `NAME - TREEID` as origin.
    pub fn version_1(name: &str, tree: u64, key: LabKey) -> Self {
        Self {
            key,
            base_url: format!("https://{name}"),
            origin: format!("{name} - {tree}"),
            note_name: name.to_owned(),
            version_2: false,
            index_offset: 1_000,
        }
    }

    /// A version 2 log: its host name as origin.
    pub fn version_2(host: &str, key: LabKey) -> Self {
        Self {
            key,
            base_url: format!("https://{host}"),
            origin: host.to_owned(),
            note_name: host.to_owned(),
            version_2: true,
            index_offset: 0,
        }
    }

    /// The log id: SHA-256 of the key; for Ed25519 version 2 logs of origin and raw key (C2SP signed-note).
    pub fn id(&self) -> [u8; 32] {
        if self.version_2 && self.key.key_details() == "PKIX_ED25519" {
            let mut text = self.note_name.as_bytes().to_vec();
            text.extend_from_slice(b"\n\x01");
            text.extend_from_slice(&self.key.raw_public());
            sha256(&text)
        } else {
            self.key.id()
        }
    }

    /// The log's own signature line.
    pub fn note_signer(&self) -> NoteSigner {
        let id = self.id();
        NoteSigner {
            key: self.key.clone(),
            name: self.note_name.clone(),
            hint: [id[0], id[1], id[2], id[3]],
            broken: false,
        }
    }

    /// An honest entry of this log for `body`; kind and version are the body's own.
    pub fn entry(&self, body: &Value, integrated_time: i64) -> EntrySpec {
        EntrySpec {
            log: self.clone(),
            kind: body["kind"].as_str().unwrap_or_default().to_owned(),
            version: body["apiVersion"].as_str().unwrap_or_default().to_owned(),
            body: body.to_string().into_bytes(),
            before: 5,
            after: 3,
            integrated_time: (!self.version_2).then_some(integrated_time),
            promise: !self.version_2,
            proof: true,
            promise_override: None,
            checkpoint: None,
        }
    }
}

impl CheckpointSpec {
    /// The signed note.
    pub fn sign(&self) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(&self.root)
        );
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        let mut note = format!("{text}\n");
        for signer in &self.signers {
            let mut signature = signer.key.sign(text.as_bytes());
            if signer.broken
                && let Some(last) = signature.last_mut()
            {
                *last ^= 1;
            }
            let blob = [&signer.hint[..], &signature].concat();
            note.push_str(&format!(
                "\u{2014} {} {}\n",
                signer.name,
                STANDARD.encode(blob)
            ));
        }
        for cosigner in &self.cosigners {
            note.push_str(&cosigner.line(&text));
        }
        note
    }
}

impl EntrySpec {
    /// Puts the entry into the tree and writes the log's answer.
    pub fn log(&self) -> Entry {
        let index = self.before;
        let global = index as u64 + self.log.index_offset;
        let mut leaves: Vec<[u8; 32]> = (0..self.before + self.after)
            .map(|number| leaf_hash(format!("{} filler {number}", self.log.origin).as_bytes()))
            .collect();
        leaves.insert(index, leaf_hash(&self.body));
        let tree_root = root(&leaves);
        let body = STANDARD.encode(&self.body);
        let id = self.log.id();
        let mut entry = json!({
            "logIndex": global.to_string(),
            "logId": {"keyId": STANDARD.encode(id)},
            "kindVersion": {"kind": self.kind, "version": self.version},
        });
        if let Some(time) = self.integrated_time {
            entry["integratedTime"] = json!(time.to_string());
        }
        let mut annotation = None;
        if self.promise {
            let promised = self.promise_override.clone().unwrap_or_else(|| {
                json!({"body": body, "integratedTime": self.integrated_time.unwrap_or(0),
                       "logID": hex(&id), "logIndex": global})
            });
            let signature = self.log.key.sign(promised.to_string().as_bytes());
            entry["inclusionPromise"] =
                json!({"signedEntryTimestamp": STANDARD.encode(&signature)});
            annotation = Some(json!({
                "SignedEntryTimestamp": STANDARD.encode(&signature),
                "Payload": {"body": body, "integratedTime": self.integrated_time.unwrap_or(0),
                            "logIndex": global, "logID": hex(&id)},
            }));
        }
        if self.proof {
            let mut checkpoint = CheckpointSpec {
                origin: self.log.origin.clone(),
                size: leaves.len().to_string(),
                root: tree_root.to_vec(),
                extensions: Vec::new(),
                signers: vec![self.log.note_signer()],
                cosigners: Vec::new(),
            };
            if let Some(bend) = self.checkpoint {
                bend(&mut checkpoint);
            }
            let hashes: Vec<String> = path(&leaves, index)
                .iter()
                .map(|hash| STANDARD.encode(hash))
                .collect();
            entry["inclusionProof"] = json!({
                "logIndex": index.to_string(),
                "rootHash": STANDARD.encode(tree_root),
                "treeSize": leaves.len().to_string(),
                "hashes": hashes,
                "checkpoint": {"envelope": checkpoint.sign()},
            });
        }
        entry["canonicalizedBody"] = json!(body);
        Entry {
            bundle: entry,
            annotation,
        }
    }
}

/// `hashedrekord` 0.0.1: `verifier_pem` is the PEM of certificate or public key.
pub fn hashedrekord_v1(
    digest_name: &str,
    digest: &[u8],
    signature: &[u8],
    verifier_pem: &str,
) -> Value {
    json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": digest_name, "value": hex(digest)}},
        "signature": {"content": STANDARD.encode(signature),
                      "publicKey": {"content": STANDARD.encode(verifier_pem)}}}})
}

/// `dsse` 0.0.1.
pub fn dsse_v1(envelope: &[u8], payload: &[u8], signature: &[u8], verifier_pem: &str) -> Value {
    json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": {"algorithm": "sha256", "value": hex(&sha256(envelope))},
        "payloadHash": {"algorithm": "sha256", "value": hex(&sha256(payload))},
        "signatures": [{"signature": STANDARD.encode(signature), "verifier": STANDARD.encode(verifier_pem)}]}})
}

/// `intoto` 0.0.2, as logged: the payload is left out, the signature is base64 twice.
pub fn intoto_v2(
    envelope: &[u8],
    payload_type: &str,
    payload: &[u8],
    signature: &[u8],
    verifier_pem: &str,
) -> Value {
    json!({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
        "envelope": {"payloadType": payload_type, "signatures": [{
            "publicKey": STANDARD.encode(verifier_pem),
            "sig": STANDARD.encode(STANDARD.encode(signature))}]},
        "hash": {"algorithm": "sha256", "value": hex(&sha256(envelope))},
        "payloadHash": {"algorithm": "sha256", "value": hex(&sha256(payload))}}}})
}

/// `hashedrekord` 0.0.2; `verifier` is `{"x509Certificate": …}` or `{"publicKey": …}` with `keyDetails`.
pub fn hashedrekord_v2(algorithm: &str, digest: &[u8], signature: &[u8], verifier: Value) -> Value {
    json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": algorithm, "digest": STANDARD.encode(digest)},
        "signature": {"content": STANDARD.encode(signature), "verifier": verifier}}}})
}

/// `dsse` 0.0.2, which logs of version 2 once wrote; `verifier` as in [`hashedrekord_v2`].
pub fn dsse_v2(payload: &[u8], signature: &[u8], verifier: Value) -> Value {
    json!({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": {
        "payloadHash": {"algorithm": "SHA2_256", "digest": STANDARD.encode(sha256(payload))},
        "signatures": [{"content": STANDARD.encode(signature), "verifier": verifier}]}}})
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
