//! Finding out what a registry can do, for a report: each question is asked once and its answer kept as it was.

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, HashAlgorithm, ImageManifest, UnixTime, media_types,
};
use countersign_proof::digest;
use reqwest::Method;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION,
    RANGE, SERVER, WWW_AUTHENTICATE,
};

use super::Registry;
use super::call::{Call, Reply, Right};
use super::pull::ACCEPT_MANIFESTS;
use super::transport::Expect;
use crate::depot::Depot;
use crate::error::StoreError;
use crate::store::{Store, Target};

/// What one question found out.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was asked for, in kebab case.
    pub name: &'static str,
    /// The answer.
    pub ability: Ability,
    /// The answer in words.
    pub detail: String,
}

/// Whether a registry can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// It could not be found out.
    Unknown,
}

/// What a probe found.
#[derive(Debug, Clone, Default)]
pub struct Probed {
    /// Answers, in the order in which they were asked for.
    pub findings: Vec<Finding>,
    /// The registry's clock minus ours, in seconds; `None` when it does not say.
    pub clock_skew: Option<i64>,
    /// `Server` header.
    pub server: Option<String>,
    /// What could not be cleaned up.
    pub left_behind: Vec<String>,
}

impl Probed {
    fn add(&mut self, name: &'static str, ability: Ability, detail: impl Into<String>) {
        self.findings.push(Finding {
            name,
            ability,
            detail: detail.into(),
        });
    }

    fn tell(&mut self, name: &'static str, answer: Result<(Ability, String), StoreError>) {
        match answer {
            Ok((ability, detail)) => self.add(name, ability, detail),
            Err(error) => self.add(name, Ability::Unknown, error.to_string()),
        }
    }

    /// What is known about an ability.
    #[must_use]
    pub fn ability(&self, name: &str) -> Ability {
        self.findings
            .iter()
            .find(|finding| finding.name == name)
            .map_or(Ability::Unknown, |finding| finding.ability)
    }
}

impl Registry {
    /// Asks what can be asked without changing anything: the API, logins, clock, and about `image`, if one is named, tags, entity tags,
    /// ranges and the referrers API.
    ///
    /// # Errors
    /// Only when the registry cannot be reached at all or refuses the login; everything else is a finding.
    pub async fn probe(&self, image: Option<&Target>, now: UnixTime) -> Result<Probed, StoreError> {
        let mut probed = Probed::default();
        self.probe_base(&mut probed, now).await?;
        let Some(target) = image else {
            return Ok(probed);
        };
        let tags = self.list_tags().await;
        probed.tell(
            "tags-list",
            tags.map(|tags| (Ability::Yes, format!("{} tags", tags.len()))),
        );
        let resolved = self.pull_manifest(target).await?;
        let digest = resolved.descriptor.digest;
        probed.add("pull", Ability::Yes, format!("{digest}"));
        probed.tell("etag", self.probe_etag(&digest).await);
        probed.tell("conditional-get", self.probe_conditional_get(&digest).await);
        probed.tell("referrers-api", self.probe_referrers(&digest).await);
        probed.tell("referrers-filter", self.probe_filter(&digest).await);
        let fallback = self.fallback_index(&digest).await;
        probed.tell(
            "fallback-tag",
            fallback.map(|found| match found {
                Some(found) => (
                    Ability::Yes,
                    format!("a list of {} entries", found.index.manifests.len()),
                ),
                None => (Ability::No, "there is none for this image".to_owned()),
            }),
        );
        if let countersign_formats::Manifest::Image(manifest) = &resolved.manifest {
            probed.tell("blob-range", self.probe_range(&manifest.config).await);
        }
        Ok(probed)
    }

    async fn probe_base(&self, probed: &mut Probed, now: UnixTime) -> Result<(), StoreError> {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        let expect = Expect::Document {
            cap: self.settings.limits.error_body_bytes,
            what: "answer of the API's root",
        };
        let transport = self.transport();
        let plain = Call::get(url.clone(), expect);
        let first = transport
            .exchange(
                &super::call::outgoing(&plain, url.clone(), None),
                Expect::Nothing,
            )
            .await?;
        let text = |name| {
            let value: Option<&HeaderValue> = first.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        probed.clock_skew = text(DATE)
            .and_then(UnixTime::parse_http_date)
            .map(|time| time.0.saturating_sub(now.0));
        probed.server = text(SERVER).map(|text| crate::error::clipped(text, 128));
        let challenge = text(WWW_AUTHENTICATE).map(|text| {
            let scheme = text.split(' ').next().unwrap_or_default();
            crate::error::clipped(scheme, 32)
        });
        let status = first.status.as_u16();
        match status {
            200 => probed.add("authentication", Ability::No, "anonymous access is allowed"),
            401 => probed.add(
                "authentication",
                Ability::Yes,
                format!(
                    "{} is asked for",
                    challenge.as_deref().unwrap_or("something unnamed")
                ),
            ),
            _ => probed.add(
                "authentication",
                Ability::Unknown,
                format!("the API's root answered with status {status}"),
            ),
        }
        // With what is stored as a login; an error here is what every other command would meet.
        let reply = self.ask(&Call::get(url, expect)).await?;
        let status = reply.status.as_u16();
        let ability = if status == 200 {
            Ability::Yes
        } else {
            Ability::Unknown
        };
        probed.add("api-v2", ability, format!("status {status}"));
        Ok(())
    }

    async fn probe_etag(&self, digest: &Digest) -> Result<(Ability, String), StoreError> {
        let reply = self.ask(&self.manifest_call(&digest.to_string())?).await?;
        Ok(match reply.headers.get(ETAG) {
            Some(_) => (Ability::Yes, "manifests have an `ETag`".to_owned()),
            None => (Ability::No, "manifests have no `ETag`".to_owned()),
        })
    }

    async fn probe_conditional_get(
        &self,
        digest: &Digest,
    ) -> Result<(Ability, String), StoreError> {
        let first = self.ask(&self.manifest_call(&digest.to_string())?).await?;
        let Some(tag) = first.headers.get(ETAG).cloned() else {
            return Ok((Ability::No, "there is no `ETag` to ask with".to_owned()));
        };
        let mut call = self.manifest_call(&digest.to_string())?;
        call.headers.push((IF_NONE_MATCH, tag));
        let reply = self.ask(&call).await?;
        Ok(match reply.status.as_u16() {
            304 => (Ability::Yes, "304 for what is known already".to_owned()),
            other => (
                Ability::No,
                format!("status {other} for what is known already"),
            ),
        })
    }

    async fn probe_referrers(&self, digest: &Digest) -> Result<(Ability, String), StoreError> {
        let reply = self.ask(&self.referrers_call(digest, None)?).await?;
        Ok(referrers_answer(&reply))
    }

    async fn probe_filter(&self, digest: &Digest) -> Result<(Ability, String), StoreError> {
        let filter = "application/vnd.example.nothing-has-this-type";
        let reply = self
            .ask(&self.referrers_call(digest, Some(filter))?)
            .await?;
        if referrers_answer(&reply).0 != Ability::Yes {
            return Ok((Ability::No, "there is no API to filter".to_owned()));
        }
        let applied = reply
            .headers
            .get("oci-filters-applied")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("artifactType"));
        Ok(match applied {
            true => (
                Ability::Yes,
                "`OCI-Filters-Applied: artifactType`".to_owned(),
            ),
            false => (Ability::No, "the filter is ignored".to_owned()),
        })
    }

    fn referrers_call(
        &self,
        digest: &Digest,
        filter: Option<&str>,
    ) -> Result<Call<'_>, StoreError> {
        let mut url = self.url(&format!("referrers/{digest}"))?;
        if let Some(filter) = filter {
            url.query_pairs_mut().append_pair("artifactType", filter);
        }
        let expect = Expect::Document {
            cap: self.settings.limits.listing_page_bytes,
            what: "list of referrers",
        };
        Ok(Call {
            accept: Some(media_types::OCI_INDEX),
            ..Call::get(url, expect)
        })
    }

    async fn probe_range(&self, blob: &Descriptor) -> Result<(Ability, String), StoreError> {
        let expect = Expect::Document {
            cap: blob.size,
            what: "blob",
        };
        let url = self.url(&format!("blobs/{}", blob.digest))?;
        let reply = self
            .ask(&Call {
                headers: vec![(RANGE, HeaderValue::from_static("bytes=0-0"))],
                redirects: super::call::Redirects::Anywhere,
                ..Call::get(url, expect)
            })
            .await?;
        Ok(match reply.status.as_u16() {
            206 => (Ability::Yes, "206 for one byte of a blob".to_owned()),
            other => (
                Ability::No,
                format!("status {other} for one byte of a blob"),
            ),
        })
    }

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
        probed.tell("sha512-blob", self.probe_sha512(&content).await);
        let image = scratch(None, "image");
        let subject = self.push_scratch(&image, "countersign-doctor").await?;
        probed.add("push-manifest", Ability::Yes, format!("{}", subject.digest));
        probed.tell("conditional-put", self.probe_conditional_put(&image).await);
        if probed.ability("referrers-api") == Ability::Unknown {
            probed.tell("referrers-api", self.probe_referrers(&subject.digest).await);
            probed.tell("referrers-filter", self.probe_filter(&subject.digest).await);
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
        for bytes in [early, referrer] {
            let digest = digest::sha256(&bytes);
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

fn referrers_answer(reply: &Reply) -> (Ability, String) {
    let status = reply.status.as_u16();
    let kind = super::pull::media_type(&reply.headers).unwrap_or_else(|| "nothing".to_owned());
    match status {
        200 if super::pull::is_index(&kind) => (Ability::Yes, "200 with a list".to_owned()),
        200 => (
            Ability::No,
            format!("200 with `{}`", crate::error::clipped(&kind, 64)),
        ),
        other => (Ability::No, format!("status {other}")),
    }
}

fn scratch(subject: Option<Descriptor>, name: &str) -> Bytes {
    let config = Descriptor::new(
        media_types::OCI_EMPTY,
        digest::sha256(media_types::EMPTY_JSON),
        media_types::EMPTY_JSON.len() as u64,
    );
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some("application/vnd.countersign.doctor".to_owned()),
        layers: vec![config.clone()],
        config,
        subject,
        annotations: [("org.opencontainers.image.title".to_owned(), name.to_owned())].into(),
    };
    manifest.to_json().into()
}

fn scratch_with_missing_blob() -> Bytes {
    let missing = Descriptor::new(
        "application/octet-stream",
        digest::sha256(b"countersign doctor: never stored"),
        32,
    );
    let config = Descriptor::new(
        media_types::OCI_EMPTY,
        digest::sha256(media_types::EMPTY_JSON),
        media_types::EMPTY_JSON.len() as u64,
    );
    let manifest = ImageManifest {
        media_type: media_types::OCI_MANIFEST.to_owned(),
        artifact_type: Some("application/vnd.countersign.doctor".to_owned()),
        layers: vec![missing],
        config,
        subject: None,
        annotations: Default::default(),
    };
    manifest.to_json().into()
}
