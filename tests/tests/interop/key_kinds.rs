//! The matrix of key kinds against cosign: P-256 and RSA must pass, the rest is printed.

use countersign_tests::{RegistryKind, peers};

use crate::commands::Cosign;
use crate::scene::Scene;

const KINDS: &[(&str, bool)] = &[
    ("ecdsa-p256", true),
    ("ecdsa-p384", false),
    ("ecdsa-p521", false),
    ("ed25519", false),
    ("rsa-2048", true),
    ("rsa-3072", true),
    ("rsa-4096", true),
];

#[test]
fn key_kinds_against_cosign() {
    let test = "key_kinds";
    let [cosign] = peers!(test, ["cosign"]);
    println!(
        "{:<12} {:<16} {:<20} {:<16} {:<12}",
        "key", "we verify ours", "cosign verifies ours", "cosign signs", "we verify it"
    );
    for (kind, must) in KINDS {
        let Some(scene) = Scene::new(test, RegistryKind::Olareg) else {
            return;
        };
        let cosign = scene.program(&cosign);
        let image = scene.image.as_str();
        let none = scene.no_services(&cosign);
        scene.key("k", kind);
        scene.sign("k.key", image).expect(0);
        scene.verify("k.pub", image).expect(0);
        let theirs = Cosign(&cosign).verify("k.pub", &[], image);

        let Some(second) = Scene::new(test, RegistryKind::Olareg) else {
            return;
        };
        for file in ["k.key", "k.pub", "none.json"] {
            std::fs::copy(scene.folder().join(file), second.folder().join(file))
                .expect("key is copied");
        }
        let image = second.image.as_str();
        let cosign = countersign_tests::Program::new(cosign_path(), second.folder());
        let signed = Cosign(&cosign).sign("k.key", &none, image);
        let ours = second.verify("k.pub", image);
        println!(
            "{kind:<12} {:<16} {:<20} {:<16} {:<12}",
            "yes",
            word(theirs.code),
            word(signed.code),
            if signed.code == 0 {
                word(ours.code)
            } else {
                "-".to_owned()
            }
        );
        if *must {
            theirs.expect(0);
            signed.clone().expect(0);
        }
        if signed.code == 0 {
            ours.expect(0);
        }
    }
}

fn cosign_path() -> std::path::PathBuf {
    countersign_tests::Peer::find("cosign")
        .expect("it was found before")
        .path()
        .to_owned()
}

fn word(code: i32) -> String {
    if code == 0 {
        "yes".to_owned()
    } else {
        format!("no (exit {code})")
    }
}
