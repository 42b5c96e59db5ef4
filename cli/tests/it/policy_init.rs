//! `policy init`: what it proposes, and what it refuses to propose from.

use countersign_registry::layout::Layout;

use crate::loopback::Loopback;
use crate::platforms::multi;
use crate::workshop::{Workshop, attach, push_image};

#[test]
fn what_a_key_signed_is_proposed_and_admits_that_and_nothing_else() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop.layout("unsigned", "1.0", "another");
    let run = workshop
        .run("policy init --key release.pub --key other.pub oci:image:1.0")
        .ends(0)
        .says("trust on first use");
    for words in [
        "TRUST ON FIRST USE",
        "signed none of them and is left out",
        "\"release\":",
        "-----BEGIN PUBLIC KEY-----",
        "keys: {logs: 0, timestamps: 0, times: 0}",
        "- signature: {by: [\"release\"]}",
    ] {
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
    assert!(!run.stdout.contains("certificates:"), "{run:?}");
    workshop.write("proposed.yaml", run.stdout.as_bytes());
    workshop
        .run("policy check proposed.yaml")
        .ends(0)
        .says("0 warnings");
    workshop
        .run("verify --policy proposed.yaml oci:image:1.0")
        .ends(0);
    workshop
        .run("verify --policy proposed.yaml oci:unsigned:1.0")
        .ends(10);
    workshop
        .run("sign --key other.key oci:unsigned:1.0")
        .ends(0);
    workshop
        .run("verify --policy proposed.yaml oci:unsigned:1.0")
        .ends(12);
}

#[test]
fn the_scope_is_the_repositories_given_and_what_only_some_images_have_is_not_required() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    push_image(server.store().as_ref(), "1.1", "newer");
    let name = server.name();
    for line in [
        format!("sign --allow-http --key plain.key {name}:1.0"),
        format!("sign --allow-http --key plain.key {name}:1.1"),
        format!(
            "attest --allow-http --key plain.key --type spdxjson --predicate sbom.json {name}:1.1"
        ),
    ] {
        workshop.run(&line).ends(0);
    }
    let both = format!("policy init --allow-http --key release.pub {name}:1.0 {name}:1.1");
    let run = workshop.run(&both).ends(0);
    assert!(
        run.stdout.contains(&format!("images: [\"{name}\"]")),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("Not required, since 1 of 2 images"),
        "{run:?}"
    );
    assert!(!run.stdout.contains("- statement:"), "{run:?}");
    // The newer one alone has more, and a policy from it denies the older.
    workshop
        .run(&format!(
            "policy init --allow-http --key release.pub --output-file tight.yaml {name}:1.1"
        ))
        .ends(0);
    let verify = "verify --allow-http --policy tight.yaml";
    workshop.run(&format!("{verify} {name}:1.1")).ends(0);
    workshop.run(&format!("{verify} {name}:1.0")).ends(12);
    // Another repository is none of those that were given.
    let elsewhere = name.replace("acme/app", "acme/apps");
    workshop
        .run(&format!("copy --allow-http {name}:1.1 {elsewhere}:1.1"))
        .ends(0);
    workshop
        .run(&format!("{verify} {elsewhere}:1.1"))
        .ends(12)
        .says("no policy speaks of it")
        .says("widen a policy's `scope`");
}

#[test]
fn what_lies_on_the_image_of_each_platform_is_asked_of_each() {
    let workshop = Workshop::new();
    multi(&workshop);
    workshop
        .run("sign --key plain.key --all-platforms oci:multi:1.0")
        .ends(0);
    let run = workshop
        .run("policy init --key release.pub oci:multi:1.0")
        .ends(0);
    assert!(
        run.stdout
            .contains("- signature: {by: [\"release\"], subject: eachPlatform}"),
        "{run:?}"
    );
    let verify = "verify --policy proposed.yaml oci:multi:1.0";
    workshop.write("proposed.yaml", run.stdout.as_bytes());
    workshop.run(verify).ends(0);
    // The same index with one platform that nobody signed.
    let other = Workshop::new();
    let (_, children) = multi(&other);
    other.write("proposed.yaml", run.stdout.as_bytes());
    other
        .run("sign --key plain.key --platform linux/amd64 --platform linux/arm64 oci:multi:1.0")
        .ends(0);
    other.run(verify).ends(12).says(&children[2].to_string());
}

#[test]
fn repositories_with_a_signer_in_common_share_a_policy_and_others_get_their_own() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    let app = server.name();
    let database = app.replace("acme/app", "acme/db");
    let sign = |key: &str, image: &str| {
        let line = format!("sign --allow-http --yes --key {key} {image}");
        workshop.run(&line).ends(0);
    };
    let copy = |from: &str, to: &str| {
        let line = format!("copy --allow-http --no-evidence {from} {to}");
        workshop.run(&line).ends(0);
    };
    copy(&format!("{app}:1.0"), &format!("{database}:1.0"));
    sign("plain.key", &format!("{app}:1.0"));
    sign("other.key", &format!("{database}:1.0"));
    let propose = || {
        let line = format!(
            "policy init --allow-http --key release.pub --key other.pub {app}:1.0 {database}:1.0"
        );
        let run = workshop.run(&line).ends(0);
        workshop.write("proposed.yaml", run.stdout.as_bytes());
        run.stdout
    };
    let verify = |image: String, code: i32| {
        let line = format!("verify --allow-http --policy proposed.yaml {image}");
        workshop.run(&line).ends(code);
    };
    // Nobody has signed in both: two policies, each for its own repository.
    let apart = propose();
    assert_eq!(apart.matches("kind: Policy").count(), 2, "{apart}");
    for name in [&app, &database] {
        assert!(apart.contains(&format!("images: [\"{name}\"]")), "{apart}");
        verify(format!("{name}:1.0"), 0);
    }
    // The signer of one is nobody in the other.
    copy(&format!("{app}:1.0"), &format!("{app}s:1.0"));
    push_image(server.store().as_ref(), "2.0", "newer");
    sign("other.key", &format!("{app}:2.0"));
    verify(format!("{app}:2.0"), 12);
    verify(format!("{app}s:1.0"), 12);
    // Somebody has: one policy for both.
    sign("plain.key", &format!("{database}:1.0"));
    let together = propose();
    assert_eq!(together.matches("kind: Policy").count(), 1, "{together}");
    assert!(together.contains("by: [\"release\"]"), "{together}");
    for name in [&app, &database] {
        assert!(together.contains(&format!("\"{name}\"")), "{together}");
        verify(format!("{name}:1.0"), 0);
    }
}

#[test]
fn evidence_that_proves_nothing_is_named_in_a_comment_and_never_used() {
    let workshop = Workshop::new();
    let digest = workshop.signed_layout("image");
    workshop.run("sign --key other.key oci:image:1.0").ends(0);
    let layout = Layout::open(workshop.file("image")).unwrap();
    attach(&layout, &digest, b"{\"a\nspec: {}\": 1}", "x");
    let run = workshop
        .run("policy init --key release.pub oci:image:1.0")
        .ends(0)
        .says("2 pieces of evidence proved nothing");
    assert!(run.stdout.contains("NOT used"), "{run:?}");
    let other = workshop.read("other.pub");
    let other = String::from_utf8(other).unwrap();
    let line = other.lines().nth(1).unwrap();
    assert!(!run.stdout.contains(line), "{run:?}");
    assert_eq!(run.stdout.matches("\nspec:").count(), 1, "{run:?}");
    // With nothing else there is nothing to propose from.
    workshop
        .run("policy init oci:image:1.0")
        .ends(12)
        .says("--key");
    workshop.layout("unsigned", "1.0", "another");
    workshop
        .run("policy init --key release.pub oci:unsigned:1.0")
        .ends(10);
    workshop.run("policy init oci:absent:1.0").ends(11);
}

#[test]
fn the_file_is_written_whole_and_kept_unless_it_may_be_replaced() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let line = "policy init --key release.pub --output-file proposed.yaml oci:image:1.0";
    let run = workshop.run(line).ends(0);
    assert_eq!(run.stdout, "proposed.yaml\n");
    let first = workshop.read("proposed.yaml");
    workshop.run(line).ends(2).says("exists");
    assert_eq!(workshop.read("proposed.yaml"), first);
    workshop.run(&format!("{line} --force")).ends(0);
    let run = workshop
        .run("-o json policy init --key release.pub oci:image:1.0")
        .ends(0);
    let result = &run.json()["result"];
    assert_eq!(result["images"][0]["proven"], 1);
    assert_eq!(result["images"][0]["notUsed"], serde_json::json!([]));
    assert!(
        result["policy"]
            .as_str()
            .unwrap()
            .contains("by: [\"release\"]")
    );
    workshop
        .run("policy init --key release.pub --insecure-ignore-tlog oci:image:1.0")
        .ends(2)
        .says("leaves out no check");
}

#[test]
fn nothing_is_proposed_while_an_outage_hides_evidence() {
    let workshop = Workshop::new();
    let server = Loopback::faulty(&workshop.file("registry"), |method, path| {
        (method == "GET" && path.ends_with(".att")).then_some((500, "{}"))
    });
    push_image(server.store().as_ref(), "1.0", "genuine");
    let name = server.name();
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}:1.0"))
        .ends(0);
    let run = workshop
        .run(&format!(
            "policy init --allow-http --timeout 5s --key release.pub {name}:1.0"
        ))
        .ends(20)
        .says("half of the evidence");
    assert_eq!(run.stdout, "");
}

#[test]
fn a_build_is_proposed_with_its_workflow_and_ref_from_a_recorded_index() {
    let workshop = Workshop::new();
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/policy/tests/example-package/evidence.pack.tar"
    );
    let run = workshop
        .run(&format!("policy init --offline --pack {pack}"))
        .ends(0);
    for words in [
        "repository: \"slsa-framework/example-package\"",
        "ref: \"refs/heads/main\"",
        "trigger: \"workflow_dispatch\"",
        "generator_container_slsa3.yml@refs/tags/v2.1.0\"",
        "runnerEnvironment: \"github-hosted\"",
        "sourceRepositoryIdentifier: \"486325809\"",
        "certificates: {logs: 1, timestamps: 0, scts: 1, times: 1}",
        "- statement: {type: \"slsaprovenance02\", by: [\"slsa-framework-example-package-verifier-e2e\"], subject: index}",
    ] {
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
    workshop.write("proposed.yaml", run.stdout.as_bytes());
    let verify = |name: &str| format!("verify --offline --pack {pack} --policy {name}");
    workshop.run(&verify("proposed.yaml")).ends(0);
    // Each letter that the proposal says counts.
    for (seen, other) in [
        ("example-package\"", "example-packages\""),
        ("refs/heads/main", "refs/heads/mains"),
        ("\"486325809\"", "\"486325800\""),
        ("@refs/tags/v2.1.0", "@refs/tags/v2.1.1"),
        ("timestamps: 0", "timestamps: 1"),
    ] {
        let changed = run.stdout.replace(seen, other);
        assert_ne!(changed, run.stdout, "{seen}");
        workshop.write("changed.yaml", changed.as_bytes());
        workshop.run(&verify("changed.yaml")).ends(12);
    }
}
