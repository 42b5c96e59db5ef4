//! Several policies, their modes and what they excuse, by the exit codes of `verify`.

use crate::loopback::Loopback;
use crate::workshop::{Workshop, push_image};

/// A policy `name` that asks for a signature by the key in `file`.
fn policy(workshop: &Workshop, path: &str, name: &str, more: &str, file: &str) {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  {more}\n  signers: {{team: {{key: {{file: {file}}}}}}}\n  require: {{signature: {{by: team}}}}\n"
    );
    workshop.write(path, text.as_bytes());
}

#[test]
fn several_policies_must_all_pass_whether_they_come_as_files_or_as_a_folder() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    std::fs::create_dir(workshop.file("both")).unwrap();
    for folder in ["", "both/"] {
        let up = if folder.is_empty() { "" } else { "../" };
        policy(
            &workshop,
            &format!("{folder}one.yaml"),
            "one",
            "mode: enforce",
            &format!("{up}release.pub"),
        );
        policy(
            &workshop,
            &format!("{folder}two.yaml"),
            "two",
            "mode: enforce",
            &format!("{up}other.pub"),
        );
    }
    let verify = |policies: &str| workshop.run(&format!("verify {policies} oci:image:1.0"));
    verify("--policy one.yaml").ends(0);
    verify("--policy two.yaml").ends(12);
    verify("--policy one.yaml --policy two.yaml").ends(12);
    verify("--policy both").ends(12);
    verify("--policy one.yaml --policy one.yaml")
        .ends(2)
        .says("two policies bear the name");
    // A second one that only audits adds nothing that denies, and excuses nothing of the first.
    policy(&workshop, "audit.yaml", "two", "mode: audit", "other.pub");
    verify("--policy one.yaml --policy audit.yaml").ends(0);
    policy(
        &workshop,
        "denies.yaml",
        "one",
        "mode: enforce",
        "other.pub",
    );
    policy(&workshop, "audit.yaml", "two", "mode: audit", "release.pub");
    verify("--policy denies.yaml --policy audit.yaml").ends(12);
    workshop.run("sign --key other.key oci:image:1.0").ends(0);
    verify("--policy both").ends(0);
}

#[test]
fn the_mode_sets_the_exit_code_and_never_the_verdict() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    for (mode, code, action, words) in [
        ("enforce", 10, "deny", "denied:"),
        ("warn", 0, "admit-with-warning", "its mode is `warn`"),
        ("audit", 0, "admit", "its mode is `audit`"),
    ] {
        policy(
            &workshop,
            "p.yaml",
            "p",
            &format!("mode: {mode}"),
            "release.pub",
        );
        workshop
            .run("verify --policy p.yaml oci:image:1.0")
            .ends(code)
            .says(words);
        let json = workshop
            .run("verify -o json --policy p.yaml oci:image:1.0")
            .ends(code)
            .json();
        let decision = &json["result"]["images"][0]["decision"];
        assert_eq!(decision["verdict"], "fail", "{mode}");
        assert_eq!(decision["action"], action, "{mode}");
    }
}

#[test]
fn an_outage_is_excused_as_the_policy_says_and_nothing_else_is() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    let name = server.name();
    let found = workshop
        .run(&format!("sign --allow-http --key other.key {name}:1.0"))
        .ends(0);
    // By digest nothing has to be resolved, so that a registry that is away hides the evidence alone.
    let image = found.stdout.trim().to_owned();
    let verify = format!("verify --allow-http --no-cache --timeout 5 --policy p.yaml {image}");
    let more = [
        ("deny", 20),
        ("warn", 0),
        // One command remembers nothing of another.
        ("{useCached: {maxAge: 24h}}", 20),
    ];
    for (unavailable, _) in more {
        policy(
            &workshop,
            "p.yaml",
            "p",
            &format!("unavailable: {unavailable}"),
            "release.pub",
        );
        // What is there and does not suffice is no outage.
        workshop.run(&verify).ends(12);
    }
    drop(server);
    for (unavailable, away) in more {
        policy(
            &workshop,
            "p.yaml",
            "p",
            &format!("unavailable: {unavailable}"),
            "release.pub",
        );
        let json = workshop.run(&format!("-o json {verify}")).ends(away).json();
        let decision = &json["result"]["images"][0]["decision"];
        assert_eq!(decision["verdict"], "unknown", "{unavailable}");
    }
}
