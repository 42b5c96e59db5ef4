//! How fast a large predicate is delimited; run with `cargo test --release -- --ignored --nocapture`.

use bytes::Bytes;
use countersign_formats::{Document, Limits, Statement, json::Reader};
use std::time::Instant;

/// An SBOM of about five megabytes, in the shape of an SPDX 2.3 document of a Debian image.
fn document(pretty: bool) -> String {
    let mut files = Vec::new();
    let mut relationships = Vec::new();
    for index in 0..6600_u32 {
        let hash = format!(
            "{:040x}",
            u128::from(index) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834 % (1 << 100)
        );
        files.push(serde_json::json!({
            "fileName": format!("usr/share/doc/libexample{}/changelog.Debian.gz", index % 97),
            "SPDXID": format!("SPDXRef-File-usr-share-doc-libexample{}-{}", index % 97, hash.get(..16).unwrap()),
            "checksums": [{"algorithm": "SHA1", "checksumValue": hash}],
            "licenseConcluded": "NOASSERTION", "licenseInfoInFiles": ["NOASSERTION"], "copyrightText": "",
            "comment": "layerID: sha256:97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36",
        }));
        relationships.push(serde_json::json!({
            "spdxElementId": format!("SPDXRef-Package-deb-libexample{}-5f3428fcb0c9054e", index % 97),
            "relatedSpdxElement": format!("SPDXRef-File-usr-share-doc-libexample{}-{}", index % 97, hash.get(..16).unwrap()),
            "relationshipType": "CONTAINS",
        }));
    }
    let document = serde_json::json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "files": files, "relationships": relationships,
    });
    if pretty {
        serde_json::to_string_pretty(&document)
    } else {
        serde_json::to_string(&document)
    }
    .unwrap()
}

fn measure(name: &str, bytes: usize, mut work: impl FnMut()) {
    let best = (0..30).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    let best = best.fold(f64::INFINITY, f64::min);
    println!(
        "{name}: {:.2} GB/s ({:.2} ms for {:.2} MB)",
        bytes as f64 / best / 1e9,
        best * 1e3,
        bytes as f64 / 1e6
    );
}

#[test]
#[ignore = "a measurement, meaningful in release builds only"]
fn predicate_is_delimited() {
    for pretty in [false, true] {
        let text = document(pretty);
        let name = if pretty { "indented" } else { "compact" };
        measure(&format!("skip {name}"), text.len(), || {
            let mut reader = Reader::new(Document::Json, &text, &Limits::DEFAULT);
            assert_eq!(reader.skip().unwrap(), 0..text.len());
        });
        let statement = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"00"}}}}],"predicateType":"https://spdx.dev/Document","predicate":{text}}}"#
        );
        let payload = Bytes::from(statement);
        measure(&format!("Statement::parse {name}"), payload.len(), || {
            Statement::parse(payload.clone(), &Limits::DEFAULT).unwrap();
        });
        measure(
            &format!("serde_json, values built, {name}"),
            text.len(),
            || {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            },
        );
    }
    let long = format!("\"{}\"", "QUJD".repeat(1 << 20));
    measure("skip one long string", long.len(), || {
        let mut reader = Reader::new(Document::Json, &long, &Limits::DEFAULT);
        reader.skip().unwrap();
    });
}
