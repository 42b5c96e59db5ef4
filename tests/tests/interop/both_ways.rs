//! What one side signs and attests, the other verifies, on each registry.

use countersign_tests::{RegistryKind, peers};

use crate::commands::Cosign;
use crate::scene::Scene;

#[test]
fn cosign_verifies_our_signature_and_our_five_megabyte_attestation() {
    let test = "cosign_verifies_ours";
    let [cosign] = peers!(test, ["cosign"]);
    for kind in RegistryKind::USUAL {
        let Some(scene) = Scene::new(test, kind) else {
            continue;
        };
        let cosign = scene.program(&cosign);
        let image = scene.image.as_str();
        let spdx = scene.spdx.display().to_string();
        scene.key("ours", "ecdsa-p256");
        scene
            .ours(&["sign", "--key", "ours.key", "-a", "stage=prod", image])
            .expect(0);
        scene.attest("ours.key", &spdx, image).expect(0);

        let verified = scene
            .ours(&["verify", "--key", "ours.pub", "-a", "stage=prod", image])
            .expect(0);
        assert_eq!(verified.stdout, format!("{image}\n"), "{}", kind.name());
        scene.verify_attestation("ours.pub", image).expect(0);

        cosign
            .run([
                "verify",
                "--key",
                "ours.pub",
                "--insecure-ignore-tlog",
                "-a",
                "stage=prod",
                image,
            ])
            .expect(0);
        Cosign(&cosign)
            .verify_attestation("ours.pub", &[], image)
            .expect(0);
        println!("ok: cosign verifies ours on {}", kind.name());
    }
}

#[test]
fn we_verify_the_signature_and_attestation_of_cosign() {
    let test = "we_verify_cosign";
    let [cosign] = peers!(test, ["cosign"]);
    for kind in RegistryKind::USUAL {
        let Some(scene) = Scene::new(test, kind) else {
            continue;
        };
        let cosign = scene.program(&cosign);
        let image = scene.image.as_str();
        let spdx = scene.spdx.display().to_string();
        cosign.run(["generate-key-pair"]).expect(0);
        let none = scene.no_services(&cosign);

        scene.verify("cosign.pub", image).expect(10);
        Cosign(&cosign)
            .attest("cosign.key", &none, &spdx, image)
            .expect(0);
        // An SBOM is not a signature, whoever signed it.
        scene.verify("cosign.pub", image).expect(12);
        cosign
            .run([
                "sign",
                "-y",
                "--key",
                "cosign.key",
                "--signing-config",
                &none,
                "-a",
                "a=b",
                image,
            ])
            .expect(0);

        scene.verify("cosign.pub", image).expect(0);
        scene
            .ours(&["verify", "--key", "cosign.pub", "-a", "a=b", image])
            .expect(0);
        scene
            .ours(&["verify", "--key", "cosign.pub", "-a", "a=c", image])
            .expect(12);
        scene.verify_attestation("cosign.pub", image).expect(0);
        scene
            .ours(&[
                "verify-attestation",
                "--key",
                "cosign.pub",
                "--type",
                "cyclonedx",
                image,
            ])
            .expect(12);

        scene.key("other", "ecdsa-p256");
        scene.verify("other.pub", image).expect(12);
        scene
            .ours(&["verify", "--key", "other.pub", "--key", "cosign.pub", image])
            .expect(0);
        println!("ok: we verify cosign on {}", kind.name());
    }
}

#[test]
fn the_legacy_signature_tag_of_cosign_verifies() {
    let test = "legacy_tag";
    let [cosign] = peers!(test, ["cosign"]);
    for kind in RegistryKind::USUAL {
        let Some(scene) = Scene::new(test, kind) else {
            continue;
        };
        let cosign = scene.program(&cosign);
        let image = scene.image.as_str();
        cosign.run(["generate-key-pair"]).expect(0);
        Cosign(&cosign).sign_legacy("cosign.key", image).expect(0);
        scene.verify("cosign.pub", image).expect(0);
        println!("ok: .sig of cosign on {}", kind.name());
    }
}

#[test]
fn our_key_files_and_those_of_cosign_open_on_both_sides() {
    let test = "key_files";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let cosign = scene.program(&cosign);
    let image = scene.image.as_str();
    cosign.run(["generate-key-pair"]).expect(0);
    let none = scene.no_services(&cosign);
    scene.sign("cosign.key", image).expect(0);
    Cosign(&cosign).verify("cosign.pub", &[], image).expect(0);
    scene.key("ours", "ecdsa-p256");
    Cosign(&cosign).sign("ours.key", &none, image).expect(0);
    scene.verify("ours.pub", image).expect(0);
    let public = cosign.run(["public-key", "--key", "ours.key"]).expect(0);
    let ours = scene.ours(&["public-key", "--key", "ours.key"]).expect(0);
    assert_eq!(public.stdout.trim(), ours.stdout.trim());
}

#[test]
fn oras_discovers_what_we_attached() {
    let test = "oras_discovers";
    let [oras] = peers!(test, ["oras"]);
    for kind in RegistryKind::USUAL {
        let Some(scene) = Scene::new(test, kind) else {
            continue;
        };
        let oras = scene.program(&oras);
        let image = scene.image.as_str();
        scene.key("ours", "ecdsa-p256");
        scene.sign("ours.key", image).expect(0);
        let found = oras
            .run(["discover", "--plain-http", "--format", "json", image])
            .expect(0);
        let tree: serde_json::Value =
            serde_json::from_str(&found.stdout).expect("oras prints JSON");
        let referrers = tree["referrers"].as_array().expect("referrers");
        assert_eq!(referrers.len(), 1, "{}: {}", kind.name(), found.stdout);
        assert_eq!(
            referrers[0]["artifactType"],
            "application/vnd.dev.sigstore.bundle.v0.3+json"
        );
        assert_eq!(
            referrers[0]["annotations"]["dev.sigstore.bundle.predicateType"],
            "https://sigstore.dev/cosign/sign/v1"
        );
        let digest = referrers[0]["digest"].as_str().expect("digest");
        let shown = scene.ours(&["discover", image]).expect(0);
        assert!(shown.stdout.contains(digest), "{}", shown.words());
        println!("ok: oras discovers ours on {}", kind.name());
    }
}

#[test]
fn blobs_go_both_ways() {
    let test = "blobs";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let cosign = scene.program(&cosign);
    std::fs::write(scene.folder().join("artifact.bin"), vec![7_u8; 1 << 20]).expect("artifact");
    scene.key("ours", "ecdsa-p256");
    let none = scene.no_services(&cosign);
    scene
        .ours(&[
            "sign-blob",
            "--key",
            "ours.key",
            "--bundle",
            "ours.json",
            "artifact.bin",
        ])
        .expect(0);
    cosign
        .run([
            "verify-blob",
            "--key",
            "ours.pub",
            "--insecure-ignore-tlog",
            "--bundle",
            "ours.json",
            "artifact.bin",
        ])
        .expect(0);
    cosign
        .run([
            "sign-blob",
            "-y",
            "--key",
            "ours.key",
            "--signing-config",
            &none,
            "--bundle",
            "theirs.json",
            "artifact.bin",
        ])
        .expect(0);
    scene
        .ours(&[
            "verify-blob",
            "--key",
            "ours.pub",
            "--bundle",
            "theirs.json",
            "artifact.bin",
        ])
        .expect(0);
    std::fs::write(scene.folder().join("artifact.bin"), b"changed").expect("artifact");
    scene
        .ours(&[
            "verify-blob",
            "--key",
            "ours.pub",
            "--bundle",
            "theirs.json",
            "artifact.bin",
        ])
        .expect(12);
}
