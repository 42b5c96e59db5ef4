//! Records what a verification asked and heard, and plays it back: the same road, without a network and with a frozen clock.
//!
//! A [`Recorder`] stands before a [`Store`] and keeps each answer. [`record`] runs a verification over recorders, so that whatever the
//! verifier asks is recorded and nothing else decides what that is. [`ImageRecord`] is the section of a [`crate::pack`] that keeps the
//! answers; what they name by digest lies beside it in the pack. [`Replay`] hands the answers back, also the failures: what could
//! not be found out then cannot be found out now.

mod answers;
mod beside;
mod document;
mod error;
mod recorder;
mod replay;
mod text;

use countersign_formats::{Digest, Limits, Manifest, UnixTime};
use countersign_registry::{Store, Target};

use crate::error::VerifyError;
use crate::verifier::{Verification, Verifier};

pub use beside::Authority;
pub use document::ImageRecord;
pub use error::RecordError;
pub use recorder::Recorder;
pub use replay::Replay;

/// Most manifests of one index whose evidence is recorded.
const CHILDREN: usize = Limits::DEFAULT.index_images;

/// Verifies an image over recorders and keeps everything that was asked and heard: about the image, and about each manifest of its
/// index, so that policies can be tested later which ask more than these.
///
/// # Errors
///
/// As [`Verifier::verify_in`]; an image that cannot be resolved is not recorded.
pub async fn record(
    verifier: &Verifier,
    store: &Recorder<'_>,
    elsewhere: &[&Recorder<'_>],
    target: &Target,
    now: UnixTime,
    limits: &Limits,
) -> Result<Verification, VerifyError> {
    let others: Vec<&dyn Store> = elsewhere
        .iter()
        .map(|recorder| *recorder as &dyn Store)
        .collect();
    let verification = verifier.verify_with(store, &others, target, now).await?;
    for child in children(store, &verification.digest, limits).await {
        // What its evidence comes to is not asked here; that it is asked is what counts.
        let target = Target::Digest(child);
        let _ = verifier.verify_with(store, &others, &target, now).await;
    }
    Ok(verification)
}

/// The manifests of an index; none of anything else, and none when it cannot be had, which is recorded as well.
async fn children(store: &Recorder<'_>, digest: &Digest, limits: &Limits) -> Vec<Digest> {
    let target = Target::Digest(*digest);
    let Ok(resolved) = store.resolve(&target).await else {
        return Vec::new();
    };
    let manifest = Manifest::parse(
        &resolved.bytes,
        Some(&resolved.descriptor.media_type),
        limits,
    );
    match manifest {
        Ok(Manifest::Index(index)) => index
            .manifests
            .iter()
            .take(CHILDREN)
            .map(|child| child.digest)
            .collect(),
        _ => Vec::new(),
    }
}
