//! The table command × fault × exit code × words, generated and run row by row.
//!
//! Each bad input gives one clear sentence and the right exit code; a fault of a peer is never an internal error (1), an
//! absence is never an outage and an outage never an absence.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_registry::layout::Layout;

use crate::loopback::{Fault, Loopback};
use crate::program::{self, words};
use crate::scripted::{self, Manners};
use crate::workshop::{Workshop, attach, push_image};

/// One row.
struct Row {
    line: String,
    code: i32,
    words: String,
}

fn row(line: impl Into<String>, code: i32, words: &str) -> Row {
    Row {
        line: line.into(),
        code,
        words: words.to_owned(),
    }
}

/// Runs the rows and reports all that differ, not the first alone.
#[track_caller]
fn check(workshop: &Workshop, rows: &[Row]) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Rows run beside each other: what one fetched must not answer for a registry that fails in the next.
                    let run = program::finish(
                        program::command(workshop.path())
                            .env("COUNTERSIGN_NO_CACHE", "true")
                            .args(words(&row.line)),
                    );
                    let clear = run.code == 0
                        || run.stderr.lines().any(|line| {
                            ["error: ", "denied: ", "unknown: "]
                                .iter()
                                .any(|start| line.starts_with(start))
                        });
                    if run.code != row.code
                        || !run.stderr.contains(&row.words)
                        || !clear
                        || run.stderr.contains('\u{1b}')
                    {
                        let _ = writeln!(
                            wrong.lock().unwrap(),
                            "countersign {}\n  expected {} and `{}`\n  ended with {}:\n{}{}",
                            row.line,
                            row.code,
                            row.words,
                            run.code,
                            run.stderr,
                            run.stdout
                        );
                    }
                    // Nothing is reported as verified, signed or printed by a command that failed.
                    if run.code != 0 && !run.stdout.is_empty() {
                        let _ = writeln!(
                            wrong.lock().unwrap(),
                            "countersign {}\n  printed {}",
                            row.line,
                            run.stdout
                        );
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {} rows:\n{wrong}", rows.len());
}

/// The commands that take an image, with everything else of their line in order.
const IMAGE_COMMANDS: [&str; 6] = [
    "sign --key plain.key",
    "attest --key plain.key --type spdxjson --predicate sbom.json",
    "verify --key release.pub",
    "verify-attestation --key release.pub --type spdxjson",
    "discover",
    "inspect",
];

#[test]
fn every_image_command_tells_the_faults_of_a_registry_apart() {
    let workshop = Workshop::new();
    let mut rows = Vec::new();
    let faults: [(Manners, i32, &str); 14] = [
        (Manners::Down, 20, "could not reach"),
        (Manners::Silent, 20, "did not answer"),
        (Manners::Status(500), 20, "500"),
        (Manners::Status(503), 20, "503"),
        (Manners::Throttled, 20, "429"),
        (Manners::Status(401), 21, "login"),
        (Manners::Status(403), 21, "login"),
        (Manners::Status(404), 11, "not found"),
        (Manners::Garbage("<html>it works</html>"), 20, "manifest"),
        (Manners::CutOff, 20, ""),
        (Manners::Endless, 20, "limit"),
        (Manners::Drip, 20, "did not answer"),
        (Manners::Circle, 20, "redirect"),
        (Manners::NotHttp, 20, "could not reach"),
    ];
    for (manners, code, said) in faults {
        let address = scripted::start(manners);
        for command in IMAGE_COMMANDS {
            rows.push(row(
                format!("{command} --allow-http --timeout 1s {address}/acme/app:1.0"),
                code,
                said,
            ));
        }
    }
    let address = scripted::start(Manners::BearerNowhere);
    rows.push(row(
        format!("verify --key release.pub --allow-http --timeout 1s {address}/acme/app:1.0"),
        21,
        "login",
    ));
    check(&workshop, &rows);
}

#[cfg(target_os = "linux")]
#[test]
fn an_endless_body_costs_at_most_64_mib_and_the_deadline() {
    use std::time::{Duration, Instant};
    let workshop = Workshop::new();
    let address = scripted::start(Manners::Endless);
    let started = Instant::now();
    let mut child = program::command(workshop.path())
        .args(words(&format!(
            "verify --key release.pub --allow-http --timeout 3s {address}/acme/app:1.0"
        )))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak_kib = 0_u64;
    let code = loop {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next());
        peak_kib = peak_kib.max(high.and_then(|high| high.parse().ok()).unwrap_or_default());
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(code, Some(20));
    assert!(peak_kib > 0 && peak_kib < 64 * 1024, "{peak_kib} KiB");
    assert!(started.elapsed() < Duration::from_secs(5));
}

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
            22,
            "trusted root",
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

#[test]
fn every_answer_about_an_image_has_its_own_code() {
    let workshop = Workshop::new();
    let layout = |name: &str| Layout::open(workshop.file(name)).unwrap();
    let genuine = workshop.signed_layout("signed");
    workshop.layout("bare", "1.0", "genuine");
    workshop.layout("sbom", "1.0", "genuine");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:sbom:1.0")
        .ends(0);
    workshop.layout("message", "1.0", "genuine");
    workshop
        .run("sign --key plain.key --bundle image.bundle --no-upload oci:bare:1.0")
        .ends(0);
    let bundle = workshop.read("image.bundle");
    let sign = "https://sigstore.dev/cosign/sign/v1";
    workshop.layout("truncated", "1.0", "genuine");
    attach(
        &layout("truncated"),
        &genuine,
        bundle.get(..bundle.len() / 2).unwrap(),
        sign,
    );
    workshop.layout("empty", "1.0", "genuine");
    attach(&layout("empty"), &genuine, b"{}", sign);
    workshop.layout("other", "1.0", "other");
    let other = workshop.layout("other", "1.0", "other");
    attach(&layout("other"), &other, &bundle, sign);
    let moved = workshop.signed_layout("moved");
    push_image(&layout("moved"), "1.0", "replaced");
    workshop.signed_layout("annotated");
    workshop
        .run("sign --key plain.key -a stage=prod oci:bare2:1.0")
        .ends(11);
    workshop.layout("bare2", "1.0", "genuine");
    workshop
        .run("sign --key plain.key -a stage=prod oci:bare2:1.0")
        .ends(0);
    // The blob of the bundle is replaced on disk: the digest no longer matches.
    workshop.signed_layout("lying");
    let blobs = workshop.file("lying/blobs/sha256");
    for entry in std::fs::read_dir(&blobs).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.contains("dsseEnvelope") {
            std::fs::write(&path, text.replace("dsseEnvelope", "dsseEnvelopf")).unwrap();
        }
    }
    let rows = [
        row("verify --key release.pub oci:signed:1.0", 0, "verified"),
        row(
            format!("verify --key release.pub oci:signed@{genuine}"),
            0,
            "verified",
        ),
        row(
            "verify --key other.pub --key release.pub oci:signed:1.0",
            0,
            "verified",
        ),
        row("verify --policy policy.yaml oci:signed:1.0", 0, "verified"),
        row(
            "verify --key release.pub oci:bare:1.0",
            10,
            "nothing was found",
        ),
        row(
            "verify --policy policy.yaml oci:bare:1.0",
            10,
            "nothing was found",
        ),
        row(
            "verify-attestation --key release.pub --type spdxjson oci:bare:1.0",
            10,
            "nothing was found",
        ),
        row(
            "verify --key release.pub --bundle image.bundle oci:bare:1.0",
            0,
            "verified",
        ),
        row(
            "verify --key release.pub oci:sbom:1.0",
            12,
            "https://spdx.dev/Document",
        ),
        row(
            "verify-attestation --key release.pub --type spdxjson oci:sbom:1.0",
            0,
            "https://spdx.dev/Document",
        ),
        row(
            "verify-attestation --key release.pub --type any oci:sbom:1.0",
            0,
            "https://spdx.dev/Document",
        ),
        row(
            "verify-attestation --key release.pub --type cyclonedx oci:sbom:1.0",
            12,
            "types found: https://spdx.dev/Document",
        ),
        row(
            "verify-attestation --key release.pub oci:sbom:1.0",
            12,
            "types found: https://spdx.dev/Document",
        ),
        row(
            "verify-attestation --key release.pub --type spdxjson oci:signed:1.0",
            12,
            "found",
        ),
        row(
            "verify --key other.pub oci:signed:1.0",
            12,
            "expected: a signature by key sha256:",
        ),
        row(
            "verify-attestation --key other.pub --type spdxjson oci:sbom:1.0",
            12,
            "expected: a signature by key sha256:",
        ),
        row(
            "verify --key release.pub --require-log 1 oci:signed:1.0",
            12,
            "log",
        ),
        row(
            "verify --key release.pub --require-timestamp 1 oci:signed:1.0",
            12,
            "timestamp",
        ),
        row(
            "verify --certificate-identity a@b.c --certificate-oidc-issuer https://i oci:signed:1.0",
            13,
            "",
        ),
        row("verify --key release.pub oci:truncated:1.0", 12, "rejected"),
        row("verify --key release.pub oci:empty:1.0", 12, "rejected"),
        row(
            "verify --key release.pub oci:other:1.0",
            12,
            "subject-mismatch",
        ),
        row(
            "verify --key release.pub oci:moved:1.0",
            10,
            "nothing was found",
        ),
        row(
            format!("verify --key release.pub oci:moved@{moved}"),
            0,
            "verified",
        ),
        row("verify --key release.pub oci:lying:1.0", 20, "digest"),
        row(
            "verify --key release.pub -a stage=prod oci:bare2:1.0",
            0,
            "verified",
        ),
        row(
            "verify --key release.pub -a stage=test oci:bare2:1.0",
            12,
            "stage",
        ),
        row(
            "verify --key release.pub -a other=prod oci:bare2:1.0",
            12,
            "other",
        ),
        row(
            "verify --key release.pub -a stage=prod oci:signed:1.0",
            12,
            "stage",
        ),
        // Of several images a denial beats an unknown, which beats a pass.
        row(
            "verify --key release.pub oci:signed:1.0 oci:bare2:1.0",
            0,
            "2 images: 2 verified",
        ),
    ];
    check(&workshop, &rows);
    let mixed = [
        ("oci:signed:1.0 oci:bare:1.0", 10),
        ("oci:signed:1.0 oci:lying:1.0", 20),
        ("oci:lying:1.0 oci:other:1.0 oci:signed:1.0", 12),
        ("oci:lying:1.0 oci:absent:1.0", 11),
        ("oci:bare:1.0 oci:other:1.0", 12),
    ];
    for (images, code) in mixed {
        workshop
            .run(&format!("verify --key release.pub {images}"))
            .ends(code)
            .says("summary:");
    }
}

#[test]
fn a_registry_that_fails_half_way_is_an_unknown_and_never_unsigned() {
    let workshop = Workshop::new();
    let good = Loopback::start(&workshop.file("registry"));
    let digest = push_image(good.store().as_ref(), "1.0", "genuine");
    let name = good.name();
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}:1.0"))
        .ends(0);
    let faults: [(Fault, i32, &str); 5] = [
        (
            |_, path| path.contains("/referrers/").then_some((500, "")),
            20,
            "500",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((429, "")),
            20,
            "429",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((403, "")),
            21,
            "log in",
        ),
        (
            |_, path| path.contains("/referrers/").then_some((200, "<html>")),
            20,
            "",
        ),
        (
            |_, path| path.contains("/blobs/").then_some((200, "{}")),
            20,
            "",
        ),
    ];
    let mut servers = Vec::new();
    let mut rows = Vec::new();
    for (fault, code, said) in faults {
        let server = Loopback::faulty(&workshop.file("registry"), fault);
        let name = server.name();
        for image in [format!("{name}:1.0"), format!("{name}@{digest}")] {
            rows.push(row(
                format!("verify --allow-http --timeout 2s --key release.pub {image}"),
                code,
                said,
            ));
        }
        servers.push(server);
    }
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}:1.0"),
        0,
        "verified",
    ));
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}@{digest}"),
        0,
        "verified",
    ));
    rows.push(row(
        format!("verify --allow-http --key release.pub {name}:9.9"),
        11,
        "not found",
    ));
    rows.push(row(
        format!(
            "verify --allow-http --key release.pub {name}@sha256:{}",
            "ab".repeat(32)
        ),
        11,
        "not found",
    ));
    rows.push(row(
        format!(
            "verify --allow-http --key release.pub {}/no/such:1.0",
            good.address
        ),
        11,
        "not found",
    ));
    check(&workshop, &rows);
}

#[test]
fn every_command_line_that_cannot_be_used_ends_with_2() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let rows = [
        row("no-such-command", 2, "no-such-command"),
        row("sign", 2, "IMAGE"),
        row("verify", 2, "IMAGE"),
        row("verify --no-such-flag x", 2, "--no-such-flag"),
        row(
            "verify --key release.pub --output yaml oci:image:1.0",
            2,
            "yaml",
        ),
        row(
            "verify --key release.pub --timeout soon oci:image:1.0",
            2,
            "30s",
        ),
        row(
            "verify --key release.pub --timeout 0s oci:image:1.0",
            2,
            "30s",
        ),
        row(
            "verify --key release.pub -a novalue oci:image:1.0",
            2,
            "NAME=VALUE",
        ),
        row("sign --key plain.key -a =x oci:image:1.0", 2, "NAME=VALUE"),
        row(
            "sign --key plain.key --no-upload oci:image:1.0",
            2,
            "--bundle",
        ),
        row(
            "sign --key plain.key --bundle b oci:image:1.0 oci:image:1.0",
            2,
            "one file",
        ),
        row(
            "sign --key plain.key --require-digest oci:image:1.0",
            2,
            "without a digest",
        ),
        row(
            "attest --key plain.key --require-digest --predicate sbom.json oci:image:1.0",
            2,
            "without a digest",
        ),
        row("attest --key plain.key oci:image:1.0", 2, "--predicate"),
        row(
            "attest --key plain.key --predicate absent.json oci:image:1.0",
            2,
            "cannot read the predicate",
        ),
        row(
            "attest --key plain.key --predicate broken.json oci:image:1.0",
            2,
            "broken.json",
        ),
        row(
            "attest --key plain.key --predicate garbage oci:image:1.0",
            2,
            "garbage",
        ),
        row(
            "attest --key plain.key --statement sbom.json oci:image:1.0",
            2,
            "sbom.json",
        ),
        row(
            "attest --key plain.key --statement sbom.json --predicate sbom.json oci:image:1.0",
            2,
            "cannot be used with",
        ),
        row(
            "attest-blob --key plain.key --predicate broken.json file.txt",
            2,
            "broken.json",
        ),
        row(
            "sign-blob --key plain.key absent.txt",
            2,
            "cannot read the file",
        ),
        row("sign-blob --key plain.key .", 2, "directory"),
        row("verify-blob --key release.pub file.txt", 2, "--bundle"),
        row(
            "verify-blob --key release.pub --bundle absent file.txt",
            2,
            "cannot read the bundle",
        ),
        row(
            "verify-blob --key release.pub --bundle sbom.json sha256:123",
            2,
            "sha256:123",
        ),
        row("inspect absent", 2, "no file"),
        row("inspect garbage", 2, "garbage"),
        row("inspect broken.json", 2, "JSON"),
        row("inspect sbom.json", 2, "not known"),
        row("policy", 2, "no command"),
        row("", 2, "no command"),
        row("inspect absent.json", 2, "no file"),
        row("inspect ./absent", 2, "no file"),
        row("policy check", 2, "FILE"),
        row("policy check garbage", 2, "garbage"),
        row("policy check absent.yaml", 2, "cannot read the policy"),
        row("completion tcsh", 2, "tcsh"),
        row("registry serve", 2, "--dir"),
        row("registry serve --dir r --listen nowhere", 2, "--listen"),
        row("registry serve --dir r --offline", 2, "offline"),
        row(
            "registry serve --dir file.txt --listen 127.0.0.1:0",
            2,
            "file.txt",
        ),
        row("demo --dir .", 2, "not empty"),
        row("demo --offline", 2, "offline"),
        row(
            "login ghcr.io/acme/app -u u -p p",
            2,
            "not the name of a registry",
        ),
        row("login ghcr.io -p p", 2, "user name"),
        row("generate-key-pair --key-type dsa", 2, "dsa"),
        row(
            "generate-key-pair --output-key-prefix no/such/folder/x",
            2,
            "cannot write",
        ),
        row("generate-key-pair --output-key-prefix release", 2, "exists"),
        row(
            "import-key-pair --key plain.key --output-key-prefix release",
            2,
            "exists",
        ),
        row("public-key --key absent", 2, "cannot read the key"),
        row("public-key --key garbage", 2, "garbage"),
        row("public-key", 2, "--key"),
    ];
    check(&workshop, &rows);
}

#[test]
fn every_answer_about_a_file_has_its_own_code() {
    let workshop = Workshop::new();
    workshop
        .run("sign-blob --key plain.key file.txt --bundle m.bundle")
        .ends(0);
    workshop.run("attest-blob --key plain.key --type spdxjson --predicate sbom.json file.txt --bundle s.bundle").ends(0);
    let bundle = workshop.read("m.bundle");
    workshop.write("cut.bundle", bundle.get(..bundle.len() / 2).unwrap());
    workshop.write("other.txt", b"another file\n");
    let digest = countersign_proof::digest::sha256(&workshop.read("file.txt"));
    let rows = [
        row(
            "verify-blob --key release.pub --bundle m.bundle file.txt",
            0,
            "verified",
        ),
        row(
            format!("verify-blob --key release.pub --bundle m.bundle {digest}"),
            0,
            "verified",
        ),
        row(
            "verify-blob --key other.pub --key release.pub --bundle m.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob --key release.pub --bundle s.bundle --bundle m.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob --policy policy.yaml --bundle m.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob --key release.pub --bundle m.bundle other.txt",
            12,
            "rejected",
        ),
        row(
            format!(
                "verify-blob --key release.pub --bundle m.bundle sha256:{}",
                "ab".repeat(32)
            ),
            12,
            "rejected",
        ),
        row(
            "verify-blob --key other.pub --bundle m.bundle file.txt",
            12,
            "expected: a signature by key",
        ),
        row(
            "verify-blob --key release.pub --bundle cut.bundle file.txt",
            12,
            "rejected",
        ),
        row(
            "verify-blob --key release.pub --bundle garbage file.txt",
            12,
            "rejected",
        ),
        row(
            "verify-blob --key release.pub --bundle s.bundle file.txt",
            12,
            "https://spdx.dev/Document",
        ),
        row(
            "verify-blob --key release.pub --type spdxjson --bundle s.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob --key release.pub --type any --bundle s.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob --key release.pub --type any --bundle m.bundle file.txt",
            12,
            "found",
        ),
        row(
            "verify-blob-attestation --key release.pub --type spdxjson --bundle s.bundle file.txt",
            0,
            "verified",
        ),
        row(
            "verify-blob-attestation --key release.pub --type spdxjson --bundle s.bundle other.txt",
            12,
            "subject-mismatch",
        ),
        row(
            "verify-blob-attestation --key release.pub --type vuln --bundle s.bundle file.txt",
            12,
            "types found",
        ),
        row(
            "verify-blob-attestation --key release.pub --bundle s.bundle file.txt",
            12,
            "types found",
        ),
        row(
            "verify-blob --key release.pub --require-log 1 --bundle m.bundle file.txt",
            12,
            "log",
        ),
        row(
            "verify-blob --certificate-identity a@b.c --certificate-oidc-issuer https://i --bundle m.bundle file.txt",
            13,
            "",
        ),
        row(
            "verify-blob --key release.pub --bundle m.bundle absent.txt",
            2,
            "cannot read the file",
        ),
    ];
    check(&workshop, &rows);
}
