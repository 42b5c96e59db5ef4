//! The order in which a copy writes manifests: what others can see makes sense at every moment, and nothing is written twice without need.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_formats::{ImageIndex, Manifest};
use countersign_registry::{BoxFuture, Target};
use countersign_registry_server::{Body, Intercept, Options, Step, full};
use http::request::Parts;
use http::{Method, Response};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::loopback::Loopback;
use crate::moving::{furnished, push_index};
use crate::workshop::{Workshop, push_image, wait};

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
            if waits
                && timeout(Duration::from_secs(20), self.barrier.wait())
                    .await
                    .is_err()
            {
                let refusal: Response<Body> =
                    Response::builder().status(400).body(full("")).unwrap();
                return Step::Answer(Box::new(refusal));
            }
            Step::Continue
        })
    }
}

fn recording(workshop: &Workshop, written: &Arc<Written>) -> Loopback {
    let mut options = Options::new(workshop.file("destination"));
    options.intercept = Some(written.clone());
    Loopback::with(options)
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
