//! Tells what a file is and decodes it.

use std::path::Path;

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, BundleVersion, EncryptedPrivateKey, Envelope, KeyMaterial, Limits,
    Manifest, PublicKey, SimpleSigning, Statement, TrustedRoot, pem_blocks, pem_certificates,
};
use countersign_policy::{PolicySet, Source};
use countersign_proof::{
    KeyId, Origin, StorageForm, Unproven, Unverified, UnverifiedSigner, digest,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::image::manifest_facts;
use super::{Facts, notation, outside};
use crate::commands::{generate_key_pair, policy_check};
use crate::context::Context;
use crate::explain;
use crate::failure::Failure;
use crate::files;

/// The CBOR tag 18 in one byte (RFC 9052).
const COSE_SIGN1: u8 = 0xd2;

/// The members of a JSON document that tell what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    media_type: Option<String>,
    verification_material: Option<IgnoredAny>,
    payload_type: Option<IgnoredAny>,
    /// Of a JWS.
    protected: Option<IgnoredAny>,
    #[serde(rename = "_type")]
    statement_type: Option<IgnoredAny>,
    critical: Option<IgnoredAny>,
    schema_version: Option<IgnoredAny>,
    tlogs: Option<IgnoredAny>,
    certificate_authorities: Option<IgnoredAny>,
}

/// Reads and decodes the file `path`.
pub(super) fn read(context: &Context<'_, '_>, path: &Path) -> Result<Facts, Failure> {
    let _ = context;
    let bytes = Bytes::from(files::read("the file", path, Limits::DEFAULT.bundle_bytes)?);
    let name = path.display().to_string();
    let about = |what: &str, error: countersign_formats::Error| {
        Failure::usage(
            error.code(),
            format!("`{name}` looks like a {what} and is none: {error}"),
        )
        .or_hint(error.hint())
    };
    if is_pem(&bytes) {
        return pem(&bytes).map_err(|error| about("PEM file", error));
    }
    let limits = Limits::DEFAULT;
    // A tagged COSE_Sign1; no text begins so.
    if bytes.starts_with(&[COSE_SIGN1]) {
        return notation::read(&bytes).map_err(|error| about("notation signature", error));
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        let marks: Marks = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::usage(
                "json-syntax",
                format!("`{name}` is not readable JSON: {error}"),
            )
            .hint("the file may be cut off; fetch it again")
        })?;
        let media_type = marks.media_type.as_deref().unwrap_or_default();
        if marks.verification_material.is_some() {
            return bundle(&bytes);
        }
        if marks.tlogs.is_some()
            || marks.certificate_authorities.is_some()
            || media_type.contains("trustedroot")
        {
            return TrustedRoot::parse(&bytes, &limits)
                .map(|root| trusted_root(&root))
                .map_err(|error| about("trusted root", error));
        }
        if marks.protected.is_some() {
            return notation::read(&bytes).map_err(|error| about("notation signature", error));
        }
        if marks.payload_type.is_some() {
            return envelope(&bytes).map_err(|error| about("DSSE envelope", error));
        }
        if marks.statement_type.is_some() {
            return Statement::parse(bytes, &limits)
                .map(|parsed| statement(&parsed))
                .map_err(|error| about("statement", error));
        }
        if marks.critical.is_some() {
            return SimpleSigning::parse(&bytes)
                .map(|parsed| simple_signing(&parsed))
                .map_err(|error| about("simple-signing payload", error));
        }
        if marks.schema_version.is_some() {
            return Manifest::parse(&bytes, None, &limits)
                .map(|manifest| {
                    let mut facts = manifest_facts(&manifest);
                    facts.add("digest", digest::sha256(&bytes).to_string());
                    facts
                })
                .map_err(|error| about("manifest", error));
        }
        return Err(unknown(&name));
    }
    policy(&name, bytes)
}

/// The facts of the bundle in `bytes`.
pub(super) fn bundle(bytes: &Bytes) -> Result<Facts, Failure> {
    let limits = Limits::DEFAULT;
    let piece = Unverified::bundle(bytes.clone(), Origin::new(StorageForm::BundleFile), &limits)
        .map_err(|rejected| {
            Failure::usage(
                rejected.code(),
                format!("the bundle cannot be read: {rejected}"),
            )
            .or_hint(rejected.hint())
        })?;
    let parsed = Bundle::parse(bytes, &limits)
        .map_err(|error| Failure::usage(error.code(), error.to_string()))?;
    let mut facts = Facts::new("Sigstore bundle");
    facts.add("digest", digest::sha256(bytes).to_string());
    facts.add("size", bytes.len());
    facts.add(
        "version",
        match parsed.version {
            BundleVersion::V0_1 => "0.1",
            BundleVersion::V0_2 => "0.2",
            BundleVersion::V0_3 => "0.3",
        },
    );
    unproven(&mut facts, &piece.peek());
    facts.add(
        "logEntries",
        parsed
            .log_entries
            .iter()
            .map(|entry| {
                json!({
                    "logIndex": entry.log_index,
                    "kind": outside(&format!("{} {}", entry.kind, entry.version)),
                    "integratedTime": entry.integrated_time.map(|time| time.to_string()),
                    "promise": entry.promise.is_some(),
                    "inclusionProof": entry.proof.is_some(),
                })
            })
            .collect::<Vec<_>>(),
    );
    match &parsed.content {
        BundleContent::Dsse(inner) => payload(&mut facts, inner),
        BundleContent::Message { digest, .. } => {
            facts.add_known(
                "messageDigest",
                digest
                    .as_ref()
                    .map(|(name, value)| outside(&format!("{name} {}", hex(value)))),
            );
        }
    }
    Ok(facts)
}

fn unproven(facts: &mut Facts, unproven: &Unproven) {
    facts.add_known(
        "claim",
        unproven.unverified_claim.as_ref().map(explain::claim),
    );
    match unproven.unverified_signer() {
        UnverifiedSigner::Certificate { san, issuer } => {
            facts.add_known("certificateIdentity", san.map(|san| outside(san.value())));
            facts.add_known("certificateIssuer", issuer.as_deref().map(outside));
        }
        UnverifiedSigner::Key { hint } => facts.add_known("keyHint", hint.as_deref().map(outside)),
        _ => {}
    }
    facts.add("timestamps", unproven.unverified_timestamps);
}

fn envelope(bytes: &Bytes) -> Result<Facts, countersign_formats::Error> {
    let envelope = Envelope::parse(bytes, &Limits::DEFAULT)?;
    let mut facts = Facts::new("DSSE envelope");
    facts.add(
        "signatures",
        envelope
            .signatures
            .iter()
            .map(|signature| {
                json!({
                    "keyid": signature.keyid.as_deref().map(outside),
                    "bytes": signature.signature.len(),
                })
            })
            .collect::<Vec<_>>(),
    );
    payload(&mut facts, &envelope);
    Ok(facts)
}

fn payload(facts: &mut Facts, envelope: &Envelope) {
    facts.add("payloadType", outside(&envelope.payload_type));
    facts.add("payloadSize", envelope.payload.len());
    match Statement::parse(envelope.payload.clone(), &Limits::DEFAULT) {
        Ok(parsed) => facts.add_inner("statement", &statement(&parsed)),
        Err(error) => facts.add("payloadError", outside(&error.to_string())),
    }
}

fn statement(statement: &Statement) -> Facts {
    let mut facts = Facts::new("in-toto statement");
    facts.add("predicateType", outside(&statement.predicate_type));
    facts.add("subjects", statement.subjects.iter().map(|subject| json!({
        "name": subject.name.as_deref().map(outside),
        "digests": subject.digests.iter().map(|(name, value)| outside(&format!("{name}:{value}"))).collect::<Vec<_>>(),
        "annotations": subject.annotations.iter().map(|(name, value)| outside(&format!("{name}={value}"))).collect::<Vec<_>>(),
    })).collect::<Vec<_>>());
    facts.add(
        "predicateSize",
        statement
            .predicate
            .as_ref()
            .map_or(0, |predicate| predicate.bytes().len()),
    );
    facts
}

fn simple_signing(payload: &SimpleSigning) -> Facts {
    let mut facts = Facts::new("simple-signing payload");
    facts.add("dockerReference", outside(&payload.docker_reference));
    facts.add("digest", payload.digest.to_string());
    facts.add(
        "annotations",
        payload
            .optional
            .iter()
            .map(|(name, value)| outside(&format!("{name}={value}")))
            .collect::<Vec<_>>(),
    );
    facts
}

fn trusted_root(root: &TrustedRoot) -> Facts {
    let mut facts = Facts::new("trusted root");
    facts.add("mediaType", outside(&root.media_type));
    let logs = |logs: &[countersign_formats::LogInstance]| {
        logs.iter()
            .map(|log| {
                json!({
                    "url": outside(&log.base_url),
                    "keyType": outside(&log.key.key_details),
                    "logId": hex(&log.log_id),
                    "from": log.key.valid.start.map(|time| time.to_string()),
                    "until": log.key.valid.end.map(|time| time.to_string()),
                })
            })
            .collect::<Vec<_>>()
    };
    let authorities = |authorities: &[countersign_formats::AuthorityInstance]| {
        authorities
            .iter()
            .map(|authority| {
                json!({
                    "url": outside(&authority.uri),
                    "certificates": authority.chain.len(),
                    "from": authority.valid.start.map(|time| time.to_string()),
                    "until": authority.valid.end.map(|time| time.to_string()),
                })
            })
            .collect::<Vec<_>>()
    };
    facts.add("transparencyLogs", logs(&root.logs));
    facts.add(
        "certificateAuthorities",
        authorities(&root.certificate_authorities),
    );
    facts.add("certificateTransparencyLogs", logs(&root.ct_logs));
    facts.add(
        "timestampAuthorities",
        authorities(&root.timestamp_authorities),
    );
    facts
}

fn is_pem(bytes: &[u8]) -> bool {
    // A policy may hold a key in PEM, which is indented there.
    !bytes.trim_ascii_start().starts_with(b"{")
        && bytes
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"-----BEGIN "))
}

fn pem(bytes: &[u8]) -> Result<Facts, countersign_formats::Error> {
    let limits = Limits::DEFAULT;
    let blocks = pem_blocks(bytes, limits.certificates)?;
    let label = blocks
        .first()
        .map(|block| block.label.as_str())
        .unwrap_or_default();
    match label {
        "PUBLIC KEY" => {
            let key = PublicKey::from_pem(bytes)?;
            let mut facts = Facts::new("public key");
            facts.add("keyType", generate_key_pair::describe(key.kind()));
            facts.add("keyId", KeyId::of(&key).to_string());
            facts.add("hint", KeyId::of(&key).hint());
            Ok(facts)
        }
        "CERTIFICATE" => {
            let mut facts = Facts::new("certificates");
            let certificates = pem_certificates(bytes, &limits)?;
            facts.add(
                "certificates",
                certificates
                    .into_iter()
                    .map(certificate)
                    .collect::<Vec<_>>(),
            );
            Ok(facts)
        }
        "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
            let key = EncryptedPrivateKey::parse_pem(bytes)?;
            let mut facts = Facts::new("encrypted private key");
            facts.add("label", outside(label));
            facts.add("scryptN", key.kdf.n);
            facts.add("scryptR", key.kdf.r);
            facts.add("scryptP", key.kdf.p);
            facts.add("cipher", "nacl/secretbox");
            Ok(facts)
        }
        _ => {
            let mut facts = Facts::new(if label.contains("PRIVATE KEY") {
                "private key, not encrypted"
            } else {
                "PEM file"
            });
            facts.add("label", outside(label));
            Ok(facts)
        }
    }
}

/// A certificate as the reader of bundles sees it, so that what is shown is what a verification would compare.
pub(super) fn certificate(der: Bytes) -> Value {
    let fingerprint = digest::sha256(&der).to_string();
    let bundle = Bundle {
        version: BundleVersion::V0_3,
        material: KeyMaterial::Certificate(der),
        log_entries: Vec::new(),
        timestamps: Vec::new(),
        content: BundleContent::Message {
            digest: None,
            signature: Bytes::from_static(&[0]),
        },
    };
    let seen = Unverified::bundle(
        Bytes::from(bundle.to_json()),
        Origin::new(StorageForm::BundleFile),
        &Limits::DEFAULT,
    )
    .map(|piece| piece.peek())
    .unwrap_or_default();
    json!({
        "fingerprint": fingerprint,
        "identity": seen.unverified_san.as_ref().map(|san| outside(san.value())),
        "issuer": seen.unverified_issuer.as_deref().map(outside),
    })
}

fn policy(name: &str, bytes: Bytes) -> Result<Facts, Failure> {
    let source = Source {
        name: name.to_owned(),
        bytes,
    };
    let policies = PolicySet::parse(&[source], &Limits::DEFAULT).map_err(|error| {
        Failure::usage(
            error.code(),
            format!("`{name}` is neither PEM nor a known JSON document, and no policy: {error}"),
        )
        .or_hint(error.hint())
    })?;
    let mut facts = Facts::new("policy");
    facts.add("digest", policies.digest().to_string());
    facts.add(
        "lines",
        policies
            .policies()
            .iter()
            .flat_map(policy_check::describe)
            .collect::<Vec<_>>(),
    );
    Ok(facts)
}

fn unknown(name: &str) -> Failure {
    Failure::usage("unknown-document", format!("`{name}` is JSON of a kind that is not known"))
        .hint("known are bundles, envelopes, statements, simple-signing payloads, manifests and trusted roots")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
