//! Layouts, keys and trust material that cannot be used.

use super::{IMAGE_COMMANDS, check, row};
use crate::workshop::Workshop;

#[test]
fn every_image_command_tells_the_faults_of_a_layout_apart() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    workshop.layout("many", "1.0", "one");
    workshop.layout("many", "2.0", "two");
    workshop.layout("badindex", "1.0", "genuine");
    workshop.write(
        "badindex/index.json",
        b"{\"schemaVersion\":2,\"manifests\":[",
    );
    workshop.layout("swapped", "1.0", "genuine");
    workshop.write(&format!("swapped/blobs/sha256/{}", digest.hex()), b"{}");
    std::fs::create_dir(workshop.file("folder")).unwrap();
    let other = "ab".repeat(32);
    let faults: [(String, i32, &str); 10] = [
        ("oci:absent:1.0".to_owned(), 11, "not found"),
        ("oci:folder:1.0".to_owned(), 11, "not found"),
        ("oci:image:9.9".to_owned(), 11, "not found"),
        (format!("oci:image@sha256:{other}"), 11, "not found"),
        ("oci:many".to_owned(), 2, "several images"),
        ("oci:badindex:1.0".to_owned(), 20, "index"),
        ("oci:swapped:1.0".to_owned(), 20, ""),
        ("ghcr.io/Acme/app".to_owned(), 2, "Acme"),
        ("ghcr.io/acme/app@sha256:123".to_owned(), 2, "sha256:123"),
        ("oci:image@sha256:zz".to_owned(), 2, "zz"),
    ];
    let mut rows = Vec::new();
    for (image, code, said) in &faults {
        for command in IMAGE_COMMANDS {
            rows.push(row(format!("{command} {image}"), *code, said));
        }
    }
    for command in IMAGE_COMMANDS {
        rows.push(row(
            format!("{command} --offline 127.0.0.1:1/acme/app:1.0"),
            20,
            "offline",
        ));
    }
    check(&workshop, &rows);
}

#[test]
fn every_command_that_signs_tells_the_faults_of_a_key_apart() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.write("wrong.key", b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n");
    let commands = [
        ("sign", "oci:image:1.0"),
        ("attest --predicate sbom.json", "oci:image:1.0"),
        ("sign-blob", "file.txt"),
        ("attest-blob --predicate sbom.json", "file.txt"),
    ];
    let faults = [
        ("absent.key", "cannot read the key"),
        ("garbage", "not PEM"),
        ("release.pub", "not a private key"),
        ("cut.key", "key"),
        ("wrong.key", "encrypted private key"),
        (".", "folder"),
        ("env://ABSENT", "no variable"),
        ("awskms://alias/x", "not read in this version"),
    ];
    let mut rows = Vec::new();
    for (command, what) in commands {
        for (key, said) in faults {
            rows.push(row(format!("{command} --key {key} {what}"), 2, said));
        }
        rows.push(row(format!("{command} {what}"), 2, "--key"));
    }
    for (key, said) in faults {
        rows.push(row(
            format!("import-key-pair --key {key} --output-key-prefix new"),
            2,
            said,
        ));
    }
    check(&workshop, &rows);
}

#[test]
fn every_command_that_verifies_tells_the_faults_of_its_trust_apart() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop
        .run("sign-blob --key plain.key file.txt --bundle file.bundle")
        .ends(0);
    workshop.write("policy-bad.yaml", b"apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: x}\nspec:\n  signers: {}\n  requires: {}\n");
    let commands = [
        ("verify", "oci:image:1.0"),
        ("verify-attestation --type spdxjson", "oci:image:1.0"),
        ("verify-blob --bundle file.bundle", "file.txt"),
        (
            "verify-blob-attestation --type spdxjson --bundle file.bundle",
            "file.txt",
        ),
    ];
    let faults = [
        ("", 2, "nobody is named"),
        ("--key absent.pub", 2, "cannot read the key"),
        ("--key garbage", 2, "key `garbage`"),
        ("--key cut.pub", 2, "key `cut.pub`"),
        ("--key release.key", 2, "this is a private key"),
        ("--certificate-identity a@b.c", 2, "no issuer"),
        ("--certificate-oidc-issuer https://i", 2, "no identity"),
        (
            "--certificate-identity-regexp a@.* --certificate-oidc-issuer https://i",
            2,
            "write `^a@.*$`",
        ),
        (
            "--certificate-identity-regexp ^a@.*$ --certificate-oidc-issuer-regexp https",
            2,
            "not anchored",
        ),
        (
            "--certificate-identity-regexp ^(a$ --certificate-oidc-issuer https://i",
            2,
            "cannot be used",
        ),
        (
            "--key release.pub --trusted-root absent.json",
            2,
            "cannot read the trusted root",
        ),
        (
            "--key release.pub --trusted-root garbage",
            2,
            "`garbage` is no usable trusted root",
        ),
        ("--key release.pub --require-log many", 2, "--require-log"),
        ("--key release.pub --require-log 99", 2, "--require-log"),
        (
            "--key release.pub --policy policy.yaml",
            2,
            "cannot be used with",
        ),
    ];
    let mut rows = Vec::new();
    for (command, what) in commands {
        for (trust, code, said) in faults {
            rows.push(row(format!("{command} {trust} {what}"), code, said));
        }
    }
    for (command, what) in [
        ("verify", "oci:image:1.0"),
        ("verify-blob --bundle file.bundle", "file.txt"),
    ] {
        rows.push(row(
            format!("{command} --policy absent.yaml {what}"),
            2,
            "cannot read the policy",
        ));
        rows.push(row(
            format!("{command} --policy garbage {what}"),
            2,
            "garbage",
        ));
        rows.push(row(
            format!("{command} --policy policy-bad.yaml {what}"),
            2,
            "policy-bad.yaml",
        ));
    }
    rows.push(row(
        "verify --policy policy.yaml -a a=b oci:image:1.0",
        2,
        "write it into the policy",
    ));
    rows.push(row(
        "verify-attestation --policy policy.yaml --type vuln oci:image:1.0",
        2,
        "write it into the policy",
    ));
    rows.push(row(
        "verify-attestation --key release.pub --type no-such-type oci:image:1.0",
        2,
        "no-such-type",
    ));
    rows.push(row(
        "attest --key plain.key --type no-such-type --predicate sbom.json oci:image:1.0",
        2,
        "no-such-type",
    ));
    check(&workshop, &rows);
}
