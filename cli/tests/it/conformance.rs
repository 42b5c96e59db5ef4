//! `tests/conformance/client`, driven as the conformance suite of Sigstore clients drives it, with evidence from the lab.

use std::path::Path;
use std::process::Command;

use countersign_formats::decode_base64;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, ISSUER, Lab};
use countersign_testdata::tuf_repository::TufRepository;
use serde_json::{Value, json};

use crate::keyless::good_token;
use crate::program::{Run, finish};
use crate::sigstore::{Bend, Sigstore};
use crate::tuf_mirror::TufMirror;
use crate::workshop::Workshop;

const EMAIL: &str = "a@b.c";

/// Runs the client in the workshop, with our program first on PATH.
fn client(workshop: &Workshop, arguments: &[&str]) -> Run {
    client_with(workshop, &[], arguments)
}

fn client_with(workshop: &Workshop, variables: &[(&str, String)], arguments: &[&str]) -> Run {
    let program = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let folder = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/conformance/client"
    ));
    command
        .current_dir(workshop.path())
        .env("PATH", format!("{folder}:{path}"))
        .env("HOME", workshop.path())
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        // Whatever is set here decides nothing.
        .env("COUNTERSIGN_KEY", "absent.pub")
        .env("COUNTERSIGN_OUTPUT", "json")
        .args(arguments);
    finish(&mut command)
}

fn scene(evidence: &Evidence) -> Workshop {
    let workshop = Workshop::new();
    workshop.write(
        "bundle.sigstore.json",
        evidence.bundle.to_string().as_bytes(),
    );
    workshop.write(
        "trusted_root.json",
        Lab::new().trusted_root().to_string().as_bytes(),
    );
    workshop.write("a.txt", &Lab::artifact());
    workshop.write("-a.txt", &Lab::artifact());
    workshop.write("other.txt", b"something else");
    workshop
}

fn digest_of(bytes: &[u8]) -> String {
    countersign_proof::digest::sha256(bytes).to_string()
}

/// `verify-bundle` in the order in which the suite writes its arguments.
fn verify(workshop: &Workshop, identity: &str, subject: &str) -> Run {
    client(
        workshop,
        &[
            "verify-bundle",
            "--bundle",
            "bundle.sigstore.json",
            "--certificate-identity",
            identity,
            "--certificate-oidc-issuer",
            ISSUER,
            "--trusted-root",
            "trusted_root.json",
            subject,
        ],
    )
}

#[test]
fn a_keyless_bundle_is_verified_by_path_and_by_digest_and_refused_otherwise() {
    let lab = Lab::new();
    let recipe = || lab.keyless(EMAIL).message(&Lab::artifact());
    let digest = digest_of(&Lab::artifact());
    for evidence in [
        recipe().rekor_v1().build(),
        recipe().rekor_v2().timestamped().build(),
    ] {
        let workshop = scene(&evidence);
        for subject in [
            "a.txt",
            "-a.txt",
            &digest,
            &digest.to_uppercase().replace("SHA256", "sha256"),
        ] {
            verify(&workshop, EMAIL, subject).ends(0);
        }
        for (identity, subject) in [
            ("x@b.c", "a.txt"),
            (EMAIL, "other.txt"),
            (EMAIL, &digest_of(b"something else")),
        ] {
            verify(&workshop, identity, subject).ends(12);
        }
        // No digest of the right length: a file, which is not there.
        verify(&workshop, EMAIL, "sha256:abcd").ends(2);
    }
}

#[test]
fn a_statement_about_the_file_is_verified() {
    let lab = Lab::new();
    let hex = digest_of(&Lab::artifact()).replace("sha256:", "");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a.txt", "digest": {"sha256": hex}}],
        "predicateType": "https://example.com/p",
        "predicate": {"a": 1},
    });
    let evidence = lab.keyless(EMAIL).statement(&statement).rekor_v1().build();
    let workshop = scene(&evidence);
    verify(&workshop, EMAIL, "a.txt").ends(0);
    verify(&workshop, EMAIL, &format!("sha256:{hex}")).ends(0);
    verify(&workshop, EMAIL, "other.txt").ends(12);
    verify(&workshop, "x@b.c", "a.txt").ends(12);
    let with_flag = |subject| {
        client(
            &workshop,
            &[
                "verify-bundle",
                "--in-toto",
                "--bundle",
                "bundle.sigstore.json",
                "--certificate-identity",
                EMAIL,
                "--certificate-oidc-issuer",
                ISSUER,
                "--trusted-root",
                "trusted_root.json",
                subject,
            ],
        )
    };
    with_flag("a.txt").ends(0);
    with_flag("other.txt").ends(12);
}

#[test]
fn bent_bundles_are_refused() {
    let lab = Lab::new();
    let recipe = || lab.keyless(EMAIL).message(&Lab::artifact());
    for (claim, evidence) in [
        ("no log entry", recipe().timestamped().build()),
        (
            "signature",
            recipe()
                .rekor_v1()
                .signature(|bytes| bytes[10] ^= 1)
                .build(),
        ),
        (
            "root hash",
            recipe()
                .rekor_v1()
                .bundle(|bundle| {
                    bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["rootHash"] =
                        json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
                })
                .build(),
        ),
        (
            "no promise and no proof",
            recipe()
                .rekor_v1()
                .bundle(|bundle| {
                    let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
                    entry.as_object_mut().unwrap().remove("inclusionProof");
                })
                .build(),
        ),
    ] {
        let run = verify(&scene(&evidence), EMAIL, "a.txt");
        assert_ne!(run.code, 0, "{claim}: {run:?}");
    }
}

#[test]
fn a_managed_key_is_taken_in_place_of_an_identity() {
    let lab = Lab::new();
    let key = LabKey::p256("conformance");
    let evidence = lab.managed(key.clone()).message(&Lab::artifact()).build();
    let workshop = scene(&evidence);
    workshop.write("key.pub", key.public_pem().as_bytes());
    workshop.write("wrong.pub", LabKey::p256("another").public_pem().as_bytes());
    let verify_key = |key: &str, more: &[&str], subject: &str| {
        let mut arguments = vec![
            "verify-bundle",
            "--bundle",
            "bundle.sigstore.json",
            "--key",
            key,
        ];
        arguments.extend(more);
        arguments.push(subject);
        client(&workshop, &arguments)
    };
    verify_key("key.pub", &[], "a.txt").ends(0);
    verify_key("key.pub", &["--trusted-root", "trusted_root.json"], "a.txt").ends(0);
    verify_key("key.pub", &[], &digest_of(&Lab::artifact())).ends(0);
    verify_key("wrong.pub", &[], "a.txt").ends(12);
    verify_key("key.pub", &[], "other.txt").ends(12);
    // A key-signed bundle is nobody's identity.
    let run = verify(&workshop, EMAIL, "a.txt");
    assert_ne!(run.code, 0, "{run:?}");
}

#[test]
fn a_command_line_that_is_not_the_protocols_is_refused() {
    let lab = Lab::new();
    let workshop = scene(
        &lab.keyless(EMAIL)
            .message(&Lab::artifact())
            .rekor_v1()
            .build(),
    );
    for arguments in [
        &["verify-bundle"][..],
        &["verify-bundle", "a.txt"],
        &["verify-bundle", "--bundle", "bundle.sigstore.json", "a.txt"],
        &["verify-bundle", "--bundle"],
        &[
            "verify-bundle",
            "--nonsense",
            "--bundle",
            "bundle.sigstore.json",
            "--key",
            "k",
            "a.txt",
        ],
        &[
            "verify",
            "--bundle",
            "bundle.sigstore.json",
            "--key",
            "k",
            "a.txt",
        ],
        &["sign-bundle", "--bundle", "out.json", "a.txt"],
        &[],
    ] {
        client(&workshop, arguments).ends(2);
    }
    assert!(!workshop.file("out.json").exists());
}

#[test]
fn staging_is_trusted_as_its_repository_says_and_kept_apart() {
    let lab = Lab::new();
    let recipe = lab.keyless(EMAIL).message(&Lab::artifact()).rekor_v1();
    let workshop = scene(&recipe.build());
    let repository = TufRepository::new(lab.trusted_root().to_string().as_bytes());
    workshop.write("tuf-root.json", &repository.root_bytes());
    let mirror = TufMirror::start(&repository);
    let variables = [
        ("COUNTERSIGN_STAGING_MIRROR", mirror.url()),
        ("COUNTERSIGN_STAGING_TUF_ROOT", "tuf-root.json".to_owned()),
    ];
    let verify = |more: &[&str], subject: &str| {
        let identity = ["--certificate-identity", EMAIL];
        let issuer = ["--certificate-oidc-issuer", ISSUER];
        let bundle = ["--bundle", "bundle.sigstore.json"];
        let arguments = [
            &["verify-bundle"],
            more,
            &bundle,
            &identity,
            &issuer,
            &[subject],
        ];
        client_with(&workshop, &variables, &arguments.concat())
    };
    verify(&["--staging"], "a.txt").ends(0);
    assert!(!mirror.asked().is_empty());
    verify(&["--staging"], "other.txt").ends(12);
    assert!(mirror.asked().is_empty(), "a fresh cache asks nobody");
    // What is not about staging is not trusted as it.
    verify(&[], "a.txt").ends(12);
    // Whose repository it is, is not the mirror's to say: this one has not the start that lies beside the client.
    let workshop = scene(&recipe.build());
    let other = [("COUNTERSIGN_STAGING_MIRROR", mirror.url())];
    let arguments = [
        "verify-bundle",
        "--staging",
        "--bundle",
        "bundle.sigstore.json",
        "--certificate-identity",
        EMAIL,
        "--certificate-oidc-issuer",
        ISSUER,
        "a.txt",
    ];
    client_with(&workshop, &other, &arguments).ends(22);
}

/// A signing config of one of each kind of service at this address.
fn signing_config(sigstore: &Sigstore, log_version: u8) -> String {
    let service = |path: &str, version: u8| {
        json!([{
            "url": format!("http://{}{path}", sigstore.address), "majorApiVersion": version,
            "validFor": {"start": "2026-01-01T00:00:00Z"}, "operator": "o",
        }])
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service("", 1), "rekorTlogUrls": service("", log_version), "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": service("/api/v1/timestamp", 1), "tsaConfig": {"selector": "ANY"},
    })
    .to_string()
}

#[test]
fn what_is_signed_is_what_was_given_without_a_root_and_verifies() {
    let lab = Lab::new();
    let hex = digest_of(&Lab::artifact()).replace("sha256:", "");
    // Signed byte for byte, not as this program would write it.
    let statement = format!(
        "{{ \"_type\": \"https://in-toto.io/Statement/v1\",\n  \"subject\":[{{\"name\":\"a.txt\",\"digest\":{{ \"sha256\" : \"{hex}\" }} }}],\n\
         \"predicateType\":\"https://slsa.dev/provenance/v1\", \"predicate\":{{\"a\":1}}}}\n"
    );
    for (version, kind) in [(1, "0.0.1"), (2, "0.0.2")] {
        let sigstore = Sigstore::start(Bend::Nothing);
        let workshop = scene(&lab.keyless(EMAIL).message(b"old").rekor_v1().build());
        let config = signing_config(&sigstore, version);
        workshop.write("config.json", config.as_bytes());
        workshop.write("statement.json", statement.as_bytes());
        let token = good_token();
        let sign = |more: &[&str], file: &str| {
            std::fs::remove_file(workshop.file("bundle.sigstore.json")).unwrap();
            let flags = [
                "--identity-token",
                &token,
                "--bundle",
                "bundle.sigstore.json",
                "--trusted-root",
                "trusted_root.json",
                "--signing-config",
                "config.json",
            ];
            let arguments = [&["sign-bundle"], more, &flags, &[file]].concat();
            let run = client(&workshop, &arguments).ends(0);
            assert!(!run.stderr.contains(&token) && !run.stdout.contains(&token));
            let bundle: Value =
                serde_json::from_slice(&workshop.read("bundle.sigstore.json")).unwrap();
            let material = &bundle["verificationMaterial"];
            assert!(material["certificate"]["rawBytes"].is_string(), "{bundle}");
            assert!(material.get("x509CertificateChain").is_none());
            bundle
        };
        let bundle = sign(&[], "a.txt");
        assert!(bundle["messageSignature"].is_object());
        assert!(bundle.get("dsseEnvelope").is_none());
        let entry = &bundle["verificationMaterial"]["tlogEntries"][0];
        let expected = json!({"kind": "hashedrekord", "version": kind});
        assert_eq!(entry["kindVersion"], expected);
        verify(&workshop, EMAIL, "a.txt").ends(0);
        verify(&workshop, EMAIL, &format!("sha256:{hex}")).ends(0);
        verify(&workshop, EMAIL, "other.txt").ends(12);

        let bundle = sign(&["--in-toto"], "statement.json");
        assert!(bundle.get("messageSignature").is_none());
        let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
        let payload = decode_base64(payload, 1 << 16).unwrap();
        assert_eq!(payload, statement.as_bytes());
        verify(&workshop, EMAIL, "a.txt").ends(0);
        verify(&workshop, EMAIL, "other.txt").ends(12);
    }
}
