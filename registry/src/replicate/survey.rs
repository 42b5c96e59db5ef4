//! Finding everything that belongs to an image: platforms, referrers of referrers, evidence under tags.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_formats::{Descriptor, Digest, Limits, Manifest, media_types};
use futures_util::stream::{self, StreamExt as _};

use super::evidence_tag::EvidenceTags;
use super::{Choice, Piece, Role};
use crate::depot::Depot;
use crate::error::{Fault, StoreError};
use crate::store::{ListedVia, Resolved};

/// Questions at the same time.
const PARALLEL: usize = 8;

/// Of what the evidence is looked for.
#[derive(Debug, Clone)]
pub enum Extent {
    /// An image; of an index every manifest that it names.
    Whole(Resolved),
    /// Several images, each by itself.
    Images(Vec<Resolved>),
    /// An index as it is, and of the manifests that it names only some: it will name others that are not there.
    Sparse {
        /// The index.
        index: Resolved,
        /// The entries that come along.
        kept: BTreeSet<Digest>,
    },
}

/// What of an image is looked for.
#[derive(Clone, Default)]
pub enum Scope {
    /// All evidence, recursively.
    #[default]
    Everything,
    /// The evidence that is chosen, with what is attached to that.
    Chosen(Choice),
    /// No evidence.
    ImageAlone,
}

/// What belongs to an image, or to several.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The images, their children and their evidence: children before parents, evidence after what it is about.
    pub pieces: Vec<Piece>,
    /// Evidence that is listed and not there.
    pub dangling: Vec<Surveyed>,
    /// Evidence that was found and not chosen.
    pub passed_over: usize,
}

/// An entry of a list of referrers that leads to nothing usable.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The entry.
    pub entry: Descriptor,
    /// Whose list it is in.
    pub subject: Digest,
    /// What is wrong with it.
    pub why: String,
}

struct Found {
    piece: Piece,
    children: Vec<Resolved>,
    evidence: Vec<Piece>,
    dangling: Vec<Surveyed>,
    passed_over: usize,
}

/// Reads an image's manifests and all its evidence; nothing is written.
///
/// # Errors
/// Whatever cannot be read: a child that is missing, a listing that is cut at a cap or lies; more manifests, or deeper ones, than `limits` lets be
/// moved. An entry of a fallback index that leads to
/// nothing is no error; it stands in [`Survey::dangling`].
pub async fn survey(
    source: &dyn Depot,
    extent: Extent,
    scope: &Scope,
    limits: &Limits,
) -> Result<Survey, StoreError> {
    let tags = match scope {
        Scope::ImageAlone => None,
        _ => Some(EvidenceTags::of(source).await?),
    };
    let (roots, kept) = match extent {
        Extent::Whole(root) => (vec![root], None),
        Extent::Images(roots) => (roots, None),
        Extent::Sparse { index, kept } => (vec![index], Some(kept)),
    };
    let mut seen = BTreeSet::new();
    let mut survey = Survey {
        pieces: Vec::new(),
        dangling: Vec::new(),
        passed_over: 0,
    };
    let mut level = Vec::new();
    for resolved in roots {
        if seen.insert(resolved.descriptor.digest) {
            level.push(Piece {
                resolved,
                role: Role::Root,
            });
        }
    }
    // Levels go from parents to children; the order for writing is made at the end.
    let mut ordered: Vec<(Vec<Piece>, Vec<Piece>)> = Vec::new();
    for depth in 0.. {
        if level.is_empty() {
            break;
        }
        if depth >= limits.moved_depth {
            let what = "depth of evidence about evidence";
            return Err(over(source, what, limits.moved_depth));
        }
        let mut found = stream::iter(level)
            .map(|piece| look(source, piece, kept.as_ref(), scope, tags.as_ref()))
            .buffered(PARALLEL);
        let mut next = Vec::new();
        let (mut images, mut evidence) = (Vec::new(), Vec::new());
        while let Some(found) = found.next().await {
            let found = found?;
            source.renew();
            survey.dangling.extend(found.dangling);
            survey.passed_over += found.passed_over;
            let is_evidence = found.piece.role.subject().is_some();
            for child in found.children {
                if seen.insert(child.descriptor.digest) {
                    // What an index of evidence names belongs to that evidence.
                    next.push(Piece {
                        resolved: child,
                        role: Role::Child,
                    });
                }
            }
            for piece in found.evidence {
                if seen.insert(piece.resolved.descriptor.digest) {
                    next.push(piece);
                }
            }
            if is_evidence {
                evidence.push(found.piece);
            } else {
                images.push(found.piece);
            }
            // Counted as they come: a level of a thousand whose every one has a thousand would be held whole first.
            if seen.len() > limits.moved_manifests {
                let what = "number of manifests of one image";
                return Err(over(source, what, limits.moved_manifests));
            }
        }
        drop(found);
        ordered.push((images, evidence));
        level = next;
    }
    // The deepest children first, then what they are children of; evidence in the order in which it was found, each after its subject.
    let (images, evidence): (Vec<_>, Vec<_>) = ordered.into_iter().unzip();
    survey.pieces.extend(images.into_iter().rev().flatten());
    survey.pieces.extend(evidence.into_iter().flatten());
    Ok(survey)
}

/// One manifest's children and evidence.
async fn look(
    source: &dyn Depot,
    piece: Piece,
    kept: Option<&BTreeSet<Digest>>,
    scope: &Scope,
    tags: Option<&EvidenceTags>,
) -> Result<Found, StoreError> {
    let kept = kept.filter(|_| piece.role == Role::Root);
    let mut found = Found {
        children: children(source, &piece.resolved, kept).await?,
        evidence: Vec::new(),
        dangling: Vec::new(),
        passed_over: 0,
        piece,
    };
    let Some(tags) = tags else {
        return Ok(found);
    };
    let subject = found.piece.resolved.descriptor.digest;
    // What was chosen comes whole: its own evidence is not chosen among again.
    let choice = match scope {
        Scope::Chosen(choice) if found.piece.role.subject().is_none() => Some(Arc::clone(choice)),
        _ => None,
    };
    let mut evidence = referrers(source, &subject, tags, &mut found.dangling).await?;
    evidence.extend(tags.about(source, &subject).await?);
    for piece in evidence {
        if choice.as_ref().is_none_or(|choice| choice(&piece)) {
            found.evidence.push(piece);
        } else {
            found.passed_over += 1;
        }
    }
    Ok(found)
}

async fn children(
    source: &dyn Depot,
    parent: &Resolved,
    kept: Option<&BTreeSet<Digest>>,
) -> Result<Vec<Resolved>, StoreError> {
    let Manifest::Index(index) = &parent.manifest else {
        return Ok(Vec::new());
    };
    let entries: Vec<Descriptor> = index
        .manifests
        .iter()
        .filter(|entry| is_manifest(&entry.media_type))
        .filter(|entry| kept.is_none_or(|kept| kept.contains(&entry.digest)))
        .cloned()
        .collect();
    stream::iter(entries)
        .map(|entry| async move {
            let read = source.manifest(&entry).await;
            read.map_err(|error| {
                error.of_child(source.name(), parent.descriptor.digest, entry.digest)
            })
        })
        .buffered(PARALLEL)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect()
}

/// Whether an entry of an index is read as a manifest; anything else is a blob.
pub(super) fn is_manifest(media_type: &str) -> bool {
    matches!(
        media_type,
        media_types::OCI_MANIFEST
            | media_types::OCI_INDEX
            | media_types::DOCKER_MANIFEST
            | media_types::DOCKER_LIST
    )
}

async fn referrers(
    source: &dyn Depot,
    subject: &Digest,
    tags: &EvidenceTags,
    dangling: &mut Vec<Surveyed>,
) -> Result<Vec<Piece>, StoreError> {
    let listing = match source.referrers(subject).await {
        Ok(listing) => listing,
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut complete = listing.complete;
    let mut entries: Vec<(Descriptor, ListedVia)> = listing
        .descriptors
        .into_iter()
        .map(|entry| (entry, listing.via))
        .collect();
    // A registry that came to have the API may have older entries under the tag alone.
    if listing.via == ListedVia::Api
        && tags.has_fallback(subject)
        && let Some(fallback) = source.fallback(subject).await?
    {
        complete &= fallback.complete;
        let tagged = fallback.index.manifests.into_iter();
        entries.extend(tagged.map(|entry| (entry, ListedVia::FallbackTag)));
    }
    if !complete {
        return Err(over(
            source,
            "number of referrers of one manifest",
            entries.len(),
        ));
    }
    let mut known = BTreeSet::new();
    entries.retain(|(entry, _)| known.insert(entry.digest));
    let read: Vec<_> = stream::iter(entries)
        .map(|(entry, via)| async move {
            let read = source.manifest(&entry).await;
            (entry, via, read)
        })
        .buffered(PARALLEL)
        .collect()
        .await;
    let mut pieces = Vec::new();
    for (entry, via, read) in read {
        let mut drop = |why: String| {
            dangling.push(Surveyed {
                entry: entry.clone(),
                subject: *subject,
                why,
            });
        };
        match read {
            Ok(resolved) => match resolved.manifest.subject() {
                Some(about) if about.digest == *subject => pieces.push(Piece {
                    resolved,
                    role: Role::Referrer {
                        subject: *subject,
                        via,
                    },
                }),
                // The fallback tag is written by whoever may push; the API's list is the registry's own word.
                other if via == ListedVia::Api => {
                    let about =
                        other.map_or("nothing".to_owned(), |other| other.digest.to_string());
                    return Err(StoreError::response(
                        source.name(),
                        format!(
                            "`{}` is listed as a referrer of `{subject}` and refers to {about}",
                            entry.digest
                        ),
                    ));
                }
                _ => drop("it does not refer to what it is listed for".to_owned()),
            },
            Err(StoreError::NotFound { .. }) => drop("it is listed and not there".to_owned()),
            Err(error) => return Err(error),
        }
    }
    Ok(pieces)
}

fn over(source: &dyn Depot, what: &'static str, limit: usize) -> StoreError {
    StoreError::untrusted(
        source.name(),
        Fault::OverLimit {
            what,
            limit: limit as u64,
        },
    )
}
