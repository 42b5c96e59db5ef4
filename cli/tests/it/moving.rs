//! `copy`, `save`, `load`, `download`, `attach`: images and their evidence from place to place.

use std::fs;

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, ImageIndex, KeyKind, Manifest, Platform, encode_base64, media_types,
};
use countersign_proof::{Scheme, digest};
use countersign_registry::layout::Layout;
use countersign_registry::{Store, Target};
use countersign_sign::PrivateKey;
use serde_json::json;

use crate::loopback::Loopback;
use crate::program::{command, finish};
use crate::workshop::{Workshop, push_image, wait};

/// An index of two images in `store` under `tag`: its digest and the first image's.
pub(crate) fn push_index(store: &dyn Store, tag: &str) -> (Digest, Digest) {
    let mut index = ImageIndex::default();
    let mut first = None;
    for architecture in ["amd64", "arm64"] {
        let image = push_image(store, architecture, architecture);
        first.get_or_insert(image);
        let resolved = wait(store.resolve(&Target::Digest(image))).unwrap();
        let mut entry = resolved.descriptor;
        entry.platform = Some(Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
            os_version: None,
            extra: Vec::new(),
        });
        index.manifests.push(entry);
    }
    let bytes = Bytes::from(index.to_json());
    let pushed = wait(store.push_manifest(bytes, media_types::OCI_INDEX, Some(tag))).unwrap();
    (pushed.descriptor.digest, first.unwrap())
}

/// A registry with a signed and attested index, of which one platform is signed, too.
pub(crate) fn furnished(workshop: &Workshop, server: &Loopback) -> (Digest, Digest) {
    let (index, platform) = push_index(server.store().as_ref(), "v1");
    let name = server.name();
    for line in [
        format!("sign --allow-http --key plain.key {name}@{index}"),
        format!("sign --allow-http --key plain.key {name}@{platform}"),
        format!(
            "attest --allow-http --key plain.key --type spdxjson --predicate sbom.json {name}@{index}"
        ),
    ] {
        workshop.run(&line).ends(0);
    }
    (index, platform)
}

#[test]
fn an_index_with_its_platforms_and_evidence_survives_every_kind_of_place() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let other = Loopback::start(&workshop.file("other"));
    let (index, platform) = furnished(&workshop, &server);
    let name = server.name();
    let far = other.name();
    let copied = workshop
        .run(&format!(
            "copy --allow-http --output json {name}:v1 oci:lay:v1"
        ))
        .ends(0)
        .json();
    assert_eq!(copied["result"]["digest"], index.to_string());
    assert_eq!(copied["result"]["children"], 2);
    assert_eq!(copied["result"]["evidence"].as_array().unwrap().len(), 3);
    workshop
        .run("copy oci:lay:v1 oci-archive:app.tar:v1")
        .ends(0);
    let loaded = workshop
        .run(&format!(
            "copy --allow-http oci-archive:app.tar:v1 {far}:v1"
        ))
        .ends(0)
        .says("not verified");
    assert_eq!(loaded.stdout, format!("{far}@{index}\n"));
    for image in [
        "oci:lay:v1".to_owned(),
        "oci-archive:app.tar:v1".to_owned(),
        format!("{far}:v1"),
        format!("{far}@{platform}"),
    ] {
        workshop
            .run(&format!("verify --allow-http --key release.pub {image}"))
            .ends(0);
    }
    workshop
        .run(&format!(
            "verify-attestation --allow-http --key release.pub --type spdxjson {far}:v1"
        ))
        .ends(0);
    // Again: nothing moves.
    let again = workshop
        .run(&format!(
            "copy --allow-http --output json oci-archive:app.tar:v1 {far}:v1"
        ))
        .ends(0)
        .json();
    assert_eq!(again["result"]["blobs"]["carried"], 0);
    // Within a registry blobs are mounted.
    let elsewhere = far.replace("acme/app", "prod/app");
    let mounted = workshop
        .run(&format!(
            "copy --allow-http --output json {far}:v1 {elsewhere}:v1"
        ))
        .ends(0)
        .json();
    assert_eq!(mounted["result"]["blobs"]["carried"], 0);
    assert!(mounted["result"]["blobs"]["mounted"].as_u64().unwrap() > 0);
    workshop
        .run(&format!(
            "verify --allow-http --key release.pub {elsewhere}:v1"
        ))
        .ends(0);
}

#[test]
fn the_layout_that_is_written_lists_the_image_and_its_evidence_and_no_children() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let (index, _) = furnished(&workshop, &server);
    workshop
        .run(&format!(
            "save --allow-http --dir saved {}:v1",
            server.name()
        ))
        .ends(0);
    let listed = Layout::open(workshop.file("saved"))
        .unwrap()
        .index()
        .unwrap();
    assert_eq!(
        listed.manifests.len(),
        4,
        "the index and three pieces of evidence"
    );
    let named: Vec<&Descriptor> = listed
        .manifests
        .iter()
        .filter(|entry| {
            entry
                .annotations
                .contains_key(media_types::ANNOTATION_REF_NAME)
        })
        .collect();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].digest, index);
    workshop.run("verify --key release.pub oci:saved").ends(0);
    let other = Loopback::start(&workshop.file("other"));
    workshop
        .run(&format!(
            "load --allow-http --dir saved {}:v2",
            other.name()
        ))
        .ends(0);
    workshop
        .run(&format!(
            "verify --allow-http --key release.pub {}:v2",
            other.name()
        ))
        .ends(0);
}

#[test]
fn the_same_image_makes_the_same_archive() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop.run("save --file one.tar oci:image:1.0").ends(0);
    workshop.run("save --file two.tar oci:image:1.0").ends(0);
    assert!(workshop.read("one.tar") == workshop.read("two.tar"));
}

#[test]
fn what_is_not_wanted_stays_behind() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let (_, platform) = furnished(&workshop, &server);
    let name = server.name();
    let evidence = |line: &str| {
        let run = workshop
            .run(&format!("copy --allow-http --output json {line}"))
            .ends(0)
            .json();
        run["result"]["evidence"].as_array().unwrap().len()
    };
    assert_eq!(evidence(&format!("--no-evidence {name}:v1 oci:a:v1")), 0);
    assert_eq!(evidence(&format!("--only signature {name}:v1 oci:b:v1")), 2);
    assert_eq!(evidence(&format!("--only spdxjson {name}:v1 oci:c:v1")), 1);
    assert_eq!(
        evidence(&format!("--platform linux/amd64 {name}:v1 oci:d:v1")),
        1
    );
    let here = wait(
        Layout::open(workshop.file("d"))
            .unwrap()
            .resolve(&Target::Sole),
    )
    .unwrap();
    assert_eq!(here.descriptor.digest, platform);
    assert!(matches!(here.manifest, Manifest::Image(_)));
    workshop
        .run(&format!(
            "copy --allow-http --platform linux/s390x {name}:v1 oci:e:v1"
        ))
        .ends(11)
        .says("linux/amd64");
    workshop
        .run(&format!(
            "copy --allow-http --platform linux/amd64 {name}@{platform} oci:e:v1"
        ))
        .ends(2)
        .says("no index");
}

#[test]
fn several_platforms_arrive_by_their_own_digests() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let other = Loopback::start(&workshop.file("other"));
    let (index, amd64) = furnished(&workshop, &server);
    let (name, far) = (server.name(), other.name());
    let both = "--platform linux/amd64 --platform linux/arm64";
    for destination in [format!("{far}:v1"), format!("{far}@{index}")] {
        workshop
            .run(&format!("copy --allow-http {both} {name}:v1 {destination}"))
            .ends(2)
            .says("leave its tag off");
    }
    assert!(wait(other.store().tags()).is_err(), "nothing was written");
    let copied = workshop
        .run(&format!(
            "copy --allow-http {both} --platform linux/amd64 {name}:v1 {far}"
        ))
        .ends(0)
        .says("the index itself stays behind");
    let lines: Vec<&str> = copied.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "each once: {lines:?}");
    assert_eq!(lines[0], format!("{far}@{amd64}"));
    for line in &lines {
        let digest = Digest::parse(line.split('@').next_back().unwrap()).unwrap();
        assert!(wait(other.store().exists(&digest)).unwrap());
    }
    assert!(!wait(other.store().exists(&index)).unwrap());
    assert!(wait(other.store().tag("v1")).unwrap().is_none());
    workshop
        .run(&format!(
            "verify --allow-http --key release.pub {far}@{amd64}"
        ))
        .ends(0);
    // Into a file, and out of it by digest.
    let saved = workshop
        .run(&format!(
            "save --allow-http {both} --output json --file both.tar {name}:v1"
        ))
        .ends(0)
        .json();
    assert_eq!(saved["result"]["images"].as_array().unwrap().len(), 2);
    assert_eq!(saved["result"]["digest"], serde_json::Value::Null);
    workshop
        .run(&format!(
            "verify --key release.pub oci-archive:both.tar@{amd64}"
        ))
        .ends(0);
    // One image that was not signed is enough to write nothing.
    workshop
        .run(&format!(
            "copy --allow-http {both} --verify-first --key release.pub {name}:v1 oci:judged"
        ))
        .ends(10)
        .says("nothing was written");
    assert!(!workshop.file("judged").exists());
}

#[test]
fn an_index_with_some_of_its_platforms_stays_what_was_signed() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let other = Loopback::start(&workshop.file("other"));
    let (index, amd64) = furnished(&workshop, &server);
    let (name, far) = (server.name(), other.name());
    let sparse = "--platform linux/amd64 --sparse-index";
    workshop
        .run(&format!(
            "copy --allow-http --sparse-index {name}:v1 oci:whole:v1"
        ))
        .ends(2);
    for destination in ["oci:lay:v1", "oci-archive:lay.tar:v1"] {
        let copied = workshop
            .run(&format!(
                "copy --allow-http --output json {sparse} --verify-first --key release.pub {name}:v1 {destination}"
            ))
            .ends(0)
            .json();
        let result = &copied["result"];
        assert_eq!(result["digest"], index.to_string());
        assert_eq!(
            (&result["sparseIndex"], &result["children"]),
            (&true.into(), &1.into())
        );
        assert_eq!(result["evidence"].as_array().unwrap().len(), 3);
        workshop
            .run(&format!(
                "verify --allow-http --key release.pub {destination}"
            ))
            .ends(0);
        workshop
            .run(&format!(
                "verify --allow-http --key release.pub --platform linux/amd64 {destination}"
            ))
            .ends(0);
        // The other platform is no missing image: its index names it.
        workshop
            .run(&format!(
                "verify --allow-http --key release.pub --all-platforms {destination}"
            ))
            .ends(20)
            .says(&format!("the index `{index}` names"))
            .says("--platform PLATFORM");
    }
    let layout = Layout::open(workshop.file("lay")).unwrap();
    let there = |digest| wait(layout.exists(digest)).unwrap();
    let listed = wait(server.store().resolve(&Target::Digest(index))).unwrap();
    let Manifest::Index(entries) = listed.manifest else {
        panic!("an index");
    };
    assert!(there(&index) && there(&amd64) && !there(&entries.manifests[1].digest));
    // A registry that looks for what an index names takes none of these, and no tag is written.
    workshop
        .run(&format!("copy --allow-http {sparse} {name}:v1 {far}:v1"))
        .ends(20)
        .says("drop `--sparse-index`");
    assert!(wait(other.store().tag("v1")).unwrap().is_none());
    workshop
        .run("sign -r --key plain.key oci:lay:v1")
        .ends(20)
        .says(&format!("the index `{index}` names"));
    // On its way further the platforms are named again.
    workshop
        .run("copy oci:lay:v1 oci:further:v1")
        .ends(20)
        .says(&format!(
            "the index `{index}` names `{}`, which is not there",
            entries.manifests[1].digest
        ))
        .says("--sparse-index");
    workshop
        .run(&format!("copy {sparse} oci:lay:v1 oci:further:v1"))
        .ends(0);
}

#[test]
fn an_image_that_does_not_pass_is_not_copied() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let denied = workshop
        .run("copy --verify-first --key other.pub oci:image:1.0 oci:far:1.0")
        .ends(12)
        .says("nothing was written");
    assert_eq!(denied.stdout, "");
    assert!(!workshop.file("far").exists());
    workshop
        .run("copy --verify-first --key release.pub oci:image:1.0 oci:far:1.0")
        .ends(0)
        .says("[verified]");
    // A flag that says whom to trust must not be idle.
    workshop
        .run("copy --key release.pub oci:image:1.0 oci:farther:1.0")
        .ends(2)
        .says("--verify-first");
}

#[test]
fn a_destination_named_by_another_digest_is_refused() {
    let workshop = Workshop::new();
    let digest = workshop.signed_layout("image");
    let other = digest::sha256(b"another");
    workshop
        .run(&format!("copy oci:image:1.0 oci:far@{other}"))
        .ends(2)
        .says("named by");
    workshop
        .run(&format!("copy oci:image:1.0 oci:far@{digest}"))
        .ends(0);
}

#[test]
fn a_source_that_lies_leaves_no_tag() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    let layer = digest::sha256(b"genuine");
    let blob = workshop.file(&format!("image/blobs/sha256/{}", layer.hex()));
    // Each of the same size or not: neither arrives.
    for lie in ["changed", "genuine and more"] {
        fs::write(&blob, lie).unwrap();
        let server = Loopback::start(&workshop.file(&format!("registry-{}", lie.len())));
        workshop
            .run(&format!(
                "copy --allow-http oci:image:1.0 {}:1.0",
                server.name()
            ))
            .ends(20);
        let store = server.store();
        assert!(wait(store.tag("1.0")).unwrap().is_none(), "{lie}");
        workshop
            .run("copy oci:image:1.0 oci-archive:far.tar:1.0")
            .ends(20);
        assert!(!workshop.file("far.tar").exists());
    }
    fs::write(&blob, "genuine").unwrap();
    workshop
        .run("copy oci:image:1.0 oci-archive:far.tar:1.0")
        .ends(0);
}

/// A simple-signing signature as cosign 2 makes it: `NAME.json`, `NAME.sig` and the key in `NAME.pub`.
fn sign_simply(workshop: &Workshop, name: &str, digest: &Digest) {
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"acme/app"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    let signature = key
        .sign(Scheme::EcdsaP256Sha256, payload.as_bytes())
        .unwrap();
    workshop.write(&format!("{name}.json"), payload.as_bytes());
    workshop.write(&format!("{name}.sig"), encode_base64(&signature).as_bytes());
    workshop.write(&format!("{name}.pub"), key.public_key().to_pem().as_bytes());
}

#[test]
fn evidence_under_tags_comes_along_and_the_destinations_own_stays() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let digest = push_image(server.store().as_ref(), "1.0", "genuine");
    let name = server.name();
    let other = Loopback::start(&workshop.file("other"));
    let far = other.name();
    push_image(other.store().as_ref(), "1.0", "genuine");
    for (signer, place) in [("one", &name), ("two", &far)] {
        sign_simply(&workshop, signer, &digest);
        let attach = format!(
            "attach signature --allow-http --signature {signer}.sig --payload {signer}.json {place}:1.0"
        );
        workshop.run(&attach).ends(2);
        workshop
            .run(&format!("{attach} --key release.pub"))
            .ends(12);
        workshop
            .run(&format!("{attach} --key {signer}.pub"))
            .ends(0)
            .says("[verified]");
    }
    let copied = workshop
        .run(&format!(
            "copy --allow-http --output json {name}:1.0 {far}:1.0"
        ))
        .ends(0)
        .json();
    assert_eq!(copied["result"]["mergedTags"][0]["kept"], 1, "{copied:#}");
    for key in ["one.pub", "two.pub"] {
        workshop
            .run(&format!("verify --allow-http --key {key} {far}:1.0"))
            .ends(0);
    }
    let lines = workshop
        .run(&format!("download signature --allow-http {far}:1.0"))
        .ends(0);
    assert_eq!(lines.stdout.lines().count(), 2, "{lines:?}");
    assert!(lines.stdout.contains("Base64Signature"));
    // Into a layout and out of it.
    workshop
        .run(&format!("copy --allow-http {far}:1.0 oci:lay:1.0"))
        .ends(0);
    workshop.run("verify --key two.pub oci:lay:1.0").ends(0);
}

#[test]
fn what_a_predicate_states_is_printed_only_when_it_was_verified() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:image:1.0")
        .ends(0);
    workshop
        .run("download attestation --predicate oci:image:1.0")
        .ends(2)
        .says("--unverified");
    workshop.run("download sbom oci:image:1.0").ends(2);
    let denied = workshop
        .run("download sbom --key other.pub oci:image:1.0")
        .ends(12);
    assert_eq!(denied.stdout, "");
    let expected = "{\"spdxVersion\":\"SPDX-2.3\",\"name\":\"sbom\",\"packages\":[]}\n";
    for line in [
        "download sbom --key release.pub oci:image:1.0",
        "download attestation --predicate --key release.pub --type spdxjson oci:image:1.0",
        "download attestation --predicate --unverified oci:image:1.0",
    ] {
        assert_eq!(workshop.run(line).ends(0).stdout, expected, "{line}");
    }
    let envelopes = workshop.run("download attestation oci:image:1.0").ends(0);
    assert_eq!(envelopes.stdout.lines().count(), 1);
    assert!(envelopes.stdout.contains("payloadType"));
    let bundles = workshop.run("download bundle oci:image:1.0").ends(0);
    assert_eq!(bundles.stdout.lines().count(), 2);
    let signatures = workshop.run("download signature oci:image:1.0").ends(0);
    assert_eq!(signatures.stdout.lines().count(), 1);
    workshop.layout("bare", "1.0", "other");
    workshop.run("download bundle oci:bare:1.0").ends(10);
}

#[test]
fn a_piece_that_cannot_be_read_hides_no_other_and_is_no_missing_image() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:image:1.0")
        .ends(0);
    let whole = workshop
        .run("download signature --output json oci:image:1.0")
        .ends(0)
        .json();
    assert_eq!(whole["result"]["unread"], json!([]));
    let layout = Layout::open(workshop.file("image")).unwrap();
    let manifest: Digest = whole["result"]["items"][0]["manifest"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap();
    let resolved = wait(layout.resolve(&Target::Digest(manifest))).unwrap();
    let Manifest::Image(image) = resolved.manifest else {
        panic!("an image manifest");
    };
    let blob = workshop.file(&format!(
        "image/blobs/sha256/{}",
        image.layers[0].digest.hex()
    ));
    std::fs::remove_file(blob).unwrap();
    let run = workshop.run("download bundle oci:image:1.0").ends(20);
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    run.says(&format!("`{manifest}` could not be read: blob"));
    // What cannot be read may be what is asked for: that is no absence.
    let none = workshop
        .run("download signature --output json oci:image:1.0")
        .ends(20)
        .json();
    assert_eq!(none["result"]["items"], json!([]));
    assert_eq!(
        none["result"]["unread"][0]["manifest"],
        manifest.to_string()
    );
    for line in [
        "copy oci:image:1.0 oci:far:1.0",
        "save --file image.tar oci:image:1.0",
    ] {
        workshop.run(line).ends(20).says("push it again");
    }
    workshop
        .run("verify-attestation --type spdxjson --key release.pub oci:image:1.0")
        .ends(0);
}

#[test]
fn an_archive_that_is_cut_off_is_no_missing_layout() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    workshop.run("save --file image.tar oci:image:1.0").ends(0);
    workshop.run("load --file image.tar oci:whole:1.0").ends(0);
    let whole = workshop.read("image.tar");
    // Within the first file that holds more than a header's block.
    for length in [700, whole.len() / 2] {
        workshop.write("cut.tar", &whole[..length]);
        let run = workshop.run("load --file cut.tar oci:far:1.0").ends(20);
        run.says("fetch it again");
    }
}

#[test]
fn what_is_no_json_is_no_bill_of_materials_in_json() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.write("words.spdx", b"SPDXVersion: SPDX-2.3\n");
    let attach = "attach sbom --unverified --sbom words.spdx oci:image:1.0 --type";
    for format in ["spdxjson", "cyclonedx", "application/vnd.syft+json"] {
        workshop
            .run(&format!("{attach} {format}"))
            .ends(2)
            .says(&format!("is not JSON, which `--type {format}` says it is"));
    }
    workshop
        .run("download sbom --unverified oci:image:1.0")
        .ends(10);
    workshop.run(&format!("{attach} spdx")).ends(0);
}

#[test]
fn a_bundle_made_elsewhere_is_attached_when_it_counts_or_when_told_to() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop
        .run("sign --key plain.key --no-upload --bundle made.json oci:image:1.0")
        .ends(0);
    workshop
        .run("verify --key release.pub oci:image:1.0")
        .ends(10);
    workshop
        .run("attach bundle --bundle made.json oci:image:1.0")
        .ends(2)
        .says("--unverified");
    workshop
        .run("attach bundle --bundle made.json --key other.pub oci:image:1.0")
        .ends(12)
        .says("nothing was stored");
    workshop
        .run("verify --key release.pub oci:image:1.0")
        .ends(10);
    workshop
        .run("attach bundle --bundle made.json --key release.pub oci:image:1.0")
        .ends(0)
        .says("[verified]");
    workshop
        .run("verify --key release.pub oci:image:1.0")
        .ends(0);
    let other = workshop.layout("other", "1.0", "another");
    workshop
        .run(&format!(
            "attach bundle --bundle made.json --unverified oci:other@{other}"
        ))
        .ends(0)
        .says("[not verified]");
    workshop
        .run("verify --key release.pub oci:other:1.0")
        .ends(12);
    workshop
        .run("attach sbom --sbom sbom.json --type spdxjson oci:image:1.0")
        .ends(2);
    workshop
        .run("attach sbom --sbom sbom.json --type spdxjson --unverified oci:image:1.0")
        .ends(0);
    let sbom = workshop
        .run("download sbom --unverified oci:image:1.0")
        .ends(0);
    assert!(sbom.stdout.contains("SPDX-2.3"));
    workshop
        .run("attach bundle --bundle garbage --unverified oci:image:1.0")
        .ends(2);
}

#[test]
fn a_copy_that_was_killed_is_gone_on_with() {
    let workshop = Workshop::new();
    let server = Loopback::start(&workshop.file("registry"));
    let name = server.name();
    let layer: Vec<u8> = (0..24_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let text = String::from_utf8_lossy(&layer).into_owned();
    push_image(server.store().as_ref(), "1.0", &text);
    let mut killed = 0;
    for pause in [1_u64, 30, 60, 90, 120] {
        let mut child = command(workshop.path())
            .args([
                "copy",
                "--allow-http",
                &format!("{name}:1.0"),
                "oci:far:1.0",
            ])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
    }
    assert!(killed > 0, "at least the first was cut off");
    workshop
        .run(&format!("copy --allow-http {name}:1.0 oci:far:1.0"))
        .ends(0);
    let left: Vec<String> = fs::read_dir(workshop.file("far"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("partial"))
        .collect();
    assert_eq!(
        left,
        Vec::<String>::new(),
        "what killed writers left is swept away"
    );
    let again = finish(command(workshop.path()).args([
        "copy",
        "--allow-http",
        "--output",
        "json",
        &format!("{name}:1.0"),
        "oci:far:1.0",
    ]));
    assert_eq!(again.json()["result"]["blobs"]["carried"], 0);
}
