//! Notary Project signatures, decoded and not verified.

mod cose;
mod jws;

use bytes::Bytes;

use crate::descriptor::Descriptor;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::Reader;
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
            Some(b'{') => jws::read(bytes, limits),
            _ => cose::read(bytes, limits),
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

fn over_limit(limit: &'static str, maximum: u64) -> Error {
    Error::new(Document::Notation, ErrorKind::OverLimit { limit, maximum })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
