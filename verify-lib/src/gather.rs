//! Answers a judge's wants: lists, fetches and proves evidence, under one deadline and under caps.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, Limits, Manifest, media_types, predicate_types::COSIGN_SIGN,
};
use countersign_policy::{
    Answer, Budget, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want,
};
use countersign_proof::{Origin, Rejected, StorageForm, Unverified};
use countersign_registry::{
    ErrorClass, ListedVia, Listing, Resolved, Store, StoreError, fallback_tag,
};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::evidence::Evidence;
use crate::pieces::{Found, Hint, Located, hint, pieces};
use crate::pool::Prover;

/// Unit of memory in flight, in bytes.
const FLIGHT_UNIT: u64 = 1024;
/// Largest simple signing payload, in bytes; one has a few hundred.
const SIMPLE_SIGNING_BYTES: u64 = 1 << 20;

/// Where the subject is.
pub(crate) struct Place<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) digest: Digest,
}

/// Gathers evidence for one subject.
pub(crate) struct Gatherer<'a> {
    place: Option<Place<'a>>,
    evidence: &'a [Evidence],
    prover: Prover,
    limits: Limits,
    parallel: usize,
    deadline: Instant,
    patience: Duration,
    /// What was listed as something that cannot help; fetched before anything is denied.
    aside: Aside,
    /// Bytes of pieces that are fetched and not proven yet, in [`FLIGHT_UNIT`]s.
    flight: Semaphore,
    /// Payloads that several signatures share.
    payloads: Mutex<HashMap<Digest, Bytes>>,
}

#[derive(Default)]
struct Aside {
    referrers: Vec<Descriptor>,
    via: Option<ListedVia>,
    pieces: Vec<Located>,
}

/// What came of one listed manifest.
enum Opened {
    Pieces(Vec<Located>),
    Unusable(Box<Unusable>),
    Missing(Cause),
    Nothing,
}

impl<'a> Gatherer<'a> {
    pub(crate) fn new(
        place: Option<Place<'a>>,
        evidence: &'a [Evidence],
        prover: Prover,
        limits: Limits,
        parallel: usize,
        deadline: Instant,
        patience: Duration,
    ) -> Self {
        let flight = limits.bundle_bytes.div_ceil(FLIGHT_UNIT).max(1);
        let flight = usize::try_from(flight)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            place,
            evidence,
            prover,
            limits,
            parallel,
            deadline,
            patience,
            aside: Aside::default(),
            flight: Semaphore::new(flight),
            payloads: Mutex::new(HashMap::new()),
        }
    }

    /// Everything that one source has, and the source's answer.
    pub(crate) async fn answer(
        &mut self,
        want: &Want,
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        let source = match want {
            Want::Source(source) => *source,
            _ => return Vec::new(),
        };
        if source == SourceKind::Given {
            return self.given().await;
        }
        if self.place.is_none() {
            return vec![Supplied::Source(source, Answer::Absent)];
        }
        match source {
            SourceKind::BundleReferrers => self.referrers(interest, budget).await,
            SourceKind::SignatureTag => {
                self.tag(source, ".sig", Found::SignatureTag, interest, budget)
                    .await
            }
            SourceKind::AttestationTag => {
                self.tag(source, ".att", Found::AttestationTag, interest, budget)
                    .await
            }
            SourceKind::OtherPieces => self.others(budget).await,
            _ => vec![Supplied::Source(source, Answer::Absent)],
        }
    }

    async fn given(&self) -> Vec<Supplied> {
        if self.evidence.is_empty() {
            return vec![Supplied::Source(SourceKind::Given, Answer::Absent)];
        }
        let pieces: Vec<_> = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.pieces(&self.limits))
            .collect();
        let alone = pieces.len() == 1;
        let mut supplied: Vec<Supplied> = stream::iter(pieces)
            .map(|piece| async move {
                match self.prover.prove(piece, alone).await {
                    Some(proven) => Supplied::Piece(Box::new(proven)),
                    None => Supplied::Missing(SourceKind::Given, not_proven(self.name())),
                }
            })
            .buffered(self.parallel)
            .collect()
            .await;
        supplied.push(Supplied::Source(SourceKind::Given, self.read(true)));
        supplied
    }

    async fn referrers(&mut self, interest: &Interest, budget: Budget) -> Vec<Supplied> {
        let source = SourceKind::BundleReferrers;
        let Some(place) = &self.place else {
            return Vec::new();
        };
        let Listing {
            descriptors,
            complete,
            via,
        } = match self.patient(place.store.referrers(&place.digest)).await {
            Ok(listing) => listing,
            Err(Trouble::Store(StoreError::NotFound { .. })) => {
                return vec![Supplied::Source(source, Answer::Absent)];
            }
            Err(trouble) => {
                return vec![Supplied::Source(
                    source,
                    Answer::Failed(self.cause(trouble)),
                )];
            }
        };
        let mut likely = Vec::new();
        let mut aside = Aside {
            via: Some(via),
            ..Aside::default()
        };
        for descriptor in descriptors {
            let helps = match hint(&descriptor) {
                Hint::Statement(predicate) => interest.likely(predicate),
                Hint::Signature => interest.likely(Some(COSIGN_SIGN)),
                Hint::Foreign => false,
            };
            if helps {
                likely.push(descriptor)
            } else {
                aside.referrers.push(descriptor)
            }
        }
        let mut supplied = Vec::new();
        let (located, unlikely) = self
            .open(source, likely, via, interest, &mut supplied)
            .await;
        aside.pieces = unlikely;
        supplied.extend(self.fetch(located, budget).await);
        supplied.push(Supplied::Source(source, self.read(complete)));
        self.aside = aside;
        supplied
    }

    async fn tag(
        &mut self,
        source: SourceKind,
        suffix: &str,
        found: Found,
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        let Some(place) = &self.place else {
            return Vec::new();
        };
        let tag = format!("{}{suffix}", fallback_tag(&place.digest));
        let resolved = match self.patient(place.store.tag(&tag)).await {
            Ok(Some(resolved)) => resolved,
            Ok(None) => return vec![Supplied::Source(source, Answer::Absent)],
            Err(trouble) => {
                return vec![Supplied::Source(
                    source,
                    Answer::Failed(self.cause(trouble)),
                )];
            }
        };
        let mut supplied = Vec::new();
        let mut likely = Vec::new();
        if let Manifest::Image(manifest) = &resolved.manifest {
            let origin = |form| self.origin(form, resolved.descriptor.digest);
            match pieces(manifest, found, origin) {
                Ok(located) => {
                    for piece in located {
                        if interest.likely(piece.unverified_predicate_type.as_deref()) {
                            likely.push((piece, source));
                        } else {
                            self.aside.pieces.push(piece);
                        }
                    }
                }
                Err(unusable) => supplied.push(Supplied::Unusable(unusable)),
            }
        }
        supplied.extend(self.fetch(likely, budget).await);
        supplied.push(Supplied::Source(source, self.read(true)));
        supplied
    }

    /// What was put aside, read all the same before anything is denied.
    async fn others(&mut self, budget: Budget) -> Vec<Supplied> {
        let source = SourceKind::OtherPieces;
        let Aside {
            referrers,
            via,
            pieces,
        } = std::mem::take(&mut self.aside);
        if pieces.is_empty() && referrers.is_empty() {
            return vec![Supplied::Source(source, Answer::Absent)];
        }
        let mut supplied = Vec::new();
        let mut located: Vec<(Located, SourceKind)> =
            pieces.into_iter().map(|piece| (piece, source)).collect();
        if let Some(via) = via {
            let everything = Interest::everything();
            let (more, _) = self
                .open(source, referrers, via, &everything, &mut supplied)
                .await;
            located.extend(more);
        }
        supplied.extend(self.fetch(located, budget).await);
        supplied.push(Supplied::Source(source, self.read(true)));
        supplied
    }

    /// Reads the manifests of referrers: the pieces that may help, and those that by their own hint do not.
    async fn open(
        &self,
        source: SourceKind,
        descriptors: Vec<Descriptor>,
        via: ListedVia,
        interest: &Interest,
        supplied: &mut Vec<Supplied>,
    ) -> (Vec<(Located, SourceKind)>, Vec<Located>) {
        let opened: Vec<Opened> = stream::iter(descriptors)
            .map(|descriptor| async move { self.referrer(&descriptor, via).await })
            .buffered(self.parallel)
            .collect()
            .await;
        let (mut likely, mut unlikely) = (Vec::new(), Vec::new());
        for opened in opened {
            match opened {
                Opened::Pieces(located) => {
                    for piece in located {
                        if interest.likely(piece.unverified_predicate_type.as_deref()) {
                            likely.push((piece, source));
                        } else {
                            unlikely.push(piece);
                        }
                    }
                }
                Opened::Unusable(unusable) => supplied.push(Supplied::Unusable(unusable)),
                Opened::Missing(cause) => supplied.push(Supplied::Missing(source, cause)),
                Opened::Nothing => {}
            }
        }
        (likely, unlikely)
    }

    async fn referrer(&self, descriptor: &Descriptor, via: ListedVia) -> Opened {
        let Some(place) = &self.place else {
            return Opened::Nothing;
        };
        if matches!(
            descriptor.media_type.as_str(),
            media_types::OCI_INDEX | media_types::DOCKER_LIST
        ) {
            // No form of evidence is an index.
            return Opened::Nothing;
        }
        let Resolved {
            descriptor,
            manifest,
            ..
        } = match self.patient(place.store.manifest(descriptor)).await {
            Ok(resolved) => resolved,
            Err(trouble) => return Opened::Missing(self.listed(trouble, descriptor)),
        };
        let Manifest::Image(manifest) = manifest else {
            return Opened::Nothing;
        };
        let subject = manifest.subject.as_ref().map(|subject| subject.digest);
        if subject != Some(place.digest) {
            let about = subject.map_or("nothing".to_owned(), |subject| format!("`{subject}`"));
            let message = format!(
                "manifest `{}` is listed and refers to {about}",
                descriptor.digest
            );
            // The API's list is the registry's own word; the fallback tag is written by whoever may push.
            return match via {
                ListedVia::Api => Opened::Missing(Cause {
                    class: CauseClass::Unreadable,
                    source: place.store.name(),
                    detail: message,
                }),
                _ => Opened::Unusable(Box::new(Unusable {
                    origin: self.origin(StorageForm::BundleReferrer, descriptor.digest),
                    code: "referrer-of-another-subject",
                    message,
                })),
            };
        }
        match pieces(&manifest, Found::Referrer, |form| {
            self.origin(form, descriptor.digest)
        }) {
            Ok(located) => Opened::Pieces(located),
            Err(unusable) => Opened::Unusable(unusable),
        }
    }

    /// Fetches and proves pieces: one that cannot be had never hides another.
    async fn fetch(&self, located: Vec<(Located, SourceKind)>, budget: Budget) -> Vec<Supplied> {
        let mut bytes = budget.bytes;
        let mut supplied = Vec::new();
        let mut wanted = Vec::new();
        for (piece, source) in located {
            if wanted.len() >= budget.pieces || piece.layer.size > bytes {
                let cause = Cause {
                    class: CauseClass::Budget,
                    source: self.name(),
                    detail: format!(
                        "piece `{}` is beyond what one decision takes in",
                        piece.layer.digest
                    ),
                };
                supplied.push(Supplied::Missing(source, cause));
                continue;
            }
            bytes -= piece.layer.size;
            wanted.push((piece, source));
        }
        let alone = wanted.len() == 1;
        supplied.extend(
            stream::iter(wanted)
                .map(|(piece, source)| async move { self.one(piece, source, alone).await })
                .buffered(self.parallel)
                .collect::<Vec<Supplied>>()
                .await,
        );
        supplied
    }

    async fn one(&self, piece: Located, source: SourceKind, alone: bool) -> Supplied {
        // Many large pieces at once would add up; they wait for each other.
        let units = piece
            .layer
            .size
            .min(self.limits.bundle_bytes)
            .div_ceil(FLIGHT_UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let _flight = self.flight.acquire_many(units).await.ok();
        let bytes = match self.blob(&piece).await {
            Ok(bytes) => bytes,
            Err(trouble) => return Supplied::Missing(source, self.listed(trouble, &piece.layer)),
        };
        let unverified = unverified(&piece, bytes, &self.limits);
        match self.prover.prove(unverified, alone).await {
            Some(proven) => Supplied::Piece(Box::new(proven)),
            None => Supplied::Missing(source, not_proven(self.name())),
        }
    }

    async fn blob(&self, piece: &Located) -> Result<Bytes, Trouble> {
        let Some(place) = &self.place else {
            return Ok(Bytes::new());
        };
        let simple = matches!(
            piece.origin.form,
            StorageForm::SignatureTag | StorageForm::SignatureReferrer
        );
        if !simple {
            return self
                .patient(place.store.blob(&piece.layer, self.limits.bundle_bytes))
                .await;
        }
        // The same payload is listed once for each of its signers.
        let known = self
            .payloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&piece.layer.digest)
            .cloned();
        if let Some(bytes) = known {
            return Ok(bytes);
        }
        let bytes = self
            .patient(place.store.blob(&piece.layer, SIMPLE_SIGNING_BYTES))
            .await?;
        self.payloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(piece.layer.digest, bytes.clone());
        Ok(bytes)
    }

    /// Waits no longer than the deadline.
    async fn patient<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Trouble> {
        match timeout_at(self.deadline, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Trouble::Store(error)),
            Err(_) => Err(Trouble::Deadline),
        }
    }

    fn cause(&self, trouble: Trouble) -> Cause {
        match trouble {
            Trouble::Store(error) => Cause {
                class: class(&error),
                source: self.name(),
                detail: error.to_string(),
            },
            Trouble::Deadline => Cause {
                class: CauseClass::Network,
                source: self.name(),
                detail: format!(
                    "no answer within the deadline of {} s",
                    self.patience.as_secs_f32()
                ),
            },
        }
    }

    /// The cause for something that a listing names.
    fn listed(&self, trouble: Trouble, descriptor: &Descriptor) -> Cause {
        let cause = self.cause(trouble);
        Cause {
            detail: format!(
                "`{}` is listed and cannot be had: {}",
                descriptor.digest, cause.detail
            ),
            ..cause
        }
    }

    fn read(&self, complete: bool) -> Answer {
        Answer::Read {
            complete,
            as_of: self.prover.now,
        }
    }

    fn origin(&self, form: StorageForm, manifest: Digest) -> Origin {
        Origin {
            form,
            descriptor: None,
            manifest: Some(manifest),
            repository: Some(self.name()),
        }
    }

    fn name(&self) -> String {
        self.place.as_ref().map_or_else(
            || "the evidence given".to_owned(),
            |place| place.store.name(),
        )
    }
}

/// Why something was not had.
enum Trouble {
    Store(StoreError),
    Deadline,
}

/// Reads a piece by its form; whole garbage is rejected, which is evidence that does not suffice.
fn unverified(piece: &Located, bytes: Bytes, limits: &Limits) -> Result<Unverified, Rejected> {
    let origin = piece.origin.clone();
    match origin.form {
        StorageForm::SignatureTag | StorageForm::SignatureReferrer => {
            Unverified::simple_signing(bytes, &piece.layer.annotations, origin, limits)
        }
        StorageForm::AttestationTag | StorageForm::DsseReferrer => {
            Unverified::dsse(bytes, &piece.layer.annotations, origin, limits)
        }
        StorageForm::NotationReferrer => Ok(Unverified::notation(bytes, origin, limits)),
        _ => Unverified::bundle(bytes, origin, limits),
    }
}

fn class(error: &StoreError) -> CauseClass {
    match error.class() {
        ErrorClass::Authentication => CauseClass::Authentication,
        ErrorClass::Unreadable | ErrorClass::Local => CauseClass::Unreadable,
        ErrorClass::OverLimit => CauseClass::Budget,
        ErrorClass::NotFound => CauseClass::Incomplete,
        _ => CauseClass::Network,
    }
}

fn not_proven(source: String) -> Cause {
    Cause {
        class: CauseClass::Incomplete,
        source,
        detail: "a piece was not proven to its end".to_owned(),
    }
}
