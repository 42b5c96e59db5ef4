//! Bundles as documents: what may be in one, how often, and in which spelling.

use serde_json::{Value, json};

use crate::catalogue::USER;
use crate::keys::LabKey;
use crate::lab::{Lab, SIGNED_AT};
use crate::vector::Vector;

const G: &str = "bundles";
/// The plain key-signed bundle that most rejected documents are bent from.
const KEY_ALONE: &str = "a-key-alone-needs-no-service";
const KEYLESS_V1: &str = "keyless-with-promise-and-inclusion-proof";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let managed = || lab.managed(key.clone());
    let plain = managed().build();
    let keyless = lab.keyless(USER).rekor_v1().build();
    let key_alone = |name, claim, code, rows: &[&'static str]| {
        Vector::rejected(G, name, claim, code, KEY_ALONE)
            .rows(rows)
            .key(&key)
            .bundle(&plain)
    };
    let bent = |name, claim, code, rows: &[&'static str], bend: fn(&mut Value)| {
        Vector::rejected(G, name, claim, code, KEY_ALONE)
            .rows(rows)
            .key(&key)
            .bundle(&managed().bundle(bend).build())
    };
    let bent_keyless = |name, claim, code, rows: &[&'static str], bend: fn(&mut Value)| {
        Vector::rejected(G, name, claim, code, KEYLESS_V1)
            .rows(rows)
            .bundle(&lab.keyless(USER).rekor_v1().bundle(bend).build())
    };
    vec![
        Vector::accepted(G, KEY_ALONE, "a managed key's bundle without log entry and timestamp verifies, undated")
            .key(&key)
            .bundle(&plain)
            .proven(0, 0, 0),
        Vector::accepted(G, KEYLESS_V1, "a certificate's bundle with promise and inclusion proof of a version 1 log verifies")
            .bundle(&keyless)
            .proven(1, 0, 1),
        Vector::accepted(G, "keyless-with-timestamp-and-version-2-log", "a certificate's bundle with a version 2 log entry and a timestamp verifies")
            .bundle(&lab.keyless(USER).rekor_v2().timestamped().build())
            .proven(1, 1, 1),
        Vector::accepted(G, "keyless-with-intoto-entry", "an `intoto` 0.0.2 entry of a version 1 log proves an envelope")
            .bundle(&lab.keyless(USER).logged(lab.rekor_v1.clone(), "intoto").build())
            .proven(1, 0, 1),
        Vector::accepted(G, "keyless-version-2-log-with-p256-key", "a version 2 log whose key is P-256 proves an envelope")
            .bundle(&lab.keyless(USER).logged(lab.rekor_v2_p256.clone(), "").timestamped().build())
            .proven(1, 1, 1),
        Vector::accepted(G, "keyless-message-with-version-1-log", "a message signature with a version 1 `hashedrekord` entry verifies")
            .about_file()
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().build())
            .proven(1, 0, 1),
        Vector::accepted(G, "keyless-message-with-version-2-log", "a message signature with a version 2 entry and a timestamp verifies")
            .about_file()
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v2().timestamped().build())
            .proven(1, 1, 1),
        Vector::accepted(G, "old-spelling-of-the-media-type", "the spelling with `;version=0.3` names the same version")
            .key(&key)
            .bundle(&managed().bundle(|bundle| {
                bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.3");
            }).build()),
        Vector::accepted(G, "version-0-1-with-inclusion-proof", "a version 0.1 bundle that has an inclusion proof besides its promise verifies")
            .bundle(&lab.keyless(USER).rekor_v1().bundle(|bundle| {
                bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
            }).build())
            .proven(1, 0, 1),
        bent_keyless("relabelled-as-version-0-1-without-inclusion-proof", "a media type never excuses a missing inclusion proof", "log-no-proof", &["A019"], |bundle| {
            bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
            entry(bundle).remove("inclusionProof");
        }),
        bent("media-type-of-another-format", "a media type that is not a bundle's is refused", "unsupported", &["N-62"], |bundle| {
            bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v9.9+json");
        }),
        bent("media-type-missing", "a bundle without media type is refused", "missing-field", &["N-90"], |bundle| {
            object(bundle).remove("mediaType");
        }),
        bent("two-key-materials", "certificate and public key in one bundle are refused: one of them would go unread", "conflict", &["#566"], |bundle| {
            bundle["verificationMaterial"]["certificate"] = json!({"rawBytes": "MAA="});
        }),
        bent("two-contents", "envelope and message signature in one bundle are refused", "conflict", &["#566"], |bundle| {
            bundle["messageSignature"] = json!({"signature": "MAA="});
        }),
        bent("no-content", "a bundle that holds neither envelope nor message signature is refused", "missing-field", &["A146"], |bundle| {
            object(bundle).remove("dsseEnvelope");
        }),
        bent("no-key-material", "a bundle that names no signer is refused", "missing-field", &["A146"], |bundle| {
            object(&mut bundle["verificationMaterial"]).remove("publicKey");
        }),
        bent_keyless("certificate-chain-empty", "a chain without certificates names no signer", "missing-field", &["A146"], |bundle| {
            let material = object(&mut bundle["verificationMaterial"]);
            material.remove("certificate");
            material.insert("x509CertificateChain".to_owned(), json!({"certificates": []}));
        }),
        bent("no-verification-material", "a bundle without verification material is refused", "missing-field", &["A042", "A044"], |bundle| {
            object(bundle).remove("verificationMaterial");
        }),
        bent("unknown-member", "an unknown member is refused instead of overlooked", "unknown-field", &["N-91"], |bundle| {
            bundle["trustMe"] = json!(true);
        }),
        bent("member-in-other-case", "a member is known by its exact name only", "unknown-field", &["N-07"], |bundle| {
            let value = object(bundle).remove("dsseEnvelope").unwrap_or_default();
            bundle["DsseEnvelope"] = value;
        }),
        bent("null-envelope", "null in the place of the envelope is refused", "wrong-type", &["A042", "A044"], |bundle| {
            bundle["dsseEnvelope"] = Value::Null;
        }),
        bent("number-as-hint", "a member of another type is refused", "wrong-type", &["A125"], |bundle| {
            bundle["verificationMaterial"]["publicKey"]["hint"] = json!(7);
        }),
        key_alone("duplicate-member", "a member given twice is refused, whichever one would win", "duplicate-key", &["N-06"])
            .text(|text| text.replacen('{', "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",", 1)),
        key_alone("duplicate-member-deep-inside", "a member given twice is refused at every level", "duplicate-key", &["N-06"])
            .text(|text| text.replace("\"payloadType\"", "\"payload\":\"e30=\",\"payloadType\"")),
        key_alone("byte-order-mark", "a byte order mark is not JSON", "json-syntax", &["N-08"])
            .text(|text| format!("\u{feff}{text}")),
        key_alone("trailing-data", "bytes behind the document are refused", "json-syntax", &["N-08"])
            .text(|text| format!("{text}{{}}")),
        key_alone("comment", "a comment is not JSON", "json-syntax", &["N-08"])
            .text(|text| format!("/* ok */{text}")),
        key_alone("truncated", "a truncated bundle is refused, and nothing is looked up in its place", "json-syntax", &["A004"])
            .text(|text| text.chars().take(text.len() / 2).collect()),
        key_alone("empty", "an empty file is refused", "json-syntax", &["A146"])
            .text(|_| String::new()),
        key_alone("lone-surrogate", "half a surrogate pair is refused", "json-syntax", &["N-08"])
            .text(|text| text.replacen("application/vnd.in-toto+json", "\\ud800", 1)),
        key_alone("not-utf-8", "bytes that are not UTF-8 are refused", "not-utf8", &["N-08"])
            .bytes(|bytes| bytes.insert(2, 0xff)),
        key_alone("not-a-number", "`NaN` is not JSON", "json-syntax", &["N-08"])
            .text(|text| text.replacen("\"hint\":", "\"hint\":NaN,\"x\":", 1)),
        bent_keyless("too-many-log-entries", "more log entries than the limit are refused", "over-limit", &["A014", "#630"], |bundle| {
            let first = bundle["verificationMaterial"]["tlogEntries"][0].clone();
            bundle["verificationMaterial"]["tlogEntries"] = json!(vec![first; 33]);
        }),
        bent_keyless("same-log-entry-twice", "an entry given twice is refused instead of counted twice", "log-entry-duplicate", &["A015", "#1702"], |bundle| {
            let first = bundle["verificationMaterial"]["tlogEntries"][0].clone();
            bundle["verificationMaterial"]["tlogEntries"] = json!(vec![first; 2]);
        }),
        Vector::rejected(G, "too-many-timestamps", "more timestamps than the limit are refused", "over-limit", "keyless-with-timestamp-and-version-2-log")
            .rows(&["A014"])
            .bundle(&lab.keyless(USER).rekor_v2().timestamped().bundle(|bundle| {
                let list = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
                *list = json!(vec![list[0].clone(); 33]);
            }).build()),
        Vector::rejected(G, "same-timestamp-twice", "a timestamp given twice is refused instead of counted twice", "timestamp-duplicate", "keyless-with-timestamp-and-version-2-log")
            .rows(&["A015", "#472"])
            .bundle(&lab.keyless(USER).rekor_v2().timestamped().bundle(|bundle| {
                let list = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
                *list = json!(vec![list[0].clone(); 2]);
            }).build()),
        bent_keyless("certificate-chain-beyond-the-limit", "a chain longer than the limit is refused before it is followed", "over-limit", &["A150", "#15858"], |bundle| {
            let leaf = object(&mut bundle["verificationMaterial"]).remove("certificate").unwrap_or_default();
            bundle["verificationMaterial"]["x509CertificateChain"] = json!({"certificates": vec![leaf; 12]});
        }),
        bent_keyless("certificate-empty", "an empty certificate is refused", "missing-field", &["A028", "#4760"], |bundle| {
            bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!("");
        }),
        bent_keyless("log-index-beyond-64-bits", "an index that does not fit is refused", "bad-value", &["A010", "#1722"], |bundle| {
            bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("36893488147419103232");
        }),
        bent_keyless("log-index-with-sign", "an index with a sign is refused", "bad-value", &["#1722"], |bundle| {
            bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("-7");
        }),
        Vector::rejected(G, "message-digest-of-other-bytes", "the stated message digest must be the file's", "message-digest", "keyless-message-with-version-1-log")
            .rows(&["A002", "#600", "#611"])
            .about_file()
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().bundle(|bundle| {
                bundle["messageSignature"]["messageDigest"]["digest"] = json!("RUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUU=");
            }).build()),
        Vector::rejected(G, "message-digest-under-other-algorithm", "a digest under another algorithm's name is refused", "message-digest", "keyless-message-with-version-1-log")
            .rows(&["N-62"])
            .about_file()
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().bundle(|bundle| {
                bundle["messageSignature"]["messageDigest"]["algorithm"] = json!("SHA2_512");
            }).build()),
        Vector::rejected(G, "message-of-another-file", "a message signature proves nothing about another file", "message-digest", "keyless-message-with-version-1-log")
            .rows(&["A017", "#609"])
            .about(crate::vector::VectorSubject::File(b"another file\n".to_vec()))
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().build()),
        Vector::rejected(G, "message-about-an-image-digest-asked-as-statement", "a message signature over the file does not name another image", "message-digest", "keyless-message-with-version-1-log")
            .rows(&["A146"])
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().build()),
        Vector::accepted(G, "integrated-before-the-file-is-asked-for-by-digest", "a P-256 message signature is proven by the file's SHA-256 digest alone")
            .about(crate::vector::VectorSubject::FileDigest(format!("sha256:{}", crate::transparency_log::hex(&crate::keys::sha256(&Lab::artifact())))))
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v1().integrated_at(SIGNED_AT).build())
            .proven(1, 0, 1),
    ]
}

fn object(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value.as_object_mut().expect("object")
}

fn entry(bundle: &mut Value) -> &mut serde_json::Map<String, Value> {
    object(&mut bundle["verificationMaterial"]["tlogEntries"][0])
}
