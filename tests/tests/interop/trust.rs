//! Trust from a repository that python-tuf made, and a trusted root of ours in the hands of cosign.

use countersign_tests::{Program, countersign, peers};

use crate::tuf::Repository;

const IDENTITY: [&str; 4] = [
    "--certificate-identity",
    "user@example.org",
    "--certificate-oidc-issuer",
    "https://issuer.lab.example",
];
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/vectors");

fn vector(name: &str) -> (String, String) {
    let folder = format!("{VECTORS}/bundles/{name}");
    (
        format!("{folder}/input.json"),
        format!("{folder}/artifact.bin"),
    )
}

#[test]
fn a_repository_of_python_tuf_is_trusted_through_its_rotation() {
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let root = format!("{VECTORS}/trusted_root.json");
    let place = folder.path().join("repository");
    let Some(repository) = Repository::start("python_tuf", &place, &root) else {
        return;
    };
    let ours = Program::new(countersign(), folder.path());
    let chosen = ours
        .run([
            "trust",
            "init",
            "--mirror",
            &repository.mirror,
            "--root",
            &repository.root,
            "--output",
            "json",
        ])
        .expect(0);
    drop(repository);
    assert!(
        chosen.stdout.contains(r#""version":2"#) || chosen.stdout.contains(r#""version": 2"#),
        "{}",
        chosen.stdout
    );
    // The mirror is gone, and what it gave is enough.
    let (bundle, artifact) = vector("keyless-message-with-version-1-log");
    let mut arguments = vec!["verify-blob", "--bundle", &bundle];
    arguments.extend(IDENTITY);
    arguments.push(&artifact);
    ours.run(&arguments).expect(0);
}

#[test]
fn cosign_verifies_with_a_trusted_root_that_we_created() {
    let [cosign] = peers!("created_root", ["cosign"]);
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let text = std::fs::read(format!("{VECTORS}/trusted_root.json")).expect("trusted root");
    let root: serde_json::Value = serde_json::from_slice(&text).expect("json");
    let pem = |label: &str, pointers: &[&str], file: &str| {
        let text: String = pointers
            .iter()
            .map(|pointer| {
                let base64 = root
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .expect("bytes");
                format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
            })
            .collect();
        std::fs::write(folder.path().join(file), text).expect("file");
    };
    let certificates = |kind: &str, file: &str| {
        let first = format!("/{kind}/0/certChain/certificates/0/rawBytes");
        let second = format!("/{kind}/0/certChain/certificates/1/rawBytes");
        pem("CERTIFICATE", &[&first, &second], file);
    };
    certificates("certificateAuthorities", "ca.pem");
    certificates("timestampAuthorities", "tsa.pem");
    pem("PUBLIC KEY", &["/tlogs/0/publicKey/rawBytes"], "rekor.pub");
    pem("PUBLIC KEY", &["/tlogs/2/publicKey/rawBytes"], "rekor2.pub");
    pem("PUBLIC KEY", &["/ctlogs/0/publicKey/rawBytes"], "ct.pub");
    let ours = Program::new(countersign(), folder.path());
    let spec = |text: &str| format!("url=https://{text},start-time=2025-01-01T00:00:00Z");
    ours.run([
        "trust",
        "create",
        "--out",
        "created.json",
        "--fulcio",
        &spec("fulcio.lab.example,certificate-chain=ca.pem"),
        "--rekor",
        &spec("rekor.lab.example,public-key=rekor.pub"),
        "--rekor",
        &spec("log2026-1.rekor.lab.example,public-key=rekor2.pub"),
        "--ctfe",
        &spec("ct.lab.example,public-key=ct.pub"),
        "--tsa",
        &spec("tsa.lab.example,certificate-chain=tsa.pem"),
    ])
    .expect(0);
    let theirs = Program::new(cosign.path(), folder.path());
    for name in [
        "keyless-message-with-version-1-log",
        "keyless-message-with-version-2-log",
    ] {
        let (bundle, artifact) = vector(name);
        for program in [&ours, &theirs] {
            let mut arguments = vec![
                "verify-blob",
                "--trusted-root",
                "created.json",
                "--bundle",
                &bundle,
            ];
            arguments.extend(IDENTITY);
            arguments.push(&artifact);
            program.run(&arguments).expect(0);
        }
    }
}
