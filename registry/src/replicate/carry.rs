//! Writing what a survey found: blobs in parallel, then manifests, then lists, then tags.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_formats::{Descriptor, Digest, Manifest};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use super::survey::is_manifest;
use super::tagging::{TaggedAs, tag_evidence};
use super::{Piece, Role, Step, Survey, Watch};
use crate::depot::{Depot, SMALL_BLOB, Taken};
use crate::error::{Fault, Outage, StoreError};
use crate::store::Resolved;

/// Times that the carrying of one blob is tried.
const ATTEMPTS: u32 = 3;
/// Small blobs that go in the place of a large one: theirs are round trips, not bytes.
const SMALL_ABREAST: usize = 4;
/// Blobs at the same time at most.
const MOST_ABREAST: usize = 32;
/// The wait before the second attempt; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// How a move is made.
#[derive(Clone)]
pub struct Moving {
    /// The tag that the image gets at its destination; of several images none gets one.
    pub tag: Option<String>,
    /// The repository of the same registry from which blobs can be mounted.
    pub mount: Option<String>,
    /// Blobs, then manifests of platforms, at the same time; unless it is 1, of blobs to 1 MiB four times as many, up to 32.
    pub parallel: usize,
    /// The largest blob that is moved, in bytes.
    pub blob_bytes: u64,
    /// Told how far it is.
    pub watch: Option<Watch>,
}

/// What a move did.
#[derive(Debug, Clone, Default)]
pub struct Replicated {
    /// Blobs that were there already.
    pub present: usize,
    /// Blobs that the registry made known without a byte moving.
    pub mounted: usize,
    /// Blobs whose bytes were carried.
    pub carried: usize,
    /// Bytes carried.
    pub bytes: u64,
    /// Layers that are kept elsewhere by their own word and were not at the source.
    pub foreign: Vec<Digest>,
    /// What became of evidence under tags.
    pub tagged: Vec<TaggedAs>,
}

/// Carries everything that a survey found from `source` to `destination`.
///
/// What is there already is not sent again, so that a move that was cut off goes on where it was. Every byte is hashed on its way. Tags
/// come last, the image's own after those of its evidence: an error before that leaves the image without its tag.
///
/// # Errors
/// What the stores answer; [`StoreError::Untrusted`] when the source gives other bytes than it promised, or the destination does not
/// list what it took.
pub async fn replicate(
    source: &Arc<dyn Depot>,
    destination: &Arc<dyn Depot>,
    survey: &Survey,
    moving: &Moving,
) -> Result<Replicated, StoreError> {
    let mut done = Replicated::default();
    let blobs = blobs(survey);
    tell(
        moving,
        Step::Surveyed {
            manifests: survey.pieces.len(),
            bytes: blobs.values().map(|blob| blob.size).sum(),
        },
    );
    let parallel = moving.parallel.min(destination.writers()).max(1);
    carry_blobs(source, destination, blobs, moving, parallel, &mut done).await?;
    let lists = store_manifests(&**destination, survey, parallel).await?;
    for (subject, referrers) in &lists {
        destination.list(subject, referrers).await?;
        destination.renew();
    }
    check_lists(&**destination, survey).await?;
    for piece in &survey.pieces {
        if let Role::Tagged { tag, .. } = &piece.role {
            let tagged = tag_evidence(&**destination, &piece.resolved, tag).await?;
            done.tagged.push(tagged);
            destination.renew();
        }
    }
    let roots = || {
        let pieces = survey.pieces.iter();
        pieces.filter(|piece| piece.role == Role::Root)
    };
    let tag = moving.tag.as_deref().filter(|_| roots().count() == 1);
    for root in roots() {
        let Resolved {
            bytes, descriptor, ..
        } = &root.resolved;
        destination
            .push_manifest(bytes.clone(), &descriptor.media_type, tag)
            .await?;
        destination.renew();
    }
    Ok(done)
}

fn tell(moving: &Moving, step: Step) {
    if let Some(watch) = &moving.watch {
        watch(&step);
    }
}

/// All blobs, each once; the largest first, so that none of them is what everything waits for at the end.
fn blobs(survey: &Survey) -> BTreeMap<(std::cmp::Reverse<u64>, Digest), Descriptor> {
    let mut blobs = BTreeMap::new();
    let mut add = |blob: &Descriptor| {
        blobs.insert((std::cmp::Reverse(blob.size), blob.digest), blob.clone());
    };
    for piece in &survey.pieces {
        match &piece.resolved.manifest {
            Manifest::Image(image) => {
                add(&image.config);
                image.layers.iter().for_each(&mut add);
            }
            Manifest::Index(index) => index
                .manifests
                .iter()
                .filter(|entry| !is_manifest(&entry.media_type))
                .for_each(&mut add),
        }
    }
    blobs
}

enum Outcome {
    Present,
    Taken(Taken),
    Foreign,
}

async fn carry_blobs(
    source: &Arc<dyn Depot>,
    destination: &Arc<dyn Depot>,
    blobs: BTreeMap<(std::cmp::Reverse<u64>, Digest), Descriptor>,
    moving: &Moving,
    parallel: usize,
    done: &mut Replicated,
) -> Result<(), StoreError> {
    if blobs.values().any(|blob| blob.size > moving.blob_bytes) {
        let fault = Fault::OverLimit {
            what: "blob to move",
            limit: moving.blob_bytes,
        };
        return Err(StoreError::untrusted(source.name(), fault));
    }
    let mut waiting = blobs.into_values().peekable();
    let mut tasks = JoinSet::new();
    let small_abreast = match parallel {
        1 => 1,
        _ => (parallel * SMALL_ABREAST).min(MOST_ABREAST).max(parallel),
    };
    let small_abreast = small_abreast.min(destination.writers());
    loop {
        let abreast = |blob: &Descriptor| {
            if blob.size <= SMALL_BLOB {
                small_abreast
            } else {
                parallel
            }
        };
        // In their order: where one goes after the other, the same image makes the same archive.
        while let Some(blob) = waiting.next_if(|blob| tasks.len() < abreast(blob)) {
            let (source, destination) = (Arc::clone(source), Arc::clone(destination));
            let mount = moving.mount.clone();
            tasks.spawn(async move {
                let outcome = carry(&*source, &*destination, &blob, mount.as_deref()).await;
                destination.renew();
                source.renew();
                (blob, outcome)
            });
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        let (blob, outcome) = finished.map_err(|error| StoreError::Local {
            path: destination.name().into(),
            detail: format!("a transfer ended without a result: {error}"),
        })?;
        match outcome? {
            Outcome::Present => done.present += 1,
            Outcome::Taken(Taken::Mounted) => done.mounted += 1,
            Outcome::Taken(Taken::Carried) => {
                done.carried += 1;
                done.bytes += blob.size;
            }
            Outcome::Foreign => {
                tell(
                    moving,
                    Step::Note(format!(
                        "layer `{}` is kept elsewhere and stays there",
                        blob.digest
                    )),
                );
                done.foreign.push(blob.digest);
            }
        }
        tell(
            moving,
            Step::Blob {
                digest: blob.digest,
                size: blob.size,
            },
        );
    }
    Ok(())
}

/// Brings one blob over, unless it is there; tries again where a connection broke.
async fn carry(
    source: &dyn Depot,
    destination: &dyn Depot,
    blob: &Descriptor,
    mount: Option<&str>,
) -> Result<Outcome, StoreError> {
    let mut attempt = 1;
    loop {
        if destination.holds_blob(blob).await? {
            return Ok(Outcome::Present);
        }
        match destination.take_blob(source, blob, mount).await {
            Ok(taken) => return Ok(Outcome::Taken(taken)),
            // Layers with `urls` need not be in the registry, and their places are never asked.
            Err(StoreError::NotFound { .. }) if blob.has_urls => return Ok(Outcome::Foreign),
            Err(error) if attempt < ATTEMPTS && may_help(&error) => {
                destination.renew();
                source.renew();
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether another try may end otherwise. A token may have run out in the middle of a long transfer.
fn may_help(error: &StoreError) -> bool {
    match error {
        StoreError::Authentication { had_login, .. } => *had_login,
        StoreError::Unavailable { outage, .. } => match outage {
            Outage::Connection { temporary, .. } => *temporary,
            Outage::Status { status, .. } => matches!(status, 404 | 408 | 416 | 429 | 500..),
            Outage::Deadline { .. } => false,
        },
        _ => false,
    }
}

/// Stores the manifests in their order, platforms several at once; returns what the destination does not list itself, by subject.
///
/// An image that nothing refers to is left for when it is named: evidence alone needs it there before.
async fn store_manifests(
    destination: &dyn Depot,
    survey: &Survey,
    parallel: usize,
) -> Result<BTreeMap<Digest, Vec<Resolved>>, StoreError> {
    let pieces = &survey.pieces;
    let has_evidence = pieces.iter().any(|piece| piece.role.subject().is_some());
    let waits = |piece: &Piece| {
        piece.role == Role::Root && !has_evidence && piece.resolved.manifest.subject().is_none()
    };
    // Platforms come first in a survey, and none of them needs another.
    let platforms = pieces.iter().take_while(|piece| is_platform(piece)).count();
    let (platforms, others) = pieces.split_at(platforms);
    let mut stored = stream::iter(platforms)
        .map(|piece| destination.take_manifest(&piece.resolved))
        .buffer_unordered(parallel);
    while stored.try_next().await?.is_some() {
        destination.renew();
    }
    let mut unlisted: BTreeMap<Digest, Vec<Resolved>> = BTreeMap::new();
    for piece in others.iter().filter(|piece| !waits(piece)) {
        let listed = destination.take_manifest(&piece.resolved).await?;
        destination.renew();
        if !listed && let Some(subject) = piece.resolved.manifest.subject() {
            let list = unlisted.entry(subject.digest).or_default();
            list.push(piece.resolved.clone());
        }
    }
    Ok(unlisted)
}

/// Whether it is a manifest of an index that names no other.
fn is_platform(piece: &Piece) -> bool {
    let manifest = &piece.resolved.manifest;
    piece.role == Role::Child
        && matches!(manifest, Manifest::Image(_))
        && manifest.subject().is_none()
}

/// Looks whether readers find at the destination what was put there.
async fn check_lists(destination: &dyn Depot, survey: &Survey) -> Result<(), StoreError> {
    let mut expected: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
    for piece in &survey.pieces {
        if let Role::Referrer { subject, .. } = &piece.role {
            let digest = piece.resolved.descriptor.digest;
            expected.entry(*subject).or_default().push(digest);
        }
    }
    for (subject, referrers) in expected {
        let listing = destination.referrers(&subject).await?;
        destination.renew();
        for digest in referrers {
            let found = listing
                .descriptors
                .iter()
                .any(|entry| entry.digest == digest);
            if !found && listing.complete {
                return Err(StoreError::response(
                    destination.name(),
                    format!("`{digest}` was stored and is not listed as a referrer of `{subject}`"),
                ));
            }
        }
    }
    Ok(())
}
