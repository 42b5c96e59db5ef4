//! Registries on loopback: ours and real ones, each in its own folder, stopped when dropped.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Peer, countersign};

/// Which registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// `countersign registry serve`.
    Ours,
    /// Debian's docker-registry 2.8: no referrers API.
    DockerRegistry,
    /// olareg: referrers API.
    Olareg,
}

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    port: u16,
}

impl RegistryKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ours, Self::DockerRegistry, Self::Olareg];

    /// Its name, and for a peer its program's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "countersign",
            Self::DockerRegistry => "docker-registry",
            Self::Olareg => "olareg",
        }
    }

    /// Starts one with its state in `folder`; `None` when its program is not installed.
    ///
    /// # Panics
    ///
    /// When it does not answer within twenty seconds.
    pub fn start(self, folder: &Path) -> Option<Registry> {
        let port = free_port();
        let mut command = match self {
            Self::Ours => {
                let mut command = Command::new(countersign());
                command.args([
                    "registry",
                    "serve",
                    "--listen",
                    &format!("127.0.0.1:{port}"),
                    "--dir",
                ]);
                command.arg(folder.join("ours"));
                command
            }
            Self::DockerRegistry => {
                let configuration = folder.join("docker-registry.yml");
                let text = format!(
                    "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}, delete: {{enabled: true}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
                    folder.join("docker-registry").display()
                );
                std::fs::write(&configuration, text).expect("configuration is written");
                let mut command = Command::new(Peer::find("docker-registry")?.path());
                command.arg("serve").arg(configuration);
                command
            }
            Self::Olareg => {
                let mut command = Command::new(Peer::find("olareg")?.path());
                command.args([
                    "serve",
                    "--addr",
                    "127.0.0.1",
                    "--port",
                    &port.to_string(),
                    "--store-type",
                    "mem",
                ]);
                command
            }
        };
        let log =
            std::fs::File::create(folder.join(format!("{}.log", self.name()))).expect("log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let registry = Registry { child, port };
        registry.wait();
        Some(registry)
    }
}

impl Registry {
    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait(&self) {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "port {} does not answer",
                self.port
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
