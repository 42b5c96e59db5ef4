//! Mending the list of referrers under a fallback tag: what it names is read, and each entry is made to say what its manifest says.

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::{Descriptor, Digest, ImageIndex};
use futures_util::stream::{self, StreamExt as _};

use crate::depot::Depot;
use crate::error::{ErrorClass, StoreError};
use crate::layout::referrer_descriptor;
use crate::referrer::fallback_tag;
use crate::store::{ListedVia, Target};

/// Tags whose manifests are looked into for lost referrers.
const TAGS: usize = 2_000;
/// Questions at the same time.
const PARALLEL: usize = 8;

/// How a list is mended.
#[derive(Debug, Clone, Default)]
pub struct Mending {
    /// Digests of manifests that may be lost referrers.
    pub known: Vec<Digest>,
    /// Whether entries that lead to nothing are taken out.
    pub drop_dangling: bool,
    /// Whether everything is looked at and nothing written.
    pub dry_run: bool,
}

/// What was wrong with a list of referrers.
#[derive(Debug, Clone, Default)]
pub struct Mended {
    /// Whether there is a fallback index at all.
    pub present: bool,
    /// Entries before.
    pub before: usize,
    /// Entries that said something else than their manifest, and what.
    pub corrected: Vec<(Digest, Vec<&'static str>)>,
    /// Referrers that were not listed, and where they were found.
    pub restored: Vec<(Digest, &'static str)>,
    /// Entries whose manifest is not there.
    pub dangling: Vec<Digest>,
    /// Entries whose manifest refers to something else.
    pub strangers: Vec<Digest>,
    /// Entries that were there more than once.
    pub duplicates: usize,
    /// Known digests that lead to nothing, or to something that is no referrer.
    pub unknown: Vec<(Digest, &'static str)>,
    /// Whether every tag of the repository was looked at.
    pub tags_complete: bool,
    /// Whether the index was written.
    pub written: bool,
}

impl Mended {
    /// Whether something was, or is to be, changed.
    #[must_use]
    pub fn is_damaged(&self, mending: &Mending) -> bool {
        let gone = self.dangling.len() + self.strangers.len();
        !self.corrected.is_empty()
            || !self.restored.is_empty()
            || self.duplicates > 0
            || (mending.drop_dangling && gone > 0)
    }
}

/// Mends the list of referrers of `subject` under its fallback tag, as far as what was lost can still be found: by the referrers API, by
/// tags, and by digests that somebody knows.
///
/// # Errors
/// Whatever the store answers; a tag that holds something else than a list is never overwritten.
pub async fn mend(
    depot: &dyn Depot,
    subject: &Digest,
    mending: &Mending,
) -> Result<Mended, StoreError> {
    let mut mended = Mended::default();
    let index = match depot.fallback(subject).await? {
        Some(fallback) if !fallback.complete => {
            return Err(StoreError::response(
                depot.name(),
                format!(
                    "the list under `{}` is too long to be read whole",
                    fallback_tag(subject)
                ),
            ));
        }
        Some(fallback) => {
            mended.present = true;
            fallback.index
        }
        None => ImageIndex::default(),
    };
    mended.before = index.manifests.len();
    let mut right: BTreeMap<Digest, Descriptor> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in &index.manifests {
        if !seen.insert(entry.digest) {
            mended.duplicates += 1;
            continue;
        }
        match look(depot, &entry.digest, subject).await? {
            Look::Referrer(descriptor) => {
                let wrong = differences(entry, &descriptor);
                if !wrong.is_empty() {
                    mended.corrected.push((entry.digest, wrong));
                }
                right.insert(entry.digest, *descriptor);
            }
            Look::Absent => mended.dangling.push(entry.digest),
            Look::Stranger => mended.strangers.push(entry.digest),
        }
        depot.renew();
    }
    for (digest, origin) in candidates(depot, subject, mending, &mut mended).await? {
        if !seen.insert(digest) {
            continue;
        }
        match (look(depot, &digest, subject).await?, origin) {
            (Look::Referrer(descriptor), _) => {
                right.insert(digest, *descriptor);
                mended.restored.push((digest, origin));
            }
            (Look::Absent, KNOWN) => mended.unknown.push((digest, "it is not there")),
            (Look::Stranger, KNOWN) => {
                mended
                    .unknown
                    .push((digest, "it does not refer to this image"));
            }
            _ => {}
        }
        depot.renew();
    }
    if mending.dry_run || !mended.is_damaged(mending) {
        return Ok(mended);
    }
    let gone: BTreeSet<Digest> = if mending.drop_dangling {
        mended
            .dangling
            .iter()
            .chain(&mended.strangers)
            .copied()
            .collect()
    } else {
        BTreeSet::new()
    };
    let restored: BTreeSet<Digest> = mended.restored.iter().map(|(digest, _)| *digest).collect();
    let edit = |index: &mut ImageIndex| rewrite(index, &right, &gone, &restored);
    depot.edit_fallback(subject, &edit).await?;
    mended.written = true;
    Ok(mended)
}

/// Where a digest that the user knows is said to come from.
const KNOWN: &str = "a digest that was given";

enum Look {
    Referrer(Box<Descriptor>),
    Absent,
    Stranger,
}

async fn look(depot: &dyn Depot, digest: &Digest, subject: &Digest) -> Result<Look, StoreError> {
    match depot.resolve(&Target::Digest(*digest)).await {
        Ok(resolved) => Ok(match resolved.manifest.subject() {
            Some(about) if about.digest == *subject => {
                Look::Referrer(Box::new(referrer_descriptor(&resolved)))
            }
            _ => Look::Stranger,
        }),
        Err(StoreError::NotFound { .. }) => Ok(Look::Absent),
        Err(error) => Err(error),
    }
}

/// Manifests that may be referrers and need not be listed.
async fn candidates(
    depot: &dyn Depot,
    subject: &Digest,
    mending: &Mending,
    mended: &mut Mended,
) -> Result<Vec<(Digest, &'static str)>, StoreError> {
    let mut found: Vec<(Digest, &'static str)> = mending
        .known
        .iter()
        .map(|digest| (*digest, KNOWN))
        .collect();
    let listing = depot.referrers(subject).await?;
    // Without a list under the tag there is nothing to mend for those who read the API.
    if listing.via == ListedVia::Api && mended.present {
        let listed = listing.descriptors.into_iter();
        found.extend(listed.map(|entry| (entry.digest, "the referrers API")));
    }
    let tags = match depot.tags().await {
        Ok(tags) => tags,
        Err(error) => match error.class() {
            ErrorClass::Network | ErrorClass::Offline | ErrorClass::Local => return Err(error),
            // Who may not list the tags mends what else can be seen.
            _ => return Ok(found),
        },
    };
    mended.tags_complete = tags.len() <= TAGS;
    let tagged: Vec<Result<Option<Digest>, StoreError>> = stream::iter(tags.into_iter().take(TAGS))
        .map(|tag| async move {
            let resolved = match depot.tag(&tag).await {
                Ok(resolved) => resolved,
                // What cannot be read as a manifest is no referrer.
                Err(StoreError::Untrusted { .. }) => None,
                Err(error) => return Err(error),
            };
            depot.renew();
            Ok(resolved
                .filter(|resolved| {
                    let about = resolved.manifest.subject();
                    about.is_some_and(|about| about.digest == *subject)
                })
                .map(|resolved| resolved.descriptor.digest))
        })
        .buffered(PARALLEL)
        .collect()
        .await;
    for digest in tagged {
        found.extend(digest?.map(|digest| (digest, "a tag of its own")));
    }
    Ok(found)
}

/// Which members of an entry say something else than the manifest does.
fn differences(entry: &Descriptor, right: &Descriptor) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if entry.media_type != right.media_type {
        wrong.push("mediaType");
    }
    if entry.size != right.size {
        wrong.push("size");
    }
    if entry.artifact_type != right.artifact_type {
        wrong.push("artifactType");
    }
    if entry.annotations != right.annotations {
        wrong.push("annotations");
    }
    wrong
}

/// Brings an index into order; entries that came in the meantime stay as they are.
fn rewrite(
    index: &mut ImageIndex,
    right: &BTreeMap<Digest, Descriptor>,
    gone: &BTreeSet<Digest>,
    restored: &BTreeSet<Digest>,
) -> bool {
    let mut seen = BTreeSet::new();
    let before = index.manifests.len();
    index
        .manifests
        .retain(|entry| !gone.contains(&entry.digest) && seen.insert(entry.digest));
    let mut changed = index.manifests.len() != before;
    for entry in &mut index.manifests {
        if let Some(descriptor) = right.get(&entry.digest)
            && !differences(entry, descriptor).is_empty()
        {
            *entry = descriptor.clone();
            changed = true;
        }
    }
    for digest in restored.difference(&seen) {
        if let Some(descriptor) = right.get(digest) {
            index.manifests.push(descriptor.clone());
            changed = true;
        }
    }
    changed
}
