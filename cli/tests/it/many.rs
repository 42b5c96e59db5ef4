//! Many images a command: lists, indexes, a look first, one statement about several, a journal.

use countersign_formats::{Descriptor, ImageIndex, Platform, media_types};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::{Store, Target};
use serde_json::Value;

use crate::loopback::Loopback;
use crate::program::{self, finish_with};
use crate::workshop::{Workshop, push_image, wait};

/// A workshop with a registry, and these images in it.
fn scene(images: &[&str]) -> (Workshop, Loopback, Vec<String>) {
    let workshop = Workshop::new();
    let registry = Loopback::start(&workshop.file("registry"));
    let store = registry.store();
    let names = images
        .iter()
        .map(|tag| {
            let digest = push_image(store.as_ref(), tag, &format!("image {tag}"));
            format!("{}@{digest}", registry.name())
        })
        .collect();
    (workshop, registry, names)
}

fn referrers(store: &dyn Store, image: &str) -> usize {
    let digest = image.split('@').next_back().unwrap();
    let digest = countersign_formats::Digest::parse(digest).unwrap();
    wait(store.referrers(&digest)).unwrap().descriptors.len()
}

fn states(result: &Value) -> Vec<String> {
    let images = result["result"]["images"].as_array().unwrap();
    let state = |entry: &Value| entry["state"].as_str().unwrap().to_owned();
    images.iter().map(state).collect()
}

#[test]
fn a_list_is_signed_in_its_order_and_what_fails_is_told_beside_what_does_not() {
    let (workshop, registry, images) = scene(&["a", "b", "c", "d"]);
    let list = format!(
        "# the release\n\n{}\n{}:absent\n  {}\r\n{}:c\n{}:c\n{}:d",
        images[0],
        registry.name(),
        images[1],
        registry.name(),
        registry.name(),
        registry.name(),
    );
    workshop.write("list", list.as_bytes());
    let run = workshop
        .run("--allow-http -o json sign --key plain.key --images-from list --jobs 3")
        .ends(11);
    let json = run.json();
    assert_eq!(
        states(&json),
        ["signed", "failed", "signed", "signed", "signed", "signed"]
    );
    let entries = json["result"]["images"].as_array().unwrap();
    assert_eq!(entries[0]["image"], images[0]);
    assert_eq!(entries[1]["error"]["code"], "image-not-found");
    assert_eq!(entries[1]["exitCode"], 11);
    for entry in [&entries[0], &entries[2]] {
        assert!(entry["bundle"].as_str().unwrap().starts_with("sha256:"));
        assert!(entry["manifest"].as_str().unwrap().starts_with("sha256:"));
    }
    let summary = &json["result"]["summary"];
    assert_eq!(
        (&summary["images"], &summary["signed"]),
        (&6.into(), &5.into())
    );
    assert_eq!(summary["failed"], 1);
    // The same image under one name twice is signed once.
    assert_eq!(entries[3]["manifest"], entries[4]["manifest"]);
    let store = registry.store();
    for image in &images {
        assert_eq!(referrers(store.as_ref(), image), 1, "{image}");
        workshop
            .run(&format!("--allow-http verify --key release.pub {image}"))
            .ends(0);
    }
}

#[test]
fn a_list_may_come_from_a_pipe_and_stdout_has_a_line_an_image() {
    let (workshop, _registry, images) = scene(&["a", "b"]);
    let mut command = program::command(workshop.path());
    command.args([
        "--allow-http",
        "sign",
        "--key",
        "plain.key",
        "--images-from",
        "-",
    ]);
    let run = finish_with(&mut command, images.join("\n").as_bytes()).ends(0);
    assert_eq!(run.stdout, format!("{}\n{}\n", images[0], images[1]));
    assert!(run.stderr.contains("2 images: 2 signed"), "{run:?}");
}

#[test]
fn a_typing_error_in_the_last_line_leaves_the_first_image_untouched() {
    let (workshop, registry, images) = scene(&["a"]);
    workshop.write(
        "list",
        format!("{}\nnot//a-reference\n", images[0]).as_bytes(),
    );
    workshop
        .run("--allow-http sign --key plain.key --images-from list")
        .ends(2)
        .says("`list` line 2");
    assert_eq!(referrers(registry.store().as_ref(), &images[0]), 0);
    workshop.write("empty", b"# nothing\n");
    workshop
        .run("--allow-http sign --key plain.key --images-from empty")
        .ends(2)
        .says("names no image");
    workshop.write("tags", format!("{}:a\n", registry.name()).as_bytes());
    workshop
        .run("--allow-http sign --key plain.key --require-digest --images-from tags")
        .ends(2)
        .says("`tags` line 1");
}

/// An index over two platforms and what BuildKit keeps beside them.
fn push_index(store: &dyn Store, tag: &str) -> (String, Vec<String>) {
    let mut manifests = Vec::new();
    for (name, annotation) in [("amd64", false), ("arm64", false), ("unknown", true)] {
        push_image(store, &format!("{tag}-{name}"), &format!("{tag} {name}"));
        let target = Target::Tag(format!("{tag}-{name}"));
        let found = wait(store.resolve(&target)).unwrap().descriptor;
        let mut descriptor = Descriptor::new(found.media_type, found.digest, found.size);
        descriptor.platform = Some(Platform {
            os: if annotation { "unknown" } else { "linux" }.to_owned(),
            architecture: name.to_owned(),
            ..Platform::default()
        });
        if annotation {
            descriptor.annotations.insert(
                media_types::ANNOTATION_BUILDKIT_TYPE.to_owned(),
                "attestation-manifest".to_owned(),
            );
        }
        manifests.push(descriptor);
    }
    let children = manifests
        .iter()
        .map(|child| child.digest.to_string())
        .collect();
    let index = ImageIndex {
        manifests,
        ..ImageIndex::default()
    };
    let bytes = bytes::Bytes::from(index.to_json());
    let digest = digest::sha256(&bytes).to_string();
    wait(store.push_manifest(bytes, media_types::OCI_INDEX, Some(tag))).unwrap();
    (digest, children)
}

#[test]
fn an_index_is_signed_with_its_platforms_when_that_is_asked_for() {
    let (workshop, registry, _) = scene(&[]);
    let store = registry.store();
    let (index, children) = push_index(store.as_ref(), "1.0");
    let name = format!("{}:1.0", registry.name());
    let json = workshop
        .run(&format!(
            "--allow-http -o json sign --key plain.key -r {name}"
        ))
        .ends(0)
        .json();
    let entries = json["result"]["images"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["digest"], index);
    assert_eq!(entries[1]["platform"], "linux/amd64");
    assert_eq!(entries[2]["digest"], children[1]);
    let signed = |digest: &String| referrers(store.as_ref(), &format!("x@{digest}"));
    assert_eq!(children.iter().map(signed).collect::<Vec<_>>(), [1, 1, 0]);
    // Without it only the index; and what is signed already is told apart.
    let again = workshop
        .run(&format!("--allow-http -o json sign --key other.key {name}"))
        .ends(0)
        .json();
    assert_eq!(again["result"]["images"].as_array().unwrap().len(), 1);
    let missing = workshop
        .run(&format!(
            "--allow-http -o json sign --key other.key -r --if-missing {name}"
        ))
        .ends(0)
        .json();
    assert_eq!(states(&missing), ["already-signed", "signed", "signed"]);
    assert_eq!(signed(&index), 2);
}

#[test]
fn a_platform_that_is_not_there_fails_alone() {
    let (workshop, registry, _) = scene(&[]);
    let store = registry.store();
    let (_, children) = push_index(store.as_ref(), "1.0");
    let blob = children[1].replace("sha256:", "");
    std::fs::remove_file(
        workshop
            .file("registry")
            .join("acme/app/blobs/sha256")
            .join(&blob),
    )
    .unwrap();
    let json = workshop
        .run(&format!(
            "--allow-http -o json sign --key plain.key -r {}:1.0",
            registry.name()
        ))
        .ends(20)
        .json();
    assert_eq!(states(&json), ["signed", "signed", "failed"]);
    let failed = &json["result"]["images"][2];
    assert_eq!(failed["digest"], children[1]);
    assert_eq!(failed["error"]["code"], "child-missing");
}

#[test]
fn an_attestation_is_missing_unless_this_signer_said_this_very_thing() {
    let (workshop, registry, images) = scene(&["a", "b"]);
    let store = registry.store();
    workshop.write(
        "other.json",
        br#"{"spdxVersion":"SPDX-2.3","name":"another","packages":[]}"#,
    );
    let attest = "--allow-http -o json attest --type spdxjson --if-missing";
    let all = images.join(" ");
    let mut count = 0;
    for (key, predicate, more) in [
        ("plain.key", "sbom.json", 1),
        ("plain.key", "sbom.json", 0),
        ("plain.key", "other.json", 1),
        ("plain.key", "sbom.json", 0),
        ("other.key", "sbom.json", 1),
        ("other.key", "sbom.json", 0),
    ] {
        let line = format!("{attest} --key {key} --predicate {predicate} {all}");
        let json = workshop.run(&line).ends(0).json();
        let state = if more == 1 {
            "signed"
        } else {
            "already-signed"
        };
        assert_eq!(states(&json), [state, state], "{line}");
        count += more;
        assert_eq!(referrers(store.as_ref(), &images[0]), count, "{line}");
        assert_eq!(referrers(store.as_ref(), &images[1]), count, "{line}");
    }
}

#[test]
fn one_statement_names_all_images_and_stands_beside_each() {
    let (workshop, registry, images) = scene(&["a", "b", "c"]);
    let all = images.join(" ");
    let line = format!(
        "--allow-http -o json attest --key plain.key --type spdxjson --predicate sbom.json --one-statement --bundle joint.json {all}"
    );
    let json = workshop.run(&line).ends(0).json();
    assert_eq!(states(&json), ["signed", "signed", "signed"]);
    let entries = json["result"]["images"].as_array().unwrap();
    assert_eq!(entries[0]["bundle"], entries[2]["bundle"]);
    for image in &images {
        assert_eq!(referrers(registry.store().as_ref(), image), 1);
        workshop
            .run(&format!(
                "--allow-http verify-attestation --key release.pub --type spdxjson {image}"
            ))
            .ends(0);
    }
    let again = workshop.run(&format!("{line} --if-missing")).ends(0).json();
    assert_eq!(states(&again), ["already-signed"; 3]);
    // One that is not there: nothing is said about the others either.
    let absent = workshop
        .run(&format!("{line} {}:absent", registry.name()))
        .ends(11)
        .json();
    assert_eq!(
        states(&absent),
        ["not-attempted", "not-attempted", "not-attempted", "failed"]
    );
    assert_eq!(referrers(registry.store().as_ref(), &images[0]), 1);
}

#[test]
fn a_journal_is_taken_up_and_nothing_is_signed_or_stored_twice() {
    let (workshop, registry, images) = scene(&["a", "b", "c"]);
    let sign = "--allow-http -o json sign --key plain.key --journal journal";
    let first = workshop
        .run(&format!("{sign} {}", images[0]))
        .ends(0)
        .json();
    assert_eq!(states(&first), ["signed"]);
    let again = workshop
        .run(&format!("{sign} {}", images.join(" ")))
        .ends(0)
        .json();
    assert_eq!(states(&again), ["resumed", "signed", "signed"]);
    let bundle = |json: &Value, index: usize| json["result"]["images"][index]["bundle"].clone();
    assert_eq!(bundle(&first, 0), bundle(&again, 0));
    let store = registry.store();
    for image in &images {
        assert_eq!(referrers(store.as_ref(), image), 1);
    }
    // Another key and other annotations are other things.
    let other = sign.replace("plain.key", "other.key");
    for line in [
        format!("{other} {}", images[0]),
        format!("{sign} -a a=b {}", images[0]),
    ] {
        assert_eq!(
            states(&workshop.run(&line).ends(0).json()),
            ["signed"],
            "{line}"
        );
    }
    assert_eq!(referrers(store.as_ref(), &images[0]), 3);
}

#[test]
fn what_the_journal_has_and_the_registry_has_not_is_pushed_from_it() {
    let (workshop, _registry, images) = scene(&["a"]);
    let sign = "-o json sign --key plain.key --journal journal";
    let first = workshop
        .run(&format!("--allow-http {sign} {}", images[0]))
        .ends(0)
        .json();
    // The same digest in another place, where nothing is stored yet.
    let other = Loopback::start(&workshop.file("mirror"));
    let digest = push_image(other.store().as_ref(), "a", "image a");
    let image = format!("{}@{digest}", other.name());
    let second = workshop
        .run(&format!("--allow-http {sign} {image}"))
        .ends(0)
        .json();
    assert_eq!(states(&second), ["resumed"]);
    assert_eq!(
        first["result"]["images"][0]["bundle"],
        second["result"]["images"][0]["bundle"]
    );
    workshop
        .run(&format!("--allow-http verify --key release.pub {image}"))
        .ends(0);
}

#[test]
fn a_journal_whose_bundle_was_changed_is_refused_and_never_signed_over() {
    let (workshop, registry, images) = scene(&["a"]);
    let line = format!(
        "--allow-http sign --key plain.key --journal journal {}",
        images[0]
    );
    workshop.run(&line).ends(0);
    let journal = String::from_utf8(workshop.read("journal")).unwrap();
    let (before, after) = journal.split_once("sig\\\":\\\"").unwrap();
    let changed = if after.starts_with("MEU") {
        "MEQ"
    } else {
        "MEU"
    };
    workshop.write(
        "journal",
        format!("{before}sig\\\":\\\"{changed}{}", after.get(3..).unwrap()).as_bytes(),
    );
    workshop.run(&line).ends(2).says("cannot be used");
    assert_eq!(referrers(registry.store().as_ref(), &images[0]), 1);
}

#[test]
fn forty_images_in_one_layout_at_a_time_lose_none() {
    let workshop = Workshop::new();
    let layout = Layout::create(workshop.file("many")).unwrap();
    let mut list = String::new();
    for number in 0..40 {
        let digest = push_image(&layout, &format!("t{number}"), &format!("image {number}"));
        list.push_str(&format!("oci:many@{digest}\n"));
    }
    workshop.write("list", list.as_bytes());
    workshop
        .run("sign --key plain.key --jobs 16 --images-from list")
        .ends(0)
        .says("40 images: 40 signed");
    workshop
        .run("sign --key plain.key --jobs 16 --if-missing --images-from list")
        .ends(0)
        .says("40 images: 0 signed, 0 resumed, 40 already");
}
