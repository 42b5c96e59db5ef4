//! Finding out what a registry can do, for a report: each question is asked once and its answer kept as it was.

mod writing;

use countersign_formats::{Descriptor, Digest, UnixTime, media_types};
use reqwest::header::{DATE, ETAG, HeaderValue, IF_NONE_MATCH, RANGE, SERVER, WWW_AUTHENTICATE};

use super::Registry;
use super::body::Expect;
use super::call::{Call, Reply};
use crate::error::StoreError;
use crate::keychain::Credential;
use crate::store::Target;

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
    /// Where the registry was reached: the URL of its API.
    pub reached: String,
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
        let no_registry = self.probe_base(&mut probed, now, image.is_some()).await?;
        let Some(target) = image else {
            return Ok(probed);
        };
        let tags = self.list_tags().await;
        probed.tell(
            "tags-list",
            tags.map(|tags| {
                let words = match tags.len() {
                    1 => "1 tag".to_owned(),
                    count => format!("{count} tags"),
                };
                (Ability::Yes, words)
            }),
        );
        let resolved = match (self.pull_manifest(target).await, no_registry) {
            // 404 for everything is no absence of an image.
            (Err(StoreError::NotFound { .. }), Some(error)) => return Err(error),
            (resolved, _) => resolved?,
        };
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
                    match found.index.manifests.len() {
                        1 => "a list of one entry".to_owned(),
                        count => format!("a list of {count} entries"),
                    },
                ),
                None => (Ability::No, "there is none for this image".to_owned()),
            }),
        );
        if let countersign_formats::Manifest::Image(manifest) = &resolved.manifest {
            probed.tell("blob-range", self.probe_range(&manifest.config).await);
        }
        Ok(probed)
    }

    /// The API's root, its clock and its logins; for a named image the root's error is returned beside them, since some registries answer for
    /// images alone.
    async fn probe_base(
        &self,
        probed: &mut Probed,
        now: UnixTime,
        named: bool,
    ) -> Result<Option<StoreError>, StoreError> {
        let url = self.root();
        let expect = Expect::Document {
            cap: self.settings.limits.error_body_bytes,
            what: "answer of the API's root",
        };
        let plain = Call::get(url.clone(), expect);
        let first = self.ask_plainly(&plain).await?;
        probed.reached = super::origin::shown(&url);
        let text = |name| {
            let value: Option<&HeaderValue> = first.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        probed.clock_skew = text(DATE)
            .and_then(UnixTime::parse_http_date)
            .map(|time| time.0.saturating_sub(now.0));
        probed.server = text(SERVER).map(|text| countersign_formats::clipped(text, 128));
        let challenge = text(WWW_AUTHENTICATE).map(|text| {
            let scheme = text.split(' ').next().unwrap_or_default();
            countersign_formats::clipped(scheme, 32)
        });
        let status = first.status.as_u16();
        let said = first.message.map(|text| format!(": {text}"));
        let said = said.unwrap_or_default();
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
                format!("the API's root answered with status {status}{said}"),
            ),
        }
        let login = self
            .settings
            .keychain
            .lookup(&self.registry, &self.repository)
            .await?;
        let missing = self.settings.keychain.missing_file_words();
        let missing = missing.map_or_else(String::new, |words| format!("; {words}"));
        // Of what kind, and no word of what it says: the report is pasted into tickets.
        probed.add(
            "login",
            if login.is_some() {
                Ability::Yes
            } else {
                Ability::No
            },
            match login {
                None => "none is stored for it",
                Some(Credential::Basic { .. }) => "a user name and password are stored for it",
                Some(Credential::IdentityToken(_)) => "an identity token is stored for it",
                Some(Credential::RegistryToken(_)) => "a registry token is stored for it",
            }
            .to_owned()
                + &missing,
        );
        // With what is stored as a login; an error here is what every other command would meet.
        let reply = self.ask(&Call::get(url, expect)).await?;
        if reply.status.as_u16() == 200 {
            probed.add("api-v2", Ability::Yes, "status 200");
            return Ok(None);
        }
        let error = self.status_error(&reply);
        if !named {
            return Err(error);
        }
        probed.add("api-v2", Ability::Unknown, error.to_string());
        Ok(Some(error))
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
                redirects: super::redirects::Redirects::Anywhere,
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
}

fn referrers_answer(reply: &Reply) -> (Ability, String) {
    let status = reply.status.as_u16();
    let kind = super::pull::media_type(&reply.headers).unwrap_or_else(|| "nothing".to_owned());
    match status {
        200 if super::pull::is_index(&kind) => (Ability::Yes, "200 with a list".to_owned()),
        200 => (
            Ability::No,
            format!("200 with `{}`", countersign_formats::clipped(&kind, 64)),
        ),
        other => (Ability::No, format!("status {other}")),
    }
}
