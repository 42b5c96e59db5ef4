//! A folder with keys, images and documents to work on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, ImageManifest, KeyKind, UnixTime, media_types, write_pem,
};
use countersign_proof::digest;
use countersign_registry::layout::Layout;
use countersign_registry::{Store, Target};
use countersign_sign::PrivateKey;
use countersign_testdata::lab::Lab;
use tempfile::TempDir;

use crate::program::{self, Run};

/// Keys are made once: each costs the key derivation.
struct Keys {
    release: (String, String),
    other: (String, String),
    plain: String,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = |key: &PrivateKey| {
            (
                key.encrypt(b"test").unwrap().to_pem(),
                key.public_key().to_pem(),
            )
        };
        let release = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let other = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        Keys {
            plain: write_pem("PRIVATE KEY", &release.to_pkcs8_der()),
            release: pair(&release),
            other: pair(&other),
        }
    })
}

/// The folder; it goes when the value does.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// Keys `release` and `other` (also `plain.key`, `release` without a password), and small documents.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Self { folder };
        let keys = keys();
        workshop.write("release.key", keys.release.0.as_bytes());
        workshop.write("release.pub", keys.release.1.as_bytes());
        workshop.write("other.key", keys.other.0.as_bytes());
        workshop.write("other.pub", keys.other.1.as_bytes());
        workshop.write("plain.key", keys.plain.as_bytes());
        workshop.write("garbage", b"this is not what was asked for\n");
        workshop.write(
            "sbom.json",
            br#"{"spdxVersion":"SPDX-2.3", "name": "sbom",   "packages":[]}"#,
        );
        workshop.write("broken.json", br#"{"spdxVersion":"#);
        workshop.write("file.txt", b"the file\n");
        workshop.write(
            "cut.key",
            keys.release
                .0
                .get(..keys.release.0.len() / 2)
                .unwrap()
                .as_bytes(),
        );
        workshop.write(
            "cut.pub",
            keys.release
                .1
                .get(..keys.release.1.len() / 2)
                .unwrap()
                .as_bytes(),
        );
        workshop.write(
            "policy.yaml",
            b"apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: release}\nspec:\n  signers:\n    team:\n      key: {file: release.pub}\n  require:\n    signature: {by: [team]}\n",
        );
        workshop
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// Runs the program here.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Run {
        program::run(self.path(), program::words(line))
    }

    /// `artifact` and `keyless.bundle`, its evidence by a certificate and a log of the laboratory.
    pub(crate) fn keyless(&self) -> Lab {
        let lab = Lab::new();
        let evidence = lab
            .keyless("signer@lab.example")
            .message(&Lab::artifact())
            .rekor_v1()
            .build();
        self.write("keyless.bundle", evidence.bundle.to_string().as_bytes());
        self.write("artifact", &Lab::artifact());
        lab
    }

    /// A copy of the file `of`, a pack of the laboratory's trust, with one byte changed.
    pub(crate) fn bend_pack(&self, of: &str, into: &str) {
        let mut bytes = self.read(of);
        let at = bytes
            .windows(16)
            .position(|window| window == b"rekor.lab.exampl")
            .unwrap();
        bytes[at] = b'x';
        self.write(into, &bytes);
    }

    /// A layout `name` with the image of `content` under `tag`.
    pub(crate) fn layout(&self, name: &str, tag: &str, content: &str) -> Digest {
        let layout = Layout::create(self.file(name)).unwrap();
        push_image(&layout, tag, content)
    }

    /// A layout `name` with a signed image under `1.0`.
    pub(crate) fn signed_layout(&self, name: &str) -> Digest {
        let digest = self.layout(name, "1.0", "genuine");
        self.run(&format!("sign --key plain.key oci:{name}:1.0"))
            .ends(0);
        digest
    }
}

/// Waits for work on a store.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Puts the image of `content` under `tag`.
pub(crate) fn push_image(store: &dyn Store, tag: &str, content: &str) -> Digest {
    let layer = Bytes::from(content.to_owned());
    let config = Bytes::from_static(b"{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    let descriptor = |media_type: &str, bytes: &Bytes| {
        Descriptor::new(media_type, digest::sha256(bytes), bytes.len() as u64)
    };
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: None,
        config: descriptor(media_types::OCI_CONFIG, &config),
        layers: vec![descriptor(media_types::OCI_LAYER, &layer)],
        subject: None,
        annotations: BTreeMap::new(),
    };
    let manifest = Bytes::from(manifest.to_json());
    wait(async {
        store
            .push_blob(layer.clone(), &digest::sha256(&layer))
            .await
            .unwrap();
        store
            .push_blob(config.clone(), &digest::sha256(&config))
            .await
            .unwrap();
        store
            .push_manifest(manifest.clone(), media_types::OCI_MANIFEST, Some(tag))
            .await
            .unwrap();
    });
    digest::sha256(&manifest)
}

/// Attaches `blob` to the image `subject` as cosign attaches a bundle, whatever it is.
pub(crate) fn attach(
    store: &dyn Store,
    subject: &Digest,
    blob: &[u8],
    predicate_type: &str,
) -> Digest {
    let bytes = Bytes::copy_from_slice(blob);
    wait(async {
        let subject = store
            .resolve(&Target::Digest(*subject))
            .await
            .unwrap()
            .descriptor;
        let layer = Descriptor::new(
            media_types::BUNDLE_V03,
            digest::sha256(&bytes),
            bytes.len() as u64,
        );
        let empty = Bytes::from_static(media_types::EMPTY_JSON);
        store.push_blob(bytes, &layer.digest).await.unwrap();
        store
            .push_blob(empty.clone(), &digest::sha256(&empty))
            .await
            .unwrap();
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: Some(media_types::BUNDLE_V03.to_owned()),
            config: Descriptor::new(
                media_types::OCI_EMPTY,
                digest::sha256(&empty),
                empty.len() as u64,
            ),
            layers: vec![layer],
            subject: Some(subject),
            annotations: BTreeMap::from([
                (
                    media_types::ANNOTATION_CREATED.to_owned(),
                    UnixTime(1_800_000_000).to_string(),
                ),
                (
                    media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE.to_owned(),
                    predicate_type.to_owned(),
                ),
            ]),
        };
        let manifest = Bytes::from(manifest.to_json());
        store
            .push_manifest(manifest, media_types::OCI_MANIFEST, None)
            .await
            .unwrap()
            .descriptor
            .digest
    })
}
