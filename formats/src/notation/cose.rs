//! A Notary Project signature in a `COSE_Sign1`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    AGENT, AUTHENTIC_TIME, EXPIRY, NotationEnvelope, NotationSignature, Protected, SCHEME,
    SIGNING_TIME, TIMESTAMP, Unprotected, finish, over_limit,
};
use crate::cbor::{Cbor, Label};
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::limits::Limits;
use crate::unix_time::UnixTime;

/// COSE headers (RFC 9052, RFC 9360).
const COSE_ALGORITHM: Label<'_> = Label::Number(1);
const COSE_CRITICAL: Label<'_> = Label::Number(2);
const COSE_CONTENT_TYPE: Label<'_> = Label::Number(3);
const COSE_CHAIN: Label<'_> = Label::Number(33);
/// CBOR tag of `COSE_Sign1`.
const COSE_SIGN1: u64 = 18;
/// CBOR tag of a time in seconds.
const EPOCH: u64 = 1;

pub(super) fn read(bytes: &Bytes, limits: &Limits) -> Result<NotationSignature, Error> {
    let sign1 = Cbor::parse(bytes).map_err(bad_cbor)?;
    let Cbor::Tagged(COSE_SIGN1, sign1) = sign1 else {
        return Err(bad_cbor("it is no tagged COSE_Sign1"));
    };
    let Cbor::Array(parts) = *sign1 else {
        return Err(bad_cbor("COSE_Sign1 is no array"));
    };
    let [protected, unprotected, payload, signature] = parts.as_slice() else {
        return Err(bad_cbor("COSE_Sign1 has not four parts"));
    };
    let bytes_of = |part: &Cbor| {
        part.bytes()
            .cloned()
            .ok_or_else(|| bad_cbor("a part of COSE_Sign1 is no byte string"))
    };
    let headers = Cbor::parse(&bytes_of(protected)?).map_err(bad_cbor)?;
    let text = |label: &Label<'_>| {
        headers
            .get(label)
            .and_then(Cbor::text)
            .filter(|text| text.len() <= limits.name_bytes)
            .map(str::to_owned)
    };
    let when = |name: &str| match headers.get(&Label::Text(name)) {
        Some(Cbor::Tagged(EPOCH, seconds)) => seconds
            .integer()
            .and_then(|seconds| i64::try_from(seconds).ok())
            .map(UnixTime),
        _ => None,
    };
    let critical = match headers.get(&COSE_CRITICAL) {
        Some(Cbor::Array(names)) => names.iter().map(label_words).collect(),
        _ => Vec::new(),
    };
    let algorithm = match headers.get(&COSE_ALGORITHM) {
        Some(Cbor::Integer(number)) => Some(algorithm_name(*number)),
        _ => None,
    };
    let protected = Protected {
        algorithm,
        content_type: text(&COSE_CONTENT_TYPE),
        critical,
        scheme: text(&Label::Text(SCHEME)),
        signing_time: when(SIGNING_TIME),
        authentic_signing_time: when(AUTHENTIC_TIME),
        expiry: when(EXPIRY),
    };
    let certificates = match unprotected.get(&COSE_CHAIN) {
        Some(Cbor::Array(chain)) if chain.len() <= limits.certificates => {
            chain.iter().map(bytes_of).collect::<Result<_, _>>()?
        }
        Some(Cbor::Bytes(one)) => vec![one.clone()],
        Some(Cbor::Array(_)) => {
            return Err(over_limit("certificates", limits.certificates as u64));
        }
        _ => Vec::new(),
    };
    let timestamp = unprotected
        .get(&Label::Text(TIMESTAMP))
        .and_then(Cbor::bytes)
        .filter(|bytes| bytes.len() <= limits.timestamp_bytes)
        .cloned();
    let agent = unprotected
        .get(&Label::Text(AGENT))
        .and_then(Cbor::text)
        .filter(|text| text.len() <= limits.name_bytes)
        .map(str::to_owned);
    finish(
        NotationEnvelope::Cose,
        protected,
        &bytes_of(payload)?,
        Unprotected {
            certificates,
            timestamp,
            agent,
        },
        bytes_of(signature)?,
        limits,
    )
}

/// JOSE's name of a COSE algorithm.
fn algorithm_name(number: i128) -> String {
    let names: BTreeMap<i128, &str> = BTreeMap::from([
        (-7, "ES256"),
        (-35, "ES384"),
        (-36, "ES512"),
        (-37, "PS256"),
        (-38, "PS384"),
        (-39, "PS512"),
    ]);
    names
        .get(&number)
        .map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

fn label_words(label: &Cbor) -> String {
    match label {
        Cbor::Text(text) => excerpt(text),
        Cbor::Integer(number) => number.to_string(),
        _ => "something that is no name".to_owned(),
    }
}

fn bad_cbor(reason: &'static str) -> Error {
    Error::new(Document::Notation, ErrorKind::BadCbor { reason })
}
