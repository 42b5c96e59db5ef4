//! `discover`: what is attached to an image, in every storage form, without verifying any of it.

use std::collections::BTreeSet;

use countersign_formats::{Descriptor, Digest, Limits, Manifest, media_types, predicate_types};
use countersign_registry::{Store, StoreError, fallback_tag};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Done;
use crate::arguments::{Discover, Layout};
use crate::context::Context;
use crate::escape::{self, field};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{images, signing, stores};

/// An artifact in the list; everything in it is unverified.
struct Node {
    digest: Digest,
    media_type: String,
    artifact_type: String,
    kind: &'static str,
    predicate_type: Option<String>,
    created: Option<String>,
    size: u64,
    via: String,
    /// Why the artifact itself could not be looked at.
    trouble: Option<String>,
    inner: Vec<Node>,
}

pub(crate) fn run(arguments: &Discover, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let reference = stores::reference(&arguments.image)?;
    let settings = stores::settings(context);
    let (store, target) = stores::open(&reference, &settings)?;
    let runtime = context.runtime()?;
    let progress = Progress::spinner("looking", context.terminal);
    let image = runtime.block_on(store.resolve(&target))?;
    let mut walk = Walk {
        store: store.as_ref(),
        runtime: &runtime,
        visited: BTreeSet::from([image.descriptor.digest]),
        complete: true,
    };
    let mut nodes = walk.below(&image.descriptor.digest, arguments.depth)?;
    nodes.extend(within_index(&image.manifest));
    let complete = walk.complete;
    drop(progress);
    let name = images::pinned(&reference, &image.descriptor.digest);
    match arguments.format {
        Layout::Tree => {
            context.printer.line(&field(&name));
            tree(context, &nodes, "");
        }
        Layout::Table => table(context, &nodes),
    }
    let total = count(&nodes);
    if !complete {
        context
            .printer
            .warn("the list was cut at a limit; there is more");
    }
    context.printer.say(&match total {
        0 => format!("nothing is attached to {}", field(&name)),
        1 => "1 artifact, not verified; `countersign verify` decides what it is worth".to_owned(),
        more => format!("{more} artifacts, none of them verified; `countersign verify` decides what they are worth"),
    });
    Ok(Done::pass(json!({
        "reference": escape::capped(&arguments.image, escape::FIELD_BYTES),
        "image": name,
        "digest": image.descriptor.digest.to_string(),
        "mediaType": image.descriptor.media_type,
        "verified": false,
        "complete": complete,
        "requests": store.requests(),
        "artifacts": nodes.iter().map(record).collect::<Vec<_>>(),
    })))
}

/// The way down from a digest to what refers to it.
struct Walk<'a> {
    store: &'a dyn Store,
    runtime: &'a Runtime,
    visited: BTreeSet<Digest>,
    complete: bool,
}

impl Walk<'_> {
    /// Everything attached to `digest`, `depth` levels deep.
    fn below(&mut self, digest: &Digest, depth: u8) -> Result<Vec<Node>, Failure> {
        let mut nodes = self.listed(digest, depth)?;
        for (suffix, kind) in [
            ("sig", "signature"),
            ("att", "attestation"),
            ("sbom", "SBOM (unsigned)"),
        ] {
            nodes.extend(self.tagged(digest, suffix, kind)?);
        }
        Ok(nodes)
    }

    fn listed(&mut self, digest: &Digest, depth: u8) -> Result<Vec<Node>, Failure> {
        let listing = self.runtime.block_on(self.store.referrers(digest))?;
        self.complete &= listing.complete;
        let via = signing::via(Some(listing.via));
        let mut nodes = Vec::new();
        for descriptor in listing.descriptors {
            // A cycle, or the same artifact listed twice, is shown once.
            if self.visited.len() >= Limits::DEFAULT.referrers
                || !self.visited.insert(descriptor.digest)
            {
                self.complete &= self.visited.contains(&descriptor.digest);
                continue;
            }
            let mut node = self.referrer(&descriptor, digest, via)?;
            if depth > 1 {
                node.inner
                    .extend(self.listed(&descriptor.digest, depth - 1)?);
            }
            nodes.push(node);
        }
        Ok(nodes)
    }

    /// A listed referrer; a listing that does not say what it is makes us look at the manifest.
    fn referrer(
        &self,
        descriptor: &Descriptor,
        subject: &Digest,
        via: &str,
    ) -> Result<Node, Failure> {
        let mut artifact_type = descriptor.artifact_type.clone().unwrap_or_default();
        let mut annotations = descriptor.annotations.clone();
        let mut trouble = None;
        if artifact_type.is_empty()
            || artifact_type == media_types::OCI_EMPTY
            || annotations.is_empty()
        {
            match self.runtime.block_on(self.store.manifest(descriptor)) {
                Ok(resolved) => {
                    if resolved.manifest.subject().map(|named| named.digest) != Some(*subject) {
                        trouble = Some("it does not refer to this image".to_owned());
                    }
                    artifact_type = match &resolved.manifest {
                        Manifest::Image(manifest) => manifest.effective_artifact_type().to_owned(),
                        Manifest::Index(index) => index.artifact_type.clone().unwrap_or_default(),
                    };
                    annotations = resolved.manifest.annotations().clone();
                }
                Err(error) => trouble = Some(tolerated(error)?),
            }
        }
        let predicate_type = annotations
            .get(media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE)
            .cloned();
        Ok(Node {
            digest: descriptor.digest,
            media_type: descriptor.media_type.clone(),
            kind: kind(&artifact_type, predicate_type.as_deref()),
            artifact_type,
            predicate_type,
            created: annotations.get(media_types::ANNOTATION_CREATED).cloned(),
            size: descriptor.size,
            via: via.to_owned(),
            trouble,
            inner: Vec::new(),
        })
    }

    /// The layers under one of cosign's tags: `sha256-….sig`.
    fn tagged(
        &self,
        digest: &Digest,
        suffix: &str,
        kind: &'static str,
    ) -> Result<Vec<Node>, Failure> {
        let tag = format!("{}.{suffix}", fallback_tag(digest));
        let Some(resolved) = self.runtime.block_on(self.store.tag(&tag))? else {
            return Ok(Vec::new());
        };
        let layers = match &resolved.manifest {
            Manifest::Image(manifest) => manifest.layers.as_slice(),
            Manifest::Index(_) => &[],
        };
        let inner = layers
            .iter()
            .map(|layer| Node {
                digest: layer.digest,
                media_type: layer.media_type.clone(),
                artifact_type: String::new(),
                kind,
                predicate_type: layer.annotations.get("predicateType").cloned(),
                created: None,
                size: layer.size,
                via: "layer".to_owned(),
                trouble: None,
                inner: Vec::new(),
            })
            .collect();
        Ok(vec![Node {
            digest: resolved.descriptor.digest,
            media_type: resolved.descriptor.media_type.clone(),
            artifact_type: String::new(),
            kind,
            predicate_type: None,
            created: None,
            size: resolved.descriptor.size,
            via: format!("tag {tag}"),
            trouble: None,
            inner,
        }])
    }
}

/// One artifact that is broken does not hide the others; a store that cannot be asked does.
fn tolerated(error: StoreError) -> Result<String, Failure> {
    use countersign_registry::ErrorClass;
    match error.class() {
        ErrorClass::NotFound | ErrorClass::Unreadable | ErrorClass::OverLimit => {
            Ok(error.to_string())
        }
        _ => Err(error.into()),
    }
}

/// The unsigned manifests that BuildKit puts inside an index.
fn within_index(manifest: &Manifest) -> Vec<Node> {
    let Manifest::Index(index) = manifest else {
        return Vec::new();
    };
    index
        .manifests
        .iter()
        .filter(|child| {
            child
                .annotations
                .get(media_types::ANNOTATION_BUILDKIT_TYPE)
                .is_some_and(|kind| kind == "attestation-manifest")
        })
        .map(|child| Node {
            digest: child.digest,
            media_type: child.media_type.clone(),
            artifact_type: String::new(),
            kind: "BuildKit attestation (unsigned)",
            predicate_type: None,
            created: None,
            size: child.size,
            via: "image index".to_owned(),
            trouble: None,
            inner: Vec::new(),
        })
        .collect()
}

/// What an artifact says it is, in a word.
fn kind(artifact_type: &str, predicate_type: Option<&str>) -> &'static str {
    if artifact_type.starts_with(media_types::BUNDLE_PREFIX) {
        return match predicate_type {
            Some(found) if found == predicate_types::COSIGN_SIGN => "signature",
            Some(_) => "attestation",
            None => "bundle",
        };
    }
    match artifact_type {
        media_types::COSIGN_SIGNATURE_ARTIFACT => "signature",
        media_types::NOTATION_SIGNATURE => "notation signature",
        media_types::COSIGN_SBOM_ARTIFACT => "SBOM (unsigned)",
        media_types::IN_TOTO_PAYLOAD | media_types::DSSE_ENVELOPE => "attestation",
        _ => "artifact",
    }
}

fn tree(context: &mut Context<'_, '_>, nodes: &[Node], indent: &str) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let (branch, below) = if last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        context
            .printer
            .line(&format!("{indent}{branch}{}", words(node)));
        tree(context, &node.inner, &format!("{indent}{below}"));
    }
}

fn words(node: &Node) -> String {
    let mut line = format!("{} {}", node.kind, node.digest);
    match (&node.predicate_type, node.kind) {
        (Some(predicate), kind) if kind != "signature" => {
            line.push_str(&format!(" {}", field(predicate)))
        }
        (None, "artifact") => line.push_str(&format!(" {}", field(&node.artifact_type))),
        _ => {}
    }
    if let Some(created) = &node.created {
        line.push_str(&format!(", {}", field(created)));
    }
    if node.via.starts_with("tag ") {
        line.push_str(&format!(", {}", field(&node.via)));
    }
    line.push_str(" [not verified]");
    if let Some(trouble) = &node.trouble {
        line.push_str(&format!(" [{}]", field(trouble)));
    }
    line
}

fn table(context: &mut Context<'_, '_>, nodes: &[Node]) {
    let mut rows = vec![["KIND", "DIGEST", "TYPE", "SIZE", "VIA"].map(str::to_owned)];
    collect(nodes, &mut rows);
    let mut widths = [0_usize; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let line: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        context.printer.line(line.join("  ").trim_end());
    }
}

fn collect(nodes: &[Node], rows: &mut Vec<[String; 5]>) {
    for node in nodes {
        let what = node
            .predicate_type
            .as_deref()
            .unwrap_or(if node.artifact_type.is_empty() {
                &node.media_type
            } else {
                &node.artifact_type
            });
        rows.push([
            node.kind.to_owned(),
            node.digest.to_string(),
            field(what),
            node.size.to_string(),
            field(&node.via),
        ]);
        collect(&node.inner, rows);
    }
}

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + count(&node.inner)).sum()
}

fn record(node: &Node) -> Value {
    let capped = |text: &str| escape::capped(text, escape::FIELD_BYTES);
    json!({
        "digest": node.digest.to_string(),
        "mediaType": capped(&node.media_type),
        "artifactType": capped(&node.artifact_type),
        "kind": node.kind,
        "predicateType": node.predicate_type.as_deref().map(capped),
        "created": node.created.as_deref().map(capped),
        "size": node.size,
        "via": node.via,
        "verified": false,
        "trouble": node.trouble.as_deref().map(capped),
        "artifacts": node.inner.iter().map(record).collect::<Vec<_>>(),
    })
}
