//! Transparency log entries: whether they are about this signature, this signer and this payload, and what time they prove.

use serde_json::{Value, json};

use crate::catalogue::USER;
use crate::keys::{LabKey, sha256};
use crate::lab::{Lab, NOW, Recipe, SIGNED_AT, authority_instance, image_statement};
use crate::transparency_log::{EntrySpec, hex};
use crate::vector::Vector;

const G: &str = "logs";
const V1: &str = "entry-of-a-version-1-log";
const V2: &str = "entry-of-a-version-2-log-with-timestamp";
const DSSE_V2: &str = "version-2-entry-about-an-envelope";
const MESSAGE: &str = "entry-for-a-message";
const MANAGED: &str = "entry-for-a-managed-key";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let v1 = || lab.keyless(USER).rekor_v1();
    let v2 = || lab.keyless(USER).rekor_v2().timestamped();
    let message = || lab.keyless(USER).message(&Lab::artifact()).rekor_v1();
    let managed = || lab.managed(key.clone()).rekor_v1();
    let reject = |name, claim, rows: &[&'static str], code, twin, recipe: Recipe<'_>| {
        Vector::rejected(G, name, claim, code, twin)
            .rows(rows)
            .bundle(&recipe.build())
    };
    let body_v1 = |name, claim, rows: &[&'static str], code, bend: fn(&mut Value)| {
        reject(name, claim, rows, code, V1, v1().body(bend))
    };
    let body_v2 = |name, claim, rows: &[&'static str], code, bend: fn(&mut Value)| {
        reject(name, claim, rows, code, V2, v2().body(bend))
    };
    let dsse_v2 = || {
        lab.keyless(USER)
            .logged(lab.rekor_v2.clone(), "dsse")
            .timestamped()
    };
    let body_dsse_v2 = |name, claim, rows: &[&'static str], code, bend: fn(&mut Value)| {
        reject(name, claim, rows, code, DSSE_V2, dsse_v2().body(bend))
    };
    let entry_v1 = |name, claim, rows: &[&'static str], code, bend: fn(&mut EntrySpec)| {
        reject(name, claim, rows, code, V1, v1().entry(bend))
    };
    let entry_v2 = |name, claim, rows: &[&'static str], code, bend: fn(&mut EntrySpec)| {
        reject(name, claim, rows, code, V2, v2().entry(bend))
    };
    let wire_v1 = |name, claim, rows: &[&'static str], code, bend: fn(&mut Value)| {
        reject(
            name,
            claim,
            rows,
            code,
            V1,
            v1().bundle(move |bundle| bend(&mut bundle["verificationMaterial"]["tlogEntries"][0])),
        )
    };
    // Entries of other signatures, to be spliced in.
    let of = |recipe: Recipe<'_>| recipe.build().entries[0].bundle.clone();
    let splice = |name, claim, rows: &[&'static str], twin, recipe: Recipe<'_>, entry: Value| {
        reject(
            name,
            claim,
            rows,
            "log-entry-signature",
            twin,
            recipe.bundle(move |bundle| {
                bundle["verificationMaterial"]["tlogEntries"] = json!([entry.clone()])
            }),
        )
    };
    let other_statement = image_statement(&format!("sha256:{}", "11".repeat(32)));
    let other_key = LabKey::p256("stranger");
    let ended = super::certificates::short_lived_intermediate(lab).0;
    vec![
        Vector::accepted(G, V1, "an entry with promise, proof and checkpoint proves the signature's time").bundle(&v1().build()).proven(1, 0, 1),
        Vector::accepted(G, V2, "a version 2 entry proves that the signature is logged, a timestamp says when").bundle(&v2().build()).proven(1, 1, 1),
        Vector::accepted(G, MESSAGE, "an entry for a message signature verifies").about_file().bundle(&message().build()).proven(1, 0, 1),
        Vector::accepted(G, MANAGED, "an entry for a managed key's signature is proven and dates it").and_key(&key).bundle(&managed().build()).proven(1, 0, 0),
        Vector::accepted(G, "version-2-entry-for-a-managed-key", "a version 2 entry for a managed key's signature is proven").and_key(&key)
            .bundle(&lab.managed(key.clone()).rekor_v2().build()).proven(1, 0, 0),
        Vector::accepted(G, "entries-of-two-logs", "entries of two logs count as two").rows(&["A015"])
            .bundle(&v1().logged(lab.second_rekor_v1.clone(), "").build()).proven(2, 0, 1),
        Vector::accepted(G, "sole-entry-of-a-new-log", "the first entry of a log has index 0, size 1 and no hashes, all left out").rows(&["N-72"])
            .bundle(&v2().entry(|entry| { entry.before = 0; entry.after = 0; }).bundle(|bundle| {
                let entry = bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("object");
                entry.remove("logIndex");
                let proof = entry["inclusionProof"].as_object_mut().expect("object");
                proof.remove("logIndex");
                proof.remove("hashes");
            }).build()).proven(1, 1, 1),
        Vector::accepted(G, "two-entries-of-one-log", "one log may hold two entries about one signature; they are of one log").rows(&["A015"])
            .bundle(&v1().logged(lab.rekor_v1.clone(), "intoto").entry(|entry| if entry.kind == "intoto" { entry.before = 2 }).build()).proven(2, 0, 1),
        reject("two-entries-at-one-index", "a log has one entry at an index", &["A015", "#1702"], "log-entry-duplicate", "two-entries-of-one-log",
            v1().logged(lab.rekor_v1.clone(), "intoto")),
        reject("one-body-at-two-indexes", "a body that is logged twice counts once", &["A015", "#1702"], "log-entry-duplicate", "two-entries-of-one-log", {
            let made = std::cell::Cell::new(0);
            v1().logged(lab.rekor_v1.clone(), "").entry(move |entry| {
                made.set(made.get() + 1);
                entry.before = made.get();
            })
        }),
        // Binding.
        splice("entry-of-another-signature", "an entry about another signature of the same signer proves nothing here", &["A001", "A002", "A011", "A017", "A027"], V1,
            v1(), of(v1().statement(&other_statement))),
        splice("entry-of-another-signer", "an entry about another signer's signature proves nothing here", &["A001", "A002", "A017"], V1,
            v1(), of(lab.keyless("other@example.org").certified_key(other_key.clone()).rekor_v1())),
        splice("entry-of-a-second-signature-over-the-same-payload", "the entry must hold these signature bytes, not only this payload", &["A001", "A017", "TOB-SIGSTORE-9"], V1, v1(), of(v1())),
        splice("version-2-entry-of-another-signature", "a version 2 entry about another signature proves nothing here", &["A011", "A017", "e51a5e1"], V2,
            v2(), of(v2().statement(&other_statement))),
        splice("message-entry-of-another-file", "an entry about another file proves nothing here", &["A002", "A017", "#600"], MESSAGE,
            message(), of(lab.keyless(USER).message(b"another file\n").rekor_v1())).about_file(),
        splice("managed-key-entry-of-another-signature", "a managed key's entry is compared with the bundle too", &["#119", "A001", "#1648"], MANAGED,
            managed(), of(managed().statement(&other_statement))).and_key(&key),
        splice("managed-key-entry-of-another-key", "a managed key's entry must name this key", &["#119", "A017"], MANAGED,
            managed(), of(lab.managed(other_key).rekor_v1())).and_key(&key),
        reject("managed-key-entry-with-another-verifier", "an entry with this signature under another key is not about this signer", &["#119", "N-73"], "log-entry-signer", MANAGED,
            managed().body({
                let other = LabKey::p256("other-verifier").public_pem();
                move |body| body["spec"]["signatures"][0]["verifier"] = json!(crate::encode(other.as_bytes()))
            })).and_key(&key),
        body_v1("logged-payload-hash-differs", "the logged payload hash must be the payload's", &["N-73", "A002"], "log-entry-payload",
            |body| body["spec"]["payloadHash"]["value"] = json!("22".repeat(32))),
        body_v1("logged-signature-differs", "the logged signature must be the bundle's", &["N-73"], "log-entry-signature",
            |body| body["spec"]["signatures"][0]["signature"] = json!("MAYCAQECAQE=")),
        body_v1("logged-without-signature", "an entry that logs no signature proves nothing", &["N-73", "A042"], "missing-field", |body| body["spec"]["signatures"] = json!([])),
        body_v1("logged-verifier-is-not-a-certificate", "the logged signer must be readable", &["A042", "N-73"], "bad-pem",
            |body| body["spec"]["signatures"][0]["verifier"] = json!("bm90IFBFTQ==")),
        body_v1("logged-body-with-unknown-member", "an unknown member in a logged body is refused", &["N-74"], "unknown-field", |body| body["spec"]["extra"] = json!(1)),
        body_v1("logged-body-null", "null in a logged body is refused", &["A042", "A044"], "wrong-type", |body| body["spec"]["payloadHash"] = Value::Null),
        reject("logged-digest-differs", "the logged digest must be the file's", &["A002", "#611", "N-73"], "log-entry-payload", MESSAGE,
            message().body(|body| body["spec"]["data"]["hash"]["value"] = json!("22".repeat(32)))).about_file(),
        reject("logged-digest-under-other-algorithm", "the logged algorithm must be the one that was signed", &["N-62", "N-73"], "bad-digest", MESSAGE,
            message().body(|body| body["spec"]["data"]["hash"]["algorithm"] = json!("sha512"))).about_file(),
        Vector::accepted(G, "message-entry-of-an-envelope", "a version 1 entry about bytes may be about an envelope's pre-authentication encoding").rows(&["N-73"])
            .bundle(&lab.keyless(USER).logged(lab.rekor_v1.clone(), "hashedrekord").build()).proven(1, 0, 1),
        splice("message-entry-of-another-envelope", "a version 1 entry about bytes and another envelope's signature proves nothing here", &["A011", "A017"], "message-entry-of-an-envelope",
            lab.keyless(USER).logged(lab.rekor_v1.clone(), "hashedrekord"), of(lab.keyless(USER).logged(lab.rekor_v1.clone(), "hashedrekord").statement(&other_statement))),
        reject("message-entry-of-a-payload", "a version 1 entry about the payload alone is not about what the envelope's signature covers", &["N-73"], "log-entry-payload", "message-entry-of-an-envelope",
            lab.keyless(USER).logged(lab.rekor_v1.clone(), "hashedrekord").body(|body| {
                body["spec"]["data"]["hash"]["value"] = json!(hex(&sha256(image_statement(&Lab::image()).to_string().as_bytes())));
            })),
        reject("logged-body-with-duplicate-member", "a member given twice in a logged body is refused", &["N-74", "N-06"], "duplicate-key", V1, v1().entry(|entry| {
            let text = String::from_utf8_lossy(&entry.body).replacen("\"spec\"", "\"kind\":\"dsse\",\"spec\"", 1);
            entry.body = text.into_bytes();
        })),
        entry_v1("kind-differs-from-the-body", "kind and version beside the body must be the body's own", &["#562"], "unsupported", |entry| entry.kind = "intoto".to_owned()),
        entry_v2("version-differs-from-the-body", "kind and version beside the body must be the body's own", &["#562"], "unknown-field", |entry| entry.version = "0.0.1".to_owned()),
        reject("unknown-version", "an unknown entry version is refused", &["#562"], "unsupported", V1,
            v1().body(|body| body["apiVersion"] = json!("9.9.9"))),
        body_v2("version-2-digest-differs", "the logged digest must be of the encoded envelope", &["N-73", "#611"], "log-entry-payload",
            |body| body["spec"]["hashedRekordV002"]["data"]["digest"] = json!("RUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUU=")),
        body_v2("version-2-algorithm-differs", "the logged algorithm must be the one that was signed", &["N-62"], "bad-digest",
            |body| body["spec"]["hashedRekordV002"]["data"]["algorithm"] = json!("SHA2_512")),
        body_v2("version-2-signature-differs", "the logged signature must be the bundle's", &["N-73"], "log-entry-signature",
            |body| body["spec"]["hashedRekordV002"]["signature"]["content"] = json!("MAYCAQECAQE=")),
        body_v2("version-2-key-details-differ", "the logged key details must fit the signer's key", &["N-62"], "log-entry-key-details",
            |body| body["spec"]["hashedRekordV002"]["signature"]["verifier"]["keyDetails"] = json!("PKIX_RSA_PKCS1V15_2048_SHA256")),
        Vector::accepted(G, "version-2-key-details-left-out", "key details are no more than the signer's key says, and may be left out")
            .bundle(&v2().body(|body| { body["spec"]["hashedRekordV002"]["signature"]["verifier"].as_object_mut().expect("object").remove("keyDetails"); }).build()).proven(1, 1, 1),
        body_v2("version-2-two-verifiers", "certificate and public key in one verifier are refused", &["N-73", "#566"], "conflict",
            |body| body["spec"]["hashedRekordV002"]["signature"]["verifier"]["publicKey"] = json!({"rawBytes": "MAA="})),
        reject("logged-digest-by-another-hash", "the logged digest must be by the hash that was signed, although it is of this file", &["N-62"], "log-entry-payload", MESSAGE,
            message().body(|body| body["spec"]["data"]["hash"] = json!({"algorithm": "sha512", "value": hex(&crate::keys::Hash::Sha512.of(&Lab::artifact()))}))).about_file(),
        reject("intoto-entry-of-another-payload-type", "the logged payload type must be the envelope's", &["N-73"], "log-entry-kind", "intoto-entry",
            lab.keyless(USER).logged(lab.rekor_v1.clone(), "intoto").body(|body| body["spec"]["content"]["envelope"]["payloadType"] = json!("text/plain"))),
        Vector::accepted(G, "intoto-entry", "a version 1 entry of the older kind is about the envelope").bundle(&lab.keyless(USER).logged(lab.rekor_v1.clone(), "intoto").build()).proven(1, 0, 1),
        Vector::accepted(G, "intoto-entry-with-its-payload", "a version 1 entry of the older kind may hold the payload itself").bundle(&lab.keyless(USER).logged(lab.rekor_v1.clone(), "intoto")
            .body(|body| body["spec"]["content"]["envelope"]["payload"] = json!(crate::encode(crate::encode(image_statement(&Lab::image()).to_string().as_bytes()).as_bytes()))).build()).proven(1, 0, 1),
        reject("intoto-entry-with-another-payload", "a payload that the log kept must be the envelope's, whatever its hash says", &["N-73", "A002"], "log-entry-payload", "intoto-entry-with-its-payload",
            lab.keyless(USER).logged(lab.rekor_v1.clone(), "intoto").body(|body| body["spec"]["content"]["envelope"]["payload"] = json!(crate::encode(crate::encode(b"{}").as_bytes())))),
        reject("version-2-entry-with-a-promise", "a log without promises makes none, whatever is signed", &["N-75"], "log-unexpected-promise", V2,
            v2().entry(|entry| { entry.promise = true; entry.integrated_time = Some(SIGNED_AT); })),
        entry_v2("version-2-entry-at-another-index-than-its-proof", "a version 2 log has one index for an entry", &["N-72"], "log-index", |entry| entry.log.index_offset = 1),
        // `dsse` of version 2 is read, and never written.
        Vector::accepted(G, DSSE_V2, "a version 2 entry may be about the envelope itself").bundle(&dsse_v2().build()).proven(1, 1, 1),
        Vector::accepted(G, "version-2-envelope-entry-for-a-managed-key", "a version 2 entry about a managed key's envelope is proven").and_key(&key)
            .bundle(&lab.managed(key.clone()).logged(lab.rekor_v2.clone(), "dsse").build()).proven(1, 0, 0),
        splice("version-2-envelope-entry-of-another-signature", "a version 2 entry about another envelope proves nothing here", &["A011", "A017"], DSSE_V2,
            dsse_v2(), of(dsse_v2().statement(&other_statement))),
        splice("version-2-envelope-entry-of-a-second-signature", "a version 2 entry must hold these signature bytes, not only this payload", &["A017", "TOB-SIGSTORE-9"], DSSE_V2, dsse_v2(), of(dsse_v2())),
        body_dsse_v2("version-2-envelope-entry-of-another-signer", "a version 2 entry with this signature under another key is not about this signer", &["A017", "N-73"], "log-entry-signer",
            |body| body["spec"]["dsseV002"]["signatures"][0]["verifier"] = json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": crate::encode(LabKey::p256("stranger").spki())}})),
        body_dsse_v2("version-2-envelope-entry-payload-differs", "the logged payload hash must be the payload's, in version 2 as well", &["N-73", "A002"], "log-entry-payload",
            |body| body["spec"]["dsseV002"]["payloadHash"]["digest"] = json!("RUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUU=")),
        body_dsse_v2("version-2-envelope-entry-key-details-differ", "the logged key details must fit the signer's key, for envelopes as well", &["N-62"], "log-entry-key-details",
            |body| body["spec"]["dsseV002"]["signatures"][0]["verifier"]["keyDetails"] = json!("PKIX_ED25519")),
        reject("version-2-envelope-entry-for-a-message", "a version 2 entry about an envelope is not about bare bytes", &["N-73"], "log-entry-kind", "version-2-entry-for-a-message",
            lab.keyless(USER).message(&Lab::artifact()).rekor_v2().timestamped().body(|body| {
                let signature = body["spec"]["hashedRekordV002"]["signature"].clone();
                let digest = body["spec"]["hashedRekordV002"]["data"].clone();
                *body = json!({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": {"payloadHash": digest, "signatures": [signature]}}});
            })).about_file(),
        Vector::accepted(G, "version-2-entry-for-a-message", "a version 2 entry for a message signature verifies").about_file()
            .bundle(&lab.keyless(USER).message(&Lab::artifact()).rekor_v2().timestamped().build()).proven(1, 1, 1),
        // Promise and time.
        entry_v1("promise-over-another-index", "a promise covers the index", &["N-75", "A005"], "log-promise", |entry| {
            entry.promise_override = Some(json!({"body": crate::encode(&entry.body), "integratedTime": entry.integrated_time, "logID": hex(&entry.log.id()), "logIndex": 7}));
        }),
        entry_v1("promise-over-another-log", "a promise covers the log's id", &["N-75"], "log-promise", |entry| {
            entry.promise_override = Some(json!({"body": crate::encode(&entry.body), "integratedTime": entry.integrated_time, "logID": "00", "logIndex": entry.before as u64 + entry.log.index_offset}));
        }),
        entry_v1("promise-over-another-body", "a promise covers the body", &["A001", "N-75"], "log-promise", |entry| {
            entry.promise_override = Some(json!({"body": "e30=", "integratedTime": entry.integrated_time, "logID": hex(&entry.log.id()), "logIndex": entry.before as u64 + entry.log.index_offset}));
        }),
        wire_v1("integrated-time-changed", "the integrated time counts only as the promise signed it", &["A019", "N-75", "TOB-SIGSTORE-2"], "log-promise",
            |entry| entry["integratedTime"] = json!((SIGNED_AT + 1).to_string())),
        wire_v1("promise-broken", "a promise that does not verify is refused even beside a good proof", &["A005", "A004"], "log-promise",
            |entry| entry["inclusionPromise"]["signedEntryTimestamp"] = json!("MAYCAQECAQE=")),
        wire_v1("promise-empty", "an empty promise is not a promise", &["A019", "87e28765"], "missing-field",
            |entry| entry["inclusionPromise"]["signedEntryTimestamp"] = json!("")),
        wire_v1("integrated-time-without-promise", "an integrated time without promise proves no time", &["A019", "A020", "N-75"], "no-proven-time", |entry| {
            entry.as_object_mut().expect("object").remove("inclusionPromise");
        }),
        reject("integrated-time-without-promise-in-version-0-2", "a media type does not lend an integrated time its promise", &["A019", "A020"], "no-proven-time", V1, v1().bundle(|bundle| {
            bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2");
            bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("object").remove("inclusionPromise");
        })),
        reject("version-2-entry-without-timestamp", "a version 2 entry proves no time, and a certificate needs one", &["N-75", "A020"], "no-proven-time", V2, lab.keyless(USER).rekor_v2()),
        reject("version-2-entry-with-integrated-time", "an integrated time on a version 2 entry proves nothing", &["N-75"], "no-proven-time", V2, lab.keyless(USER).rekor_v2().bundle(|bundle| {
            bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!(SIGNED_AT.to_string());
        })),
        reject("integrated-in-the-future", "an integrated time after now is refused, to the second", &["N-76", "TOB-SIGSTORE-7"], "future-time", V1,
            v1().certificate(|certificate| certificate.not_after = NOW + 600).integrated_at(NOW + 1)),
        Vector::accepted(G, "integrated-at-this-second", "an integrated time equal to now is accepted").rows(&["TOB-SIGSTORE-7"])
            .bundle(&v1().certificate(|certificate| certificate.not_after = NOW + 600).integrated_at(NOW).build()).proven(1, 0, 1),
        // Log identity.
        entry_v1("entry-of-an-unknown-log", "a log that the trusted root does not name proves nothing", &["A026", "N-77"], "no-proven-time", |entry| entry.log.key = LabKey::p256("unknown-log")),
        Vector::accepted(G, "version-2-entry-of-an-unknown-log", "an entry of a log that the trusted root does not name counts for nothing beside a timestamp").rows(&["N-77", "A026"])
            .bundle(&v2().entry(|entry| entry.log.key = LabKey::ed25519("unknown-log")).build()).proven(0, 1, 1),
        wire_v1("entry-under-another-log-s-id", "a log's id does not lend its key", &["N-77", "A026"], "log-promise",
            |entry| entry["logId"]["keyId"] = json!(crate::encode(&LabKey::p256("lab-rekor-1b").id()))),
        Vector::rejected(G, "log-key-ended-before-the-entry", "a log key counts inside its window only", "log-window", "log-key-ended-with-the-entry").rows(&["N-77", "TOB-SIGSTORE-1"])
            .trust(lab, |root| root["tlogs"][0]["publicKey"]["validFor"]["end"] = json!("2026-01-15T11:59:59Z")).bundle(&v1().build()),
        Vector::accepted(G, "log-key-ended-with-the-entry", "the last second of a log key's window belongs to it").rows(&["N-77", "TOB-SIGSTORE-1"])
            .trust(lab, |root| root["tlogs"][0]["publicKey"]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&v1().build()).proven(1, 0, 1),
        Vector::rejected(G, "log-key-begins-after-the-entry", "a log key counts inside its window only", "log-window", "log-key-ended-with-the-entry").rows(&["N-77", "TOB-SIGSTORE-1"])
            .trust(lab, |root| root["tlogs"][0]["publicKey"]["validFor"]["start"] = json!("2026-01-15T12:00:01Z")).bundle(&v1().build()),
        Vector::rejected(G, "version-2-log-ended-before-the-timestamp", "a log without promises counts inside its window only, by the time that a timestamp proves", "log-window", "version-2-log-ended-with-the-timestamp").rows(&["N-77", "TOB-SIGSTORE-1"])
            .trust(lab, |root| root["tlogs"][2]["publicKey"]["validFor"]["end"] = json!("2026-01-15T11:59:59Z")).bundle(&v2().timestamp(|token| token.accuracy = None).build()),
        Vector::accepted(G, "version-2-log-ended-with-the-timestamp", "the last second of a log's window belongs to it, whatever proves the time").rows(&["N-77"])
            .trust(lab, |root| root["tlogs"][2]["publicKey"]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&v2().timestamp(|token| token.accuracy = None).build()).proven(1, 1, 1),
        Vector::accepted(G, "version-2-log-out-of-use-without-any-time", "an entry of a log that is out of use counts for nothing where nothing proves when it was made").rows(&["N-77"]).and_key(&key)
            .trust(lab, |root| root["tlogs"][2]["publicKey"]["validFor"]["end"] = json!("2026-01-15T12:00:00Z")).bundle(&lab.managed(key.clone()).rekor_v2().build()).proven(0, 0, 0),
        Vector::accepted(G, "two-log-keys-under-one-name", "a log that changed its key is two instances, each with its own window").rows(&["N-77"])
            .trust(lab, |root| two_keys(root, "2026-01-15T12:00:00Z")).bundle(&v1().build()).proven(1, 0, 1),
        Vector::rejected(G, "old-key-of-two-under-one-name", "an entry by a log's old key counts inside the old key's window, whatever the new key's is", "log-window", "two-log-keys-under-one-name").rows(&["N-77"])
            .trust(lab, |root| two_keys(root, "2026-01-15T11:59:59Z")).bundle(&v1().build()),
        Vector::accepted(G, "logged-body-in-another-order", "members of a logged body stand in any order: they are read, and its bytes are what the log signed").rows(&["N-74"])
            .bundle(&v1().entry(|entry| {
                let body: Value = serde_json::from_slice(&entry.body).expect("body");
                entry.body = format!(r#"{{"spec":{},"kind":{},"apiVersion":{}}}"#, body["spec"], body["kind"], body["apiVersion"]).into_bytes();
            }).build()).proven(1, 0, 1),
        reject("second-entry-without-proof-and-promise", "every entry of a bundle must be right, not only one", &["A005", "A015"], "log-no-proof", V1,
            v1().logged(lab.second_rekor_v1.clone(), "").bundle(|bundle| {
                let second = bundle["verificationMaterial"]["tlogEntries"][1].as_object_mut().expect("object");
                second.remove("inclusionProof");
                second.remove("inclusionPromise");
            })),
        // No log at all.
        reject("no-entry-and-no-timestamp", "a certificate without any proven time is refused", &["A020", "A097"], "no-proven-time", V1, lab.keyless(USER)),
        reject("payload-garbage-with-log-check-off", "the signature is checked whatever else is switched off", &["#109", "#119"], "signature-invalid", "timestamp-alone-under-a-named-danger",
            lab.keyless(USER).timestamped().signature(|signature| *signature = vec![0x30, 6, 2, 1, 1, 2, 1, 1])).danger("ignore-log"),
        Vector::accepted(G, "timestamp-alone-under-a-named-danger", "a certificate without log entry is dated by a timestamp where the danger is spelled out").rows(&["#109"])
            .danger("ignore-log").bundle(&lab.keyless(USER).timestamped().build()).proven(0, 1, 1),
        Vector::rejected(G, "integrated-time-changed-with-certificate-log-check-off", "switching the certificate log check off never makes an unproven time count", "log-promise", V1)
            .rows(&["TOB-SIGSTORE-2", "TOB-SIGSTORE-3"]).idle_danger("ignore-sct")
            .bundle(&v1().bundle(|bundle| bundle["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]["signedEntryTimestamp"] = json!("MAYCAQECAQE=")).build()),
        Vector::rejected(G, "integrated-time-changed-with-certificates-judged-now", "judging certificates at the present time never makes an unproven time count", "log-promise", V1)
            .rows(&["TOB-SIGSTORE-2", "TOB-SIGSTORE-3"]).idle_danger("judge-certificates-now")
            .bundle(&v1().bundle(|bundle| bundle["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]["signedEntryTimestamp"] = json!("MAYCAQECAQE=")).build()),
        Vector::rejected(G, "intermediate-ended-before-the-timestamp-with-log-check-off", "an intermediate is judged at the proven time whatever else is switched off", "certificate-expired", "timestamp-alone-under-a-named-danger").rows(&["A012"])
            .danger("ignore-log").trust(lab, |root| {
                root["certificateAuthorities"][0] = authority_instance("https://fulcio.lab.example", &[&ended.certificate, &lab.root.certificate]);
            }).bundle(&lab.keyless(USER).timestamped().issued_by(&ended).build()),
        Vector::rejected(G, "integrated-time-changed-with-log-check-off", "switching the log check off never makes an unproven time count", "no-proven-time", "timestamp-alone-under-a-named-danger")
            .rows(&["TOB-SIGSTORE-2", "TOB-SIGSTORE-3"]).danger("ignore-log")
            .bundle(&v1().bundle(|bundle| bundle["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]["signedEntryTimestamp"] = json!("MAYCAQECAQE=")).build()),
    ]
}

/// The lab's log with a key of which the last second is `end`, and a newer one under the same name.
fn two_keys(root: &mut Value, end: &str) {
    let new = LabKey::p256("lab-rekor-1-new");
    let mut instance = crate::lab::key_instance("https://rekor.lab.example", &new, &new.id());
    instance["publicKey"]["validFor"]["start"] = json!("2026-01-15T11:00:00Z");
    root["tlogs"][0]["publicKey"]["validFor"]["end"] = json!(end);
    root["tlogs"].as_array_mut().expect("list").push(instance);
}
