//! `copy` of a large image from one registry to another, against `oras cp -r`, which does not hash what flows through it, and `crane copy`, which does.

use std::path::PathBuf;

use bytes::Bytes;
use countersign_formats::{Reference, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::{Settings, open};

use crate::measure::{ProcessCost, process};
use crate::whole_programs::{Registry, find, ours, row, words};

/// Layers of the image.
const LAYERS: usize = 3;
/// Bytes of one layer; `COUNTERSIGN_BENCH_LAYER` in MiB overrides it.
const LAYER_BYTES: usize = 100 << 20;
/// Runs of each program, in turn, so that what else the machine does hits all alike.
const ROUNDS: usize = 5;

/// The arguments that move an image from one name to another.
type Arguments = fn(&str, &str) -> Vec<String>;

/// One program and what its runs cost.
struct Runner {
    name: &'static str,
    program: PathBuf,
    arguments: Arguments,
    costs: Vec<ProcessCost>,
}

/// The comparison; without oras or crane on `PATH` only those that are there, said so.
pub(crate) fn compare() {
    let (source, destination) = (Registry::start(), Registry::start());
    // The folder of an earlier part of the report is gone, and some programs do not start without one.
    std::env::set_current_dir(source.folder.path()).expect("the folder is there");
    let layer = std::env::var("COUNTERSIGN_BENCH_LAYER")
        .ok()
        .and_then(|text| text.parse::<usize>().ok())
        .map_or(LAYER_BYTES, |mebibytes| mebibytes << 20);
    let ours = ours();
    if !ours.is_file() {
        println!("SKIPPED copies: {} is not built", ours.display());
        return;
    }
    push(&source.host, layer);
    let from = format!("{}/demo/large:v1", source.host);
    let mut runners = vec![Runner {
        name: "countersign copy",
        program: ours,
        arguments: |from, to| text(&["copy", "--allow-http", from, to]),
        costs: Vec::new(),
    }];
    let peers: [(&'static str, &str, Arguments); 2] = [
        ("oras cp -r", "oras", |from, to| {
            text(&["cp", "-r", "--from-plain-http", "--to-plain-http", from, to])
        }),
        ("crane copy", "crane", |from, to| {
            text(&["copy", "--insecure", from, to])
        }),
    ];
    for (name, program, arguments) in peers {
        match find(program) {
            Some(program) => runners.push(Runner {
                name,
                program,
                arguments,
                costs: Vec::new(),
            }),
            None => println!("SKIPPED {name}: {program} is not on PATH"),
        }
    }
    for round in 0..ROUNDS {
        for runner in &mut runners {
            // A repository that is new each time: nothing is there, nothing can be mounted.
            let repository = format!(
                "demo/{}-{round}",
                runner
                    .program
                    .file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            );
            let to = format!("{}/{repository}:v1", destination.host);
            let arguments = (runner.arguments)(&from, &to);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let cost = process(1, &words(&runner.program, &arguments)).expect("it runs");
            assert_eq!(cost.code, 0, "{}", runner.name);
            runner.costs.push(cost);
            let folder = destination.folder.path().join("registry").join(&repository);
            std::fs::remove_dir_all(folder).expect("the copy is removed");
        }
    }
    println!(
        "\n## Copies of {} MB\n\n{:<44} {:>9} {:>9} {:>8} {:>8} {:>9} {:>5}",
        LAYERS * layer / 1_000_000,
        "process",
        "wall min",
        "median",
        "CPU ms",
        "MiB",
        "requests",
        "exit"
    );
    let mut first = None;
    for runner in &runners {
        let cost = summed(&runner.costs);
        row(runner.name, cost, None);
        match first {
            None => first = Some(cost),
            Some(own) => println!(
                "  → {} needs {:.2}× the wall time, {:.2}× the memory",
                runner.name,
                cost.wall_median as f64 / own.wall_median.max(1) as f64,
                cost.peak as f64 / own.peak.max(1) as f64
            ),
        }
    }
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Least and median time, mean CPU time and largest memory of several runs.
fn summed(costs: &[ProcessCost]) -> ProcessCost {
    let mut walls: Vec<u64> = costs.iter().map(|cost| cost.wall_median).collect();
    walls.sort_unstable();
    let count = costs.len().max(1) as u64;
    ProcessCost {
        wall_minimum: walls.first().copied().unwrap_or_default(),
        wall_median: walls.get(walls.len() / 2).copied().unwrap_or_default(),
        cpu: costs.iter().map(|cost| cost.cpu).sum::<u64>() / count,
        peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default(),
        code: 0,
    }
}

/// An image of [`LAYERS`] layers that no two bytes of which are alike under compression.
fn push(host: &str, layer_bytes: usize) {
    let reference = Reference::parse(&format!("{host}/demo/large:v1")).expect("a reference");
    let settings = Settings {
        allow_http: true,
        ..Settings::default()
    };
    let store = open(&reference, &settings).expect("the registry opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut layers = Vec::new();
        for number in 0..LAYERS {
            let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ number as u64;
            let mut layer = Vec::with_capacity(layer_bytes);
            while layer.len() < layer_bytes {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                layer.extend_from_slice(&state.to_le_bytes());
            }
            let layer = Bytes::from(layer);
            let digest = sha256(&layer);
            layers.push(serde_json::json!({
                "mediaType": media_types::OCI_LAYER_GZIP, "digest": digest.to_string(), "size": layer.len(),
            }));
            store.push_blob(layer, &digest).await.expect("a layer is pushed");
        }
        let config = Bytes::from_static(br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#);
        let digest = sha256(&config);
        store.push_blob(config.clone(), &digest).await.expect("the config is pushed");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_types::OCI_MANIFEST,
            "config": {"mediaType": media_types::OCI_CONFIG, "digest": digest.to_string(), "size": config.len()},
            "layers": layers,
        });
        store
            .push_manifest(manifest.to_string().into(), media_types::OCI_MANIFEST, Some("v1"))
            .await
            .expect("the manifest is pushed");
    });
}
