//! DSSE envelopes: what is signed, by which bytes, and how many signatures count.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::keys::LabKey;
use crate::lab::{IN_TOTO, Lab, image_statement, pae};
use crate::vector::Vector;

const G: &str = "envelopes";
const GOOD: &str = "envelope-signed-by-a-trusted-key";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let managed = || lab.managed(key.clone());
    let payload = image_statement(&Lab::image()).to_string();
    let reject = |name, claim, code, rows: &[&'static str]| {
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .key(&key)
    };
    let bent = |name, claim, code, rows: &[&'static str], bend: &dyn Fn(&mut Value)| {
        reject(name, claim, code, rows).bundle(
            &managed()
                .bundle(|bundle| bend(&mut bundle["dsseEnvelope"]))
                .build(),
        )
    };
    let typed = |name, claim, code, payload_type: &str| {
        reject(name, claim, code, &["N-30"])
            .bundle(&managed().payload(payload_type, payload.as_bytes()).build())
    };
    let signature = |name, claim, code, rows: &[&'static str], bytes: Vec<u8>| {
        reject(name, claim, code, rows).bundle(
            &managed()
                .signature(move |signature| *signature = bytes.clone())
                .build(),
        )
    };
    // One byte beyond a multiple of three: base64 ends in `A==` (a space), which has four loose bits.
    let padded = format!("{payload}{}", " ".repeat((4 - payload.len() % 3) % 3));
    let half_order_zero = |r: u8, s: u8| vec![0x30, 6, 2, 1, r, 2, 1, s];
    vec![
        Vector::accepted(
            G,
            GOOD,
            "an envelope with one signature of a trusted key verifies",
        )
        .key(&key)
        .bundle(&managed().build()),
        Vector::accepted(
            G,
            "key-id-is-a-hint",
            "`keyid` decides nothing: a wrong one beside a right signature is accepted",
        )
        .rows(&["N-34"])
        .key(&key)
        .bundle(
            &managed()
                .bundle(|bundle| {
                    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = json!("someone else")
                })
                .build(),
        ),
        typed(
            "payload-type-of-plain-text",
            "a payload type that is not in-toto's is refused",
            "payload-type",
            "text/plain",
        ),
        typed(
            "payload-type-in-other-case",
            "the payload type is compared exactly, case included",
            "payload-type",
            "application/vnd.in-toto+JSON",
        ),
        typed(
            "payload-type-with-parameter",
            "a parameter makes another payload type",
            "payload-type",
            "application/vnd.in-toto+json;v=1",
        ),
        typed(
            "payload-type-with-trailing-space",
            "a space makes another payload type",
            "payload-type",
            "application/vnd.in-toto+json ",
        ),
        typed(
            "payload-type-empty",
            "an empty payload type is refused",
            "missing-field",
            "",
        ),
        bent(
            "payload-type-of-letters-with-the-same-low-byte",
            "the payload type is encoded as UTF-8: letters that share a low byte are not the same type",
            "payload-type",
            &["A021", "N-31"],
            &|envelope| {
                // U+0161 ends in the byte of `a`.
                envelope["payloadType"] = json!(IN_TOTO.replace('a', "\u{161}"));
            },
        ),
        reject(
            "signature-without-pre-authentication-encoding",
            "a signature over the bare payload is not a DSSE signature",
            "signature-invalid",
            &["A030", "N-31"],
        )
        .bundle(
            &managed()
                .signature({
                    let (key, payload) = (key.clone(), payload.clone());
                    move |signature| *signature = key.sign(payload.as_bytes())
                })
                .build(),
        ),
        reject(
            "signature-over-another-length",
            "the length is part of what is signed",
            "signature-invalid",
            &["N-31"],
        )
        .bundle(
            &managed()
                .signature({
                    let (key, payload) = (key.clone(), payload.clone());
                    move |signature| {
                        let text = pae(IN_TOTO, payload.as_bytes());
                        let text = String::from_utf8_lossy(&text).replacen(
                            &format!(" {} ", payload.len()),
                            &format!(" {} ", payload.len() + 1),
                            1,
                        );
                        *signature = key.sign(text.as_bytes());
                    }
                })
                .build(),
        ),
        reject(
            "signature-of-an-untrusted-key",
            "a signature of another key is refused",
            "signature-invalid",
            &["A137"],
        )
        .bundle(&managed().signed_by(LabKey::p256("stranger")).build()),
        bent(
            "payload-changed-after-signing",
            "a payload that was changed after signing is refused",
            "signature-invalid",
            &["A029"],
            &|envelope| {
                let other = image_statement(&Lab::image())
                    .to_string()
                    .replace("cosign/sign/v1", "cosign/sign/v2");
                envelope["payload"] = json!(STANDARD.encode(other));
            },
        ),
        bent(
            "payload-re-serialised",
            "the bytes that were signed are verified, not an equal document",
            "signature-invalid",
            &["A029", "dece2753"],
            &|envelope| {
                let pretty = serde_json::to_string_pretty(&image_statement(&Lab::image()))
                    .unwrap_or_default();
                envelope["payload"] = json!(STANDARD.encode(pretty));
            },
        ),
        signature(
            "signature-empty",
            "an empty signature is refused",
            "missing-field",
            &["A137"],
            Vec::new(),
        ),
        signature(
            "signature-of-zero-bytes",
            "a signature of zero bytes is refused",
            "signature-invalid",
            &["A137"],
            vec![0; 70],
        ),
        signature(
            "signature-with-r-zero",
            "ECDSA with r = 0 is refused",
            "signature-invalid",
            &["A030", "N-60"],
            half_order_zero(0, 1),
        ),
        signature(
            "signature-with-s-zero",
            "ECDSA with s = 0 is refused",
            "signature-invalid",
            &["A030", "N-60"],
            half_order_zero(1, 0),
        ),
        signature(
            "signature-random",
            "a random signature is refused",
            "signature-invalid",
            &["A030", "#109"],
            vec![0x5a; 71],
        ),
        reject(
            "signature-with-trailing-byte",
            "bytes behind an ECDSA signature are refused",
            "signature-invalid",
            &["N-60", "#1678"],
        )
        .bundle(&managed().signature(|signature| signature.push(0)).build()),
        bent(
            "no-signature",
            "an envelope without signature is refused",
            "missing-field",
            &["A146", "A137"],
            &|envelope| envelope["signatures"] = json!([]),
        ),
        bent(
            "two-signatures",
            "a bundle's envelope has exactly one signature",
            "bad-value",
            &["A138", "N-33", "TOB-SIGSTORE-9"],
            &|envelope| {
                let first = envelope["signatures"][0].clone();
                envelope["signatures"] = json!([first.clone(), first]);
            },
        ),
        bent(
            "trusted-signature-behind-a-stranger-s",
            "a valid signature beside another one does not make the other one count",
            "bad-value",
            &["A138", "N-33", "TOB-SIGSTORE-9"],
            &|envelope| {
                let first = envelope["signatures"][0].clone();
                envelope["signatures"] = json!([{"sig": STANDARD.encode([1; 70])}, first]);
            },
        ),
        bent(
            "no-payload",
            "an envelope without payload is refused",
            "missing-field",
            &["A013"],
            &|envelope| {
                envelope.as_object_mut().expect("object").remove("payload");
            },
        ),
        bent(
            "payload-in-base64-with-line-break",
            "a line break inside base64 is refused",
            "bad-base64",
            &["N-32"],
            &|envelope| {
                let text = envelope["payload"].as_str().unwrap_or_default().to_owned();
                let (head, tail) = text.split_at(40);
                envelope["payload"] = json!(format!("{head}\n{tail}"));
            },
        ),
        reject(
            "payload-in-base64-without-padding",
            "missing padding is refused",
            "bad-base64",
            &["N-32"],
        )
        .bundle(
            &managed()
                .payload(IN_TOTO, padded.as_bytes())
                .bundle(|bundle| {
                    rewrite_payload(bundle, |text| text.trim_end_matches('=').to_owned())
                })
                .build(),
        ),
        reject(
            "payload-in-base64-with-loose-bits",
            "bits behind the last byte must be zero",
            "bad-base64",
            &["N-32"],
        )
        .bundle(
            &managed()
                .payload(IN_TOTO, padded.as_bytes())
                .bundle(|bundle| rewrite_payload(bundle, |text| text.replace("A==", "B==")))
                .build(),
        ),
        bent(
            "signature-in-base64-with-mixed-alphabets",
            "one text in two alphabets is refused",
            "bad-base64",
            &["N-32"],
            &|envelope| {
                envelope["signatures"][0]["sig"] = json!(format!(
                    "{}{}",
                    &STANDARD.encode([0xfb; 3]),
                    &URL_SAFE.encode([0xfb; 3])
                ));
            },
        ),
        bent(
            "unknown-member-in-envelope",
            "an unknown member of the envelope is refused",
            "unknown-field",
            &["N-91"],
            &|envelope| envelope["header"] = json!({}),
        ),
    ]
}

fn rewrite_payload(bundle: &mut Value, rewrite: fn(&str) -> String) {
    let payload = &mut bundle["dsseEnvelope"]["payload"];
    *payload = json!(rewrite(payload.as_str().unwrap_or_default()));
}
