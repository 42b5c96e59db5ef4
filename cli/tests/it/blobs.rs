//! The commands about files, with keys and with certificates.

use countersign_testdata::lab::ISSUER;

use crate::program::{command, finish_with};
use crate::workshop::Workshop;

#[test]
fn a_file_is_signed_and_verified_by_name_by_digest_and_from_a_pipe() {
    let workshop = Workshop::new();
    let signed = workshop.run("sign-blob --key plain.key file.txt").ends(0);
    assert_eq!(signed.stdout, "file.txt.sigstore.json\n");
    let digest = countersign_proof::digest::sha256(&workshop.read("file.txt"));
    let verified = workshop
        .run("verify-blob --key release.pub --bundle file.txt.sigstore.json file.txt")
        .ends(0);
    assert_eq!(verified.stdout, format!("{digest}\n"));
    workshop
        .run(&format!(
            "verify-blob --key release.pub --bundle file.txt.sigstore.json {digest}"
        ))
        .ends(0);
    let line = [
        "verify-blob",
        "--key",
        "release.pub",
        "--bundle",
        "file.txt.sigstore.json",
        "-",
    ];
    finish_with(command(workshop.path()).args(line), b"the file\n").ends(0);
    finish_with(command(workshop.path()).args(line), b"another\n").ends(12);
    let line = ["sign-blob", "--key", "plain.key", "--bundle", "-", "-"];
    let printed = finish_with(command(workshop.path()).args(line), b"the file\n").ends(0);
    workshop.write("piped.json", printed.stdout.as_bytes());
    workshop
        .run("verify-blob --key release.pub --bundle piped.json file.txt")
        .ends(0);
}

#[test]
fn a_statement_about_a_file_is_signed_and_verified() {
    let workshop = Workshop::new();
    workshop.run("attest-blob --key plain.key --type slsaprovenance1 --predicate sbom.json file.txt --bundle a.json").ends(0);
    workshop.run("verify-blob-attestation --key release.pub --type slsaprovenance1 --bundle a.json file.txt").ends(0);
    workshop.run("verify-blob-attestation --key release.pub --type https://slsa.dev/provenance/v1 --bundle a.json file.txt").ends(0);
    workshop
        .run("verify-blob --key release.pub --type slsaprovenance1 --bundle a.json file.txt")
        .ends(0);
}

/// Evidence by a certificate, a log and a trusted root of the laboratory.
fn keyless(workshop: &Workshop) {
    let lab = workshop.keyless();
    workshop.write("lab.json", lab.trusted_root().to_string().as_bytes());
}

#[test]
fn a_certificate_is_judged_by_identity_and_issuer() {
    let workshop = Workshop::new();
    keyless(&workshop);
    let verify = |flags: &str| {
        workshop.run(&format!(
            "verify-blob --offline --trusted-root lab.json --bundle keyless.bundle {flags} artifact"
        ))
    };
    verify(&format!(
        "--certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER}"
    ))
    .ends(0)
    .says("signer@lab.example");
    verify(&format!("--certificate-identity other@lab.example --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER}")).ends(0);
    verify(&format!(
        "--certificate-identity-regexp ^.*@lab\\.example$ --certificate-oidc-issuer {ISSUER}"
    ))
    .ends(0);
    verify(&format!(
        "--certificate-identity-regexp ^signer@lab$ --certificate-oidc-issuer {ISSUER}"
    ))
    .ends(12)
    .says("expected: ")
    .says("found:    `signer@lab.example`");
    verify(&format!(
        "--certificate-identity signer@lab.exampl --certificate-oidc-issuer {ISSUER}"
    ))
    .ends(12)
    .says("signer@lab.exampl");
    verify(
        "--certificate-identity signer@lab.example --certificate-oidc-issuer https://other.example",
    )
    .ends(12)
    .says(ISSUER);
    verify(&format!("--require-log 2 --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER}")).ends(12).says("log");
    verify(&format!("--require-timestamp 1 --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER}")).ends(12).says("timestamp");
    verify("--key release.pub").ends(12);
    // The built-in root knows nothing of the laboratory's authority.
    workshop
        .run(&format!("verify-blob --offline --bundle keyless.bundle --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER} artifact"))
        .ends(12)
        .says("rejected");
    let shown = workshop.run("inspect keyless.bundle").ends(0);
    assert!(
        shown
            .stdout
            .contains("certificateIdentity: signer@lab.example"),
        "{shown:?}"
    );
    workshop.run("inspect lab.json").ends(0);
}

#[test]
fn a_document_that_no_bundle_can_hold_says_what_to_attest_in_its_place() {
    let workshop = Workshop::new();
    workshop.write("file.txt", b"content");
    std::fs::File::create(workshop.file("large.json"))
        .and_then(|file| file.set_len(65 << 20))
        .unwrap();
    for document in ["--type custom --predicate", "--statement"] {
        workshop
            .run(&format!(
                "attest-blob --key release.key {document} large.json file.txt --bundle a.json"
            ))
            .ends(2)
            .says("`large.json` has more than 67108864 bytes")
            .says("attest a smaller document, or the digest of this one and where it lies");
    }
    workshop.write("small.json", b"{}");
    workshop
        .run("attest-blob --key release.key --type custom --predicate small.json file.txt --bundle a.json")
        .ends(0);
}
