//! A signed TUF repository, honest or bent in one chosen place.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::keys::{LabKey, sha256};
use crate::transparency_log::hex;

/// When everything in the repository expires unless a test says otherwise.
pub const EXPIRES: &str = "2035-01-01T00:00:00Z";

/// A top-level role: who may sign, who does, and what its metadata says of itself.
#[derive(Clone, Debug)]
pub struct TufRole {
    /// The keys that the root lists, by key id.
    pub keys: Vec<(String, LabKey)>,
    /// Who signs, by key id; a test may sign with others, fewer, or twice.
    pub signers: Vec<(String, LabKey)>,
    /// The threshold that the root demands.
    pub threshold: Value,
    /// Version of the metadata.
    pub version: u64,
    /// Expiry of the metadata.
    pub expires: String,
}

/// The repository as its owners have it before it is served.
#[derive(Clone, Debug)]
pub struct TufRepository {
    /// `root`.
    pub root: TufRole,
    /// `timestamp`.
    pub timestamp: TufRole,
    /// `snapshot`.
    pub snapshot: TufRole,
    /// `targets`.
    pub targets: TufRole,
    /// Whether file names carry versions and digests.
    pub consistent: bool,
    /// Target files by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Roots before the current one, oldest first.
    pub older_roots: Vec<Vec<u8>>,
    /// More keys that sign the current root: those of the root before it.
    pub also_sign_root: Vec<(String, LabKey)>,
    /// Entries that the snapshot has besides `targets.json`, with their versions.
    pub more_in_snapshot: BTreeMap<String, u64>,
    /// Roles that targets hand files on to.
    pub delegations: Option<Value>,
    /// How the root lists a key, by key id, where that is not the key's own way.
    pub listed_keys: BTreeMap<String, Value>,
}

impl TufRole {
    /// A role of these keys with a threshold.
    pub fn new(keys: Vec<LabKey>, threshold: u64) -> Self {
        let keys: Vec<_> = keys.into_iter().map(|key| (key_id(&key), key)).collect();
        Self {
            signers: keys.clone(),
            keys,
            threshold: json!(threshold),
            version: 1,
            expires: EXPIRES.to_owned(),
        }
    }
}

impl TufRepository {
    /// Root and targets with two of three keys, the others with one online key; all versions 1, one file.
    pub fn new(trusted_root: &[u8]) -> Self {
        let offline = || {
            vec![
                LabKey::p256("tuf-1"),
                LabKey::ed25519("tuf-2"),
                LabKey::p384("tuf-3"),
            ]
        };
        let online = || vec![LabKey::ed25519("tuf-online")];
        Self {
            root: TufRole::new(offline(), 2),
            timestamp: TufRole::new(online(), 1),
            snapshot: TufRole::new(online(), 1),
            targets: TufRole::new(offline(), 2),
            consistent: true,
            files: BTreeMap::from([("trusted_root.json".to_owned(), trusted_root.to_vec())]),
            older_roots: Vec::new(),
            also_sign_root: Vec::new(),
            more_in_snapshot: BTreeMap::new(),
            delegations: None,
            listed_keys: BTreeMap::new(),
        }
    }

    /// The current root, signed.
    pub fn root_bytes(&self) -> Vec<u8> {
        let mut keys = serde_json::Map::new();
        let mut roles = serde_json::Map::new();
        for (name, role) in [
            ("root", &self.root),
            ("timestamp", &self.timestamp),
            ("snapshot", &self.snapshot),
            ("targets", &self.targets),
        ] {
            let mut ids = Vec::new();
            for (id, key) in &role.keys {
                let listed = self.listed_keys.get(id).cloned();
                keys.insert(id.clone(), listed.unwrap_or_else(|| key_value(key)));
                ids.push(id.clone());
            }
            roles.insert(
                name.to_owned(),
                json!({"keyids": ids, "threshold": role.threshold}),
            );
        }
        let mut signers = self.root.signers.clone();
        signers.extend(self.also_sign_root.clone());
        signed(
            json!({
                "_type": "root", "spec_version": "1.0.31", "version": self.root.version, "expires": self.root.expires,
                "consistent_snapshot": self.consistent, "keys": keys, "roles": roles,
            }),
            &signers,
        )
    }

    /// Goes on to the next root, which the keys of this one sign, too; `change` says what is new.
    pub fn rotate(&mut self, change: impl FnOnce(&mut Self)) {
        self.older_roots.push(self.root_bytes());
        self.also_sign_root = self.root.signers.clone();
        self.root.version += 1;
        change(self);
    }

    /// Raises the versions of targets, snapshot and timestamp.
    pub fn release(&mut self) {
        for role in [&mut self.targets, &mut self.snapshot, &mut self.timestamp] {
            role.version += 1;
        }
    }

    /// Everything that a mirror serves, by path.
    pub fn served(&self) -> BTreeMap<String, Vec<u8>> {
        let mut served = BTreeMap::new();
        for (number, root) in (1..).zip(&self.older_roots) {
            served.insert(format!("{number}.root.json"), root.clone());
        }
        served.insert(
            format!("{}.root.json", self.root.version),
            self.root_bytes(),
        );
        let mut targets = serde_json::Map::new();
        for (name, bytes) in &self.files {
            let digest = hex(&sha256(bytes));
            let path = if self.consistent {
                format!("targets/{digest}.{name}")
            } else {
                format!("targets/{name}")
            };
            served.insert(path, bytes.clone());
            targets.insert(
                name.clone(),
                json!({"length": bytes.len(), "hashes": {"sha256": digest}}),
            );
        }
        let mut body = json!({"targets": targets});
        if let Some(delegations) = &self.delegations {
            body["delegations"] = delegations.clone();
        }
        let targets = metadata("targets", &self.targets, body);
        let mut meta = serde_json::Map::new();
        meta.insert(
            "targets.json".to_owned(),
            announced(self.targets.version, &targets),
        );
        for (name, version) in &self.more_in_snapshot {
            meta.insert(name.clone(), json!({"version": version}));
        }
        let snapshot = metadata("snapshot", &self.snapshot, json!({"meta": meta}));
        let announcement = json!({"snapshot.json": announced(self.snapshot.version, &snapshot)});
        let timestamp = metadata("timestamp", &self.timestamp, json!({"meta": announcement}));
        let name = |name: &str, version: u64| {
            if self.consistent {
                format!("{version}.{name}.json")
            } else {
                format!("{name}.json")
            }
        };
        served.insert(name("targets", self.targets.version), targets);
        served.insert(name("snapshot", self.snapshot.version), snapshot);
        served.insert("timestamp.json".to_owned(), timestamp);
        served
    }
}

/// The signed metadata of a role besides root: `body` and what every role says of itself.
pub fn metadata(name: &str, role: &TufRole, mut body: Value) -> Vec<u8> {
    body["_type"] = json!(name);
    body["spec_version"] = json!("1.0.31");
    body["version"] = json!(role.version);
    body["expires"] = json!(role.expires);
    signed(body, &role.signers)
}

/// The id that the specification gives a key: SHA-256 of its canonical form.
pub fn key_id(key: &LabKey) -> String {
    hex(&sha256(canonical(&key_value(key)).as_bytes()))
}

/// A key as a root lists it.
pub fn key_value(key: &LabKey) -> Value {
    let spki = key.spki();
    let (kind, scheme, public) = match spki.len() {
        44 => ("ed25519", "ed25519", hex(&spki[12..])),
        91 => (
            "ecdsa",
            "ecdsa-sha2-nistp256",
            crate::pem("PUBLIC KEY", spki),
        ),
        _ => (
            "ecdsa",
            "ecdsa-sha2-nistp384",
            crate::pem("PUBLIC KEY", spki),
        ),
    };
    json!({"keytype": kind, "scheme": scheme, "keyval": {"public": public}})
}

/// Metadata with its signatures, in the order of the signers.
pub fn signed(body: Value, signers: &[(String, LabKey)]) -> Vec<u8> {
    let message = canonical(&body);
    let signatures: Vec<Value> = signers
        .iter()
        .map(|(id, key)| json!({"keyid": id, "sig": hex(&key.sign(message.as_bytes()))}))
        .collect();
    serde_json::to_vec_pretty(&json!({"signatures": signatures, "signed": body})).expect("json")
}

fn announced(version: u64, bytes: &[u8]) -> Value {
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": hex(&sha256(bytes))}})
}

/// OLPC canonical JSON.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", text(name), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(canonical).collect();
            format!("[{}]", elements.join(","))
        }
        Value::String(content) => text(content),
        other => other.to_string(),
    }
}

fn text(content: &str) -> String {
    format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
}
