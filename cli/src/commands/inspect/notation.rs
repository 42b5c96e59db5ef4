//! Decodes a Notary Project signature.

use bytes::Bytes;
use countersign_formats::{Error, Limits, NotationEnvelope, NotationSignature};
use countersign_proof::digest;
use serde_json::Value;

use super::document::certificate;
use super::{Facts, outside};

/// The facts of the envelope in `bytes`, JWS or COSE.
pub(super) fn read(bytes: &Bytes) -> Result<Facts, Error> {
    let signature = NotationSignature::parse(bytes, &Limits::DEFAULT)?;
    let mut facts = Facts::new("notation signature");
    facts.add("digest", digest::sha256(bytes).to_string());
    facts.add("size", bytes.len());
    facts.add(
        "envelope",
        match signature.envelope {
            NotationEnvelope::Jws => "JWS",
            NotationEnvelope::Cose => "COSE",
        },
    );
    facts.add("algorithm", outside(&signature.algorithm));
    facts.add_known(
        "signingScheme",
        signature.signing_scheme.as_deref().map(outside),
    );
    for (name, time) in [
        ("signingTime", signature.signing_time),
        ("authenticSigningTime", signature.authentic_signing_time),
        ("expiry", signature.expiry),
    ] {
        facts.add_known(name, time.map(|time| time.to_string()));
    }
    facts.add_known(
        "signingAgent",
        signature.signing_agent.as_deref().map(outside),
    );
    let critical: Vec<Value> = signature
        .critical
        .iter()
        .map(|name| outside(name))
        .collect();
    facts.add("critical", critical);
    let certificates = signature.certificates.into_iter().map(certificate);
    facts.add("certificates", certificates.collect::<Vec<_>>());
    facts.add("timestamps", usize::from(signature.timestamp.is_some()));
    let mut target = Facts::new("target");
    target.add("mediaType", outside(&signature.target.media_type));
    target.add("digest", signature.target.digest.to_string());
    target.add("size", signature.target.size);
    let annotations: Vec<Value> = signature
        .target
        .annotations
        .iter()
        .map(|(name, value)| outside(&format!("{name}={value}")))
        .collect();
    target.add("annotations", annotations);
    facts.add_inner("target", &target);
    Ok(facts)
}
