//! `migrate` of attestations that were logged: the log is asked for the proofs that `.att` layers lack.

use countersign_testdata::lab::Lab;
use serde_json::Value;

use crate::loopback::Loopback;
use crate::scripted::{self, Manners};
use crate::sigstore::{Bend, Sigstore};
use crate::workshop::{Workshop, push_image, wait};

/// A registry with an image that has a logged attestation under its `.att` tag.
struct Scene {
    workshop: Workshop,
    registry: Loopback,
    log: Sigstore,
    image: String,
}

impl Scene {
    fn new(bend: Bend) -> Self {
        Self::of(bend, "--log")
    }

    /// The attestation is made with these flags.
    fn of(bend: Bend, services: &str) -> Self {
        let workshop = Workshop::new();
        let registry = Loopback::start(&workshop.file("registry"));
        let digest = push_image(registry.store().as_ref(), "1.0", "genuine");
        let log = Sigstore::start(bend);
        let config = format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogUrls":[{{"url":"http://{}","majorApiVersion":1,"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}],"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":[{{"url":"http://{}/api/v1/timestamp","majorApiVersion":1,"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}],"tsaConfig":{{"selector":"ANY"}}}}"#,
            log.address, log.address
        );
        workshop.write("config.json", config.as_bytes());
        workshop.write(
            "root.json",
            Lab::new().trusted_root().to_string().as_bytes(),
        );
        let image = format!("{}@{digest}", registry.name());
        workshop
            .run(&format!(
                "attest --yes --allow-http --format legacy --key plain.key --signing-config config.json {services} --trusted-root root.json --type spdxjson --predicate sbom.json {image}"
            ))
            .ends(0);
        Self {
            workshop,
            registry,
            log,
            image,
        }
    }

    /// What became of the layer.
    fn migrate(&self, more: &str, code: i32) -> Value {
        let run = self.workshop.run(&format!(
            "migrate --allow-http --output json --key release.pub --trusted-root root.json {more} {}",
            self.image
        ));
        let layers = run.ends(code).json()["result"]["layers"].clone();
        assert_eq!(layers.as_array().unwrap().len(), 1, "{layers:#}");
        layers[0].clone()
    }

    fn bundles(&self) -> usize {
        let digest = self.image.split('@').next_back().unwrap();
        let digest = countersign_formats::Digest::parse(digest).unwrap();
        let listed = wait(self.registry.store().referrers(&digest)).unwrap();
        listed.descriptors.len()
    }

    fn asks(&self) -> String {
        format!("--rekor-url http://{}", self.log.address)
    }
}

#[test]
fn a_logged_attestation_becomes_a_bundle_with_the_logs_proof() {
    let scene = Scene::new(Bend::Nothing);
    let kept = scene.migrate("--yes", 0);
    assert_eq!(kept["outcome"], "kept");
    assert!(
        kept["why"].as_str().unwrap().contains("--rekor-url"),
        "{kept:#}"
    );
    let ask = scene.asks();
    assert_eq!(scene.migrate(&ask, 0)["outcome"], "would be converted");
    assert_eq!(scene.bundles(), 0);
    let converted = scene.migrate(&format!("{ask} --yes"), 0);
    assert_eq!(converted["outcome"], "converted");
    assert_eq!(scene.bundles(), 1);
    // What is there is found by what it holds, and nobody is asked again.
    let asked = scene.log.asked_about("logIndex=");
    assert!(asked > 0);
    let again = scene.migrate(&format!("{ask} --yes"), 0);
    assert_eq!(again["outcome"], "there already");
    assert_eq!(again["bundle"], converted["bundle"]);
    assert_eq!(scene.log.asked_about("logIndex="), asked);
    let printed = scene
        .workshop
        .run(&format!(
            "download bundle --allow-http --key release.pub --trusted-root root.json {}",
            scene.image
        ))
        .ends(0)
        .stdout;
    assert!(printed.contains("inclusionProof"), "{printed}");
}

/// An `.att` has its timestamp over the envelope, a bundle over the signature.
#[test]
fn a_timestamp_that_a_bundle_cannot_hold_is_left_out_only_where_the_logs_time_stays() {
    let scene = Scene::of(Bend::Nothing, "--log --timestamp");
    let layer = scene.migrate(&format!("{} --yes", scene.asks()), 0);
    assert_eq!(layer["outcome"], "converted", "{layer:#}");
    let why = layer["why"].as_str().unwrap();
    assert!(why.contains("without its timestamp"), "{layer:#}");
    let printed = scene.workshop.run(&format!(
        "download bundle --allow-http --key release.pub --trusted-root root.json {}",
        scene.image
    ));
    let printed = printed.ends(0).stdout;
    assert!(printed.contains("inclusionProof"), "{printed}");
    assert!(!printed.contains("signedTimestamp"), "{printed}");

    let scene = Scene::of(Bend::Nothing, "--timestamp");
    let layer = scene.migrate(&format!("{} --yes", scene.asks()), 0);
    assert_eq!(layer["outcome"], "kept", "{layer:#}");
    let why = layer["why"].as_str().unwrap();
    assert!(why.contains("as a bundle it does not verify"), "{layer:#}");
    assert_eq!(scene.bundles(), 0);
}

#[test]
fn nothing_is_stored_when_the_logs_answer_does_not_hold() {
    for (bend, code, why) in [
        (Bend::LaterAnotherEntry, 20, "not known"),
        (Bend::LaterWithoutProof, 20, "not known"),
        (Bend::LaterAnotherTree, 0, "another tree"),
    ] {
        let scene = Scene::new(bend);
        let layer = scene.migrate(&format!("{} --yes", scene.asks()), code);
        assert_eq!(layer["outcome"], "kept", "{bend:?}");
        assert!(layer["why"].as_str().unwrap().contains(why), "{layer:#}");
        assert_eq!(scene.bundles(), 0);
    }
}

#[test]
fn a_log_that_cannot_be_asked_is_no_answer() {
    let scene = Scene::new(Bend::Nothing);
    for manners in [Manners::Down, Manners::Status(404), Manners::Garbage("{}")] {
        let address = scripted::start(manners);
        let line = format!("--timeout 2s --rekor-url http://{address} --yes");
        let layer = scene.migrate(&line, 20);
        assert_eq!(layer["outcome"], "kept", "{manners:?}");
        assert_eq!(scene.bundles(), 0);
    }
    scene
        .workshop
        .run(&format!(
            "migrate --offline --key release.pub {} oci:image:1.0",
            scene.asks()
        ))
        .ends(2)
        .says("--rekor-url");
}
