//! A real image and its SBOM, made without the internet: mmdebstrap, umoci, syft.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Peer, skipped};

/// A Debian image as an OCI layout, tag `v1`, with syft's SPDX of it.
#[derive(Debug, Clone)]
pub struct RealImage {
    /// The layout folder.
    pub layout: PathBuf,
    /// The SPDX 2.3 JSON document: about 5 MB.
    pub spdx: PathBuf,
}

impl RealImage {
    /// The image, made once and kept in the peers' cache; `None`, said loudly, when a tool is missing.
    ///
    /// # Panics
    ///
    /// When a tool fails.
    pub fn make(test: &str) -> Option<Self> {
        for tool in ["mmdebstrap", "umoci", "syft"] {
            if Peer::find(tool).is_none() {
                skipped(test, tool);
                return None;
            }
        }
        let folder = cache().join("image-1");
        let image = Self {
            layout: folder.join("image"),
            spdx: folder.join("sbom.spdx.json"),
        };
        if !image.spdx.is_file() {
            let work = folder.with_extension(format!("tmp-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&work);
            std::fs::create_dir_all(&work).expect("cache folder");
            run(
                &work,
                "mmdebstrap",
                &["--quiet", "--variant=minbase", "bookworm", "root.tar"],
            );
            run(&work, "umoci", &["init", "--layout", "image"]);
            run(&work, "umoci", &["new", "--image", "image:v1"]);
            run(
                &work,
                "umoci",
                &["raw", "add-layer", "--image", "image:v1", "root.tar"],
            );
            run(
                &work,
                "umoci",
                &[
                    "config",
                    "--image",
                    "image:v1",
                    "--architecture",
                    "amd64",
                    "--os",
                    "linux",
                ],
            );
            run(&work, "umoci", &["gc", "--layout", "image"]);
            run(
                &work,
                "syft",
                &[
                    "scan",
                    "-q",
                    "oci-dir:image",
                    "-o",
                    "spdx-json=sbom.spdx.json",
                ],
            );
            std::fs::remove_file(work.join("root.tar")).expect("the tar goes");
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(&work, &folder).expect("the image moves into the cache");
        }
        Some(image)
    }

    /// Copies the layout to `to`, so that a test may write there.
    ///
    /// # Panics
    ///
    /// When the copy fails.
    pub fn copy_layout(&self, to: &Path) {
        let status = Command::new("cp")
            .arg("-r")
            .arg(&self.layout)
            .arg(to)
            .status()
            .expect("cp runs");
        assert!(status.success(), "the layout is copied");
    }
}

fn cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("COUNTERSIGN_PEERS") {
        return folder.into();
    }
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    base.join("countersign-peers")
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("tool runs");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
