//! What finding evidence costs: requests and bytes cold and warm, the last of a thousand referrers, and memory under bodies without end.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Reference, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::{Settings, Target, open};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, image_statement};

use crate::measure::{environment, process};
use crate::whole_programs::{Registry, push_image, row, run, words};

/// Referrers of the crowded image; the last one counts.
const CROWD: usize = 1000;
/// What a verification may hold at most while a body does not end, in KiB.
const MEMORY_KIB: u64 = 64 << 10;

/// Bytes of each large predicate; in a bundle it is a third more, just below what is read at all.
const LARGE_BYTES: usize = 45_000_000;
/// What a verification may hold at most while it reads one of them, in KiB: the bytes in flight (64 MiB), of which the payload takes the
/// place, and the program.
const LARGE_MEMORY_KIB: u64 = 88 << 10;

/// The whole part of the report.
pub(crate) fn report(ours: &Path, registry: &Registry, folder: &Path) {
    println!("\n## Finding evidence\n");
    println!("{:<44} {:>9} {:>11}", "verify", "requests", "bytes read");
    let image = push_image(&registry.host, "demo/traffic");
    let tag = format!("{}/demo/traffic:v1", registry.host);
    run(
        folder,
        &words(ours, &["sign", "--allow-http", "--key", "k.key", &image]),
    );
    traffic("cold, by tag", ours, folder, &["--no-cache", &tag]);
    traffic(
        "cold, by digest",
        ours,
        folder,
        &["--cache-dir", "warm", &image],
    );
    traffic(
        "warm, by digest",
        ours,
        folder,
        &["--cache-dir", "warm", &image],
    );
    traffic("warm, by tag", ours, folder, &["--cache-dir", "warm", &tag]);
    endless(ours);
    large(ours, registry, folder);
    crowd(ours, registry, folder);
}

/// Requests and bytes of one verification, as the program itself tells them.
fn traffic(name: &str, ours: &Path, folder: &Path, arguments: &[&str]) {
    let output = Command::new(ours)
        .args(["-v", "verify", "--allow-http", "--key", "k.pub"])
        .args(arguments)
        .current_dir(folder)
        .envs(environment())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{name}: {output:?}");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let requests: Vec<u64> = words
        .lines()
        .filter(|line| line.starts_with("> GET") || line.starts_with("> HEAD"))
        .filter_map(|line| line.rsplit_once('(')?.1.split(' ').next()?.parse().ok())
        .collect();
    println!(
        "{name:<44} {:>9} {:>11}",
        requests.len(),
        requests.iter().sum::<u64>()
    );
}

/// 999 referrers with signatures by a key that nobody asked for, and one that counts behind them.
fn crowd(ours: &Path, registry: &Registry, folder: &Path) {
    let image = push_image(&registry.host, "demo/crowd");
    let digest = Digest::parse(image.split('@').next_back().expect("a digest")).expect("a digest");
    let lab = LabKey::p256("crowd");
    let bundles: Vec<Bytes> = (1..CROWD)
        .map(|number| {
            let mut statement = image_statement(&digest.to_string());
            if let Some(subject) = statement.pointer_mut("/subject/0") {
                subject.as_object_mut().expect("a subject").insert(
                    "annotations".to_owned(),
                    serde_json::json!({"n": number.to_string()}),
                );
            }
            let signed = Lab::new()
                .managed(lab.clone())
                .statement(&statement)
                .build();
            Bytes::from(signed.bundle.to_string())
        })
        .collect();
    push_bundles(&image, &digest, bundles);
    run(
        folder,
        &words(ours, &["sign", "--allow-http", "--key", "k.key", &image]),
    );
    let verify = words(
        ours,
        &[
            "verify",
            "--allow-http",
            "--timeout",
            "10m",
            "--no-cache",
            "--key",
            "k.pub",
            &image,
        ],
    );
    println!();
    let requests = registry.requests(|| run(folder, &verify));
    row(
        "verify, the last of 1,000 referrers counts",
        process(1, &verify).expect("it runs"),
        Some(requests),
    );
    let warm = words(
        ours,
        &[
            "verify",
            "--allow-http",
            "--timeout",
            "10m",
            "--cache-dir",
            "crowd",
            "--key",
            "k.pub",
            &image,
        ],
    );
    run(folder, &warm);
    let requests = registry.requests(|| run(folder, &warm));
    row(
        "the same, warm",
        process(1, &warm).expect("it runs"),
        Some(requests),
    );
}

/// Bundles nearly as large as the limit, one and three of them: what is proven is kept for the decision, so that three take more.
fn large(ours: &Path, registry: &Registry, folder: &Path) {
    println!();
    let image = push_image(&registry.host, "demo/large-bundles");
    let predicate = serde_json::json!({"filler": "x".repeat(LARGE_BYTES)});
    std::fs::write(folder.join("large.json"), predicate.to_string())
        .expect("the predicate is written");
    let kind = "https://example.com/large/v1";
    let attest = words(
        ours,
        &[
            "attest",
            "--allow-http",
            "--key",
            "k.key",
            "--type",
            kind,
            "--predicate",
            "large.json",
            &image,
        ],
    );
    let verify = words(
        ours,
        &[
            "verify-attestation",
            "--allow-http",
            "--no-cache",
            "--key",
            "k.pub",
            "--type",
            kind,
            &image,
        ],
    );
    for count in [1, 3_u64] {
        for _ in (count / 2)..count {
            run(folder, &attest);
        }
        let cost = process(1, &verify).expect("it runs");
        row(&format!("bundles of 60 MB: {count}"), cost, None);
        assert_eq!(cost.code, 0, "a large bundle does not verify");
        assert!(
            cost.peak <= LARGE_MEMORY_KIB * count,
            "{count} large bundles took {} KiB",
            cost.peak
        );
    }
}

fn push_bundles(image: &str, digest: &Digest, bundles: Vec<Bytes>) {
    let settings = Settings {
        allow_http: true,
        deadline: std::time::Duration::from_secs(600),
        ..Settings::default()
    };
    let reference = Reference::parse(image).expect("a reference");
    let store = open(&reference, &settings).expect("the registry opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let subject = store
            .resolve(&Target::Digest(*digest))
            .await
            .expect("the image is there")
            .descriptor;
        let empty = Bytes::from_static(media_types::EMPTY_JSON);
        let config = Descriptor::new(media_types::OCI_EMPTY, sha256(&empty), 2);
        store
            .push_blob(empty, &config.digest)
            .await
            .expect("the config is pushed");
        for bundle in bundles {
            let layer = Descriptor::new(
                media_types::BUNDLE_V03,
                sha256(&bundle),
                bundle.len() as u64,
            );
            store
                .push_blob(bundle, &layer.digest)
                .await
                .expect("a bundle is pushed");
            let manifest = ImageManifest {
                media_type: media_types::OCI_MANIFEST.to_owned(),
                artifact_type: Some(media_types::BUNDLE_V03.to_owned()),
                config: config.clone(),
                layers: vec![layer],
                subject: Some(subject.clone()),
                annotations: Default::default(),
            };
            store
                .push_manifest(manifest.to_json().into(), media_types::OCI_MANIFEST, None)
                .await
                .expect("a referrer is pushed");
        }
    });
}

/// A registry that sends a body without end in one place.
fn endless(ours: &Path) {
    println!();
    for place in ["referrers", "manifest", "blob", "tag", "error", "resolve"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream, place));
            }
        });
        let name = if place == "resolve" {
            format!("{host}/demo/app:v1")
        } else {
            format!("{host}/demo/app@{}", sha256(b"the image"))
        };
        let verify = words(
            ours,
            &[
                "verify",
                "--allow-http",
                "--no-cache",
                "--timeout",
                "20s",
                "--key",
                "k.pub",
                &name,
            ],
        );
        let cost = process(1, &verify).expect("it runs");
        row(&format!("endless body: {place}"), cost, None);
        assert_eq!(cost.code, 20, "an endless {place} could not be found out");
        assert!(
            cost.peak <= MEMORY_KIB,
            "an endless {place} took {} KiB",
            cost.peak
        );
    }
}

/// Answers the requests of one connection until the client has had enough.
fn answer(stream: TcpStream, place: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        loop {
            let mut header = String::new();
            reader
                .read_line(&mut header)
                .ok()
                .filter(|read| *read > 0)?;
            if header.trim().is_empty() {
                break;
            }
        }
        let (status, body) = said(&line, place);
        let media_type = if line.contains("/manifests/") {
            media_types::OCI_MANIFEST
        } else {
            media_types::OCI_INDEX
        };
        match body {
            Some(body) => {
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(body.as_bytes()).ok()?;
            }
            None => {
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).ok()?;
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                loop {
                    stream.write_all(chunk.as_bytes()).ok()?;
                }
            }
        }
    }
}

/// Status and body; no body is one without end.
fn said(line: &str, place: &str) -> (&'static str, Option<String>) {
    let image = sha256(b"the image");
    let layer = serde_json::json!({"mediaType": media_types::BUNDLE_V03, "digest": sha256(b"a bundle").to_string(), "size": 8 << 20});
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_types::OCI_MANIFEST, "artifactType": media_types::BUNDLE_V03,
        "config": {"mediaType": media_types::OCI_EMPTY, "digest": sha256(b"{}").to_string(), "size": 2},
        "layers": [layer],
        "subject": {"mediaType": media_types::OCI_MANIFEST, "digest": image.to_string(), "size": 9},
    })
    .to_string();
    let digest = sha256(manifest.as_bytes());
    let path = line.split(' ').nth(1).unwrap_or_default();
    let listing = |manifests: serde_json::Value| {
        serde_json::json!({"schemaVersion": 2, "mediaType": media_types::OCI_INDEX, "manifests": manifests}).to_string()
    };
    if place == "error" {
        return ("500 Internal Server Error", None);
    }
    if path.contains("/referrers/") {
        return match place {
            "referrers" => ("200 OK", None),
            "tag" => ("200 OK", Some(listing(serde_json::json!([])))),
            _ => (
                "200 OK",
                Some(listing(
                    serde_json::json!([{"mediaType": media_types::OCI_MANIFEST, "digest": digest.to_string(), "size": manifest.len()}]),
                )),
            ),
        };
    }
    let is_endless = match place {
        "manifest" => path.ends_with(&digest.to_string()),
        "blob" => path.contains("/blobs/"),
        "tag" => path.ends_with(".sig"),
        "resolve" => path.ends_with("/v1"),
        _ => false,
    };
    if is_endless {
        return ("200 OK", None);
    }
    if path.ends_with(&digest.to_string()) {
        return ("200 OK", Some(manifest));
    }
    ("404 Not Found", Some("{}".to_owned()))
}
