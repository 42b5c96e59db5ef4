//! `--platform` and `--all-platforms`: images inside an index, by the index's own bytes.

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, Platform, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::layout::Layout;
use countersign_registry::{Store, Target};

use crate::workshop::{Workshop, push_image, wait};

/// A layout `multi` with an index of three platforms and one BuildKit attestation under `1.0`.
fn multi(workshop: &Workshop) -> (Digest, Vec<Digest>) {
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
