//! Flags of cosign that are not honoured are refused by name, never ignored.

use crate::workshop::Workshop;

/// A line as people coming from cosign write it, and what it must be told.
const LINES: [(&str, &str); 23] = [
    (
        "verify --key release.pub --private-infrastructure oci:image:1.0",
        "--insecure-ignore-tlog",
    ),
    (
        "verify --key release.pub --allow-insecure-registry oci:image:1.0",
        "--allow-http",
    ),
    (
        "verify --key release.pub --allow-http-registry oci:image:1.0",
        "--allow-http",
    ),
    ("verify --key release.pub --local-image image", "oci:DIR"),
    (
        "verify --key release.pub --rekor-url https://r oci:image:1.0",
        "--trusted-root",
    ),
    (
        "verify --key release.pub --timestamp-certificate-chain c.pem oci:image:1.0",
        "--trusted-root",
    ),
    (
        "verify --key release.pub --signature s oci:image:1.0",
        "--bundle",
    ),
    (
        "verify --key release.pub --attachment sbom oci:image:1.0",
        "own digest",
    ),
    (
        "verify --key release.pub --check-claims=false oci:image:1.0",
        "always compared",
    ),
    ("verify --sk oci:image:1.0", "hardware"),
    ("verify --slot signature oci:image:1.0", "hardware"),
    (
        "verify --key release.pub --registry-password x oci:image:1.0",
        "login",
    ),
    (
        "verify --key release.pub --max-workers 3 oci:image:1.0",
        "workers",
    ),
    (
        "sign --key plain.key --tlog-upload=false oci:image:1.0",
        "never publishes",
    ),
    (
        "sign --key plain.key --rekor-url https://r oci:image:1.0",
        "never publishes",
    ),
    (
        "sign --key plain.key --fulcio-url https://f oci:image:1.0",
        "--signing-config FILE",
    ),
    (
        "sign --fulcio-auth-flow device oci:image:1.0",
        "--login device",
    ),
    (
        "sign --key plain.key --new-bundle-format=false oci:image:1.0",
        "bundle v0.3",
    ),
    (
        "sign --key plain.key --use-signing-config=false oci:image:1.0",
        "--signing-config FILE",
    ),
    (
        "attest --key plain.key --replace --predicate sbom.json oci:image:1.0",
        "only added",
    ),
    (
        "sign-blob --key plain.key --output-signature s file.txt",
        "--bundle",
    ),
    (
        "verify-blob --key release.pub --certificate c --bundle b file.txt",
        "--bundle",
    ),
    ("generate-key-pair --kms awskms://x", "key file"),
];

#[test]
fn a_flag_of_cosign_that_is_not_honoured_is_refused_with_what_to_write() {
    let workshop = Workshop::new();
    for (line, said) in LINES {
        let run = workshop
            .run(line)
            .ends(2)
            .says("of cosign is not honoured by")
            .says(said);
        assert!(run.stdout.is_empty(), "{run:?}");
        assert_eq!(
            run.stderr.lines().count(),
            2,
            "one sentence and one hint: {run:?}"
        );
    }
    let json = workshop
        .run("-o json verify --key release.pub --private-infrastructure oci:image:1.0")
        .ends(2)
        .json();
    assert_eq!(json["error"]["code"], "flag-not-honoured");
    assert_eq!(json["command"], "verify");
}
