//! `--format legacy|both`: what cosign 2, podman, CRI-O and policy-controller read.

use bytes::Bytes;
use countersign_formats::{Manifest, SimpleSigning, media_types};
use countersign_registry::{Store, fallback_tag};

use crate::loopback::Loopback;
use crate::workshop::{Workshop, push_image, wait};

/// The layers under a legacy tag of the image.
fn layers(store: &dyn Store, image: &str, suffix: &str) -> Vec<countersign_formats::Descriptor> {
    let digest = image.split('@').next_back().unwrap();
    let digest = countersign_formats::Digest::parse(digest).unwrap();
    let tag = format!("{}{suffix}", fallback_tag(&digest));
    match wait(store.tag(&tag)).unwrap().map(|found| found.manifest) {
        Some(Manifest::Image(manifest)) => {
            assert_eq!(manifest.media_type, media_types::OCI_MANIFEST);
            assert_eq!(manifest.config.media_type, media_types::OCI_CONFIG);
            let config = wait(store.blob(&manifest.config, 1 << 20)).unwrap();
            let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
            let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
            assert_eq!(diff_ids.len(), manifest.layers.len());
            manifest.layers
        }
        Some(Manifest::Index(_)) => panic!("{tag} is an index"),
        None => Vec::new(),
    }
}

fn scene() -> (Workshop, Loopback, String) {
    let workshop = Workshop::new();
    let registry = Loopback::start(&workshop.file("registry"));
    let digest = push_image(registry.store().as_ref(), "1.0", "genuine");
    let image = format!("{}@{digest}", registry.name());
    (workshop, registry, image)
}

#[test]
fn a_legacy_signature_is_a_layer_and_the_layers_of_others_stay() {
    let (workshop, registry, image) = scene();
    let sign = "sign --allow-http --format legacy";
    let json = workshop
        .run(&format!(
            "{sign} --key plain.key -a env=prod -o json {image}"
        ))
        .ends(0)
        .json();
    let entry = &json["result"]["images"][0];
    assert_eq!(entry["legacy"]["layers"], 1);
    assert_eq!(entry["signer"]["kind"], "key");
    assert_eq!(entry["bundle"], serde_json::Value::Null);
    workshop
        .run(&format!("{sign} --key other.key {image}"))
        .ends(0)
        .says(" of 2)");
    let store = registry.store();
    let layers = layers(store.as_ref(), &image, ".sig");
    assert_eq!(layers.len(), 2);
    let payload = wait(store.blob(&layers[0], 1 << 20)).unwrap();
    let parsed = SimpleSigning::parse(&Bytes::clone(&payload)).unwrap();
    assert_eq!(parsed.docker_reference, registry.name());
    assert_eq!(parsed.optional["env"], "prod");
    assert_eq!(layers[0].media_type, media_types::SIMPLE_SIGNING);
    assert!(
        layers[0]
            .annotations
            .contains_key("dev.cosignproject.cosign/signature")
    );
    let verify = "verify --allow-http --no-cache --key";
    workshop
        .run(&format!("{verify} release.pub -a env=prod {image}"))
        .ends(0);
    workshop.run(&format!("{verify} other.pub {image}")).ends(0);
    workshop
        .run(&format!("{verify} other.pub -a env=prod {image}"))
        .ends(12);
}

#[test]
fn both_forms_are_written_and_each_is_enough() {
    let (workshop, registry, image) = scene();
    let json = workshop
        .run(&format!(
            "sign --allow-http --format both --key plain.key -o json {image}"
        ))
        .ends(0)
        .json();
    let entry = &json["result"]["images"][0];
    assert!(entry["bundle"].is_string() && entry["legacy"]["tag"].is_string());
    assert_eq!(layers(registry.store().as_ref(), &image, ".sig").len(), 1);
    workshop
        .run(&format!("attest --allow-http --format both --key plain.key --type spdxjson --predicate sbom.json {image}"))
        .ends(0);
    let store = registry.store();
    let layers = layers(store.as_ref(), &image, ".att");
    assert_eq!(layers[0].media_type, media_types::DSSE_ENVELOPE);
    assert_eq!(
        layers[0].annotations["predicateType"],
        "https://spdx.dev/Document"
    );
    assert_eq!(
        layers[0].annotations["dev.cosignproject.cosign/signature"],
        ""
    );
    let listed = workshop
        .run(&format!("discover --allow-http {image}"))
        .ends(0);
    assert_eq!(
        listed.stdout.matches("[signed, not verified]").count(),
        6,
        "{listed:?}"
    );
}

#[test]
fn a_legacy_attestation_verifies_without_a_bundle() {
    let (workshop, _registry, image) = scene();
    let run = workshop
        .run(&format!("attest --allow-http --format legacy --key plain.key --type spdxjson --predicate sbom.json {image}"))
        .ends(0);
    assert_eq!(run.stdout.trim(), image);
    let verify = "verify-attestation --allow-http --type spdxjson --key";
    workshop
        .run(&format!("{verify} release.pub {image}"))
        .ends(0);
    workshop
        .run(&format!("{verify} other.pub {image}"))
        .ends(12);
}

#[test]
fn signers_at_once_lose_nothing() {
    let (workshop, registry, image) = scene();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (workshop, image) = (&workshop, &image);
            scope.spawn(move || {
                workshop
                    .run(&format!(
                        "sign --allow-http --format legacy --key plain.key -a n={number} {image}"
                    ))
                    .ends(0);
            });
        }
    });
    assert_eq!(layers(registry.store().as_ref(), &image, ".sig").len(), 6);
}

#[test]
fn a_tag_that_holds_something_else_is_left_alone() {
    let (workshop, registry, image) = scene();
    let digest = countersign_formats::Digest::parse(image.split('@').next_back().unwrap()).unwrap();
    let tag = format!("{}.sig", fallback_tag(&digest));
    push_image(registry.store().as_ref(), &tag, "another image");
    workshop
        .run(&format!(
            "sign --allow-http --format legacy --key plain.key {image}"
        ))
        .ends(20)
        .says("should hold signatures");
    // Beside it, the bundle is written as ever.
    workshop
        .run(&format!("sign --allow-http --key plain.key {image}"))
        .ends(0);
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_signed() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    for (flags, said) in [
        (
            "--format legacy --bundle b oci:image:1.0",
            "makes no bundle",
        ),
        (
            "--format both --no-upload --bundle b oci:image:1.0",
            "stores nothing",
        ),
        ("--format both oci:image:1.0", "is no registry"),
    ] {
        workshop
            .run(&format!("sign --key plain.key {flags}"))
            .ends(2)
            .says(said);
    }
}
