//! Images with their evidence from registry to layout to registry to archive to registry, and what other tools see at the end.

use std::process::{Command, Stdio};
use std::time::Duration;

use countersign_tests::{Program, RegistryKind, countersign, peers, skipped};

use crate::commands::Cosign;
use crate::scene::Scene;

/// Runs `copy` and kills it again and again, a little later each time, until it gets through; says how often it was killed.
fn copy_under_fire(scene: &Scene, from: &str, to: &str) -> usize {
    let mut killed = 0;
    for pause in (5..).step_by(25) {
        let mut child = Command::new(countersign())
            .current_dir(scene.folder())
            .env("COUNTERSIGN_ALLOW_HTTP", "true")
            .args(["copy", from, to])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(Duration::from_millis(pause));
        // SIGKILL: it has no chance to tidy up.
        let _ = child.kill();
        if child.wait().expect("the program ends").success() {
            return killed;
        }
        killed += 1;
        assert!(killed < 200, "it never gets through");
    }
    killed
}

#[test]
fn evidence_of_three_kinds_on_index_and_platform_goes_round_and_is_seen_by_others() {
    let test = "moving";
    let [oras, crane, skopeo, cosign] = peers!(test, ["oras", "crane", "skopeo", "cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::DockerRegistry) else {
        return;
    };
    let crane = scene.program(&crane);
    // An index of the image and one more platform of it.
    let name = scene.name.clone();
    crane
        .run([
            "mutate",
            "--insecure",
            &scene.image,
            "--set-platform",
            "linux/arm64",
            "-t",
            &format!("{name}:arm64"),
        ])
        .expect(0);
    crane
        .run([
            "index",
            "append",
            "--insecure",
            "-m",
            &scene.image,
            "-m",
            &format!("{name}:arm64"),
            "-t",
            &format!("{name}:multi"),
        ])
        .expect(0);
    let index = crane
        .run(["digest", "--insecure", &format!("{name}:multi")])
        .expect(0);
    let index = index.stdout.trim().to_owned();
    let (on_index, on_platform) = (format!("{name}@{index}"), scene.image.clone());
    scene.key("ours", "ecdsa-p256");
    let cosign = scene.program(&cosign);
    cosign.run(["generate-key-pair"]).expect(0);
    let none = scene.no_services(&cosign);
    let spdx = scene.spdx.display().to_string();
    for image in [&on_index, &on_platform] {
        scene.sign("ours.key", image).expect(0);
        scene.attest("ours.key", &spdx, image).expect(0);
        // cosign's bundle and, under a tag, cosign's old signature.
        Cosign(&cosign).sign("cosign.key", &none, image).expect(0);
        Cosign(&cosign).sign_legacy("cosign.key", image).expect(0);
    }
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let (Some(own), Some(olareg)) = (
        RegistryKind::Ours.start(folder.path()),
        RegistryKind::Olareg.start(folder.path()),
    ) else {
        skipped(test, "olareg");
        return;
    };
    let (far, last) = (
        format!("{}/demo/app", own.host()),
        format!("{}/demo/app", olareg.host()),
    );
    let mut killed = 0;
    killed += copy_under_fire(&scene, &format!("{name}:multi"), "oci:lay:multi");
    killed += copy_under_fire(&scene, "oci:lay:multi", &format!("{far}:multi"));
    killed += copy_under_fire(&scene, &format!("{far}:multi"), "oci-archive:app.tar:multi");
    killed += copy_under_fire(
        &scene,
        "oci-archive:app.tar:multi",
        &format!("{last}:multi"),
    );
    println!("moving: killed {killed} times on the way");
    for place in [
        "oci:lay".to_owned(),
        far,
        "oci-archive:app.tar".to_owned(),
        last.clone(),
    ] {
        for digest in [&index, &scene.digest] {
            let image = format!("{place}@{digest}");
            for key in ["ours.pub", "cosign.pub"] {
                scene.verify(key, &image).expect(0);
            }
            scene.verify_attestation("ours.pub", &image).expect(0);
        }
    }
    // Others at the far end.
    for digest in [&index, &scene.digest] {
        cosign
            .run([
                "verify",
                "--key",
                "cosign.pub",
                "--insecure-ignore-tlog",
                "--allow-http-registry",
                &format!("{last}@{digest}"),
            ])
            .expect(0);
    }
    crane
        .run([
            "validate",
            "--insecure",
            "--remote",
            &format!("{last}:multi"),
        ])
        .expect(0);
    let skopeo: Program = scene.program(&skopeo);
    skopeo
        .run([
            "copy",
            "--all",
            "--quiet",
            "--src-tls-verify=false",
            &format!("docker://{last}:multi"),
            "oci:pulled:multi",
        ])
        .expect(0);
    skopeo
        .run([
            "copy",
            "--all",
            "--quiet",
            "oci:lay:multi",
            "oci:relayed:multi",
        ])
        .expect(0);
    let oras = scene.program(&oras);
    let tree = oras
        .run(["discover", "--plain-http", &format!("{last}@{index}")])
        .expect(0);
    assert!(
        tree.stdout
            .contains("application/vnd.dev.sigstore.bundle.v0.3+json"),
        "{tree:?}"
    );
}
