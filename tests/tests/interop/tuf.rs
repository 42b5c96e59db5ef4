//! A TUF repository that python-tuf makes and serves on loopback.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A served repository; it is gone when the value is.
pub(crate) struct Repository {
    child: Child,
    pub(crate) mirror: String,
    /// The file of its first root.
    pub(crate) root: String,
}

impl Repository {
    /// Serves `trusted_root` from a repository in `folder`; `None`, said loudly, without python-tuf.
    pub(crate) fn start(test: &str, folder: &Path, trusted_root: &str) -> Option<Self> {
        let Some(python) = python() else {
            println!(
                "SKIPPED {test}: there is no `python-tuf` (tests/peers/install.sh), and COUNTERSIGN_TUF_PYTHON names no Python with `tuf`"
            );
            return None;
        };
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/tuf_repository.py"))
            .arg(folder)
            .arg(trusted_root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("standard output"))
            .read_line(&mut port)
            .expect("the port");
        Some(Self {
            child,
            mirror: format!("http://127.0.0.1:{}", port.trim()),
            root: folder.join("1.root.json").display().to_string(),
        })
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // It serves until its standard input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The Python that has `tuf`: the one that `COUNTERSIGN_TUF_PYTHON` names, else the installed peer.
fn python() -> Option<String> {
    let python =
        std::env::var("COUNTERSIGN_TUF_PYTHON").unwrap_or_else(|_| "python-tuf".to_owned());
    let probe = Command::new(&python)
        .args([
            "-c",
            "import tuf.api.metadata, securesystemslib.signer, cryptography",
        ])
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success()).then_some(python)
}
