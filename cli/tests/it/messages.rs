//! Whole messages, word for word: what people read when something is wrong.
//!
//! `messages.txt` holds them; `UPDATE_MESSAGES=1 cargo test` writes it anew, to be read before it is committed.

use std::fmt::Write as _;

use countersign_registry::layout::Layout;
use countersign_testdata::lab::ISSUER;

use crate::loopback::Loopback;
use crate::program;
use crate::scripted::{self, Manners};
use crate::workshop::{Workshop, attach, push_image};

#[test]
fn messages_are_as_they_were_agreed() {
    let workshop = Workshop::new();
    let genuine = workshop.signed_layout("signed");
    workshop.layout("bare", "1.0", "genuine");
    workshop.layout("sbom", "1.0", "genuine");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:sbom:1.0")
        .ends(0);
    let other = workshop.layout("copied", "1.0", "another");
    workshop
        .run("sign --key plain.key --no-upload --bundle genuine.bundle oci:signed:1.0")
        .ends(0);
    let bundle = workshop.read("genuine.bundle");
    let sign = "https://sigstore.dev/cosign/sign/v1";
    attach(
        &Layout::open(workshop.file("copied")).unwrap(),
        &other,
        &bundle,
        sign,
    );
    workshop.layout("cut", "1.0", "genuine");
    attach(
        &Layout::open(workshop.file("cut")).unwrap(),
        &genuine,
        bundle.get(..100).unwrap(),
        sign,
    );
    let lab = workshop.keyless();
    workshop.write("lab.json", lab.trusted_root().to_string().as_bytes());
    workshop.write("bad.yaml", b"apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: x}\nspec:\n  signers: {}\n  requires: {}\n");
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    let failing = Loopback::faulty(&workshop.file("registry"), |_, path| {
        path.contains("/referrers/").then_some((503, ""))
    });
    let (down, unauthorized, throttled) = (
        scripted::start(Manners::Down),
        scripted::start(Manners::Status(401)),
        scripted::start(Manners::Throttled),
    );
    let lines = [
        "verify --key release.pub oci:signed:1.0".to_owned(),
        "verify --key release.pub oci:bare:1.0".to_owned(),
        "verify --key release.pub oci:sbom:1.0".to_owned(),
        "verify --key other.pub oci:signed:1.0".to_owned(),
        "verify --key release.pub oci:copied:1.0".to_owned(),
        "verify --key release.pub oci:cut:1.0".to_owned(),
        "verify --key release.pub -a stage=prod oci:signed:1.0".to_owned(),
        "verify --key release.pub --require-log 1 oci:signed:1.0".to_owned(),
        "verify --certificate-identity a@b.c --certificate-oidc-issuer https://issuer oci:signed:1.0".to_owned(),
        "verify-attestation --key release.pub --type cyclonedx oci:sbom:1.0".to_owned(),
        format!("verify-blob --trusted-root lab.json --bundle keyless.bundle --certificate-identity signer@lab.exampl --certificate-oidc-issuer {ISSUER} artifact"),
        "verify --key release.pub oci:signed:1.0 oci:bare:1.0 oci:absent:1.0".to_owned(),
        "verify --key release.pub oci:absent:1.0".to_owned(),
        "verify --key release.pub oci:signed:9.9".to_owned(),
        format!("verify --allow-http --key release.pub {}:9.9", server.name()),
        format!("verify --allow-http --key release.pub {down}/acme/app:1.0"),
        format!("verify --allow-http --key release.pub {unauthorized}/acme/app:1.0"),
        format!("verify --allow-http --timeout 1s --key release.pub {throttled}/acme/app:1.0"),
        format!("verify --allow-http --timeout 1s --key release.pub {}:1.0", failing.name()),
        "verify --offline --key release.pub ghcr.io/acme/app:1.0".to_owned(),
        "verify oci:signed:1.0".to_owned(),
        "verify --key release.key oci:signed:1.0".to_owned(),
        "verify --certificate-identity-regexp @acme.org --certificate-oidc-issuer https://issuer oci:signed:1.0".to_owned(),
        "verify --policy bad.yaml oci:signed:1.0".to_owned(),
        "verify --key release.pub --insecure-ignore-tlog oci:signed:1.0".to_owned(),
        "verify --key release.pub --certificate-idenity x oci:signed:1.0".to_owned(),
        "sign --key absent.key oci:bare:1.0".to_owned(),
        "sign --key garbage oci:bare:1.0".to_owned(),
        "sign --key plain.key ghcr.io/Acme/app:1.0".to_owned(),
        "attest --key plain.key --type spdxjson --predicate broken.json oci:bare:1.0".to_owned(),
        "generate-key-pair --output-key-prefix release".to_owned(),
        "discover oci:signed:1.0".to_owned(),
    ];
    let mut seen = String::new();
    for line in &lines {
        let run = workshop.run(line);
        let _ = writeln!(
            seen,
            "$ countersign {line}\n{}{}(exit code {})\n",
            run.stderr, run.stdout, run.code
        );
    }
    let wrong = program::command(workshop.path())
        .env("COUNTERSIGN_PASSWORD", "wrong")
        .args(["sign", "--key", "release.key", "oci:bare:1.0"])
        .output()
        .unwrap();
    let _ = writeln!(
        seen,
        "$ COUNTERSIGN_PASSWORD=wrong countersign sign --key release.key oci:bare:1.0\n{}(exit code {})",
        String::from_utf8_lossy(&wrong.stderr),
        wrong.status.code().unwrap()
    );
    let seen = filtered(&seen);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/messages.txt");
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        std::fs::write(path, &seen).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap();
    for (index, (was, is)) in agreed.lines().zip(seen.lines()).enumerate() {
        assert_eq!(was, is, "line {} of messages.txt", index + 1);
    }
    assert_eq!(agreed.lines().count(), seen.lines().count());
}

/// What differs from run to run: digests, ports, times.
fn filtered(text: &str) -> String {
    let mut out = String::new();
    for (index, word) in text
        .split_inclusive([' ', '\n', '`', ',', '@', ')'])
        .enumerate()
    {
        let _ = index;
        out.push_str(&digest(&port(&time(word))));
    }
    out
}

fn digest(word: &str) -> String {
    match word.split_once("sha256:") {
        Some((before, after)) => {
            let hex = after.chars().take_while(char::is_ascii_hexdigit).count();
            let rest = after.get(hex..).unwrap();
            if hex == 64 {
                format!("{before}sha256:[DIGEST]{rest}")
            } else {
                word.to_owned()
            }
        }
        None => word.to_owned(),
    }
}

fn port(word: &str) -> String {
    match word.split_once("127.0.0.1:") {
        Some((before, after)) => {
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            format!("{before}127.0.0.1:[PORT]{}", after.get(digits..).unwrap())
        }
        None => word.to_owned(),
    }
}

fn time(word: &str) -> String {
    let bytes = word.as_bytes();
    if bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[19] == b'Z' {
        format!("[TIME]{}", word.get(20..).unwrap())
    } else {
        word.to_owned()
    }
}
