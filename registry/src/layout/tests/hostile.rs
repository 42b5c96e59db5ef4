//! Layouts and archives that are not what they say, and archives beside their directories.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use bytes::Bytes;
use countersign_formats::{Descriptor, media_types};
use countersign_proof::digest;

use super::{blob_path, code, layout, manifest, now, put};
use crate::layout::{Archive, Layout};
use crate::store::{Store, Target};

#[test]
fn bytes_that_are_not_what_their_name_says_are_refused() {
    let (_directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    layout
        .put_blob(b"hello", &digest::sha256(b"hello"))
        .unwrap();
    fs::write(blob_path(&layout, &digest::sha256(b"hello")), b"jello").unwrap();
    let blob = Descriptor::new("text/plain", digest::sha256(b"hello"), 5);
    assert_eq!(code(now(layout.blob(&blob, 5))), "digest-mismatch");
    let longer = Descriptor {
        size: 6,
        ..blob.clone()
    };
    assert_eq!(code(now(layout.blob(&longer, 6))), "size-mismatch");
    assert_eq!(code(now(layout.blob(&blob, 4))), "over-limit");
    // A writer of the right bytes heals it.
    layout.put_blob(b"hello", &blob.digest).unwrap();
    assert_eq!(now(layout.blob(&blob, 5)).unwrap(), "hello");
    let path = blob_path(&layout, &image.digest);
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(b' ');
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Tag("1.0".to_owned())))),
        "digest-mismatch"
    );
    assert_eq!(
        code(layout.put_blob(b"x", &digest::sha256(b"y"))),
        "digest-mismatch"
    );
}

#[test]
fn one_tag_on_two_manifests_is_refused() {
    let (_directory, layout) = layout();
    put(&layout, &manifest("image", None), Some("1.0"));
    put(&layout, &manifest("other", None), Some("2.0"));
    let mut index = layout.index().unwrap();
    for entry in &mut index.manifests {
        entry.annotations.insert(
            media_types::ANNOTATION_REF_NAME.to_owned(),
            "1.0".to_owned(),
        );
    }
    fs::write(layout.path().join("index.json"), index.to_json()).unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Tag("1.0".to_owned())))),
        "bad-response"
    );
}

/// N-24: a layout from somebody else must not make us read, or hang on, anything outside it.
#[test]
fn links_and_special_files_are_not_followed() {
    let (directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    let blob = blob_path(&layout, &image.digest);
    let outside = directory.path().join("outside");
    fs::rename(&blob, &outside).unwrap();
    symlink(&outside, &blob).unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Digest(image.digest)))),
        "file-unusable"
    );
    fs::remove_file(&blob).unwrap();

    rustix::fs::mknodat(
        rustix::fs::CWD,
        &blob,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Digest(image.digest)))),
        "file-unusable"
    );
    fs::remove_file(&blob).unwrap();

    fs::create_dir(&blob).unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Digest(image.digest)))),
        "file-unusable"
    );
    fs::remove_dir(&blob).unwrap();

    let blobs = layout.path().join("blobs/sha256");
    fs::rename(&blobs, directory.path().join("moved")).unwrap();
    symlink(directory.path().join("moved"), &blobs).unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Digest(image.digest)))),
        "file-unusable"
    );
    assert_eq!(
        code(layout.put_blob(b"x", &digest::sha256(b"x"))),
        "file-unusable"
    );

    let index = layout.path().join("index.json");
    fs::rename(&index, directory.path().join("index")).unwrap();
    symlink(directory.path().join("index"), &index).unwrap();
    assert_eq!(code(layout.index()), "file-unusable");
}

/// The twin of the test above: the root itself is the user's word and may be a link.
#[test]
fn the_root_may_be_a_link() {
    let (directory, layout) = layout();
    put(&layout, &manifest("image", None), Some("1.0"));
    let link = directory.path().join("link");
    symlink(layout.path(), &link).unwrap();
    assert!(now(Layout::open(&link).unwrap().resolve(&Target::Sole)).is_ok());
}

/// CVE-2023-25153 (A094).
#[test]
fn a_sparse_index_of_ten_gigabytes_is_over_the_limit() {
    let (_directory, layout) = layout();
    fs::File::create(layout.path().join("index.json"))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    assert_eq!(code(layout.index()), "over-limit");
    let digest = digest::sha256(b"huge");
    fs::File::create(blob_path(&layout, &digest))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    assert_eq!(
        code(now(layout.resolve(&Target::Digest(digest)))),
        "over-limit"
    );
}

/// CVE-2024-3727 (A076).
#[test]
fn digests_that_would_escape_are_refused_where_they_are_read() {
    let (_directory, layout) = layout();
    for digest in [
        "sha256:../../../etc/passwd",
        "sha256:",
        "sha256:AB",
        "md5:00",
        "SHA256:00",
        "../x",
    ] {
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":2}}]}}"#
        );
        fs::write(layout.path().join("index.json"), index).unwrap();
        assert_eq!(
            code(now(layout.resolve(&Target::Sole))),
            "malformed-document",
            "{digest}"
        );
    }
}

#[test]
fn an_index_with_duplicate_keys_or_that_is_an_image_is_refused() {
    let (_directory, layout) = layout();
    for text in [
        r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","config":{},"layers":[]}"#,
        "not json",
        "",
    ] {
        fs::write(layout.path().join("index.json"), text).unwrap();
        assert_eq!(code(layout.index()), "malformed-document", "{text}");
    }
}

#[test]
fn a_directory_with_other_things_is_not_turned_into_a_layout() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("precious"), "x").unwrap();
    assert_eq!(code(Layout::create(directory.path())), "file-unusable");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// Writes a tar file of a layout; `change` may bend each file.
fn archive_of(layout: &Layout, file: &Path, twice: &[&str]) {
    let mut tar = tar::Builder::new(fs::File::create(file).unwrap());
    tar.append_dir_all(".", layout.path()).unwrap();
    for name in twice {
        tar.append_path_with_name(layout.path().join(name), name)
            .unwrap();
    }
    tar.finish().unwrap();
}

#[test]
fn an_archive_is_read_like_its_directory() {
    let (directory, layout) = layout();
    let image = put(&layout, &manifest("image", None), Some("1.0"));
    let referrer = put(&layout, &manifest("referrer", Some(&image)), None);
    layout
        .put_blob(b"hello", &digest::sha256(b"hello"))
        .unwrap();
    let file = directory.path().join("image.tar");
    archive_of(&layout, &file, &[]);
    let archive = Archive::open(&file).unwrap();
    assert_eq!(
        now(archive.resolve(&Target::Tag("1.0".to_owned())))
            .unwrap()
            .descriptor,
        image
    );
    assert_eq!(
        now(archive.resolve(&Target::Sole)).unwrap().descriptor,
        image
    );
    assert_eq!(
        now(archive.referrers(&image.digest)).unwrap().descriptors[0].digest,
        referrer.digest
    );
    let blob = Descriptor::new("text/plain", digest::sha256(b"hello"), 5);
    assert_eq!(now(archive.blob(&blob, 5)).unwrap(), "hello");
    assert_eq!(
        code(now(archive.push_blob(Bytes::new(), &digest::sha256(b"")))),
        "store-unsupported"
    );
}

#[test]
fn hostile_archives_are_refused() {
    let (directory, layout) = layout();
    put(&layout, &manifest("image", None), Some("1.0"));
    let file = directory.path().join("image.tar");
    archive_of(&layout, &file, &["index.json"]);
    assert_eq!(code(Archive::open(&file)), "bad-response");

    archive_of(&layout, &file, &[]);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..700]).unwrap();
    assert!(matches!(
        code(Archive::open(&file).and_then(|archive| now(archive.resolve(&Target::Sole)))),
        "malformed-document" | "layout-not-found"
    ));

    fs::write(&file, [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    assert_eq!(code(Archive::open(&file)), "store-unsupported");
    fs::write(&file, "not a tar file at all").unwrap();
    assert!(Archive::open(&file).is_err());
    assert_eq!(code(Archive::open(directory.path())), "file-unusable");
    assert_eq!(
        code(Archive::open(directory.path().join("none"))),
        "layout-not-found"
    );

    // A header that claims ten gigabytes of list.
    let mut header = tar::Header::new_gnu();
    header.set_path("index.json").unwrap();
    header.set_size(10 << 30);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let mut marker = tar::Header::new_gnu();
    marker.set_path("oci-layout").unwrap();
    marker.set_size(30);
    marker.set_cksum();
    let mut bytes = marker.as_bytes().to_vec();
    bytes.extend(br#"{"imageLayoutVersion":"1.0.0"}"#);
    bytes.resize(1024, 0);
    bytes.extend(header.as_bytes());
    fs::write(&file, bytes).unwrap();
    let opened = Archive::open(&file).and_then(|archive| now(archive.resolve(&Target::Sole)));
    assert!(matches!(code(opened), "over-limit" | "malformed-document"));
}
