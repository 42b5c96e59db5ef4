//! Questions that are answered only by writing: uploads, conditions, limits, deletes.

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, HashAlgorithm, ImageManifest, Manifest, media_types,
};
use countersign_proof::digest;
use reqwest::Method;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION,
};

use super::super::Registry;
use super::super::call::{Call, Reply, Right};
use super::super::pull::ACCEPT_MANIFESTS;
use super::{Ability, Probed};
use crate::depot::Depot;
use crate::error::StoreError;
use crate::store::{Store, Target};

/// Bytes of a manifest that every registry should take.
const LARGE: usize = 4 << 20;

impl Registry {
    /// Writes small things into the repository, which should be one made for this, and removes them again.
    ///
    /// # Errors
    /// Only when nothing can be pushed at all; everything else is a finding.
    pub async fn probe_by_writing(&self, probed: &mut Probed) -> Result<(), StoreError> {
        let mut left = Vec::new();
        let content = Bytes::from_static(b"{}");
        let blob = digest::sha256(&content);
        self.upload_blob(content.clone(), &blob).await?;
        probed.add("push-blob", Ability::Yes, "POST and PUT");
        probed.tell("single-post", self.probe_single_post().await);
        probed.tell("chunked-upload", self.probe_chunks().await);
        probed.tell("mount", self.probe_mount(&blob, &self.repository).await);
        probed.tell("sha512-blob", self.probe_sha512(&content).await);
        let image = scratch(None, "image");
        let subject = self.push_scratch(&image, "countersign-doctor").await?;
        probed.add("push-manifest", Ability::Yes, format!("{}", subject.digest));
        probed.tell("conditional-put", self.probe_conditional_put(&image).await);
        if probed.ability("referrers-api") == Ability::Unknown {
            probed.tell("referrers-api", self.probe_referrers(&subject.digest).await);
        }
        let referrer = scratch(Some(subject.clone()), "referrer");
        let answer = self.put_scratch(&referrer, None).await;
        let listed = answer.as_ref().is_ok_and(|reply| {
            reply.status.as_u16() == 201 && reply.headers.contains_key("oci-subject")
        });
        probed.tell(
            "oci-subject",
            answer.map(|reply| match (reply.status.as_u16(), listed) {
                (_, true) => (Ability::Yes, "`OCI-Subject` on PUT".to_owned()),
                (201, _) => (
                    Ability::No,
                    "no `OCI-Subject`: the fallback tag must be written".to_owned(),
                ),
                (other, _) => (
                    Ability::No,
                    format!("status {other} for a manifest with `subject`"),
                ),
            }),
        );
        // Some say that they filtered only where there is something to filter.
        if probed.ability("referrers-filter") == Ability::Unknown {
            probed.tell("referrers-filter", self.probe_filter(&subject.digest).await);
        }
        let early = scratch_with_missing_blob();
        probed.tell(
            "manifest-before-blob",
            self.put_scratch(&early, None)
                .await
                .map(|reply| match reply.status.as_u16() {
                    201 => (
                        Ability::Yes,
                        "a manifest may come before its blobs".to_owned(),
                    ),
                    other => (
                        Ability::No,
                        format!("status {other}: blobs must come first"),
                    ),
                }),
        );
        let large = large_scratch();
        probed.tell("manifest-4-mib", self.probe_large(&large).await);
        let other = scratch(None, "sha512");
        let sha512 = digest::of(HashAlgorithm::Sha512, &other);
        probed.tell(
            "sha512-manifest",
            self.probe_sha512_manifest(&other, &sha512).await,
        );
        let [early, referrer, large] = [early, referrer, large].map(|bytes| digest::sha256(&bytes));
        for digest in [early, referrer, large, sha512] {
            // One that was never stored is not there, which is as good.
            if self.delete_manifest(&digest).await.is_err()
                && self.exists(&digest).await.unwrap_or(true)
            {
                left.push(format!("manifest {digest}"));
            }
        }
        let deleted = self.delete_manifest(&subject.digest).await;
        if deleted.is_err() {
            left.push(format!(
                "tag countersign-doctor, manifest {}",
                subject.digest
            ));
        }
        probed.tell(
            "delete",
            match deleted {
                Ok(_) => Ok((Ability::Yes, "manifests can be deleted".to_owned())),
                Err(StoreError::Unsupported { detail, .. }) => Ok((Ability::No, detail)),
                Err(error) => Err(error),
            },
        );
        probed.left_behind = left;
        Ok(())
    }

    /// Mounts the configuration of an image of `other`, a repository of the same registry, which is read and not written to.
    pub async fn probe_mount_from(
        &self,
        probed: &mut Probed,
        other: &Registry,
        image: Option<&Target>,
    ) {
        probed.tell("mount-from", self.mount_from(other, image).await);
    }

    async fn mount_from(
        &self,
        other: &Registry,
        image: Option<&Target>,
    ) -> Result<(Ability, String), StoreError> {
        let Some(image) = image else {
            let detail = format!("`{}` has no image whose blobs could be mounted", other.name);
            return Ok((Ability::Unknown, detail));
        };
        let mut found = other.pull_manifest(image).await?;
        if let Manifest::Index(index) = &found.manifest
            && let Some(child) = index.manifests.first()
        {
            found = other.pull_manifest(&Target::Digest(child.digest)).await?;
        }
        let Manifest::Image(manifest) = &found.manifest else {
            let detail = format!("`{}` is an index without an image", other.name);
            return Ok((Ability::Unknown, detail));
        };
        let blob = manifest.config.digest;
        if self.has_blob(&blob).await? {
            let detail = format!("`{blob}` is in both repositories already");
            return Ok((Ability::Unknown, detail));
        }
        let (ability, detail) = self.probe_mount(&blob, &other.repository).await?;
        let from = &other.repository;
        Ok((ability, format!("{detail}, from `{from}`")))
    }

    async fn probe_mount(
        &self,
        blob: &Digest,
        from: &str,
    ) -> Result<(Ability, String), StoreError> {
        let mut url = self.url("blobs/uploads/")?;
        url.query_pairs_mut()
            .append_pair("mount", &blob.to_string())
            .append_pair("from", from);
        let reply = self
            .ask(&Call {
                right: match from == self.repository {
                    true => Right::Push,
                    false => Right::Mount(from),
                },
                headers: vec![(CONTENT_LENGTH, HeaderValue::from_static("0"))],
                body: Some(Bytes::new()),
                ..Call::change(Method::POST, url)
            })
            .await?;
        self.abandon(&reply).await;
        Ok(match reply.status.as_u16() {
            201 => (Ability::Yes, "201 for a blob that is there".to_owned()),
            202 => (
                Ability::No,
                "an upload is begun in place of a mount".to_owned(),
            ),
            other => (Ability::No, format!("status {other} for a mount")),
        })
    }

    /// The specification asks for at least 4 MiB of manifest.
    async fn probe_large(&self, large: &Bytes) -> Result<(Ability, String), StoreError> {
        let reply = self.put_scratch(large, None).await?;
        Ok(match reply.status.as_u16() {
            201 => (
                Ability::Yes,
                format!("a manifest of {} bytes is taken", large.len()),
            ),
            other => (
                Ability::No,
                format!("status {other} for a manifest of {} bytes", large.len()),
            ),
        })
    }

    async fn probe_sha512_manifest(
        &self,
        bytes: &Bytes,
        digest: &Digest,
    ) -> Result<(Ability, String), StoreError> {
        let reply = self
            .ask(&Call {
                content_type: Some(media_types::OCI_MANIFEST),
                body: Some(bytes.clone()),
                repeatable: false,
                ..Call::change(Method::PUT, self.url(&format!("manifests/{digest}"))?)
            })
            .await?;
        Ok(match reply.status.as_u16() {
            201 => (Ability::Yes, "a manifest by its SHA-512".to_owned()),
            other => (
                Ability::No,
                format!("status {other} for a manifest by its SHA-512"),
            ),
        })
    }

    async fn push_scratch(&self, bytes: &Bytes, tag: &str) -> Result<Descriptor, StoreError> {
        let pushed = self
            .upload_manifest(bytes.clone(), media_types::OCI_MANIFEST, Some(tag))
            .await?;
        Ok(pushed.descriptor)
    }

    async fn put_scratch(
        &self,
        bytes: &Bytes,
        condition: Option<(reqwest::header::HeaderName, HeaderValue)>,
    ) -> Result<Reply, StoreError> {
        let reference = match &condition {
            Some(_) => "countersign-doctor".to_owned(),
            None => digest::sha256(bytes).to_string(),
        };
        self.ask(&Call {
            accept: Some(ACCEPT_MANIFESTS),
            content_type: Some(media_types::OCI_MANIFEST),
            headers: condition.into_iter().collect(),
            body: Some(bytes.clone()),
            repeatable: false,
            ..Call::change(Method::PUT, self.url(&format!("manifests/{reference}"))?)
        })
        .await
    }

    /// Whether a PUT whose condition does not hold is refused: the tag exists, so that "only if it is new" must fail, and it has another
    /// entity tag, so that "only if it is that one" must fail, too.
    async fn probe_conditional_put(&self, image: &Bytes) -> Result<(Ability, String), StoreError> {
        let mut refused = Vec::new();
        for condition in [
            (IF_NONE_MATCH, HeaderValue::from_static("*")),
            (IF_MATCH, HeaderValue::from_static("\"countersign-doctor\"")),
        ] {
            let name = condition.0.clone();
            let reply = self.put_scratch(image, Some(condition)).await?;
            if reply.status.as_u16() == 412 {
                refused.push(name);
            }
        }
        Ok(match refused.len() {
            2 => (
                Ability::Yes,
                "`If-Match` and `If-None-Match` hold on PUT".to_owned(),
            ),
            0 => (Ability::No, "conditions on PUT are ignored".to_owned()),
            _ => (
                Ability::No,
                "one of the two conditions on PUT is ignored".to_owned(),
            ),
        })
    }

    async fn probe_single_post(&self) -> Result<(Ability, String), StoreError> {
        let content = Bytes::from_static(b"{\"single\":true}");
        let mut url = self.url("blobs/uploads/")?;
        let digest = digest::sha256(&content);
        url.query_pairs_mut()
            .append_pair("digest", &digest.to_string());
        let reply = self
            .ask(&Call {
                content_type: Some("application/octet-stream"),
                body: Some(content),
                ..Call::change(Method::POST, url)
            })
            .await?;
        self.abandon(&reply).await;
        Ok(match reply.status.as_u16() {
            201 => (Ability::Yes, "a blob in one POST".to_owned()),
            other => (
                Ability::No,
                format!("status {other} for a blob in one POST"),
            ),
        })
    }

    async fn probe_chunks(&self) -> Result<(Ability, String), StoreError> {
        let place = self.begin_upload().await?;
        let location = place.location.as_ref().ok_or_else(|| {
            StoreError::response(&self.name, "an upload was begun without a `Location`")
        })?;
        let url = self.target(&place.from, location, "upload location")?;
        let reply = self
            .ask(&Call {
                content_type: Some("application/octet-stream"),
                headers: vec![
                    (CONTENT_RANGE, HeaderValue::from_static("0-0")),
                    (CONTENT_LENGTH, HeaderValue::from_static("1")),
                ],
                body: Some(Bytes::from_static(b"{")),
                repeatable: false,
                ..Call::change(Method::PATCH, url)
            })
            .await?;
        self.abandon(&reply).await;
        Ok(match reply.status.as_u16() {
            202 => (Ability::Yes, "202 for a chunk".to_owned()),
            other => (Ability::No, format!("status {other} for a chunk")),
        })
    }

    /// Gives an upload up that goes nowhere; a registry that does not take that forgets it by itself.
    async fn abandon(&self, reply: &Reply) {
        if let Some(location) = reply.headers.get(LOCATION)
            && reply.status.as_u16() == 202
            && let Ok(url) = self.target(&self.base, location, "upload location")
        {
            let cancel = Call {
                right: Right::Push,
                ..Call::change(Method::DELETE, url)
            };
            let _ = self.ask(&cancel).await;
        }
    }

    async fn probe_sha512(&self, content: &Bytes) -> Result<(Ability, String), StoreError> {
        let digest = digest::of(HashAlgorithm::Sha512, content);
        Ok(match self.upload_once(content.clone(), &digest).await {
            Ok(()) => (Ability::Yes, "a blob by its SHA-512".to_owned()),
            Err(error) => (Ability::No, error.to_string()),
        })
    }
}

fn scratch(subject: Option<Descriptor>, name: &str) -> Bytes {
    let mut manifest = scratch_of(empty_config());
    manifest.subject = subject;
    let title = "org.opencontainers.image.title".to_owned();
    manifest.annotations = [(title, name.to_owned())].into();
    manifest.to_json().into()
}

/// Exactly as large as the specification asks registries to take.
fn large_scratch() -> Bytes {
    let plain = scratch(None, "").len();
    scratch(None, &"x".repeat(LARGE.saturating_sub(plain)))
}

fn scratch_with_missing_blob() -> Bytes {
    let missing = Descriptor::new(
        "application/octet-stream",
        digest::sha256(b"countersign doctor: never stored"),
        32,
    );
    scratch_of(missing).to_json().into()
}

fn scratch_of(layer: Descriptor) -> ImageManifest {
    ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some("application/vnd.countersign.doctor".to_owned()),
        config: empty_config(),
        layers: vec![layer],
        subject: None,
        annotations: Default::default(),
    }
}

fn empty_config() -> Descriptor {
    Descriptor::new(
        media_types::OCI_EMPTY,
        digest::sha256(media_types::EMPTY_JSON),
        media_types::EMPTY_JSON.len() as u64,
    )
}
