//! Registries on loopback: ours and real ones, each in its own folder, stopped when dropped.

use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Peer, countersign};

/// The user and password of registries that want one.
pub const LOGIN: (&str, &str) = ("peer", "peer-password");

/// Which registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// `countersign registry serve`.
    Ours,
    /// Debian's docker-registry 2.8: no referrers API.
    DockerRegistry,
    /// The same, with a password for everything ([`LOGIN`]).
    DockerRegistryBasic,
    /// The same, with bearer tokens of `tests/peers/token_service.py`: pulling is free, pushing needs [`LOGIN`].
    DockerRegistryToken,
    /// CNCF distribution 3: no referrers API.
    Distribution,
    /// olareg: referrers API.
    Olareg,
}

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    /// The registry, and a token service beside it.
    children: Vec<Child>,
    port: u16,
}

impl RegistryKind {
    /// One of each way to find referrers: what most tests need.
    pub const USUAL: [Self; 3] = [Self::Ours, Self::DockerRegistry, Self::Olareg];
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ours,
        Self::DockerRegistry,
        Self::DockerRegistryBasic,
        Self::DockerRegistryToken,
        Self::Distribution,
        Self::Olareg,
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "countersign",
            Self::DockerRegistry => "docker-registry",
            Self::DockerRegistryBasic => "docker-registry, password",
            Self::DockerRegistryToken => "docker-registry, tokens",
            Self::Distribution => "distribution",
            Self::Olareg => "olareg",
        }
    }

    /// The programs that it needs, besides ours.
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Ours => &[],
            Self::DockerRegistry => &["docker-registry"],
            Self::DockerRegistryBasic => &["docker-registry", "htpasswd"],
            Self::DockerRegistryToken => &["docker-registry", "python3", "openssl"],
            Self::Distribution => &["registry"],
            Self::Olareg => &["olareg"],
        }
    }

    /// Whether it wants [`LOGIN`] for pushing.
    pub fn wants_login(self) -> bool {
        matches!(self, Self::DockerRegistryBasic | Self::DockerRegistryToken)
    }

    /// Starts one with its state in `folder`; `None` when a program of [`Self::programs`] is not installed.
    ///
    /// # Panics
    ///
    /// When it does not answer within twenty seconds.
    pub fn start(self, folder: &Path) -> Option<Registry> {
        self.start_keeping(folder, "mem")
    }

    /// The same with all that is pushed in `folder`, also where [`start`](Self::start) keeps it in memory.
    ///
    /// # Panics
    ///
    /// When it does not answer within twenty seconds.
    pub fn start_on_disk(self, folder: &Path) -> Option<Registry> {
        self.start_keeping(folder, "dir")
    }

    /// Where below that folder a repository lies; without it the registry has none of its blobs any more.
    pub fn folder_of(self, repository: &str) -> PathBuf {
        match self {
            Self::Ours => Path::new("ours").join(repository),
            Self::Olareg => Path::new("storage").join(repository),
            // Blobs lie beside the repositories that have them.
            _ => PathBuf::from("storage/docker"),
        }
    }

    fn start_keeping(self, folder: &Path, olareg_store: &str) -> Option<Registry> {
        let found: Option<Vec<Peer>> = self.programs().iter().copied().map(Peer::find).collect();
        let found = found?;
        let mut registry = Registry {
            children: Vec::new(),
            port: free_port(),
        };
        let port = registry.port;
        let mut command = match found.first() {
            None => {
                let mut command = Command::new(countersign());
                command.args(["registry", "serve", "--listen"]);
                command.arg(format!("127.0.0.1:{port}"));
                // As the other registries are served here.
                command.arg("--allow-delete");
                command.arg("--dir").arg(folder.join("ours"));
                command
            }
            Some(olareg) if self == Self::Olareg => {
                let mut command = Command::new(olareg.path());
                command.args(["serve", "--addr", "127.0.0.1"]);
                command.args(["--store-type", olareg_store, "--dir"]);
                command.arg(folder.join("storage"));
                command.args(["--port", &port.to_string()]);
                command
            }
            Some(distribution) => {
                let configuration = folder.join("registry.yml");
                let text = format!(
                    "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}, delete: {{enabled: true}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
                    folder.join("storage").display()
                );
                std::fs::write(&configuration, text).expect("configuration is written");
                let mut command = Command::new(distribution.path());
                command.arg("serve").arg(configuration);
                command
            }
        };
        match self {
            Self::DockerRegistryBasic => {
                command.envs(password_file(found.get(1)?, folder));
            }
            Self::DockerRegistryToken => {
                let (service, environment) = token_service(found.get(1)?, folder);
                registry.children.push(service);
                command.envs(environment);
            }
            _ => {}
        }
        let log = std::fs::File::create(folder.join("registry.log")).expect("log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        registry.children.push(child);
        wait(port);
        Some(registry)
    }
}

/// The settings of a registry whose one user is [`LOGIN`].
fn password_file(htpasswd: &Peer, folder: &Path) -> Vec<(&'static str, OsString)> {
    let file = folder.join("htpasswd");
    let made = Command::new(htpasswd.path())
        .arg("-Bbc")
        .arg(&file)
        .args([LOGIN.0, LOGIN.1])
        .output()
        .expect("htpasswd runs");
    assert!(made.status.success(), "htpasswd: {made:?}");
    vec![
        ("REGISTRY_AUTH", "htpasswd".into()),
        ("REGISTRY_AUTH_HTPASSWD_REALM", "peers".into()),
        ("REGISTRY_AUTH_HTPASSWD_PATH", file.into()),
    ]
}

/// A token service for [`LOGIN`], and the settings of a registry that trusts it.
fn token_service(python: &Peer, folder: &Path) -> (Child, Vec<(&'static str, OsString)>) {
    let port = free_port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/token_service.py");
    let child = Command::new(python.path())
        .arg(script)
        .arg(port.to_string())
        .arg(folder)
        .arg(format!("{}:{}", LOGIN.0, LOGIN.1))
        .stdin(Stdio::null())
        .spawn()
        .expect("the token service starts");
    // It makes its certificate before it listens.
    wait(port);
    let environment = vec![
        ("REGISTRY_AUTH", "token".into()),
        // A name: clients refuse an address on another port than the registry's.
        (
            "REGISTRY_AUTH_TOKEN_REALM",
            format!("http://localhost:{port}/token").into(),
        ),
        ("REGISTRY_AUTH_TOKEN_SERVICE", "peers".into()),
        ("REGISTRY_AUTH_TOKEN_ISSUER", "peers".into()),
        (
            "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE",
            folder.join("token.pem").into(),
        ),
    ];
    (child, environment)
}

/// Waits until somebody listens.
fn wait(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "port {port} does not answer"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Registry {
    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The ids of its processes.
    pub fn processes(&self) -> impl Iterator<Item = u32> + '_ {
        self.children.iter().map(Child::id)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
