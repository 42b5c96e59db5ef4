//! The commands about images, on layouts and on our own registry.

use std::fs;

use countersign_registry::layout::Layout;

use crate::loopback::Loopback;
use crate::program::{command, finish, finish_with};
use crate::scripted::{self, Manners};
use crate::workshop::{Workshop, push_image, wait};

#[test]
fn an_image_in_a_layout_is_signed_attested_listed_and_verified() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let name = format!("oci:image@{digest}\n");
    let signed = workshop
        .run("sign --key release.key -a stage=prod -a a=b=c oci:image:1.0")
        .ends(0);
    assert_eq!(signed.stdout, name);
    assert!(signed.stderr.contains("tag `1.0` is sha256:"), "{signed:?}");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:image:1.0")
        .ends(0);
    let verified = workshop
        .run("verify --key release.pub -a stage=prod -a a=b=c oci:image:1.0")
        .ends(0);
    assert_eq!(verified.stdout, name, "the verified name and nothing else");
    let attested = workshop
        .run("verify-attestation --key release.pub --type spdxjson oci:image:1.0")
        .ends(0);
    assert_eq!(attested.stdout, name);
    let listed = workshop.run("discover oci:image:1.0").ends(0);
    assert!(
        listed.stdout.contains("signature sha256:")
            && listed.stdout.contains("attestation sha256:"),
        "{listed:?}"
    );
    assert_eq!(listed.stdout.matches("[signed, not verified]").count(), 2);
    let table = workshop.run("tree --format table oci:image:1.0").ends(0);
    assert!(table.stdout.starts_with("KIND"), "{table:?}");
    assert_eq!(table.stdout.lines().count(), 3);
}

#[test]
fn an_image_in_a_registry_is_signed_attested_listed_and_verified() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let digest = push_image(server.store().as_ref(), "1.0", "genuine");
    let name = server.name();
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}:1.0"))
        .ends(0)
        .says("referrers API");
    workshop.run(&format!("attest --allow-http --key plain.key --type cyclonedx --predicate sbom.json {name}@{digest}")).ends(0);
    let verified = workshop
        .run(&format!("verify --allow-http --key release.pub {name}:1.0"))
        .ends(0);
    assert_eq!(verified.stdout, format!("{name}@{digest}\n"));
    workshop
        .run(&format!(
            "verify-attestation --allow-http --key release.pub --type cyclonedx {name}:1.0"
        ))
        .ends(0);
    workshop
        .run(&format!("discover --allow-http {name}:1.0"))
        .ends(0)
        .says("2 artifacts");
    let traced = workshop
        .run(&format!(
            "-v verify --allow-http --key release.pub {name}:1.0"
        ))
        .ends(0);
    assert!(traced.stderr.contains("> GET http"), "{traced:?}");
    // Plain http is spoken only where it is allowed.
    workshop
        .run(&format!("verify --timeout 2s --key release.pub {name}:1.0"))
        .ends(20);
}

#[test]
fn offline_opens_no_socket_and_judges_a_layout() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop
        .run("verify --offline --key release.pub oci:image:1.0")
        .ends(0);
    finish(
        command(workshop.path())
            .env("COUNTERSIGN_OFFLINE", "true")
            .args(["verify", "--key", "release.pub", "oci:image:1.0"]),
    )
    .ends(0);
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    workshop
        .run(&format!(
            "verify --offline --allow-http --key release.pub {}:1.0",
            server.name()
        ))
        .ends(20)
        .says("offline");
}

#[test]
fn the_predicate_is_embedded_byte_for_byte() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.run("attest --key plain.key --type spdxjson --predicate sbom.json --no-upload --bundle b.json oci:image:1.0").ends(0);
    let bundle: serde_json::Value = serde_json::from_slice(&workshop.read("b.json")).unwrap();
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    let payload = countersign_formats::decode_base64(payload, 1 << 20).unwrap();
    let payload = String::from_utf8(payload.to_vec()).unwrap();
    let predicate = String::from_utf8(workshop.read("sbom.json")).unwrap();
    assert!(payload.contains(&predicate), "{payload}");
    assert!(payload.contains("https://spdx.dev/Document"), "{payload}");
}

#[test]
fn a_document_under_the_type_of_another_is_noticed() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop
        .run("attest --key plain.key --type cyclonedx --predicate sbom.json oci:image:1.0")
        .ends(0)
        .says("warning: `sbom.json`: the file looks like");
    let right = workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:image:1.0")
        .ends(0);
    assert!(!right.stderr.contains("warning"), "{right:?}");
}

#[test]
fn a_predicate_may_come_from_a_pipe_and_a_statement_ready_made() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let line = [
        "attest",
        "--key",
        "plain.key",
        "--type",
        "vuln",
        "--predicate",
        "-",
        "oci:image:1.0",
    ];
    finish_with(command(workshop.path()).args(line), b"{\"scanner\":{}}").ends(0);
    workshop
        .run("verify-attestation --key release.pub --type vuln oci:image:1.0")
        .ends(0);
    let statement = |hex: &str| {
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"digest\":{{\"sha256\":\"{hex}\"}}}}],\"predicateType\":\"https://example.org/x\",\"predicate\":{{}}}}"
        )
    };
    workshop.write("statement.json", statement(&digest.hex()).as_bytes());
    workshop
        .run("attest --key plain.key --statement statement.json oci:image:1.0")
        .ends(0);
    workshop
        .run("verify-attestation --key release.pub --type https://example.org/x oci:image:1.0")
        .ends(0);
    workshop.write("wrong.json", statement(&"ab".repeat(32)).as_bytes());
    workshop
        .run("attest --key plain.key --statement wrong.json oci:image:1.0")
        .ends(2)
        .says("does not name");
}

#[test]
fn if_missing_signs_once_and_an_outage_does_not_sign_again() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let count = || {
        let run = workshop.run("--output json discover oci:image:1.0").ends(0);
        run.json()["result"]["artifacts"].as_array().unwrap().len()
    };
    workshop
        .run("sign --if-missing --key plain.key oci:image:1.0")
        .ends(0);
    assert_eq!(count(), 1);
    let again = workshop
        .run("sign --if-missing --key plain.key oci:image:1.0")
        .ends(0);
    assert!(again.stderr.contains("nothing done"), "{again:?}");
    assert_eq!(count(), 1);
    workshop
        .run("sign --if-missing --key other.key oci:image:1.0")
        .ends(0);
    workshop
        .run("sign --if-missing --key plain.key -a a=b oci:image:1.0")
        .ends(0);
    assert_eq!(count(), 3);
    let server = Loopback::faulty(&workshop.file("registry"), |_, path| {
        path.contains("/referrers/").then_some((500, ""))
    });
    push_image(server.store().as_ref(), "1.0", "genuine");
    let name = server.name();
    workshop
        .run(&format!(
            "sign --allow-http --timeout 2s --if-missing --key plain.key {name}:1.0"
        ))
        .ends(20);
}

#[test]
fn many_images_are_worked_on_and_summed_up() {
    let workshop = Workshop::new();
    workshop.layout("one", "1.0", "one");
    workshop.layout("two", "1.0", "two");
    let signed = workshop
        .run("sign --key plain.key oci:one:1.0 oci:two:1.0 oci:absent:1.0")
        .ends(11);
    assert_eq!(signed.stdout.lines().count(), 2, "{signed:?}");
    let verified = workshop
        .run("verify --key release.pub oci:one:1.0 oci:two:1.0")
        .ends(0);
    assert_eq!(verified.stdout.lines().count(), 2);
    assert!(
        verified.stderr.contains("2 images: 2 verified"),
        "{verified:?}"
    );
    // A typing error in the last reference leaves the first untouched.
    workshop.layout("three", "1.0", "three");
    workshop
        .run("sign --key plain.key oci:three:1.0 Bad:::")
        .ends(2);
    workshop
        .run("verify --key release.pub oci:three:1.0")
        .ends(10);
}

#[test]
fn the_policy_that_flags_amount_to_is_printed_and_means_the_same() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let printed = workshop
        .run("verify --print-policy --key release.pub --require-log 0 -a a=b")
        .ends(0);
    assert!(printed.stdout.contains("kind: Policy"), "{printed:?}");
    let printed = workshop
        .run("verify --print-policy --key release.pub")
        .ends(0);
    workshop.write("printed.yaml", printed.stdout.as_bytes());
    workshop
        .run("verify --policy printed.yaml oci:image:1.0")
        .ends(0);
    let checked = workshop.run("policy check printed.yaml").ends(0);
    assert!(
        checked.stdout.contains("require a signature by key"),
        "{checked:?}"
    );
}

#[test]
fn a_policy_that_only_warns_lets_an_image_through_and_says_so() {
    let workshop = Workshop::new();
    workshop.layout("bare", "1.0", "genuine");
    let policy = String::from_utf8(workshop.read("policy.yaml")).unwrap();
    workshop.write(
        "warn.yaml",
        policy
            .replace("spec:\n", "spec:\n  mode: warn\n")
            .as_bytes(),
    );
    workshop
        .run("verify --policy policy.yaml oci:bare:1.0")
        .ends(10);
    let warned = workshop
        .run("verify --policy warn.yaml oci:bare:1.0")
        .ends(0);
    assert!(warned.stderr.starts_with("warning: "), "{warned:?}");
    let json = workshop
        .run("-o json verify --policy warn.yaml oci:bare:1.0")
        .ends(0)
        .json();
    let decision = &json["result"]["images"][0]["decision"];
    assert_eq!(
        (&decision["verdict"], &decision["action"]),
        (&"fail".into(), &"admit-with-warning".into())
    );
}

#[test]
fn several_policies_must_all_pass_and_a_folder_of_them_is_read() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    std::fs::create_dir(workshop.file("policies")).unwrap();
    let policy = String::from_utf8(workshop.read("policy.yaml")).unwrap();
    workshop.write(
        "policies/a.yaml",
        policy.replace("release.pub", "../release.pub").as_bytes(),
    );
    workshop
        .run("verify --policy policies oci:image:1.0")
        .ends(0);
    let other = policy
        .replace("release.pub", "../other.pub")
        .replace("name: release", "name: second");
    workshop.write("policies/b.yaml", other.as_bytes());
    workshop
        .run("verify --policy policies oci:image:1.0")
        .ends(12)
        .says("no signature by `team`");
    workshop
        .run("policy check policies")
        .ends(0)
        .says("2 policies");
}

#[test]
fn source_date_epoch_makes_signing_reproducible() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let sign = ["sign", "--key", "plain.key", "oci:image:1.0"];
    finish(
        command(workshop.path())
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .args(sign),
    )
    .ends(0);
    finish(
        command(workshop.path())
            .env("SOURCE_DATE_EPOCH", "soon")
            .args(sign),
    )
    .ends(2)
    .says("SOURCE_DATE_EPOCH");
    let layout = Layout::open(workshop.file("image")).unwrap();
    use countersign_registry::Store as _;
    let listing = wait(layout.referrers(&digest)).unwrap();
    let manifest = wait(layout.manifest(listing.descriptors.first().unwrap())).unwrap();
    let created = manifest
        .manifest
        .annotations()
        .get("org.opencontainers.image.created")
        .cloned();
    assert_eq!(created.as_deref(), Some("2023-11-14T22:13:20Z"));
}

#[test]
fn inspect_decodes_each_kind_of_document_and_says_that_it_verified_nothing() {
    let workshop = Workshop::new();
    let digest = workshop.signed_layout("image");
    workshop
        .run("sign-blob --key plain.key file.txt --bundle m.bundle")
        .ends(0);
    workshop.run("attest-blob --key plain.key --type spdxjson --predicate sbom.json file.txt --bundle s.bundle").ends(0);
    fs::copy(
        workshop.file(&format!("image/blobs/sha256/{}", digest.hex())),
        workshop.file("manifest.json"),
    )
    .unwrap();
    let listed = workshop
        .run("-o json discover oci:image:1.0")
        .ends(0)
        .json();
    let referrer = listed["result"]["artifacts"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    for (what, kind) in [
        ("m.bundle", "Sigstore bundle"),
        ("s.bundle", "https://spdx.dev/Document"),
        ("release.pub", "public key"),
        ("release.key", "encrypted private key"),
        ("plain.key", "not encrypted"),
        ("manifest.json", "image manifest"),
        ("policy.yaml", ""),
        ("oci:image:1.0", "image manifest"),
    ] {
        if what == "policy.yaml" {
            continue;
        }
        let run = workshop.run(&format!("inspect {what}")).ends(0);
        assert!(run.stdout.starts_with("NOT VERIFIED"), "{run:?}");
        assert!(run.stdout.contains(kind), "{what}: {run:?}");
    }
    let bundle = workshop
        .run(&format!("inspect oci:image@{referrer}"))
        .ends(0);
    assert!(bundle.stdout.contains("claim: signature"), "{bundle:?}");
    let secret = String::from_utf8(workshop.read("plain.key")).unwrap();
    let shown = workshop.run("inspect plain.key").ends(0).stdout;
    assert!(
        !shown.contains(secret.lines().nth(1).unwrap()),
        "a private key is never shown"
    );
}

#[test]
fn killing_a_signer_leaves_a_layout_that_is_as_before_or_complete() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let started = std::time::Instant::now();
    workshop.run("sign --key plain.key oci:image:1.0").ends(0);
    // The kills are spread over a little more than what the machine takes for it now.
    let step = started.elapsed() * 5 / 4 / 200;
    for round in 0..200_u32 {
        let mut child = command(workshop.path())
            .args(["sign", "--key", "plain.key", "oci:image:1.0"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(step * round);
        let _ = child.kill();
        let _ = child.wait();
        if round % 10 == 0 {
            let listed = workshop.run("discover oci:image:1.0").ends(0);
            assert!(!listed.stdout.contains("not verified] ["), "{listed:?}");
        }
    }
    // Everything that is listed is whole: each piece is a signature of this key, and one more can be added.
    workshop.run("sign --key plain.key oci:image:1.0").ends(0);
    let judged = workshop
        .run("-o json verify --key release.pub oci:image:1.0")
        .ends(0)
        .json();
    let decision = &judged["result"]["images"][0]["decision"];
    assert_eq!(
        decision["rejected"].as_array().unwrap().len(),
        0,
        "{decision:#}"
    );
    workshop
        .run("verify --key release.pub oci:image:1.0")
        .ends(0);
}

#[test]
fn the_deadline_is_one_for_all_images_of_a_command() {
    let workshop = Workshop::new();
    let address = scripted::start(Manners::Silent);
    let before = std::time::Instant::now();
    let run = workshop.run(&format!(
        "-o json verify --allow-http --timeout 2s --key release.pub {address}/a/one:1 {address}/a/two:1 {address}/a/three:1"
    ));
    let took = before.elapsed();
    assert_eq!(run.code, 20, "{run:?}");
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    for image in run.json()["result"]["images"].as_array().unwrap() {
        assert_eq!(image["exitCode"], 20, "{image}");
    }
}
