//! A store in memory whose answers can be bent, and that counts what it is asked.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use countersign::formats::{Descriptor, Digest, Limits, Manifest, media_types};
use countersign::proof::digest::sha256;
use countersign::registry::{
    BoxFuture, Fault, ListedVia, Listing, Outage, Pushed, Resolved, Store, StoreError, Target,
    Thing, fallback_tag,
};
use serde_json::{Value, json};

pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[derive(Clone)]
pub(crate) enum Trouble {
    Down,
    Login,
    WrongDigest,
    Slow,
}

/// A repository in memory.
pub(crate) struct Shelf {
    pub(crate) image: Digest,
    manifests: BTreeMap<Digest, Bytes>,
    blobs: BTreeMap<Digest, Bytes>,
    tags: BTreeMap<String, Digest>,
    pub(crate) listing: Vec<Descriptor>,
    pub(crate) complete: bool,
    pub(crate) via: ListedVia,
    /// What is in trouble: `referrers`, `tag`, or a digest.
    pub(crate) troubles: BTreeMap<String, Trouble>,
    log: Mutex<Vec<String>>,
}

impl Shelf {
    /// A shelf with one image under the tag `1.4`.
    pub(crate) fn new() -> Self {
        let mut shelf = Self {
            image: sha256(b""),
            manifests: BTreeMap::new(),
            blobs: BTreeMap::new(),
            tags: BTreeMap::new(),
            listing: Vec::new(),
            complete: true,
            via: ListedVia::Api,
            troubles: BTreeMap::new(),
            log: Mutex::new(Vec::new()),
        };
        let config = shelf.put_blob(b"{\"architecture\":\"amd64\"}");
        let image = json!({
            "schemaVersion": 2,
            "mediaType": media_types::OCI_MANIFEST,
            "config": {"mediaType": media_types::OCI_CONFIG, "digest": config.to_string(), "size": 24},
            "layers": [],
        });
        shelf.image = shelf.put_manifest(&image).digest;
        shelf.tags.insert("1.4".to_owned(), shelf.image);
        shelf
    }

    pub(crate) fn put_blob(&mut self, bytes: &[u8]) -> Digest {
        let digest = sha256(bytes);
        self.blobs.insert(digest, Bytes::copy_from_slice(bytes));
        digest
    }

    pub(crate) fn put_manifest(&mut self, manifest: &Value) -> Descriptor {
        let bytes = Bytes::from(manifest.to_string());
        let descriptor = Descriptor::new(
            media_types::OCI_MANIFEST,
            sha256(&bytes),
            bytes.len() as u64,
        );
        self.manifests.insert(descriptor.digest, bytes);
        descriptor
    }

    /// A manifest with these layers that refers to `subject`.
    pub(crate) fn referring(
        &mut self,
        subject: &Digest,
        artifact_type: &str,
        layers: &[(&str, &[u8], Value)],
    ) -> Descriptor {
        let empty = self.put_blob(b"{}");
        let layers: Vec<Value> = layers
            .iter()
            .map(|(media_type, bytes, annotations)| {
                let digest = self.put_blob(bytes);
                json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len(), "annotations": annotations})
            })
            .collect();
        let mut descriptor = self.put_manifest(&json!({
            "schemaVersion": 2,
            "mediaType": media_types::OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": {"mediaType": media_types::OCI_EMPTY, "digest": empty.to_string(), "size": 2},
            "layers": layers,
            "subject": {"mediaType": media_types::OCI_MANIFEST, "digest": subject.to_string(), "size": 1},
        }));
        descriptor.artifact_type = Some(artifact_type.to_owned());
        descriptor
    }

    /// Lists a bundle as a referrer of the image; `hint` is what the listing says about its predicate.
    pub(crate) fn attach(&mut self, bundle: &str, hint: Option<&str>) -> Descriptor {
        let image = self.image;
        let mut descriptor =
            self.referring(&image, BUNDLE, &[(BUNDLE, bundle.as_bytes(), json!({}))]);
        if let Some(hint) = hint {
            descriptor.annotations.insert(
                "dev.sigstore.bundle.predicateType".to_owned(),
                hint.to_owned(),
            );
        }
        self.listing.push(descriptor.clone());
        descriptor
    }

    /// Puts layers under a legacy tag of the image.
    pub(crate) fn legacy(&mut self, suffix: &str, layers: &[(&str, &[u8], Value)]) {
        self.legacy_under("", suffix, layers);
    }

    /// Puts layers under a legacy tag of the image whose name begins with `prefix`.
    pub(crate) fn legacy_under(
        &mut self,
        prefix: &str,
        suffix: &str,
        layers: &[(&str, &[u8], Value)],
    ) {
        let image = self.image;
        let descriptor = self.referring(&image, "", layers);
        let mut manifest: Value =
            serde_json::from_slice(&self.manifests[&descriptor.digest]).unwrap();
        for member in ["subject", "artifactType"] {
            manifest.as_object_mut().unwrap().remove(member);
        }
        manifest["config"]["mediaType"] = json!(media_types::OCI_CONFIG);
        let descriptor = self.put_manifest(&manifest);
        self.tags.insert(
            format!("{prefix}{}{suffix}", fallback_tag(&image)),
            descriptor.digest,
        );
    }

    /// Puts a manifest under a tag of the image: `.sig`.
    pub(crate) fn tag_as(&mut self, suffix: &str, manifest: &Value) {
        let descriptor = self.put_manifest(manifest);
        let tag = format!("{}{suffix}", fallback_tag(&self.image));
        self.tags.insert(tag, descriptor.digest);
    }

    /// Lists bytes that are no manifest as a referrer of the image.
    pub(crate) fn attach_garbage(&mut self, bytes: &[u8]) {
        let digest = sha256(bytes);
        self.manifests.insert(digest, Bytes::copy_from_slice(bytes));
        let descriptor = Descriptor::new(media_types::OCI_MANIFEST, digest, bytes.len() as u64);
        self.listing.push(descriptor);
    }

    pub(crate) fn remove_image(&mut self) {
        self.manifests.remove(&self.image);
        self.tags.remove("1.4");
    }

    /// What was asked, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    async fn trouble(&self, what: &str) -> Result<(), StoreError> {
        match self.troubles.get(what) {
            None => Ok(()),
            Some(Trouble::Down) => Err(StoreError::Unavailable {
                registry: "shelf".to_owned(),
                outage: Outage::Connection {
                    detail: "refused".to_owned(),
                    temporary: true,
                },
            }),
            Some(Trouble::Login) => Err(StoreError::Authentication {
                registry: "shelf".to_owned(),
                detail: "401".to_owned(),
                had_login: false,
            }),
            Some(Trouble::WrongDigest) => Err(StoreError::Untrusted {
                store: "shelf".to_owned(),
                fault: Fault::DigestMismatch {
                    expected: sha256(b"a"),
                    found: sha256(b"b"),
                }
                .into(),
            }),
            Some(Trouble::Slow) => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(())
            }
        }
    }

    fn read(&self, digest: &Digest) -> Result<Resolved, StoreError> {
        let bytes = self
            .manifests
            .get(digest)
            .cloned()
            .ok_or_else(|| absent(&digest.to_string()))?;
        let manifest = Manifest::parse(&bytes, None, &Limits::DEFAULT).map_err(|error| {
            StoreError::Untrusted {
                store: "shelf".to_owned(),
                fault: Fault::Malformed {
                    what: "manifest",
                    error: error.to_string(),
                }
                .into(),
            }
        })?;
        let descriptor = Descriptor::new(manifest.media_type(), *digest, bytes.len() as u64);
        Ok(Resolved {
            descriptor,
            bytes,
            manifest,
        })
    }
}

fn absent(name: &str) -> StoreError {
    StoreError::NotFound {
        thing: Thing::Image,
        name: format!("shelf@{name}"),
    }
}

fn unused<T>() -> BoxFuture<'static, Result<T, StoreError>> {
    Box::pin(async {
        Err(StoreError::Unsupported {
            store: "shelf".to_owned(),
            detail: "only read".to_owned(),
        })
    })
}

impl Store for Shelf {
    fn name(&self) -> String {
        "shelf".to_owned()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            match target {
                Target::Digest(digest) => {
                    self.note("manifest".to_owned());
                    self.trouble(&digest.to_string()).await?;
                    self.read(digest)
                }
                Target::Tag(tag) => {
                    self.note(format!("resolve {tag}"));
                    self.trouble("resolve").await?;
                    self.read(self.tags.get(tag).ok_or_else(|| absent(tag))?)
                }
                Target::Sole => self.read(&self.image),
            }
        })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.note("exists".to_owned());
            self.trouble("exists").await?;
            Ok(self.manifests.contains_key(digest))
        })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        Box::pin(async move {
            let suffixed = format!("tag .{}", tag.rsplit('.').next().unwrap_or_default());
            self.note(suffixed.clone());
            self.trouble("tag").await?;
            self.trouble(&suffixed).await?;
            self.tags
                .get(tag)
                .map(|digest| self.read(digest))
                .transpose()
        })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            self.note("blob".to_owned());
            self.trouble(&descriptor.digest.to_string()).await?;
            let bytes = self
                .blobs
                .get(&descriptor.digest)
                .cloned()
                .ok_or_else(|| absent("blob"))?;
            if bytes.len() as u64 > cap {
                return Err(StoreError::Untrusted {
                    store: "shelf".to_owned(),
                    fault: Box::new(Fault::OverLimit {
                        what: "blob",
                        limit: cap,
                    }),
                });
            }
            Ok(bytes)
        })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        Box::pin(async move {
            self.note("referrers".to_owned());
            self.trouble("referrers").await?;
            let descriptors = if *digest == self.image {
                self.listing.clone()
            } else {
                Vec::new()
            };
            Ok(Listing {
                descriptors,
                complete: self.complete,
                via: self.via,
            })
        })
    }

    fn push_blob<'a>(&'a self, _: Bytes, _: &'a Digest) -> BoxFuture<'a, Result<(), StoreError>> {
        unused()
    }

    fn has_blob<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        unused()
    }

    fn push_manifest<'a>(
        &'a self,
        _: Bytes,
        _: &'a str,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        unused()
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        unused()
    }

    fn requests(&self) -> u64 {
        self.log.lock().unwrap().len() as u64
    }
}
