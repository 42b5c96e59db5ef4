//! Every answer about an image or a file, each with its own exit code.

use countersign_registry::layout::Layout;

use super::{check, row};
use crate::workshop::{Workshop, attach, push_image};

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
