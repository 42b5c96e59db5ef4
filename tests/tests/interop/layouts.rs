//! OCI layouts as other tools leave them.

use countersign_tests::{Program, RealImage, RegistryKind, countersign, peers};

use crate::commands::Cosign;
use crate::scene::Scene;

#[test]
fn an_image_in_the_layout_of_umoci_is_signed_attested_and_verified() {
    let test = "umoci_layout";
    let Some(image) = RealImage::make(test) else {
        return;
    };
    let folder = tempfile::TempDir::new().expect("temporary folder");
    image.copy_layout(&folder.path().join("app"));
    let ours = Program::new(countersign(), folder.path()).env("COUNTERSIGN_PASSWORD", "pw");
    let spdx = image.spdx.display().to_string();
    ours.run(["generate-key-pair"]).expect(0);
    ours.run(["verify", "--key", "countersign.pub", "oci:app:v1"])
        .expect(10);
    ours.run(["sign", "--key", "countersign.key", "oci:app:v1"])
        .expect(0);
    ours.run([
        "attest",
        "--key",
        "countersign.key",
        "--type",
        "spdxjson",
        "--predicate",
        &spdx,
        "oci:app:v1",
    ])
    .expect(0);
    ours.run(["verify", "--key", "countersign.pub", "oci:app:v1"])
        .expect(0);
    ours.run([
        "verify-attestation",
        "--key",
        "countersign.pub",
        "--type",
        "spdxjson",
        "oci:app:v1",
    ])
    .expect(0);
}

#[test]
fn an_image_that_skopeo_copied_into_a_layout_verifies_there() {
    let test = "skopeo_layout";
    let [skopeo, oras] = peers!(test, ["skopeo", "oras"]);
    let Some(scene) = Scene::new(test, RegistryKind::Olareg) else {
        return;
    };
    let image = scene.image.as_str();
    scene.key("ours", "ecdsa-p256");
    let source = format!("docker://{image}");
    scene
        .program(&skopeo)
        .run([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            &source,
            "oci:copied:v1",
        ])
        .expect(0);
    // skopeo leaves the referrers behind, so nothing is attached yet.
    scene.verify("ours.pub", "oci:copied:v1").expect(10);
    scene.sign("ours.key", "oci:copied:v1").expect(0);
    scene.verify("ours.pub", "oci:copied:v1").expect(0);
    // oras brings the referrers along.
    scene.sign("ours.key", image).expect(0);
    let from = format!("{}:v1", scene.name);
    scene
        .program(&oras)
        .run([
            "cp",
            "-r",
            "--from-plain-http",
            &from,
            "--to-oci-layout",
            "carried:v1",
        ])
        .expect(0);
    scene.verify("ours.pub", "oci:carried:v1").expect(0);
}

#[test]
fn the_layout_that_cosign_saves_verifies() {
    let test = "cosign_save";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::Olareg) else {
        return;
    };
    let cosign = scene.program(&cosign);
    let image = scene.image.as_str();
    cosign.run(["generate-key-pair"]).expect(0);
    let none = scene.no_services(&cosign);
    Cosign(&cosign).sign("cosign.key", &none, image).expect(0);
    cosign.run(["save", "--dir", "saved", image]).expect(0);
    let reference = format!("oci:saved@{}", scene.digest);
    scene.verify("cosign.pub", &reference).expect(0);
}

/// `cosign load` and `cosign verify --local-image` find an image, its signatures and its attestations by the kind of each entry.
#[test]
fn the_folder_that_save_writes_is_read_by_cosign() {
    let test = "save_for_cosign";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(scene) = Scene::new(test, RegistryKind::Olareg) else {
        return;
    };
    let image = scene.image.as_str();
    scene.key("ours", "ecdsa-p256");
    let cosign = scene.program(&cosign);
    // By its tag, which every registry takes from cosign in the order in which cosign brings it.
    scene
        .ours(&["sign", "--key", "ours.key", "--format", "legacy", image])
        .expect(0);
    scene.ours(&["save", "--dir", "tagged", image]).expect(0);
    let elsewhere = format!("{}-loaded:v1", scene.name);
    cosign
        .run([
            "load",
            "--allow-http-registry",
            "--dir",
            "tagged",
            &elsewhere,
        ])
        .expect(0);
    scene
        .ours(&["verify", "--key", "ours.pub", &elsewhere])
        .expect(0);
    // By its bundle, in the folder.
    scene.ours(&["sign", "--key", "ours.key", image]).expect(0);
    scene.ours(&["save", "--dir", "saved", image]).expect(0);
    cosign
        .run([
            "verify",
            "--local-image",
            "--key",
            "ours.pub",
            "--insecure-ignore-tlog",
            "saved",
        ])
        .expect(0);
}
