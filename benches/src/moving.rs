//! `copy` of a large image from one registry to another, against `oras cp -r`, which does not hash what flows through it, and `crane copy`, which does.
//!
//! Both registries are ours, in this process, or real ones that are named, `copies docker-registry`: with their storage in the folder for
//! temporary files (`TMPDIR`), which says whether a disk is measured, too.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use countersign_formats::{Reference, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::{Settings, open};
use countersign_tests::RegistryKind;
use tempfile::TempDir;

use crate::measure::{ProcessCost, process, processor_time_of};
use crate::whole_programs::{Registry, find, ours, row, words};

/// Layers of the image; `COUNTERSIGN_BENCH_LAYERS` overrides it.
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
    /// The processor time of both registries in each run, in microseconds.
    registries: Vec<u64>,
}

/// A registry at one end.
enum End {
    Ours(Registry),
    Real {
        kind: RegistryKind,
        registry: countersign_tests::Registry,
        folder: TempDir,
    },
}

impl End {
    /// One of ours, or a real one; `None` when its program is not on `PATH`.
    fn start(kind: Option<RegistryKind>) -> Option<Self> {
        let Some(kind) = kind else {
            return Some(Self::Ours(Registry::start()));
        };
        let folder = TempDir::new().expect("temporary folder");
        let registry = kind.start_on_disk(folder.path())?;
        Some(Self::Real {
            kind,
            registry,
            folder,
        })
    }

    fn host(&self) -> String {
        match self {
            Self::Ours(registry) => registry.host.clone(),
            Self::Real { registry, .. } => registry.host(),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Ours(registry) => registry.folder.path(),
            Self::Real { folder, .. } => folder.path(),
        }
    }

    /// Its processes; `None` is this one.
    fn processes(&self) -> Option<Vec<u32>> {
        match self {
            Self::Ours(_) => None,
            Self::Real { registry, .. } => Some(registry.processes().collect()),
        }
    }

    /// Where a repository lies; when that is gone, nothing of it is there.
    fn folder_of(&self, repository: &str) -> PathBuf {
        let below = match self {
            Self::Ours(_) => Path::new("registry").join(repository),
            Self::Real { kind, .. } => kind.folder_of(repository),
        };
        self.folder().join(below)
    }
}

/// The comparison, between registries of the kind that is named, else of ours; without oras or crane on `PATH` only those that are there,
/// said so.
pub(crate) fn compare(kind: Option<&str>) {
    let named = |name: &str| {
        RegistryKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
    };
    let real = kind.map(|name| named(name).expect("a registry of the interop suite"));
    let (Some(source), Some(destination)) = (End::start(real), End::start(real)) else {
        println!(
            "SKIPPED copies: {} is not on PATH",
            kind.unwrap_or_default()
        );
        return;
    };
    // The folder of an earlier part of the report is gone, and some programs do not start without one.
    std::env::set_current_dir(source.folder()).expect("the folder is there");
    let layers = number("COUNTERSIGN_BENCH_LAYERS").unwrap_or(LAYERS);
    let layer = number("COUNTERSIGN_BENCH_LAYER").map_or(LAYER_BYTES, |mebibytes| mebibytes << 20);
    let ours = ours();
    if !ours.is_file() {
        println!("SKIPPED copies: {} is not built", ours.display());
        return;
    }
    push(&source.host(), layers, layer);
    let from = format!("{}/demo/large:v1", source.host());
    let mut runners = vec![Runner {
        name: "countersign copy",
        program: ours,
        arguments: |from, to| text(&["copy", "--allow-http", from, to]),
        costs: Vec::new(),
        registries: Vec::new(),
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
                registries: Vec::new(),
            }),
            None => println!("SKIPPED {name}: {program} is not on PATH"),
        }
    }
    let load = load();
    let processes = source
        .processes()
        .zip(destination.processes())
        .map(|(source, destination)| [source, destination].concat());
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
            let to = format!("{}/{repository}:v1", destination.host());
            let arguments = (runner.arguments)(&from, &to);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let before = processor_time_of(processes.clone());
            let cost = process(1, &words(&runner.program, &arguments)).expect("it runs");
            assert_eq!(cost.code, 0, "{}", runner.name);
            runner.costs.push(cost);
            runner
                .registries
                .push(processor_time_of(processes.clone()).saturating_sub(before));
            std::fs::remove_dir_all(destination.folder_of(&repository))
                .expect("the copy is removed");
        }
    }
    println!(
        "\n## Copies of {} MB in {layers} layers between registries of {} (load of the machine {load} before, {} after)\n\n{:<44} {:>9} {:>9} {:>8} {:>8} {:>9} {:>5}",
        layers * layer / 1_000_000,
        kind.unwrap_or("this process"),
        self::load(),
        "process",
        "wall min",
        "median",
        "CPU ms",
        "MiB",
        "requests",
        "exit"
    );
    let Some((own, peers)) = runners.split_first() else {
        return;
    };
    for runner in &runners {
        row(runner.name, summed(&runner.costs), None);
        let sum: u64 = runner.registries.iter().sum();
        println!(
            "  registries: {:.1} ms of CPU",
            sum as f64 / 1e3 / runner.registries.len().max(1) as f64
        );
    }
    for peer in peers {
        println!(
            "→ {} needs {:.2}× the wall time, {:.2}× the CPU, {:.2}× with the registries', {:.2}× the memory",
            peer.name,
            ratio(peer, own, |cost, _| cost.wall_median),
            ratio(peer, own, |cost, _| cost.cpu),
            ratio(peer, own, |cost, registries| cost.cpu + registries),
            ratio(peer, own, |cost, _| cost.peak)
        );
    }
}

/// The median of one's cost as a ratio to another's in the same round.
fn ratio(one: &Runner, other: &Runner, cost: fn(&ProcessCost, u64) -> u64) -> f64 {
    let rounds = |runner: &Runner| -> Vec<u64> {
        let registries = runner.registries.iter();
        let both = runner.costs.iter().zip(registries);
        both.map(|(own, registries)| cost(own, *registries))
            .collect()
    };
    let mut ratios: Vec<f64> = rounds(one)
        .into_iter()
        .zip(rounds(other))
        .map(|(one, other)| one as f64 / other.max(1) as f64)
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}

/// How many programs want a processor, on average over a minute, where the system says so.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
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

/// A number in the environment, if it is one.
fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// An image of so many layers, of bytes that no compression makes fewer.
fn push(host: &str, layers: usize, layer_bytes: usize) {
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
        let mut descriptors = Vec::new();
        for number in 0..layers {
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
            descriptors.push(serde_json::json!({
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
            "layers": descriptors,
        });
        store
            .push_manifest(manifest.to_string().into(), media_types::OCI_MANIFEST, Some("v1"))
            .await
            .expect("the manifest is pushed");
    });
}
