//! `policy explain` and the other commands about policies.

use crate::workshop::{Workshop, attach};

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
