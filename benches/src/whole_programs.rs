//! Whole processes: `countersign` against `cosign` on the same image and registry, by wall time, CPU, peak memory and requests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use countersign_formats::{Reference, media_types};
use countersign_proof::digest::sha256;
use countersign_registry::{Settings, open};
use countersign_registry_server::{Body, Intercept, Options, Server, Step, full};
use tempfile::TempDir;

use crate::measure::{ProcessCost, environment, process};

/// Counts requests; on demand it is a registry without the referrers API.
#[derive(Debug, Default)]
struct Personality {
    requests: AtomicU64,
    no_referrers: AtomicBool,
}

impl Intercept for Personality {
    fn before<'a>(
        &'a self,
        request: &'a mut http::request::Parts,
    ) -> countersign_registry::BoxFuture<'a, Step> {
        Box::pin(async move {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let refuse = self.no_referrers.load(Ordering::Relaxed)
                && request.uri.path().contains("/referrers/");
            if refuse {
                Step::Answer(Box::new(not_found()))
            } else {
                Step::Continue
            }
        })
    }

    fn after<'a>(
        &'a self,
        _: &'a http::request::Parts,
        mut response: http::Response<Body>,
    ) -> countersign_registry::BoxFuture<'a, http::Response<Body>> {
        Box::pin(async move {
            if self.no_referrers.load(Ordering::Relaxed) {
                response.headers_mut().remove("OCI-Subject");
            }
            response
        })
    }
}

fn not_found() -> http::Response<Body> {
    let mut response = http::Response::new(full("404 page not found"));
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    response
}

/// A registry in this process, on loopback.
pub(crate) struct Registry {
    personality: Arc<Personality>,
    pub(crate) host: String,
    pub(crate) folder: TempDir,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("temporary folder");
        let personality = Arc::new(Personality::default());
        let mut options = Options::new(folder.path().join("registry"));
        options.intercept = Some(personality.clone());
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let server = Server::bind("127.0.0.1:0", options).await.expect("a port");
                sender
                    .send(server.local_addr())
                    .expect("the address is told");
                server.serve(std::future::pending()).await;
            });
        });
        let host = receiver.recv().expect("the address is told").to_string();
        Self {
            personality,
            host,
            folder,
        }
    }

    pub(crate) fn requests(&self, run: impl FnOnce()) -> u64 {
        let before = self.personality.requests.load(Ordering::Relaxed);
        run();
        self.personality.requests.load(Ordering::Relaxed) - before
    }
}

pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

pub(crate) fn ours() -> PathBuf {
    std::env::var_os("COUNTERSIGN_BIN").map_or_else(
        || {
            std::env::current_exe()
                .expect("own path")
                .with_file_name("countersign")
        },
        PathBuf::from,
    )
}

/// A command line as text, run in `folder`.
pub(crate) fn run(folder: &Path, command: &[String]) {
    let (program, arguments) = command.split_first().expect("a command");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .envs(environment())
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn words(program: &Path, arguments: &[&str]) -> Vec<String> {
    std::iter::once(program.display().to_string())
        .chain(arguments.iter().map(|word| (*word).to_owned()))
        .collect()
}

pub(crate) fn row(name: &str, cost: ProcessCost, requests: Option<u64>) {
    println!(
        "{name:<44} {:>9.1} {:>9.1} {:>8.1} {:>8.1} {:>9} {:>5}",
        cost.wall_minimum as f64 / 1e3,
        cost.wall_median as f64 / 1e3,
        cost.cpu as f64 / 1e3,
        cost.peak as f64 / 1024.0,
        requests.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        cost.code
    );
}

fn ratio(ours: ProcessCost, theirs: ProcessCost) {
    let share = |ours: u64, theirs: u64| theirs as f64 / ours.max(1) as f64;
    println!(
        "  → cosign needs {:.1}× the wall time, {:.1}× the CPU, {:.1}× the memory",
        share(ours.wall_median, theirs.wall_median),
        share(ours.cpu, theirs.cpu),
        share(ours.peak, theirs.peak)
    );
}

/// What finding evidence costs, alone.
pub(crate) fn evidence() {
    let registry = Registry::start();
    let folder = registry.folder.path().to_owned();
    std::env::set_current_dir(&folder).expect("the folder is there");
    let ours = ours();
    run(
        &folder,
        &words(&ours, &["generate-key-pair", "--output-key-prefix", "k"]),
    );
    crate::evidence::report(&ours, &registry, &folder);
}

/// The whole comparison; without cosign on `PATH` only our side, said so.
pub(crate) fn compare() {
    let registry = Registry::start();
    let folder = registry.folder.path().to_owned();
    std::env::set_current_dir(&folder).expect("the folder is there");
    let ours = ours();
    if !ours.is_file() {
        println!(
            "SKIPPED whole programs: {} is not built (cargo build --release -p countersign-cli)",
            ours.display()
        );
        return;
    }
    let size = std::fs::metadata(&ours).expect("the program").len();
    println!("## Whole programs\n\nbinary {:.1} MB", size as f64 / 1e6);
    println!(
        "{:<44} {:>9} {:>9} {:>8} {:>8} {:>9} {:>5}",
        "process", "wall min", "median", "CPU ms", "MiB", "requests", "exit"
    );
    row(
        "countersign --version",
        process(50, &words(&ours, &["--version"])).expect("it runs"),
        None,
    );

    let name = format!("{}/demo/app", registry.host);
    let image = push_image(&registry.host, "demo/app");
    let tag = format!("{name}:v1");
    let sbom = make_sbom(&folder);
    let http = "--allow-http";
    run(
        &folder,
        &words(&ours, &["generate-key-pair", "--output-key-prefix", "k"]),
    );
    let sign = words(&ours, &["sign", http, "--key", "k.key", &image]);
    let first = registry.requests(|| run(&folder, &sign));
    println!("requests of `sign` by digest: {first} (empty config not there)");
    let attest = words(
        &ours,
        &[
            "attest",
            http,
            "--key",
            "k.key",
            "--type",
            "spdxjson",
            "--predicate",
            &sbom,
            &image,
        ],
    );

    let verify = words(
        &ours,
        &["verify", http, "--no-cache", "--key", "k.pub", &image],
    );
    let by_tag = words(
        &ours,
        &["verify", http, "--no-cache", "--key", "k.pub", &tag],
    );
    let requests = registry.requests(|| run(&folder, &verify));
    let verify_cost = process(50, &verify).expect("it runs");
    row("countersign verify, by digest", verify_cost, Some(requests));
    let requests = registry.requests(|| run(&folder, &by_tag));
    row(
        "countersign verify, by tag",
        process(50, &by_tag).expect("it runs"),
        Some(requests),
    );
    // Signing goes on in a repository of its own, so that the image above keeps its one signature.
    let signed = push_image(&registry.host, "demo/signed");
    let sign = words(&ours, &["sign", http, "--key", "k.key", &signed]);
    run(&folder, &sign);
    let requests = registry.requests(|| run(&folder, &sign));
    let sign_cost = process(10, &sign).expect("it runs");
    row("countersign sign, by digest", sign_cost, Some(requests));

    // A repository of its own, so that the listing holds one attestation and nothing else.
    let attested = push_image(&registry.host, "demo/attested");
    let attest_it: Vec<String> = attest
        .iter()
        .map(|word| {
            if *word == image {
                attested.clone()
            } else {
                word.clone()
            }
        })
        .collect();
    run(&folder, &attest_it);
    let verify_attestation = words(
        &ours,
        &[
            "verify-attestation",
            http,
            "--no-cache",
            "--key",
            "k.pub",
            "--type",
            "spdxjson",
            &attested,
        ],
    );
    let requests = registry.requests(|| run(&folder, &verify_attestation));
    let attestation_cost = process(20, &verify_attestation).expect("it runs");
    row(
        "countersign verify-attestation, 5 MB",
        attestation_cost,
        Some(requests),
    );

    crate::evidence::report(&ours, &registry, &folder);

    let Some(cosign) = find("cosign") else {
        println!("SKIPPED the comparison: cosign is not on PATH (tests/peers/install.sh cosign)");
        return;
    };
    let flags = ["--key", "k.pub", "--insecure-ignore-tlog"];
    let verify = words(&cosign, &[&["verify"][..], &flags, &[&image]].concat());
    let requests = registry.requests(|| run(&folder, &verify));
    let theirs = process(10, &verify).expect("it runs");
    row("cosign verify, by digest", theirs, Some(requests));
    ratio(verify_cost, theirs);
    let verify = words(
        &cosign,
        &[
            &["verify-attestation", "--type", "spdxjson"][..],
            &flags,
            &[&attested],
        ]
        .concat(),
    );
    let requests = registry.requests(|| run(&folder, &verify));
    let theirs = process(5, &verify).expect("it runs");
    row("cosign verify-attestation, 5 MB", theirs, Some(requests));
    ratio(attestation_cost, theirs);
    run(
        &folder,
        &words(&cosign, &["signing-config", "create", "--out", "none.json"]),
    );
    // The first signature of cosign stores what the next ones find there.
    let signed = push_image(&registry.host, "demo/signed-by-cosign");
    let sign = words(
        &cosign,
        &[
            "sign",
            "-y",
            "--key",
            "k.key",
            "--signing-config",
            "none.json",
            &signed,
        ],
    );
    let requests = registry.requests(|| run(&folder, &sign));
    let theirs = process(5, &sign).expect("it runs");
    row("cosign sign, by digest", theirs, Some(requests));
    ratio(sign_cost, theirs);

    registry
        .personality
        .no_referrers
        .store(true, Ordering::Relaxed);
    let third = push_image(&registry.host, "demo/fallback");
    let sign = words(&ours, &["sign", http, "--key", "k.key", &third]);
    let requests = registry.requests(|| run(&folder, &sign));
    println!("\nwithout the referrers API: `sign` by digest {requests} requests");
    let verify = words(
        &ours,
        &["verify", http, "--no-cache", "--key", "k.pub", &third],
    );
    let requests = registry.requests(|| run(&folder, &verify));
    row(
        "countersign verify, fallback tag, by digest",
        process(20, &verify).expect("it runs"),
        Some(requests),
    );
}

/// A small image under `HOST/REPOSITORY:v1`; its name by digest.
pub(crate) fn push_image(host: &str, repository: &str) -> String {
    let name = format!("{host}/{repository}");
    let reference = Reference::parse(&format!("{name}:v1")).expect("a reference");
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
        let layer = Bytes::from(vec![7_u8; 1 << 20]);
        let config = Bytes::from_static(br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#);
        let (layer_digest, config_digest) = (sha256(&layer), sha256(&config));
        store.push_blob(layer.clone(), &layer_digest).await.expect("the layer is pushed");
        store.push_blob(config.clone(), &config_digest).await.expect("the config is pushed");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_types::OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest.to_string(), "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest.to_string(), "size": layer.len()}],
            "annotations": {"org.opencontainers.image.title": repository},
        });
        let manifest = Bytes::from(manifest.to_string());
        let digest = sha256(&manifest);
        store.push_manifest(manifest, media_types::OCI_MANIFEST, Some("v1")).await.expect("the manifest is pushed");
        format!("{name}@{digest}")
    })
}

/// The packages of an SPDX document of about 5 MB.
pub(crate) fn packages() -> Vec<serde_json::Value> {
    (0..26_000)
        .map(|number| {
            serde_json::json!({"SPDXID": format!("SPDXRef-Package-{number}"), "name": format!("package-{number}"),
                "versionInfo": "1.2.3-4+deb12u1", "licenseConcluded": "NOASSERTION", "downloadLocation": "NOASSERTION",
                "description": "a \"quoted\" line\nand another", "filesAnalyzed": false})
        })
        .collect()
}

/// An SPDX document of about 5 MB.
fn make_sbom(folder: &Path) -> String {
    let packages = packages();
    let document = serde_json::json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": packages});
    let path = folder.join("sbom.spdx.json");
    std::fs::write(&path, document.to_string()).expect("the SBOM is written");
    path.display().to_string()
}
