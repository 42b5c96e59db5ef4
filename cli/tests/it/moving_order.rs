//! The order in which a copy writes manifests: what others can see makes sense at every moment, and nothing is written twice without need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Descriptor, ImageIndex, ImageManifest, Manifest, media_types};
use countersign_proof::digest;
use countersign_registry::{BoxFuture, Store, Target};
use countersign_registry_server::{Body, Intercept, Options, Step, full};
use http::request::Parts;
use http::{Method, Response};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::loopback::Loopback;
use crate::moving::{furnished, push_index};
use crate::program::Run;
use crate::workshop::{Workshop, push_image, wait};

/// Lets uploads of blobs begin when so many are about to.
struct Uploads(Barrier);

impl Intercept for Uploads {
    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        let begins = request.method == Method::POST && request.uri.path().ends_with("/uploads/");
        Box::pin(async move {
            if begins {
                together(&self.0).await
            } else {
                Step::Continue
            }
        })
    }
}

/// Waits for the others; refuses where they do not come.
async fn together(barrier: &Barrier) -> Step {
    if timeout(Duration::from_secs(20), barrier.wait())
        .await
        .is_ok()
    {
        return Step::Continue;
    }
    let refusal: Response<Body> = Response::builder().status(400).body(full("")).unwrap();
    Step::Answer(Box::new(refusal))
}

/// Remembers under what names manifests were written, and takes none of `together` until all of them are on their way.
struct Written {
    names: Mutex<Vec<String>>,
    together: Vec<String>,
    barrier: Barrier,
}

impl Written {
    fn new(together: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            names: Mutex::default(),
            barrier: Barrier::new(together.len().max(1)),
            together,
        })
    }

    fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }
}

impl Intercept for Written {
    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        let path = request.uri.path().split_once("/manifests/");
        let Some((_, name)) = path.filter(|_| request.method == Method::PUT) else {
            return Box::pin(async { Step::Continue });
        };
        self.names.lock().unwrap().push(name.to_owned());
        let waits = self.together.iter().any(|other| other == name);
        Box::pin(async move {
            if waits {
                return together(&self.barrier).await;
            }
            Step::Continue
        })
    }
}

fn recording<I: Intercept + 'static>(workshop: &Workshop, hook: &Arc<I>) -> Loopback {
    let mut options = Options::new(workshop.file("destination"));
    options.intercept = Some(hook.clone());
    Loopback::with(options)
}

/// An image of `count` small layers under `v1`.
fn push_many(store: &dyn Store, count: usize) {
    let describe = |media_type: &str, bytes: &Bytes| {
        Descriptor::new(media_type, digest::sha256(bytes), bytes.len() as u64)
    };
    let config = Bytes::from_static(b"{}");
    let layers: Vec<Bytes> = (0..count)
        .map(|number| Bytes::from(format!("layer {number}")))
        .collect();
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: None,
        config: describe(media_types::OCI_CONFIG, &config),
        layers: layers
            .iter()
            .map(|layer| describe(media_types::OCI_LAYER, layer))
            .collect(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    wait(async {
        for blob in layers.into_iter().chain([config]) {
            let digest = digest::sha256(&blob);
            store.push_blob(blob, &digest).await.unwrap();
        }
        let bytes = Bytes::from(manifest.to_json());
        let pushed = store.push_manifest(bytes, media_types::OCI_MANIFEST, Some("v1"));
        pushed.await.unwrap();
    });
}

/// Copies an image of so many small layers and a configuration to a registry where uploads begin when `uploads` are about to.
fn copied(layers: usize, uploads: usize, flags: &str) -> Run {
    let workshop = Workshop::new();
    let source = Loopback::start(&workshop.file("source"));
    push_many(source.store().as_ref(), layers);
    let destination = recording(&workshop, &Arc::new(Uploads(Barrier::new(uploads))));
    let (from, to) = (source.name(), destination.name());
    workshop.run(&format!("copy --allow-http {flags} {from}:v1 {to}:v1"))
}

/// Small blobs cost ways to the registries and back and next to no bytes.
#[test]
fn four_small_blobs_go_in_the_place_of_a_large_one() {
    copied(7, 8, "--parallel 2").ends(0);
}

#[test]
fn one_at_a_time_is_one_at_a_time() {
    copied(1, 2, "--parallel 1 --timeout 1s").ends(20);
}

#[test]
fn an_image_without_evidence_is_written_once_under_its_tag() {
    let workshop = Workshop::new();
    let source = Loopback::start(&workshop.file("source"));
    push_image(source.store().as_ref(), "v1", "amd64");
    let written = Written::new(Vec::new());
    let destination = recording(&workshop, &written);
    let (from, to) = (source.name(), destination.name());
    workshop
        .run(&format!("copy --allow-http {from}:v1 {to}:v2"))
        .ends(0);
    assert_eq!(written.names(), ["v2"]);
}

#[test]
fn an_image_is_there_before_its_evidence_and_gets_its_tag_last() {
    let workshop = Workshop::new();
    let source = Loopback::start(&workshop.file("source"));
    let (index, platform) = furnished(&workshop, &source);
    let written = Written::new(Vec::new());
    let destination = recording(&workshop, &written);
    let (from, to) = (source.name(), destination.name());
    workshop
        .run(&format!("copy --allow-http {from}:v1 {to}:v2"))
        .ends(0);
    let names = written.names();
    let (platforms, others) = names.split_at(2);
    assert!(platforms.contains(&platform.to_string()), "{names:?}");
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let [image, first, second, third, tag] = others.as_slice() else {
        panic!("{names:?}");
    };
    assert_eq!((*image, *tag), (index.to_string().as_str(), "v2"));
    assert!(
        [first, second, third]
            .iter()
            .all(|name| name.starts_with("sha256:"))
    );
}

/// A registry that takes tenths of a second for a manifest takes them once, not for each platform.
#[test]
fn platforms_are_written_at_the_same_time_and_their_index_afterwards() {
    let workshop = Workshop::new();
    let source = Loopback::start(&workshop.file("source"));
    let (index, _) = push_index(source.store().as_ref(), "v1");
    let resolved = wait(source.store().resolve(&Target::Digest(index))).unwrap();
    let Manifest::Index(ImageIndex { manifests, .. }) = resolved.manifest else {
        panic!("an index");
    };
    let mut platforms: Vec<String> = manifests
        .iter()
        .map(|entry| entry.digest.to_string())
        .collect();
    let written = Written::new(platforms.clone());
    let destination = recording(&workshop, &written);
    let (from, to) = (source.name(), destination.name());
    workshop
        .run(&format!("copy --allow-http {from}:v1 {to}:v1"))
        .ends(0);
    let mut names = written.names();
    assert_eq!(names.pop().as_deref(), Some("v1"));
    names.sort_unstable();
    platforms.sort_unstable();
    assert_eq!(names, platforms);
}
