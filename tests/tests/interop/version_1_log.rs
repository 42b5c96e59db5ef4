//! A log of version 1 as it is: promises in tags, entries that are there already, proofs asked for later.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use countersign_tests::{Peer, Program, RegistryKind, peers, skipped};
use serde_json::Value;

use crate::scene::Scene;
use crate::stack::{EMAIL, Stack, VERSION_1_CONFIG};

/// The addresses in the signing config of the log.
struct Addresses {
    fulcio: String,
    rekor: String,
    tsa: String,
}

fn config(stack: &Stack) -> Value {
    let text = std::fs::read(stack.file(VERSION_1_CONFIG)).expect("signing config");
    serde_json::from_slice(&text).expect("JSON")
}

fn addresses(stack: &Stack) -> Addresses {
    let address = |list: &str| stack.address(VERSION_1_CONFIG, list);
    Addresses {
        fulcio: address("caUrls"),
        rekor: address("rekorTlogUrls"),
        tsa: address("tsaUrls"),
    }
}

/// How many entries the log has.
fn entries(log: &str) -> u64 {
    let output = Command::new("curl")
        .args(["-sSf", &format!("{log}/api/v1/log")])
        .output()
        .expect("curl runs");
    let state: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    state["treeSize"].as_u64().expect("a size")
}

/// cosign 2 with the trust of the stack in the files that it knows; `--trusted-root` is not known to all of its commands.
fn by_files(cosign2: Program, stack: &Stack) -> Program {
    cosign2
        .env("SIGSTORE_ROOT_FILE", stack.file("keys/fulcio-chain.pem"))
        .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", stack.file("keys/ct.pub"))
        .env("SIGSTORE_REKOR_PUBLIC_KEY", stack.file("keys/rekor1.pub"))
        .env(
            "SIGSTORE_TSA_CERTIFICATE_FILE",
            stack.file("keys/tsa-chain.pem"),
        )
}

/// Signs and attests under tags with cosign 2, logged.
fn tags_by_cosign2(stack: &Stack, scene: &Scene, cosign2: &Program, image: &str) {
    let Addresses { fulcio, rekor, tsa } = addresses(stack);
    let spdx = scene.spdx.display().to_string();
    let attest = ["attest", "--type", "spdxjson", "--predicate", &spdx];
    for verb in [&["sign"][..], &attest] {
        let mut line = verb.to_vec();
        line.extend(["-y", "--identity-token", "token"]);
        line.extend(["--fulcio-url", &fulcio, "--rekor-url", &rekor]);
        line.extend(["--timestamp-server-url", &tsa, image]);
        cosign2.run(&line).expect(0);
    }
}

#[test]
fn promised_tags_of_an_identity_are_read_both_ways() {
    let test = "version_1_tags";
    let [cosign, cosign2] = peers!(test, ["cosign", "cosign2"]);
    let Some(stack) = Stack::with_version_1(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let (cosign, cosign2) = (scene.program(&cosign), scene.program(&cosign2));
    let by_files = by_files(cosign2.clone(), &stack);
    let (root, config) = (
        stack.file("trusted_root.json"),
        stack.file(VERSION_1_CONFIG),
    );
    let image = scene.image.as_str();
    let spdx = scene.spdx.display().to_string();
    stack.token(scene.folder(), "");
    let attest = ["attest", "--type", "spdxjson", "--predicate", &spdx];
    let log = addresses(&stack).rekor;
    let before = entries(&log);
    for verb in [&["sign"][..], &attest] {
        let mut line = verb.to_vec();
        line.extend(["--format", "legacy", "--identity-token", "token"]);
        line.extend(["--signing-config", &config, "--trusted-root", &root, image]);
        scene.ours(&line).expect(0);
    }
    assert_eq!(entries(&log), before + 2);

    let attestation = ["verify-attestation", "--type", "spdxjson", image];
    for program in [&scene.countersign, &cosign, &cosign2] {
        stack.verify(program, EMAIL, &["verify", image]).expect(0);
    }
    for program in [&scene.countersign, &cosign] {
        stack.verify(program, EMAIL, &attestation).expect(0);
    }
    // cosign 2 takes no trusted root for an `.att`.
    let mut line = attestation.to_vec();
    line.extend(["--certificate-identity", EMAIL]);
    line.extend(["--certificate-oidc-issuer", &stack.issuer]);
    by_files.run(&line).expect(0);
    println!("ok: cosign 2 and 3 read our identity's promised tags");

    let theirs = scene.again("cosign2-promised");
    tags_by_cosign2(&stack, &scene, &by_files, &theirs);
    for verb in [
        &["verify", &theirs][..],
        &["verify-attestation", "--type", "spdxjson", &theirs],
    ] {
        stack.verify(&scene.countersign, EMAIL, verb).expect(0);
        stack
            .verify(&scene.countersign, "other@example.org", verb)
            .expect(12);
    }
    println!("ok: we read the promised tags of an identity with cosign 2");
}

#[test]
fn what_cosign_2_logged_becomes_bundles_with_the_logs_proofs() {
    let test = "version_1_migrate";
    let [cosign, cosign2] = peers!(test, ["cosign", "cosign2"]);
    let Some(stack) = Stack::with_version_1(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let cosign = scene.program(&cosign);
    let cosign2 = by_files(scene.program(&cosign2), &stack);
    let image = scene.image.as_str();
    stack.token(scene.folder(), "");
    tags_by_cosign2(&stack, &scene, &cosign2, image);
    let (root, log) = (stack.file("trusted_root.json"), addresses(&stack).rekor);
    let migrate = |more: &[&str]| {
        let mut line = vec!["migrate", "-o", "json", "--yes"];
        line.extend(["--certificate-identity", EMAIL]);
        line.extend(["--certificate-oidc-issuer", &stack.issuer]);
        line.extend(["--trusted-root", &root, image]);
        line.extend(more);
        let told = scene.ours(&line).expect(0).stdout;
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let layers = told["result"]["layers"].as_array().expect("layers");
        let mut outcomes: Vec<_> = layers
            .iter()
            .map(|layer| layer["outcome"].as_str().expect("an outcome").to_owned())
            .collect();
        outcomes.sort();
        outcomes
    };
    let before = entries(&log);
    let attestation = ["verify-attestation", "--type", "spdxjson", image];
    let converted = migrate(&["--rekor-url", &log]);
    assert!(converted.contains(&"converted".to_owned()), "{converted:?}");
    assert_eq!(entries(&log), before, "nothing is entered");
    // Without the tag the bundle is all there is.
    let (host, repository) = scene.name.split_once('/').expect("a host");
    let tag = format!("{}.att", scene.digest.replace(':', "-"));
    let deleted = Command::new("curl")
        .args(["-sSf", "-X", "DELETE"])
        .arg(format!("http://{host}/v2/{repository}/manifests/{tag}"))
        .status();
    assert!(deleted.expect("curl runs").success());
    for program in [&scene.countersign, &cosign] {
        stack.verify(program, EMAIL, &attestation).expect(0);
    }
    println!("ok: what cosign 2 logged are bundles now: {converted:?}");
}

#[test]
fn a_key_that_signs_the_same_again_is_entered_once() {
    let test = "version_1_again";
    let Some(stack) = Stack::with_version_1(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let (root, config) = (
        stack.file("trusted_root.json"),
        stack.file(VERSION_1_CONFIG),
    );
    let log = addresses(&stack).rekor;
    // Signatures of these keys are always the same bytes.
    for kind in ["ed25519", "rsa-2048"] {
        scene.key(kind, kind);
        std::fs::write(scene.folder().join("file"), kind).expect("file");
        let (private, public) = (format!("{kind}.key"), format!("{kind}.pub"));
        let attest = [
            "attest-blob",
            "--type",
            "spdxjson",
            "--predicate",
            &scene.spdx.display().to_string(),
        ]
        .map(str::to_owned);
        let before = entries(&log);
        let mut indices = Vec::new();
        for bundle in ["first.json", "second.json"] {
            let mut line: Vec<&str> = attest.iter().map(String::as_str).collect();
            line.extend(["--key", &private, "--log", "--bundle", bundle]);
            line.extend(["--signing-config", &config, "--trusted-root", &root]);
            line.push("file");
            scene.ours(&line).expect(0);
            let written = std::fs::read(scene.folder().join(bundle)).expect("a bundle");
            let written: Value = serde_json::from_slice(&written).expect("JSON");
            indices.push(written["verificationMaterial"]["tlogEntries"][0]["logIndex"].clone());
            let mut line = vec!["verify-blob-attestation", "--type", "spdxjson"];
            line.extend(["--key", &public, "--bundle", bundle]);
            line.extend(["--require-log", "1", "--trusted-root", &root, "file"]);
            scene.ours(&line).expect(0);
        }
        assert_eq!(indices[0], indices[1], "{kind}");
        assert_eq!(entries(&log), before + 1, "{kind}");
    }
}

/// What the way to the log does.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Way {
    Open,
    /// An entry is made, its answer is lost, and after that nobody answers.
    LosesTheAnswer,
    Closed,
}

/// A way to the log on loopback that can be cut: its address, and what sets it.
fn way(log: &str) -> (String, Arc<AtomicU8>) {
    let log = log.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let state = Arc::new(AtomicU8::new(Way::Open as u8));
    let shared = Arc::clone(&state);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (log, shared) = (log.clone(), Arc::clone(&shared));
            std::thread::spawn(move || pass(stream, &log, &shared));
        }
    });
    // The log is known by its address, and `localhost` with another port is another one.
    (format!("http://localhost:{port}"), state)
}

/// One connection: what is asked goes on as it comes; what is answered comes back unless it is to be lost.
fn pass(mut client: TcpStream, log: &str, state: &AtomicU8) {
    let at = |way: Way| state.load(Ordering::SeqCst) == way as u8;
    if at(Way::Closed) {
        return;
    }
    let mut server = TcpStream::connect(log).expect("the log is there");
    let (mut asked, mut on) = (
        client.try_clone().expect("a handle"),
        server.try_clone().expect("a handle"),
    );
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut asked, &mut on);
        let _ = on.shutdown(Shutdown::Write);
    });
    let mut answer = [0; 16 * 1024];
    while let Ok(read @ 1..) = server.read(&mut answer) {
        if at(Way::LosesTheAnswer) || at(Way::Closed) {
            state.store(Way::Closed as u8, Ordering::SeqCst);
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
        if client.write_all(&answer[..read]).is_err() {
            return;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// The stack's trusted root and signing config with the log at another address, with or without a timestamp authority.
fn led_through(stack: &Stack, scene: &Scene, address: &str, dated: bool) {
    let log = addresses(stack).rekor;
    let root = std::fs::read_to_string(stack.file("trusted_root.json")).expect("trusted root");
    std::fs::write(
        scene.folder().join("root.json"),
        root.replace(&log, address),
    )
    .expect("file");
    let mut config = config(stack);
    config["rekorTlogUrls"][0]["url"] = Value::from(address);
    if !dated {
        config["tsaUrls"] = Value::Array(Vec::new());
    }
    std::fs::write(scene.folder().join("config.json"), config.to_string()).expect("file");
}

#[test]
fn an_entry_whose_answer_was_lost_is_found_again_when_the_run_is_resumed() {
    let test = "version_1_resumed";
    let Some(stack) = Stack::with_version_1(test) else {
        return;
    };
    let log = addresses(&stack).rekor;
    // With a certificate that still holds the entry is sent again, and the log says that it has it; long after, a draft without
    // a timestamp is searched for.
    for (dated, later) in [(true, None), (false, None), (false, Some("+30m"))] {
        if later.is_some() && Peer::find("faketime").is_none() {
            skipped(test, "faketime");
            continue;
        }
        let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
            return;
        };
        let (address, state) = way(&log);
        led_through(&stack, &scene, &address, dated);
        stack.token(scene.folder(), "");
        let image = scene.image.as_str();
        let line = [
            "sign",
            "-o",
            "json",
            "--timeout",
            "5s",
            "--journal",
            "journal",
            "--identity-token",
            "token",
            "--signing-config",
            "config.json",
            "--trusted-root",
            "root.json",
            image,
        ];
        let before = entries(&log);
        state.store(Way::LosesTheAnswer as u8, Ordering::SeqCst);
        scene.ours(&line).expect(20);
        assert_eq!(entries(&log), before + 1, "the log has entered it");
        stack
            .verify(&scene.countersign, EMAIL, &["verify", image])
            .expect(10);

        state.store(Way::Open as u8, Ordering::SeqCst);
        let resumed = match later {
            None => scene.ours(&line),
            Some(later) => {
                stack.token(scene.folder(), "&ttl=7200");
                let later = scene.countersign.clone().within(&["faketime", "-f", later]);
                later.env("DONT_FAKE_MONOTONIC", "1").run(line)
            }
        };
        let told: Value = serde_json::from_str(&resumed.expect(0).stdout).expect("JSON");
        assert_eq!(told["result"]["images"][0]["state"], "resumed", "{told:#}");
        assert_eq!(entries(&log), before + 1, "no second entry");
        let verify = [
            "verify",
            "--trusted-root",
            "root.json",
            "--certificate-identity",
            EMAIL,
            "--certificate-oidc-issuer",
            &stack.issuer,
            image,
        ];
        scene.ours(&verify).expect(0);
        println!("ok: resumed, dated {dated}, later {later:?}: one entry");
    }
}
