//! The verifier: configured once, asked about many references.

mod builder;

use std::sync::Arc;
use std::time::Duration;

use countersign_formats::{Descriptor, Digest, Limits, Reference, UnixTime};
use countersign_policy::{
    Answer, Asked, Budget, Cause, CauseClass, Decision, Judge, Outcome, PolicySet, Step, Supplied,
};
use countersign_proof::{Content, Image, Subject, TrustMaterial};
use countersign_registry::{Settings, Store, StoreError, Target, Thing, open};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub use self::builder::VerifierBuilder;
use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::gather::{Places, class};
use crate::memory::Memory;
use crate::pool::Prover;
use crate::relatives::Relatives;

/// Verifies images and blobs by one set of policies, under one trust; cheap to clone and to share.
///
/// Every future of its methods may be dropped at any time: nothing is left half done.
#[derive(Debug, Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policies: PolicySet,
    trust: Arc<TrustMaterial>,
    settings: Settings,
    limits: Limits,
    evidence: Vec<Evidence>,
    elsewhere: Vec<Reference>,
    tag_prefixes: Vec<String>,
    deadline: Duration,
    threads: Arc<Semaphore>,
    thorough: bool,
    keeps_bytes: bool,
    roots: Vec<Digest>,
    trust_expires: Option<UnixTime>,
    /// Why there is no trust to judge by.
    trust_missing: Option<String>,
    /// Earlier passes, where some policy bridges outages by them.
    memory: Option<Memory>,
}

/// What a verification came to.
#[derive(Debug)]
pub struct Verification {
    /// The decision.
    pub decision: Decision,
    /// The image by its digest: `ghcr.io/acme/app@sha256:…`.
    pub name: String,
    /// The image's digest.
    pub digest: Digest,
    /// The image's descriptor; `None` when the reference named a digest, since then nothing is resolved.
    pub image: Option<Descriptor>,
    /// HTTP requests that were made; 0 for layouts.
    pub requests: u64,
}

impl Verifier {
    /// Starts with no policy and no trust, under which nothing passes.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    /// The policies that it judges by.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.shared.policies
    }

    /// The places where it looks for evidence besides beside the image.
    #[must_use]
    pub fn elsewhere(&self) -> &[Reference] {
        &self.shared.elsewhere
    }

    /// The trust that it proves under.
    #[must_use]
    pub fn trust(&self) -> &Arc<TrustMaterial> {
        &self.shared.trust
    }

    /// Verifies the image that `reference` names, as of `now`. A tag is resolved once; a digest is
    /// taken as it is.
    ///
    /// # Errors
    ///
    /// [`VerifyError::NotFound`] when there is no such image, and [`VerifyError::Store`] when that could
    /// not be found out. Trouble with evidence is not an error but a part of the decision.
    pub async fn verify(
        &self,
        reference: &Reference,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let store = open(reference, &self.shared.settings).map_err(store_error)?;
        self.verify_in(store.as_ref(), &target(reference), now)
            .await
    }

    /// Verifies the image that `reference` names by digest, reached through `index`, whose own bytes must list it: evidence
    /// about the index then counts for the rules that say so (`subject: index`, `via: index`).
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`], and [`VerifyError::NotInIndex`]; an image that the index lists and that is not there is
    /// [`VerifyError::Store`], and no missing image.
    pub async fn verify_through(
        &self,
        reference: &Reference,
        index: &Image,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let store = open(reference, &self.shared.settings).map_err(store_error)?;
        self.verify_opening(store.as_ref(), &target(reference), Some(index), now)
            .await
    }

    /// Verifies an image in a store that is open already; `target` is resolved once unless it is a digest.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    pub async fn verify_in(
        &self,
        store: &dyn Store,
        target: &Target,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.verify_opening(store, target, None, now).await
    }

    /// Opens the places that were named besides, and verifies.
    async fn verify_opening(
        &self,
        store: &dyn Store,
        target: &Target,
        index: Option<&Image>,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let mut opened = Vec::new();
        let mut unopened = Vec::new();
        for reference in &self.shared.elsewhere {
            match open(reference, &self.shared.settings) {
                Ok(store) => opened.push(store),
                Err(error) => unopened.push(Cause {
                    class: class(&error),
                    source: reference.to_string(),
                    detail: error.to_string(),
                }),
            }
        }
        let elsewhere: Vec<&dyn Store> = opened.iter().map(AsRef::as_ref).collect();
        self.verify_among(store, &elsewhere, unopened, target, index, now)
            .await
    }

    /// As [`Verifier::verify_in`], with evidence from these stores as well; what they hold is merged with what lies beside the image.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    pub async fn verify_with(
        &self,
        store: &dyn Store,
        elsewhere: &[&dyn Store],
        target: &Target,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.verify_among(store, elsewhere, Vec::new(), target, None, now)
            .await
    }

    /// As [`Verifier::verify_with`], for an image that was reached through `index`.
    pub(crate) async fn verify_through_with(
        &self,
        store: &dyn Store,
        elsewhere: &[&dyn Store],
        target: &Target,
        index: &Image,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        self.verify_among(store, elsewhere, Vec::new(), target, Some(index), now)
            .await
    }

    async fn verify_among(
        &self,
        store: &dyn Store,
        elsewhere: &[&dyn Store],
        unopened: Vec<Cause>,
        target: &Target,
        index: Option<&Image>,
        now: UnixTime,
    ) -> Result<Verification, VerifyError> {
        let stores: Vec<&dyn Store> = std::iter::once(store)
            .chain(elsewhere.iter().copied())
            .collect();
        let requests = || stores.iter().map(|store| store.requests()).sum::<u64>();
        let before = requests();
        let deadline = Instant::now() + self.shared.deadline;
        let (subject, image) = match target {
            Target::Digest(digest) => (Subject::Image(Image::pinned(*digest)), None),
            _ => {
                let resolved = timeout_at(deadline, store.resolve(target))
                    .await
                    .map_err(|_| VerifyError::Deadline {
                        name: store.name(),
                        limit: self.shared.deadline,
                    })?
                    .map_err(store_error)?;
                let media_type = resolved.descriptor.media_type.clone();
                // Nobody looks at the tag again: from here on the image is its digest.
                let image = Image::read(resolved.bytes, Some(&media_type), &self.shared.limits)
                    .unwrap_or_else(|_| Image::pinned(resolved.descriptor.digest));
                (Subject::Image(image), Some(resolved.descriptor))
            }
        };
        let digest = subject.digest();
        let name = format!("{}@{digest}", store.name());
        let mut asked = Asked::about(subject).named(&store.name());
        if let Some(index) = index {
            asked = asked
                .through(index.clone())
                .map_err(VerifyError::NotInIndex)?;
        }
        let places = Places {
            stores: stores.clone(),
            unopened,
            digest,
            tag_prefixes: &self.shared.tag_prefixes,
        };
        let decision = self
            .decide(asked, Some(places), &self.shared.evidence, deadline, now)
            .await;
        if image.is_none() && decision.outcome() == Outcome::NoEvidence {
            // "No evidence" and "no image" look alike by digest; one HEAD tells them apart.
            let exists = timeout_at(deadline, store.exists(&digest))
                .await
                .map_err(|_| VerifyError::Deadline {
                    name: name.clone(),
                    limit: self.shared.deadline,
                })?
                .map_err(store_error)?;
            if !exists {
                let absent = VerifyError::NotFound { name: name.clone() };
                return Err(index.map_or(absent, |index| {
                    let thing = Thing::Image;
                    let missing = StoreError::NotFound { thing, name };
                    VerifyError::Store(missing.of_child(store.name(), *index.digest(), digest))
                }));
            }
        }
        Ok(Verification {
            decision,
            name,
            digest,
            image,
            requests: requests().saturating_sub(before),
        })
    }

    /// Verifies content by the evidence given here and to the builder; it opens no socket.
    ///
    /// # Errors
    ///
    /// None yet: whatever is wrong with the evidence is a part of the decision.
    pub async fn verify_blob(
        &self,
        content: Arc<dyn Content>,
        evidence: &[Evidence],
        now: UnixTime,
    ) -> Result<Decision, VerifyError> {
        let evidence: Vec<Evidence> = self
            .shared
            .evidence
            .iter()
            .chain(evidence)
            .cloned()
            .collect();
        let deadline = Instant::now() + self.shared.deadline;
        Ok(self
            .decide(
                Asked::about(Subject::Blob(content)),
                None,
                &evidence,
                deadline,
                now,
            )
            .await)
    }

    async fn decide(
        &self,
        asked: Asked,
        places: Option<Places<'_>>,
        evidence: &[Evidence],
        deadline: Instant,
        now: UnixTime,
    ) -> Decision {
        let shared = &self.shared;
        let prover = Prover {
            subject: asked.subject().clone(),
            trust: Arc::clone(&shared.trust),
            now,
            keeps_bytes: shared.keeps_bytes,
            threads: Arc::clone(&shared.threads),
        };
        let limits = shared.limits.clone();
        let mut relatives =
            Relatives::new(places, evidence, prover, limits, deadline, shared.deadline);
        let earlier = shared.memory.as_ref().and_then(|memory| {
            memory.recall(asked.subject().digest(), asked.name(), asked.index())
        });
        let mut judge = Judge::prepare(&shared.policies, asked, Arc::clone(&shared.trust), now)
            .with_budget(Budget::of(&shared.limits))
            .with_roots(shared.roots.clone());
        if let Some(earlier) = earlier {
            judge = judge.with_earlier(earlier);
        }
        if shared.thorough {
            judge = judge.thorough();
        }
        let mut step = judge.begin();
        loop {
            match step {
                Step::Done(mut decision) => {
                    if let Some(memory) = &shared.memory {
                        memory.remember(&decision);
                    }
                    // What a root says holds no longer than the metadata that proves it.
                    if let Some(expires) = shared.trust_expires {
                        let last = UnixTime(expires.0.saturating_sub(1));
                        let until = decision.valid_until.map_or(last, |until| until.min(last));
                        decision.valid_until = Some(until);
                    }
                    return decision;
                }
                Step::Need(judge, wants) => {
                    let mut supplied = relatives
                        .answer(&wants, &judge.interest(), judge.budget())
                        .await;
                    if let Some(detail) = &shared.trust_missing {
                        without_trust(&mut supplied, detail);
                    }
                    step = judge.supply(supplied);
                }
            }
        }
    }
}

/// A digest wins over a tag: the tag may have moved since they were written down together.
fn target(reference: &Reference) -> Target {
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => Target::Digest(*digest),
        (None, Some(tag)) => Target::Tag(tag.to_owned()),
        (None, None) => Target::Sole,
    }
}

fn store_error(error: StoreError) -> VerifyError {
    match error {
        StoreError::NotFound { name, .. } => VerifyError::NotFound { name },
        other => VerifyError::Store(other),
    }
}

/// While nobody knows whom to trust, evidence that is there may be what is asked for. That there is none stays true.
fn without_trust(supplied: &mut [Supplied], detail: &str) {
    if !supplied.iter().any(|one| matches!(one, Supplied::Piece(_))) {
        return;
    }
    for one in supplied {
        if let Supplied::Source(_, answer @ Answer::Read { .. }) = one {
            *answer = Answer::Failed(Cause {
                class: CauseClass::StaleTrust,
                source: "the trust".to_owned(),
                detail: detail.to_owned(),
            });
        }
    }
}
