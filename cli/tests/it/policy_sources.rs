//! Policies from registries and layouts: pinned, signed, and never anything less.

use bytes::Bytes;
use countersign::publish_policies;
use countersign_formats::Reference;
use countersign_registry::{Settings, open};

use crate::loopback::Loopback;
use crate::program;
use crate::workshop::{Workshop, push_image, wait};

/// The place that `policy push` printed.
fn pushed(workshop: &Workshop, line: &str) -> String {
    let run = workshop.run(line).ends(0);
    run.stdout.trim_end().to_owned()
}

#[test]
fn a_signed_policy_from_a_registry_judges_as_its_file_does() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    workshop.signed_layout("image");
    let to = format!("{}/acme/policies:prod", server.address);
    let push = format!("policy push --allow-http --key other.key policy.yaml {to}");
    let place = pushed(&workshop, &push);
    assert!(
        place.starts_with(&format!("oci://{}/acme/policies@sha256:", server.address)),
        "{place}"
    );
    // The same documents give the same digest.
    assert_eq!(pushed(&workshop, &push), place);
    let verify = format!("verify --allow-http --policy {place} --policy-key other.pub");
    workshop.run(&format!("{verify} oci:image:1.0")).ends(0);
    workshop.layout("unsigned", "1.0", "another");
    workshop.run(&format!("{verify} oci:unsigned:1.0")).ends(10);
    // The digest of the policies is that of the file: the spelling plays no part.
    let printed = |policy: &str| {
        let run = workshop
            .run(&format!("-o json verify --allow-http --policy {policy} --policy-key other.pub --print-policy"))
            .ends(0);
        run.json()["result"]["policyDigest"].clone()
    };
    assert_eq!(printed(&place), printed("policy.yaml"));
    // Files and places together, in the environment.
    let run = program::finish(
        program::command(workshop.path())
            .args(["verify", "--allow-http", "oci:image:1.0"])
            .env("COUNTERSIGN_POLICY", &place)
            .env("COUNTERSIGN_POLICY_KEY", "other.pub"),
    );
    run.ends(0);
    // A key for policies that stays set is of no use without one, and harmless; the flag is a mistake.
    for line in [
        "verify --key release.pub oci:image:1.0",
        "policy record --out recorded.tar oci:image:1.0",
    ] {
        let set = program::finish(
            program::command(workshop.path())
                .args(program::words(line))
                .env("COUNTERSIGN_POLICY_KEY", "other.pub"),
        );
        set.ends(0);
        workshop
            .run(&format!("{line} --policy-key other.pub"))
            .ends(2)
            .says("`--policy-key` is given, and no `--policy`");
    }
    let both = format!("{verify} --policy policy.yaml oci:image:1.0");
    workshop
        .run(&both)
        .ends(2)
        .says("two policies bear the name")
        .says("the first stands at");
}

#[test]
fn a_policy_is_not_used_unless_it_is_pinned_and_signed_by_the_named_key() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    workshop.signed_layout("image");
    let to = format!("{}/acme/policies:prod", server.address);
    let unsigned = pushed(
        &workshop,
        &format!("policy push --allow-http policy.yaml {to}"),
    );
    let judge = |policy: &str, keys: &str| {
        workshop.run(&format!(
            "verify --allow-http --policy {policy} {keys} oci:image:1.0"
        ))
    };
    judge(&unsigned, "--policy-key other.pub")
        .ends(10)
        .says("are not used");
    judge(&unsigned, "").ends(2).says("--policy-key");
    workshop
        .run(&format!(
            "sign --allow-http --key plain.key {}",
            unsigned.strip_prefix("oci://").unwrap()
        ))
        .ends(0);
    judge(&unsigned, "--policy-key other.pub").ends(12);
    judge(&unsigned, "--policy-key release.pub").ends(0);
    judge(&unsigned, "--policy-key other.pub --policy-key release.pub").ends(0);
    // A tag could bring back an older policy that is signed as well.
    judge(&format!("oci://{to}"), "--policy-key release.pub")
        .ends(2)
        .says("not pinned");
    let absent = format!("oci://{to}@sha256:{}", "d".repeat(64));
    judge(&absent, "--policy-key release.pub").ends(11);
    // An SBOM about the policies is no signature of them.
    workshop.write(
        "second.yaml",
        String::from_utf8(workshop.read("policy.yaml"))
            .unwrap()
            .replace("name: release", "name: second")
            .as_bytes(),
    );
    let second = pushed(
        &workshop,
        &format!("policy push --allow-http second.yaml {to}"),
    );
    workshop
        .run(&format!(
            "attest --allow-http --key plain.key --type spdxjson --predicate sbom.json {}",
            second.strip_prefix("oci://").unwrap()
        ))
        .ends(0);
    judge(&second, "--policy-key release.pub").ends(12);
    // What is signed and is no policy.
    let image = push_image(server.store().as_ref(), "1.0", "genuine");
    let name = format!("{}@{image}", server.name());
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}"))
        .ends(0);
    judge(&format!("oci://{name}"), "--policy-key release.pub")
        .ends(2)
        .says("artifact type");
    // Where only files are read it is said.
    workshop
        .run(&format!("policy check {unsigned}"))
        .ends(2)
        .says("only files and folders");
}

#[test]
fn an_outage_of_the_registry_is_no_missing_signature() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let server = Loopback::faulty(&workshop.file("registry"), |method, path| {
        (method == "GET" && path.contains("/referrers/")).then_some((500, "{}"))
    });
    let to = format!("{}/acme/policies:prod", server.address);
    let place = pushed(
        &workshop,
        &format!("policy push --allow-http policy.yaml {to}"),
    );
    workshop
        .run(&format!(
            "verify --allow-http --timeout 5s --policy {place} --policy-key other.pub oci:image:1.0"
        ))
        .ends(20)
        .says("are not used");
    drop(server);
    workshop
        .run(&format!(
            "verify --allow-http --timeout 5s --policy {place} --policy-key other.pub oci:image:1.0"
        ))
        .ends(20);
}

#[test]
fn a_folder_is_published_into_a_layout_and_used_offline() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let policy = String::from_utf8(workshop.read("policy.yaml")).unwrap();
    std::fs::create_dir(workshop.file("policies")).unwrap();
    let policy = policy.replace("file: release.pub", "file: ../release.pub");
    for (file, name) in [
        ("b.yaml", "b"),
        ("a.yml", "a"),
        (".c.yaml", "c"),
        ("d.txt", "d"),
    ] {
        let text = policy.replace("name: release", &format!("name: {name}"));
        workshop.write(&format!("policies/{file}"), text.as_bytes());
    }
    workshop.layout("published", "1.0", "something");
    let run = workshop
        .run("-o json policy push --key other.key policies oci:published:prod")
        .ends(0);
    let result = &run.json()["result"];
    assert_eq!(result["documents"], serde_json::json!(["a.yml", "b.yaml"]));
    let place = result["policies"].as_str().unwrap();
    let verify = format!("verify --offline --policy {place} --policy-key other.pub");
    workshop.run(&format!("{verify} oci:image:1.0")).ends(0);
    workshop
        .run(&verify.replace("other.pub", "release.pub --print-policy"))
        .ends(12);
}

#[test]
fn a_published_policy_reads_no_file_of_this_machine() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop.layout("published", "1.0", "something");
    let store = open(
        &Reference::parse(&format!("oci:{}", workshop.file("published").display())).unwrap(),
        &Settings::default(),
    )
    .unwrap();
    let document = Bytes::from(workshop.read("policy.yaml"));
    let stored = wait(publish_policies(
        store.as_ref(),
        &[("policy.yaml".to_owned(), document)],
        None,
    ))
    .unwrap();
    let place = format!("oci:published@{}", stored.digest);
    workshop
        .run(&format!("sign --key other.key {place}"))
        .ends(0);
    workshop
        .run(&format!(
            "verify --policy {place} --policy-key other.pub oci:image:1.0"
        ))
        .ends(2)
        .says("holds its keys in the text");
}
