//! Signing with services: what is refused without a socket, and what is left behind when a service fails (nothing).

use std::net::SocketAddr;

use countersign_formats::encode_base64;
use countersign_testdata::lab::Lab;

use crate::program::{self, Run, finish};
use crate::scripted::{self, Manners};
use crate::workshop::Workshop;

const MANNERS: [Manners; 9] = [
    Manners::Down,
    Manners::Silent,
    Manners::Status(500),
    Manners::Throttled,
    Manners::Garbage("{}"),
    Manners::Garbage("<html>"),
    Manners::CutOff,
    Manners::Endless,
    Manners::NotHttp,
];

pub(crate) fn token(claims: &str) -> String {
    let part = |text: &str| {
        let text = encode_base64(text.as_bytes());
        text.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_")
    };
    format!(
        "{}.{}.{}",
        part("{\"alg\":\"ES256\"}"),
        part(claims),
        part("signature")
    )
}

pub(crate) fn good_token() -> String {
    token(
        r#"{"iss":"https://issuer.example","sub":"s","aud":"sigstore","exp":4102444800,"email":"a@b.c","email_verified":true}"#,
    )
}

/// A signing config whose services are at these addresses.
fn config(authority: &str, log: &str, timestamps: &str) -> String {
    let service = |url: &str, version: u8| {
        format!(
            r#"[{{"url":"{url}","majorApiVersion":{version},"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}]"#
        )
    };
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"rekorTlogUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":{},"tsaConfig":{{"selector":"ANY"}}}}"#,
        service(authority, 1),
        service(log, 2),
        service(timestamps, 1)
    )
}

fn local(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// A workshop with an image `oci:image:1.0`, a trusted root, a token, and services that are all as `address` is.
fn prepared(address: &str) -> Workshop {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.write(
        "root.json",
        Lab::new().trusted_root().to_string().as_bytes(),
    );
    workshop.write("token", good_token().as_bytes());
    workshop.write("config.json", config(address, address, address).as_bytes());
    workshop
}

/// Every file below the folder, with its size.
pub(crate) fn files(workshop: &Workshop) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![workshop.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path().display().to_string(), metadata.len()));
            }
        }
    }
    found.sort();
    found
}

const SIGNERS: [&str; 4] = [
    "sign oci:image:1.0",
    "attest --type spdxjson --predicate sbom.json oci:image:1.0",
    "sign-blob file.txt",
    "attest-blob --type spdxjson --predicate sbom.json file.txt",
];

/// Runs a line and insists that it leaves everything as it was.
#[track_caller]
fn without_trace(workshop: &Workshop, line: &str) -> Run {
    let before = files(workshop);
    let run = workshop.run(line);
    assert_eq!(files(workshop), before, "{line}: {run:?}");
    assert!(run.stdout.is_empty(), "{line}: {run:?}");
    run
}

#[test]
fn a_certificate_authority_that_fails_leaves_nothing_behind() {
    for manners in MANNERS {
        let workshop = prepared(&local(scripted::start(manners)));
        let run = without_trace(
            &workshop,
            "--timeout 1s sign --signing-config config.json --trusted-root root.json --identity-token token oci:image:1.0",
        );
        assert_eq!(run.code, 20, "{manners:?}: {run:?}");
        assert!(run.stderr.contains("Fulcio"), "{manners:?}: {run:?}");
        assert!(!run.stderr.contains("eyJ"), "{manners:?}: {run:?}");
    }
    for status in [401, 403] {
        let workshop = prepared(&local(scripted::start(Manners::Status(status))));
        for signer in SIGNERS {
            let line = format!(
                "{signer} --signing-config config.json --trusted-root root.json --identity-token token"
            );
            let run = without_trace(&workshop, &line).ends(21);
            assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
        }
    }
}

#[test]
fn a_log_or_a_timestamp_authority_that_fails_leaves_nothing_behind() {
    for manners in MANNERS {
        let workshop = prepared(&local(scripted::start(manners)));
        for (service, named) in [("--log", "Rekor"), ("--timestamp", "timestamp authority")] {
            let run = without_trace(
                &workshop,
                &format!(
                    "--timeout 1s sign --key plain.key --signing-config config.json {service} --trusted-root root.json oci:image:1.0"
                ),
            );
            assert_eq!(run.code, 20, "{manners:?}: {run:?}");
            assert!(run.stderr.contains(named), "{manners:?}: {run:?}");
        }
    }
    let workshop = prepared(&local(scripted::start(Manners::Down)));
    for signer in SIGNERS {
        for service in ["--log", "--timestamp"] {
            let line = format!(
                "--timeout 1s {signer} --key plain.key --signing-config config.json {service}"
            );
            without_trace(&workshop, &line).ends(20);
        }
    }
}

#[test]
fn the_entry_of_another_signature_is_not_taken() {
    let lab = Lab::new();
    let evidence = lab
        .keyless("a@b.c")
        .message(&Lab::artifact())
        .rekor_v2()
        .timestamped()
        .build();
    let entry = evidence.bundle["verificationMaterial"]["tlogEntries"][0].to_string();
    let log = scripted::start(Manners::Garbage(Box::leak(entry.into_boxed_str())));
    let workshop = prepared(&local(log));
    for signer in SIGNERS {
        without_trace(
            &workshop,
            &format!("{signer} --key plain.key --signing-config config.json --log --trusted-root root.json"),
        )
        .ends(20)
        .says("not what was sent");
    }
}

#[test]
fn a_token_that_cannot_be_used_is_refused_before_any_socket() {
    // Nobody may be asked: every service is at an address where a request would fail with 20.
    let workshop = prepared(&local(scripted::start(Manners::Down)));
    let cases = [
        (
            r#"{"iss":"https://i.example","sub":"s","aud":"sigstore","exp":1}"#,
            "ended at",
        ),
        (
            r#"{"iss":"https://i.example","sub":"s","aud":"other","exp":4102444800}"#,
            "audience",
        ),
        (
            r#"{"iss":"https://i.example","sub":"s","aud":"sigstore","exp":4102444800,"email":"a@b.c","email_verified":false}"#,
            "not verified the e-mail",
        ),
        (
            r#"{"iss":"http://i.example","sub":"s","aud":"sigstore","exp":4102444800}"#,
            "issuer",
        ),
    ];
    for (claims, said) in cases {
        workshop.write("bad", token(claims).as_bytes());
        without_trace(
            &workshop,
            "sign --signing-config config.json --trusted-root root.json --identity-token bad oci:image:1.0",
        )
        .ends(21)
        .says(said);
    }
    let other = "sign --signing-config config.json --trusted-root root.json --oidc-issuer https://other.example --identity-token token oci:image:1.0";
    without_trace(&workshop, other).ends(21).says("issuer");
}

#[test]
fn arguments_and_files_come_before_sockets() {
    let workshop = prepared(&local(scripted::start(Manners::Down)));
    let keyless = "--signing-config config.json --trusted-root root.json --identity-token token";
    workshop.write(
        "none.json",
        br#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}"#,
    );
    workshop.write(
        "http.json",
        config(
            "http://fulcio.example",
            "http://rekor.example",
            "http://tsa.example",
        )
        .as_bytes(),
    );
    let rows = [
        ("sign oci:image:1.0".to_owned(), 2, "--signing-config FILE"),
        ("sign --no-services oci:image:1.0".to_owned(), 2, "--key FILE"),
        ("sign --log --key plain.key oci:image:1.0".to_owned(), 2, "--signing-config"),
        (format!("sign --key plain.key {keyless} oci:image:1.0"), 2, "--key"),
        (format!("--offline sign {keyless} oci:image:1.0"), 2, "--offline"),
        (format!("sign {keyless} --images-from absent"), 2, "absent"),
        (format!("sign {keyless} --images-from garbage"), 2, "`garbage` line 1"),
        (format!("sign {keyless} --journal garbage oci:image:1.0"), 2, "`garbage` line 1"),
        ("sign --signing-config config.json --identity-token - --images-from -".to_owned(), 2, "standard input"),
        (format!("attest {keyless} --predicate - --images-from -"), 2, "standard input"),
        (format!("sign {keyless} -r --bundle b oci:image:1.0"), 2, "--bundle"),
        (format!("sign {keyless} oci:image:1.0 not//a-reference"), 2, "not//a-reference"),
        ("sign --signing-config absent oci:image:1.0".to_owned(), 2, "absent"),
        ("sign --signing-config garbage oci:image:1.0".to_owned(), 2, "garbage"),
        ("sign --signing-config none.json --identity-token token oci:image:1.0".to_owned(), 2, "certificate authority"),
        ("sign --signing-config http.json --identity-token token oci:image:1.0".to_owned(), 2, "plain http"),
        ("sign --signing-config config.json --trusted-root garbage --identity-token token oci:image:1.0".to_owned(), 2, "garbage"),
        ("sign --signing-config config.json --identity-token absent oci:image:1.0".to_owned(), 2, "absent"),
        ("sign --signing-config config.json --identity-token garbage oci:image:1.0".to_owned(), 21, "not an identity token"),
        ("sign --signing-config config.json --identity-token env://ABSENT oci:image:1.0".to_owned(), 2, "ABSENT"),
        ("sign-blob --signing-config config.json --identity-token - --bundle b -".to_owned(), 2, "standard input"),
        ("sign --signing-config config.json oci:image:1.0".to_owned(), 21, "--identity-token FILE"),
        ("sign --signing-config config.json --login browser oci:image:1.0".to_owned(), 2, "--oidc-issuer"),
    ];
    for (line, code, said) in rows {
        without_trace(&workshop, &line).ends(code).says(said);
    }
    let token = good_token();
    let run = without_trace(
        &workshop,
        &format!("sign --signing-config config.json --identity-token {token} oci:image:1.0"),
    )
    .ends(2)
    .says("looks like a token");
    assert!(!run.stderr.contains(&token), "{run:?}");
    workshop
        .run("sign --no-services --key plain.key oci:image:1.0")
        .ends(0);
}

#[test]
fn nothing_becomes_public_without_consent() {
    let workshop = prepared("https://services.example");
    let run = without_trace(
        &workshop,
        "sign --signing-config config.json --trusted-root root.json --identity-token token oci:image:1.0",
    )
    .ends(2)
    .says("`a@b.c`, vouched for by `https://issuer.example`")
    .says("`https://services.example`")
    .says("about `oci:image@sha256:")
    .says("--yes");
    assert!(run.stderr.contains("nothing was sent"), "{run:?}");
    // A signing config that is named opts in to what it names, and that is agreed to like anything else.
    for log in ["--log", ""] {
        let line = format!(
            "sign --key plain.key {log} --signing-config config.json --trusted-root root.json oci:image:1.0"
        );
        without_trace(&workshop, &line)
            .ends(2)
            .says("in the log `https://services.example`")
            .says("--yes");
    }
    // One that names none, and `--no-services`, are none.
    workshop.write(
        "none.json",
        br#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}"#,
    );
    for none in [
        "--signing-config none.json",
        "--signing-config config.json --no-services",
    ] {
        workshop
            .run(&format!("sign --key plain.key {none} oci:image:1.0"))
            .ends(0);
    }
}

#[test]
fn the_environment_s_services_make_no_key_publish() {
    let workshop = prepared(&local(scripted::start(Manners::Down)));
    let signed = |more: &[&str]| {
        let mut command = program::command(workshop.path());
        command
            .env("COUNTERSIGN_SIGNING_CONFIG", "config.json")
            .args(["--timeout", "1s", "sign", "--key", "plain.key"])
            .args(more)
            .args(["--trusted-root", "root.json", "oci:image:1.0"]);
        finish(&mut command)
    };
    signed(&[]).ends(0);
    // What asks for a service finds the environment's, and what names them is asked to use them.
    for asks in [&["--timestamp"][..], &["--signing-config", "config.json"]] {
        signed(asks).ends(20).says("could not reach");
    }
}

#[test]
fn a_token_comes_from_standard_input_a_variable_or_the_surroundings() {
    let workshop = prepared(&local(scripted::start(Manners::Down)));
    let arguments = [
        "sign",
        "--timeout",
        "1s",
        "--signing-config",
        "config.json",
        "oci:image:1.0",
    ];
    // Fulcio is down: the error that names it says that the token was taken.
    let mut command = program::command(workshop.path());
    command.args(arguments).args(["--identity-token", "-"]);
    program::finish_with(&mut command, good_token().as_bytes())
        .ends(20)
        .says("Fulcio");
    for (name, value, more) in [
        ("MINE", good_token(), vec!["--identity-token", "env://MINE"]),
        ("SIGSTORE_ID_TOKEN", good_token(), vec![]),
        ("CIRCLE_OIDC_TOKEN_V2", good_token(), vec![]),
    ] {
        let mut command = program::command(workshop.path());
        finish(command.args(arguments).args(more).env(name, value))
            .ends(20)
            .says("Fulcio");
    }
    let mut command = program::command(workshop.path());
    finish(
        command
            .args(arguments)
            .args(["--ambient", "none"])
            .env("SIGSTORE_ID_TOKEN", good_token()),
    )
    .ends(21)
    .says("--identity-token FILE");
    let mut command = program::command(workshop.path());
    finish(command.args(arguments).env("GITHUB_ACTIONS", "true"))
        .ends(21)
        .says("id-token: write");
}
