//! What users get wrong about trust: each says what, where and what next, and leaves nothing behind.

use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::Lab;
use countersign_testdata::tuf_repository::{TufRepository, TufRole};

use crate::program::{command, finish, words};
use crate::tuf_mirror::TufMirror;
use crate::workshop::Workshop;

const START: &str = "start-time=2025-01-01T00:00:00Z";

fn chain(certificates: &[&Vec<u8>]) -> String {
    certificates
        .iter()
        .map(|der| countersign_testdata::pem("CERTIFICATE", der))
        .collect()
}

/// A folder with the laboratory's keys and certificates, and a repository of its trusted root.
fn scene() -> (Workshop, TufRepository) {
    let workshop = Workshop::new();
    let lab = Lab::new();
    let (upper, lower) = (&lab.root.certificate, &lab.intermediate.certificate);
    workshop.write("ca.pem", chain(&[lower, upper]).as_bytes());
    workshop.write("turned.pem", chain(&[upper, lower]).as_bytes());
    workshop.write("rekor.pub", lab.rekor_v1.key.public_pem().as_bytes());
    workshop.write("ct.pub", lab.certificate_log.public_pem().as_bytes());
    let repository = TufRepository::new(lab.trusted_root().to_string().as_bytes());
    workshop.write("root.json", &repository.root_bytes());
    (workshop, repository)
}

/// Each line ends so, says these words and leaves no file `new`.
fn refused(workshop: &Workshop, rows: &[(&str, i32, &str, &str)]) {
    for (line, code, words, hint) in rows {
        let run = workshop.run(line).ends(*code).says(words);
        if !hint.is_empty() {
            run.says("hint: ").says(hint);
        }
        assert!(!workshop.file("new").exists(), "{line}");
    }
}

#[test]
fn a_root_of_own_services_takes_keys_for_logs_chains_for_authorities_and_whole_addresses() {
    let (workshop, _) = scene();
    let rekor = |value: &str| format!("trust create --out new --rekor {value},{START}");
    let fulcio = |value: &str| format!("trust create --out new --fulcio {value},{START}");
    workshop
        .run(&rekor("url=http://10.0.0.1:3000,public-key=rekor.pub"))
        .ends(0);
    workshop.run("trust show --trusted-root new").ends(0);
    std::fs::remove_file(workshop.file("new")).unwrap();
    workshop.write(
        "secret.pem",
        b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
    );
    refused(
        &workshop,
        &[
            (
                &rekor("url=https://a.example,public-key=absent.pub"),
                2,
                "cannot read the public key `absent.pub`",
                "check the path",
            ),
            (
                &rekor("url=https://a.example,public-key=ca.pem"),
                2,
                "--rekor: `ca.pem`",
                "it holds a certificate: `openssl x509 -in ca.pem -noout -pubkey`",
            ),
            (
                &rekor("url=https://a.example,public-key=secret.pem"),
                2,
                "--rekor: `secret.pem`",
                "it holds a private key",
            ),
            (
                &rekor("url=https://a.example,public-key=root.json"),
                2,
                "--rekor: `root.json`",
                "-----BEGIN",
            ),
            (
                &fulcio("url=https://a.example,certificate-chain=rekor.pub"),
                2,
                "--fulcio: `rekor.pub`",
                "BEGIN CERTIFICATE",
            ),
            (
                &fulcio("url=https://a.example,certificate-chain=turned.pem"),
                2,
                "certificate authority `https://a.example` is not used",
                "intermediates first, root last",
            ),
            (
                &rekor("url=a.example,public-key=rekor.pub"),
                2,
                "--rekor: `a.example` is not used: it is not a URL",
                "write the whole address",
            ),
            (
                &rekor("url=ftp://a.example,public-key=rekor.pub"),
                2,
                "neither http nor https",
                "write the whole address",
            ),
            (
                &rekor("url=https://me:secret@a.example,public-key=rekor.pub"),
                2,
                "it holds a user name",
                "write the whole address",
            ),
            (
                &rekor("url=https://a.example,public-key=rekor.pub,end-time=2024-12-31T23:59:59Z"),
                2,
                "ends before it starts",
                "",
            ),
            (
                &format!(
                    "{} --rekor url=https://b.example,public-key=rekor.pub,{START}",
                    rekor("url=https://a.example,public-key=rekor.pub")
                ),
                2,
                "--rekor: the logs `https://a.example` and `https://b.example` have one key",
                "a key of its own",
            ),
            (
                &format!(
                    "trust create --out absent/new --rekor url=https://a.example,public-key=rekor.pub,{START}"
                ),
                2,
                "cannot write the trusted root `absent/new`",
                "make the folder first",
            ),
            (
                &format!(
                    "trust create --out . --rekor url=https://a.example,public-key=rekor.pub,{START}"
                ),
                2,
                "cannot write the trusted root `.`: is a directory",
                "name a file inside",
            ),
        ],
    );
    // Two logs with two keys, and one key for logs of two kinds, are what they say.
    let two = format!(
        "{} --rekor url=https://b.example,public-key=ct.pub,{START}",
        rekor("url=https://a.example,public-key=rekor.pub")
    );
    workshop.run(&two).ends(0);
    workshop
        .run(&two)
        .ends(2)
        .says("`new` exists")
        .says("--yes");
    workshop.run(&format!("{two} --yes")).ends(0);
}

#[test]
fn a_signing_config_names_whole_addresses_and_as_many_services_as_it_asks_for() {
    let (workshop, _) = scene();
    let rekor = |url: &str| {
        format!(
            "signing-config create --out new --rekor url={url},api-version=2,{START},operator=acme"
        )
    };
    refused(
        &workshop,
        &[
            (
                &rekor("a.example"),
                2,
                "--rekor: `a.example`",
                "write the whole address",
            ),
            (
                &rekor("https://"),
                2,
                "it is not a URL",
                "write the whole address",
            ),
            (
                &format!("{} --rekor-config EXACT:2", rekor("https://a.example")),
                2,
                "--rekor-config asks for 2 services, and 1 are named",
                "`--rekor`",
            ),
            (
                &format!("{} --tsa-config EXACT:1", rekor("https://a.example")),
                2,
                "--tsa-config asks for 1 services, and 0 are named",
                "`--tsa`",
            ),
        ],
    );
    workshop
        .run(&format!(
            "{} --rekor-config EXACT:1",
            rekor("https://a.example")
        ))
        .ends(0);
}

#[test]
fn a_mirror_is_named_by_a_whole_address_also_when_nothing_is_fetched_yet() {
    let (workshop, _) = scene();
    for (mirror, words) in [
        ("tuf.acme.example", "`tuf.acme.example` is not used"),
        ("ftp://tuf.acme.example", "neither http nor https"),
        ("http://tuf.acme.example", "plain http to another machine"),
    ] {
        workshop
            .run(&format!(
                "trust init --offline --mirror {mirror} --root root.json"
            ))
            .ends(2)
            .says(words);
        assert!(!workshop.file(".config").exists(), "{mirror}");
    }
    workshop
        .run("trust init --offline --mirror https://tuf.acme.example --root root.json")
        .ends(0);
}

#[test]
fn what_is_wrong_with_a_mirror_says_which_mirror_and_what_to_do() {
    let (workshop, repository) = scene();
    let mirror = TufMirror::start(&repository);
    let url = mirror.url();
    let init = |path: &str| format!("trust init --mirror {url}{path} --root root.json");
    workshop.run(&init("")).ends(0);
    let mut past = repository.clone();
    past.release();
    past.timestamp.expires = "2026-01-01T00:00:00Z".to_owned();
    mirror.publish(&past);
    workshop
        .run("trust update")
        .ends(22)
        .says(&format!("`{url}`: timestamp metadata version 2 expired"))
        .says("its owners must sign a new one");
    let mut other = repository.clone();
    other.timestamp = TufRole::new(vec![LabKey::ed25519("somebody")], 1);
    mirror.publish(&other);
    workshop.run(&init("")).ends(22).says(&format!(
        "`{url}`: timestamp metadata version 1 is signed by 0"
    ));
    mirror.publish(&repository);
    workshop.run("trust update").ends(0);
}

#[test]
fn a_pack_of_another_repository_of_another_kind_cut_off_or_past_its_date_says_so() {
    let (workshop, repository) = scene();
    let mirror = TufMirror::start(&repository);
    let url = mirror.url();
    workshop
        .run(&format!("trust init --mirror {url} --root root.json"))
        .ends(0);
    workshop.run("trust export lab.pack").ends(0);
    let show = |pack: &str| format!("trust show --trust-pack {pack}");
    workshop.run(&show("lab.pack")).ends(0);
    refused(
        &workshop,
        &[
            (
                "trust export -",
                2,
                "is not printed on standard output",
                "name a file",
            ),
            (
                "trust export absent/new",
                2,
                "cannot write the pack `absent/new`",
                "make the folder first",
            ),
            (
                "trust show --trust-pack lab.pack --max-trust-age 1h",
                22,
                "how old the pack `lab.pack` is cannot be known",
                "name no `--trust-pack`",
            ),
        ],
    );
    assert!(!workshop.file("-").exists());
    // Cut off at any place: no part of it is used.
    let whole = workshop.read("lab.pack");
    for size in [0, 511, 700, 4000, whole.len() / 2, whole.len() * 3 / 4] {
        workshop.write("cut.pack", &whole[..size]);
        workshop
            .run(&show("cut.pack"))
            .ends(2)
            .says("`cut.pack`")
            .says("hint: ");
    }
    workshop.bend_pack("lab.pack", "bent.pack");
    workshop
        .run(&show("bent.pack"))
        .ends(2)
        .says("the pack `bent.pack` is cut off or was changed")
        .says("copy it again");
    // Another machine, which holds the root of another repository.
    let mut other = repository.clone();
    other.root = TufRole::new(vec![LabKey::p256("other")], 1);
    other.timestamp = TufRole::new(vec![LabKey::ed25519("other-online")], 1);
    workshop.write("other.json", &other.root_bytes());
    let away = |line: &str| {
        let mut program = command(workshop.path());
        program.env("COUNTERSIGN_TRUST_DIR", workshop.file("away"));
        finish(program.args(words(line)))
    };
    away("trust init --offline --mirror https://tuf.other.example --root other.json").ends(0);
    away(&show("lab.pack"))
        .ends(22)
        .says("the pack `lab.pack`: timestamp metadata version 1 is signed by 0")
        .says("this machine holds root version 1 of https://tuf.other.example")
        .says(&format!("the pack says that it is of {url}"));
    // A pack of trust holds no record to judge.
    workshop
        .run("policy explain --pack lab.pack --policy absent.yaml")
        .ends(2);
    // A repository whose metadata ends soon.
    let mut short = repository.clone();
    short.release();
    let soon = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        + 2;
    short.timestamp.expires =
        countersign_formats::UnixTime(i64::try_from(soon).unwrap()).to_string();
    mirror.publish(&short);
    let update = workshop.run("trust update");
    if update.code == 0 {
        workshop.run("trust export short.pack").ends(0);
        std::thread::sleep(std::time::Duration::from_secs(3));
        workshop
            .run(&show("short.pack"))
            .ends(22)
            .says("the pack `short.pack`: timestamp metadata version 2 expired")
            .says("export it anew");
        workshop.run("trust export new").ends(22);
        assert!(!workshop.file("new").exists());
    }
}

#[test]
fn a_file_that_is_no_root_is_a_wrong_argument_and_a_root_that_is_not_signed_is_no_trust() {
    let (workshop, repository) = scene();
    let init = |file: &str| {
        format!("trust init --offline --mirror https://tuf.acme.example --root {file}")
    };
    let show = |file: &str| format!("trust show --trusted-root {file}");
    let lab = Lab::new().trusted_root().to_string();
    workshop.write("lab.json", lab.as_bytes());
    workshop.write("empty.json", b"");
    workshop.write("list.json", b"[]");
    workshop.write("other.json", b"{\"mediaType\":\"text/plain\"}");
    workshop.write("large.json", &vec![b' '; 5 << 20]);
    for file in ["empty.json", "list.json", "other.json", "large.json"] {
        for (line, hint) in [(show(file), "trusted root"), (init(file), "root")] {
            workshop
                .run(&line)
                .ends(2)
                .says(&format!("`{file}`"))
                .says(hint)
                .says("hint: ");
        }
    }
    // Each in the place of the other.
    workshop
        .run(&show("root.json"))
        .ends(2)
        .says("`root.json` is no usable trusted root")
        .says("name a `trusted_root.json`");
    workshop
        .run(&init("lab.json"))
        .ends(2)
        .says("`lab.json`: root metadata")
        .says("`--root` names the root metadata of a TUF repository");
    // Well-formed, and not signed by the keys that it names.
    let text = String::from_utf8(repository.root_bytes().to_vec()).unwrap();
    let unsigned = text.replacen("2035-", "2036-", 1);
    assert_ne!(text, unsigned);
    workshop.write("unsigned.json", unsigned.as_bytes());
    workshop
        .run(&init("unsigned.json"))
        .ends(22)
        .says("`unsigned.json`: root metadata version 1 is signed by 0");
    assert!(!workshop.file(".config").exists());
    workshop.run(&show("lab.json")).ends(0);
    workshop.run(&init("root.json")).ends(0);
}

/// Flags about trust, each with a value.
const FLAGS: [(&str, &str); 14] = [
    ("key", "absent"),
    ("certificate-identity", "a@b.example"),
    ("certificate-identity-regexp", "^a@b.example$"),
    ("certificate-oidc-issuer", "https://i.example"),
    ("certificate-oidc-issuer-regexp", "^https://i.example$"),
    ("policy", "absent"),
    ("trusted-root", "absent"),
    ("trust-pack", "absent"),
    ("max-trust-age", "1h"),
    ("ca-roots", "absent"),
    ("certificate-chain", "absent"),
    ("require-log", "1"),
    ("require-timestamp", "1"),
    ("insecure-ignore-tlog", "true"),
];

/// The pairs that answer one question twice, and may come one from the command line and one from the environment.
const ALTERNATIVES: [[&str; 2]; 3] = [
    ["trusted-root", "trust-pack"],
    ["ca-roots", "certificate-chain"],
    ["certificate-oidc-issuer", "certificate-oidc-issuer-regexp"],
];

/// The pairs that never go together.
const EXCLUDED: [[&str; 2]; 8] = [
    ["policy", "key"],
    ["policy", "certificate-identity"],
    ["policy", "certificate-identity-regexp"],
    ["policy", "certificate-oidc-issuer"],
    ["policy", "certificate-oidc-issuer-regexp"],
    ["policy", "require-log"],
    ["policy", "require-timestamp"],
    ["require-log", "insecure-ignore-tlog"],
];

#[test]
fn two_answers_to_one_question_are_refused_and_a_flag_beats_the_variable_of_the_other() {
    let workshop = Workshop::new();
    let conflict = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        let mut program = command(workshop.path());
        program.args(words("verify-blob --output json --bundle absent absent"));
        for (flag, value) in flags {
            program.arg(format!("--{flag}={value}"));
        }
        for (flag, value) in variables {
            let name = flag.to_uppercase().replace('-', "_");
            program.env(format!("COUNTERSIGN_{name}"), value);
        }
        let run = finish(&mut program);
        let refused = run.json()["error"]["code"] == "conflicting-flags";
        if refused {
            let run = run.ends(2);
            for (flag, _) in flags.iter().chain(variables) {
                let named = [format!("`--{flag} <"), format!("`--{flag}[")];
                assert!(
                    named.iter().any(|name| run.stdout.contains(name)),
                    "{run:?}"
                );
            }
        }
        refused
    };
    for (at, &one) in FLAGS.iter().enumerate() {
        for &other in FLAGS.iter().skip(at + 1) {
            let among = |pairs: &[[&str; 2]]| {
                pairs
                    .iter()
                    .any(|pair| pair.contains(&one.0) && pair.contains(&other.0))
            };
            let (alternative, excluded) = (among(&ALTERNATIVES), among(&EXCLUDED));
            let pair = (one.0, other.0);
            let refused = alternative || excluded;
            assert_eq!(conflict(&[one, other], &[]), refused, "{pair:?}");
            if refused {
                assert!(conflict(&[], &[one, other]), "{pair:?} in the environment");
                // What a variable demands is never taken away by a flag.
                assert_eq!(conflict(&[one], &[other]), excluded, "{pair:?}");
                assert_eq!(conflict(&[other], &[one]), excluded, "{pair:?}");
            }
        }
    }
}
