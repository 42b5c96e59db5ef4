//! Pulling, pushing and deleting manifests.

use std::{collections::HashSet, io};

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, HashAlgorithm, Manifest};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    blocking::blocking,
    body::{Body, Payload, empty, full},
    conditions::{Conditions, entity_tag},
    digesting,
    index::Entry,
    names,
    refusal::{Code, Refusal},
    route::{Query, Reference},
    service::{CONTENT_DIGEST, Service},
    store::Locked,
};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// Tags that one PUT may set.
const TAGS: usize = 100;

struct Found {
    digest: Digest,
    media_type: String,
    bytes: Bytes,
}

struct Stored {
    digest: Digest,
    subject: Option<Digest>,
}

impl Service {
    pub(crate) async fn get_manifest(
        &self,
        name: &str,
        reference: Reference,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        let layout = self.existing(name).await?;
        let limits = self.limits().clone();
        let found = blocking(move || {
            let storage = |error: io::Error| Refusal::io("cannot read a manifest", &error);
            let index = layout.index().map_err(storage)?;
            let (digest, entry) = match reference {
                Reference::Digest(digest) => (digest, index.find(&digest)),
                Reference::Tag(tag) => {
                    let entry = index.tagged(&tag).ok_or_else(|| unknown(&tag))?;
                    (entry.digest, Some(entry))
                }
            };
            let bytes = layout
                .manifest(&digest, limits.manifest_bytes)
                .map_err(storage)?;
            let bytes = bytes.ok_or_else(|| unknown(&digest))?;
            let listed = entry.map(|entry| entry.media_type);
            let media_type = match (Manifest::parse(&bytes, listed.as_deref(), &limits), listed) {
                (Ok(manifest), _) => manifest.media_type().to_owned(),
                // Listed as a manifest, of a kind that is only kept here.
                (Err(_), Some(listed)) => listed,
                // A layer is not a manifest, although manifests are blobs.
                (Err(_), None) => return Err(unknown(&digest)),
            };
            Ok(Found {
                digest,
                media_type,
                bytes,
            })
        })
        .await?;
        let text = found.digest.to_string();
        let mut response = Response::new(empty());
        let head = response.headers_mut();
        head.insert(header::ETAG, entity_tag(&text));
        head.insert(CONTENT_DIGEST, value(&text));
        if Conditions::of(headers).is_fresh(&text) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        if !accepts(headers, &found.media_type) {
            return Err(Refusal::new(
                StatusCode::NOT_ACCEPTABLE,
                Code::ManifestUnknown,
                format!(
                    "manifest is `{}`, which `Accept` does not list",
                    found.media_type
                ),
            ));
        }
        head.insert(header::CONTENT_TYPE, value(&found.media_type));
        head.insert(header::CONTENT_LENGTH, HeaderValue::from(found.bytes.len()));
        if method != Method::HEAD {
            *response.body_mut() = full(found.bytes);
        }
        Ok(response)
    }

    pub(crate) async fn put_manifest(
        &self,
        name: &str,
        reference: Reference,
        query: &Query,
        headers: &HeaderMap,
        payload: &mut Payload,
    ) -> Result<Response<Body>, Refusal> {
        let layout = self.layout_for_push(name)?;
        let content_type = media_type(headers)?;
        let asked: Vec<String> = query.all("tag").map(str::to_owned).collect();
        if asked.len() > TAGS {
            return Err(Refusal::new(
                StatusCode::URI_TOO_LONG,
                Code::TagInvalid,
                format!("more than {TAGS} tags at once"),
            ));
        }
        if let Some(bad) = asked.iter().find(|tag| !names::is_tag(tag)) {
            return Err(Refusal::bad(
                Code::TagInvalid,
                format!("`{bad}` is not a tag"),
            ));
        }
        let mut tags = asked.clone();
        if let Reference::Tag(tag) = &reference {
            tags.push(tag.clone());
        }
        let bytes = payload.whole(self.options().caps.manifest_bytes).await?;
        let conditions = Conditions::of(headers);
        let (known, limits) = (self.known(), self.limits().clone());
        let stored = blocking(move || {
            let storage = |error: io::Error| Refusal::io("cannot store a manifest", &error);
            let digest = match &reference {
                Reference::Tag(_) => digesting::of(HashAlgorithm::Sha256, &bytes),
                Reference::Digest(digest) => {
                    let found = digesting::of(digest.algorithm(), &bytes);
                    if found != *digest {
                        return Err(Refusal::bad(
                            Code::DigestInvalid,
                            format!("manifest has digest `{found}`"),
                        ));
                    }
                    found
                }
            };
            let manifest = Manifest::parse(&bytes, content_type.as_deref(), &limits)
                .map_err(|error| Refusal::bad(Code::ManifestInvalid, error.to_string()))?;
            layout.create().map_err(storage)?;
            let mut locked = layout.lock().map_err(storage)?;
            let current = match &reference {
                Reference::Tag(tag) => locked.index.tagged(tag).map(|entry| entry.digest),
                Reference::Digest(digest) => locked.index.find(digest).map(|entry| entry.digest),
            };
            conditions.judge(current.map(|digest| digest.to_string()).as_deref())?;
            require_content(&locked, &manifest)?;
            locked.write_blob(&bytes, &digest).map_err(storage)?;
            let entry = Entry {
                digest,
                media_type: manifest.media_type().to_owned(),
                size: bytes.len() as u64,
                tag: None,
            };
            let subject = manifest.subject().map(|subject| subject.digest);
            locked.index.add(&entry, &tags, subject.is_some());
            if let Manifest::Index(index) = &manifest {
                let mut children = HashSet::new();
                for child in &index.manifests {
                    // A referrer stays listed by itself.
                    let facts = known.of(&layout, &child.digest, &limits).map_err(storage)?;
                    if child.digest != digest && facts.is_some_and(|facts| facts.subject.is_none())
                    {
                        children.insert(child.digest.to_string());
                    }
                }
                locked.index.absorb(&children);
            }
            locked.commit().map_err(storage)?.ok_or_else(full_index)?;
            Ok(Stored { digest, subject })
        })
        .await?;
        let mut response = Response::new(empty());
        *response.status_mut() = StatusCode::CREATED;
        let digest = stored.digest.to_string();
        let head = response.headers_mut();
        head.insert(
            header::LOCATION,
            value(&format!("/v2/{name}/manifests/{digest}")),
        );
        head.insert(CONTENT_DIGEST, value(&digest));
        head.insert(header::ETAG, entity_tag(&digest));
        head.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        if let Some(subject) = stored.subject {
            head.insert(SUBJECT, value(&subject.to_string()));
        }
        for tag in asked {
            head.append(TAG, value(&tag));
        }
        Ok(response)
    }

    pub(crate) async fn delete_manifest(
        &self,
        name: &str,
        reference: Reference,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        self.may_delete()?;
        let layout = self.existing(name).await?;
        let conditions = Conditions::of(headers);
        let limits = self.limits().clone();
        blocking(move || {
            let storage = |error: io::Error| Refusal::io("cannot delete a manifest", &error);
            let mut locked = layout.lock().map_err(storage)?;
            match reference {
                Reference::Tag(tag) => {
                    let current = locked.index.tagged(&tag).ok_or_else(|| unknown(&tag))?;
                    conditions.judge(Some(&current.digest.to_string()))?;
                    locked.index.untag(&tag);
                    locked.commit().map_err(storage)?.ok_or_else(full_index)
                }
                Reference::Digest(digest) => {
                    let listed = locked.index.remove(&digest);
                    // A child of an index is listed through it only.
                    let is_manifest = listed
                        || layout
                            .manifest(&digest, limits.manifest_bytes)
                            .map_err(storage)?
                            .is_some_and(|bytes| Manifest::parse(&bytes, None, &limits).is_ok());
                    if !is_manifest {
                        return Err(unknown(&digest));
                    }
                    conditions.judge(Some(&digest.to_string()))?;
                    if listed {
                        locked.commit().map_err(storage)?.ok_or_else(full_index)?;
                    }
                    // After the index, so that no entry ever names what is gone.
                    locked.remove_blob(&digest).map_err(storage)?;
                    Ok(())
                }
            }
        })
        .await?;
        let mut response = Response::new(empty());
        *response.status_mut() = StatusCode::ACCEPTED;
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        Ok(response)
    }
}

/// Everything that a manifest names must be here, except its subject and what is fetched elsewhere by design.
fn require_content(locked: &Locked<'_>, manifest: &Manifest) -> Result<(), Refusal> {
    match manifest {
        Manifest::Image(image) => {
            let kept = image.layers.iter().filter(|layer| !is_foreign(layer));
            std::iter::once(&image.config)
                .chain(kept)
                .try_for_each(|descriptor| require(locked, descriptor))
        }
        Manifest::Index(index) => index
            .manifests
            .iter()
            .try_for_each(|descriptor| require(locked, descriptor)),
    }
}

fn require(locked: &Locked<'_>, descriptor: &Descriptor) -> Result<(), Refusal> {
    let size = locked
        .has_blob(&descriptor.digest)
        .map_err(|error| Refusal::io("cannot look for a blob", &error))?;
    match size {
        Some(size) if size == descriptor.size => Ok(()),
        Some(size) => Err(Refusal::bad(
            Code::ManifestInvalid,
            format!(
                "manifest says that `{}` has {} bytes, it has {size}",
                descriptor.digest, descriptor.size
            ),
        )),
        None => Err(Refusal::bad(
            Code::ManifestBlobUnknown,
            format!(
                "manifest names `{}`, which is not in this repository",
                descriptor.digest
            ),
        )),
    }
}

fn is_foreign(layer: &Descriptor) -> bool {
    layer.has_urls
        || layer.media_type.contains(".nondistributable.")
        || layer.media_type.contains(".foreign.")
}

fn media_type(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(text) = headers.get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let text = text
        .to_str()
        .map_err(|_| Refusal::bad(Code::ManifestInvalid, "`Content-Type` is not readable"))?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    Ok((!essence.is_empty()).then(|| essence.to_owned()))
}

/// Without `Accept` everything is accepted (RFC 9110 §12.5.1).
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut listed = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let range = range.split(';').next().unwrap_or_default().trim();
            listed |= !range.is_empty();
            let wild = range.strip_suffix("/*").is_some_and(|kind| {
                kind == "*"
                    || media_type
                        .split('/')
                        .next()
                        .is_some_and(|own| own.eq_ignore_ascii_case(kind))
            });
            if wild || range.eq_ignore_ascii_case(media_type) {
                return true;
            }
        }
    }
    !listed
}

fn unknown(reference: &impl std::fmt::Display) -> Refusal {
    Refusal::absent(
        Code::ManifestUnknown,
        format!("manifest `{reference}` is not in this repository"),
    )
}

fn full_index() -> Refusal {
    Refusal::new(
        StatusCode::INSUFFICIENT_STORAGE,
        Code::Denied,
        "repository holds as many manifests as its index can list",
    )
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::accepts;

    #[test]
    fn accept_is_a_list_of_ranges() {
        let accepted = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, text.parse().unwrap());
            accepts(&headers, "application/vnd.oci.image.index.v1+json")
        };
        assert!(accepted(
            "text/html, application/vnd.oci.image.index.v1+json;q=0.5"
        ));
        assert!(accepted("*/*"));
        assert!(accepted("application/*"));
        assert!(!accepted("text/*"));
        assert!(!accepted("application/vnd.oci.image.manifest.v1+json"));
        assert!(accepts(&HeaderMap::new(), "x/y"));
    }
}
