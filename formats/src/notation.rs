//! Notary Project signatures: JWS and COSE envelopes, decoded and not verified.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::cbor::{Cbor, Label};
use crate::descriptor::Descriptor;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{Kind, Reader};
use crate::limits::Limits;
use crate::unix_time::UnixTime;

/// Type of the payload.
const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";
const SCHEME: &str = "io.cncf.notary.signingScheme";
const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";
const TIMESTAMP: &str = "io.cncf.notary.timestampSignature";
const AGENT: &str = "io.cncf.notary.signingAgent";
/// COSE headers (RFC 9052, RFC 9360).
const COSE_ALGORITHM: Label<'_> = Label::Number(1);
const COSE_CRITICAL: Label<'_> = Label::Number(2);
const COSE_CONTENT_TYPE: Label<'_> = Label::Number(3);
const COSE_CHAIN: Label<'_> = Label::Number(33);
/// CBOR tag of `COSE_Sign1`.
const COSE_SIGN1: u64 = 18;
/// CBOR tag of a time in seconds.
const EPOCH: u64 = 1;

/// How a signature is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotationEnvelope {
    /// JSON Web Signature, flattened.
    Jws,
    /// `COSE_Sign1`, tagged.
    Cose,
}

/// What a Notary Project signature says; nothing of it is verified.
#[derive(Clone, Debug)]
pub struct NotationSignature {
    /// How it is wrapped.
    pub envelope: NotationEnvelope,
    /// Name of the signature algorithm in JOSE's spelling; of an unknown one its number.
    pub algorithm: String,
    /// `notary.x509` or `notary.x509.signingAuthority`.
    pub signing_scheme: Option<String>,
    /// When the signer says that it was made.
    pub signing_time: Option<UnixTime>,
    /// When the signing authority says that it was made.
    pub authentic_signing_time: Option<UnixTime>,
    /// When it ends to count.
    pub expiry: Option<UnixTime>,
    /// Names of headers that a verifier must understand.
    pub critical: Vec<String>,
    /// Certificates, DER, leaf first.
    pub certificates: Vec<Bytes>,
    /// RFC 3161 timestamp token, DER.
    pub timestamp: Option<Bytes>,
    /// The program that made it.
    pub signing_agent: Option<String>,
    /// What was signed: media type, digest, size, and the annotations that were signed with it.
    pub target: Descriptor,
    /// The signature.
    pub signature: Bytes,
}

impl NotationSignature {
    /// Reads either envelope; which one it is, the first byte says.
    ///
    /// # Errors
    /// `over-limit`, and what is wrong with the JSON, the base64, the CBOR or the payload.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        if bytes.len() as u64 > limits.notation_bytes {
            return Err(over_limit("notation_bytes", limits.notation_bytes));
        }
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => read_jws(bytes, limits),
            _ => read_cose(bytes, limits),
        }
    }
}

#[derive(Default)]
struct Protected {
    algorithm: Option<String>,
    content_type: Option<String>,
    critical: Vec<String>,
    scheme: Option<String>,
    signing_time: Option<UnixTime>,
    authentic_signing_time: Option<UnixTime>,
    expiry: Option<UnixTime>,
}

fn read_jws(bytes: &Bytes, limits: &Limits) -> Result<NotationSignature, Error> {
    let cap = ("notation_bytes", limits.notation_bytes);
    let mut reader = Reader::from_bytes(Document::Notation, bytes, cap, limits)?;
    let (mut payload, mut protected, mut signature) = (None, None, None);
    let (mut certificates, mut timestamp, mut agent) = (Vec::new(), None, None);
    reader.object(|reader, name| {
        match name {
            "payload" => payload = Some(url_base64(reader)?),
            "protected" => protected = Some(url_base64(reader)?),
            "signature" => signature = Some(url_base64(reader)?),
            "header" => reader.object(|reader, name| {
                match name {
                    "x5c" => {
                        certificates = reader
                            .capped_list(("certificates", limits.certificates), |reader| {
                                reader.base64(("certificate_bytes", limits.certificate_bytes))
                            })?;
                    }
                    TIMESTAMP => {
                        timestamp =
                            Some(reader.base64(("timestamp_bytes", limits.timestamp_bytes))?);
                    }
                    AGENT => agent = Some(short(reader, limits)?),
                    _ => {
                        reader.skip()?;
                    }
                }
                Ok(())
            })?,
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let protected = reader.required("protected", protected)?;
    let payload = reader.required("payload", payload)?;
    let signature = reader.required("signature", signature)?;
    reader.end()?;
    let protected =
        read_protected(&protected, limits).map_err(|error| error.within("protected"))?;
    finish(
        NotationEnvelope::Jws,
        protected,
        &payload,
        Unprotected {
            certificates,
            timestamp,
            agent,
        },
        signature,
        limits,
    )
}

fn read_protected(bytes: &Bytes, limits: &Limits) -> Result<Protected, Error> {
    let cap = ("manifest_bytes", limits.manifest_bytes);
    let mut reader = Reader::from_bytes(Document::Notation, bytes, cap, limits)?;
    let mut protected = Protected::default();
    reader.object(|reader, name| {
        match name {
            "alg" => protected.algorithm = Some(short(reader, limits)?),
            "cty" => protected.content_type = Some(short(reader, limits)?),
            "crit" => {
                protected.critical = reader
                    .capped_list(("annotations", limits.annotations), |reader| {
                        short(reader, limits)
                    })?;
            }
            SCHEME => protected.scheme = Some(short(reader, limits)?),
            SIGNING_TIME => protected.signing_time = Some(time(reader, limits)?),
            AUTHENTIC_TIME => protected.authentic_signing_time = Some(time(reader, limits)?),
            EXPIRY => protected.expiry = Some(time(reader, limits)?),
            _ => {
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    reader.end()?;
    Ok(protected)
}

fn read_cose(bytes: &Bytes, limits: &Limits) -> Result<NotationSignature, Error> {
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

struct Unprotected {
    certificates: Vec<Bytes>,
    timestamp: Option<Bytes>,
    agent: Option<String>,
}

fn finish(
    envelope: NotationEnvelope,
    protected: Protected,
    payload: &Bytes,
    unprotected: Unprotected,
    signature: Bytes,
    limits: &Limits,
) -> Result<NotationSignature, Error> {
    let missing = |name| Error::new(Document::Notation, ErrorKind::MissingField { name });
    if let Some(found) = protected
        .content_type
        .as_deref()
        .filter(|found| *found != PAYLOAD)
    {
        return Err(Error::new(
            Document::Notation,
            ErrorKind::Unsupported {
                what: "content type",
                found: excerpt(found),
            },
        ));
    }
    Ok(NotationSignature {
        envelope,
        algorithm: protected.algorithm.ok_or_else(|| missing("alg"))?,
        signing_scheme: protected.scheme,
        signing_time: protected.signing_time,
        authentic_signing_time: protected.authentic_signing_time,
        expiry: protected.expiry,
        critical: protected.critical,
        certificates: unprotected.certificates,
        timestamp: unprotected.timestamp,
        signing_agent: unprotected.agent,
        target: read_payload(payload, limits).map_err(|error| error.within("payload"))?,
        signature,
    })
}

/// `{"targetArtifact": {"mediaType", "digest", "size", "annotations"}}`
fn read_payload(payload: &Bytes, limits: &Limits) -> Result<Descriptor, Error> {
    let cap = ("manifest_bytes", limits.manifest_bytes);
    let mut reader = Reader::from_bytes(Document::Notation, payload, cap, limits)?;
    let mut target = None;
    reader.object(|reader, name| {
        match name {
            "targetArtifact" => target = Some(Descriptor::read(reader, limits)?),
            _ => {
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    let target = reader.required("targetArtifact", target)?;
    reader.end()?;
    Ok(target)
}

fn url_base64(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let text = reader.string()?;
    URL_SAFE_NO_PAD
        .decode(text.as_bytes())
        .map(Bytes::from)
        .map_err(|_| reader.error(ErrorKind::BadBase64))
}

fn short(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    if reader.peek()? == Kind::String {
        let text = reader.capped_string(("name_bytes", limits.name_bytes))?;
        return Ok(text.into_owned());
    }
    // A header of another type is shown as it is written.
    let raw = reader.raw()?;
    Ok(excerpt(raw))
}

fn time(reader: &mut Reader<'_>, limits: &Limits) -> Result<UnixTime, Error> {
    let text = reader.capped_string(("name_bytes", limits.name_bytes))?;
    UnixTime::parse_rfc3339(&text).map_err(|error| error.in_document(Document::Notation))
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

fn over_limit(limit: &'static str, maximum: u64) -> Error {
    Error::new(Document::Notation, ErrorKind::OverLimit { limit, maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn payload() -> String {
        format!(
            "{{\"targetArtifact\":{{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"{DIGEST}\",\"size\":2,\"annotations\":{{\"env\":\"prod\"}}}}}}"
        )
    }

    fn jws(protected: &str) -> Bytes {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Bytes::from(format!(
            "{{\"payload\":\"{}\",\"protected\":\"{}\",\"header\":{{\"x5c\":[\"bGVhZg==\",\"cm9vdA==\"],\"io.cncf.notary.signingAgent\":\"notation/1.3.2\"}},\"signature\":\"c2lnbmF0dXJl\"}}",
            encode(&payload()),
            encode(protected),
        ))
    }

    const PROTECTED: &str = r#"{"alg":"ES256","cty":"application/vnd.cncf.notary.payload.v1+json","crit":["io.cncf.notary.signingScheme"],"io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"2026-02-18T12:13:57Z"}"#;

    #[test]
    fn a_jws_envelope_is_decoded() {
        let signature = NotationSignature::parse(&jws(PROTECTED), &Limits::DEFAULT).unwrap();
        assert_eq!(signature.envelope, NotationEnvelope::Jws);
        assert_eq!(signature.algorithm, "ES256");
        assert_eq!(signature.signing_scheme.as_deref(), Some("notary.x509"));
        assert_eq!(
            signature.signing_time.unwrap().to_string(),
            "2026-02-18T12:13:57Z"
        );
        assert_eq!(signature.certificates, ["leaf", "root"]);
        assert_eq!(signature.target.digest.to_string(), DIGEST);
        assert_eq!(signature.target.annotations["env"], "prod");
        assert_eq!(signature.signing_agent.as_deref(), Some("notation/1.3.2"));
    }

    #[test]
    fn broken_envelopes_name_what_is_wrong() {
        let code = |bytes: Bytes| {
            NotationSignature::parse(&bytes, &Limits::DEFAULT)
                .unwrap_err()
                .code()
        };
        assert_eq!(code(jws("{}")), "missing-field");
        assert_eq!(
            code(jws(r#"{"alg":"ES256","cty":"text/plain"}"#)),
            "unsupported"
        );
        assert_eq!(
            code(jws(r#"{"alg":"ES256","alg":"none"}"#)),
            "duplicate-key"
        );
        assert_eq!(code(Bytes::from_static(b"{}")), "missing-field");
        assert_eq!(code(Bytes::from_static(b"")), "bad-cbor");
        assert_eq!(code(Bytes::from_static(&[0xd2, 0x80])), "bad-cbor");
        assert_eq!(code(Bytes::from_static(b"\xff\xff")), "bad-cbor");
    }

    fn text(out: &mut Vec<u8>, text: &str) {
        assert!(text.len() < 256);
        out.extend([0x78, u8::try_from(text.len()).unwrap()]);
        out.extend(text.as_bytes());
    }

    #[test]
    fn a_cose_envelope_is_decoded() {
        let mut protected = vec![0xa4, 0x01, 0x26, 0x03];
        text(&mut protected, PAYLOAD);
        text(&mut protected, SCHEME);
        text(&mut protected, "notary.x509");
        text(&mut protected, SIGNING_TIME);
        protected.extend([0xc1, 0x1a, 0x69, 0x95, 0xaf, 0xc5]);
        let payload = payload();
        let mut sign1 = vec![0xd2, 0x84, 0x58, u8::try_from(protected.len()).unwrap()];
        sign1.extend(&protected);
        sign1.extend([0xa1, 0x18, 33, 0x81, 0x44]);
        sign1.extend(b"leaf");
        sign1.extend([0x58, u8::try_from(payload.len()).unwrap()]);
        sign1.extend(payload.as_bytes());
        sign1.extend([0x43, 1, 2, 3]);
        let signature = NotationSignature::parse(&Bytes::from(sign1), &Limits::DEFAULT).unwrap();
        assert_eq!(signature.envelope, NotationEnvelope::Cose);
        assert_eq!(signature.algorithm, "ES256");
        assert_eq!(signature.signing_time, Some(UnixTime(0x6995_afc5)));
        assert_eq!(signature.certificates, ["leaf"]);
        assert_eq!(signature.target.digest.to_string(), DIGEST);
    }
}
