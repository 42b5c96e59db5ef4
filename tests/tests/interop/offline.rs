//! The production image, in a network namespace without interfaces.
//!
//! `COUNTERSIGN_REAL_IMAGES` names the folder that holds `example-package-v2.1.0`; without it the suite looks beside the checkout.

use std::path::PathBuf;
use std::process::Command;

use countersign_tests::{Outcome, Program, countersign, skipped};

const DIGEST: &str = "sha256:234e2c830c2fb31ac5671789d22adfe44d30c3ee831d01beae5e237841a13122";
const CHILD: &str = "sha256:d1fc0de9c6a33e502c488221644de1736c53d8ddb59b0e41b4946fb26af50e69";
const BUILDER: &str = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn images() -> Option<PathBuf> {
    let folder = std::env::var_os("COUNTERSIGN_REAL_IMAGES")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../shared/real-images"
            ))
        });
    let image = folder.join("example-package-v2.1.0");
    image
        .is_dir()
        .then(|| image.canonicalize().expect("the image's folder"))
}

fn unshared(program: &Program, arguments: &[&str]) -> Outcome {
    let plain = program.command(arguments);
    let mut command = Command::new("unshare");
    command
        .args(["-n", "--"])
        .arg(plain.get_program())
        .args(plain.get_args());
    let output = command.output().expect("unshare runs");
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        command: format!("{command:?}"),
    }
}

#[test]
fn the_production_image_verifies_without_a_network_and_each_wrong_variant_is_denied() {
    let test = "production_image";
    let Some(image) = images() else {
        return skipped(test, "real-images");
    };
    if !Command::new("unshare")
        .args(["-n", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        return skipped(test, "unshare -n");
    }
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let ours = Program::new(countersign(), folder.path());
    let run = |command: &str, kind: Option<&str>, identity: &str, issuer: &str, digest: &str| {
        let reference = format!("oci:{}@{digest}", image.display());
        let mut arguments = vec![command, "--offline", "--certificate-identity", identity];
        arguments.extend(["--certificate-oidc-issuer", issuer]);
        if let Some(kind) = kind {
            arguments.extend(["--type", kind]);
        }
        arguments.push(&reference);
        unshared(&ours, &arguments)
    };
    let good = format!("{BUILDER}@refs/tags/v2.1.0");
    let kind = Some("slsaprovenance02");
    let passed = run("verify-attestation", kind, &good, ISSUER, DIGEST).expect(0);
    assert!(passed.stdout.contains(DIGEST), "{}", passed.stdout);

    let denied = |outcome: Outcome, code: i32, words: &str| {
        let outcome = outcome.expect(code);
        assert!(
            outcome.stderr.contains(words),
            "expected `{words}` in:\n{}",
            outcome.stderr
        );
    };
    let other_builder = good.replace("generator_container_slsa3", "generator_generic_slsa3");
    denied(
        run("verify-attestation", kind, &other_builder, ISSUER, DIGEST),
        12,
        "identity",
    );
    let other_tag = format!("{BUILDER}@refs/tags/v2.0.0");
    denied(
        run("verify-attestation", kind, &other_tag, ISSUER, DIGEST),
        12,
        "refs/tags/v2.0.0",
    );
    for spoiled in [
        good.replacen("https", "xhttps", 1),
        good.replacen("slsa-framework", "slsa-xframework", 1),
        format!("{good}x"),
    ] {
        denied(
            run("verify-attestation", kind, &spoiled, ISSUER, DIGEST),
            12,
            "identity",
        );
    }
    let other_issuer = "https://token.actions.example.com";
    denied(
        run("verify-attestation", kind, &good, other_issuer, DIGEST),
        12,
        "issuer",
    );
    denied(
        run(
            "verify-attestation",
            Some("slsaprovenance1"),
            &good,
            ISSUER,
            DIGEST,
        ),
        12,
        "https://slsa.dev/provenance/v0.2",
    );
    denied(run("verify", None, &good, ISSUER, DIGEST), 12, "signature");
    denied(
        run("verify-attestation", kind, &good, ISSUER, CHILD),
        10,
        CHILD,
    );

    let reference = format!("oci:{}@{DIGEST}", image.display());
    let source = |flags: &[&str]| {
        let mut arguments = vec![
            "verify-attestation",
            "--offline",
            "--type",
            "slsaprovenance02",
        ];
        arguments.extend([
            "--certificate-identity",
            &good,
            "--certificate-oidc-issuer",
            ISSUER,
        ]);
        arguments.extend(flags);
        arguments.push(&reference);
        unshared(&ours, &arguments)
    };
    source(&[
        "--github-repository",
        "slsa-framework/example-package",
        "--github-ref",
        "refs/heads/main",
    ])
    .expect(0);
    for spoiled in [
        "xslsa-framework/example-package",
        "slsa-framework/xexample-package",
        "slsa-framework/example-packagex",
    ] {
        denied(source(&["--github-repository", spoiled]), 12, spoiled);
    }
    denied(
        source(&["--github-ref", "refs/heads/master"]),
        12,
        "refs/heads/main",
    );
    denied(
        source(&["--github-ref", "refs/tags/v*"]),
        12,
        "refs/heads/main",
    );
    source(&["--github-trigger", "workflow_dispatch"]).expect(0);
    denied(
        source(&["--github-trigger", "push"]),
        12,
        "workflow_dispatch",
    );
}
