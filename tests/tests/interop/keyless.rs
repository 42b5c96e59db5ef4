//! Signing with an identity against a real Sigstore on loopback, verified by us and by cosign; and the other way round.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use countersign_tests::{RegistryKind, peers};
use serde_json::Value;

use crate::scene::Scene;
use crate::stack::{CONNECTOR, EMAIL, FEDERATED_CONFIG, Stack, VERSION_2_CONFIG};

#[test]
fn an_identity_signs_and_both_sides_verify() {
    let test = "keyless";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(stack) = Stack::with_every_log(test) else {
        return;
    };
    let root = stack.file("trusted_root.json");
    for config in stack.configs().map(|name| stack.file(name)) {
        for kind in [RegistryKind::Ours, RegistryKind::Olareg] {
            let Some(scene) = Scene::new(test, kind) else {
                continue;
            };
            let cosign = scene.program(&cosign);
            let image = scene.image.as_str();
            let spdx = scene.spdx.display().to_string();
            stack.token(scene.folder(), "");
            let identity = [
                "--identity-token",
                "token",
                "--signing-config",
                &config,
                "--trusted-root",
                &root,
            ];
            let ours = |arguments: &[&str]| {
                let mut all = arguments.to_vec();
                all.extend(identity);
                scene.ours(&all)
            };

            let signed = ours(&["-o", "json", "sign", "-a", "stage=prod", image]).expect(0);
            let result: Value = serde_json::from_str(&signed.stdout).expect("JSON");
            let entry = &result["result"]["images"][0];
            assert_eq!(entry["signer"]["identity"], EMAIL);
            assert_eq!(entry["signer"]["issuer"], stack.issuer.as_str());
            assert!(entry["logs"][0]["logIndex"].is_u64(), "{entry}");
            assert!(entry["timestamps"][0]["time"].is_string(), "{entry}");
            ours(&["attest", "--type", "spdxjson", "--predicate", &spdx, image]).expect(0);
            std::fs::write(scene.folder().join("file"), kind.name()).expect("file");
            ours(&["sign-blob", "--bundle", "file.bundle", "file"]).expect(0);
            ours(&[
                "attest-blob",
                "--type",
                "spdxjson",
                "--predicate",
                &spdx,
                "--bundle",
                "attested.bundle",
                "file",
            ])
            .expect(0);

            for program in [&scene.countersign, &cosign] {
                stack
                    .verify(program, EMAIL, &["verify", "-a", "stage=prod", image])
                    .expect(0);
                stack
                    .verify(
                        program,
                        EMAIL,
                        &["verify-attestation", "--type", "spdxjson", image],
                    )
                    .expect(0);
                stack
                    .verify(
                        program,
                        EMAIL,
                        &["verify-blob", "--bundle", "file.bundle", "file"],
                    )
                    .expect(0);
                let attested = [
                    "verify-blob-attestation",
                    "--type",
                    "spdxjson",
                    "--bundle",
                    "attested.bundle",
                    "file",
                ];
                stack.verify(program, EMAIL, &attested).expect(0);
            }
            stack
                .verify(&scene.countersign, "other@example.org", &["verify", image])
                .expect(12);
            println!(
                "ok: both verify our identity's signatures on {} with {config}",
                kind.name()
            );
        }
    }
}

#[test]
fn we_verify_what_an_identity_signs_with_cosign() {
    let test = "keyless_cosign";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(stack) = Stack::with_every_log(test) else {
        return;
    };
    let root = stack.file("trusted_root.json");
    for config in stack.configs().map(|name| stack.file(name)) {
        let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
            return;
        };
        let cosign = scene.program(&cosign);
        let image = scene.image.as_str();
        let spdx = scene.spdx.display().to_string();
        stack.token(scene.folder(), "");
        let identity = [
            "-y",
            "--identity-token",
            "token",
            "--signing-config",
            &config,
            "--trusted-root",
            &root,
        ];
        let theirs = |arguments: &[&str]| {
            let mut all = arguments.to_vec();
            all.extend(identity);
            cosign.run(all)
        };
        theirs(&["sign", image]).expect(0);
        theirs(&["attest", "--type", "spdxjson", "--predicate", &spdx, image]).expect(0);
        std::fs::write(scene.folder().join("file"), "theirs").expect("file");
        theirs(&["sign-blob", "--bundle", "file.bundle", "file"]).expect(0);
        let ours = &scene.countersign;
        stack.verify(ours, EMAIL, &["verify", image]).expect(0);
        stack
            .verify(
                ours,
                EMAIL,
                &["verify-attestation", "--type", "spdxjson", image],
            )
            .expect(0);
        stack
            .verify(
                ours,
                EMAIL,
                &["verify-blob", "--bundle", "file.bundle", "file"],
            )
            .expect(0);
        stack
            .verify(ours, "other@example.org", &["verify", image])
            .expect(12);
        println!("ok: we verify what an identity signed with cosign and {config}");
    }
}

#[test]
fn several_images_share_a_token_and_a_certificate_and_a_key_may_be_logged() {
    let test = "keyless_several";
    let Some(stack) = Stack::with_every_log(test) else {
        return;
    };
    let root = stack.file("trusted_root.json");
    for config in stack.configs().map(|name| stack.file(name)) {
        let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
            return;
        };
        let image = scene.image.as_str();
        let services = ["--signing-config", &config, "--trusted-root", &root];
        stack.token(scene.folder(), "");
        let mut several = vec!["sign", "--identity-token", "token", image, image, image];
        several.extend(services);
        let signed = scene.ours(&several).expect(0);
        assert_eq!(
            signed.stderr.matches("certificate for").count(),
            1,
            "{}",
            signed.stderr
        );
        // One digest, named three times, is signed and logged once.
        assert!(
            signed.stderr.contains("3 images: 3 signed"),
            "{}",
            signed.stderr
        );

        for kind in ["ecdsa-p256", "ed25519", "rsa-2048"] {
            scene.key(kind, kind);
            let (private, public) = (format!("{kind}.key"), format!("{kind}.pub"));
            let mut signing = vec!["sign", "--key", &private, "--log", "--timestamp", image];
            signing.extend(services);
            scene.ours(&signing).expect(0);
            let demands = [
                "--require-log",
                "1",
                "--require-timestamp",
                "1",
                "--trusted-root",
                &root,
            ];
            let mut verifying = vec!["verify", "--key", &public, image];
            verifying.extend(demands);
            scene.ours(&verifying).expect(0);
        }
    }
}

#[test]
fn what_the_services_of_another_sigstore_answer_is_not_published() {
    let test = "keyless_refused";
    let Some(stack) = Stack::start(test) else {
        return;
    };
    let root = stack.file("trusted_root.json");
    let config = stack.file(VERSION_2_CONFIG);
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let image = scene.image.as_str();
    stack.token(scene.folder(), "");
    // Without a trusted root the public-good one judges, which knows nobody here.
    let refused = scene
        .ours(&[
            "sign",
            "--identity-token",
            "token",
            "--signing-config",
            &config,
            image,
        ])
        .expect(20);
    assert!(
        refused.stderr.contains("does not verify"),
        "{}",
        refused.stderr
    );
    // The audience is compared before the token is sent anywhere.
    stack.token(scene.folder(), "&aud=other");
    let identity = [
        "--identity-token",
        "token",
        "--signing-config",
        &config,
        "--trusted-root",
        &root,
    ];
    let mut signing = vec!["sign", image];
    signing.extend(identity);
    scene.ours(&signing).expect(21);
    // An expired one as well.
    stack.token(scene.folder(), "&ttl=-5");
    scene.ours(&signing).expect(21);
    stack
        .verify(&scene.countersign, EMAIL, &["verify", image])
        .expect(10);
}

/// Certificates name whom the token's issuer asked, as those of the public-good instance do for a login with GitHub or Google.
#[test]
fn an_identity_of_whom_the_issuer_asked_signs_once_and_both_verify() {
    let test = "keyless_federated";
    let [cosign] = peers!(test, ["cosign"]);
    let Some(stack) = Stack::start(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let (config, root) = (
        stack.file(FEDERATED_CONFIG),
        stack.file("trusted_root.json"),
    );
    let image = scene.image.as_str();
    stack.token_of(FEDERATED_CONFIG, scene.folder(), "");
    let sign = |more: &[&str]| {
        let mut line = vec!["sign", "-o", "json", "--identity-token", "token"];
        line.extend(["--signing-config", &config, "--trusted-root", &root, image]);
        line.extend(more);
        let told = scene.ours(&line).expect(0);
        let result: Value = serde_json::from_str(&told.stdout).expect("JSON");
        (result["result"]["images"][0].clone(), told.stderr)
    };
    let (first, said) = sign(&["--journal", "journal"]);
    assert_eq!(first["signer"]["issuer"], CONNECTOR, "{first:#}");
    assert!(said.contains(CONNECTOR), "{said}");
    // What is there is known by the certificate's issuer, and so is what the journal has.
    assert_eq!(sign(&["--if-missing"]).0["state"], "already-signed");
    assert_eq!(sign(&["--journal", "journal"]).0["state"], "resumed");
    for program in [&scene.countersign, &scene.program(&cosign)] {
        let verify = |issuer: &str| {
            let mut line = vec!["verify", "--trusted-root", &root, image];
            line.extend(["--certificate-identity", EMAIL]);
            line.extend(["--certificate-oidc-issuer", issuer]);
            program.run(&line)
        };
        verify(CONNECTOR).expect(0);
        assert_ne!(verify(&stack.issuer).code, 0);
    }
}

#[test]
fn logins_with_a_browser_and_a_device_give_a_token() {
    let test = "keyless_logins";
    let Some(stack) = Stack::start(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let (config, root) = (
        stack.file(VERSION_2_CONFIG),
        stack.file("trusted_root.json"),
    );
    std::fs::write(scene.folder().join("file"), "logins").expect("file");
    let arguments = |way| {
        [
            "sign-blob",
            "--login",
            way,
            "--signing-config",
            &config,
            "--trusted-root",
            &root,
            "file",
        ]
    };
    let device = scene.ours(&arguments("device")).expect(0);
    assert!(
        device.stderr.contains("enter the code"),
        "{}",
        device.stderr
    );
    stack
        .verify(
            &scene.countersign,
            "user@example.org",
            &["verify-blob", "--bundle", "file.sigstore.json", "file"],
        )
        .expect(0);

    let mut child = scene
        .countersign
        .command(arguments("browser"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("ours starts");
    let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| {
            line.split_once("this machine: ")
                .map(|(_, address)| address.to_owned())
        })
        .expect("the address to open");
    let page = Command::new("curl")
        .args(["-sSfL", &address])
        .output()
        .expect("curl runs");
    assert!(
        String::from_utf8_lossy(&page.stdout).contains("logged in"),
        "{page:?}"
    );
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(child.wait().expect("ours ends").success(), "{rest:?}");
}

/// What `.sig` and `.att` tags can hold where the log is of version 2: a certificate, those above it and a timestamp, and no log.
#[test]
fn tags_of_an_identity_without_a_log_are_read_both_ways() {
    let test = "keyless_tags";
    let [cosign, cosign2] = peers!(test, ["cosign", "cosign2"]);
    let Some(stack) = Stack::start(test) else {
        return;
    };
    let Some(scene) = Scene::new(test, RegistryKind::Ours) else {
        return;
    };
    let (cosign, cosign2) = (scene.program(&cosign), scene.program(&cosign2));
    let root = stack.file("trusted_root.json");
    let spdx = scene.spdx.display().to_string();
    stack.token(scene.folder(), "");
    let whole = std::fs::read(stack.file(VERSION_2_CONFIG)).expect("signing config");
    let mut whole: Value = serde_json::from_slice(&whole).expect("JSON");
    let address = |config: &Value, list: &str| {
        let address = config[list][0]["url"].as_str();
        address.expect("an address").to_owned()
    };
    let (fulcio, tsa) = (address(&whole, "caUrls"), address(&whole, "tsaUrls"));
    let signing = |config: &str| {
        let config = config.to_owned();
        let root = root.clone();
        move |verb: &[&str]| {
            let mut line: Vec<String> = verb.iter().map(ToString::to_string).collect();
            for word in ["--identity-token", "token", "--signing-config"] {
                line.push(word.to_owned());
            }
            line.extend([config.clone(), "--trusted-root".to_owned(), root.clone()]);
            line
        }
    };
    // A log of version 2 promises nothing, and these forms carry nothing else.
    let refused = signing(&stack.file(VERSION_2_CONFIG));
    let image = scene.image.as_str();
    scene
        .countersign
        .run(refused(&["sign", "--format", "legacy", image]))
        .expect(2);
    whole["rekorTlogUrls"] = Value::Array(Vec::new());
    std::fs::write(scene.folder().join("dated.json"), whole.to_string()).expect("file");
    let dated = signing("dated.json");
    let attest = ["attest", "--type", "spdxjson", "--predicate", &spdx];
    for verb in [&["sign"][..], &attest] {
        let mut line = verb.to_vec();
        line.extend(["--format", "legacy", image]);
        scene.countersign.run(dated(&line)).expect(0);
    }
    let without_log = ["--insecure-ignore-tlog", "--use-signed-timestamps"];
    let kind = ["verify-attestation", "--type", "spdxjson"];
    for program in [&scene.countersign, &cosign, &cosign2] {
        let mut line = vec!["verify", image];
        line.extend(without_log);
        stack.verify(program, EMAIL, &line).expect(0);
    }
    let mut line = kind.to_vec();
    line.push(image);
    line.extend(without_log);
    // cosign 2 takes no trusted root for an `.att`.
    for program in [&scene.countersign, &cosign] {
        stack.verify(program, EMAIL, &line).expect(0);
    }
    let by_files = cosign2
        .clone()
        .env("SIGSTORE_ROOT_FILE", stack.file("keys/fulcio-chain.pem"))
        .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", stack.file("keys/ct.pub"))
        .env(
            "SIGSTORE_TSA_CERTIFICATE_FILE",
            stack.file("keys/tsa-chain.pem"),
        );
    println!("ok: cosign 2 and 3 read our identity's tags");

    let theirs = scene.again("cosign2-keyless");
    for verb in [&["sign"][..], &attest] {
        let mut line = verb.to_vec();
        line.extend(["-y", "--tlog-upload=false", "--fulcio-url", &fulcio]);
        line.extend(["--timestamp-server-url", &tsa]);
        line.extend(["--identity-token", "token", &theirs]);
        by_files.run(&line).expect(0);
    }
    for verb in [&["verify"][..], &kind] {
        let mut line = verb.to_vec();
        line.push(&theirs);
        line.extend(without_log);
        stack.verify(&scene.countersign, EMAIL, &line).expect(0);
        stack
            .verify(&scene.countersign, "other@example.org", &line)
            .expect(12);
    }
    println!("ok: we read the tags of an identity with cosign 2");
}
