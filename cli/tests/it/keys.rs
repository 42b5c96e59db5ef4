//! The commands about keys.

use std::fs;

use crate::program::{command, finish, finish_with};
use crate::workshop::Workshop;

#[test]
fn every_kind_of_key_is_made_signs_and_verifies() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    for kind in [
        "ecdsa-p256",
        "ecdsa-p384",
        "ecdsa-p521",
        "ed25519",
        "rsa-2048",
    ] {
        let made = workshop
            .run(&format!(
                "generate-key-pair --key-type {kind} --output-key-prefix {kind}"
            ))
            .ends(0);
        assert_eq!(made.stdout, format!("{kind}.key\n{kind}.pub\n"));
        workshop
            .run(&format!("sign --key {kind}.key oci:image:1.0"))
            .ends(0);
        workshop
            .run(&format!("verify --key {kind}.pub oci:image:1.0"))
            .ends(0);
        workshop
            .run(&format!(
                "sign-blob --key {kind}.key file.txt --bundle {kind}.bundle"
            ))
            .ends(0);
        workshop
            .run(&format!(
                "verify-blob --key {kind}.pub --bundle {kind}.bundle file.txt"
            ))
            .ends(0);
        workshop.run(&format!("inspect {kind}.pub")).ends(0);
    }
    let three = workshop
        .run("generate-key-pair --key-type rsa-3072 --output json --output-key-prefix three")
        .ends(0);
    assert_eq!(three.json()["result"]["keyType"], "rsa-3072");
}

#[cfg(unix)]
#[test]
fn a_private_key_is_readable_by_its_owner_alone_and_encrypted() {
    use std::os::unix::fs::PermissionsExt as _;
    let workshop = Workshop::new();
    workshop
        .run("generate-key-pair --output-key-prefix new")
        .ends(0)
        .says("id sha256:");
    assert_eq!(
        fs::metadata(workshop.file("new.key"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let text = String::from_utf8(workshop.read("new.key")).unwrap();
    assert!(
        text.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"),
        "{text}"
    );
    let left: Vec<_> = fs::read_dir(workshop.path())
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("partial")
        })
        .collect();
    assert!(left.is_empty());
}

#[test]
fn key_files_are_kept_unless_yes_is_said() {
    let workshop = Workshop::new();
    workshop
        .run("generate-key-pair --output-key-prefix new")
        .ends(0);
    let before = workshop.read("new.key");
    workshop
        .run("generate-key-pair --output-key-prefix new")
        .ends(2)
        .says("`new.key` exists")
        .says("--yes");
    assert_eq!(workshop.read("new.key"), before);
    fs::remove_file(workshop.file("new.key")).unwrap();
    workshop
        .run("generate-key-pair --output-key-prefix new")
        .ends(2)
        .says("`new.pub` exists");
    assert!(!workshop.file("new.key").exists());
    workshop
        .run("generate-key-pair --yes --output-key-prefix new")
        .ends(0);
}

#[test]
fn the_password_comes_from_the_environment_or_a_pipe() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let sign = ["sign", "--key", "release.key", "oci:image:1.0"];
    for (name, value, code) in [
        ("COUNTERSIGN_PASSWORD", "test", 0),
        ("COSIGN_PASSWORD", "test", 0),
        ("COUNTERSIGN_PASSWORD", "wrong", 2),
        ("COSIGN_PASSWORD", "", 2),
    ] {
        let run = finish(
            command(workshop.path())
                .env_remove("COUNTERSIGN_PASSWORD")
                .env(name, value)
                .args(sign),
        )
        .ends(code);
        assert!(
            code == 0 || run.stderr.contains("wrong password"),
            "{run:?}"
        );
        assert!(
            !run.stderr.contains("test"),
            "a password is never shown: {run:?}"
        );
    }
    finish_with(
        command(workshop.path())
            .env_remove("COUNTERSIGN_PASSWORD")
            .args(sign),
        b"test\n",
    )
    .ends(0);
    finish_with(
        command(workshop.path())
            .env_remove("COUNTERSIGN_PASSWORD")
            .args(sign),
        b"nope\n",
    )
    .ends(2)
    .says("wrong password");
    finish(
        command(workshop.path())
            .env_remove("COUNTERSIGN_PASSWORD")
            .args(sign),
    )
    .ends(2)
    .says("no password for the key was given");
    // An empty password is a password where it is given.
    let empty = ["generate-key-pair", "--output-key-prefix", "empty"];
    finish(
        command(workshop.path())
            .env("COUNTERSIGN_PASSWORD", "")
            .args(empty),
    )
    .ends(0);
    finish(
        command(workshop.path())
            .env("COUNTERSIGN_PASSWORD", "")
            .args(["public-key", "--key", "empty.key"]),
    )
    .ends(0);
}

#[test]
fn a_key_is_imported_and_its_public_half_printed() {
    let workshop = Workshop::new();
    workshop
        .run("import-key-pair --key plain.key --output-key-prefix imported")
        .ends(0);
    assert_eq!(workshop.read("imported.pub"), workshop.read("release.pub"));
    for key in ["plain.key", "release.key", "imported.key", "release.pub"] {
        let printed = workshop.run(&format!("public-key --key {key}")).ends(0);
        assert_eq!(
            printed.stdout.as_bytes(),
            workshop.read("release.pub"),
            "{key}"
        );
    }
    workshop
        .run("public-key --key plain.key --outfile out.pub")
        .ends(0);
    assert_eq!(workshop.read("out.pub"), workshop.read("release.pub"));
    workshop
        .run("import-key-pair --key release.key --output-key-prefix again")
        .ends(0);
    assert_eq!(workshop.read("again.pub"), workshop.read("release.pub"));
}

#[test]
fn a_key_may_stand_in_the_environment() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let text = |name: &str| String::from_utf8(workshop.read(name)).unwrap();
    finish(
        command(workshop.path())
            .env("MY_KEY", text("release.key"))
            .args(["sign", "--key", "env://MY_KEY", "oci:image:1.0"]),
    )
    .ends(0);
    finish(
        command(workshop.path())
            .env("MY_PUB", text("release.pub"))
            .args(["verify", "--key", "env://MY_PUB", "oci:image:1.0"]),
    )
    .ends(0);
}

#[test]
fn killing_the_maker_of_keys_leaves_each_file_whole_or_absent() {
    let workshop = Workshop::new();
    let started = std::time::Instant::now();
    workshop
        .run("generate-key-pair --output-key-prefix whole")
        .ends(0);
    // The kills are spread over one and a half times what the machine takes for it now.
    let step = started.elapsed() * 3 / 2 / 40;
    let mut made = 0;
    for round in 0..40_u32 {
        let prefix = format!("k{round}");
        let mut child = command(workshop.path())
            .args(["generate-key-pair", "--output-key-prefix", &prefix])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(step * round);
        let _ = child.kill();
        let _ = child.wait();
        for name in [format!("{prefix}.key"), format!("{prefix}.pub")] {
            if let Ok(text) = fs::read_to_string(workshop.file(&name)) {
                assert!(
                    text.starts_with("-----BEGIN ") && text.trim_end().ends_with("KEY-----"),
                    "{name}: {text}"
                );
                made += 1;
            }
        }
    }
    assert!(made > 0, "the kills came too early to show anything");
}
