//! A Sigstore of one's own on loopback, as `tests/peers/sigstore.sh` starts it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use countersign_tests::{Outcome, Peer, Program, skipped_without};
use serde_json::Value;
use tempfile::TempDir;

/// Whom the issuer's tokens name.
pub(crate) const EMAIL: &str = "release@example.org";

/// What `sigstore.sh` wants on `PATH`.
const SERVICES: [&str; 7] = [
    "fulcio",
    "timestamp-server",
    "posix",
    "cosign",
    "openssl",
    "curl",
    "python3",
];

/// What a log of version 1 wants besides.
const VERSION_1: [&str; 7] = [
    "go",
    "rekor-server",
    "trillian_log_server",
    "trillian_log_signer",
    "createtree",
    "mariadbd",
    "mariadb",
];

/// The signing config that names a log of version 2.
pub(crate) const VERSION_2_CONFIG: &str = "signing_config.json";

/// The signing config that names a log of version 1.
pub(crate) const VERSION_1_CONFIG: &str = "signing_config_rekor1.json";

/// The signing config that names an issuer which asks [`CONNECTOR`] in turn.
pub(crate) const FEDERATED_CONFIG: &str = "signing_config_federated.json";

/// Whom certificates name in place of the issuer in [`FEDERATED_CONFIG`].
pub(crate) const CONNECTOR: &str = "https://login.example/oauth";

/// Running services; they go when the value does.
pub(crate) struct Stack {
    pub(crate) issuer: String,
    // Before the folder: the services end before their files go.
    _running: Running,
    folder: TempDir,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The script ends when its standard input does.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Stack {
    /// The services without a log of version 1; `None`, said loudly, when a program is missing.
    pub(crate) fn start(test: &str) -> Option<Self> {
        all_there(test, &SERVICES, "sigstore").then(|| Self::run(&[]))
    }

    /// The services with a log of version 1; `None`, said loudly, when a program is missing.
    pub(crate) fn with_version_1(test: &str) -> Option<Self> {
        let there =
            all_there(test, &SERVICES, "sigstore") && all_there(test, &VERSION_1, "rekor-v1");
        there.then(|| Self::run(&["--rekor-v1"]))
    }

    /// With a log of version 1 where its programs are there; the missing one is said.
    pub(crate) fn with_every_log(test: &str) -> Option<Self> {
        Self::with_version_1(test).or_else(|| Self::start(test))
    }

    fn run(options: &[&str]) -> Self {
        let temporary = TempDir::new().expect("temporary folder");
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sigstore.sh"))
            .args(options)
            .arg(temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("standard output");
        BufReader::new(stdout).read_line(&mut said).expect("a line");
        assert_eq!(
            said.trim(),
            "ready",
            "the services did not start; what they said is above"
        );
        let issuer = address(&temporary.path().join(VERSION_2_CONFIG), "oidcUrls");
        Self {
            issuer,
            _running: Running(child),
            folder: temporary,
        }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The address of the first service in a list of a signing config, like `rekorTlogUrls`.
    pub(crate) fn address(&self, config: &str, list: &str) -> String {
        address(&self.folder.path().join(config), list)
    }

    /// A token in `folder/token`, with further fields of the issuer's address.
    pub(crate) fn token(&self, folder: &Path, fields: &str) {
        self.token_of(VERSION_2_CONFIG, folder, fields);
    }

    /// The same from the issuer that another signing config names.
    pub(crate) fn token_of(&self, config: &str, folder: &Path, fields: &str) {
        let issuer = self.address(config, "oidcUrls");
        let url = format!("{issuer}/jwt?email={EMAIL}{fields}");
        let output = Command::new("curl")
            .args(["-sSf", &url])
            .output()
            .expect("curl runs");
        assert!(output.status.success(), "{output:?}");
        std::fs::write(folder.join("token"), output.stdout).expect("token");
    }

    /// The signing configs: of a version 2 log, and of a version 1 log where there is one.
    pub(crate) fn configs(&self) -> impl Iterator<Item = &'static str> {
        [VERSION_2_CONFIG, VERSION_1_CONFIG]
            .into_iter()
            .filter(|name| self.folder.path().join(name).is_file())
    }

    /// Runs a verifier, ours or cosign: both know these flags.
    pub(crate) fn verify(&self, program: &Program, email: &str, arguments: &[&str]) -> Outcome {
        let (root, issuer) = (self.file("trusted_root.json"), self.issuer.as_str());
        let mut all = arguments.to_vec();
        all.extend([
            "--trusted-root",
            &root,
            "--certificate-identity",
            email,
            "--certificate-oidc-issuer",
            issuer,
        ]);
        program.run(all)
    }
}

fn address(config: &Path, list: &str) -> String {
    let config = std::fs::read(config).expect("signing config");
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    let address = config[list][0]["url"].as_str();
    address.expect("an address").to_owned()
}

fn all_there(test: &str, programs: &[&str], peer: &str) -> bool {
    let missing = programs
        .iter()
        .find(|program| Peer::find(program).is_none());
    if let Some(program) = missing {
        skipped_without(test, program, peer);
    }
    missing.is_none()
}
