//! A registry with the real image in it, keys, and the programs that work on it.

use std::path::{Path, PathBuf};

use countersign_tests::{
    LOGIN, Outcome, Peer, Program, RealImage, Registry, RegistryKind, countersign, skipped,
};
use tempfile::TempDir;

/// Everything a test needs; stopped and removed when dropped.
pub(crate) struct Scene {
    pub(crate) countersign: Program,
    _registry: Registry,
    /// `HOST/demo/app@sha256:…`
    pub(crate) image: String,
    /// `HOST/demo/app`
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) spdx: PathBuf,
    folder: TempDir,
}

impl Scene {
    /// The image pushed by skopeo into a fresh registry of `kind`; `None`, said loudly, when something is missing.
    pub(crate) fn new(test: &str, kind: RegistryKind) -> Option<Self> {
        let folder = TempDir::new().expect("temporary folder");
        let image = RealImage::make(test)?;
        let Some(skopeo) = Peer::find("skopeo") else {
            skipped(test, "skopeo");
            return None;
        };
        let Some(registry) = kind.start(folder.path()) else {
            skipped(test, kind.name());
            return None;
        };
        let name = format!("{}/demo/app", registry.host());
        let countersign = Program::new(countersign(), folder.path())
            .env("COUNTERSIGN_ALLOW_HTTP", "true")
            .env("COUNTERSIGN_PASSWORD", "pw");
        if kind.wants_login() {
            let (user, password) = LOGIN;
            let host = registry.host();
            countersign
                .run(["login", "--username", user, "--password", password, &host])
                .expect(0);
        }
        Program::new(skopeo.path(), folder.path())
            .run([
                "copy",
                "--quiet",
                "--dest-tls-verify=false",
                &format!("oci:{}:v1", image.layout.display()),
                &format!("docker://{name}:v1"),
            ])
            .expect(0);
        let raw = Program::new(skopeo.path(), folder.path())
            .run([
                "inspect",
                "--tls-verify=false",
                "--format",
                "{{.Digest}}",
                &format!("docker://{name}:v1"),
            ])
            .expect(0);
        let digest = raw.stdout.trim().to_owned();
        Some(Self {
            countersign,
            _registry: registry,
            image: format!("{name}@{digest}"),
            name,
            digest,
            spdx: image.spdx,
            folder,
        })
    }

    /// The folder that all programs run in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Our program with `arguments`.
    pub(crate) fn ours(&self, arguments: &[&str]) -> Outcome {
        self.countersign.run(arguments)
    }

    /// A peer's program in the same folder.
    pub(crate) fn program(&self, peer: &Peer) -> Program {
        Program::new(peer.path(), self.folder()).env("COSIGN_PASSWORD", "pw")
    }

    /// Makes a key pair `PREFIX.key`, `PREFIX.pub` of the given kind.
    pub(crate) fn key(&self, prefix: &str, kind: &str) {
        self.ours(&[
            "generate-key-pair",
            "--output-key-prefix",
            prefix,
            "--key-type",
            kind,
        ])
        .expect(0);
    }

    /// The image once more, in another repository of the same registry: `HOST/demo/REPOSITORY@sha256:…`.
    pub(crate) fn again(&self, repository: &str) -> String {
        let name = self
            .name
            .replace("/demo/app", &format!("/demo/{repository}"));
        let skopeo = Peer::find("skopeo").expect("it pushed the image before");
        self.program(&skopeo)
            .run([
                "copy",
                "--quiet",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                &format!("docker://{}:v1", self.name),
                &format!("docker://{name}:v1"),
            ])
            .expect(0);
        format!("{name}@{}", self.digest)
    }

    /// The signing configuration that names no service.
    pub(crate) fn no_services(&self, cosign: &Program) -> String {
        let file = self.folder().join("none.json");
        if !file.is_file() {
            cosign
                .run(["signing-config", "create", "--out", "none.json"])
                .expect(0);
        }
        "none.json".to_owned()
    }
}
