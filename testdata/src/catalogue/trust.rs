//! Trusted roots: what makes one unusable, and what only makes one instance in it unusable.

use serde_json::{Value, json};

use crate::catalogue::USER;
use crate::keys::LabKey;
use crate::lab::{Lab, authority_instance};
use crate::vector::Vector;

const G: &str = "trust";
const LOGGED: &str = "trusted-root-of-the-lab-with-a-logged-signature";
const GOOD: &str = "trusted-root-of-the-lab";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let evidence = lab.keyless(USER).rekor_v1().timestamped().build();
    let accept = |name, claim, rows: &[&'static str], bend: fn(&mut Value)| {
        Vector::accepted(G, name, claim)
            .rows(rows)
            .trust(lab, bend)
            .bundle(&evidence)
            .proven(1, 1, 1)
    };
    let reject = |name, claim, rows: &[&'static str], code, bend: &dyn Fn(&mut Value)| {
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .trust(lab, bend)
            .bundle(&evidence)
    };
    // Without timestamp: what disables the log leaves no proven time.
    let logged = lab.keyless(USER).rekor_v1().build();
    let stamped = lab.keyless(USER).rekor_v2().timestamped().build();
    let disables_log = |name, claim, rows: &[&'static str], code, bend: &dyn Fn(&mut Value)| {
        Vector::rejected(G, name, claim, code, LOGGED)
            .rows(rows)
            .trust(lab, bend)
            .bundle(&logged)
    };
    vec![
        Vector::accepted(
            G,
            LOGGED,
            "the lab's trusted root proves evidence that its log alone dates",
        )
        .trust(lab, |_| {})
        .bundle(&logged)
        .proven(1, 0, 1),
        accept(
            GOOD,
            "the lab's trusted root proves the lab's evidence",
            &[],
            |_| {},
        ),
        accept(
            "trusted-root-of-version-0-2",
            "a version 0.2 trusted root is read",
            &[],
            |root| {
                root["mediaType"] =
                    json!("application/vnd.dev.sigstore.trustedroot+json;version=0.2")
            },
        ),
        accept(
            "key-of-unknown-kind-beside-the-log-s",
            "a key of a kind that is not known disables its own instance only",
            &["N-59"],
            |root| {
                let mut odd = root["tlogs"][0].clone();
                odd["baseUrl"] = json!("https://odd.lab.example");
                odd["publicKey"]["keyDetails"] = json!("ML_DSA_87");
                odd["publicKey"]["rawBytes"] = json!("AAAA");
                odd["logId"]["keyId"] = json!("AAAA");
                root["tlogs"].as_array_mut().expect("list").insert(0, odd);
            },
        ),
        accept(
            "two-windows-of-one-authority",
            "overlapping instances of one authority do not disturb each other",
            &["N-85"],
            |root| {
                let mut old = root["certificateAuthorities"][0].clone();
                old["validFor"] =
                    json!({"start": "2024-01-01T00:00:00Z", "end": "2025-06-01T00:00:00Z"});
                root["certificateAuthorities"]
                    .as_array_mut()
                    .expect("list")
                    .insert(0, old);
            },
        ),
        disables_log(
            "log-key-without-start",
            "a key without the start of its validity is refused, not taken as always valid",
            &["TOB-SIGSTORE-1", "N-85"],
            "no-proven-time",
            &|root| {
                root["tlogs"][0]["publicKey"]["validFor"]
                    .as_object_mut()
                    .expect("object")
                    .remove("start");
            },
        ),
        reject(
            "authority-without-start",
            "an authority without the start of its validity is refused",
            &["TOB-SIGSTORE-1", "N-85"],
            "no-authorities",
            &|root| {
                root["certificateAuthorities"][0]
                    .as_object_mut()
                    .expect("object")
                    .remove("validFor");
            },
        ),
        disables_log(
            "key-details-of-another-kind",
            "a key must be of the kind that the root says",
            &["TOB-SIGSTORE-6"],
            "no-proven-time",
            &|root| root["tlogs"][0]["publicKey"]["keyDetails"] = json!("PKIX_ED25519"),
        ),
        disables_log(
            "log-id-of-another-key",
            "a log's id must be of its key",
            &["A112", "N-77"],
            "no-proven-time",
            &|root| root["tlogs"][0]["logId"]["keyId"] = json!(crate::encode(&[5; 32])),
        ),
        reject(
            "authority-ended-before-the-signature",
            "an authority counts inside its window",
            &["N-85", "TOB-SIGSTORE-1"],
            "authority-window",
            &|root| {
                root["certificateAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T11:59:59Z")
            },
        ),
        reject(
            "certificate-log-ended-before-the-certificate",
            "a certificate log counts inside its window",
            &["N-85", "TOB-SIGSTORE-1"],
            "sct-window",
            &|root| {
                root["ctlogs"][0]["publicKey"]["validFor"]["end"] = json!("2026-01-15T11:59:00Z")
            },
        ),
        accept(
            "certificate-log-ended-with-the-certificate",
            "the last second of a certificate log's window belongs to it",
            &["N-85", "TOB-SIGSTORE-1"],
            |root| {
                root["ctlogs"][0]["publicKey"]["validFor"]["end"] = json!("2026-01-15T11:59:01Z")
            },
        ),
        reject(
            "certificate-log-begins-after-the-certificate",
            "a certificate log counts inside its window",
            &["N-85", "TOB-SIGSTORE-1"],
            "sct-window",
            &|root| {
                root["ctlogs"][0]["publicKey"]["validFor"]["start"] = json!("2026-01-15T11:59:02Z")
            },
        ),
        reject(
            "certificate-log-without-start",
            "a certificate log without the start of its validity is refused, not taken as always valid",
            &["TOB-SIGSTORE-1", "N-85"],
            "sct-log-unknown",
            &|root| {
                root["ctlogs"][0]["publicKey"]["validFor"]
                    .as_object_mut()
                    .expect("object")
                    .remove("start");
            },
        ),
        Vector::accepted(
            G,
            "authority-ended-with-the-signature",
            "the last second of an authority's window belongs to it",
        )
        .rows(&["N-85", "TOB-SIGSTORE-1"])
        .trust(lab, |root| {
            root["certificateAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")
        })
        .bundle(&logged)
        .proven(1, 0, 1),
        reject(
            "authority-begins-after-the-signature",
            "an authority counts inside its window",
            &["N-85", "TOB-SIGSTORE-1"],
            "authority-window",
            &|root| {
                root["certificateAuthorities"][0]["validFor"]["start"] =
                    json!("2026-01-15T12:00:01Z")
            },
        ),
        Vector::rejected(
            G,
            "timestamp-authority-without-start",
            "a timestamp authority without the start of its validity is refused, not taken as always valid",
            "no-proven-time",
            "trusted-root-of-the-lab-with-a-stamped-signature",
        )
        .rows(&["TOB-SIGSTORE-1", "N-85"])
        .trust(lab, |root| {
            root["timestampAuthorities"][0]["validFor"]
                .as_object_mut()
                .expect("object")
                .remove("start");
        })
        .bundle(&stamped),
        Vector::accepted(
            G,
            "trusted-root-of-the-lab-with-a-stamped-signature",
            "the lab's trusted root proves evidence that its timestamp authority alone dates",
        )
        .trust(lab, |_| {})
        .bundle(&stamped)
        .proven(1, 1, 1),
        Vector::accepted(
            G,
            "log-key-under-two-ids",
            "the same key under another id is no second log",
        )
        .rows(&["A015", "A112"])
        .trust(lab, |root| {
            let mut double = root["tlogs"][0].clone();
            double["baseUrl"] = json!("https://double.lab.example");
            double["logId"]["keyId"] = json!(crate::encode(&[5; 32]));
            root["tlogs"].as_array_mut().expect("list").push(double);
        })
        .bundle(
            &lab.keyless(USER)
                .rekor_v1()
                .logged(lab.rekor_v1.clone(), "intoto")
                .bundle(|bundle| {
                    let second = &mut bundle["verificationMaterial"]["tlogEntries"][1];
                    second["logId"]["keyId"] = json!(crate::encode(&[5; 32]));
                })
                .build(),
        )
        .proven(1, 0, 1),
        reject(
            "no-authority",
            "a root without certificate authority proves no certificate",
            &["A146", "N-90"],
            "no-authorities",
            &|root| root["certificateAuthorities"] = json!([]),
        ),
        disables_log(
            "no-log",
            "a root without log proves no entry",
            &["A146", "N-90"],
            "no-proven-time",
            &|root| root["tlogs"] = json!([]),
        ),
        reject(
            "no-certificate-log",
            "a root without certificate log proves no certificate timestamp",
            &["A146", "N-90"],
            "sct-log-unknown",
            &|root| root["ctlogs"] = json!([]),
        ),
        reject(
            "authority-with-empty-chain",
            "an authority without certificates is no authority",
            &["#490", "TOB-SIGSTORE-11"],
            "missing-field",
            &|root| root["certificateAuthorities"][0]["certChain"]["certificates"] = json!([]),
        ),
        reject(
            "leaf-as-anchor",
            "a certificate that is no authority is not an anchor",
            &["6d5c39d4"],
            "no-authorities",
            &|root| {
                root["certificateAuthorities"][0] = authority_instance(
                    "https://fulcio.lab.example",
                    &[&lab.timestamp_leaf.certificate],
                );
            },
        ),
        reject(
            "intermediate-not-under-the-root",
            "an authority's chain must hold together",
            &["N-56"],
            "no-authorities",
            &|root| {
                root["certificateAuthorities"][0] = authority_instance(
                    "https://fulcio.lab.example",
                    &[
                        &lab.intermediate.certificate,
                        &lab.timestamp_root.certificate,
                    ],
                );
            },
        ),
        disables_log(
            "log-key-of-another-log",
            "a log's entries are proven by its own key",
            &["A026", "N-87"],
            "no-proven-time",
            &|root| {
                let other = LabKey::p256("stranger");
                root["tlogs"][0] =
                    crate::lab::key_instance("https://rekor.lab.example", &other, &other.id());
            },
        ),
        reject(
            "media-type-of-another-document",
            "a document of another type is not a trusted root",
            &["N-87"],
            "unsupported",
            &|root| root["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.3+json"),
        ),
    ]
}
