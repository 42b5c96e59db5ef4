//! `trust create`: a trusted root for own services.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use countersign_formats::{
    KeyKind, Limits, PublicKey, TrustedRoot, encode_base64, media_types, pem_certificates,
};
use countersign_proof::{TrustMaterial, digest};
use serde_json::{Map, Value, json};

use super::Done;
use super::created::{address, pretty, wanted, window, written};
use crate::arguments::{Instance, TrustCreate};
use crate::context::Context;
use crate::failure::Failure;
use crate::files;

/// Largest file of certificates that is read, in bytes.
const CERTIFICATES_BYTES: u64 = 1 << 20;

pub(crate) fn run(arguments: &TrustCreate, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let mut root = Map::new();
    root.insert("mediaType".to_owned(), json!(media_types::TRUSTED_ROOT_V01));
    let mut count = 0;
    for (member, flag, instances, is_log) in [
        ("tlogs", "--rekor", &arguments.rekor, true),
        (
            "certificateAuthorities",
            "--fulcio",
            &arguments.fulcio,
            false,
        ),
        ("ctlogs", "--ctfe", &arguments.ctfe, true),
        ("timestampAuthorities", "--tsa", &arguments.tsa, false),
    ] {
        let made = instances
            .iter()
            .map(|instance| match is_log {
                true => log(flag, instance),
                false => authority(flag, instance),
            })
            .collect::<Result<Vec<Value>, Failure>>()?;
        if is_log {
            distinct(flag, instances, &made)?;
        }
        count += made.len();
        root.insert(member.to_owned(), Value::Array(made));
    }
    if count == 0 {
        return Err(Failure::usage("missing-argument", "no service is named")
            .hint("name at least one with `--fulcio`, `--rekor`, `--ctfe` or `--tsa`"));
    }
    let bytes = pretty(&Value::Object(root));
    check(&bytes)?;
    written(
        "the trusted root",
        &arguments.target,
        &bytes,
        count,
        context,
    )
}

/// A log is found by its id: of two with one id nobody could say which made an entry.
fn distinct(flag: &str, instances: &[Instance], made: &[Value]) -> Result<(), Failure> {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for (instance, log) in instances.iter().zip(made) {
        let id = log.pointer("/logId/keyId").and_then(Value::as_str);
        let url = instance.get("url").unwrap_or_default();
        if let Some(other) = id.and_then(|id| known.insert(id, url)) {
            return Err(Failure::usage(
                "same-key-twice",
                format!("{flag}: the logs `{other}` and `{url}` have one key"),
            )
            .hint("every log signs with a key of its own; name each once, with the file of its own key"));
        }
    }
    Ok(())
}

/// What is written has passed the parser and the preparation that `verify` puts it through.
fn check(bytes: &Bytes) -> Result<(), Failure> {
    let failed = |code: &'static str, text: String| {
        Failure::usage(
            code,
            format!("the trusted root would not be usable: {text}"),
        )
    };
    let root = TrustedRoot::parse(bytes, &Limits::DEFAULT)
        .map_err(|error| failed(error.code(), error.to_string()))?;
    let material = TrustMaterial::builder()
        .trusted_root(&root)
        .build()
        .map_err(|error| failed(error.code(), error.to_string()))?;
    // A part that verify would disable is a mistake of whoever makes the root.
    if let Some(warning) = material.warnings().first() {
        return Err(Failure::usage(
            "trust-instance-unusable",
            format!("a service of the trusted root could not be used: {warning}"),
        )
        .hint("a chain goes from the bottom up: intermediates first, root last, and the certificate of a timestamp authority before both"));
    }
    Ok(())
}

fn log(flag: &str, instance: &Instance) -> Result<Value, Failure> {
    let known = ["url", "public-key", "start-time", "end-time", "origin"];
    let url = address(flag, instance, &known)?;
    let path = wanted(flag, instance, "public-key", &known)?;
    let text = files::read(
        "the public key",
        Path::new(path),
        Limits::DEFAULT.key_file_bytes,
    )?;
    let key = PublicKey::from_pem(&text).map_err(|error| {
        Failure::usage(error.code(), format!("{flag}: `{path}`: {error}"))
            .or_hint(instead_of_a_public_key(path, &text))
            .or_hint(error.hint())
            .or_hint(Some(
                "give the log's public key in PEM (`-----BEGIN PUBLIC KEY-----`)".to_owned(),
            ))
    })?;
    let details = match key.kind() {
        KeyKind::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
        KeyKind::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
        KeyKind::EcdsaP521 => "PKIX_ECDSA_P521_SHA_512",
        KeyKind::Ed25519 => "PKIX_ED25519",
        KeyKind::Rsa { bits } if bits < 3072 => "PKIX_RSA_PKCS1V15_2048_SHA256",
        KeyKind::Rsa { bits } if bits < 4096 => "PKIX_RSA_PKCS1V15_3072_SHA256",
        KeyKind::Rsa { .. } => "PKIX_RSA_PKCS1V15_4096_SHA256",
    };
    // A log with an Ed25519 key is named by its origin and key (C2SP signed-note), every other by its key (RFC 6962 §3.2).
    let id = match key.kind() {
        KeyKind::Ed25519 if flag == "--rekor" => {
            let origin = instance.get("origin").or_else(|| host(url)).unwrap_or(url);
            let named = [origin.as_bytes(), b"\n\x01", key.raw()].concat();
            digest::sha256(&named)
        }
        _ => digest::sha256(key.spki()),
    };
    Ok(json!({
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": encode_base64(key.spki()),
            "keyDetails": details,
            "validFor": window(flag, instance)?,
        },
        "logId": {"keyId": encode_base64(id.as_bytes())},
    }))
}

/// How to get the public key out of a certificate or a private key that was given in its place.
fn instead_of_a_public_key(path: &str, text: &[u8]) -> Option<String> {
    let holds = |label: &str| {
        text.windows(label.len())
            .any(|window| window == label.as_bytes())
    };
    let path = crate::escape::field(path);
    if holds("-----BEGIN CERTIFICATE-----") {
        Some(format!(
            "it holds a certificate: `openssl x509 -in {path} -noout -pubkey` prints the key in it"
        ))
    } else if holds("PRIVATE KEY-----") {
        Some(format!(
            "it holds a private key: `openssl pkey -in {path} -pubout` prints the public one"
        ))
    } else {
        None
    }
}

fn authority(flag: &str, instance: &Instance) -> Result<Value, Failure> {
    let known = ["url", "certificate-chain", "start-time", "end-time"];
    let url = address(flag, instance, &known)?;
    let path = wanted(flag, instance, "certificate-chain", &known)?;
    let text = files::read("the certificates", Path::new(path), CERTIFICATES_BYTES)?;
    let chain = pem_certificates(&text, &Limits::DEFAULT)
        .map_err(|error| {
            Failure::usage(error.code(), format!("{flag}: `{path}`: {error}")).hint(
                "give the authority's certificates in PEM (`-----BEGIN CERTIFICATE-----`), intermediates first, root last",
            )
        })?;
    let certificates: Vec<Value> = chain
        .iter()
        .map(|der| json!({"rawBytes": encode_base64(der)}))
        .collect();
    Ok(json!({
        "subject": {"organization": "", "commonName": ""},
        "uri": url,
        "certChain": {"certificates": certificates},
        "validFor": window(flag, instance)?,
    }))
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(host.rsplit_once(':').map_or(host, |(host, _)| host))
}
