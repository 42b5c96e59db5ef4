//! An artifact in the list; everything in it is unverified.

use std::collections::BTreeMap;

use countersign_formats::{Descriptor, Digest, media_types, predicate_types};
use serde_json::{Value, json};

use crate::{escape, evidence_kind};

/// What an artifact is by its form, which says nothing of its worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mark {
    /// Its form carries a signature.
    Signed,
    /// Its form carries none.
    Unsigned,
    /// It could not be looked at.
    Unreadable,
    /// It is a part of the image itself.
    Image,
}

pub(super) struct Node {
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) artifact_type: String,
    pub(super) kind: String,
    pub(super) predicate_type: Option<String>,
    pub(super) created: Option<String>,
    pub(super) size: u64,
    pub(super) via: String,
    /// The place that it lies in, when that is not beside the image.
    pub(super) place: Option<String>,
    pub(super) mark: Mark,
    /// What is wrong with it.
    pub(super) trouble: Option<String>,
    pub(super) inner: Vec<Node>,
}

impl Mark {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Unsigned => "unsigned",
            Self::Unreadable => "unreadable",
            Self::Image => "image",
        }
    }
}

impl Node {
    /// A node of which only the descriptor is known.
    pub(super) fn of(
        descriptor: &Descriptor,
        kind: impl Into<String>,
        mark: Mark,
        via: &str,
    ) -> Self {
        Self {
            digest: descriptor.digest,
            media_type: descriptor.media_type.clone(),
            artifact_type: descriptor.artifact_type.clone().unwrap_or_default(),
            kind: kind.into(),
            predicate_type: None,
            created: None,
            size: descriptor.size,
            via: via.to_owned(),
            place: None,
            mark,
            trouble: None,
            inner: Vec::new(),
        }
    }

    /// A referrer, by its artifact type and annotations.
    pub(super) fn referrer(
        descriptor: &Descriptor,
        artifact_type: &str,
        annotations: &BTreeMap<String, String>,
        via: &str,
    ) -> Self {
        let predicate_type = annotations
            .get(media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE)
            .cloned();
        let (kind, mark) = kind(artifact_type, predicate_type.as_deref());
        Self {
            artifact_type: artifact_type.to_owned(),
            predicate_type,
            created: annotations.get(media_types::ANNOTATION_CREATED).cloned(),
            ..Self::of(descriptor, kind, mark, via)
        }
    }

    pub(super) fn record(&self) -> Value {
        let capped = |text: &str| escape::capped(text, escape::FIELD_BYTES);
        json!({
            "digest": self.digest.to_string(),
            "mediaType": capped(&self.media_type),
            "artifactType": capped(&self.artifact_type),
            "kind": capped(&self.kind),
            "predicateType": self.predicate_type.as_deref().map(capped),
            "created": self.created.as_deref().map(capped),
            "size": self.size,
            "via": capped(&self.via),
            "place": self.place.as_deref().map(capped),
            "mark": self.mark.code(),
            "verified": false,
            "trouble": self.trouble.as_deref().map(capped),
            "artifacts": self.inner.iter().map(Node::record).collect::<Vec<_>>(),
        })
    }
}

/// Artifacts, those below them included; the images of an index are none.
pub(super) fn count(nodes: &[Node]) -> usize {
    nodes
        .iter()
        .map(|node| usize::from(node.mark != Mark::Image) + count(&node.inner))
        .sum()
}

/// What an artifact says it is, in a word, and whether that form is signed.
fn kind(artifact_type: &str, predicate_type: Option<&str>) -> (&'static str, Mark) {
    if artifact_type.starts_with(media_types::BUNDLE_PREFIX) {
        let kind = match predicate_type {
            Some(found) if found == predicate_types::COSIGN_SIGN => "signature",
            Some(_) => "attestation",
            None => "bundle",
        };
        return (kind, Mark::Signed);
    }
    match artifact_type {
        media_types::COSIGN_SIGNATURE_ARTIFACT => ("signature", Mark::Signed),
        media_types::NOTATION_SIGNATURE => ("notation signature", Mark::Signed),
        media_types::IN_TOTO_PAYLOAD | media_types::DSSE_ENVELOPE => ("attestation", Mark::Signed),
        media_types::COSIGN_SBOM_ARTIFACT => ("SBOM", Mark::Unsigned),
        other if evidence_kind::is_sbom(other) => ("SBOM", Mark::Unsigned),
        _ => ("artifact", Mark::Unsigned),
    }
}
