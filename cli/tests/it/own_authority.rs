//! An own certificate authority, what is switched off on purpose, and what is checked although nobody demands it.

use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, ISSUER, Lab, chain_of};
use countersign_testdata::pem;
use countersign_testdata::transparency_log::EntrySpec;
use serde_json::json;

use crate::workshop::Workshop;

const WHO: &str = "--certificate-identity ann@lab.example";

/// The lab's trusted root with (`root.json`) and without (`logs.json`) its certificate authority, which is in
/// `ca.pem`, `between.pem` and `chain.pem`; `other.pem` is another.
fn prepared(lab: &Lab) -> Workshop {
    let workshop = Workshop::new();
    let mut root = lab.trusted_root();
    workshop.write("root.json", root.to_string().as_bytes());
    root["certificateAuthorities"] = json!([]);
    workshop.write("logs.json", root.to_string().as_bytes());
    let certificate = |der: &[u8]| pem("CERTIFICATE", der);
    let (top, between) = (
        certificate(&lab.root.certificate),
        certificate(&lab.intermediate.certificate),
    );
    workshop.write("ca.pem", top.as_bytes());
    workshop.write("between.pem", between.as_bytes());
    workshop.write("chain.pem", format!("{between}{top}").as_bytes());
    let (other, _) = chain_of("other");
    workshop.write("other.pem", certificate(&other.certificate).as_bytes());
    workshop.write("artifact", &Lab::artifact());
    workshop
}

fn put(workshop: &Workshop, name: &str, evidence: &Evidence) {
    workshop.write(name, evidence.bundle.to_string().as_bytes());
}

fn verify(flags: &str, bundle: &str) -> String {
    format!("verify-blob {flags} --bundle {bundle} artifact")
}

#[test]
fn a_certificate_of_an_own_authority_counts_and_of_every_other_does_not() {
    let lab = Lab::new();
    let workshop = prepared(&lab);
    let good = lab
        .keyless("ann@lab.example")
        .message(&Lab::artifact())
        .rekor_v1();
    put(&workshop, "good", &good.build());
    let who = format!("{WHO} --certificate-oidc-issuer {ISSUER} --trusted-root");
    for flags in [
        format!("{who} root.json"),
        format!("{who} logs.json --ca-roots ca.pem --ca-intermediates between.pem"),
        format!("{who} logs.json --certificate-chain chain.pem"),
        format!("{who} root.json --certificate-chain chain.pem"),
    ] {
        let run = workshop.run(&format!("-o json {}", verify(&flags, "good")));
        assert_eq!(run.code, 0, "{flags}: {run:?}");
        assert_eq!(run.json()["result"]["decision"]["dangers"], json!([]));
    }
    // The trusted root's own authority is not meant any more.
    for flags in [
        format!("{who} root.json --ca-roots other.pem"),
        format!("{who} logs.json"),
        format!("{who} logs.json --ca-roots ca.pem"),
    ] {
        workshop
            .run(&verify(&flags, "good"))
            .ends(12)
            .says("rejected:");
    }
    for (flags, code, said) in [
        ("--certificate-chain between.pem", 22, "root"),
        // An intermediate without a way to a root is a mistake.
        (
            "--ca-roots ca.pem --ca-intermediates other.pem",
            22,
            "intermediate",
        ),
        ("--ca-roots garbage", 2, "--ca-roots"),
        ("--ca-roots absent.pem", 2, "absent.pem"),
        ("--ca-roots file.txt", 2, "CERTIFICATE"),
        ("--ca-intermediates between.pem", 2, "--ca-roots"),
        (
            "--ca-roots ca.pem --certificate-chain chain.pem",
            2,
            "--certificate-chain",
        ),
    ] {
        workshop
            .run(&verify(&format!("{who} logs.json {flags}"), "good"))
            .ends(code)
            .says(said);
    }
}

#[test]
fn a_certificate_without_an_issuer_is_named_by_its_identity_alone() {
    let lab = Lab::new();
    let workshop = prepared(&lab);
    let plain = lab
        .keyless("ann@lab.example")
        .message(&Lab::artifact())
        .rekor_v1()
        .certificate(|certificate| {
            certificate.remove("1.3.6.1.4.1.57264.1.1");
            certificate.remove("1.3.6.1.4.1.57264.1.8");
        });
    put(&workshop, "plain", &plain.build());
    let own = "--trusted-root logs.json --certificate-chain chain.pem";
    workshop
        .run(&verify(&format!("{WHO} {own}"), "plain"))
        .ends(0);
    workshop
        .run(&verify(
            &format!("--certificate-identity bob@lab.example {own}"),
            "plain",
        ))
        .ends(12)
        .says("bob@lab.example");
    workshop
        .run(&verify(&format!("{WHO} --trusted-root root.json"), "plain"))
        .ends(2)
        .says("no issuer");
    let issued = lab
        .keyless("ann@lab.example")
        .message(&Lab::artifact())
        .rekor_v1();
    put(&workshop, "issued", &issued.build());
    workshop
        .run(&verify(&format!("{WHO} {own}"), "issued"))
        .ends(12)
        .says("names the issuer")
        .says("--certificate-oidc-issuer");
}

#[test]
fn what_is_switched_off_is_named_in_the_decision_that_it_weakens() {
    let lab = Lab::new();
    let workshop = prepared(&lab);
    let signer = || lab.keyless("ann@lab.example").message(&Lab::artifact());
    put(
        &workshop,
        "no-sct",
        &signer()
            .rekor_v1()
            .certificate(|certificate| certificate.scts.clear())
            .build(),
    );
    put(&workshop, "stamped", &signer().timestamped().build());
    put(&workshop, "logged", &signer().rekor_v1().build());
    put(&workshop, "bare", &signer().build());
    let trust = format!("{WHO} --certificate-oidc-issuer {ISSUER} --trusted-root root.json");
    workshop
        .run(&verify(&trust, "no-sct"))
        .ends(12)
        .says("--insecure-ignore-sct");
    for (bundle, flag, danger) in [
        ("no-sct", "--insecure-ignore-sct", "ignore-sct"),
        ("stamped", "--insecure-ignore-tlog", "ignore-log"),
        ("stamped", "--insecure-ignore-tlog=true", "ignore-log"),
    ] {
        workshop.run(&verify(&trust, bundle)).ends(12);
        workshop
            .run(&verify(&format!("{trust} {flag}"), bundle))
            .ends(0)
            .says(&format!("a danger that was accepted: {danger}: "));
        let json = workshop
            .run(&format!(
                "-o json {}",
                verify(&format!("{trust} {flag}"), bundle)
            ))
            .ends(0)
            .json();
        assert_eq!(json["result"]["decision"]["dangers"], json!([danger]));
        let checks = &json["result"]["decision"]["evidence"][0]["checks"];
        assert!(
            checks
                .as_array()
                .unwrap()
                .iter()
                .any(|check| check["name"] == "weakened"),
            "{checks}"
        );
    }
    workshop
        .run(&verify(
            &format!("{trust} --insecure-ignore-tlog=false"),
            "stamped",
        ))
        .ends(12);
    // Without a log's time only a timestamp's is left, and the present is never taken for one.
    for bundle in ["logged", "bare"] {
        workshop
            .run(&verify(&format!("{trust} --insecure-ignore-tlog"), bundle))
            .ends(12)
            .says("[no-proven-time]");
    }
    workshop
        .run(&verify(
            &format!("{trust} --insecure-ignore-tlog --require-log 1"),
            "stamped",
        ))
        .ends(2);
}

#[test]
fn a_timestamp_is_demanded_where_signed_timestamps_are_to_be_used() {
    let lab = Lab::new();
    let workshop = prepared(&lab);
    let signer = || lab.keyless("ann@lab.example").message(&Lab::artifact());
    put(&workshop, "logged", &signer().rekor_v1().build());
    put(
        &workshop,
        "both",
        &signer().rekor_v1().timestamped().build(),
    );
    let trust = format!(
        "{WHO} --certificate-oidc-issuer {ISSUER} --trusted-root root.json --use-signed-timestamps"
    );
    workshop
        .run(&verify(&trust, "logged"))
        .ends(12)
        .says("timestamp authorities");
    workshop.run(&verify(&trust, "both")).ends(0);
}

#[test]
fn what_a_known_log_says_about_a_key_must_be_right_although_nobody_demands_it() {
    let lab = Lab::new();
    let workshop = prepared(&lab);
    let key = LabKey::p256("lab-managed");
    workshop.write("managed.pub", key.public_pem().as_bytes());
    let signer = || {
        lab.managed(LabKey::p256("lab-managed"))
            .message(&Lab::artifact())
    };
    put(&workshop, "right", &signer().rekor_v1().build());
    put(
        &workshop,
        "wrong",
        &signer()
            .rekor_v1()
            .entry(|entry: &mut EntrySpec| {
                entry.checkpoint = Some(|checkpoint| checkpoint.size = "999".to_owned());
            })
            .build(),
    );
    let key = "--key managed.pub";
    let known = format!("{key} --trusted-root root.json");
    workshop
        .run(&verify(&known, "right"))
        .ends(0)
        .says("log entry");
    workshop
        .run(&verify(&known, "wrong"))
        .ends(12)
        .says("[checkpoint-tree]");
    // The log is not among the built-in ones: its entry is noted and counts for nothing.
    for bundle in ["right", "wrong"] {
        workshop
            .run(&format!("-v {}", verify(key, bundle)))
            .ends(0)
            .says("log-unknown");
    }
    workshop
        .run(&verify(&format!("{key} --insecure-ignore-tlog"), "right"))
        .ends(0)
        .says("changes nothing here");
    // Harmless means harmless: nothing was switched off.
    workshop
        .run(&verify(&format!("{known} --insecure-ignore-tlog"), "wrong"))
        .ends(12);
}
