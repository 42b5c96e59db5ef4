//! The way down from an image to what refers to it, in every place and form.

use std::collections::BTreeSet;

use countersign_formats::{Descriptor, Digest, Limits, Manifest, media_types};
use countersign_registry::{ErrorClass, Resolved, Store, StoreError, fallback_tag};
use futures_util::{StreamExt as _, stream};
use tokio::runtime::Runtime;

use super::node::{Mark, Node};
use crate::arguments::Platforms;
use crate::failure::Failure;
use crate::{platforms, signing};

/// Legacy tags: what they end with, what their layers are, and whether those are signed.
const TAGS: [(&str, &str, Mark); 3] = [
    ("sig", "signature", Mark::Signed),
    ("att", "attestation", Mark::Signed),
    ("sbom", "SBOM", Mark::Unsigned),
];
/// Manifests of one list that are asked for at the same time.
const AT_ONCE: usize = 8;
/// Predicate type of a layer of a BuildKit attestation manifest.
const IN_TOTO_PREDICATE: &str = "in-toto.io/predicate-type";

/// A walk through the places.
pub(super) struct Walk<'a> {
    /// The image's own store first.
    stores: Vec<&'a dyn Store>,
    tag_prefixes: &'a [String],
    runtime: &'a Runtime,
    visited: BTreeSet<Digest>,
    complete: bool,
    /// What could not be asked; it hides nothing of the rest.
    troubles: Vec<Failure>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        others: &'a [Box<dyn Store>],
        tag_prefixes: &'a [String],
        runtime: &'a Runtime,
        image: Digest,
    ) -> Self {
        Self {
            stores: std::iter::once(store)
                .chain(others.iter().map(AsRef::as_ref))
                .collect(),
            tag_prefixes,
            runtime,
            visited: BTreeSet::from([image]),
            complete: true,
            troubles: Vec::new(),
        }
    }

    /// Whether everything was seen, and what could not be asked.
    pub(super) fn end(self) -> (bool, Vec<Failure>) {
        (self.complete, self.troubles)
    }

    /// Everything attached to `digest`, `depth` levels deep.
    pub(super) fn below(&mut self, digest: &Digest, depth: u8) -> Vec<Node> {
        let mut nodes = self.listed(digest, depth);
        let plain = fallback_tag(digest);
        for store in self.stores.clone() {
            for prefix in std::iter::once("").chain(self.tag_prefixes.iter().map(String::as_str)) {
                for (suffix, kind, mark) in TAGS {
                    let tag = format!("{prefix}{plain}.{suffix}");
                    nodes.extend(self.tagged(store, &tag, kind, mark));
                }
            }
        }
        nodes
    }

    /// The chosen platforms of an index with what is attached to each.
    pub(super) fn platforms(
        &mut self,
        image: &Resolved,
        flags: &Platforms,
        depth: u8,
    ) -> Result<Vec<Node>, Failure> {
        let Manifest::Index(index) = &image.manifest else {
            return Err(platforms::not_an_index(&image.descriptor));
        };
        let mut nodes = Vec::new();
        for entry in platforms::entries(index, flags)? {
            let name = platforms::name(entry).unwrap_or_else(|| "image".to_owned());
            let mut node = Node::of(entry, name, Mark::Image, "image index");
            if self.visited.insert(entry.digest) {
                node.inner = self.below(&entry.digest, depth);
            }
            nodes.push(node);
        }
        nodes.extend(self.within_index(&image.manifest));
        Ok(nodes)
    }

    /// The unsigned manifests that BuildKit puts inside an index, with the statements in them.
    pub(super) fn within_index(&mut self, manifest: &Manifest) -> Vec<Node> {
        let Manifest::Index(index) = manifest else {
            return Vec::new();
        };
        let attestations = index.manifests.iter().filter(|child| {
            child
                .annotations
                .get(media_types::ANNOTATION_BUILDKIT_TYPE)
                .is_some_and(|kind| kind == "attestation-manifest")
        });
        let mut nodes = Vec::new();
        for child in attestations {
            if self.is_full() || !self.visited.insert(child.digest) {
                continue;
            }
            let mut node = Node::of(child, "BuildKit attestation", Mark::Unsigned, "image index");
            match self.manifest(child, &self.stores.clone()) {
                Ok(resolved) => {
                    if let Manifest::Image(manifest) = &resolved.manifest {
                        node.inner = manifest.layers.iter().map(statement).collect();
                    }
                }
                Err(trouble) => spoil(&mut node, trouble),
            }
            nodes.push(node);
        }
        nodes
    }

    fn listed(&mut self, digest: &Digest, depth: u8) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (number, store) in self.stores.clone().into_iter().enumerate() {
            let listing = match self.runtime.block_on(store.referrers(digest)) {
                Ok(listing) => listing,
                Err(error) => {
                    self.fail(error);
                    continue;
                }
            };
            self.complete &= listing.complete;
            let via = signing::via(Some(listing.via));
            let mut fresh = Vec::new();
            for descriptor in listing.descriptors {
                // A cycle, or the same artifact listed twice, is shown once.
                if self.visited.contains(&descriptor.digest) {
                    continue;
                }
                if self.is_full() {
                    self.complete = false;
                    break;
                }
                self.visited.insert(descriptor.digest);
                fresh.push(descriptor);
            }
            let looked_at = stream::iter(&fresh)
                .map(|descriptor| store.manifest(descriptor))
                .buffered(AT_ONCE)
                .collect::<Vec<_>>();
            let looked_at = self.runtime.block_on(looked_at);
            for (descriptor, manifest) in fresh.into_iter().zip(looked_at) {
                let mut node = self.referrer(&descriptor, digest, via, manifest);
                if number > 0 {
                    node.place = Some(store.name());
                }
                if depth > 1 {
                    node.inner
                        .extend(self.listed(&descriptor.digest, depth - 1));
                }
                nodes.push(node);
            }
        }
        nodes
    }

    /// A listed referrer, as its manifest says; a list may say anything of it, and name what is not there or is about something else.
    fn referrer(
        &mut self,
        descriptor: &Descriptor,
        subject: &Digest,
        via: &str,
        manifest: Result<Resolved, StoreError>,
    ) -> Node {
        match manifest.map_err(|error| self.trouble(error)) {
            Ok(resolved) => {
                let artifact_type = match &resolved.manifest {
                    Manifest::Image(manifest) => manifest.effective_artifact_type().to_owned(),
                    Manifest::Index(index) => index.artifact_type.clone().unwrap_or_default(),
                };
                let annotations = resolved.manifest.annotations();
                let mut node = Node::referrer(descriptor, &artifact_type, annotations, via);
                if resolved.manifest.subject().map(|named| named.digest) != Some(*subject) {
                    spoil(&mut node, "it does not refer to this image".to_owned());
                }
                node
            }
            Err(trouble) => {
                let artifact_type = descriptor.artifact_type.as_deref().unwrap_or_default();
                let mut node =
                    Node::referrer(descriptor, artifact_type, &descriptor.annotations, via);
                spoil(&mut node, trouble);
                node
            }
        }
    }

    /// The layers under one of cosign's tags: `sha256-….sig`.
    fn tagged(
        &mut self,
        store: &'a dyn Store,
        tag: &str,
        kind: &'static str,
        mark: Mark,
    ) -> Option<Node> {
        let resolved = match self.runtime.block_on(store.tag(tag)) {
            Ok(found) => found?,
            Err(error) => {
                self.fail(error);
                return None;
            }
        };
        let home = self.stores.first().map(|home| home.name());
        let via = format!("tag {tag}");
        let mut node = Node::of(&resolved.descriptor, kind, mark, &via);
        node.place = Some(store.name()).filter(|name| Some(name) != home.as_ref());
        match &resolved.manifest {
            Manifest::Image(manifest) => {
                node.inner = manifest
                    .layers
                    .iter()
                    .map(|layer| Node {
                        predicate_type: layer.annotations.get("predicateType").cloned(),
                        ..Node::of(layer, kind, mark, "layer")
                    })
                    .collect();
            }
            Manifest::Index(_) => spoil(&mut node, "the tag holds an index".to_owned()),
        }
        Some(node)
    }

    /// A manifest of the first store that has it, or what is wrong with it.
    fn manifest(
        &mut self,
        descriptor: &Descriptor,
        stores: &[&'a dyn Store],
    ) -> Result<Resolved, String> {
        let mut first = None;
        for store in stores {
            match self.runtime.block_on(store.manifest(descriptor)) {
                Ok(resolved) => return Ok(resolved),
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            None => Err("no place has it".to_owned()),
            Some(error) => Err(self.trouble(error)),
        }
    }

    /// The words of an error. One artifact that is broken is its own trouble; a store that cannot be asked is everybody's.
    fn trouble(&mut self, error: StoreError) -> String {
        let words = error.to_string();
        if !matches!(
            error.class(),
            ErrorClass::NotFound | ErrorClass::Unreadable | ErrorClass::OverLimit
        ) {
            self.fail(error);
        }
        words
    }

    fn fail(&mut self, error: StoreError) {
        let failure = Failure::from(error);
        let known = |other: &Failure| other.message == failure.message;
        if !self.troubles.iter().any(known) {
            self.troubles.push(failure);
        }
    }

    fn is_full(&self) -> bool {
        self.visited.len() > Limits::DEFAULT.referrers
    }
}

fn spoil(node: &mut Node, trouble: String) {
    node.mark = Mark::Unreadable;
    node.trouble = Some(trouble);
}

fn statement(layer: &Descriptor) -> Node {
    Node {
        predicate_type: layer.annotations.get(IN_TOTO_PREDICATE).cloned(),
        ..Node::of(layer, "statement", Mark::Unsigned, "layer")
    }
}
