//! Reads each vector's folder and judges it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{
    Digest, Limits, PublicKey, TrustedRoot, UnixTime, Window, pem_certificates,
};
use countersign_proof::{
    BytesContent, Dangers, DigestContent, Origin, StorageForm, Subject, TrustMaterial, TrustedKey,
    Unverified, Verified, Witness, verify,
};

use crate::vectors;

/// What a folder's `expect.toml` says.
#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) folder: PathBuf,
    pub(crate) group: String,
    pub(crate) name: String,
    table: toml::Table,
}

impl Expectation {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.table.get(key).and_then(toml::Value::as_str)
    }

    pub(crate) fn texts(&self, key: &str) -> Vec<&str> {
        let list = self.table.get(key).and_then(toml::Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect()
    }

    pub(crate) fn accept(&self) -> bool {
        self.table["accept"].as_bool().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> Bytes {
        fs::read(self.folder.join(name))
            .unwrap_or_else(|error| panic!("{}/{name}: {error}", self.name))
            .into()
    }

    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        match fs::read(self.folder.join("annotations.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => BTreeMap::new(),
        }
    }

    fn witnesses(&self) -> Vec<(String, PublicKey)> {
        let list = self
            .table
            .get("witnesses")
            .and_then(toml::Value::as_array)
            .cloned();
        list.unwrap_or_default()
            .iter()
            .map(|witness| {
                let pem = self.file(witness["file"].as_str().unwrap());
                let name = witness["name"].as_str().unwrap().to_owned();
                (name, PublicKey::from_pem(&pem).unwrap())
            })
            .collect()
    }

    fn proven(&self) -> Option<[i64; 3]> {
        let proven = self.table.get("proven")?;
        Some(["logs", "timestamps", "scts"].map(|key| proven[key].as_integer().unwrap()))
    }
}

pub(crate) fn all() -> Vec<Expectation> {
    let folders = |path: &Path| {
        let mut folders: Vec<PathBuf> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
    };
    let mut all = Vec::new();
    for group in folders(&vectors()) {
        for folder in folders(&group) {
            let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(folder.join("expect.toml")).unwrap();
            all.push(Expectation {
                group: name(&group),
                name: name(&folder),
                table: text.parse().unwrap(),
                folder,
            });
        }
    }
    all
}

/// The one road: trusted root, keys, piece, proof. An error of any step is its code.
fn judge(vector: &Expectation) -> Result<Verified, (String, String)> {
    let (input, annotations) = (vector.file("input.json"), vector.annotations());
    let limits = Limits::DEFAULT;
    let mut builder = TrustMaterial::builder();
    let root = match vector.text("trusted_root").unwrap() {
        "shared" => Some(
            fs::read(vectors().join("trusted_root.json"))
                .unwrap()
                .into(),
        ),
        "own" => Some(vector.file("trusted_root.json")),
        _ => None,
    };
    if let Some(bytes) = root {
        let root = TrustedRoot::parse(&bytes, &limits)
            .map_err(|error| (error.code().to_owned(), error.to_string()))?;
        builder = builder.trusted_root(&root);
    }
    let keys = vector
        .table
        .get("keys")
        .and_then(toml::Value::as_array)
        .cloned()
        .unwrap_or_default();
    for key in keys {
        let pem = vector.file(key["file"].as_str().unwrap());
        let public = PublicKey::from_pem(&pem)
            .map_err(|error| (error.code().to_owned(), error.to_string()))?;
        let time = |name: &str| {
            key.get(name)
                .map(|value| UnixTime::parse_rfc3339(value.as_str().unwrap()).unwrap())
        };
        let valid = Window {
            start: time("start"),
            end: time("end"),
        };
        builder = builder.key(TrustedKey {
            key: public,
            valid,
            schemes: None,
        });
    }
    let mut dangers = Dangers::default();
    for name in vector.texts("dangers") {
        match name {
            "ignore-sct" => dangers.ignore_sct = true,
            "ignore-log" => dangers.ignore_log = true,
            "judge-certificates-now" => dangers.judge_certificates_now = true,
            other => panic!("unknown danger `{other}`"),
        }
    }
    if vector.table.contains_key("own_authority") {
        let list = |name: &str| match vector.folder.join(name).exists() {
            true => pem_certificates(&vector.file(name), &limits),
            false => Ok(Vec::new()),
        };
        let error =
            |error: countersign_formats::Error| (error.code().to_owned(), error.to_string());
        builder = builder.certificate_authority(
            list("own-roots.pem").map_err(error)?,
            list("own-intermediates.pem").map_err(error)?,
        );
    }
    for (name, key) in vector.witnesses() {
        builder = builder.witness(Witness { name, key });
    }
    let trust = builder
        .dangers(dangers)
        .build()
        .map_err(|error| (error.code().to_owned(), error.to_string()))?;
    let subject = match vector.text("subject").unwrap() {
        "artifact.bin" => Subject::Blob(Arc::new(BytesContent(vector.file("artifact.bin")))),
        text => match text.strip_prefix("file:") {
            Some(digest) => Subject::Blob(Arc::new(DigestContent(Digest::parse(digest).unwrap()))),
            None => Subject::image(Digest::parse(text).unwrap()),
        },
    };
    let piece = match vector.text("form").unwrap() {
        "bundle" => Unverified::bundle(input, Origin::new(StorageForm::BundleFile), &limits),
        "simple-signing" => Unverified::simple_signing(
            input,
            &annotations,
            Origin::new(StorageForm::SignatureTag),
            &limits,
        ),
        "dsse" => Unverified::dsse(
            input,
            &annotations,
            Origin::new(StorageForm::AttestationTag),
            &limits,
        ),
        other => panic!("unknown form `{other}`"),
    };
    let now = UnixTime::parse_rfc3339(vector.text("now").unwrap()).unwrap();
    piece
        .and_then(|piece| verify(&piece, &subject, &trust, now))
        .map_err(|rejected| (rejected.code().to_owned(), rejected.to_string()))
}

#[test]
fn every_vector_ends_as_its_folder_says() {
    let mut wrong = Vec::new();
    let mut report = String::new();
    let all = all();
    for vector in &all {
        let found = match judge(vector) {
            Ok(verified) => {
                let proven = [
                    verified.logs().len(),
                    verified.timestamps().len(),
                    verified.scts().len(),
                ]
                .map(|count| count as i64);
                let mut weakened: Vec<_> =
                    verified.dangers().iter().map(|one| one.name()).collect();
                weakened.sort_unstable();
                match vector.proven() {
                    Some(wanted) if wanted != proven => {
                        format!("accepted, proven {proven:?} instead of {wanted:?}")
                    }
                    _ if verified.witnesses() != vector.texts("witnessed") => {
                        format!("accepted, witnessed by {:?}", verified.witnesses())
                    }
                    // What weakens a proof is named in it, and nothing that did not matter.
                    _ if weakened != vector.texts("weakened") => {
                        format!("accepted, weakened by {weakened:?}")
                    }
                    _ => "accepted".to_owned(),
                }
            }
            Err((code, words)) => {
                report.push_str(&format!(
                    "{}/{}\t{code}\t{words}\n",
                    vector.group, vector.name
                ));
                code
            }
        };
        let wanted = if vector.accept() {
            "accepted"
        } else {
            vector.text("code").unwrap()
        };
        if found != wanted {
            wrong.push(format!(
                "{}/{}: {found}, expected {wanted}",
                vector.group, vector.name
            ));
        }
    }
    // What each rejection says, for people who read words: the variable names the file to write.
    if let Some(path) = std::env::var_os("COUNTERSIGN_VECTOR_REPORT") {
        fs::write(path, report).unwrap();
    }
    assert!(
        wrong.is_empty(),
        "{} vectors:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(all.len() > 60);
}

#[test]
fn every_rejected_vector_has_an_accepted_twin() {
    let all = all();
    for vector in all.iter().filter(|vector| !vector.accept()) {
        let twin = vector
            .text("twin")
            .unwrap_or_else(|| panic!("{} has no twin", vector.name));
        let twin = all
            .iter()
            .find(|other| other.group == vector.group && other.name == twin);
        let twin = twin.unwrap_or_else(|| panic!("twin of {} does not exist", vector.name));
        assert!(twin.accept(), "twin of {} is not accepted", vector.name);
    }
}

#[test]
fn every_folder_is_a_claim_of_its_own() {
    let mut names = BTreeMap::new();
    for vector in all() {
        let claim = vector.text("claim").unwrap().to_owned();
        assert!(
            !claim.is_empty() && !claim.ends_with('.'),
            "{}: {claim}",
            vector.name
        );
        if let Some(other) = names.insert(vector.name.clone(), vector.group.clone()) {
            panic!(
                "`{}` is there in {other} and in {}",
                vector.name, vector.group
            );
        }
    }
}
