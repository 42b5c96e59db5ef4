//! `discover`: every form, place and level is listed with its mark, and what cannot be asked hides nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageIndex, ImageManifest, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::{Store, Target, fallback_tag};

use crate::loopback::Loopback;
use crate::workshop::{Workshop, push_image, wait};

/// A manifest with one layer; with a subject it refers to that.
fn artifact(
    store: &dyn Store,
    artifact_type: Option<&str>,
    layer: (&str, &str, &[(&str, &str)]),
    subject: Option<&Digest>,
    tag: Option<&str>,
) -> Digest {
    let (media_type, content, annotations) = layer;
    let bytes = Bytes::from(content.to_owned());
    let empty = Bytes::from_static(media_types::EMPTY_JSON);
    let mut layer = Descriptor::new(media_type, sha256(&bytes), bytes.len() as u64);
    layer.annotations = annotations
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    wait(async {
        store
            .push_blob(bytes.clone(), &sha256(&bytes))
            .await
            .unwrap();
        store
            .push_blob(empty.clone(), &sha256(&empty))
            .await
            .unwrap();
        let subject = match subject {
            Some(digest) => Some(
                store
                    .resolve(&Target::Digest(*digest))
                    .await
                    .unwrap()
                    .descriptor,
            ),
            None => None,
        };
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: artifact_type.map(str::to_owned),
            config: Descriptor::new(media_types::OCI_EMPTY, sha256(&empty), empty.len() as u64),
            layers: vec![layer],
            subject,
            annotations: BTreeMap::new(),
        };
        let manifest = Bytes::from(manifest.to_json());
        store
            .push_manifest(manifest, media_types::OCI_MANIFEST, tag)
            .await
            .unwrap()
            .descriptor
            .digest
    })
}

#[test]
fn every_form_is_listed_with_its_mark() {
    let workshop = Workshop::new();
    let registry = Loopback::start(&workshop.file("registry"));
    let store = registry.store();
    let store = store.as_ref();
    let image = push_image(store, "1.0", "genuine");
    let name = format!("{}@{image}", registry.name());
    workshop
        .run(&format!(
            "sign --allow-http --format both --key plain.key {name}"
        ))
        .ends(0);
    let spdx = ("text/spdx+json", "{}", &[][..]);
    let sbom = artifact(
        store,
        Some(media_types::COSIGN_SBOM_ARTIFACT),
        spdx,
        Some(&image),
        None,
    );
    artifact(
        store,
        Some("x/y"),
        spdx,
        None,
        Some(&format!("{}.sbom", fallback_tag(&image))),
    );
    artifact(
        store,
        Some(media_types::NOTATION_SIGNATURE),
        (media_types::NOTATION_JWS, "{}", &[]),
        Some(&image),
        None,
    );
    artifact(
        store,
        Some("application/vnd.acme.report"),
        ("text/plain", "report", &[]),
        Some(&image),
        None,
    );
    // A referrer of a referrer.
    let sbom_name = format!("{}@{sbom}", registry.name());
    workshop
        .run(&format!("sign --allow-http --key plain.key {sbom_name}"))
        .ends(0);
    let run = workshop
        .run(&format!("discover --allow-http -o json {name}"))
        .ends(0);
    let result = &run.json()["result"];
    assert_eq!(result["complete"], true);
    let mut found: Vec<String> = Vec::new();
    for artifact in result["artifacts"].as_array().unwrap() {
        found.push(format!(
            "{} {}",
            artifact["kind"].as_str().unwrap(),
            artifact["mark"].as_str().unwrap()
        ));
        if artifact["digest"] == sbom.to_string() {
            assert_eq!(artifact["artifacts"][0]["kind"], "signature");
        }
    }
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "SBOM unsigned",
            "SBOM unsigned",
            "artifact unsigned",
            "notation signature signed",
            "signature signed",
            "signature signed",
        ]
    );
    let tree = workshop
        .run(&format!("tree --allow-http {name}"))
        .ends(0)
        .stdout;
    assert!(
        tree.contains("notation signature") && tree.contains("[unsigned]"),
        "{tree}"
    );
    let table = workshop
        .run(&format!("discover --allow-http --format table {name}"))
        .ends(0);
    assert!(table.stdout.starts_with("KIND"), "{table:?}");
    // None of the unsigned things makes a signature, and the notation signature is named as what it is.
    workshop
        .run(&format!("verify --allow-http --key other.pub {name}"))
        .ends(12);
}

#[test]
fn platforms_and_what_buildkit_puts_beside_them_are_listed() {
    let workshop = Workshop::new();
    let registry = Loopback::start(&workshop.file("registry"));
    let store = registry.store();
    let store = store.as_ref();
    let child = push_image(store, "amd64", "amd64");
    let provenance = artifact(
        store,
        None,
        (
            "application/vnd.in-toto+json",
            "{}",
            &[(
                "in-toto.io/predicate-type",
                "https://slsa.dev/provenance/v1",
            )],
        ),
        None,
        Some("att"),
    );
    let mut index = ImageIndex {
        media_type: media_types::OCI_INDEX.to_owned(),
        ..ImageIndex::default()
    };
    for (digest, os) in [(child, "linux"), (provenance, "unknown")] {
        let mut entry = wait(store.resolve(&Target::Digest(digest)))
            .unwrap()
            .descriptor;
        entry.platform = Some(countersign_formats::Platform {
            os: os.to_owned(),
            architecture: if os == "linux" { "amd64" } else { "unknown" }.to_owned(),
            ..Default::default()
        });
        if os == "unknown" {
            entry.annotations.insert(
                media_types::ANNOTATION_BUILDKIT_TYPE.to_owned(),
                "attestation-manifest".to_owned(),
            );
        }
        index.manifests.push(entry);
    }
    let bytes = Bytes::from(index.to_json());
    wait(store.push_manifest(bytes, media_types::OCI_INDEX, Some("1.0"))).unwrap();
    let name = format!("{}:1.0", registry.name());
    workshop
        .run(&format!(
            "sign --allow-http --key plain.key --platform linux/amd64 {name}"
        ))
        .ends(0);
    let plain = workshop
        .run(&format!("discover --allow-http -o json {name}"))
        .ends(0)
        .json();
    let artifacts = plain["result"]["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 1);
    assert_eq!(artifacts[0]["kind"], "BuildKit attestation");
    assert_eq!(artifacts[0]["mark"], "unsigned");
    assert_eq!(
        artifacts[0]["artifacts"][0]["predicateType"],
        "https://slsa.dev/provenance/v1"
    );
    let all = workshop
        .run(&format!("discover --allow-http --all-platforms {name}"))
        .ends(0)
        .stdout;
    assert!(all.contains("linux/amd64 sha256:"), "{all}");
    assert!(all.contains("signature sha256:"), "{all}");
    assert!(!plain.to_string().contains("linux/amd64"));
}

#[test]
fn what_cannot_be_asked_hides_nothing_and_is_said() {
    let workshop = Workshop::new();
    let registry = Loopback::faulty(&workshop.file("registry"), |method, path| {
        (method == "GET" && path.ends_with(".att")).then_some((500, "{}"))
    });
    let image = push_image(registry.store().as_ref(), "1.0", "genuine");
    let name = format!("{}@{image}", registry.name());
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}"))
        .ends(0);
    let run = workshop
        .run(&format!("discover --allow-http {name}"))
        .ends(20)
        .says("there may be more");
    assert!(run.stdout.contains("signature sha256:"), "{run:?}");
    let json = workshop
        .run(&format!("discover --allow-http -o json {name}"))
        .ends(20)
        .json();
    assert_eq!(json["result"]["complete"], false);
    assert_eq!(json["result"]["troubles"][0]["code"], "registry-error");
}

/// The end of a path that leads to nothing, and the list that everything has.
static SCRIPT: Mutex<(String, &str)> = Mutex::new((String::new(), ""));

/// A list may name what is gone, what is about something else, and what named it.
#[test]
fn what_a_list_names_is_looked_at_and_shown_once() {
    let workshop = Workshop::new();
    let registry = Loopback::faulty(&workshop.file("registry"), |method, path| {
        let (gone, list) = &*SCRIPT.lock().unwrap();
        let is_gone = !gone.is_empty() && path.ends_with(gone.as_str());
        let is_list = !list.is_empty() && path.contains("/referrers/");
        match (method, is_gone, is_list) {
            ("GET", true, _) => Some((404, "{}")),
            ("GET", _, true) => Some((200, *list)),
            _ => None,
        }
    });
    let store = registry.store();
    let image = push_image(store.as_ref(), "1.0", "genuine");
    let name = format!("{}@{image}", registry.name());
    let stranger = push_image(store.as_ref(), "2.0", "another");
    let stranger_name = format!("{}@{stranger}", registry.name());
    for (key, image) in [
        ("plain.key", &name),
        ("other.key", &name),
        ("plain.key", &stranger_name),
    ] {
        workshop
            .run(&format!("sign --allow-http --key {key} {image}"))
            .ends(0);
    }
    let mut list = ImageIndex {
        media_type: media_types::OCI_INDEX.to_owned(),
        ..ImageIndex::default()
    };
    for digest in [&image, &stranger] {
        let found = wait(store.referrers(digest)).unwrap();
        list.manifests.extend(found.descriptors);
    }
    let marks = || {
        let run = workshop
            .run(&format!("discover --allow-http --no-cache -o json {name}"))
            .ends(0)
            .json();
        let artifacts = run["result"]["artifacts"].as_array().unwrap().clone();
        assert!(
            artifacts
                .iter()
                .all(|artifact| artifact["artifacts"] == serde_json::json!([])),
            "{artifacts:?}"
        );
        artifacts
            .iter()
            .map(|artifact| artifact["mark"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(marks(), ["signed", "signed"]);
    let first = list.manifests[0].digest;
    let everywhere = String::from_utf8(list.to_json()).unwrap();
    *SCRIPT.lock().unwrap() = (
        format!("/manifests/{first}"),
        Box::leak(everywhere.into_boxed_str()),
    );
    assert_eq!(marks(), ["unreadable", "signed", "unreadable"]);
}

#[test]
fn what_lies_elsewhere_says_where() {
    let workshop = Workshop::new();
    let digest = workshop.signed_layout("home");
    workshop.layout("bare", "1.0", "genuine");
    let run = workshop
        .run(&format!(
            "discover --evidence-from oci:home oci:bare@{digest}"
        ))
        .ends(0);
    assert!(run.stdout.contains("in oci:home"), "{run:?}");
}

/// Signatures that notation 1.3.2 made.
#[test]
fn notation_signatures_are_decoded_and_said_to_be_unverified() {
    let workshop = Workshop::new();
    let peers =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/peers/notation-1.3.2");
    for (file, envelope) in [("signature.jws.json", "JWS"), ("signature.cose", "COSE")] {
        let bytes = std::fs::read(peers.join(file)).unwrap();
        workshop.write("piece", &bytes);
        let run = workshop.run("inspect piece").ends(0);
        assert!(run.stdout.starts_with("NOT VERIFIED"), "{run:?}");
        let json = workshop.run("-o json inspect piece").ends(0).json();
        let document = &json["result"]["document"];
        assert_eq!(document["envelope"], envelope);
        assert_eq!(document["algorithm"], "PS256");
        assert_eq!(document["signingScheme"], "notary.x509");
        assert_eq!(document["target"]["annotations"][0], "env=prod");
        assert_eq!(document["certificates"].as_array().unwrap().len(), 1);
        // Cut, it is an error that names what it looks like.
        workshop.write("piece", &bytes[..bytes.len() - 9]);
        workshop.run("inspect piece").ends(2);
    }
}
