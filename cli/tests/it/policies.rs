//! `policy explain` and the other commands about policies.

use crate::loopback::Loopback;
use crate::workshop::{Workshop, attach, push_image};

#[test]
fn a_denied_image_is_explained_with_what_would_make_it_pass() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:image:1.0")
        .ends(0);
    let run = workshop
        .run("policy explain --policy policy.yaml oci:image:1.0")
        .ends(12);
    for words in [
        "FAIL: oci:image@sha256:",
        "[FAIL] policy release (enforce)",
        "saw statement https://spdx.dev/Document by key sha256:",
        "misses: a statement of type `https://spdx.dev/Document` is no signature",
        "the `.sig` tag: has nothing",
        "one fact would be enough, if",
        "- there is a signature by `team`",
    ] {
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
    workshop.run("sign --key plain.key oci:image:1.0").ends(0);
    let run = workshop
        .run("policy explain --policy policy.yaml oci:image:1.0")
        .ends(0);
    assert!(run.stdout.contains("nothing: it passes"), "{run:?}");
    assert!(
        run.stdout
            .contains("counts for: signature by `team` (policy release)"),
        "{run:?}"
    );
    // Flags are a policy, too.
    let run = workshop
        .run("-o json policy explain --key other.pub --type spdxjson oci:image:1.0")
        .ends(12);
    let result = &run.json()["result"];
    assert_eq!(result["counterFactual"]["answer"], "changes");
    assert_eq!(result["counterFactual"]["sets"][0][0]["kind"], "evidence");
    assert_eq!(result["decision"]["verdict"], "fail");
    assert_eq!(result["exitCode"], 12);
    // What would make it pass is said in the words of what was written.
    for (flags, code, words) in [
        (
            "--key other.pub",
            12,
            "there is a signature by `--key other.pub`",
        ),
        (
            "--certificate-identity a@b.example --certificate-oidc-issuer https://i.example",
            13,
            "there is a signature by `--certificate-identity a@b.example`",
        ),
        (
            "--github-repository acme/app --github-ref refs/heads/main",
            13,
            "there is a signature by `--github-repository acme/app --github-ref refs/heads/main`",
        ),
    ] {
        let run = workshop
            .run(&format!("policy explain {flags} oci:image:1.0"))
            .ends(code);
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
}

#[test]
fn the_page_is_written_whole_and_shows_hostile_evidence_as_text() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let layout = countersign_registry::layout::Layout::open(workshop.file("image")).unwrap();
    let hostile = br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"</dd><script>alert(1)</script>"}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAA"},"signature":"AAAA"}}"#;
    attach(&layout, &digest, hostile, "<script>alert(2)</script>");
    workshop
        .run("policy explain --policy policy.yaml --html why.html oci:image:1.0")
        .ends(12)
        .says("why.html");
    let page = String::from_utf8(workshop.read("why.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains(&digest.to_string()));
    workshop
        .run("policy explain --policy policy.yaml --html why.html oci:image:1.0")
        .ends(2)
        .says("exists");
    workshop
        .run("policy explain --policy policy.yaml --html why.html --yes oci:image:1.0")
        .ends(12);
    workshop
        .run("policy explain --policy policy.yaml oci:absent:1.0")
        .ends(11);
}

#[test]
fn what_stands_in_the_way_before_any_rule_is_explained_in_every_form() {
    let workshop = Workshop::new();
    let digest = workshop.signed_layout("image");
    let policy = |more: &str| {
        let text = format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers: {{team: {{key: {{file: release.pub}}}}}}\n  require: {{signature: {{by: team}}}}\n"
        );
        workshop.write("p.yaml", text.as_bytes());
    };
    for (more, lifted, words) in [
        (
            format!("deny: {{digests: [\"{digest}\"]}}"),
            "denied-digest",
            format!("policy `p` does not have {digest} on its deny-list"),
        ),
        (
            "expires: 2020-01-01".to_owned(),
            "policy-expired",
            "policy `p` is not over, which passes nothing after 2020-01-01T23:59:59Z".to_owned(),
        ),
    ] {
        policy(&more);
        let run = workshop
            .run("policy explain --policy p.yaml --html p.html --yes oci:image:1.0")
            .ends(12);
        assert!(run.stdout.contains(&words), "{run:?}");
        let page = String::from_utf8(workshop.read("p.html")).unwrap();
        // The page writes quotes of every kind as entities.
        let plain = words.trim_start_matches("policy `p` ");
        assert!(page.contains(plain), "{page}");
        let json = workshop
            .run("-o json policy explain --policy p.yaml oci:image:1.0")
            .ends(12)
            .json();
        let change = &json["result"]["counterFactual"];
        assert_eq!(change["sets"][0][0]["lifted"], lifted, "{change}");
        assert_eq!(change["facts"], 1);
    }
    policy("scope: {images: [\"ghcr.io/acme/**\"]}");
    let run = workshop
        .run("policy explain --policy p.yaml oci:image:1.0")
        .ends(12);
    assert!(
        run.stdout.contains("no policy speaks of it, and one must"),
        "{run:?}"
    );
    let json = workshop
        .run("-o json policy explain --policy p.yaml oci:image:1.0")
        .ends(12)
        .json();
    assert_eq!(json["result"]["counterFactual"]["answer"], "no-policy");
}

#[test]
fn a_recorded_image_is_verified_explained_and_tested_without_its_registry() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    push_image(server.store().as_ref(), "1.0", "genuine");
    let name = format!("{}:1.0", server.name());
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}"))
        .ends(0);
    workshop
        .run(&format!(
            "policy record --allow-http --policy policy.yaml --out app.tar {name}"
        ))
        .ends(0)
        .says("1 piece of evidence");
    workshop
        .run(&format!("policy record --allow-http --out app.tar {name}"))
        .ends(2)
        .says("exists");
    let first = workshop.read("app.tar");
    drop(server);
    let run = workshop
        .run("verify --offline --pack app.tar --key release.pub")
        .ends(0);
    assert!(run.stdout.contains("@sha256:"), "{run:?}");
    workshop
        .run(&format!("verify --pack app.tar --key other.pub {name}"))
        .ends(12);
    workshop
        .run("verify --pack app.tar --key release.pub other/image:1.0")
        .ends(2)
        .says("no record");
    workshop
        .run("verify --pack policy.yaml --key release.pub")
        .ends(2);
    let run = workshop
        .run("policy explain --pack app.tar --as-recorded")
        .ends(0)
        .says("whoever wrote the pack chose both");
    assert!(run.stdout.contains("nothing: it passes"), "{run:?}");
    workshop
        .run("policy explain --pack app.tar --key other.pub")
        .ends(12);
    assert_eq!(workshop.read("app.tar"), first, "a pack is only read");
}

#[test]
fn a_table_of_tests_says_what_differs_and_writes_junit() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop.layout("unsigned", "1.0", "other");
    workshop
        .run("policy record --out both.tar oci:image:1.0 oci:unsigned:1.0")
        .ends(0);
    let head = "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\npack: both.tar\npolicies: [policy.yaml]\ncases:\n";
    let good = format!(
        "{head}  - {{name: signed, image: \"oci:image:1.0\", expect: pass, exitCode: 0, action: admit}}\n  - {{name: unsigned, image: \"oci:unsigned:1.0\", expect: fail, codes: [no-evidence], reasons: [\"no signature by\"], exitCode: 10}}\n"
    );
    workshop.write("good.yaml", good.as_bytes());
    let run = workshop
        .run("policy test good.yaml --junit good.xml")
        .ends(0);
    assert!(run.stdout.contains("ok: good.yaml:7: signed"), "{run:?}");
    let report = String::from_utf8(workshop.read("good.xml")).unwrap();
    assert!(report.contains("tests=\"2\" failures=\"0\""), "{report}");
    let bad = format!(
        "{head}  - {{name: \"a <b> & c\", image: \"oci:unsigned:1.0\", expect: pass}}\n  - {{name: code, image: \"oci:unsigned:1.0\", expect: fail, codes: [identity], exitCode: 12}}\n"
    );
    workshop.write("bad.yaml", bad.as_bytes());
    let run = workshop
        .run("policy test bad.yaml --junit bad.xml")
        .ends(12);
    for words in [
        "FAIL: bad.yaml:7: a <b> & c",
        "verdict: expected pass, came to fail",
        "code: expected identity, found no-evidence",
        "exit code: expected 12, came to 10",
    ] {
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
    let report = String::from_utf8(workshop.read("bad.xml")).unwrap();
    assert!(report.contains("a &lt;b&gt; &amp; c"), "{report}");
    let json = workshop.run("-o json policy test bad.yaml").ends(12).json();
    assert_eq!(json["result"]["failed"], 2);
    // A folder: what is no table is passed over.
    let run = workshop.run("policy test .").ends(12);
    assert_eq!(run.stdout.matches("ok: ").count(), 2, "{run:?}");
}

#[test]
fn a_broken_table_is_refused_with_its_place() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop
        .run("policy record --out p.tar oci:image:1.0")
        .ends(0);
    let table = |cases: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {{name: t}}\npack: p.tar\npolicies: [policy.yaml]\ncases:\n  - {cases}\n"
        )
    };
    for (cases, words) in [
        ("{name: a, expects: pass}", "did you mean `expect`?"),
        (
            "{name: a, expect: passes}",
            "write one of `pass`, `fail`, `unknown`",
        ),
        ("{name: a, expect: pass, now: today}", "`today` is no time"),
        ("{name: a, expect: pass, exitCode: many}", "t.yaml:7:"),
        (
            "{name: a, expect: pass}\n  - {name: a, expect: fail}",
            "two cases bear the name",
        ),
        ("{name: a, expect: pass, pack: absent.tar}", "absent.tar"),
        (
            "{name: a, expect: pass, policies: [absent.yaml]}",
            "absent.yaml",
        ),
        ("{name: a, expect: pass, image: x}", "no record of `x`"),
    ] {
        workshop.write("t.yaml", table(cases).as_bytes());
        let run = workshop.run("policy test t.yaml").ends(2);
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(all.contains(words), "{words}: {run:?}");
    }
    workshop.write("t.yaml", table("{name: a, expect: pass}").as_bytes());
    workshop.run("policy test t.yaml").ends(0);
    workshop
        .run("policy test policy.yaml")
        .ends(2)
        .says("kind is `Policy`");
}

#[test]
fn the_tables_of_the_book_come_out_as_they_say() {
    let workshop = Workshop::new();
    let book = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/policy/tests/example-package"
    );
    let run = workshop
        .run(&format!("--offline policy test {book}"))
        .ends(0)
        .says("14 of 14");
    assert_eq!(run.stdout.matches("ok: ").count(), 14);
}

#[test]
fn a_fault_in_a_policy_is_said_once() {
    let workshop = Workshop::new();
    workshop.write(
        "wrong.yaml",
        b"apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: wrong}\nspec:\n  signer: {}\n",
    );
    let run = workshop.run("policy check wrong.yaml").ends(2);
    assert_eq!(run.stderr.matches("signer").count(), 2, "{run:?}");
    assert!(run.stderr.starts_with("wrong.yaml:5:3: error: "), "{run:?}");
    let run = workshop.run("-o json policy check wrong.yaml").ends(2);
    assert_eq!(run.json()["error"]["code"], "policy-unknown-field");
    assert_eq!(run.stderr.matches("error:").count(), 1, "{run:?}");
}
