//! What is moved with an image is capped: at each cap it goes, above it nothing does.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Descriptor, ImageManifest, Limits, media_types};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::replicate::{Extent, Moving, Scope, Survey, replicate, survey};
use countersign_registry::{Depot, Store, StoreError, Taken, Target};

use crate::server::{Answer, Server, code, run, settings};

/// A layout with an image under `1.0`, and what is attached to it.
struct Scene {
    _folder: tempfile::TempDir,
    source: Arc<dyn Depot>,
    destination: Arc<dyn Depot>,
    image: Descriptor,
}

const LAYER: &[u8] = b"a layer of 20 bytes.";

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Layout::create(folder.path().join("source")).unwrap();
        let image = push(&source, "image", None, Some("1.0"));
        Self {
            destination: Arc::new(Layout::create(folder.path().join("destination")).unwrap()),
            source: Arc::new(source),
            image,
            _folder: folder,
        }
    }

    fn attach(&self, name: &str, subject: &Descriptor) -> Descriptor {
        push(&*self.source, name, Some(subject), None)
    }

    fn survey(&self, limits: &Limits) -> Result<Survey, StoreError> {
        run(async {
            let root = self.source.resolve(&Target::Tag("1.0".to_owned())).await?;
            survey(
                &*self.source,
                Extent::Whole(root),
                &Scope::Everything,
                limits,
            )
            .await
        })
    }

    fn tags(&self) -> Vec<String> {
        run(self.destination.tags()).unwrap()
    }
}

fn push(
    store: &dyn Store,
    name: &str,
    subject: Option<&Descriptor>,
    tag: Option<&str>,
) -> Descriptor {
    let describe = |media_type: &str, bytes: &[u8]| {
        Descriptor::new(media_type, digest::sha256(bytes), bytes.len() as u64)
    };
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: subject.map(|_| "application/vnd.example".to_owned()),
        config: describe(media_types::OCI_EMPTY, media_types::EMPTY_JSON),
        layers: vec![describe("application/octet-stream", LAYER)],
        subject: subject.cloned(),
        annotations: [("name".to_owned(), name.to_owned())].into(),
    };
    run(async {
        for blob in [LAYER, media_types::EMPTY_JSON] {
            let digest = digest::sha256(blob);
            store
                .push_blob(Bytes::from_static(blob), &digest)
                .await
                .unwrap();
        }
        let bytes = Bytes::from(manifest.to_json());
        let pushed = store.push_manifest(bytes, media_types::OCI_MANIFEST, tag);
        pushed.await.unwrap().descriptor
    })
}

#[test]
fn as_many_manifests_as_the_cap_allows_are_moved_and_no_more() {
    let scene = Scene::new();
    scene.attach("one", &scene.image);
    scene.attach("two", &scene.image);
    let limits = |moved_manifests| Limits {
        moved_manifests,
        ..Limits::DEFAULT
    };
    assert_eq!(scene.survey(&limits(3)).unwrap().pieces.len(), 3);
    let error = scene.survey(&limits(2)).unwrap_err();
    assert_eq!(error.code(), "over-limit");
    assert!(
        error
            .to_string()
            .contains("number of manifests of one image"),
        "{error}"
    );
}

#[test]
fn evidence_about_evidence_is_followed_to_its_cap() {
    let scene = Scene::new();
    let mut subject = scene.image.clone();
    // The image is the first level.
    for level in 2..=Limits::DEFAULT.moved_depth {
        subject = scene.attach(&format!("level {level}"), &subject);
    }
    let found = scene.survey(&Limits::DEFAULT).unwrap();
    assert_eq!(found.pieces.len(), Limits::DEFAULT.moved_depth);
    scene.attach("one too deep", &subject);
    assert_eq!(code(scene.survey(&Limits::DEFAULT)), "over-limit");
}

#[test]
fn a_blob_over_the_cap_moves_nothing() {
    let scene = Scene::new();
    let found = scene.survey(&Limits::DEFAULT).unwrap();
    let moving = |blob_bytes| Moving {
        tag: Some("1.0".to_owned()),
        mount: None,
        parallel: 4,
        blob_bytes,
        watch: None,
    };
    let size = LAYER.len() as u64;
    let go = |cap| {
        run(replicate(
            &scene.source,
            &scene.destination,
            &found,
            &moving(cap),
        ))
    };
    assert_eq!(code(go(size - 1)), "over-limit");
    assert!(scene.tags().is_empty());
    assert_eq!(go(size).unwrap().carried, 2);
    assert_eq!(scene.tags(), ["1.0"]);
}

/// A blob costs a way to the source and back less than if it were asked for when its upload has begun.
fn is_asked_for_while_its_upload_begins(content: &'static [u8]) {
    let blob = Descriptor::new(
        "application/octet-stream",
        digest::sha256(content),
        content.len() as u64,
    );
    let (asked, was_asked) = channel();
    let (asked, was_asked) = (Mutex::new(asked), Mutex::new(was_asked));
    let source = Server::start(move |_| {
        asked.lock().unwrap().send(()).unwrap();
        Answer::status(200).body(content)
    });
    let destination = Server::start(move |asked| match asked.method.as_str() {
        "POST" => {
            let was_asked = was_asked.lock().unwrap();
            match was_asked.recv_timeout(Duration::from_secs(20)) {
                Ok(()) => Answer::status(202).with("Location", "/v2/acme/app/blobs/uploads/1"),
                Err(_) => Answer::status(404),
            }
        }
        _ if asked.body == content => Answer::status(201),
        _ => Answer::status(400),
    });
    let settings = settings();
    let (source, target) = (source.store(&settings), destination.store(&settings));
    let taken = run(target.take_blob(&source, &blob, None)).unwrap();
    assert!(matches!(taken, Taken::Carried));
    assert_eq!(destination.asked().len(), 2);
}

#[test]
fn a_large_layer_is_asked_for_while_its_upload_begins() {
    static LARGE: [u8; 3 << 20] = [7; 3 << 20];
    is_asked_for_while_its_upload_begins(&LARGE);
}

#[test]
fn a_small_blob_is_asked_for_while_its_upload_begins() {
    is_asked_for_while_its_upload_begins(LAYER);
}

/// A registry that refuses a mount may begin an upload in its place: that is the one that is used.
#[test]
fn an_upload_that_was_begun_in_place_of_a_mount_is_not_begun_again() {
    let blob = Descriptor::new(
        "application/octet-stream",
        digest::sha256(LAYER),
        LAYER.len() as u64,
    );
    let source = Server::start(|_| Answer::status(200).body(LAYER));
    let destination = Server::start(|asked| match asked.method.as_str() {
        "POST" => Answer::status(202).with("Location", "/v2/acme/app/blobs/uploads/1"),
        _ if asked.body == LAYER => Answer::status(201),
        _ => Answer::status(400),
    });
    let settings = settings();
    let (source, target) = (source.store(&settings), destination.store(&settings));
    let taken = run(target.take_blob(&source, &blob, Some("acme/base"))).unwrap();
    assert!(matches!(taken, Taken::Carried));
    let methods: Vec<String> = destination
        .asked()
        .into_iter()
        .map(|asked| asked.method)
        .collect();
    assert_eq!(methods, ["POST", "PUT"]);
}
