//! What a piece of evidence says it is, without believing it.

use countersign_formats::{Manifest, PredicateType, media_types, predicate_types};
use countersign_registry::replicate::{Choice, Piece, Role};
use std::sync::Arc;

use crate::failure::Failure;

/// What evidence says it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Signature,
    Attestation,
    /// A bundle that does not say what it holds.
    Bundle,
    Sbom,
    Notation,
    Other,
}

impl Kind {
    /// The word for people and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Attestation => "attestation",
            Self::Bundle => "bundle",
            Self::Sbom => "sbom",
            Self::Notation => "notation",
            Self::Other => "artifact",
        }
    }
}

/// What a manifest of evidence says it is, and the predicate types that it names.
pub(crate) fn unverified_kind(piece: &Piece) -> (Kind, Vec<String>) {
    let image = match &piece.resolved.manifest {
        Manifest::Image(image) => image,
        Manifest::Index(_) => return (Kind::Other, Vec::new()),
    };
    let layers = image
        .layers
        .iter()
        .filter_map(|layer| layer.annotations.get("predicateType").cloned());
    if let Role::Tagged { tag, .. } = &piece.role {
        let kind = match tag.rsplit('.').next() {
            Some("sig") => Kind::Signature,
            Some("att") => Kind::Attestation,
            _ => Kind::Sbom,
        };
        return (kind, layers.collect());
    }
    let artifact_type = image.effective_artifact_type();
    if artifact_type.starts_with(media_types::BUNDLE_PREFIX)
        || image
            .layers
            .iter()
            .any(|layer| layer.media_type.starts_with(media_types::BUNDLE_PREFIX))
    {
        let predicate = image
            .annotations
            .get(media_types::ANNOTATION_BUNDLE_PREDICATE_TYPE);
        return match predicate {
            Some(found) if found == predicate_types::COSIGN_SIGN => {
                (Kind::Signature, vec![found.clone()])
            }
            Some(found) => (Kind::Attestation, vec![found.clone()]),
            None => (Kind::Bundle, Vec::new()),
        };
    }
    let kind = match artifact_type {
        media_types::COSIGN_SIGNATURE_ARTIFACT => Kind::Signature,
        media_types::NOTATION_SIGNATURE => Kind::Notation,
        media_types::COSIGN_SBOM_ARTIFACT => Kind::Sbom,
        media_types::IN_TOTO_PAYLOAD | media_types::DSSE_ENVELOPE => Kind::Attestation,
        other if is_sbom(other) => Kind::Sbom,
        _ => Kind::Other,
    };
    (kind, layers.collect())
}

/// The artifact type of a piece, empty for an index without one.
pub(crate) fn artifact_type(piece: &Piece) -> &str {
    piece.resolved.manifest.artifact_type().unwrap_or_default()
}

/// Media types of bills of materials that tools attach without a signature.
pub(crate) fn is_sbom(media_type: &str) -> bool {
    media_type.starts_with("text/spdx")
        || media_type.starts_with("application/spdx")
        || media_type.starts_with("application/vnd.cyclonedx")
        || media_type.starts_with("application/vnd.syft")
}

/// What a flag such as `--only` chooses.
enum Chosen {
    Kind(Kind),
    Predicate(PredicateType),
    Artifact(String),
}

/// What becomes of a bundle that does not say what it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unsaid {
    /// It may be what is wanted.
    Taken,
    /// It is left alone.
    Left,
}

/// The choice that the values of `flag` amount to.
pub(crate) fn choice(flag: &str, values: &[String], unsaid: Unsaid) -> Result<Choice, Failure> {
    let mut chosen = Vec::new();
    for value in values {
        match value.as_str() {
            "signature" => chosen.push(Chosen::Kind(Kind::Signature)),
            "attestation" => chosen.push(Chosen::Kind(Kind::Attestation)),
            "sbom" => chosen.push(Chosen::Kind(Kind::Sbom)),
            "notation" => chosen.push(Chosen::Kind(Kind::Notation)),
            other if other.starts_with("application/") || other.starts_with("text/") => {
                chosen.push(Chosen::Artifact(other.to_owned()));
            }
            other => {
                let predicate = predicate_types::resolve(other).map_err(|error| {
                    Failure::usage(error.code(), format!("{flag}: {error}")).hint(
                        "write signature, attestation, sbom, notation, an alias such as spdxjson, a predicate type or an artifact type",
                    )
                })?;
                chosen.push(Chosen::Predicate(predicate));
            }
        }
    }
    Ok(Arc::new(move |piece: &Piece| {
        let (kind, predicates) = unverified_kind(piece);
        chosen.iter().any(|chosen| match chosen {
            Chosen::Kind(Kind::Signature | Kind::Attestation) | Chosen::Predicate(_)
                if kind == Kind::Bundle =>
            {
                unsaid == Unsaid::Taken
            }
            Chosen::Kind(wanted) => *wanted == kind,
            Chosen::Predicate(wanted) => predicates.iter().any(|found| wanted.accepts(found)),
            Chosen::Artifact(wanted) => artifact_type(piece) == wanted,
        })
    }))
}
