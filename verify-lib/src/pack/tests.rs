use std::path::Path;

use bytes::Bytes;
use countersign_formats::{Descriptor, ImageManifest, Limits, media_types};
use countersign_registry::layout::ArchiveWriter;
use countersign_registry::{Store as _, Target};

use super::*;

const IMAGE: &[u8] = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

fn filled() -> PackWriter {
    let mut writer = PackWriter::new();
    writer.annotate("dev.example.note", "for people");
    writer.section(SectionKind::Record, "", Bytes::from("{\"record\":1}"));
    writer.section(
        SectionKind::TrustedRoot,
        "trusted_root.json",
        Bytes::from("{}"),
    );
    writer.tuf_metadata(
        TufRole::Timestamp,
        "timestamp.json",
        Bytes::from("{\"t\":1}"),
    );
    writer.tuf_metadata(TufRole::Root, "1.root.json", Bytes::from("{\"r\":1}"));
    writer.manifest(
        Bytes::from_static(IMAGE),
        media_types::OCI_MANIFEST,
        Some("app"),
    );
    writer.blob(Bytes::from_static(media_types::EMPTY_JSON));
    writer
}

async fn hand_made(path: &Path, artifact_type: &str, change: impl FnOnce(&mut Vec<Descriptor>)) {
    let archive = ArchiveWriter::create(path, Limits::DEFAULT).unwrap();
    let mut put = Vec::new();
    for (bytes, media_type) in [
        (b"{}".as_slice(), media_types::OCI_EMPTY),
        (b"{\"record\":1}", SectionKind::Record.media_type()),
    ] {
        let digest = countersign_proof::digest::sha256(bytes);
        archive
            .push_blob(Bytes::from_static(bytes), &digest)
            .await
            .unwrap();
        put.push(Descriptor::new(media_type, digest, bytes.len() as u64));
    }
    let mut layers = put.split_off(1);
    change(&mut layers);
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some(artifact_type.to_owned()),
        config: put.remove(0),
        layers,
        subject: None,
        annotations: Default::default(),
    };
    archive
        .push_manifest(manifest.to_json().into(), media_types::OCI_MANIFEST, None)
        .await
        .unwrap();
    archive.finish().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_pack_gives_back_what_was_put_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pack");
    filled().write(&path).await.unwrap();
    let pack = Pack::open(&path, &Limits::DEFAULT).unwrap();
    let names: Vec<_> = pack
        .sections()
        .iter()
        .map(|section| (section.kind, section.tuf_role, section.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (SectionKind::TrustedRoot, None, "trusted_root.json"),
            (SectionKind::TufMetadata, Some(TufRole::Root), "1.root.json"),
            (
                SectionKind::TufMetadata,
                Some(TufRole::Timestamp),
                "timestamp.json"
            ),
            (SectionKind::Record, None, ""),
        ]
    );
    assert_eq!(
        pack.required(SectionKind::Record).unwrap().bytes,
        "{\"record\":1}"
    );
    assert_eq!(pack.annotations()["dev.example.note"], "for people");
    let image = pack
        .store()
        .resolve(&Target::Tag("app".to_owned()))
        .await
        .unwrap();
    assert_eq!(image.bytes, IMAGE);
    assert!(!pack.is_own(&Target::Digest(image.descriptor.digest)));
}

#[tokio::test(flavor = "current_thread")]
async fn the_same_content_gives_the_same_bytes_in_any_order() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (directory.path().join("a"), directory.path().join("b"));
    filled().write(&first).await.unwrap();
    let mut writer = PackWriter::new();
    writer.tuf_metadata(TufRole::Root, "1.root.json", Bytes::from("{\"r\":1}"));
    writer.blob(Bytes::from_static(media_types::EMPTY_JSON));
    writer.section(
        SectionKind::TrustedRoot,
        "trusted_root.json",
        Bytes::from("{}"),
    );
    writer.manifest(
        Bytes::from_static(IMAGE),
        media_types::OCI_MANIFEST,
        Some("app"),
    );
    writer.tuf_metadata(
        TufRole::Timestamp,
        "timestamp.json",
        Bytes::from("{\"t\":1}"),
    );
    writer.section(SectionKind::Record, "", Bytes::from("{\"record\":1}"));
    writer.annotate("dev.example.note", "for people");
    writer.write(&second).await.unwrap();
    assert_eq!(
        std::fs::read(first).unwrap(),
        std::fs::read(second).unwrap()
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_unknown_section_is_refused_unless_it_says_that_it_may_be_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pack");
    let unknown = |optional: Option<&str>| {
        let optional = optional.map(str::to_owned);
        move |layers: &mut Vec<Descriptor>| {
            let mut layer = layers[0].clone();
            layer.media_type = "application/vnd.example.future+json".to_owned();
            if let Some(value) = optional {
                layer
                    .annotations
                    .insert(ANNOTATION_OPTIONAL.to_owned(), value);
            }
            layers.push(layer);
        }
    };
    hand_made(&path, ARTIFACT_TYPE, unknown(Some("true"))).await;
    let pack = Pack::open(&path, &Limits::DEFAULT).unwrap();
    assert_eq!(
        pack.skipped()[0].media_type,
        "application/vnd.example.future+json"
    );
    assert_eq!(pack.sections().len(), 1);
    for optional in [None, Some("false"), Some("")] {
        hand_made(&path, ARTIFACT_TYPE, unknown(optional)).await;
        let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.code(), "pack-section-unknown");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn another_version_a_plain_layout_and_two_packs_in_one_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pack");
    hand_made(&path, ARTIFACT_TYPE, |_| {}).await;
    Pack::open(&path, &Limits::DEFAULT).unwrap();
    hand_made(&path, "application/vnd.countersign.pack.v2+json", |_| {}).await;
    let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "pack-version");
    hand_made(&path, "application/vnd.example+json", |_| {}).await;
    let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "pack-not-a-pack");
    assert!(error.hint().unwrap().contains("trust export"));
    for other in [b"not a tar file".as_slice(), b"", &[b'x'; 4096]] {
        std::fs::write(&path, other).unwrap();
        let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.code(), "pack-not-a-pack");
        assert!(!error.to_string().contains("xxx"), "{error}");
    }
    // A folder is none either, a layout or not.
    let error = Pack::open(directory.path(), &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "pack-not-a-pack");
    // One that was cut off on its way is told to be so, or is no pack at all.
    hand_made(&path, ARTIFACT_TYPE, |_| {}).await;
    let whole = std::fs::read(&path).unwrap();
    for size in (0..whole.len() - 1024).step_by(256) {
        std::fs::write(&path, &whole[..size]).unwrap();
        let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
        let name = path.display().to_string();
        assert!(error.to_string().contains(&name), "{size}: {error}");
        assert!(error.hint().is_some(), "{size}: {error}");
    }
    let missing = Pack::open(directory.path().join("absent"), &Limits::DEFAULT).unwrap_err();
    assert_eq!(missing.code(), "pack-not-found");
}

#[tokio::test(flavor = "current_thread")]
async fn a_section_must_have_its_digest_its_size_and_its_place_under_the_cap() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pack");
    let open = |limits: &Limits| Pack::open(&path, limits).map_err(|error| error.code());
    hand_made(&path, ARTIFACT_TYPE, |layers| layers[0].size = 11).await;
    assert_eq!(open(&Limits::DEFAULT).unwrap_err(), "size-mismatch");
    hand_made(&path, ARTIFACT_TYPE, |layers| {
        layers[0].digest = countersign_proof::digest::sha256(b"elsewhere");
    })
    .await;
    assert_eq!(open(&Limits::DEFAULT).unwrap_err(), "blob-not-found");
    hand_made(&path, ARTIFACT_TYPE, |layers| {
        layers[0].size = i64::MAX as u64
    })
    .await;
    assert_eq!(open(&Limits::DEFAULT).unwrap_err(), "pack-over-limit");
    hand_made(&path, ARTIFACT_TYPE, |_| {}).await;
    let exact = Limits {
        pack_bytes: 12,
        ..Limits::DEFAULT
    };
    open(&exact).unwrap();
    let less = Limits {
        pack_bytes: 11,
        ..Limits::DEFAULT
    };
    assert_eq!(open(&less).unwrap_err(), "pack-over-limit");
    // One changed byte of the section.
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes
        .windows(12)
        .position(|window| window == b"{\"record\":1}")
        .unwrap();
    bytes[at + 10] = b'2';
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(&Limits::DEFAULT).unwrap_err(), "digest-mismatch");
}

#[tokio::test(flavor = "current_thread")]
async fn metadata_without_a_role_and_a_second_trusted_root_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pack");
    hand_made(&path, ARTIFACT_TYPE, |layers| {
        layers[0].media_type = SectionKind::TufMetadata.media_type().to_owned();
    })
    .await;
    let error = Pack::open(&path, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "pack-section-malformed");
    let mut writer = PackWriter::new();
    writer.section(SectionKind::TrustedRoot, "one", Bytes::from("{}"));
    writer.section(SectionKind::TrustedRoot, "two", Bytes::from("{}"));
    writer.write(&path).await.unwrap();
    let pack = Pack::open(&path, &Limits::DEFAULT).unwrap();
    assert_eq!(
        pack.section(SectionKind::TrustedRoot).unwrap_err().code(),
        "pack-section-count"
    );
    assert!(pack.section(SectionKind::Policy).unwrap().is_none());
    assert_eq!(
        pack.required(SectionKind::Policy).unwrap_err().code(),
        "pack-section-count"
    );
}
