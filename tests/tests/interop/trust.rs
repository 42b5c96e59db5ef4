//! Trust from a repository that python-tuf made, and a trusted root of ours in the hands of cosign.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use countersign_tests::{Program, countersign, peers};

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

/// The Python that has `tuf`: the one that `COUNTERSIGN_TUF_PYTHON` names, else the installed peer.
fn python() -> Option<String> {
    let python =
        std::env::var("COUNTERSIGN_TUF_PYTHON").unwrap_or_else(|_| "python-tuf".to_owned());
    let probe = Command::new(&python)
        .args([
            "-c",
            "import tuf.api.metadata, securesystemslib.signer, cryptography",
        ])
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success()).then_some(python)
}

#[test]
fn a_repository_of_python_tuf_is_trusted_through_its_rotation() {
    let Some(python) = python() else {
        println!(
            "SKIPPED python_tuf: there is no `python-tuf` (tests/peers/install.sh), and COUNTERSIGN_TUF_PYTHON names no Python with `tuf`"
        );
        return;
    };
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let repository = folder.path().join("repository");
    let mut server = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/tuf_repository.py"))
        .arg(&repository)
        .arg(format!("{VECTORS}/trusted_root.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python runs");
    let mut port = String::new();
    BufReader::new(server.stdout.take().expect("standard output"))
        .read_line(&mut port)
        .expect("the port");
    let mirror = format!("http://127.0.0.1:{}", port.trim());
    let ours = Program::new(countersign(), folder.path());
    let root = repository.join("1.root.json").display().to_string();
    let chosen = ours.run([
        "trust", "init", "--mirror", &mirror, "--root", &root, "--output", "json",
    ]);
    drop(server.stdin.take());
    server.wait().expect("the server ends");
    let chosen = chosen.expect(0);
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
