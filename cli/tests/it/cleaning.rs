//! `clean` by age and by signer, and envelopes that are attached.

use countersign_registry::Store as _;
use countersign_registry_server::Options;
use serde_json::Value;

use crate::loopback::Loopback;
use crate::program::{command, finish, words};
use crate::workshop::{Workshop, push_image, wait};

/// An image with an old signature of `release` and a young one of `other`.
fn signed_twice(workshop: &Workshop) -> (Loopback, String) {
    let mut options = Options::new(workshop.file("registry"));
    options.allow_delete = true;
    let server = Loopback::with(options);
    let digest = push_image(server.store().as_ref(), "1.0", "genuine");
    let image = format!("{}@{digest}", server.name());
    let old = format!("sign --allow-http --key release.key {image}");
    let mut old_signer = command(workshop.path());
    finish(
        old_signer
            .args(words(&old))
            .env("SOURCE_DATE_EPOCH", "1600000000"),
    )
    .ends(0);
    workshop
        .run(&format!("sign --allow-http --key other.key {image}"))
        .ends(0);
    (server, image)
}

/// Keys whose signature is still there.
fn left(workshop: &Workshop, image: &str) -> Vec<&'static str> {
    ["release", "other"]
        .into_iter()
        .filter(|key| {
            let line = format!("verify --allow-http --no-cache --key {key}.pub {image}");
            workshop.run(&line).code == 0
        })
        .collect()
}

#[test]
fn what_is_older_than_an_age_is_cleaned_and_the_rest_stays() {
    let workshop = Workshop::new();
    let (_server, image) = signed_twice(&workshop);
    let line = format!("clean --allow-http --older-than 90d {image}");
    let shown = workshop.run(&line).ends(0).says("--yes");
    assert_eq!(shown.stdout.lines().count(), 1, "{shown:#?}");
    assert_eq!(left(&workshop, &image), ["release", "other"]);
    workshop
        .run(&format!("{line} --yes"))
        .ends(0)
        .says("1 of 1 deleted");
    assert_eq!(left(&workshop, &image), ["other"]);
    workshop
        .run(&format!("clean --allow-http --older-than soon {image}"))
        .ends(2);
}

#[test]
fn what_one_signer_made_is_cleaned_and_the_rest_stays() {
    let workshop = Workshop::new();
    let (_server, image) = signed_twice(&workshop);
    let bundles = workshop
        .run(&format!(
            "download bundle --allow-http --key other.pub {image}"
        ))
        .ends(0);
    let bundle: Value = serde_json::from_str(bundles.stdout.trim()).unwrap();
    let hint = &bundle["verificationMaterial"]["publicKey"]["hint"];
    let hint = hint.as_str().unwrap();
    // As the bundle spells the key's id, and as the program prints it.
    let inspected = workshop
        .run("inspect --output json other.pub")
        .ends(0)
        .json();
    let id = inspected["result"]["document"]["keyId"].as_str().unwrap();
    for (signer, count) in [(id, 1), (hint, 1), ("sha256:00", 0)] {
        let line = format!("clean --allow-http --signer {signer} {image}");
        let shown = workshop.run(&line).ends(0);
        assert_eq!(shown.stdout.lines().count(), count, "{shown:#?}");
    }
    let line = format!("clean --allow-http --signer {id} {image}");
    workshop.run(&line).ends(0).says("--yes");
    assert_eq!(left(&workshop, &image), ["release", "other"]);
    workshop
        .run(&format!("{line} --yes"))
        .ends(0)
        .says("1 of 1 deleted");
    assert_eq!(left(&workshop, &image), ["release"]);
}

#[test]
fn an_envelope_is_attached_when_it_counts_or_when_told_to() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let same = workshop.layout("source", "1.0", "genuine");
    assert_eq!(digest, same);
    workshop
        .run("attest --key plain.key --type spdxjson --predicate sbom.json oci:source:1.0")
        .ends(0);
    let envelope = workshop
        .run("download attestation --key release.pub oci:source:1.0")
        .ends(0)
        .stdout;
    workshop.write("envelope.json", envelope.trim().as_bytes());
    let line = "attach attestation --attestation envelope.json oci:image:1.0";
    let verify = "verify-attestation --type spdxjson --key release.pub oci:image:1.0";
    workshop.run(line).ends(2).says("--unverified");
    workshop
        .run(&format!("{line} --key other.pub"))
        .ends(12)
        .says("nothing was stored");
    workshop.run(verify).ends(10);
    workshop
        .run(&format!("{line} --key release.pub"))
        .ends(0)
        .says("[verified]");
    workshop.run(verify).ends(0);
    // Twice is once.
    workshop.run(&format!("{line} --key release.pub")).ends(0);
    let layout = countersign_registry::layout::Layout::open(workshop.file("image")).unwrap();
    let tag = format!("sha256-{}.att", digest.hex());
    let held = wait(layout.tag(&tag)).unwrap().unwrap();
    let countersign_formats::Manifest::Image(held) = held.manifest else {
        panic!("an index")
    };
    assert_eq!(held.layers.len(), 1);
    // What nobody verified is stored when that is said, and does not count.
    workshop.layout("another", "1.0", "another");
    workshop
        .run("attach attestation --attestation envelope.json --unverified oci:another:1.0")
        .ends(0)
        .says("[not verified]");
    workshop
        .run("verify-attestation --type spdxjson --key release.pub oci:another:1.0")
        .ends(12);
    workshop
        .run("attach attestation --attestation garbage --unverified oci:image:1.0")
        .ends(2);
}
