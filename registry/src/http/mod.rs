//! A repository of a registry, by the distribution specification over HTTP.

mod admission;
mod again;
pub(crate) mod auth;
mod body;
mod budget;
mod call;
pub(crate) mod challenge;
pub(crate) mod failure;
mod guard;
mod identity;
pub(crate) mod link;
mod listing;
mod login;
mod mirror;
mod named_certificate;
mod origin;
mod pace;
mod probe;
mod proxy;
pub(crate) mod pull;
mod push;
mod redirects;
mod referrers;
mod sessions;
mod tag;
mod transfer;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, RegistryReference};
use reqwest::Url;

use crate::error::StoreError;
use crate::settings::Settings;
use crate::store::{BoxFuture, Listing, Pushed, Resolved, Store, TagChange, Target};
use transport::Transport;

pub use budget::Budget;
pub use identity::ClientIdentity;
pub use login::LoginTried;
pub use mirror::{Mirror, MirrorError};
pub use probe::{Ability, Finding, Probed};
pub use sessions::Sessions;

/// A repository of a registry.
#[derive(Debug)]
pub struct Registry {
    /// `ghcr.io/acme/app`, also where a mirror is asked in its place.
    name: String,
    /// `ghcr.io`, or the mirror's host, by which logins are kept.
    registry: String,
    /// `acme/app`.
    repository: String,
    /// `https://ghcr.io/v2/acme/app/`.
    base: Url,
    /// Scheme, host and port, by which sessions are kept.
    base_authority: String,
    settings: Settings,
    budget: Arc<Budget>,
    requests: AtomicU64,
}

impl Registry {
    /// Prepares to speak to the registry of a reference; nothing is sent yet.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when its name cannot be made into a URL, or the environment names a proxy that is none.
    pub fn open(reference: &RegistryReference, settings: &Settings) -> Result<Self, StoreError> {
        let name = reference.name();
        let (registry, repository) = mirror::place_of(reference, &settings.mirrors);
        let (host, hub) = match registry.as_str() {
            "docker.io" => ("registry-1.docker.io", true),
            other => (other, false),
        };
        // Plain http is the user's word, never a second try.
        let scheme = if settings.allow_http && !hub {
            "http"
        } else {
            "https"
        };
        let text = format!("{scheme}://{host}/v2/{repository}/");
        let unusable = || StoreError::Unsupported {
            store: name.clone(),
            detail: "its name cannot be made into a URL".to_owned(),
        };
        let base = Url::parse(&text).map_err(|_| unusable())?;
        // What the URL parser reads must be what the reference says: else the login for one host would go to another.
        let path = format!("/v2/{repository}/");
        if base.path() != path
            || !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(unusable());
        }
        if !settings.offline {
            proxy::check(scheme == "https")?;
        }
        let base_authority = format!("{scheme}://{}", origin::authority(&base));
        Ok(Self {
            name,
            registry,
            repository,
            base,
            base_authority,
            settings: settings.clone(),
            budget: settings
                .shared_deadline
                .clone()
                .unwrap_or_else(|| Arc::new(Budget::new(settings.deadline))),
            requests: AtomicU64::new(0),
        })
    }

    fn transport(&self) -> Transport<'_> {
        Transport {
            settings: &self.settings,
            sessions: &self.settings.sessions,
            requests: &self.requests,
            store: &self.name,
            registry: &self.base,
        }
    }

    /// A URL below the repository's, such as `manifests/1.4`.
    fn url(&self, below: &str) -> Result<Url, StoreError> {
        let url = self.base.join(below).map_err(|_| {
            StoreError::response(&self.name, "a name that cannot be made into a URL")
        })?;
        if !url.path().starts_with(self.base.path()) || !origin::same(&url, &self.base) {
            return Err(StoreError::response(
                &self.name,
                "a name that leads out of the repository",
            ));
        }
        Ok(url)
    }
}

impl Store for Registry {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(self.pull_manifest(target))
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.has_manifest(digest))
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move {
            match self.pull_manifest(&Target::Tag(tag.to_owned())).await {
                Ok(resolved) => Ok(Some(resolved)),
                Err(StoreError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(self.listed_manifest(descriptor))
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(self.cached_blob(descriptor, cap))
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(self.list_referrers(digest))
    }

    fn push_blob<'a>(
        &'a self,
        bytes: Bytes,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.upload_blob(bytes, digest))
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.finds_blob(digest))
    }

    fn push_manifest<'a>(
        &'a self,
        bytes: Bytes,
        media_type: &'a str,
        tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(self.upload_manifest(bytes, media_type, tag))
    }

    fn update_tag<'a>(
        &'a self,
        tag: &'a str,
        change: &'a TagChange<'a>,
    ) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(self.settle_tag(tag, change))
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(self.list_tags())
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use countersign_formats::{Descriptor, Reference};
    use countersign_proof::digest;
    use reqwest::Url;
    use reqwest::header::HeaderValue;

    use super::Registry;
    use super::body::Expect;
    use super::transport::Outgoing;
    use crate::settings::Settings;
    use crate::store::Store;

    fn registry(reference: &str, settings: &Settings) -> Registry {
        let Reference::Registry(reference) = Reference::parse(reference).unwrap() else {
            panic!("{reference}")
        };
        Registry::open(&reference, settings).unwrap()
    }

    #[test]
    fn only_the_users_word_makes_it_plain_http() {
        let open = Settings {
            allow_http: true,
            ..Settings::default()
        };
        for (reference, strict, allowed) in [
            (
                "ghcr.io/acme/app",
                "https://ghcr.io/v2/acme/app/",
                "http://ghcr.io/v2/acme/app/",
            ),
            (
                "127.0.0.1:5000/a/b",
                "https://127.0.0.1:5000/v2/a/b/",
                "http://127.0.0.1:5000/v2/a/b/",
            ),
            (
                "localhost:5000/a/b",
                "https://localhost:5000/v2/a/b/",
                "http://localhost:5000/v2/a/b/",
            ),
            (
                "debian",
                "https://registry-1.docker.io/v2/library/debian/",
                "https://registry-1.docker.io/v2/library/debian/",
            ),
        ] {
            assert_eq!(
                registry(reference, &Settings::default()).base.as_str(),
                strict
            );
            assert_eq!(registry(reference, &open).base.as_str(), allowed);
        }
        assert_eq!(registry("debian", &open).registry, "docker.io");
    }

    #[test]
    fn nothing_leads_from_https_to_http() {
        let registry = registry("ghcr.io/acme/app", &Settings::default());
        let target = |location: &'static str| {
            let location = HeaderValue::from_static(location);
            registry
                .target(&registry.base, &location, "redirect")
                .map(|url| url.to_string())
        };
        assert_eq!(target("/x").unwrap(), "https://ghcr.io/x");
        assert_eq!(
            target("//other.example/x").unwrap(),
            "https://other.example/x"
        );
        for refused in [
            "http://ghcr.io/x",
            "http://other.example/",
            "file:///etc/passwd",
            "http://[",
        ] {
            assert_eq!(
                target(refused).unwrap_err().code(),
                "target-refused",
                "{refused}"
            );
        }
    }

    /// N-22: in a service, a registry must not point at what only the service can reach.
    #[test]
    fn a_guarded_client_refuses_internal_targets_of_a_public_registry() {
        let guarded = Settings {
            guard_addresses: true,
            ..Settings::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let registry = registry("reg.example.test/acme/app", &guarded);
        for target in [
            "https://127.0.0.1:1/",
            "https://169.254.169.254/latest",
            "https://[::1]:1/",
            "https://2130706433:1/",
            "https://localhost:1/",
        ] {
            let outgoing = Outgoing {
                method: reqwest::Method::GET,
                url: Url::parse(target).unwrap(),
                headers: Vec::new(),
                body: None,
            };
            let error = runtime
                .block_on(registry.transport().exchange(&outgoing, Expect::Nothing))
                .unwrap_err();
            assert_eq!(error.code(), "target-refused", "{target}");
        }
        assert_eq!(registry.requests(), 0);
    }

    #[test]
    fn names_do_not_lead_out_of_the_repository() {
        let registry = registry("ghcr.io/acme/app", &Settings::default());
        assert!(registry.url("manifests/1.0").is_ok());
        for escaping in [
            "../../other/manifests/1",
            "//evil.test/",
            "https://evil.test/",
            "/v2/",
        ] {
            assert!(registry.url(escaping).is_err(), "{escaping}");
        }
        let blob = Descriptor::new("text/plain", digest::sha256(b"x"), 1);
        assert!(registry.url(&format!("blobs/{}", blob.digest)).is_ok());
    }
}
