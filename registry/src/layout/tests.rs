use std::collections::BTreeMap;
use std::fs;

use countersign_formats::{Descriptor, Digest, ImageIndex, ImageManifest, media_types};
use countersign_proof::digest;

mod hostile;

use super::Layout;
use crate::store::{ListedVia, Store, Target};

/// Runs a future of a layout, which never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn layout() -> (tempfile::TempDir, Layout) {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path().join("image")).unwrap();
    (directory, layout)
}

fn manifest(text: &str, subject: Option<&Descriptor>) -> ImageManifest {
    let config = Descriptor::new(media_types::OCI_EMPTY, digest::sha256(b"{}"), 2);
    ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: subject.map(|_| media_types::BUNDLE_V03.to_owned()),
        config,
        layers: vec![Descriptor::new(
            "text/plain",
            digest::sha256(text.as_bytes()),
            text.len() as u64,
        )],
        subject: subject.cloned(),
        annotations: BTreeMap::from([("name".to_owned(), text.to_owned())]),
    }
}

fn put(layout: &Layout, manifest: &ImageManifest, tag: Option<&str>) -> Descriptor {
    layout
        .put_manifest(
            manifest.to_json().into(),
            &manifest.media_type,
            tag.as_slice(),
        )
        .unwrap()
        .descriptor
}

fn blob_path(layout: &Layout, digest: &Digest) -> std::path::PathBuf {
    layout
        .path()
        .join("blobs")
        .join(digest.algorithm().name())
        .join(digest.hex())
}

fn code<T: std::fmt::Debug>(result: Result<T, crate::StoreError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn what_is_stored_is_read_again() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    layout
        .put_blob(b"hello", &digest::sha256(b"hello"))
        .unwrap();
    let layout = Layout::open(layout.path()).unwrap();
    for target in [
        Target::Tag("1.0".to_owned()),
        Target::Digest(image.digest),
        Target::Sole,
    ] {
        let resolved = now(layout.resolve(&target)).unwrap();
        assert_eq!(resolved.descriptor, image);
    }
    let blob = Descriptor::new("text/plain", digest::sha256(b"hello"), 5);
    assert_eq!(now(layout.blob(&blob, 5)).unwrap(), "hello");
    assert_eq!(now(layout.tags()).unwrap(), ["1.0"]);
    assert!(now(layout.exists(&image.digest)).unwrap());
    assert!(!now(layout.exists(&digest::sha256(b"other"))).unwrap());
    assert_eq!(layout.requests(), 0);
}

#[test]
fn absence_is_told_from_trouble() {
    let (directory, layout) = layout();
    assert_eq!(
        code(now(layout.resolve(&Target::Tag("none".to_owned())))),
        "image-not-found"
    );
    assert_eq!(code(now(layout.resolve(&Target::Sole))), "image-not-found");
    assert!(now(layout.tag("none")).unwrap().is_none());
    assert_eq!(
        code(Layout::open(directory.path().join("nowhere"))),
        "layout-not-found"
    );
    assert_eq!(code(Layout::open(directory.path())), "layout-not-found");
    let blob = Descriptor::new("text/plain", digest::sha256(b"hello"), 5);
    assert_eq!(code(now(layout.blob(&blob, 5))), "blob-not-found");
}

#[test]
fn a_tag_moves_and_the_old_manifest_stays_listed() {
    let (_directory, layout) = layout();
    let first = put(&layout, &manifest("first", None), Some("latest"));
    let second = put(&layout, &manifest("second", None), Some("latest"));
    assert_eq!(
        now(layout.resolve(&Target::Tag("latest".to_owned())))
            .unwrap()
            .descriptor,
        second
    );
    let digests: Vec<Digest> = layout
        .index()
        .unwrap()
        .manifests
        .iter()
        .map(|entry| entry.digest)
        .collect();
    assert_eq!(digests, [first.digest, second.digest]);
    // The one with a tag is meant.
    assert_eq!(
        now(layout.resolve(&Target::Sole)).unwrap().descriptor,
        second
    );
}

#[test]
fn storing_the_same_twice_changes_nothing() {
    let (_directory, layout) = layout();
    put(&layout, &manifest("image", None), Some("1.0"));
    let before = fs::read(layout.path().join("index.json")).unwrap();
    put(&layout, &manifest("image", None), Some("1.0"));
    put(&layout, &manifest("image", None), None);
    assert_eq!(fs::read(layout.path().join("index.json")).unwrap(), before);
}

#[test]
fn several_images_without_a_name_are_ambiguous_and_referrers_are_not_images() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    put(&layout, &manifest("referrer", Some(&image)), None);
    assert_eq!(
        now(layout.resolve(&Target::Sole)).unwrap().descriptor,
        image
    );
    put(&layout, &manifest("other", None), Some("2.0"));
    let error = now(layout.resolve(&Target::Sole)).unwrap_err();
    assert_eq!(error.code(), "image-ambiguous");
    assert!(error.hint().unwrap().contains(":2.0"), "{error:?}");
}

#[test]
fn referrers_in_the_list_are_found_by_their_subject() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    let other = put(&layout, &manifest("other", None), Some("2.0"));
    let referrer = put(&layout, &manifest("referrer", Some(&image)), None);
    put(&layout, &manifest("stranger", Some(&other)), None);
    let listing = now(layout.referrers(&image.digest)).unwrap();
    assert!(listing.complete);
    assert_eq!(listing.via, ListedVia::Layout);
    assert_eq!(listing.descriptors.len(), 1);
    assert_eq!(listing.descriptors[0].digest, referrer.digest);
    assert_eq!(
        listing.descriptors[0].artifact_type.as_deref(),
        Some(media_types::BUNDLE_V03)
    );
    assert_eq!(listing.descriptors[0].annotations["name"], "referrer");
}

/// cosign's `save` resets the list for each thing that it writes: referrers stay as blobs that nothing names.
#[test]
fn orphan_referrers_of_a_layout_saved_by_cosign_are_found() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), None);
    let referrer = put(&layout, &manifest("referrer", Some(&image)), None);
    let signatures = put(&layout, &manifest("signatures", None), None);
    let mut index = layout.index().unwrap();
    index
        .manifests
        .retain(|entry| entry.digest != referrer.digest);
    for entry in &mut index.manifests {
        let kind = if entry.digest == image.digest {
            "image"
        } else {
            "sigs"
        };
        entry.annotations.insert(
            "kind".to_owned(),
            format!("dev.cosignproject.cosign/{kind}"),
        );
    }
    fs::write(layout.path().join("index.json"), index.to_json()).unwrap();
    let listing = now(layout.referrers(&image.digest)).unwrap();
    assert_eq!(
        listing
            .descriptors
            .iter()
            .map(|entry| entry.digest)
            .collect::<Vec<_>>(),
        [referrer.digest]
    );
    assert_eq!(
        now(layout.resolve(&Target::Sole))
            .unwrap()
            .descriptor
            .digest,
        image.digest
    );
    let tag = format!("sha256-{}.sig", image.digest.hex());
    assert_eq!(
        now(layout.tag(&tag)).unwrap().unwrap().descriptor.digest,
        signatures.digest
    );
    assert!(
        now(layout.tag(&format!("sha256-{}.att", image.digest.hex())))
            .unwrap()
            .is_none()
    );
    assert!(
        now(layout.tag(&format!("sha256-{}.sig", "00".repeat(32))))
            .unwrap()
            .is_none()
    );
}

/// umoci leaves `mediaType` out of `index.json` and manifests.
#[test]
fn documents_without_a_media_type_are_read() {
    let (_directory, layout) = layout();
    let text = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    let digest = digest::sha256(text);
    layout.put_blob(text, &digest).unwrap();
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"12"}}}}]}}"#,
        text.len()
    );
    fs::write(layout.path().join("index.json"), index).unwrap();
    let resolved = now(layout.resolve(&Target::Tag("12".to_owned()))).unwrap();
    assert_eq!(resolved.descriptor.media_type, media_types::OCI_MANIFEST);
    assert_eq!(resolved.descriptor.digest, digest);
}

#[test]
fn entries_that_we_do_not_know_survive_a_change() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), None);
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{}","digest":"{}","size":{},"urls":["https://a.example/"],"custom":{{"a":1}}}}],"vendor":[true]}}"#,
        image.media_type, image.digest, image.size
    );
    fs::write(layout.path().join("index.json"), index).unwrap();
    put(&layout, &manifest("other", None), Some("2.0"));
    let text = fs::read_to_string(layout.path().join("index.json")).unwrap();
    for kept in [
        r#""urls":["https://a.example/"]"#,
        r#""custom":{"a":1}"#,
        r#""vendor":[true]"#,
    ] {
        assert!(text.contains(kept), "{text}");
    }
}

#[test]
fn eight_writers_at_once_lose_nothing() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (path, image) = (layout.path(), &image);
            scope.spawn(move || {
                let layout = Layout::open(path).unwrap();
                for round in 0..4 {
                    put(
                        &layout,
                        &manifest(&format!("{writer} {round}"), Some(image)),
                        None,
                    );
                }
            });
        }
    });
    assert_eq!(
        now(layout.referrers(&image.digest))
            .unwrap()
            .descriptors
            .len(),
        32
    );
    let left: Vec<_> = fs::read_dir(layout.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// What a writer leaves that was killed between any two of its steps.
#[test]
fn rests_of_a_killed_writer_do_not_matter() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    fs::write(layout.path().join(".countersign-index.tmp"), "{\"half").unwrap();
    fs::write(layout.path().join(".countersign-blob.tmp"), "ha").unwrap();
    assert_eq!(
        now(layout.resolve(&Target::Sole)).unwrap().descriptor,
        image
    );
    put(&layout, &manifest("referrer", Some(&image)), None);
    assert_eq!(
        now(layout.referrers(&image.digest))
            .unwrap()
            .descriptors
            .len(),
        1
    );
    assert!(!layout.path().join(".countersign-index.tmp").exists());
    assert!(!layout.path().join(".countersign-blob.tmp").exists());
}

#[test]
fn half_a_layout_is_completed() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
    fs::write(directory.path().join(".countersign-index.tmp"), "{").unwrap();
    let layout = Layout::create(directory.path()).unwrap();
    assert!(layout.index().unwrap().manifests.is_empty());
}

#[test]
fn an_index_of_many_images_is_one_image() {
    let (_directory, layout) = layout();
    let first = put(&layout, &manifest("amd64", None), None);
    fs::write(layout.path().join("index.json"), super::EMPTY_INDEX).unwrap();
    let index = ImageIndex {
        manifests: vec![first],
        ..ImageIndex::default()
    };
    let pushed = layout
        .put_manifest(index.to_json().into(), media_types::OCI_INDEX, &["12"])
        .unwrap();
    assert_eq!(
        now(layout.resolve(&Target::Sole)).unwrap().descriptor,
        pushed.descriptor
    );
}
