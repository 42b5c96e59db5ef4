//! A store in memory that holds one image's digest and one piece of evidence: what is to be stored is judged as a reader would find it.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_formats::{Descriptor, Digest, ImageManifest, Manifest, media_types};
use countersign_proof::digest;
use countersign_registry::{
    BoxFuture, ListedVia, Listing, Pushed, Resolved, Store, StoreError, Target, fallback_tag,
};

/// The store.
#[derive(Clone)]
pub(crate) struct Staged {
    image: Resolved,
    blobs: BTreeMap<Digest, Bytes>,
    referrer: Option<Resolved>,
    tagged: Option<(String, Resolved)>,
}

impl Staged {
    /// A store with the image alone.
    pub(crate) fn new(image: Resolved) -> Self {
        Self {
            image,
            blobs: BTreeMap::new(),
            referrer: None,
            tagged: None,
        }
    }

    /// The same with a bundle that refers to the image.
    pub(crate) fn with_bundle(mut self, bytes: Bytes) -> Self {
        let layer = self.keep(media_types::BUNDLE_V03, bytes, BTreeMap::new());
        let image = &self.image.descriptor;
        let subject = Descriptor::new(image.media_type.clone(), image.digest, image.size);
        let manifest = self.made(vec![layer], Some(subject), media_types::OCI_EMPTY);
        self.referrer = Some(manifest);
        self
    }

    /// The same with a layer under the image's tag with `suffix`: `.sig`, `.att`.
    pub(crate) fn with_layer(
        mut self,
        suffix: &str,
        media_type: &str,
        bytes: Bytes,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let layer = self.keep(media_type, bytes, annotations);
        let manifest = self.made(vec![layer], None, media_types::OCI_CONFIG);
        let tag = format!("{}{suffix}", fallback_tag(&self.image.descriptor.digest));
        self.tagged = Some((tag, manifest));
        self
    }

    /// The tag and the manifest under it.
    pub(crate) fn tagged(&self) -> Option<&(String, Resolved)> {
        self.tagged.as_ref()
    }

    /// Every blob that the evidence names.
    pub(crate) fn blobs(&self) -> &BTreeMap<Digest, Bytes> {
        &self.blobs
    }

    fn keep(
        &mut self,
        media_type: &str,
        bytes: Bytes,
        annotations: BTreeMap<String, String>,
    ) -> Descriptor {
        let mut descriptor =
            Descriptor::new(media_type, digest::sha256(&bytes), bytes.len() as u64);
        descriptor.annotations = annotations;
        self.blobs.insert(descriptor.digest, bytes);
        descriptor
    }

    fn made(
        &mut self,
        layers: Vec<Descriptor>,
        subject: Option<Descriptor>,
        config_type: &str,
    ) -> Resolved {
        let config = if config_type == media_types::OCI_EMPTY {
            Bytes::from_static(media_types::EMPTY_JSON)
        } else {
            config_of(&layers)
        };
        let config = self.keep(config_type, config, BTreeMap::new());
        let manifest = ImageManifest {
            media_type: media_types::OCI_MANIFEST.to_owned(),
            artifact_type: subject
                .is_some()
                .then(|| media_types::BUNDLE_V03.to_owned()),
            config,
            layers,
            subject,
            annotations: BTreeMap::new(),
        };
        let bytes = Bytes::from(manifest.to_json());
        Resolved {
            descriptor: Descriptor::new(
                media_types::OCI_MANIFEST,
                digest::sha256(&bytes),
                bytes.len() as u64,
            ),
            bytes,
            manifest: Manifest::Image(manifest),
        }
    }

    fn absent<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::NotFound {
            thing: countersign_registry::Thing::Image,
            name: self.name(),
        })
    }

    fn read_only<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unsupported {
            store: self.name(),
            detail: "what is staged is not changed".to_owned(),
        })
    }
}

/// The configuration of an image with these layers and nothing to run.
fn config_of(layers: &[Descriptor]) -> Bytes {
    let ids: Vec<String> = layers
        .iter()
        .map(|layer| layer.digest.to_string())
        .collect();
    serde_json::json!({
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": ids},
        "config": {},
    })
    .to_string()
    .into()
}

impl Store for Staged {
    fn name(&self) -> String {
        "what is to be attached".to_owned()
    }

    fn resolve<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Resolved, StoreError>> {
        Box::pin(async move {
            let tagged = self.tagged.as_ref().map(|(_, tagged)| tagged);
            let found = [Some(&self.image), self.referrer.as_ref(), tagged];
            let found = found.into_iter().flatten().find(|resolved| {
                matches!(target, Target::Digest(digest) if *digest == resolved.descriptor.digest)
            });
            match found {
                Some(found) => Ok(found.clone()),
                None => self.absent(),
            }
        })
    }

    fn exists<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        let here = self.image.descriptor.digest == *digest;
        Box::pin(async move { Ok(here) })
    }

    fn tag<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Resolved>, StoreError>> {
        let found = self.tagged.as_ref().filter(|(name, _)| name == tag);
        let found = found.map(|(_, resolved)| resolved.clone());
        Box::pin(async move { Ok(found) })
    }

    fn blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        _cap: u64,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            match self.blobs.get(&descriptor.digest) {
                Some(bytes) => Ok(bytes.clone()),
                None => self.absent(),
            }
        })
    }

    fn referrers<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Listing, StoreError>> {
        let here = self.image.descriptor.digest == *digest;
        let listed = self.referrer.as_ref().filter(|_| here).map(|referrer| {
            let mut descriptor = referrer.descriptor.clone();
            descriptor.artifact_type = Some(media_types::BUNDLE_V03.to_owned());
            descriptor
        });
        Box::pin(async move {
            Ok(Listing {
                descriptors: listed.into_iter().collect(),
                complete: true,
                via: ListedVia::Layout,
            })
        })
    }

    fn push_blob<'a>(
        &'a self,
        _bytes: Bytes,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { self.read_only() })
    }

    fn has_blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<bool, StoreError>> {
        let here = self.blobs.contains_key(digest);
        Box::pin(async move { Ok(here) })
    }

    fn push_manifest<'a>(
        &'a self,
        _bytes: Bytes,
        _media_type: &'a str,
        _tag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Pushed, StoreError>> {
        Box::pin(async { self.read_only() })
    }

    fn tags<'a>(&'a self) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        let tags = self.tagged.iter().map(|(tag, _)| tag.clone()).collect();
        Box::pin(async move { Ok(tags) })
    }

    fn requests(&self) -> u64 {
        0
    }
}
