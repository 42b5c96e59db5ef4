//! RFC 3161 timestamps: who signed them, over what, and which time they prove.

use crate::catalogue::USER;
use crate::certificate::{CertificateSpec, Identity, extended_key_usage, extension, name};
use crate::der_writer::{boolean, integer, null, oid, sequence, small_integer, tlv, utf8_string};
use crate::keys::{Hash, LabKey};
use crate::lab::{
    END, Lab, NOW, Recipe, SIGNED_AT, START, authority_instance, timestamp_chain,
    timestamp_leaf_spec,
};
use crate::timestamp_authority::{TIME_STAMPING, TimestampSpec, issuer_and_serial};
use crate::vector::Vector;
use serde_json::json;

const G: &str = "timestamps";
const GOOD: &str = "timestamp-of-a-trusted-authority";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let logged = || lab.keyless(USER).rekor_v2();
    let good = || logged().timestamped();
    let accept = |name, claim, rows: &[&'static str], recipe: Recipe<'_>| {
        Vector::accepted(G, name, claim)
            .rows(rows)
            .bundle(&recipe.build())
            .proven(1, 1, 1)
    };
    let reject = |name, claim, rows: &[&'static str], code, recipe: Recipe<'_>| {
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .bundle(&recipe.build())
    };
    let bent = |name, claim, rows: &[&'static str], code, bend: fn(&mut TimestampSpec)| {
        reject(name, claim, rows, code, good().timestamp(bend))
    };
    let leaf = |bend: &dyn Fn(&mut CertificateSpec)| {
        let key = LabKey::p384("odd-tsa-leaf");
        let mut spec = timestamp_leaf_spec(&lab.timestamp_root, &key, "odd TSA");
        bend(&mut spec);
        Identity {
            certificate: spec.sign(&lab.timestamp_root.key),
            name: spec.subject,
            key,
        }
    };
    let by = |name, claim, rows: &[&'static str], code, authority: &Identity| {
        reject(
            name,
            claim,
            rows,
            code,
            logged().timestamped_by(authority, SIGNED_AT),
        )
    };
    let plain = leaf(&|spec| spec.remove("2.5.29.37"));
    let code_signing = leaf(&|spec| {
        spec.replace(extension(
            "2.5.29.37",
            true,
            extended_key_usage(&["1.3.6.1.5.5.7.3.3"]),
        ))
    });
    let any = leaf(&|spec| {
        spec.replace(extension(
            "2.5.29.37",
            true,
            extended_key_usage(&["2.5.29.37.0"]),
        ))
    });
    let not_critical = leaf(&|spec| {
        spec.replace(extension(
            "2.5.29.37",
            false,
            extended_key_usage(&[TIME_STAMPING]),
        ))
    });
    let two_purposes = leaf(&|spec| {
        spec.replace(extension(
            "2.5.29.37",
            true,
            extended_key_usage(&[TIME_STAMPING, "1.2.3.4"]),
        ))
    });
    let authority =
        leaf(&|spec| spec.replace(extension("2.5.29.19", true, tlv(0x30, &boolean(true)))));
    let ended = leaf(&|spec| spec.not_after = SIGNED_AT - 1);
    let foreign = timestamp_chain("foreign-tsa", &LabKey::p384("foreign-tsa-leaf")).1;
    let root_only = |root: &mut serde_json::Value| {
        root["timestampAuthorities"] = json!([authority_instance(
            "https://tsa.lab.example",
            &[&lab.timestamp_root.certificate]
        )]);
    };
    let genuine = lab.timestamp_leaf.certificate.clone();
    let genuine_behind = genuine.clone();
    let rsa = lab.rsa_timestamp_leaf.clone();
    // Authorities judged by their root alone, so that the odd leaf is looked at and not merely unknown.
    let under_root = |vector: Vector| {
        Vector {
            twin: Some("leaf-inside-the-token"),
            ..vector
        }
        .trust(lab, root_only)
    };
    let same_key = {
        let root = &lab.timestamp_root;
        let spec = timestamp_leaf_spec(root, &root.key, "TSA with its root's key");
        Identity {
            certificate: spec.sign(&root.key),
            name: spec.subject,
            key: root.key.clone(),
        }
    };
    let pss = {
        let mut spec = timestamp_leaf_spec(&lab.timestamp_root, &LabKey::rsa_pss(), "PSS TSA");
        spec.not_after = END;
        Identity {
            certificate: spec.sign(&lab.timestamp_root.key),
            name: spec.subject,
            key: LabKey::rsa_pss(),
        }
    };
    let high_serial = leaf(&|spec| spec.serial = integer(&[0x9a, 0xbc, 0xde, 0xf0]));
    let code_signing_chain = below_intermediate(lab, "1.3.6.1.5.5.7.3.3");
    let below_intermediate = below_intermediate(lab, TIME_STAMPING);
    vec![
        accept(GOOD, "a timestamp of a trusted authority over the signature dates it", &[], good()),
        accept("timestamp-of-an-rsa-authority", "an authority may sign with RSA", &["N-79"], logged().timestamped_by(&rsa, SIGNED_AT)),
        accept("timestamp-without-certificates", "the authority's certificate may come from the trusted root alone", &["N-79"], good().timestamp(|token| token.certificates.clear())),
        accept("leaf-inside-the-token", "the authority's certificate may come inside the token when the trusted root names its root", &["N-79"], good()).trust(lab, root_only),
        accept("signer-is-not-the-first-certificate", "the signer is found by its name, wherever it stands among the certificates", &["#810", "A034"], good().timestamp({
            let other = plain.certificate.clone();
            move |token| token.certificates.insert(0, other.clone())
        })),
        accept("content-in-a-constructed-string", "the content may be written as a constructed string around its one piece", &["N-79"], good().timestamp(|token| token.pieces = Some(1))),
        bent("content-in-two-pieces", "a content in several pieces is refused", &["A155", "A158"], "timestamp-malformed", |token| token.pieces = Some(2)),
        bent("constructed-content-that-was-not-signed", "a constructed content is signed like another", &["A155"], "timestamp-attribute", |token| {
            token.pieces = Some(1);
            token.message_digest = Some(vec![7; 32]);
        }),
        accept("signer-with-its-root-s-key", "an authority's root may certify its own key for stamping", &["N-79"], logged().timestamped_by(&same_key, SIGNED_AT)).trust(lab, root_only),
        accept("imprint-by-sha-512", "the imprint may use another strong hash", &["N-79"], good().timestamp(|token| token.imprint_hash = Hash::Sha512)),
        Vector::accepted(G, "timestamps-of-two-authorities", "timestamps of two authorities count as two").rows(&["#472", "A015"])
            .bundle(&good().timestamped_by(&rsa, SIGNED_AT).build()).proven(1, 2, 1),
        Vector::accepted(G, "two-timestamps-of-one-authority", "two timestamps of one authority count once").rows(&["#472", "A015"])
            .bundle(&good().timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 1).build()),
        accept("timestamp-in-the-certificate-s-last-second", "both ends of the certificate's window belong to it", &["N-85"], logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 540).timestamp(|token| token.accuracy = None)),
        Vector::accepted(G, "timestamp-of-an-authority-that-signs-by-pss", "an authority may sign with RSA by PSS").rows(&["N-79", "N-62"])
            .trust(lab, {
                let leaf = pss.certificate.clone();
                move |root| root["timestampAuthorities"] = json!([authority_instance("https://tsa.lab.example", &[&leaf, &lab.timestamp_root.certificate])])
            })
            .bundle(&logged().timestamped_by(&pss, SIGNED_AT).build()).proven(1, 1, 1),
        accept("signer-named-by-key-identifier", "a token may name its signer by the key's identifier", &["N-79"], good().timestamp({
            let identifier = key_identifier(&lab.timestamp_leaf);
            move |token| token.key_identifier = Some(identifier.clone())
        })),
        bent("signer-named-by-another-key-s-identifier", "an authority is found by its own identifier", &["N-79"], "no-proven-time", |token| token.key_identifier = Some(vec![7; 20])),
        accept("chain-inside-the-token", "the certificates between authority and root may come inside the token, in any order", &["N-79"], logged().timestamped_by(&below_intermediate.1, SIGNED_AT).timestamp({
            let intermediate = below_intermediate.0.certificate.clone();
            let other = plain.certificate.clone();
            move |token| token.certificates = vec![other.clone(), intermediate.clone(), token.signer.certificate.clone()]
        })).trust(lab, root_only),
        accept("signing-certificate-with-its-serial", "the token may name its certificate by serial as well", &["N-79"], good().timestamp(|token| {
            token.ess_serial = Some(issuer_and_serial(&token.signer.certificate).1);
        })),
        bent("signing-certificate-with-another-serial", "the token's statement of its certificate's serial must be true", &["N-79"], "timestamp-signing-certificate", |token| token.ess_serial = Some(small_integer(7))),
        accept("signer-whose-serial-has-its-highest-bit-set", "a serial is the same number with the zero that DER puts in front", &["N-79"], logged().timestamped_by(&high_serial, SIGNED_AT).timestamp(|token| {
            token.ess_serial = Some(issuer_and_serial(&token.signer.certificate).1);
        })).trust(lab, root_only),
        accept("granted-with-modifications", "a timestamp that is granted with modifications is one", &["A143"], good().timestamp(|token| token.status = 1)),
        accept("status-in-words", "a status may be explained", &["A143"], good().timestamp(|token| token.status_info = sequence(&[&utf8_string("Operation Okay")]))),
        accept("extension-of-the-timestamp", "an extension that is not critical is passed over", &["N-79"], good().timestamp(|token| token.extension = Some(false))),
        bent("critical-extension-of-the-timestamp", "a critical extension that is not known is refused", &["N-79"], "timestamp-critical-extension", |token| token.extension = Some(true)),
        accept("as-many-attributes-as-are-read", "a token may have further attributes", &["N-79"], good().timestamp(|token| token.other_attributes = 28)),
        bent("more-attributes-than-are-read", "a token with more attributes than are read is refused", &["A014"], "timestamp-malformed", |token| token.other_attributes = 29),
        accept("stated-time-is-this-second", "a time equal to now is accepted", &["N-76"], logged().timestamped_by(&lab.timestamp_leaf, NOW).timestamp(|token| token.accuracy = None).certificate(|certificate| certificate.not_after = NOW + 600)),
        // What is stamped.
        bent("timestamp-over-another-signature", "a timestamp over other bytes dates nothing here", &["N-79", "TOB-SIGSTORE-9"], "timestamp-imprint", |token| token.stamped = b"another signature".to_vec()),
        bent("imprint-by-sha-1", "an imprint by SHA-1 is refused", &["#1375", "A101"], "timestamp-hash", |token| token.imprint_hash = Hash::Sha1),
        // Who signs.
        reject("timestamp-of-an-unknown-authority", "an authority that the trusted root does not name dates nothing", &["A026", "TOB-SIGSTORE-11"], "no-proven-time", logged().timestamped_by(&foreign, SIGNED_AT)),
        bent("timestamp-broken", "a broken timestamp is refused", &["A155"], "timestamp-signature", |token| token.broken = true),
        bent("signed-by-another-key", "the token's signature must be the authority's", &["A155"], "timestamp-signature", |token| token.signer.key = LabKey::p384("stranger")),
        under_root(by("signer-without-purpose", "a certificate under the authority's root that may not stamp dates nothing", &["A034", "#1389"], "timestamp-certificate", &plain)),
        under_root(by("signer-with-another-purpose", "a code-signing certificate does not stamp", &["A034", "A153"], "timestamp-certificate", &code_signing)),
        under_root(by("signer-with-any-purpose", "any purpose is not the purpose to stamp", &["A153"], "timestamp-certificate", &any)),
        under_root(by("purpose-not-critical", "the stamping purpose is critical", &["#1389", "N-79"], "timestamp-certificate", &not_critical)),
        under_root(by("two-purposes", "the stamping purpose stands alone", &["#1389", "N-79"], "timestamp-certificate", &two_purposes)),
        under_root(by("authority-as-signer", "a certificate authority does not stamp itself", &["#1416"], "timestamp-certificate", &authority)),
        under_root(by("signer-ended-before-the-time", "the stamping certificate must be valid at the stated time", &["A012", "N-80"], "timestamp-certificate", &ended)),
        under_root(reject("genuine-certificate-in-front-of-the-signer", "purpose is checked on the signer, not on the first certificate", &["A034"], "timestamp-certificate", logged().timestamped_by(&plain, SIGNED_AT).timestamp(move |token| {
            token.certificates.insert(0, genuine.clone());
        }))),
        under_root(reject("genuine-certificate-behind-the-signer", "purpose is checked on the signer, whatever stands behind it", &["A034"], "timestamp-certificate", logged().timestamped_by(&plain, SIGNED_AT).timestamp(move |token| {
            token.certificates.push(genuine_behind.clone());
        }))),
        Vector {
            twin: Some("chain-inside-the-token"),
            ..by("authority-below-an-intermediate-for-another-purpose", "an intermediate's purpose holds for what it issues", &["#1375", "A153"], "timestamp-certificate", &code_signing_chain.1)
        }.trust(lab, root_only).bundle(&logged().timestamped_by(&code_signing_chain.1, SIGNED_AT).timestamp({
            let intermediate = code_signing_chain.0.certificate.clone();
            move |token| token.certificates.push(intermediate.clone())
        }).build()),
        under_root(bent("no-certificate-anywhere", "a token with an empty list of certificates is of nobody where the trusted root names the root alone", &["A028"], "no-proven-time", |token| token.certificates = vec![Vec::new()])),
        // The token.
        bent("two-signers", "a timestamp has one signer", &["A155", "N-79"], "timestamp-signer-count", |token| token.signer_infos = 2),
        bent("second-signer-broken", "a timestamp has one signer, whatever stands behind it", &["A155", "N-79"], "timestamp-signer-count", |token| token.broken_signer = Some(1)),
        bent("first-signer-broken", "a timestamp has one signer, whatever stands in front of it", &["A155", "N-79"], "timestamp-signer-count", |token| token.broken_signer = Some(0)),
        bent("no-signer", "a timestamp without signer is refused", &["A146", "A155"], "timestamp-signer-count", |token| token.signer_infos = 0),
        bent("no-signed-attributes", "a timestamp has signed attributes", &["A155", "N-79"], "timestamp-attribute", |token| token.signed_attributes = false),
        bent("content-type-attribute-differs", "the content-type attribute names the timestamp's type", &["A155", "N-79"], "timestamp-attribute", |token| token.content_type_attribute = Some("1.2.840.113549.1.7.1".to_owned())),
        bent("content-type-attribute-missing", "the content-type attribute is there", &["A155"], "timestamp-attribute", |token| token.content_type_attribute = None),
        bent("content-of-another-type", "the token holds a timestamp", &["A155"], "timestamp-malformed", |token| token.content_type = "1.2.840.113549.1.7.1".to_owned()),
        bent("message-digest-differs", "the message-digest attribute is the content's", &["A155"], "timestamp-attribute", |token| token.message_digest = Some(vec![7; 48])),
        bent("signing-certificate-missing", "the token says which certificate signed it", &["N-79"], "timestamp-attribute", |token| token.ess_certificate = None),
        bent("signing-certificate-of-another", "the token's statement of its certificate must be true", &["N-79"], "timestamp-signing-certificate", |token| token.ess_certificate = Some(b"another certificate".to_vec())),
        bent("signing-certificate-by-sha-1-only", "a SHA-1 name of the signing certificate is not enough", &["A101", "N-79"], "timestamp-attribute", |token| token.ess_version_1 = true),
        bent("digest-by-sha-1", "a token digested by SHA-1 is refused", &["A101"], "timestamp-hash", |token| token.digest = Hash::Sha1),
        bent("status-rejection", "a refusal is not a timestamp", &["A143"], "timestamp-not-granted", |token| token.status = 2),
        bent("status-with-something-else", "a status is its number, words and a failure, and nothing else", &["A143"], "timestamp-malformed", |token| token.status_info = small_integer(0)),
        bent("version-of-plain-data", "a token that holds a timestamp has the version that says so", &["N-79"], "timestamp-malformed", |token| token.version = 1),
        bent("version-from-the-future", "a version that is not known is refused", &["N-79"], "timestamp-malformed", |token| token.version = 6),
        bent("signer-version-of-the-other-name", "the signer's version says how it is named", &["N-79"], "timestamp-malformed", |token| token.signer_version = Some(3)),
        bent("digest-algorithms-without-the-signer-s", "the signer's hash is in the token's list", &["N-62", "N-79"], "timestamp-malformed", |token| token.digest_algorithms = Some(Hash::Sha256.algorithm())),
        bent("digest-algorithm-twice", "a hash stands in the token's list once", &["N-79"], "timestamp-malformed", |token| token.digest_algorithms = Some([token.digest.algorithm(), token.digest.algorithm()].concat())),
        bent("digest-algorithm-with-parameters", "a hash has no parameters", &["N-79"], "timestamp-malformed", |token| token.digest_algorithms = Some(sequence(&[&oid("2.16.840.1.101.3.4.2.2"), &small_integer(1)]))),
        bent("ecdsa-with-parameters", "an ECDSA signature's algorithm has no parameters", &["N-62"], "timestamp-signature-algorithm", |token| token.signature_parameters = null()),
        reject("bytes-behind-the-response", "bytes behind the response are refused", &["#1678"], "timestamp-malformed", good().bundle(|bundle| {
            let stamp = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"];
            let mut der = crate::base64_decode(stamp.as_str().unwrap_or_default());
            der.push(0);
            *stamp = json!(crate::encode(&der));
        })),
        reject("response-is-garbage", "a response that is not DER is refused", &["A157", "A158"], "timestamp-malformed", good().bundle(|bundle| {
            bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] = json!("MIQ/////");
        })),
        // Time.
        reject("stated-time-after-the-certificate", "a time after the signer's certificate is refused", &["N-80", "A012"], "certificate-expired", logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 542)),
        reject("stated-time-before-the-certificate", "a time before the signer's certificate is refused", &["N-80"], "certificate-expired", logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT - 62)),
        reject("one-time-inside-and-one-outside", "every proven time must lie in the certificate's window", &["TOB-SIGSTORE-4", "N-80"], "certificate-expired", good().timestamped_by(&rsa, SIGNED_AT + 1_000)),
        reject("log-inside-and-timestamp-outside", "log and timestamp must both lie in the certificate's window", &["N-80", "87e28765"], "certificate-expired", lab.keyless(USER).rekor_v1().timestamped_by(&rsa, SIGNED_AT + 1_000)),
        reject("stated-time-before-the-certificate-by-less-than-its-accuracy", "accuracy does not lend a certificate a second before its first", &["N-79", "N-80"], "certificate-expired", logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT - 61).timestamp(|token| token.accuracy = Some(2))),
        accept("timestamp-in-the-certificate-s-first-second", "the first second of the certificate's window belongs to it, however exact the clock is", &["N-85", "N-79"], logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT - 60).timestamp(|token| token.accuracy = Some(2))),
        reject("certificate-ends-within-the-accuracy", "what the accuracy leaves open must lie in the certificate's window, to the second", &["N-79", "N-80"], "certificate-expired", logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 540)),
        accept("accuracy-ends-with-the-certificate", "a bound in the certificate's last second is inside", &["N-79", "N-85"], logged().timestamped_by(&lab.timestamp_leaf, SIGNED_AT + 539)),
        Vector::accepted(G, "authority-s-window-ends-within-the-accuracy", "an authority's window is judged at the time that it states: its last second belongs to it").rows(&["N-85", "N-79"])
            .trust(lab, |root| root["timestampAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&good().build()).proven(1, 1, 1),
        Vector::rejected(G, "authority-begins-within-the-accuracy", "accuracy does not lend an authority a second before its first", "timestamp-window", "authority-s-window-ends-within-the-accuracy").rows(&["N-85", "N-79"])
            .trust(lab, |root| root["timestampAuthorities"][0]["validFor"]["start"] = json!("2026-01-15T12:00:01Z")).bundle(&good().timestamp(|token| token.accuracy = Some(2)).build()),
        Vector::accepted(G, "issuing-authority-s-window-ends-within-the-accuracy", "the window of the authority that issued is judged at the stated time: its last second belongs to it").rows(&["N-85", "N-79"])
            .trust(lab, |root| root["certificateAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&good().build()).proven(1, 1, 1),
        Vector::rejected(G, "issuing-authority-s-window-ended-before-the-stated-time", "the authority that issued counts inside its window, by the time that a timestamp states", "authority-window", "issuing-authority-s-window-ends-within-the-accuracy").rows(&["N-85"])
            .trust(lab, |root| root["certificateAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T11:59:59Z")).bundle(&good().build()),
        Vector::rejected(G, "issuing-authority-begins-within-the-accuracy", "accuracy does not lend the authority that issued a second before its first", "authority-window", "issuing-authority-s-window-ends-within-the-accuracy").rows(&["N-85", "N-79"])
            .trust(lab, |root| root["certificateAuthorities"][0]["validFor"]["start"] = json!("2026-01-15T12:00:01Z")).bundle(&good().timestamp(|token| token.accuracy = Some(2)).build()),
        Vector::accepted(G, "log-s-window-ends-within-the-accuracy", "the window of a log without promises is judged at the time that a timestamp states").rows(&["N-77", "N-79"])
            .trust(lab, |root| root["tlogs"][2]["publicKey"]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&good().build()).proven(1, 1, 1),
        Vector::rejected(G, "log-begins-within-the-accuracy", "accuracy does not lend a log a second before its first", "log-window", "log-s-window-ends-within-the-accuracy").rows(&["N-77", "N-79"])
            .trust(lab, |root| root["tlogs"][2]["publicKey"]["validFor"]["start"] = json!("2026-01-15T12:00:01Z")).bundle(&good().timestamp(|token| token.accuracy = Some(2)).build()),
        bent("accuracy-wider-than-the-certificate", "what the accuracy leaves open must lie in the certificate's window too", &["N-79"], "certificate-expired", |token| token.accuracy = Some(3_600)),
        reject("stated-time-in-the-future", "a time after now is refused", &["N-76"], "future-time", logged().timestamped_by(&lab.timestamp_leaf, NOW + 60).certificate(|certificate| certificate.not_after = NOW + 600)),
        Vector::rejected(G, "authority-s-window-ended", "an authority counts inside its own window, not inside another's", "timestamp-window", "authority-s-window-ended-with-the-timestamp").rows(&["TOB-SIGSTORE-11", "N-85"])
            .trust(lab, |root| root["timestampAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T11:59:58Z")).bundle(&good().build()),
        Vector::accepted(G, "authority-s-window-ended-with-the-timestamp", "the last second of an authority's window belongs to it").rows(&["TOB-SIGSTORE-1"])
            .trust(lab, |root| root["timestampAuthorities"][0]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&good().timestamp(|token| token.accuracy = None).build()).proven(1, 1, 1),
        Vector::rejected(G, "authority-begins-after-the-timestamp", "an authority counts inside its own window", "timestamp-window", "authority-s-window-ended-with-the-timestamp").rows(&["N-85"])
            .trust(lab, |root| root["timestampAuthorities"][0]["validFor"]["start"] = json!("2026-01-15T12:00:02Z")).bundle(&good().build()),
        reject("bad-timestamp-beside-a-good-log", "a timestamp that is present must be right although a log already dates the signature", &["A004", "A020"], "timestamp-signature",
            lab.keyless(USER).rekor_v1().timestamped().timestamp(|token| token.broken = true)),
        Vector::rejected(G, "timestamp-by-an-authority-s-root-of-the-same-name", "an authority is known by its key, not by its name", "no-proven-time", GOOD).rows(&["N-56"])
            .bundle(&logged().timestamped_by(&same_name(lab), SIGNED_AT).build()),
    ]
}

/// The key identifier that the lab writes into certificates.
fn key_identifier(identity: &Identity) -> Vec<u8> {
    crate::certificate::key_identifier(identity.key.spki())
}

/// An intermediate of the lab's timestamp root for one purpose, and a leaf below it that stamps.
fn below_intermediate(lab: &Lab, purpose: &str) -> (Identity, Identity) {
    let key = LabKey::p384("tsa-intermediate");
    let subject = name("lab.example", "TSA intermediate");
    let spec = CertificateSpec::authority(
        &subject,
        &key,
        &lab.timestamp_root.name,
        &lab.timestamp_root.key,
        Some(0),
        (START, END),
    )
    .with(extension(
        "2.5.29.37",
        false,
        extended_key_usage(&[purpose]),
    ));
    let intermediate = Identity {
        certificate: spec.sign(&lab.timestamp_root.key),
        name: subject,
        key,
    };
    let key = LabKey::p384("tsa-leaf-below");
    let spec = timestamp_leaf_spec(&intermediate, &key, "TSA below an intermediate");
    let leaf = Identity {
        certificate: spec.sign(&intermediate.key),
        name: spec.subject,
        key,
    };
    (intermediate, leaf)
}

/// A leaf under a root that has the trusted root's name and another key.
fn same_name(lab: &Lab) -> Identity {
    let key = LabKey::p384("impostor-tsa-root");
    let root = Identity {
        certificate: CertificateSpec::authority(
            &lab.timestamp_root.name,
            &key,
            &lab.timestamp_root.name,
            &key,
            None,
            (START, END),
        )
        .sign(&key),
        name: lab.timestamp_root.name.clone(),
        key,
    };
    let leaf_key = LabKey::p384("impostor-tsa-leaf");
    let mut spec = timestamp_leaf_spec(&root, &leaf_key, "TSA");
    spec.subject = name("lab.example", "TSA");
    Identity {
        certificate: spec.sign(&root.key),
        name: spec.subject,
        key: leaf_key,
    }
}
