//! `--platform` and `--all-platforms`: images inside an index, by the index's own bytes.

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Platform, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::layout::Layout;
use countersign_registry::{Store, Target};

use crate::workshop::{Workshop, push_image, wait};

/// A layout `multi` with an index of three platforms and one BuildKit attestation under `1.0`.
pub(crate) fn multi(workshop: &Workshop) -> (Digest, Vec<Digest>) {
    let layout = Layout::create(workshop.file("multi")).unwrap();
    let mut children = Vec::new();
    let mut index = ImageIndex {
        media_type: media_types::OCI_INDEX.to_owned(),
        ..ImageIndex::default()
    };
    for (architecture, variant) in [
        ("amd64", None),
        ("arm64", Some("v8")),
        ("arm", Some("v7")),
        ("unknown", None),
    ] {
        let digest = push_image(&layout, &format!("tmp-{architecture}"), architecture);
        let resolved = wait(layout.resolve(&Target::Digest(digest))).unwrap();
        let mut entry =
            Descriptor::new(media_types::OCI_MANIFEST, digest, resolved.descriptor.size);
        entry.platform = Some(Platform {
            os: if architecture == "unknown" {
                "unknown"
            } else {
                "linux"
            }
            .to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            ..Platform::default()
        });
        if architecture == "unknown" {
            entry.annotations.insert(
                media_types::ANNOTATION_BUILDKIT_TYPE.to_owned(),
                "attestation-manifest".to_owned(),
            );
        } else {
            children.push(digest);
        }
        index.manifests.push(entry);
    }
    let bytes = Bytes::from(index.to_json());
    wait(layout.push_manifest(bytes.clone(), media_types::OCI_INDEX, Some("1.0"))).unwrap();
    (sha256(&bytes), children)
}

#[test]
fn a_platform_is_signed_and_verified_inside_its_index() {
    let workshop = Workshop::new();
    let (index, children) = multi(&workshop);
    let run = workshop
        .run("sign --key plain.key --platform linux/arm64 oci:multi:1.0")
        .ends(0)
        .says("linux/arm64/v8 of oci:multi@");
    assert_eq!(run.stdout.trim(), format!("oci:multi@{}", children[1]));
    let verify = "verify --key release.pub oci:multi:1.0";
    workshop
        .run(&format!("{verify} --platform linux/arm64"))
        .ends(0);
    // The index and the other platforms are not signed by that.
    workshop.run(verify).ends(10);
    workshop
        .run(&format!("{verify} --platform linux/amd64"))
        .ends(10);
    workshop.run(&format!("{verify} --all-platforms")).ends(10);
    let json = workshop
        .run("sign --key plain.key --all-platforms -o json oci:multi:1.0")
        .ends(0)
        .json();
    assert_eq!(json["result"]["images"].as_array().unwrap().len(), 3);
    workshop.run(&format!("{verify} --all-platforms")).ends(0);
    workshop
        .run(&format!("verify --key release.pub oci:multi@{index}"))
        .ends(10);
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json --platform linux/arm --platform linux/amd64 oci:multi:1.0")
        .ends(0);
    workshop
        .run("verify-attestation --key release.pub --type spdxjson --platform linux/arm/v7 oci:multi:1.0")
        .ends(0);
}

#[test]
fn a_platform_that_is_not_there_is_named() {
    let workshop = Workshop::new();
    let (_, children) = multi(&workshop);
    let verify = "verify --key release.pub";
    workshop
        .run(&format!("{verify} --platform windows/amd64 oci:multi:1.0"))
        .ends(11)
        .says("linux/arm/v7");
    let one = format!("oci:multi@{}", children[0]);
    workshop
        .run(&format!("{verify} --platform linux/amd64 {one}"))
        .ends(2)
        .says("no index");
    workshop
        .run(&format!(
            "{verify} --platform linux/amd64 --all-platforms oci:multi:1.0"
        ))
        .ends(2);
    workshop
        .run("sign --key plain.key --all-platforms --bundle b oci:multi:1.0")
        .ends(2)
        .says("one file");
}

/// A policy that asks for a signature by `team` under these terms.
fn policy(workshop: &Workshop, terms: &str) {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: terms}}\nspec:\n  signers: {{team: {{key: {{file: release.pub}}}}}}\n  require: {{signature: {{by: team, {terms}}}}}\n"
    );
    workshop.write("terms.yaml", text.as_bytes());
}

/// Terms with the exit codes for `linux/arm64` of the index and for the index itself.
type Expected = (&'static str, i32, i32);

const INDEX: &str = "subject: index";
const PLATFORM: &str = "subject: platform";
const PLATFORM_VIA: &str = "subject: platform, via: index";
const EACH: &str = "subject: eachPlatform";
const EACH_VIA: &str = "subject: eachPlatform, via: index";

fn judged(workshop: &Workshop, expected: &[Expected]) {
    workshop
        .run("policy record --yes --out multi.tar oci:multi:1.0")
        .ends(0);
    for (terms, platform, index) in expected {
        policy(workshop, terms);
        for place in ["oci:multi:1.0", "--pack multi.tar oci:multi:1.0"] {
            let line = format!("verify --policy terms.yaml {place}");
            let chosen = format!("{line} --platform linux/arm64");
            assert_eq!(workshop.run(&chosen).code, *platform, "{terms}: {chosen}");
            assert_eq!(workshop.run(&line).code, *index, "{terms}: {line}");
            let explain = format!("policy explain --policy terms.yaml {place}");
            let chosen = format!("{explain} --platform linux/arm64");
            assert_eq!(workshop.run(&chosen).code, *platform, "{terms}: {chosen}");
        }
    }
}

#[test]
fn what_an_index_says_of_its_platforms_is_what_the_rule_says() {
    let workshop = Workshop::new();
    let (index, children) = multi(&workshop);
    // The index alone is signed.
    workshop.run("sign --key plain.key oci:multi:1.0").ends(0);
    judged(
        &workshop,
        &[
            (INDEX, 0, 0),
            (PLATFORM, 10, 12),
            (PLATFORM_VIA, 0, 0),
            (EACH, 10, 12),
            (EACH_VIA, 0, 0),
        ],
    );
    policy(&workshop, PLATFORM_VIA);
    let json = workshop
        .run("verify -o json --policy terms.yaml --platform linux/arm64 oci:multi:1.0")
        .ends(0)
        .json();
    let image = &json["result"]["images"][0];
    assert_eq!(image["digest"], children[1].to_string());
    assert_eq!(image["decision"]["index"], index.to_string());
    workshop
        .run("verify --policy terms.yaml --all-platforms oci:multi:1.0")
        .ends(0);
    // By its own digest alone nothing says that an index lists it.
    let child = format!("oci:multi@{}", children[1]);
    workshop
        .run(&format!("verify --policy terms.yaml {child}"))
        .ends(10);
    policy(&workshop, INDEX);
    workshop
        .run(&format!("verify --policy terms.yaml {child}"))
        .ends(10)
        .says("was not reached through one")
        .says("choose it there with `--platform`");
    // Now one platform's image is signed as well, and then all.
    workshop
        .run("sign --key plain.key --platform linux/arm64 oci:multi:1.0")
        .ends(0);
    judged(&workshop, &[(PLATFORM, 0, 12), (EACH, 12, 12)]);
    workshop
        .run("sign --key plain.key --all-platforms oci:multi:1.0")
        .ends(0);
    judged(&workshop, &[(PLATFORM, 0, 0), (EACH, 0, 0)]);
}

#[test]
fn a_signed_platform_says_nothing_of_its_index() {
    let workshop = Workshop::new();
    multi(&workshop);
    workshop
        .run("sign --key plain.key --platform linux/arm64 oci:multi:1.0")
        .ends(0);
    judged(
        &workshop,
        &[
            (INDEX, 12, 10),
            (PLATFORM, 0, 12),
            (PLATFORM_VIA, 0, 12),
            (EACH_VIA, 12, 12),
        ],
    );
    // An index by somebody else counts no more than an image by somebody else.
    workshop.run("sign --key other.key oci:multi:1.0").ends(0);
    judged(&workshop, &[(INDEX, 12, 12), (EACH_VIA, 12, 12)]);
}

#[test]
fn an_attestation_and_a_table_of_tests_are_judged_through_the_index_as_well() {
    let workshop = Workshop::new();
    multi(&workshop);
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json --platform linux/amd64 oci:multi:1.0")
        .ends(0);
    workshop.run("sign --key plain.key oci:multi:1.0").ends(0);
    workshop
        .run("policy record --out multi.tar oci:multi:1.0")
        .ends(0);
    let attested = "verify-attestation --key release.pub --type spdxjson --pack multi.tar";
    workshop
        .run(&format!("{attested} --platform linux/amd64"))
        .ends(0);
    workshop
        .run(&format!("{attested} --platform linux/arm64"))
        .ends(10);
    workshop
        .run(&format!("{attested} --platform linux/s390x"))
        .ends(11)
        .says("linux/arm/v7");
    // The index is signed, and that is no SBOM.
    workshop.run(attested).ends(12);
    policy(&workshop, PLATFORM_VIA);
    let table = |platform: &str, expect: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {{name: t}}\npack: multi.tar\npolicies: [terms.yaml]\ncases:\n  - {{name: platform, platform: {platform}, expect: {expect}}}\n"
        )
    };
    workshop.write("t.yaml", table("linux/arm64", "pass").as_bytes());
    workshop.run("policy test t.yaml").ends(0);
    workshop.write("t.yaml", table("linux/s390x", "pass").as_bytes());
    let run = workshop.run("policy test t.yaml").ends(11);
    assert!(run.stdout.contains("has no image for"), "{run:?}");
    policy(&workshop, PLATFORM);
    workshop.write("t.yaml", table("linux/arm64", "pass").as_bytes());
    workshop.run("policy test t.yaml").ends(12);
    workshop.write("t.yaml", table("linux/arm64", "fail").as_bytes());
    workshop.run("policy test t.yaml").ends(0);
}

#[test]
fn an_entry_with_a_platform_is_an_image_whatever_its_annotations_say() {
    let workshop = Workshop::new();
    let layout = Layout::create(workshop.file("sly")).unwrap();
    let mut index = ImageIndex {
        media_type: media_types::OCI_INDEX.to_owned(),
        ..ImageIndex::default()
    };
    let mut digests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let digest = push_image(&layout, &format!("tmp-{architecture}"), architecture);
        let size = wait(layout.resolve(&Target::Digest(digest)))
            .unwrap()
            .descriptor
            .size;
        let mut entry = Descriptor::new(media_types::OCI_MANIFEST, digest, size);
        entry.platform = Some(Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            ..Platform::default()
        });
        // A runtime chooses by platform, and would run this one.
        if architecture == "arm64" {
            entry.annotations.insert(
                media_types::ANNOTATION_BUILDKIT_TYPE.to_owned(),
                "attestation-manifest".to_owned(),
            );
        }
        digests.push(digest);
        index.manifests.push(entry);
    }
    let bytes = Bytes::from(index.to_json());
    wait(layout.push_manifest(bytes, media_types::OCI_INDEX, Some("1.0"))).unwrap();
    workshop
        .run(&format!("sign --key plain.key oci:sly@{}", digests[0]))
        .ends(0);
    let verify = "verify --key release.pub --all-platforms oci:sly:1.0";
    workshop.run(verify).ends(10);
    workshop.run("sign --key plain.key -r oci:sly:1.0").ends(0);
    workshop.run(verify).ends(0);
}
