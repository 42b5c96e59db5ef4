//! Every way in which a service of keyless signing can fail, through the built program: what is said, the code, and that nothing
//! is published and no file half-written.

use std::net::SocketAddr;

use countersign_formats::{decode_base64, encode_base64};
use countersign_registry::Store;
use countersign_testdata::certificate::{claim, raw_claim};
use countersign_testdata::lab::{ISSUER, Lab, SIGNED_AT};
use serde_json::{Value, json};

use crate::keyless::{files, good_token};
use crate::loopback::Loopback;
use crate::program::{self, Run, finish};
use crate::scripted::{self, Manners};
use crate::sigstore::{Bend, EMAIL, Search, Sigstore};
use crate::workshop::{Workshop, push_image, wait};

/// The services, as the errors name them, and where each listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Identity,
    Fulcio,
    Rekor1,
    Rekor2,
    Timestamps,
}

impl Service {
    const ALL: [Self; 5] = [
        Self::Identity,
        Self::Fulcio,
        Self::Rekor1,
        Self::Rekor2,
        Self::Timestamps,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "token source",
            Self::Fulcio => "Fulcio",
            Self::Rekor1 | Self::Rekor2 => "Rekor",
            Self::Timestamps => "timestamp authority",
        }
    }
}

/// Where the services of one attempt are.
struct Stack {
    identity: Option<SocketAddr>,
    fulcio: SocketAddr,
    rekor: SocketAddr,
    rekor_version: u8,
    timestamps: SocketAddr,
}

impl Stack {
    fn of(sigstore: &Sigstore, rekor_version: u8) -> Self {
        Self {
            identity: None,
            fulcio: sigstore.address,
            rekor: sigstore.address,
            rekor_version,
            timestamps: sigstore.address,
        }
    }

    /// With one service at another address.
    fn but(mut self, service: Service, address: SocketAddr) -> Self {
        match service {
            Service::Identity => self.identity = Some(address),
            Service::Fulcio => self.fulcio = address,
            Service::Rekor1 | Service::Rekor2 => self.rekor = address,
            Service::Timestamps => self.timestamps = address,
        }
        self
    }

    /// Without a timestamp authority: the log's entry is the only date.
    fn config_without_timestamps(&self) -> Vec<u8> {
        let mut config: Value = serde_json::from_str(&self.config()).unwrap();
        let members = config.as_object_mut().unwrap();
        members.remove("tsaUrls");
        members.remove("tsaConfig");
        config.to_string().into_bytes()
    }

    fn config(&self) -> String {
        let service = |url: String, version: u8| {
            format!(
                r#"[{{"url":"{url}","majorApiVersion":{version},"validFor":{{"start":"2026-01-01T00:00:00Z"}},"operator":"o"}}]"#
            )
        };
        format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"rekorTlogUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaUrls":{},"tsaConfig":{{"selector":"ANY"}}}}"#,
            service(format!("http://{}", self.fulcio), 1),
            service(format!("http://{}", self.rekor), self.rekor_version),
            service(format!("http://{}/api/v1/timestamp", self.timestamps), 1)
        )
    }
}

/// A registry with an image in it, and what a signer wants.
struct Scene {
    workshop: Workshop,
    registry: Loopback,
    image: String,
}

impl Scene {
    fn new(stack: &Stack) -> Self {
        let workshop = Workshop::new();
        let registry = Loopback::start(&workshop.file("registry"));
        let digest = push_image(registry.store().as_ref(), "1.0", "genuine");
        let image = format!("{}@{digest}", registry.name());
        workshop.write(
            "root.json",
            Lab::new().trusted_root().to_string().as_bytes(),
        );
        workshop.write("token", good_token().as_bytes());
        workshop.write("config.json", stack.config().as_bytes());
        Self {
            workshop,
            registry,
            image,
        }
    }

    fn sign(&self, stack: &Stack, timeout: &str, more: &[&str]) -> Run {
        let mut command = program::command(self.workshop.path());
        command.args(["--timeout", timeout, "sign", "--yes", "--allow-http"]);
        command.args(["--signing-config", "config.json"]);
        command.args(["--trusted-root", "root.json"]).args(more);
        if let Some(identity) = stack.identity {
            command
                .env("GITHUB_ACTIONS", "true")
                .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
                .env(
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    format!("http://{identity}/token?x=1"),
                );
        } else {
            command.args(["--identity-token", "token"]);
        }
        finish(command.arg(&self.image))
    }

    fn referrers(&self) -> usize {
        let digest = self.image.split('@').next_back().unwrap();
        let digest = countersign_formats::Digest::parse(digest).unwrap();
        let store: Box<dyn Store> = self.registry.store();
        wait(store.referrers(&digest)).unwrap().descriptors.len()
    }
}

/// Signs, and insists that nothing is left of it: no file, nothing in the registry, nothing on stdout.
#[track_caller]
fn leaves_nothing(row: &str, stack: &Stack, timeout: &str) -> Run {
    let scene = Scene::new(stack);
    let before = files(&scene.workshop);
    let run = scene.sign(stack, timeout, &[]);
    assert_eq!(files(&scene.workshop), before, "{row}: {run:?}");
    assert_eq!(scene.referrers(), 0, "{row}");
    assert!(run.stdout.is_empty(), "{row}: {run:?}");
    assert!(
        !run.stderr.contains("eyJ"),
        "{row}: a token is told: {run:?}"
    );
    run
}

/// How long the table is, for who runs it with `--nocapture`.
#[expect(clippy::print_stdout, reason = "what a test tells is read there")]
fn told(rows: usize, what: &str) {
    println!("{rows} rows: {what}");
}

/// The error, which stands behind the words about what becomes public, names the service and where it is.
#[track_caller]
fn names(row: &str, run: &Run, service: Service, address: SocketAddr) {
    let error = run.stderr.split("error: ").nth(1).unwrap_or_default();
    assert!(error.contains(service.name()), "{row}: {run:?}");
    assert!(error.contains(&address.to_string()), "{row}: {run:?}");
}

#[test]
fn what_works_is_published_and_verifies() {
    for version in [1, 2] {
        let sigstore = Sigstore::start(Bend::Nothing);
        let stack = Stack::of(&sigstore, version);
        let scene = Scene::new(&stack);
        scene.sign(&stack, "60s", &[]).ends(0);
        assert_eq!(scene.referrers(), 1);
        let mut command = program::command(scene.workshop.path());
        command.args(["verify", "--allow-http", "--trusted-root", "root.json"]);
        command.args(["--certificate-identity", EMAIL]);
        command.args(["--certificate-oidc-issuer", ISSUER]);
        finish(command.arg(&scene.image)).ends(0);
    }
}

#[test]
fn a_service_that_fails_in_any_way_is_named_with_its_address_and_leaves_nothing() {
    let mut rows = 0;
    for service in Service::ALL {
        for (manners, timeout) in [
            (Manners::Down, "20s"),
            // The deadline is what is tested.
            (Manners::Silent, "2s"),
            (Manners::Throttled, "20s"),
            (Manners::Status(500), "20s"),
            (Manners::Garbage("<html>"), "20s"),
            (Manners::Garbage("{}"), "20s"),
        ] {
            let row = format!("{service:?}, {manners:?}");
            let sigstore = Sigstore::start(Bend::Nothing);
            let version = if service == Service::Rekor1 { 1 } else { 2 };
            let address = scripted::start(manners);
            let stack = Stack::of(&sigstore, version).but(service, address);
            let run = leaves_nothing(&row, &stack, timeout);
            assert_eq!(run.code, 20, "{row}: {run:?}");
            names(&row, &run, service, address);
            rows += 1;
        }
    }
    told(rows, "services that fail");
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_is_never_published() {
    use Service::{Fulcio, Rekor1, Rekor2, Timestamps};
    let mut rows = 0;
    for (service, bend, code) in [
        (Fulcio, Bend::CertificateForAnotherKey, 20),
        (Fulcio, Bend::CertificateOfAStranger, 20),
        (Fulcio, Bend::CertificateThatIsOver, 20),
        (Fulcio, Bend::CertificateOfAnotherIdentity, 20),
        (Rekor1, Bend::EntryOfAnotherArtifact, 20),
        (Rekor1, Bend::EntryOfAnotherSigner, 20),
        (Rekor1, Bend::EntryOfAStrangersLog, 20),
        (Rekor1, Bend::PromiseBroken, 20),
        (Rekor1, Bend::CheckpointBroken, 20),
        (Rekor1, Bend::TreeOfAnotherRoot, 20),
        (Rekor2, Bend::EntryOfAnotherArtifact, 20),
        (Rekor2, Bend::EntryOfAnotherSigner, 20),
        (Rekor2, Bend::EntryOfAStrangersLog, 20),
        (Rekor2, Bend::CheckpointBroken, 20),
        (Rekor2, Bend::TreeOfAnotherRoot, 20),
        (Timestamps, Bend::TimestampOfAnotherImprint, 20),
        (Timestamps, Bend::TimestampBroken, 20),
        (Timestamps, Bend::TimestampOfAStranger, 20),
    ] {
        let row = format!("{service:?}, {bend:?}");
        let sigstore = Sigstore::start(bend);
        let version = if service == Rekor1 { 1 } else { 2 };
        let run = leaves_nothing(&row, &Stack::of(&sigstore, version), "60s");
        assert_eq!(run.code, code, "{row}: {run:?}");
        names(&row, &run, service, sigstore.address);
        rows += 1;
    }
    told(rows, "answers that are wrong");
}

/// The annotations of the layer under a tag, and the names of the annotations that are cosign's.
fn annotations(scene: &Scene, suffix: &str) -> std::collections::BTreeMap<String, String> {
    let digest = scene.image.split('@').next_back().unwrap();
    let digest = countersign_formats::Digest::parse(digest).unwrap();
    let tag = format!("{}{suffix}", countersign_registry::fallback_tag(&digest));
    let found = wait(scene.registry.store().tag(&tag)).unwrap();
    match found.map(|found| found.manifest) {
        Some(countersign_formats::Manifest::Image(manifest)) => {
            assert_eq!(manifest.layers.len(), 1);
            manifest.layers[0].annotations.clone()
        }
        _ => Default::default(),
    }
}

#[test]
fn an_identity_s_tag_carries_certificates_promise_and_timestamp_and_what_it_cannot_carry_is_refused_before()
 {
    let sigstore = Sigstore::start(Bend::Nothing);
    let stack = Stack::of(&sigstore, 1);
    let scene = Scene::new(&stack);
    scene.sign(&stack, "60s", &["--format", "legacy"]).ends(0);
    assert_eq!(scene.referrers(), 0);
    let mut command = program::command(scene.workshop.path());
    command.args(["attest", "--yes", "--allow-http", "--format", "legacy"]);
    command.args(["--signing-config", "config.json", "--trusted-root"]);
    command.args(["root.json", "--identity-token", "token"]);
    command.args(["--type", "spdxjson", "--predicate", "sbom.json"]);
    finish(command.arg(&scene.image)).ends(0);
    for (suffix, verb) in [(".sig", "verify"), (".att", "verify-attestation")] {
        let annotations = annotations(&scene, suffix);
        for name in ["certificate", "chain", "bundle"] {
            let name = format!("dev.sigstore.cosign/{name}");
            assert!(annotations.contains_key(&name), "{suffix}: {name}");
        }
        assert!(annotations["dev.sigstore.cosign/bundle"].contains("SignedEntryTimestamp"));
        assert!(annotations["dev.sigstore.cosign/rfc3161timestamp"].contains("SignedRFC3161"));
        let chain = &annotations["dev.sigstore.cosign/chain"];
        let leaf = &annotations["dev.sigstore.cosign/certificate"];
        assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----").count(), 1);
        assert_ne!(chain, leaf);
        let mut command = program::command(scene.workshop.path());
        command.args([verb, "--allow-http", "--trusted-root", "root.json"]);
        command.args(["--certificate-identity", EMAIL]);
        command.args(["--certificate-oidc-issuer", ISSUER]);
        if verb == "verify-attestation" {
            command.args(["--type", "spdxjson"]);
        }
        finish(command.arg(&scene.image)).ends(0);
    }
    // Two of each are one too many, and version 2 of the log promises nothing.
    let entries = || sigstore.asked("/api/v1/log/entries") + sigstore.asked("/api/v2/log/entries");
    let before = entries();
    let twice = |config: &str, list: &str| {
        let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
        let mut other = config[list][0].clone();
        other["operator"] = "p".into();
        config[list].as_array_mut().unwrap().push(other);
        let selector = list.replace("rekorTlogUrls", "rekorTlogConfig");
        let selector = selector.replace("tsaUrls", "tsaConfig");
        config[selector] = serde_json::json!({"selector": "ALL"});
        config.to_string()
    };
    for (config, said) in [
        (twice(&stack.config(), "rekorTlogUrls"), "2 log entries"),
        (twice(&stack.config(), "tsaUrls"), "2 timestamps"),
        (Stack::of(&sigstore, 2).config(), "no promise"),
    ] {
        for format in ["legacy", "both"] {
            let scene = Scene::new(&stack);
            scene.workshop.write("config.json", config.as_bytes());
            scene
                .sign(&stack, "60s", &["--format", format])
                .ends(2)
                .says(said);
            assert_eq!(scene.referrers(), 0);
        }
    }
    assert_eq!(entries(), before);
}

/// Four images of one repository, as arguments.
fn four_images(scene: &Scene) -> Vec<String> {
    let push = |tag: &&str| {
        let digest = push_image(
            scene.registry.store().as_ref(),
            tag,
            &format!("image {tag}"),
        );
        format!("{}@{digest}", scene.registry.name())
    };
    ["1", "2", "3", "4"].iter().map(push).collect()
}

#[test]
fn one_certificate_serves_many_images_and_is_renewed_only_when_it_is_about_to_end() {
    for (sigstore, certificates) in [
        (Sigstore::start(Bend::Nothing), 1),
        // Less than the minute that a certificate must have left: each image needs one of its own.
        (Sigstore::short_lived(30), 4),
    ] {
        let stack = Stack::of(&sigstore, 2);
        let scene = Scene::new(&stack);
        let images = four_images(&scene);
        let mut command = program::command(scene.workshop.path());
        command.args(["sign", "--yes", "--allow-http", "--output", "json"]);
        command.args(["--signing-config", "config.json"]);
        command.args(["--trusted-root", "root.json"]);
        command.args(["--identity-token", "token"]);
        let run = finish(command.args(&images)).ends(0);
        assert_eq!(
            sigstore.asked("/api/v2/signingCert"),
            certificates,
            "{run:?}"
        );
        assert_eq!(sigstore.asked("/api/v2/log/entries"), 4);
        assert_eq!(sigstore.asked("/api/v1/timestamp"), 4);
        assert_eq!(
            run.json()["result"]["summary"]["certificates"],
            certificates
        );
    }
}

/// Who vouches for the token that signs here.
const TOKEN_ISSUER: &str = "https://issuer.example";

fn journal(scene: &Scene) -> String {
    String::from_utf8(scene.workshop.read("journal")).unwrap()
}

/// A journal whose only draft has no date, and a certificate that ended long ago: nobody knows whether the log has its entry.
fn undated(scene: &Scene) -> String {
    let sigstore = Sigstore::silent();
    let stack = Stack::of(&sigstore, 1);
    let config = stack.config_without_timestamps();
    scene.workshop.write("config.json", &config);
    scene
        .sign(&stack, "2s", &["--journal", "journal"])
        .ends(20)
        .says("Rekor");
    assert!(sigstore.asked("/api/v1/log/entries") >= 1);
    let journal = journal(scene);
    let mut lines = journal.lines();
    let header = lines.next().unwrap();
    let mut line: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(line["state"], "drafted");
    let draft: Value = serde_json::from_str(line["bundle"].as_str().unwrap()).unwrap();
    let payload = draft["dsseEnvelope"]["payload"].as_str().unwrap();
    let payload = decode_base64(payload, 1 << 20).unwrap();
    // The same statement, signed in January.
    let old = Lab::new()
        .keyless(EMAIL)
        .payload("application/vnd.in-toto+json", &payload)
        .certificate(|certificate| {
            certificate.replace(raw_claim(1, TOKEN_ISSUER));
            certificate.replace(claim(8, TOKEN_ISSUER));
        })
        .build()
        .bundle;
    assert_eq!(old["dsseEnvelope"]["payload"], encode_base64(&payload));
    line["bundle"] = json!(old.to_string());
    format!("{header}\n{line}\n")
}

#[test]
fn a_draft_without_date_is_found_again_in_the_log_or_proven_not_to_be_there() {
    let scene = Scene::new(&Stack::of(&Sigstore::start(Bend::Nothing), 1));
    let journal = undated(&scene);
    let resume = |search| {
        let sigstore = Sigstore::searched(search);
        let stack = Stack::of(&sigstore, 1);
        let config = stack.config_without_timestamps();
        scene.workshop.write("config.json", &config);
        scene.workshop.write("journal", journal.as_bytes());
        let run = scene.sign(&stack, "2s", &["--journal", "journal", "-o", "json"]);
        let asked = sigstore.asked("/api/v1/log/entries/retrieve");
        (run, asked, sigstore.asked("/api/v1/log/entries"))
    };
    // What does not answer, or answers something else, may have the entry: nothing is entered, and the journal stays.
    for (search, code) in [
        (Search::Refuses(500), "service-error"),
        (Search::Refuses(404), "request-refused"),
        (Search::Garbage, "malformed-answer"),
        (Search::HasAnother(SIGNED_AT), "entry-for-another-artifact"),
        (Search::HasBroken(SIGNED_AT), "services-not-proven"),
        // An entry of another time than the certificate's is none that this signer made.
        (Search::Has(SIGNED_AT + 3_600), "services-not-proven"),
    ] {
        let (run, asked, entered) = resume(search);
        let run = run.ends(20);
        assert!(
            run.stdout.contains(code) || run.stderr.contains(code),
            "{search:?}: {run:?}"
        );
        assert!(asked >= 1 && entered == 0, "{search:?}");
        assert_eq!(scene.referrers(), 0, "{search:?}");
        assert_eq!(self::journal(&scene), journal, "{search:?}");
    }
    // It is there: no second entry.
    let (run, asked, entered) = resume(Search::Has(SIGNED_AT));
    let result = run.ends(0).json();
    assert_eq!(
        result["result"]["images"][0]["state"], "resumed",
        "{result}"
    );
    assert_eq!((asked, entered), (1, 0));
    assert_eq!(scene.referrers(), 1);
    let journal = self::journal(&scene);
    assert!(journal.contains("\"signed\"") && journal.contains("\"stored\""));
    let verify = format!(
        "--allow-http verify --trusted-root root.json --certificate-identity {EMAIL} --certificate-oidc-issuer {TOKEN_ISSUER} {}",
        scene.image
    );
    scene.workshop.run(&verify).ends(0);
}

#[test]
fn what_no_log_has_of_an_undated_draft_is_signed_anew_and_entered_once() {
    let scene = Scene::new(&Stack::of(&Sigstore::start(Bend::Nothing), 1));
    let journal = undated(&scene);
    let sigstore = Sigstore::searched(Search::HasNone);
    let stack = Stack::of(&sigstore, 1);
    let config = stack.config_without_timestamps();
    scene.workshop.write("config.json", &config);
    scene.workshop.write("journal", journal.as_bytes());
    let run = scene.sign(&stack, "2s", &["--journal", "journal", "-o", "json"]);
    let result = run.ends(0).json();
    assert_eq!(result["result"]["images"][0]["state"], "signed", "{result}");
    assert_eq!(sigstore.asked("/api/v1/log/entries/retrieve"), 1);
    assert_eq!(sigstore.asked("/api/v1/log/entries"), 1);
    assert_eq!(sigstore.asked("/api/v2/signingCert"), 1);
    assert_eq!(scene.referrers(), 1);
}
