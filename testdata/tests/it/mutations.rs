//! Every field of a good bundle is changed, removed, emptied, doubled and swapped with another good bundle's: nothing but
//! what is unauthenticated by design may still be accepted, and then it proves nothing more.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_proof::Verified;
use serde_json::{Value, json};

use crate::verdicts::{self, Expectation, judge, judge_input, judge_layer};

/// Good bundles of each shape.
const CORPUS: [&str; 9] = [
    "a-key-alone-needs-no-service",
    "keyless-with-promise-and-inclusion-proof",
    "keyless-with-intoto-entry",
    "keyless-with-timestamp-and-version-2-log",
    "keyless-message-with-version-1-log",
    "keyless-message-with-version-2-log",
    "entry-for-a-managed-key",
    "entries-of-two-logs",
    "timestamp-in-the-last-second-of-the-key-s-window",
];

/// What is unauthenticated by design: path, kinds of mutation, and why.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    ("dsseEnvelope", &["swap"], SECOND_SIGNATURE),
    ("dsseEnvelope.signatures", &["swap"], SECOND_SIGNATURE),
    ("dsseEnvelope.signatures.*", &["swap"], SECOND_SIGNATURE),
    ("dsseEnvelope.signatures.*.sig", &["swap"], SECOND_SIGNATURE),
    (
        "messageSignature.messageDigest",
        &["empty", "remove"],
        "it repeats what the file's own digest says",
    ),
    (
        "verificationMaterial",
        &["swap"],
        "a key's bundle may have a log entry for the same signature or none",
    ),
    ("verificationMaterial.publicKey", &["empty"], HINT),
    (
        "verificationMaterial.publicKey.hint",
        &["change", "empty", "remove"],
        HINT,
    ),
    (
        "verificationMaterial.timestampVerificationData.rfc3161Timestamps.*.signedTimestamp",
        &["change"],
        CERTIFICATES_IN_TOKEN,
    ),
    (
        "verificationMaterial.tlogEntries",
        &["empty", "remove"],
        STRIPPED,
    ),
    ("verificationMaterial.tlogEntries.*", &["remove"], STRIPPED),
    (
        "verificationMaterial.tlogEntries.*.inclusionPromise",
        &["remove"],
        STRIPPED,
    ),
    (
        "verificationMaterial.tlogEntries.*.logId.keyId",
        &["change"],
        "an entry of a log that is not known counts for nothing beside another proven time",
    ),
];

const SECOND_SIGNATURE: &str = "another signature of the same statement by the same key is as good";
const HINT: &str = "the hint only says which trusted key to try first";
const CERTIFICATES_IN_TOKEN: &str = "the authority does not sign the certificates that lie in its token; the trusted root's own is used";
const STRIPPED: &str =
    "whoever stores a bundle may strip what is not signed; what is not there proves nothing";

struct Mutant {
    path: String,
    kind: &'static str,
    text: String,
}

#[test]
fn whatever_is_accepted_after_a_mutation_is_unauthenticated_by_design() {
    let all = verdicts::all();
    let corpus: Vec<(&Expectation, Value)> = CORPUS
        .iter()
        .map(|name| {
            let vector = all.iter().find(|vector| vector.name == *name).unwrap();
            let bundle = serde_json::from_slice(&vector.file("input.json")).unwrap();
            (vector, bundle)
        })
        .collect();
    let mut unlisted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut used = vec![false; ALLOWED.len()];
    let mut count = 0;
    for (vector, bundle) in &corpus {
        let original = judge(vector).unwrap();
        let others: Vec<&Value> = corpus
            .iter()
            .filter(|(other, _)| other.name != vector.name)
            .map(|(_, bundle)| bundle)
            .collect();
        for mutant in mutants(bundle, &others) {
            count += 1;
            let Ok(verified) = judge_input(vector, Bytes::from(mutant.text)) else {
                continue;
            };
            proves_nothing_more(&original, &verified, &mutant.path);
            let listed = ALLOWED
                .iter()
                .position(|(path, kinds, _)| *path == mutant.path && kinds.contains(&mutant.kind));
            match listed {
                Some(position) => used[position] = true,
                None => unlisted
                    .entry(format!("{} {}", mutant.path, mutant.kind))
                    .or_default()
                    .push(vector.name.clone()),
            }
        }
    }
    assert!(count > 2_000, "only {count} mutants");
    assert!(
        unlisted.is_empty(),
        "of {count} mutants accepted and not listed: {unlisted:#?}"
    );
    let unused: Vec<_> = ALLOWED
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(entry, _)| entry)
        .collect();
    assert!(unused.is_empty(), "listed and never accepted: {unused:#?}");
}

/// Good layers of each shape.
const LAYERS: [&str; 5] = [
    "simple-signing-by-a-key",
    "simple-signing-with-timestamp",
    "simple-signing-by-a-key-with-promise",
    "envelope-layer-with-promise",
    "envelope-layer-by-a-key",
];

/// Annotations that prove nothing or repeat what is proven elsewhere.
const ALLOWED_ANNOTATIONS: &[(&str, &str, &[&str], &str)] = &[
    (
        "",
        "dev.sigstore.cosign/chain",
        &["blank", "change", "remove", "swap"],
        "trusted authorities come from the trusted root, never from the layer",
    ),
    (
        "",
        "dev.sigstore.cosign/bundle",
        &["blank", "remove"],
        STRIPPED,
    ),
    (
        "",
        "dev.sigstore.cosign/rfc3161timestamp",
        &["blank", "remove"],
        STRIPPED,
    ),
    (
        "",
        "dev.sigstore.cosign/rfc3161timestamp",
        &["change"],
        CERTIFICATES_IN_TOKEN,
    ),
    (
        "envelope",
        "predicateType",
        &["blank", "change", "remove"],
        "the signed statement says its type",
    ),
    (
        "envelope",
        "dev.cosignproject.cosign/signature",
        &["blank", "change", "remove", "swap"],
        "an envelope holds its own signature",
    ),
    (
        "simple-signing",
        "dev.cosignproject.cosign/signature",
        &["swap"],
        SECOND_SIGNATURE,
    ),
];

#[test]
fn whatever_is_accepted_after_an_annotation_is_bent_is_unauthenticated_by_design() {
    let all = verdicts::all();
    let layers: Vec<&Expectation> = LAYERS
        .iter()
        .map(|name| all.iter().find(|vector| vector.name == *name).unwrap())
        .collect();
    let mut unlisted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for vector in &layers {
        let original = judge(vector).unwrap();
        let annotations = vector.annotations();
        for (name, value) in &annotations {
            let mut bent: Vec<(&str, Option<String>)> =
                vec![("remove", None), ("blank", Some(" ".to_owned()))];
            for new in changed(&json!(value)) {
                bent.push(("change", new.as_str().map(str::to_owned)));
            }
            for other in &layers {
                if let Some(new) = other.annotations().get(name)
                    && new != value
                {
                    bent.push(("swap", Some(new.clone())));
                }
            }
            for (kind, new) in bent {
                let mut annotations = annotations.clone();
                match new {
                    Some(new) => annotations.insert(name.clone(), new),
                    None => annotations.remove(name),
                };
                let Ok(verified) = judge_layer(vector, vector.file("input.json"), &annotations)
                else {
                    continue;
                };
                proves_nothing_more(&original, &verified, name);
                if !ALLOWED_ANNOTATIONS.iter().any(|(form, path, kinds, _)| {
                    vector.name.starts_with(form) && path == name && kinds.contains(&kind)
                }) {
                    unlisted
                        .entry(format!("{name} {kind}"))
                        .or_default()
                        .push(vector.name.clone());
                }
            }
        }
    }
    assert!(
        unlisted.is_empty(),
        "accepted and not listed: {unlisted:#?}"
    );
}

#[test]
fn no_byte_of_a_signed_layer_can_change() {
    let all = verdicts::all();
    for name in ["simple-signing-by-a-key", "simple-signing-with-timestamp"] {
        let vector = all.iter().find(|vector| vector.name == name).unwrap();
        let input = vector.file("input.json");
        for position in 0..input.len() {
            let mut bent = input.to_vec();
            bent[position] ^= 1;
            assert!(
                judge_input(vector, bent.into()).is_err(),
                "{name}: byte {position}"
            );
        }
    }
}

/// Signer, claim and subject stay, and every log, timestamp and certificate log was proven before.
fn proves_nothing_more(original: &Verified, mutated: &Verified, path: &str) {
    assert_eq!(
        format!("{:?}", original.signer()),
        format!("{:?}", mutated.signer()),
        "{path}"
    );
    assert_eq!(
        format!("{:?}", original.claim()),
        format!("{:?}", mutated.claim()),
        "{path}"
    );
    assert_eq!(original.subject(), mutated.subject(), "{path}");
    for entry in mutated.logs() {
        // Without its promise an entry still proves that it is in the log, and no longer when.
        let before = original.logs().iter().any(|old| {
            old.log == entry.log
                && (entry.integrated_time.is_none() || entry.integrated_time == old.integrated_time)
        });
        assert!(before, "{path}: {entry:?}");
    }
    for timestamp in mutated.timestamps() {
        let before = original
            .timestamps()
            .iter()
            .any(|old| format!("{old:?}") == format!("{timestamp:?}"));
        assert!(before, "{path}: {timestamp:?}");
    }
    assert!(
        mutated
            .scts()
            .iter()
            .all(|log| original.scts().contains(log)),
        "{path}"
    );
}

fn mutants(bundle: &Value, others: &[&Value]) -> Vec<Mutant> {
    let mut paths = Vec::new();
    collect(bundle, String::new(), &mut paths);
    let mut out = Vec::new();
    let mut add = |path: &str, kind, text: String| {
        out.push(Mutant {
            path: general(path),
            kind,
            text,
        });
    };
    for path in &paths {
        let value = bundle.pointer(path).unwrap().clone();
        let with = |new: Value| {
            let mut bent = bundle.clone();
            *bent.pointer_mut(path).unwrap() = new;
            bent.to_string()
        };
        add(path, "null", with(Value::Null));
        add(
            path,
            "empty",
            with(match &value {
                Value::Object(_) => json!({}),
                Value::Array(_) => json!([]),
                _ => json!(""),
            }),
        );
        add(path, "other-type", with(json!(true)));
        for new in changed(&value) {
            add(path, "change", with(new));
        }
        if let Value::Array(list) = &value {
            add(
                path,
                "double",
                with(json!([list.clone(), list.clone()].concat())),
            );
        }
        for other in others {
            if let Some(new) = other.pointer(path)
                && *new != value
            {
                add(path, "swap", with(new.clone()));
            }
        }
        add(path, "remove", without(bundle, path));
        if let Some(text) = doubled(bundle, path) {
            add(path, "double", text);
        }
    }
    out
}

/// JSON pointers of everything below `value`.
fn collect(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}/{name}");
                out.push(path.clone());
                collect(member, path, out);
            }
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                let path = format!("{path}/{index}");
                out.push(path.clone());
                collect(item, path, out);
            }
        }
        _ => {}
    }
}

/// The path with list positions left out.
fn general(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .skip(1)
        .map(|part| {
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                "*"
            } else {
                part
            }
        })
        .collect();
    parts.join(".")
}

/// Near values: a number one further, one letter or digit of a text replaced at several places.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => vec![json!(number.as_i64().unwrap_or_default() + 1)],
        Value::String(text) => {
            if let Ok(number) = text.parse::<i64>() {
                return vec![
                    json!((number + 1).to_string()),
                    json!((number - 1).to_string()),
                ];
            }
            let letters: Vec<char> = text.chars().collect();
            (0..12)
                .map(|step| {
                    let mut letters = letters.clone();
                    let position = step * letters.len().saturating_sub(1) / 11;
                    if let Some(letter) = letters.get_mut(position) {
                        *letter = if *letter == 'A' { 'B' } else { 'A' };
                    }
                    json!(letters.into_iter().collect::<String>())
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn without(bundle: &Value, path: &str) -> String {
    let mut bent = bundle.clone();
    let (parent, last) = path.rsplit_once('/').unwrap();
    match bent.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            members.remove(last);
        }
        Value::Array(list) => {
            list.remove(last.parse().unwrap());
        }
        _ => {}
    }
    bent.to_string()
}

/// A member given twice, which no JSON tree can hold: written as text.
fn doubled(bundle: &Value, path: &str) -> Option<String> {
    let (_, name) = path.rsplit_once('/')?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let member = format!("{}:{}", json!(name), bundle.pointer(path)?);
    let text = bundle.to_string();
    text.contains(&member)
        .then(|| text.replacen(&member, &format!("{member},{member}"), 1))
}
