//! Small valid documents of every kind.

use bytes::Bytes;
use countersign_formats::{encode_base64, write_pem};
use std::collections::BTreeMap;

pub(crate) const HEX: &str = "97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36";
pub(crate) const OTHER_HEX: &str =
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Base64 of 32 bytes of value `byte`.
pub(crate) fn node(byte: u8) -> String {
    encode_base64(&[byte; 32])
}

pub(crate) fn statement() -> String {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{HEX}"}},"annotations":{{"key1":"value1"}}}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{{}}}}"#
    )
}

pub(crate) fn envelope() -> String {
    format!(
        r#"{{"payload":"{}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"c2lnbmF0dXJl","keyid":"k"}}]}}"#,
        encode_base64(statement().as_bytes())
    )
}

pub(crate) fn checkpoint() -> String {
    format!(
        "log.example\n11\n{}\nTimestamp: 1\n\n\u{2014} log.example {}\n\u{2014} witness.example {}\n",
        node(7),
        encode_base64(b"hint-signature"),
        encode_base64(b"HINT-signature")
    )
}

pub(crate) fn log_entry() -> String {
    serde_json::json!({
        "logIndex": "175508996",
        "logId": {"keyId": node(1)},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1740770291",
        "inclusionPromise": {"signedEntryTimestamp": "cHJvbWlzZQ=="},
        "inclusionProof": {
            "logIndex": "10", "rootHash": node(7), "treeSize": "11", "hashes": [node(2), node(3)],
            "checkpoint": {"envelope": checkpoint()},
        },
        "canonicalizedBody": encode_base64(dsse_v1().as_bytes()),
    })
    .to_string()
}

/// A bundle with a certificate, one log entry and one timestamp.
pub(crate) fn bundle() -> String {
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"certificate":{{"rawBytes":"Y2VydGlmaWNhdGU="}},"tlogEntries":[{}],"timestampVerificationData":{{"rfc3161Timestamps":[{{"signedTimestamp":"dGltZQ=="}}]}}}},"dsseEnvelope":{}}}"#,
        log_entry(),
        envelope()
    )
}

/// A bundle with a message signature by a key.
pub(crate) fn message_bundle() -> String {
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.3","verificationMaterial":{{"publicKey":{{"hint":"aGludA=="}}}},"messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":"c2ln"}}}}"#,
        node(9)
    )
}

pub(crate) fn manifest() -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:{OTHER_HEX}","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}},"layers":[{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","size":77,"digest":"sha256:{HEX}"}}],"annotations":{{"dev.sigstore.bundle.content":"dsse-envelope","org.opencontainers.image.created":"2026-07-24T18:31:58Z"}},"subject":{{"mediaType":"application/vnd.oci.image.index.v1+json","size":856,"digest":"sha256:{HEX}"}},"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}}"#
    )
}

pub(crate) fn index() -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2557,"digest":"sha256:{HEX}","platform":{{"architecture":"arm64","os":"linux","os.features":["x"],"variant":"v8"}}}},{{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:{OTHER_HEX}","data":"e30=","urls":["https://example.com/x"],"new": {{"a": [1, 2]}},"annotations":{{"a":"b"}},"artifactType":"application/x"}}],"annotations":{{"k":"v"}},"x-new":true}}"#
    )
}

pub(crate) fn pem_certificate() -> String {
    encode_base64(write_pem("CERTIFICATE", b"certificate").as_bytes())
}

pub(crate) fn hashed_rekord_v1() -> String {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{HEX}"}}}},"signature":{{"content":"c2ln","publicKey":{{"content":"{}"}}}}}}}}"#,
        encode_base64(write_pem("PUBLIC KEY", b"key").as_bytes())
    )
}

pub(crate) fn hashed_rekord_v2() -> String {
    format!(
        r#"{{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{{"hashedRekordV002":{{"data":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":{{"content":"c2ln","verifier":{{"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":{{"rawBytes":"Y2VydGlmaWNhdGU="}}}}}}}}}}}}"#,
        node(4)
    )
}

pub(crate) fn dsse_v1() -> String {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"dsse","spec":{{"envelopeHash":{{"algorithm":"sha256","value":"{HEX}"}},"payloadHash":{{"algorithm":"sha256","value":"{OTHER_HEX}"}},"signatures":[{{"signature":"c2ln","verifier":"{}"}}]}}}}"#,
        pem_certificate()
    )
}

pub(crate) fn dsse_v2() -> String {
    format!(
        r#"{{"apiVersion":"0.0.2","kind":"dsse","spec":{{"dsseV002":{{"payloadHash":{{"algorithm":"SHA2_256","digest":"{}"}},"signatures":[{{"content":"c2ln","verifier":{{"keyDetails":"PKIX_ED25519_PH","publicKey":{{"rawBytes":"a2V5"}}}}}}]}}}}}}"#,
        node(5)
    )
}

pub(crate) fn intoto_v2() -> String {
    format!(
        r#"{{"apiVersion":"0.0.2","kind":"intoto","spec":{{"content":{{"envelope":{{"payloadType":"application/vnd.in-toto+json","signatures":[{{"publicKey":"{}","sig":"{}"}}]}},"hash":{{"algorithm":"sha256","value":"{HEX}"}},"payloadHash":{{"algorithm":"sha256","value":"{OTHER_HEX}"}}}}}}}}"#,
        pem_certificate(),
        encode_base64(b"c2ln")
    )
}

pub(crate) fn simple_signing() -> String {
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"ghcr.io/acme/app"}},"image":{{"docker-manifest-digest":"sha256:{HEX}"}},"type":"cosign container image signature"}},"optional":{{"k":"v"}}}}"#
    )
}

pub(crate) fn legacy_bundle() -> String {
    format!(
        r#"{{"SignedEntryTimestamp":"cHJvbWlzZQ==","Payload":{{"body":"{}","integratedTime":1624396085,"logIndex":5179,"logID":"{HEX}"}}}}"#,
        encode_base64(hashed_rekord_v1().as_bytes())
    )
}

pub(crate) fn legacy_annotations() -> BTreeMap<String, String> {
    BTreeMap::from(
        [
            ("dev.cosignproject.cosign/signature", "c2ln".to_owned()),
            (
                "dev.sigstore.cosign/certificate",
                write_pem("CERTIFICATE", b"leaf"),
            ),
            (
                "dev.sigstore.cosign/chain",
                write_pem("CERTIFICATE", b"one") + &write_pem("CERTIFICATE", b"two"),
            ),
            ("dev.sigstore.cosign/bundle", legacy_bundle()),
            (
                "dev.sigstore.cosign/rfc3161timestamp",
                r#"{"SignedRFC3161Timestamp":"dGltZQ=="}"#.to_owned(),
            ),
            ("predicateType", "https://slsa.dev/provenance/v1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

pub(crate) fn trusted_root() -> String {
    let authority = |name: &str| {
        serde_json::json!({
            "subject": {"organization": "example", "commonName": name},
            "uri": format!("https://{name}.example"),
            "certChain": {"certificates": [{"rawBytes": "b25l"}, {"rawBytes": "dHdv"}]},
            "validFor": {"start": "2021-03-07T03:20:29Z", "end": "2022-12-31T23:59:59.999Z"},
        })
    };
    let log = |name: &str, details: &str| {
        serde_json::json!({
            "baseUrl": format!("https://{name}.example:8443/path"),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": "a2V5", "keyDetails": details, "validFor": {"start": "2021-01-12T11:53:27Z"}},
            "logId": {"keyId": node(1)},
        })
    };
    serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log("log", "PKIX_ECDSA_P256_SHA_256"), log("log2", "PKIX_ML_DSA_65")],
        "certificateAuthorities": [authority("fulcio")],
        "ctlogs": [log("ct", "PKIX_ECDSA_P256_SHA_256")],
        "timestampAuthorities": [authority("tsa")],
    })
    .to_string()
}

pub(crate) fn encrypted_key_json() -> String {
    format!(
        r#"{{"kdf":{{"name":"scrypt","params":{{"N":65536,"r":8,"p":1}},"salt":"{}"}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"{}"}}"#,
        node(1),
        encode_base64(&[2; 24]),
        encode_base64(&[3; 60])
    )
}
