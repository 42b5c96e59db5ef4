//! A whole image of a few kilobytes: one layer with one script, a config and a manifest.

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Manifest, media_types};
use countersign_proof::digest;
use countersign_registry::Store;
use serde_json::json;

use super::{Stored, by_digest};

/// Bytes of a tar block.
const BLOCK: usize = 512;

/// An image with one file, `/bin/hello`.
pub(super) struct SmallImage {
    layer: Bytes,
    config: Bytes,
    manifest: Bytes,
    digest: Digest,
}

impl SmallImage {
    pub(super) fn new(script: &str) -> Self {
        let layer = Bytes::from(tar("bin/hello", script.as_bytes()));
        let layer_digest = digest::sha256(&layer);
        let config = Bytes::from(
            json!({
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": ["/bin/hello"]},
                "rootfs": {"type": "layers", "diff_ids": [layer_digest.to_string()]},
            })
            .to_string(),
        );
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config: Descriptor::new(
                media_types::OCI_CONFIG,
                digest::sha256(&config),
                config.len() as u64,
            ),
            layers: vec![Descriptor::new(
                media_types::OCI_LAYER,
                layer_digest,
                layer.len() as u64,
            )],
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        let manifest = Bytes::from(manifest.to_json());
        let digest = digest::sha256(&manifest);
        Self {
            layer,
            config,
            manifest,
            digest,
        }
    }

    /// The digest of the manifest.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// A small SPDX document about the image.
    pub(super) fn sbom(&self) -> String {
        format!(
            "{:#}\n",
            json!({
                "spdxVersion": "SPDX-2.3",
                "dataLicense": "CC0-1.0",
                "SPDXID": "SPDXRef-DOCUMENT",
                "name": "demo/app",
                "documentNamespace": format!("https://example.invalid/demo/app/{}", self.digest.hex()),
                "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: countersign-demo"]},
                "packages": [{
                    "SPDXID": "SPDXRef-Package-hello",
                    "name": "hello",
                    "versionInfo": "1.0",
                    "downloadLocation": "NOASSERTION",
                }],
            })
        )
    }

    /// Puts the image under `tag`.
    pub(super) async fn push(&self, store: &dyn Store, tag: &str) -> Stored<()> {
        store
            .push_blob(self.layer.clone(), &digest::sha256(&self.layer))
            .await?;
        store
            .push_blob(self.config.clone(), &digest::sha256(&self.config))
            .await?;
        store
            .push_manifest(self.manifest.clone(), media_types::OCI_MANIFEST, Some(tag))
            .await?;
        Ok(())
    }
}

/// What an attacker with push rights can do: attaches everything that refers to `from` to `to` as well.
pub(super) async fn copy_evidence(
    store: &dyn Store,
    from: &SmallImage,
    to: &SmallImage,
) -> Stored<usize> {
    let target = store.resolve(&by_digest(to.digest)).await?.descriptor;
    let mut copied = 0;
    for descriptor in store.referrers(&from.digest).await?.descriptors {
        if let Manifest::Image(mut manifest) = store.manifest(&descriptor).await?.manifest {
            manifest.subject = Some(target.clone());
            store
                .push_manifest(
                    Bytes::from(manifest.to_json()),
                    media_types::OCI_MANIFEST,
                    None,
                )
                .await?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// A tar archive (POSIX ustar) with one executable file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(BLOCK);
    let field = |header: &mut Vec<u8>, text: &str, width: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(width, 0);
        header.extend_from_slice(&bytes);
    };
    field(&mut header, name, 100);
    field(&mut header, "0000755", 8);
    field(&mut header, "0000000", 8);
    field(&mut header, "0000000", 8);
    field(&mut header, &format!("{:011o}", content.len()), 12);
    field(&mut header, "00000000000", 12);
    let before = header.clone();
    let rest = {
        let mut rest = Vec::new();
        field(&mut rest, "0", 1);
        field(&mut rest, "", 100);
        field(&mut rest, "ustar", 6);
        field(&mut rest, "00", 2);
        rest.resize(BLOCK - 148 - 8, 0);
        rest
    };
    // The checksum counts its own field as eight spaces.
    let sum: u32 = before
        .iter()
        .chain(&rest)
        .map(|byte| u32::from(*byte))
        .sum::<u32>()
        + 8 * u32::from(b' ');
    let mut archive = before;
    archive.extend_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend_from_slice(&rest);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_a_tar_that_other_programs_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layer.tar");
        std::fs::write(&path, tar("bin/hello", b"#!/bin/sh\n")).unwrap();
        let Ok(listed) = std::process::Command::new("tar")
            .arg("-tvf")
            .arg(&path)
            .output()
        else {
            return;
        };
        assert!(
            listed.status.success(),
            "{}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let listing = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(
            listing.starts_with("-rwxr-xr-x") && listing.trim_end().ends_with("bin/hello"),
            "{listing}"
        );
    }
}
