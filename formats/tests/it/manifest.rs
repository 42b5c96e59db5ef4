//! Manifests and indexes: shapes, media types, caps, and writing them without loss.

use crate::fixtures::{HEX, OTHER_HEX, index, manifest};
use countersign_formats::media_types::{
    DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST,
};
use countersign_formats::{Descriptor, Digest, Error, ImageIndex, Limits, Manifest};

fn parse(text: &str, content_type: Option<&str>) -> Result<Manifest, Error> {
    Manifest::parse(text.as_bytes(), content_type, &Limits::DEFAULT)
}

#[test]
fn referrer_manifest_is_written_byte_for_byte_as_it_was_read() {
    let Manifest::Image(image) = parse(&manifest(), Some(OCI_MANIFEST)).unwrap() else {
        panic!()
    };
    assert_eq!(String::from_utf8(image.to_json()).unwrap(), manifest());
    assert_eq!(
        image.effective_artifact_type(),
        "application/vnd.dev.sigstore.bundle.v0.3+json"
    );
    assert_eq!(image.subject.as_ref().unwrap().size, 856);
    assert_eq!(
        image.layers[0].digest,
        Digest::parse(&format!("sha256:{HEX}")).unwrap()
    );
    let bare = manifest().replace(
        r#","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#,
        "}",
    );
    let Manifest::Image(image) = parse(&bare, None).unwrap() else {
        panic!()
    };
    assert_eq!(
        image.effective_artifact_type(),
        "application/vnd.oci.empty.v1+json"
    );
}

#[test]
fn index_is_rewritten_without_loss() {
    let Manifest::Index(read) = parse(&index(), None).unwrap() else {
        panic!()
    };
    assert!(read.manifests[1].has_urls && !read.manifests[0].has_urls);
    assert_eq!(
        read.manifests[0]
            .platform
            .as_ref()
            .unwrap()
            .variant
            .as_deref(),
        Some("v8")
    );
    assert_eq!(read.manifests[1].data.as_deref(), Some(&b"{}"[..]));
    let written: serde_json::Value = serde_json::from_slice(&read.to_json()).unwrap();
    let original: serde_json::Value = serde_json::from_str(&index()).unwrap();
    assert_eq!(written, original);
    let again = Manifest::parse(&read.to_json(), Some(OCI_INDEX), &Limits::DEFAULT).unwrap();
    assert_eq!(again, Manifest::Index(read));
}

// A074, A075 and CVE-2021-41190: one document has one reading.
#[test]
fn a_document_of_two_shapes_or_two_media_types_is_refused() {
    let both = index().replace(r#""x-new":true"#, r#""layers":[]"#);
    assert_eq!(parse(&both, None).unwrap_err().code(), "conflict");
    let config =
        format!(r#""config":{{"mediaType":"{OCI_CONFIG}","size":1,"digest":"sha256:{HEX}"}}"#);
    assert_eq!(
        parse(&index().replace(r#""x-new":true"#, &config), None)
            .unwrap_err()
            .code(),
        "conflict"
    );
    for (text, own) in [(manifest(), OCI_MANIFEST), (index(), OCI_INDEX)] {
        let wrong = if own == OCI_MANIFEST {
            OCI_INDEX
        } else {
            OCI_MANIFEST
        };
        assert_eq!(
            parse(&text.replacen(own, wrong, 1), None)
                .unwrap_err()
                .code(),
            "conflict"
        );
        assert_eq!(parse(&text, Some(wrong)).unwrap_err().code(), "conflict");
        let unnamed = text.replacen(&format!(r#""mediaType":"{own}","#), "", 1);
        assert_eq!(parse(&unnamed, Some(wrong)).unwrap_err().code(), "conflict");
        let docker = if own == OCI_MANIFEST {
            DOCKER_MANIFEST
        } else {
            DOCKER_LIST
        };
        assert_eq!(parse(&text, Some(docker)).unwrap_err().code(), "conflict");
        for (text, content_type, media_type) in [
            (&text, None, own),
            (&text, Some(own.to_owned()), own),
            (
                &text,
                Some(format!("{}; charset=utf-8", own.to_ascii_uppercase())),
                own,
            ),
            (&text, Some(String::new()), own),
            (&unnamed, None, own),
            (&unnamed, Some(docker.to_owned()), docker),
            (
                &text.replacen(own, docker, 1),
                Some(docker.to_owned()),
                docker,
            ),
        ] {
            assert_eq!(
                parse(text, content_type.as_deref()).unwrap().media_type(),
                media_type
            );
        }
    }
}

// N-09
#[test]
fn obsolete_and_foreign_types_are_unsupported() {
    for (text, content_type) in [
        (r#"{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[],"history":[],"signatures":[]}"#.to_owned(), None),
        (manifest().replacen("\"schemaVersion\":2", "\"schemaVersion\":1", 1), None),
        (manifest().replacen("\"layers\"", "\"fsLayers\"", 1), None),
        (manifest().replacen("\"layers\"", "\"blobs\"", 1), None),
        (manifest(), Some("application/vnd.docker.distribution.manifest.v1+prettyjws")),
        (manifest(), Some("application/json")),
        (manifest(), Some("text/html; charset=utf-8")),
        (manifest().replacen(OCI_MANIFEST, "application/vnd.oci.artifact.manifest.v1+json", 1), None),
    ] {
        assert_eq!(parse(&text, content_type).unwrap_err().code(), "unsupported", "{text}");
    }
}

#[test]
fn broken_manifests_are_refused_with_the_place() {
    for (from, to, code, path) in [
        ("\"schemaVersion\":2,", "", "missing-field", ""),
        ("\"layers\"", "\"Layers\"", "missing-field", ""),
        (
            "\"layers\":[",
            "\"Layers\":[],\"layers\":[",
            "duplicate-key",
            "",
        ),
        (
            "\"config\":{",
            "\"config\":{\"size\":2,",
            "duplicate-key",
            "config",
        ),
        ("\"size\":77", "\"size\":-77", "bad-value", "layers[0].size"),
        (
            "\"size\":77",
            "\"size\":77.0",
            "bad-value",
            "layers[0].size",
        ),
        (
            "\"size\":77",
            "\"size\":\"77\"",
            "wrong-type",
            "layers[0].size",
        ),
        (
            "\"size\":77",
            "\"size\":1e400",
            "json-syntax",
            "layers[0].size",
        ),
        (
            "\"size\":77",
            "\"size\":18446744073709551616",
            "bad-value",
            "layers[0].size",
        ),
        ("\"size\":77,", "", "missing-field", "layers[0]"),
        (
            "\"size\":77",
            "\"size\":77,\"data\":\"e30=\"",
            "conflict",
            "layers[0]",
        ),
        (
            "\"digest\":\"sha256:97",
            "\"digest\":\"sha256:9F",
            "bad-digest",
            "layers[0].digest",
        ),
        (
            "\"layers\":[",
            "\"layers\":[null,",
            "wrong-type",
            "layers[0]",
        ),
        (
            "\"annotations\":{",
            "\"annotations\":{\"a\":1,",
            "wrong-type",
            "annotations.a",
        ),
        (
            "\"subject\":{",
            "\"subject\":null,\"x\":{",
            "wrong-type",
            "subject",
        ),
        (
            "{\"schemaVersion\":2",
            "{\"x\":{\"y\":1,\"y\":2},\"schemaVersion\":2",
            "duplicate-key",
            "x",
        ),
    ] {
        let text = manifest().replacen(from, to, 1);
        assert_ne!(text, manifest(), "{from}");
        let error = parse(&text, None).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, path), "{error}");
    }
    assert_eq!(
        parse(&format!("{}{{}}", manifest()), None)
            .unwrap_err()
            .code(),
        "json-syntax"
    );
    assert_eq!(parse("[]", None).unwrap_err().code(), "wrong-type");
    assert_eq!(parse("{}", None).unwrap_err().code(), "missing-field");
}

// A010
#[test]
fn counts_and_sizes_are_capped() {
    let layer = format!(r#"{{"mediaType":"x","size":1,"digest":"sha256:{OTHER_HEX}"}},"#);
    let with = |count: usize| {
        manifest().replacen(
            "\"layers\":[",
            &format!("\"layers\":[{}", layer.repeat(count)),
            1,
        )
    };
    parse(&with(999), None).unwrap();
    let error = parse(&with(1000), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "image manifest, at `layers[1000]`: over the limit `layers` of 1000"
    );
    let annotations = |count: usize| {
        let many: String = (0..count)
            .map(|number| format!("\"k{number}\":\"v\","))
            .collect();
        manifest().replacen("\"annotations\":{", &format!("\"annotations\":{{{many}"), 1)
    };
    parse(&annotations(254), None).unwrap();
    assert_eq!(
        parse(&annotations(255), None).unwrap_err().code(),
        "over-limit"
    );
    let padded = |size: usize| format!("{}{}", manifest(), " ".repeat(size - manifest().len()));
    parse(&padded(4 << 20), None).unwrap();
    assert_eq!(
        parse(&padded((4 << 20) + 1), None).unwrap_err().code(),
        "over-limit"
    );
}

#[test]
fn a_listing_that_is_too_long_is_cut_and_says_so() {
    let entry =
        format!(r#"{{"mediaType":"{OCI_MANIFEST}","size":1,"digest":"sha256:{OTHER_HEX}"}}"#);
    let list = |count: usize| {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}]}}"#,
            vec![entry.as_str(); count].join(",")
        )
    };
    for (count, kept, complete) in [(0, 0, true), (3, 3, true), (4, 3, false), (9, 3, false)] {
        let (index, whole) =
            ImageIndex::parse_up_to(list(count).as_bytes(), Some(OCI_INDEX), 3, &Limits::DEFAULT)
                .unwrap();
        assert_eq!((index.manifests.len(), whole), (kept, complete));
    }
    assert_eq!(parse(&list(1001), None).unwrap_err().code(), "over-limit");
    parse(&list(1000), None).unwrap();
    let error =
        ImageIndex::parse_up_to(manifest().as_bytes(), None, 3, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.code(), "conflict");
}

#[test]
fn null_manifests_of_olareg_are_an_empty_list() {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":null}}"#);
    let Manifest::Index(index) = parse(&text, Some(OCI_INDEX)).unwrap() else {
        panic!()
    };
    assert_eq!(index, ImageIndex::default());
    assert_eq!(
        parse(&text.replace("manifests", "layers"), None)
            .unwrap_err()
            .code(),
        "wrong-type"
    );
}

#[test]
fn a_new_descriptor_is_written_with_its_three_members() {
    let mut out = Vec::new();
    Descriptor::new("a/b", Digest::parse(&format!("sha256:{HEX}")).unwrap(), 7).write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(r#"{{"mediaType":"a/b","size":7,"digest":"sha256:{HEX}"}}"#)
    );
}
