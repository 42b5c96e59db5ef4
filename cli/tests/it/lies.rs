//! A source that lies is detected before anything is tagged: each lie × each kind of destination.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use countersign_formats::{Descriptor, ImageManifest, media_types};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::{BoxFuture, Store};
use countersign_registry_server::{Body, Intercept, Options, Step, full};
use http::Response;
use http::request::Parts;

use crate::loopback::Loopback;
use crate::workshop::{Workshop, attach, wait};

/// Over 1 MiB, which is streamed, and less, which is held.
const LAYERS: [usize; 2] = [(1 << 20) + 17, 1000];

/// What is wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Nothing,
    /// As many bytes as promised, and others.
    Other,
    Short,
    Long,
    /// The right length is announced and the connection breaks off.
    CutOff,
    /// The document is right and says another size of what it names.
    WrongSize,
}

/// A registry that lies about whatever is under one digest.
#[derive(Default)]
struct Liar {
    about: Mutex<Option<(String, Bytes, Lie)>>,
    /// Manifests by tag and digest that no honest registry would take.
    odd: Mutex<BTreeMap<String, Bytes>>,
}

impl Liar {
    fn tell(&self, digest: &str, truth: &Bytes, lie: Lie) {
        *self.about.lock().unwrap() = Some((digest.to_owned(), truth.clone(), lie));
    }
}

impl Intercept for Liar {
    fn after<'a>(
        &'a self,
        request: &'a Parts,
        response: Response<Body>,
    ) -> BoxFuture<'a, Response<Body>> {
        let about = self.about.lock().unwrap().clone();
        Box::pin(async move {
            let Some((digest, truth, lie)) = about else {
                return response;
            };
            let named = ["manifests", "blobs"]
                .iter()
                .any(|kind| request.uri.path().ends_with(&format!("/{kind}/{digest}")));
            if request.method != http::Method::GET || !named {
                return response;
            }
            let (mut head, _) = response.into_parts();
            let length = truth.len();
            let body = match lie {
                Lie::Nothing | Lie::WrongSize => full(truth),
                Lie::Other => {
                    let mut bytes = truth.to_vec();
                    bytes[length / 2] ^= 1;
                    full(bytes)
                }
                Lie::Short => full(truth.slice(..length - 1)),
                Lie::Long => full([&truth[..], b" "].concat()),
                Lie::CutOff => broken_off(truth.slice(..length / 2)),
            };
            if lie != Lie::CutOff {
                head.headers.remove(http::header::CONTENT_LENGTH);
            }
            Response::from_parts(head, body)
        })
    }

    fn before<'a>(&'a self, request: &'a mut Parts) -> BoxFuture<'a, Step> {
        let reference = request.uri.path().rsplit('/').next().unwrap_or_default();
        let odd = self.odd.lock().unwrap().get(reference).cloned();
        Box::pin(async {
            let Some(bytes) = odd else {
                return Step::Continue;
            };
            let response = Response::builder()
                .header(http::header::CONTENT_TYPE, media_types::OCI_MANIFEST)
                .body(full(bytes));
            Step::Answer(Box::new(response.unwrap()))
        })
    }
}

/// A body that fails after these bytes.
fn broken_off(bytes: Bytes) -> Body {
    let pieces = [Ok(bytes), Err(std::io::Error::other("cut off"))];
    countersign_registry_server::stream(futures_util::stream::iter(pieces))
}

/// What is lied about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Manifest,
    StreamedLayer,
    SmallLayer,
    EvidenceManifest,
    EvidenceBlob,
}

/// Where the image goes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Registry,
    Layout,
    Archive,
}

const CONFIG: &[u8] = b"{\"architecture\":\"amd64\",\"os\":\"linux\"}";

fn layers() -> Vec<Bytes> {
    LAYERS.map(|size| Bytes::from(vec![b'l'; size])).into()
}

/// The image of the layers; `wrong` is one whose size it has wrong by a byte.
fn manifest_of(wrong: Option<usize>) -> Bytes {
    let layers = layers();
    let config = Bytes::from_static(CONFIG);
    let describe = |media_type: &str, bytes: &Bytes, extra: u64| {
        Descriptor::new(
            media_type,
            digest::sha256(bytes),
            bytes.len() as u64 + extra,
        )
    };
    let layer = |(place, bytes): (usize, &Bytes)| {
        describe(
            media_types::OCI_LAYER,
            bytes,
            u64::from(wrong == Some(place)),
        )
    };
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: None,
        config: describe(media_types::OCI_CONFIG, &config, 0),
        layers: layers.iter().enumerate().map(layer).collect(),
        subject: None,
        annotations: Default::default(),
    };
    Bytes::from(manifest.to_json())
}

/// Puts the image with its layers under `1.0`.
fn push(store: &dyn Store) -> (Bytes, Vec<Bytes>) {
    let (manifest, layers) = (manifest_of(None), layers());
    let config = Bytes::from_static(CONFIG);
    wait(async {
        for blob in layers.iter().chain([&config]) {
            let digest = digest::sha256(blob);
            let pushed = store.push_blob(blob.clone(), &digest);
            pushed.await.unwrap();
        }
        store
            .push_manifest(manifest.clone(), media_types::OCI_MANIFEST, Some("1.0"))
            .await
            .unwrap();
    });
    (manifest, layers)
}

#[test]
fn a_source_that_lies_is_detected_before_anything_is_tagged() {
    let workshop = Workshop::new();
    let liar = Arc::new(Liar::default());
    let mut options = Options::new(workshop.file("source"));
    options.intercept = Some(Arc::clone(&liar) as Arc<dyn Intercept>);
    let server = Loopback::with(options);
    let far = Loopback::start(&workshop.file("far"));
    let store = server.store();
    let (manifest, layers) = push(store.as_ref());
    let evidence = Bytes::from_static(b"evidence of somebody");
    let image = digest::sha256(&manifest);
    let referrer = attach(store.as_ref(), &image, &evidence, "x");
    let referrers_manifest = wait(store.resolve(&countersign_registry::Target::Digest(referrer)));
    let things = [
        (What::Manifest, manifest),
        (What::StreamedLayer, layers[0].clone()),
        (What::SmallLayer, layers[1].clone()),
        (What::EvidenceManifest, referrers_manifest.unwrap().bytes),
        (What::EvidenceBlob, evidence),
    ];
    // The same image under sizes that are not those of its layers.
    for (tag, place) in [("first-too-small", 0), ("second-too-small", 1)] {
        let bytes = manifest_of(Some(place));
        let mut odd = liar.odd.lock().unwrap();
        odd.insert(digest::sha256(&bytes).to_string(), bytes.clone());
        odd.insert(tag.to_owned(), bytes);
    }
    let mut cells = 0;
    let mut go = |source: &str, lie: Lie, what: What, kind: Kind| {
        cells += 1;
        let tag = format!("t{cells}");
        let to = match kind {
            Kind::Registry => format!("{}:{tag}", far.name()),
            Kind::Layout => format!("oci:layout:{tag}"),
            Kind::Archive => format!("oci-archive:{tag}.tar:{tag}"),
        };
        // Nothing that came with an image before spares a blob its way.
        let fresh = match kind {
            Kind::Registry => format!("{}/{tag}:{tag}", far.address),
            _ => to,
        };
        let fresh = fresh.replace("oci:layout:", &format!("oci:layout-{tag}:"));
        let expected = if lie == Lie::Nothing { 0 } else { 20 };
        let run = workshop.run(&format!(
            "copy --allow-http {}:{source} {fresh}",
            server.name()
        ));
        assert_eq!(run.code, expected, "{lie:?} {what:?} {kind:?}: {run:#?}");
        let tagged = match kind {
            Kind::Registry => {
                let seen = workshop.run(&format!("discover --allow-http {fresh}"));
                assert!([0, 11].contains(&seen.code), "{seen:#?}");
                seen.code == 0
            }
            Kind::Layout => Layout::open(workshop.file(&format!("layout-{tag}")))
                .is_ok_and(|layout| !wait(layout.tags()).unwrap_or_default().is_empty()),
            Kind::Archive => workshop.file(&format!("{tag}.tar")).exists(),
        };
        assert_eq!(tagged, expected == 0, "{lie:?} {what:?} {kind:?}");
    };
    let kinds = [Kind::Registry, Kind::Layout, Kind::Archive];
    for kind in kinds {
        for (what, truth) in &things {
            for lie in [Lie::Nothing, Lie::Other, Lie::Short, Lie::Long, Lie::CutOff] {
                liar.tell(&digest::sha256(truth).to_string(), truth, lie);
                // By digest: what a tag leads to is the registry's to say.
                let source = format!("1.0@{image}");
                go(&source, lie, *what, kind);
            }
        }
        *liar.about.lock().unwrap() = None;
        go("first-too-small", Lie::WrongSize, What::StreamedLayer, kind);
        go("second-too-small", Lie::WrongSize, What::SmallLayer, kind);
    }
    assert_eq!(cells, 3 * (5 * 5 + 2));
}
