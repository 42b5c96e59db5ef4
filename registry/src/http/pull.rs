//! Reading manifests, blobs and tags.

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, Manifest, media_types};
use countersign_proof::digest;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::body::Expect;
use super::call::{Call, Reply};
use super::redirects::Redirects;
use super::{Registry, link, origin};
use crate::error::{Fault, StoreError, Thing};
use crate::store::{Resolved, Target};

/// Some registries answer 404 to who does not say that it reads OCI manifests.
pub(super) const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

impl Registry {
    /// Reads a manifest. A digest is always asked for by digest; a tag is one request, and its digest is that of the bytes.
    pub(super) async fn pull_manifest(&self, target: &Target) -> Result<Resolved, StoreError> {
        let (reference, separator) = match target {
            Target::Tag(tag) => (tag.clone(), ':'),
            Target::Digest(digest) => (digest.to_string(), '@'),
            Target::Sole => {
                let detail = "a registry has no sole image; name a tag or a digest".to_owned();
                return Err(StoreError::Unsupported {
                    store: self.name.clone(),
                    detail,
                });
            }
        };
        let reply = self.ask(&self.manifest_call(&reference)?).await?;
        match reply.status.as_u16() {
            200 => self.read_manifest(&reply, target),
            404 => Err(StoreError::NotFound {
                thing: Thing::Image,
                name: format!("{}{separator}{reference}", self.name),
            }),
            _ => Err(self.unusable(&reply)),
        }
    }

    pub(super) fn manifest_call(&self, reference: &str) -> Result<Call<'_>, StoreError> {
        let cap = self.settings.limits.manifest_bytes;
        let url = self.url(&format!("manifests/{reference}"))?;
        Ok(Call {
            accept: Some(ACCEPT_MANIFESTS),
            ..Call::get(
                url,
                Expect::Document {
                    cap,
                    what: "manifest",
                },
            )
        })
    }

    pub(super) fn read_manifest(
        &self,
        reply: &Reply,
        target: &Target,
    ) -> Result<Resolved, StoreError> {
        let expected = if let Target::Digest(digest) = target {
            Some(digest)
        } else {
            None
        };
        let digest = match expected {
            Some(expected) => {
                let found = digest::of(expected.algorithm(), &reply.body);
                if found != *expected {
                    return Err(StoreError::untrusted(
                        &self.name,
                        Fault::DigestMismatch {
                            expected: *expected,
                            found,
                        },
                    ));
                }
                found
            }
            None => digest::sha256(&reply.body),
        };
        self.check_digest_header(&reply.headers, &reply.body)?;
        let manifest = Manifest::parse(
            &reply.body,
            content_type(&reply.headers).as_deref(),
            &self.settings.limits,
        )
        .map_err(|error| {
            StoreError::untrusted(
                &self.name,
                Fault::Malformed {
                    what: "manifest",
                    error: error.to_string(),
                },
            )
        })?;
        let descriptor = Descriptor::new(manifest.media_type(), digest, reply.body.len() as u64);
        Ok(Resolved {
            descriptor,
            bytes: reply.body.clone(),
            manifest,
        })
    }

    /// `Docker-Content-Digest` is a claim, and a claim that is wrong says that something between us and the registry is.
    fn check_digest_header(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), StoreError> {
        let Some(claimed) = claimed_digest(headers) else {
            return Ok(());
        };
        let found = digest::of(claimed.algorithm(), body);
        if found != claimed {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::DigestMismatch {
                    expected: claimed,
                    found,
                },
            ));
        }
        Ok(())
    }

    pub(super) async fn has_manifest(&self, digest: &Digest) -> Result<bool, StoreError> {
        let url = self.url(&format!("manifests/{digest}"))?;
        let reply = self
            .ask(&Call {
                accept: Some(ACCEPT_MANIFESTS),
                ..Call::head(url)
            })
            .await?;
        match reply.status.as_u16() {
            200 => match claimed_digest(&reply.headers) {
                Some(claimed)
                    if claimed.algorithm() == digest.algorithm() && claimed != *digest =>
                {
                    Err(StoreError::untrusted(
                        &self.name,
                        Fault::DigestMismatch {
                            expected: *digest,
                            found: claimed,
                        },
                    ))
                }
                _ => Ok(true),
            },
            404 => Ok(false),
            _ => Err(self.unusable(&reply)),
        }
    }

    /// Reads a blob of exactly the descriptor's size; it alone may come from another host. Its `urls` are never followed.
    pub(super) async fn pull_blob(
        &self,
        descriptor: &Descriptor,
        cap: u64,
    ) -> Result<Bytes, StoreError> {
        if descriptor.size > cap {
            return Err(StoreError::untrusted(
                &self.name,
                Fault::OverLimit {
                    what: "blob",
                    limit: cap,
                },
            ));
        }
        if let Some(data) = descriptor.data.as_ref().filter(|data| {
            data.len() as u64 == descriptor.size && digest::matches(&descriptor.digest, data)
        }) {
            return Ok(data.clone());
        }
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let call = Call {
            redirects: Redirects::Anywhere,
            ..Call::get(url, Expect::Blob(descriptor))
        };
        let reply = self.ask(&call).await?;
        match reply.status.as_u16() {
            200 => Ok(reply.body),
            // A storage host without the blob is a registry that points at nothing.
            404 if reply.at_home => Err(StoreError::NotFound {
                thing: Thing::Blob,
                name: format!("{}@{}", self.name, descriptor.digest),
            }),
            _ => Err(self.unusable(&reply)),
        }
    }

    pub(super) async fn finds_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        let url = self.url(&format!("blobs/{digest}"))?;
        let reply = self
            .ask(&Call {
                redirects: Redirects::Never,
                ..Call::head(url)
            })
            .await?;
        match reply.status.as_u16() {
            200 => Ok(true),
            // It is elsewhere. A signed URL for GET may not be good for HEAD, and asking is not worth it.
            302 | 303 | 307 | 308 => Ok(true),
            404 => Ok(false),
            _ => Err(self.unusable(&reply)),
        }
    }

    pub(super) async fn list_tags(&self) -> Result<Vec<String>, StoreError> {
        let limits = &self.settings.limits;
        let mut url = self.url("tags/list")?;
        let mut tags = Vec::new();
        for _ in 0..limits.listing_pages {
            let expect = Expect::Document {
                cap: limits.listing_page_bytes,
                what: "list of tags",
            };
            let reply = self
                .ask(&Call {
                    accept: Some("application/json"),
                    ..Call::get(url.clone(), expect)
                })
                .await?;
            match reply.status.as_u16() {
                200 => tags.extend(self.read_tags(&reply.body)?),
                404 => {
                    return Err(StoreError::NotFound {
                        thing: Thing::Repository,
                        name: self.name.clone(),
                    });
                }
                _ => return Err(self.unusable(&reply)),
            }
            match self.next_page(&url, &reply)? {
                Some(next) => url = next,
                None => return Ok(tags),
            }
        }
        Err(StoreError::untrusted(
            &self.name,
            Fault::OverLimit {
                what: "number of pages of tags",
                limit: limits.listing_pages as u64,
            },
        ))
    }

    fn read_tags(&self, body: &[u8]) -> Result<Vec<String>, StoreError> {
        tags_of(body).map_err(|error| {
            StoreError::untrusted(
                &self.name,
                Fault::Malformed {
                    what: "list of tags",
                    error,
                },
            )
        })
    }

    /// The next page of a list, which must be of the same registry: it gets our login.
    pub(super) fn next_page(
        &self,
        from: &reqwest::Url,
        reply: &Reply,
    ) -> Result<Option<reqwest::Url>, StoreError> {
        let Some(target) = link::next(&reply.headers) else {
            return Ok(None);
        };
        let refuse = |target: String, reason| {
            StoreError::untrusted(
                &self.name,
                Fault::Refused {
                    what: "page link",
                    target,
                    reason,
                },
            )
        };
        let next = from.join(&target).map_err(|_| {
            refuse(
                countersign_formats::clipped(&target, 256),
                "it is not a URL",
            )
        })?;
        if !origin::same(&next, &self.base)
            || !next.username().is_empty()
            || next.password().is_some()
        {
            return Err(refuse(origin::shown(&next), "it leaves the registry"));
        }
        Ok(Some(next))
    }

    /// The error of an answer that is neither "here" nor "there is none".
    pub(super) fn unusable(&self, reply: &Reply) -> StoreError {
        let status = reply.status.as_u16();
        match status {
            300..=399 => StoreError::response(
                &self.name,
                format!("a redirect (status {status}) that must not be followed"),
            ),
            200..=299 => {
                StoreError::response(&self.name, format!("status {status} where 200 was due"))
            }
            _ => self.status_error(reply),
        }
    }
}

/// The media type of an answer if it is one that says what a manifest is; `text/plain` or `application/json` say nothing.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    media_type(headers).filter(|name| name.starts_with("application/vnd."))
}

/// The media type of an answer in lower case, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let name = text.split(';').next().unwrap_or(text).trim();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// Whether a media type is that of an index.
pub(super) fn is_index(name: &str) -> bool {
    name == media_types::OCI_INDEX
}

fn claimed_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::parse(headers.get("docker-content-digest")?.to_str().ok()?).ok()
}

/// The names on a page of tags.
pub(crate) fn tags_of(body: &[u8]) -> Result<Vec<String>, String> {
    let page: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match page.get("tags") {
        // Some registries write null for none.
        None | Some(serde_json::Value::Null) => Ok(Vec::new()),
        Some(serde_json::Value::Array(tags)) => tags
            .iter()
            .map(|tag| {
                tag.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| "a tag that is no text".to_owned())
            })
            .collect(),
        Some(_) => Err("`tags` is not a list".to_owned()),
    }
}
