//! Trust from repositories, caches and packs, as the built program handles it.

use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{ISSUER, Lab};
use countersign_testdata::tuf_repository::{TufRepository, TufRole};
use serde_json::Value;

use crate::program::{Run, command, finish, words};
use crate::tuf_mirror::{Manners, TufMirror};
use crate::workshop::Workshop;

/// A workshop with a file, its keyless bundle of the laboratory, and a repository that says whom to trust about it.
fn scene() -> (Workshop, TufRepository, TufMirror) {
    let workshop = Workshop::new();
    let lab = workshop.keyless();
    let repository = TufRepository::new(lab.trusted_root().to_string().as_bytes());
    workshop.write("root.json", &repository.root_bytes());
    let mirror = TufMirror::start(&repository);
    (workshop, repository, mirror)
}

fn init(workshop: &Workshop, mirror: &TufMirror) -> Run {
    workshop.run(&format!(
        "trust init --mirror {} --root root.json",
        mirror.url()
    ))
}

fn verify(workshop: &Workshop, flags: &str) -> Run {
    workshop.run(&format!(
        "verify-blob {flags} --bundle keyless.bundle --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER} artifact"
    ))
}

#[test]
fn a_repository_is_chosen_once_and_verification_then_asks_nobody() {
    let (workshop, _, mirror) = scene();
    // Before that the built-in root is the one, and knows nothing of the laboratory.
    verify(&workshop, "").ends(12);
    assert_eq!(mirror.asked().len(), 0);
    init(&workshop, &mirror)
        .ends(0)
        .says("holds until 2035-01-01");
    let asked = mirror.asked();
    assert!(
        asked.iter().all(|head| {
            let head = head.to_ascii_lowercase();
            !head.contains("authorization") && !head.contains("cookie")
        }),
        "{asked:?}"
    );
    verify(&workshop, "").ends(0).says("the TUF repository");
    verify(&workshop, "--offline").ends(0);
    assert_eq!(mirror.asked().len(), 0);
    let run = verify(&workshop, "--output json").ends(0);
    let result = &run.json()["result"];
    assert_eq!(result["trust"]["source"], "repository");
    assert_eq!(result["trust"]["roles"][1]["role"], "timestamp");
    let until = result["decision"]["validUntil"].as_str().unwrap();
    assert!(until < "2035-01-01T00:00:00Z", "{until}");

    let shown = workshop.run("trust show").ends(0);
    for words in [
        "timestamp version 1, expires 2035-01-01",
        "transparency log https://rekor.lab.example: since 2025-01-01",
    ] {
        assert!(shown.stdout.contains(words), "{shown:?}");
    }
    let shown = workshop.run("trust show --output json").ends(0).json();
    assert_eq!(
        shown["result"]["instances"][0]["kind"],
        "certificate authority"
    );
    assert_eq!(mirror.asked().len(), 0);
    workshop.run("trust update").ends(0);
    assert_eq!(mirror.asked().len(), 2);
}

#[test]
fn a_file_comes_before_a_pack_a_pack_before_the_repository_and_that_before_what_is_built_in() {
    let (workshop, _, mirror) = scene();
    init(&workshop, &mirror).ends(0);
    workshop
        .run("trust export lab.pack")
        .ends(0)
        .says("--trust-pack");
    workshop.write("lab.json", Lab::new().trusted_root().to_string().as_bytes());
    mirror.behave(Manners::Status(500));
    let source = |flags: &str| {
        let run = verify(&workshop, &format!("{flags} --output json"));
        run.json()["result"]["trust"]["source"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(source("--trusted-root lab.json"), "file");
    workshop
        .run("trust show --trusted-root lab.json --trust-pack lab.pack")
        .ends(2)
        .says("`--trusted-root <FILE>`")
        .says("`--trust-pack <FILE>`")
        .says("leave one of them out");
    // A flag beats the variable of the other.
    let under = |name: &str, file: &str, flags: &str| {
        let mut program = command(workshop.path());
        let line = format!("trust show --output json {flags}");
        finish(program.env(name, file).args(words(&line)))
    };
    let shown = under(
        "COUNTERSIGN_TRUST_PACK",
        "absent",
        "--trusted-root lab.json",
    )
    .ends(0);
    assert!(shown.stdout.contains("lab.json"), "{shown:?}");
    let shown = under(
        "COUNTERSIGN_TRUSTED_ROOT",
        "absent",
        "--trust-pack lab.pack",
    )
    .ends(0);
    assert!(shown.stdout.contains("lab.pack"), "{shown:?}");
    assert_eq!(source("--trust-pack lab.pack"), "pack");
    assert_eq!(source(""), "repository");
    std::fs::remove_dir_all(workshop.file(".config")).unwrap();
    assert_eq!(source(""), "built-in");
    // A settings file that cannot be used is an error, never a way back to what is built in (N-87).
    let settings = workshop.file(".config/countersign/trust");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(settings.join("instance.json"), "{}").unwrap();
    verify(&workshop, "").ends(2).says("instance.json");
}

#[test]
fn a_pack_is_proven_from_the_root_that_is_held_and_needs_no_network() {
    let (workshop, mut repository, mirror) = scene();
    init(&workshop, &mirror).ends(0);
    repository.rotate(|_| {});
    repository.release();
    mirror.publish(&repository);
    workshop.run("trust update").ends(0);
    workshop.run("trust export lab.pack").ends(0);
    workshop.run("trust export lab.pack").ends(2).says("--yes");

    // Another machine: it was given the root, and has never spoken to the mirror.
    let away = |name: &str| {
        let mut command = command(workshop.path());
        command.env("COUNTERSIGN_TRUST_DIR", workshop.file(name));
        command
    };
    let line = format!(
        "verify-blob --offline --trust-pack lab.pack --bundle keyless.bundle --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER} artifact"
    );
    let run = finish(away("empty").args(words(&line))).ends(22);
    assert!(run.stderr.contains("root"), "{run:?}");
    let choose = format!(
        "trust init --offline --mirror {} --root root.json",
        mirror.url()
    );
    finish(away("given").args(words(&choose))).ends(0);
    mirror.asked();
    finish(away("given").args(words(&line)))
        .ends(0)
        .says("the pack `lab.pack`");
    assert_eq!(mirror.asked().len(), 0);

    // The network taken away altogether, where the system lets us.
    let mut walled = std::process::Command::new("unshare");
    walled
        .args([
            "--net",
            "--map-root-user",
            env!("CARGO_BIN_EXE_countersign"),
        ])
        .args(words(&line))
        .current_dir(workshop.path())
        .env("HOME", workshop.path())
        .env("COUNTERSIGN_TRUST_DIR", workshop.file("given"));
    let able = std::process::Command::new("unshare")
        .args(["--net", "--map-root-user", "true"])
        .output()
        .is_ok_and(|output| output.status.success());
    if able {
        finish(&mut walled).ends(0);
    }

    // One changed byte in the pack, and a pack that is none.
    workshop.bend_pack("lab.pack", "bent.pack");
    verify(&workshop, "--trust-pack bent.pack")
        .ends(2)
        .says("digest");
    verify(&workshop, "--trust-pack garbage").ends(2);
    verify(&workshop, "--trust-pack absent.pack").ends(2);
    // The same content gives the same bytes.
    workshop.run("trust export again.pack").ends(0);
    assert_eq!(workshop.read("lab.pack"), workshop.read("again.pack"));
}

#[test]
fn stale_trust_ends_with_22_and_is_refreshed_as_soon_as_the_mirror_answers() {
    let (workshop, mut repository, mirror) = scene();
    init(&workshop, &mirror).ends(0);
    // As if the day were over: what was fetched is two days old.
    let age = |seconds: i64| age(&workshop, seconds);
    age(2 * 86_400);
    mirror.behave(Manners::Status(503));
    let run = verify(&workshop, "--timeout 1s")
        .ends(0)
        .says("was not refreshed");
    assert!(run.stderr.contains("503"), "{run:?}");
    age(2 * 86_400);
    verify(&workshop, "--timeout 1s --max-trust-age 1d")
        .ends(22)
        .says("more than 86400 s ago");
    verify(&workshop, "--offline --max-trust-age 1d").ends(22);
    verify(&workshop, "--offline --max-trust-age 3d").ends(0);
    // A key asks nothing of logs: nobody is asked, nothing is stale.
    workshop
        .run("sign-blob --key plain.key --bundle key.bundle file.txt")
        .ends(0);
    mirror.asked();
    workshop
        .run("verify-blob --key release.pub --max-trust-age 1d --bundle key.bundle file.txt")
        .ends(0);
    assert_eq!(mirror.asked().len(), 0);
    mirror.behave(Manners::Good);
    verify(&workshop, "--max-trust-age 1d").ends(0);

    // Expired, and the mirror has nothing newer, then something.
    repository.release();
    repository.timestamp.expires = "2026-01-01T00:00:00Z".to_owned();
    mirror.publish(&repository);
    workshop.run("trust update").ends(22).says("expired");
    verify(&workshop, "").ends(0);
    workshop.run("trust update --offline").ends(2);
}

/// What was fetched is so many seconds old.
fn age(workshop: &Workshop, seconds: i64) {
    let folder = workshop.file(".cache/countersign/trust");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("state.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut state: Value = serde_json::from_str(&text).unwrap();
        let time = countersign_formats::UnixTime(now() - seconds).to_string();
        state["checked"] = Value::from(time.clone());
        state["attempted"] = Value::from(time);
        std::fs::write(&path, state.to_string()).unwrap();
    }
}

#[test]
fn stale_trust_is_a_matter_of_each_image_where_a_policy_is_asked() {
    let (workshop, _, mirror) = scene();
    init(&workshop, &mirror).ends(0);
    let digest = workshop.signed_layout("signed");
    workshop.layout("unsigned", "1.0", "nobody's");
    let pem = String::from_utf8(workshop.read("release.pub")).unwrap();
    for (name, more) in [
        ("deny.yaml", ""),
        ("warn.yaml", "  unavailable: warn\n"),
        ("audit.yaml", "  mode: audit\n"),
    ] {
        let policy = format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: mixed}}\nspec:\n{more}  signers:\n    \
             release: {{key: {{pem: {pem:?}}}}}\n    people: {{keyless: {{issuer: {ISSUER}, identity: signer@lab.example}}}}\n  \
             require:\n    signature: {{by: [release, people]}}\n"
        );
        workshop.write(name, policy.as_bytes());
    }
    let people = |policy: &str| {
        workshop.run(&format!(
            "verify-blob --offline --max-trust-age 1d --policy {policy} --bundle keyless.bundle artifact"
        ))
    };
    let image = |policy: &str, image: &str| {
        workshop.run(&format!(
            "verify --offline --max-trust-age 1d --policy {policy} {image}"
        ))
    };
    let signed = format!("oci:signed@{digest}");
    people("deny.yaml").ends(0);
    image("deny.yaml", &signed).ends(0);
    image("deny.yaml", "oci:unsigned:1.0").ends(10);

    age(&workshop, 2 * 86_400);
    // What a certificate signed is unknown, and a policy may say what that means.
    people("deny.yaml")
        .ends(22)
        .says("more than 86400 s ago")
        .says("countersign trust update");
    people("warn.yaml").ends(0).says("warning");
    people("audit.yaml").ends(0);
    // A key needs no trust, and that there is nothing stays true whatever one trusts.
    image("deny.yaml", &signed).ends(0);
    image("warn.yaml", "oci:unsigned:1.0").ends(10);
    let both = format!("-o json {signed} oci:unsigned:1.0");
    let both = image("deny.yaml", &both).ends(10).json();
    assert_eq!(
        both["result"]["images"].as_array().unwrap().len(),
        2,
        "{both}"
    );
    // Flags that name an identity can pass nothing: the command ends at once.
    verify(&workshop, "--offline --max-trust-age 1d").ends(22);
}

fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn every_way_in_which_a_mirror_fails_has_its_code_and_leaves_the_machine_as_it_was() {
    let (workshop, repository, mirror) = scene();
    let code = |run: Run| {
        run.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let try_it = |exit: i32| {
        let line = format!(
            "trust init --mirror {} --root root.json --timeout 2s --output json",
            mirror.url()
        );
        code(workshop.run(&line).ends(exit))
    };
    for (manners, exit, expected) in [
        (Manners::Status(429), 20, "tuf-mirror-unavailable"),
        (Manners::Status(500), 20, "tuf-mirror-unavailable"),
        (Manners::Silent, 20, "tuf-mirror-unavailable"),
        (Manners::Status(401), 22, "tuf-mirror-response"),
        (Manners::Status(302), 22, "tuf-mirror-response"),
        (Manners::Endless, 22, "tuf-over-limit"),
        (Manners::Garbage, 22, "tuf-malformed"),
        (Manners::Status(404), 22, "tuf-file-missing"),
    ] {
        mirror.behave(manners);
        assert_eq!(try_it(exit), expected, "{manners:?}");
        assert!(!workshop.file(".config").exists(), "{manners:?}");
    }
    // Another mirror is named where this one was.
    mirror.behave(Manners::Status(500));
    workshop
        .run(&format!(
            "trust init --mirror {} --root root.json",
            mirror.url()
        ))
        .ends(20)
        .says("name another mirror with `--mirror`");
    let named = |variable: &str, line: &str| {
        finish(
            command(workshop.path())
                .env(variable, mirror.url())
                .args(words(line)),
        )
    };
    named("COUNTERSIGN_MIRROR", "trust init --root root.json")
        .ends(20)
        .says("name another mirror in `COUNTERSIGN_MIRROR`");
    mirror.behave(Manners::Good);
    init(&workshop, &mirror).ends(0);
    mirror.behave(Manners::Status(500));
    workshop
        .run("trust update")
        .ends(20)
        .says("name another mirror in `TUF_MIRROR`");
    named("COUNTERSIGN_MIRROR", "trust update")
        .ends(20)
        .says("name another mirror in `COUNTERSIGN_MIRROR`");
    std::fs::remove_dir_all(workshop.file(".config")).unwrap();
    std::fs::remove_dir_all(workshop.file(".cache")).unwrap();
    mirror.behave(Manners::Good);
    let mut bent = repository.clone();
    bent.targets.signers.truncate(1);
    mirror.publish(&bent);
    assert_eq!(try_it(22), "tuf-threshold");
    let mut bent = repository.clone();
    bent.timestamp.expires = "2026-01-01T00:00:00Z".to_owned();
    mirror.publish(&bent);
    assert_eq!(try_it(22), "tuf-expired");
    let mut other = repository.clone();
    other.root = TufRole::new(vec![LabKey::p256("other")], 1);
    workshop.write("other.json", &other.root_bytes());
    mirror.publish(&repository);
    let line = format!(
        "trust init --mirror {} --root other.json --output json",
        mirror.url()
    );
    // The mirror serves the root of the same number by other keys, which is not asked for; what follows is not signed by its keys.
    assert_eq!(code(workshop.run(&line).ends(0)), "");
    workshop
        .run("trust init --root root.json")
        .ends(2)
        .says("--mirror");
    workshop
        .run("trust init --mirror ftp://x --root root.json")
        .ends(2);
    workshop
        .run("trust init --mirror http://tuf.example --root absent")
        .ends(2);
    workshop.run("trust update --output json").ends(0);
}

#[test]
fn ten_processes_with_one_cold_cache_all_succeed_and_leave_one_valid_cache() {
    let (workshop, _, mirror) = scene();
    let choose = format!(
        "trust init --offline --mirror {} --root root.json",
        mirror.url()
    );
    workshop.run(&choose).ends(0);
    verify(&workshop, "--offline").ends(22).says("offline");
    let line = format!(
        "verify-blob --bundle keyless.bundle --certificate-identity signer@lab.example --certificate-oidc-issuer {ISSUER} artifact"
    );
    let children: Vec<_> = (0..10)
        .map(|_| {
            command(workshop.path())
                .args(words(&line))
                .stderr(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // One fetched five files; the others waited for it.
    assert_eq!(mirror.asked().len(), 5);
    mirror.behave(Manners::Status(500));
    verify(&workshop, "--offline").ends(0);
    verify(&workshop, "").ends(0);
}

#[test]
fn a_created_root_and_signing_config_are_what_the_verifier_and_the_signer_read() {
    let workshop = Workshop::new();
    let lab = workshop.keyless();
    let chain = [&lab.intermediate.certificate, &lab.root.certificate]
        .map(|der| countersign_testdata::pem("CERTIFICATE", der))
        .concat();
    workshop.write("ca.pem", chain.as_bytes());
    workshop.write("rekor.pub", lab.rekor_v1.key.public_pem().as_bytes());
    workshop.write("ct.pub", lab.certificate_log.public_pem().as_bytes());
    let start = "start-time=2025-01-01T00:00:00Z";
    let create = format!(
        "trust create --fulcio url=https://fulcio.lab.example,certificate-chain=ca.pem,{start} --rekor url=https://rekor.lab.example,public-key=rekor.pub,{start},end-time=2035-01-01T00:00:00Z --ctfe url=https://ct.lab.example,public-key=ct.pub,{start}"
    );
    let printed = workshop.run(&create).ends(0);
    workshop.run(&format!("{create} --out root.json")).ends(0);
    assert_eq!(printed.stdout.as_bytes(), workshop.read("root.json"));
    workshop
        .run(&format!("{create} --out root.json"))
        .ends(2)
        .says("exists");
    verify(&workshop, "--offline --trusted-root root.json").ends(0);
    let shown = workshop.run("trust show --trusted-root root.json").ends(0);
    assert!(
        shown
            .stdout
            .contains("https://ct.lab.example: since 2025-01-01"),
        "{shown:?}"
    );

    for (wrong, words) in [
        ("trust create", "no service"),
        (
            "trust create --rekor url=https://a,public-key=rekor.pub",
            "start-time",
        ),
        (
            "trust create --rekor url=https://a,start-time=2025-01-01T00:00:00Z",
            "public-key",
        ),
        (
            "trust create --rekor url=https://a,public-key=garbage,start-time=2025-01-01T00:00:00Z",
            "garbage",
        ),
        (
            "trust create --rekor url=https://a,public-key=rekor.pub,start-time=yesterday",
            "start-time",
        ),
        (
            "trust create --rekor url=https://a,public-key=rekor.pub,start-time=2025-01-01T00:00:00Z,end-time=2024-01-01T00:00:00Z",
            "ends before",
        ),
        (
            "trust create --fulcio url=https://a,public-key=rekor.pub,start-time=2025-01-01T00:00:00Z",
            "public-key",
        ),
        (
            "trust create --fulcio url=https://a,certificate-chain=rekor.pub,start-time=2025-01-01T00:00:00Z",
            "rekor.pub",
        ),
        ("trust create --fulcio nonsense", "NAME=VALUE"),
        ("signing-config create", "no service"),
        (
            "signing-config create --tsa url=https://a,api-version=0,start-time=2025-01-01T00:00:00Z,operator=a",
            "api-version",
        ),
        (
            "signing-config create --tsa url=https://a,api-version=1,start-time=2025-01-01T00:00:00Z,operator=a --tsa-config SOME",
            "selector",
        ),
    ] {
        workshop.run(wrong).ends(2).says(words);
    }
    workshop
        .run("signing-config create --out services.json --fulcio url=http://127.0.0.1:1,api-version=1,start-time=2025-01-01T00:00:00Z,operator=lab --rekor url=http://127.0.0.1:2,api-version=1,start-time=2025-01-01T00:00:00Z,operator=lab --tsa url=http://127.0.0.1:3,api-version=1,start-time=2025-01-01T00:00:00Z,operator=lab --tsa-config EXACT:1")
        .ends(0);
    let config: Value = serde_json::from_slice(&workshop.read("services.json")).unwrap();
    assert_eq!(config["tsaConfig"]["count"], 1);
    assert_eq!(config["rekorTlogUrls"][0]["majorApiVersion"], 1);
}

#[test]
fn a_signer_takes_its_services_from_the_repository() {
    let (workshop, mut repository, mirror) = scene();
    workshop
        .run("sign-blob artifact")
        .ends(2)
        .says("trust init");
    init(&workshop, &mirror).ends(0);
    // A repository without a signing config names no services.
    workshop
        .run("sign-blob artifact")
        .ends(2)
        .says("--signing-config");
    let services = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"http://127.0.0.1:9","majorApiVersion":1,"validFor":{"start":"2025-01-01T00:00:00Z"},"operator":"lab"}],"oidcUrls":[],"rekorTlogUrls":[{"url":"http://127.0.0.1:9","majorApiVersion":1,"validFor":{"start":"2025-01-01T00:00:00Z"},"operator":"lab"}],"rekorTlogConfig":{"selector":"ANY"},"tsaUrls":[],"tsaConfig":{"selector":"ANY"}}"#;
    repository.files.insert(
        "signing_config.v0.2.json".to_owned(),
        services.as_bytes().to_vec(),
    );
    repository.release();
    mirror.publish(&repository);
    workshop.run("trust update").ends(0);
    // Now the certificate authority is known, and what is missing is an identity.
    let run = workshop.run("sign-blob artifact");
    assert!(
        run.stderr.contains("token") || run.stderr.contains("identity"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("--signing-config FILE"), "{run:?}");
}
