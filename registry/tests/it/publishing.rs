//! Publishing a proof: what is stored, in which order, in how many requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use countersign_formats::{Descriptor, KeyKind, Limits, UnixTime, media_types};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::{ListedVia, Store, Target, publish};
use countersign_sign::{PrivateKey, Signed, sign_image};

use crate::server::{Answer, Asked, Server, code, image, manifest_path, run, settings};

const NOW: UnixTime = UnixTime(1_795_532_400);

fn signed(image: &Descriptor) -> Signed {
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    sign_image(&key, image.digest, &BTreeMap::new(), NOW, &Limits::DEFAULT).unwrap()
}

/// A registry that refuses a manifest before its blobs, as some do, and knows subjects when `api`.
fn registry(api: bool) -> (Server, Arc<Mutex<BTreeSet<String>>>) {
    let blobs = Arc::<Mutex<BTreeSet<String>>>::default();
    let manifests = Mutex::new(BTreeMap::<String, Vec<u8>>::new());
    let known = Arc::clone(&blobs);
    let server = Server::start(move |asked: &Asked| {
        let mut blobs = known.lock().unwrap();
        let mut manifests = manifests.lock().unwrap();
        match asked.method.as_str() {
            "HEAD" => Answer::status(
                if blobs.contains(asked.target.rsplit('/').next().unwrap()) {
                    200
                } else {
                    404
                },
            ),
            "POST" => Answer::status(202).with("Location", "/upload"),
            "PUT" if asked.target.starts_with("/upload") => {
                blobs.insert(digest::sha256(&asked.body).to_string());
                Answer::status(201)
            }
            "PUT" => {
                let text = String::from_utf8(asked.body.clone()).unwrap();
                if text.contains("\"config\"") && blobs.len() < 2 {
                    return Answer::status(400)
                        .body(r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}"#);
                }
                manifests.insert(asked.target.clone(), asked.body.clone());
                let (_, subject) = image("image", None);
                let answer = Answer::status(201);
                if api {
                    answer.with("OCI-Subject", subject.digest.to_string())
                } else {
                    answer
                }
            }
            _ => manifests
                .get(&asked.target)
                .map_or(Answer::status(404), |bytes| {
                    Answer::status(200).body(bytes.clone())
                }),
        }
    });
    (server, blobs)
}

#[test]
fn five_requests_when_the_empty_config_exists_and_seven_when_not() {
    let (_, image) = image("image", None);
    let signed = signed(&image);
    let (server, _) = registry(true);
    let store = server.store(&settings());
    let published = run(publish(&store, &image, &signed.verified, NOW)).unwrap();
    assert_eq!(published.via, Some(ListedVia::Api));
    // Resolving the image, which comes before, is the sixth and the eighth. The last looks whether the registry lists what it took.
    assert_eq!(store.requests(), 7);
    let store = server.store(&settings());
    run(publish(&store, &image, &signed.verified, NOW)).unwrap();
    assert_eq!(store.requests(), 5);
    let methods: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.method.clone())
        .collect();
    assert_eq!(
        methods,
        [
            "HEAD", "POST", "PUT", "POST", "PUT", "PUT", "GET", "HEAD", "POST", "PUT", "PUT", "GET"
        ]
    );
}

#[test]
fn the_manifest_is_the_one_that_cosign_writes() {
    let (_, image) = image("image", None);
    let signed = signed(&image);
    let (server, _) = registry(true);
    let published = run(publish(
        &server.store(&settings()),
        &image,
        &signed.verified,
        NOW,
    ))
    .unwrap();
    let path = manifest_path(published.manifest.digest);
    let mut asked = server.asked().into_iter();
    let put = asked.find(|asked| asked.is("PUT", &path)).unwrap();
    let expected = format!(
        concat!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            r#""config":{{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"{empty}","artifactType":"{bundle_type}"}},"#,
            r#""layers":[{{"mediaType":"{bundle_type}","size":{bundle_size},"digest":"{bundle}"}}],"#,
            r#""annotations":{{"dev.sigstore.bundle.content":"dsse-envelope","#,
            r#""dev.sigstore.bundle.predicateType":"https://sigstore.dev/cosign/sign/v1","#,
            r#""org.opencontainers.image.created":"2026-11-24T15:00:00Z"}},"#,
            r#""subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":{image_size},"digest":"{image}"}},"#,
            r#""artifactType":"{bundle_type}"}}"#
        ),
        empty = media_types::EMPTY_JSON_DIGEST,
        bundle_type = media_types::BUNDLE_V03,
        bundle = digest::sha256(&signed.bundle),
        bundle_size = signed.bundle.len(),
        image = image.digest,
        image_size = image.size,
    );
    assert_eq!(String::from_utf8(put.body).unwrap(), expected);
}

#[test]
fn without_the_api_the_fallback_index_names_it() {
    let (_, image) = image("image", None);
    let (server, _) = registry(false);
    let store = server.store(&settings());
    let published = run(publish(&store, &image, &signed(&image).verified, NOW)).unwrap();
    assert_eq!(published.via, Some(ListedVia::FallbackTag));
    let listing = run(store.referrers(&image.digest)).unwrap();
    assert_eq!(listing.descriptors.len(), 1);
    assert_eq!(listing.descriptors[0].digest, published.manifest.digest);
    assert_eq!(
        listing.descriptors[0].annotations["dev.sigstore.bundle.content"],
        "dsse-envelope"
    );
}

#[test]
fn a_layout_gets_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path().join("image")).unwrap();
    let (bytes, image) = image("image", None);
    run(layout.push_manifest(bytes.into(), media_types::OCI_MANIFEST, Some("1.0"))).unwrap();
    let signed = signed(&image);
    let published = run(publish(&layout, &image, &signed.verified, NOW)).unwrap();
    let listing = run(layout.referrers(&image.digest)).unwrap();
    assert_eq!(listing.descriptors[0].digest, published.manifest.digest);
    let manifest = run(layout.manifest(&listing.descriptors[0])).unwrap();
    assert_eq!(manifest.descriptor, published.manifest);
    assert_eq!(
        run(layout.blob(&published.bundle, 1 << 20)).unwrap(),
        signed.bundle
    );
    assert_eq!(
        run(layout.resolve(&Target::Sole))
            .unwrap()
            .descriptor
            .digest,
        image.digest
    );
}

#[test]
fn a_proof_about_another_image_is_not_published() {
    let ((_, image), (_, other)) = (image("image", None), image("other", None));
    let (server, _) = registry(true);
    let store = server.store(&settings());
    assert_eq!(
        code(run(publish(&store, &other, &signed(&image).verified, NOW))),
        "store-unsupported"
    );
    assert_eq!(store.requests(), 0);
}
