//! Many processes that sign one image at once: nothing that was signed may be lost.

use std::process::{Command, Stdio};

use countersign_tests::{RegistryKind, countersign};

use crate::scene::Scene;

/// Processes at the same time.
const WRITERS: usize = 8;
/// Times that they start together.
const ROUNDS: usize = 20;

/// Signatures that a reader finds.
fn found(scene: &Scene) -> usize {
    let listed = scene.ours(&["discover", "--output", "json", &scene.image]);
    let listed: serde_json::Value =
        serde_json::from_str(&listed.stdout).expect("discover prints JSON");
    listed
        .pointer("/result/artifacts")
        .and_then(serde_json::Value::as_array)
        .map_or(0, Vec::len)
}

fn race(kind: RegistryKind) {
    let test = "races";
    let Some(scene) = Scene::new(test, kind) else {
        return;
    };
    scene.key("racer", "ecdsa-p256");
    for round in 1..=ROUNDS {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                Command::new(countersign())
                    .current_dir(scene.folder())
                    .env("COUNTERSIGN_ALLOW_HTTP", "true")
                    .env("COUNTERSIGN_PASSWORD", "pw")
                    .args([
                        "sign",
                        "--timeout",
                        "2m",
                        "--key",
                        "racer.key",
                        &scene.image,
                    ])
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("the program starts")
            })
            .collect();
        for writer in writers {
            let output = writer.wait_with_output().expect("the program ends");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let survivors = found(&scene);
        println!(
            "races on {}: round {round}: {survivors} of {}",
            kind.name(),
            round * WRITERS
        );
        assert_eq!(survivors, round * WRITERS);
    }
    scene.verify("racer.pub", &scene.image).expect(0);
}

#[test]
fn nothing_is_lost_on_docker_registry() {
    race(RegistryKind::DockerRegistry);
}

#[test]
fn nothing_is_lost_on_olareg() {
    race(RegistryKind::Olareg);
}

#[test]
fn nothing_is_lost_on_our_own() {
    race(RegistryKind::Ours);
}
