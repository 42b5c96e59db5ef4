//! Signatures as older tools leave them: simple signing and envelope layers whose evidence stands in annotations.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::catalogue::USER;
use crate::keys::LabKey;
use crate::lab::{Evidence, Lab, SIGNED_AT, image_statement, simple_signing_payload};
use crate::timestamp_authority::TimestampSpec;
use crate::vector::{Form, Vector};

const G: &str = "layers";
const KEYLESS: &str = "simple-signing-with-promise";
const KEY: &str = "simple-signing-by-a-key";
const ENVELOPE: &str = "envelope-layer-with-promise";
const DATED: &str = "envelope-layer-with-a-timestamp-over-the-envelope";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let payload = simple_signing_payload(&Lab::image());
    let text = payload.to_string();
    let keyless = |payload: &str| {
        lab.keyless(USER)
            .simple_signing(payload.as_bytes())
            .rekor_v1()
            .build()
    };
    let managed = |payload: &str| {
        lab.managed(key.clone())
            .simple_signing(payload.as_bytes())
            .build()
    };
    let good = keyless(&text);
    let other =
        keyless(&simple_signing_payload(&format!("sha256:{}", "11".repeat(32))).to_string());
    let again = keyless(&text);
    let annotated =
        |name, claim, rows: &[&'static str], code, bend: &dyn Fn(&mut BTreeMap<String, String>)| {
            Vector::rejected(G, name, claim, code, KEYLESS)
                .rows(rows)
                .layer(Form::SimpleSigning, &good)
                .annotate(bend)
        };
    let signed_by_key = |name, claim, rows: &[&'static str], code, payload: &str| {
        Vector::rejected(G, name, claim, code, KEY)
            .rows(rows)
            .key(&key)
            .layer(Form::SimpleSigning, &managed(payload))
    };
    let bent = |name, claim, rows: &[&'static str], code, bend: &dyn Fn(&mut Value)| {
        let mut payload = payload.clone();
        bend(&mut payload);
        signed_by_key(name, claim, rows, code, &payload.to_string())
    };
    let envelope = lab.keyless(USER).rekor_v1().build();
    let other_envelope = lab
        .keyless(USER)
        .rekor_v1()
        .statement(&image_statement(&format!("sha256:{}", "11".repeat(32))))
        .build();
    let set = |name: &'static str, value: String| {
        move |annotations: &mut BTreeMap<String, String>| {
            annotations.insert(name.to_owned(), value.clone());
        }
    };
    let promise = |evidence: &Evidence, bend: &dyn Fn(&mut Value)| {
        let mut value = evidence.entries[0].annotation.clone().unwrap_or_default();
        bend(&mut value);
        value.to_string()
    };
    // As cosign dates an attestation's layer: the envelope, and not the signature in it.
    let over = |evidence: &Evidence| {
        let stamp = TimestampSpec::new(&lab.timestamp_leaf, SIGNED_AT, &evidence.layer).sign();
        json!({"SignedRFC3161Timestamp": STANDARD.encode(stamp)}).to_string()
    };
    vec![
        Vector::accepted(
            G,
            KEYLESS,
            "a simple signing layer with certificate and promise verifies",
        )
        .rows(&["N-42"])
        .layer(Form::SimpleSigning, &good)
        .proven(1, 0, 1),
        Vector::accepted(
            G,
            KEY,
            "a simple signing layer signed by a key alone verifies, undated",
        )
        .key(&key)
        .layer(Form::SimpleSigning, &managed(&text))
        .proven(0, 0, 0),
        Vector::accepted(
            G,
            "simple-signing-by-a-key-with-promise",
            "a key's simple signing layer with a promise is dated",
        )
        .and_key(&key)
        .layer(
            Form::SimpleSigning,
            &lab.managed(key.clone())
                .simple_signing(text.as_bytes())
                .rekor_v1()
                .build(),
        )
        .proven(1, 0, 0),
        Vector::accepted(
            G,
            "simple-signing-with-timestamp",
            "a simple signing layer with a timestamp besides its promise verifies",
        )
        .layer(
            Form::SimpleSigning,
            &lab.keyless(USER)
                .simple_signing(text.as_bytes())
                .rekor_v1()
                .timestamped()
                .build(),
        )
        .proven(1, 1, 1),
        Vector::accepted(
            G,
            "simple-signing-with-annotations",
            "signed annotations are text beside the digest",
        )
        .rows(&["N-42"])
        .key(&key)
        .layer(
            Form::SimpleSigning,
            &managed(&{
                let mut payload = payload.clone();
                payload["optional"] = json!({"release": "1.4"});
                payload.to_string()
            }),
        ),
        Vector::accepted(
            G,
            ENVELOPE,
            "an envelope layer with certificate and promise verifies",
        )
        .layer(Form::Dsse, &envelope)
        .proven(1, 0, 1),
        Vector::accepted(
            G,
            "envelope-layer-by-a-key",
            "an envelope layer signed by a key alone verifies",
        )
        .key(&key)
        .layer(Form::Dsse, &lab.managed(key.clone()).build())
        .proven(0, 0, 0),
        Vector::accepted(
            G,
            "envelope-layer-with-intoto-entry",
            "an envelope layer with an `intoto` entry, as older cosign logs it, verifies",
        )
        .layer(
            Form::Dsse,
            &lab.keyless(USER)
                .logged(lab.rekor_v1.clone(), "intoto")
                .build(),
        )
        .proven(1, 0, 1),
        // Binding.
        annotated(
            "promise-about-another-signature",
            "a promise about another layer's signature proves nothing here",
            &["A001", "A002", "A011"],
            "log-entry-signature",
            &set(BUNDLE, other.annotations[BUNDLE].clone()),
        ),
        annotated(
            "promise-about-a-second-signature-of-the-same-payload",
            "the promise must be about these signature bytes",
            &["A001", "A017"],
            "log-entry-signature",
            &set(BUNDLE, again.annotations[BUNDLE].clone()),
        ),
        annotated(
            "certificate-of-another-signer",
            "the certificate must be the one that signed",
            &["A002", "A003"],
            "signature-invalid",
            &set(
                CERTIFICATE,
                lab.keyless("other@example.org")
                    .certified_key(LabKey::p256("stranger"))
                    .build()
                    .annotations[CERTIFICATE]
                    .clone(),
            ),
        ),
        annotated(
            "signature-of-another-layer",
            "the signature must be over this payload",
            &["A001"],
            "signature-invalid",
            &set(SIGNATURE, other.annotations[SIGNATURE].clone()),
        ),
        annotated(
            "promise-with-another-time",
            "the promise signs the integrated time",
            &["A019", "N-75"],
            "log-promise",
            &set(
                BUNDLE,
                promise(&good, &|value| {
                    value["Payload"]["integratedTime"] = json!(1)
                }),
            ),
        ),
        annotated(
            "promise-signature-broken",
            "a promise that does not verify is refused",
            &["A004", "A005"],
            "log-promise",
            &set(
                BUNDLE,
                promise(&good, &|value| {
                    value["SignedEntryTimestamp"] = json!("MAYCAQECAQE=")
                }),
            ),
        ),
        annotated(
            "promise-signature-empty",
            "an empty promise is refused",
            &["87e28765", "A019"],
            "missing-field",
            &set(
                BUNDLE,
                promise(&good, &|value| value["SignedEntryTimestamp"] = json!("")),
            ),
        ),
        annotated(
            "no-promise-and-no-timestamp",
            "a certificate's layer without any proven time is refused",
            &["A020", "A097"],
            "no-proven-time",
            &|annotations| {
                annotations.remove(BUNDLE);
            },
        ),
        // Annotations.
        annotated(
            "layer-without-signature",
            "a layer without signature is refused",
            &["A137", "A146"],
            "no-signature",
            &|annotations| {
                annotations.remove(SIGNATURE);
            },
        ),
        annotated(
            "signature-blank",
            "a blank signature is no signature",
            &["A137", "#4760"],
            "no-signature",
            &set(SIGNATURE, "   ".to_owned()),
        ),
        annotated(
            "certificate-blank",
            "a blank certificate is no certificate: the layer then needs a trusted key",
            &["#4760", "#4998"],
            "key-not-trusted",
            &set(CERTIFICATE, " \n".to_owned()),
        ),
        annotated(
            "key-in-the-certificate-s-place",
            "a public key is not a certificate",
            &["#4760"],
            "bad-pem",
            &set(CERTIFICATE, key.public_pem()),
        ),
        annotated(
            "two-certificates-in-the-certificate-s-place",
            "one certificate names the signer",
            &["#4760"],
            "over-limit",
            &set(CERTIFICATE, good.annotations[CERTIFICATE].repeat(2)),
        ),
        annotated(
            "certificate-beyond-the-limit",
            "an annotation beyond the limit is refused",
            &["#4760", "A009"],
            "over-limit",
            &set(CERTIFICATE, good.annotations[CERTIFICATE].repeat(150)),
        ),
        annotated(
            "promise-is-not-json",
            "a promise that is not JSON is refused, not overlooked",
            &["A004"],
            "json-syntax",
            &set(BUNDLE, "{".to_owned()),
        ),
        annotated(
            "promise-with-duplicate-member",
            "a member given twice in a promise is refused",
            &["N-06"],
            "duplicate-key",
            &set(
                BUNDLE,
                good.annotations[BUNDLE].replacen('{', "{\"SignedEntryTimestamp\":\"\",", 1),
            ),
        ),
        // Payload.
        bent(
            "payload-about-another-image",
            "a payload about another digest proves nothing about this one",
            &["A023"],
            "subject-mismatch",
            &|payload| {
                payload["critical"]["image"]["docker-manifest-digest"] =
                    json!(format!("sha256:{}", "11".repeat(32)))
            },
        ),
        bent(
            "payload-of-another-type",
            "a payload of another type is not an image signature",
            &["N-42"],
            "unsupported",
            &|payload| payload["critical"]["type"] = json!("atomic container signature"),
        ),
        bent(
            "payload-without-type",
            "a payload without type is refused",
            &["N-42"],
            "missing-field",
            &|payload| {
                payload["critical"]
                    .as_object_mut()
                    .expect("object")
                    .remove("type");
            },
        ),
        bent(
            "payload-without-digest",
            "a payload without digest is refused",
            &["N-42", "A146"],
            "missing-field",
            &|payload| {
                payload["critical"]["image"]
                    .as_object_mut()
                    .expect("object")
                    .clear();
            },
        ),
        bent(
            "payload-with-unknown-critical-member",
            "an unknown critical member is refused",
            &["N-42"],
            "unknown-field",
            &|payload| payload["critical"]["more"] = json!(1),
        ),
        bent(
            "payload-with-digest-in-upper-case",
            "a digest has one spelling",
            &["A076", "N-35"],
            "bad-digest",
            &|payload| {
                payload["critical"]["image"]["docker-manifest-digest"] =
                    json!(Lab::image().to_uppercase())
            },
        ),
        bent(
            "payload-with-digest-that-is-a-path",
            "a digest is no path",
            &["A076"],
            "bad-digest",
            &|payload| {
                payload["critical"]["image"]["docker-manifest-digest"] =
                    json!("sha256:../../etc/passwd")
            },
        ),
        signed_by_key(
            "payload-with-digest-twice",
            "a digest given twice is refused",
            &["N-42", "N-06"],
            "duplicate-key",
            &text.replace(
                "{\"docker-manifest-digest\"",
                "{\"docker-manifest-digest\":\"sha256:11\",\"docker-manifest-digest\"",
            ),
        ),
        signed_by_key(
            "payload-with-bytes-behind",
            "bytes behind the payload are refused",
            &["N-08"],
            "json-syntax",
            &format!("{text}x"),
        ),
        Vector::rejected(
            G,
            "payload-signed-by-a-stranger",
            "a layer signed by an untrusted key is refused",
            "signature-invalid",
            KEY,
        )
        .rows(&["A137"])
        .key(&key)
        .layer(
            Form::SimpleSigning,
            &lab.managed(key.clone())
                .signed_by(LabKey::p256("stranger"))
                .simple_signing(text.as_bytes())
                .build(),
        ),
        // Envelope layers.
        Vector::rejected(
            G,
            "envelope-layer-with-promise-about-another",
            "a promise about another envelope proves nothing here",
            "log-entry-signature",
            ENVELOPE,
        )
        .rows(&["A001", "A011"])
        .layer(Form::Dsse, &envelope)
        .annotate(set(BUNDLE, other_envelope.annotations[BUNDLE].clone())),
        Vector::accepted(
            G,
            DATED,
            "the timestamp of an envelope layer may be over the envelope",
        )
        .layer(Form::Dsse, &envelope)
        .annotate(set(TIMESTAMP, over(&envelope)))
        .proven(1, 1, 1),
        Vector::rejected(
            G,
            "envelope-layer-with-a-timestamp-over-another-envelope",
            "a timestamp over another envelope dates nothing here",
            "timestamp-imprint",
            DATED,
        )
        .rows(&["N-79"])
        .layer(Form::Dsse, &envelope)
        .annotate(set(TIMESTAMP, over(&other_envelope))),
        Vector::rejected(
            G,
            "envelope-layer-about-another-image",
            "an envelope about another image proves nothing about this one",
            "subject-mismatch",
            ENVELOPE,
        )
        .rows(&["A023"])
        .layer(Form::Dsse, &other_envelope),
        Vector::accepted(
            G,
            "envelope-layer-with-a-strange-signature-besides",
            "a strange signature in front of a valid one neither counts nor disturbs",
        )
        .rows(&["N-33", "A138"])
        .layer(Form::Dsse, &envelope)
        .text(|text| text.replacen("{\"sig\":", "{\"sig\":\"MAYCAQECAQE=\"},{\"sig\":", 1))
        .proven(1, 0, 1),
        Vector::rejected(
            G,
            "envelope-layer-by-a-key-with-a-broken-log",
            "an entry that is present is checked for key-signed layers too",
            "log-entry-signature",
            ENVELOPE,
        )
        .rows(&["#1648", "#119"])
        .and_key(&key)
        .layer(Form::Dsse, &lab.managed(key.clone()).rekor_v1().build())
        .annotate(set(BUNDLE, other_envelope.annotations[BUNDLE].clone())),
    ]
}
