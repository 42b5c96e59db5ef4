//! Command lines that cannot be used.

use super::{check, row};
use crate::workshop::Workshop;

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
