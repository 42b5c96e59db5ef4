//! Images in a network namespace without interfaces.
//!
//! The production image is judged by the trust that is built in; `COUNTERSIGN_REAL_IMAGES` names the folder that holds `example-package-v2.1.0`; without it the suite looks beside the checkout.

use std::path::PathBuf;
use std::process::Command;

use countersign_tests::{Outcome, Program, RegistryKind, countersign, skipped};

use crate::scene::Scene;
use crate::stack::{EMAIL, Stack, VERSION_2_CONFIG};
use crate::tuf::Repository;

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

/// What starts a program where there is no network at all.
const UNSHARE: [&str; 3] = ["unshare", "-n", "--"];

/// Whether this user may make such a place; said loudly if not.
fn can_unshare(test: &str) -> bool {
    let status = Command::new("unshare").args(["-n", "true"]).status();
    let can = status.is_ok_and(|status| status.success());
    if !can {
        skipped(test, "unshare -n");
    }
    can
}

#[test]
fn the_production_image_verifies_without_a_network_and_each_wrong_variant_is_denied() {
    let test = "production_image";
    let Some(image) = images() else {
        return skipped(test, "real-images");
    };
    if !can_unshare(test) {
        return;
    }
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let ours = Program::new(countersign(), folder.path()).within(&UNSHARE);
    let run = |command: &str, kind: Option<&str>, identity: &str, issuer: &str, digest: &str| {
        let reference = format!("oci:{}@{digest}", image.display());
        let mut arguments = vec![command, "--offline", "--certificate-identity", identity];
        arguments.extend(["--certificate-oidc-issuer", issuer]);
        if let Some(kind) = kind {
            arguments.extend(["--type", kind]);
        }
        arguments.push(&reference);
        ours.run(&arguments)
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
        ours.run(&arguments)
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

#[test]
fn an_image_verifies_without_a_network_by_cached_and_by_exported_trust() {
    let test = "offline_trust";
    if !can_unshare(test) {
        return;
    }
    let Some(stack) = Stack::start(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let image = scene.image.as_str();
    let root = stack.file("trusted_root.json");
    stack.token(scene.folder(), "");
    let identity = ["--identity-token", "token", "--trusted-root", &root];
    let mut sign = vec!["sign", "--signing-config"];
    let config = stack.file(VERSION_2_CONFIG);
    sign.extend([&config, image]);
    sign.extend(identity);
    scene.ours(&sign).expect(0);
    scene.ours(&["copy", image, "oci:layout"]).expect(0);
    let place = scene.folder().join("repository");
    let Some(repository) = Repository::start(test, &place, &root) else {
        return;
    };
    let (mirror, first_root) = (repository.mirror.clone(), repository.root.clone());
    let init = ["trust", "init", "--mirror", &mirror, "--root", &first_root];
    scene.ours(&init).expect(0);
    scene.ours(&["trust", "export", "pack.tar"]).expect(0);
    drop(repository);

    let reference = format!("oci:layout@{}", scene.digest);
    let verify = |program: &Program, email: &str, more: &[&str]| {
        let mut line = vec!["verify", "--offline", "--certificate-identity", email];
        line.extend(["--certificate-oidc-issuer", &stack.issuer, &reference]);
        line.extend(more);
        program.run(&line)
    };
    let cached = scene.countersign.clone().within(&UNSHARE);
    // Another user of the machine, who never chose any trust.
    let other = scene.folder().join("other");
    let elsewhere = cached.clone().env("HOME", other.as_os_str());
    let pack = ["--trust-pack", "pack.tar"];
    // The public-good instance, which is trusted where nothing was chosen, knows none of these services, and did not sign the pack.
    verify(&elsewhere, EMAIL, &[]).expect(12);
    verify(&elsewhere, EMAIL, &pack).expect(22);
    elsewhere
        .run([&init[..], &["--offline"]].concat())
        .expect(0);
    verify(&elsewhere, EMAIL, &[]).expect(22);
    for (whose, program, more) in [
        ("cached", &cached, &[][..]),
        ("exported", &elsewhere, &pack),
    ] {
        let passed = verify(program, EMAIL, more).expect(0);
        assert!(passed.stdout.contains(&scene.digest), "{}", passed.stdout);
        verify(program, "other@example.org", more).expect(12);
        println!("ok: verified without a network by {whose} trust");
    }
}
