//! Answers a judge's wants: lists, fetches and proves evidence from every place where it may lie, under one deadline and under caps.

mod fetch;
mod heard;
mod referrers;
mod tags;
mod trouble;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_policy::{Answer, Budget, Cause, Interest, SourceKind, Supplied, Want};
use countersign_proof::{Origin, StorageForm};
use countersign_registry::Store;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::evidence::Evidence;
use crate::pieces::{Found, Located};
use crate::pool::Prover;
use referrers::Listed;
pub(crate) use trouble::class;
use trouble::not_proven;

/// Unit of memory in flight, in bytes.
const FLIGHT_UNIT: u64 = 1024;

/// Where evidence about the subject may lie.
#[derive(Clone)]
pub(crate) struct Places<'a> {
    /// The image's own store first, then those that were named besides.
    pub(crate) stores: Vec<&'a dyn Store>,
    /// Why stores that were named could not even be opened.
    pub(crate) unopened: Vec<Cause>,
    pub(crate) digest: Digest,
    /// What the names of legacy tags begin with, besides nothing.
    pub(crate) tag_prefixes: &'a [String],
}

/// Gathers evidence for one subject.
pub(crate) struct Gatherer<'a> {
    places: Option<Places<'a>>,
    evidence: &'a [Evidence],
    prover: Prover,
    limits: Limits,
    parallel: usize,
    deadline: Instant,
    patience: Duration,
    /// What was listed as something that cannot help; fetched before anything is denied.
    aside: Mutex<Aside>,
    /// Bytes of pieces that are fetched and not proven yet, in [`FLIGHT_UNIT`]s.
    flight: Semaphore,
    /// Payloads that several signatures share.
    payloads: Mutex<HashMap<Digest, Bytes>>,
}

#[derive(Default)]
struct Aside {
    referrers: Vec<Listed>,
    pieces: Vec<Lying>,
}

/// A piece of evidence with the stores that it lies in.
struct Lying {
    piece: Located,
    source: SourceKind,
    /// Their places in [`Places::stores`].
    stores: Vec<usize>,
}

/// Pieces by whether they may help, as their own hints say.
#[derive(Default)]
struct Sorted {
    likely: Vec<Lying>,
    unlikely: Vec<Lying>,
}

impl<'a> Gatherer<'a> {
    pub(crate) fn new(
        places: Option<Places<'a>>,
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
            places,
            evidence,
            prover,
            limits,
            parallel,
            deadline,
            patience,
            aside: Mutex::default(),
            flight: Semaphore::new(flight),
            payloads: Mutex::default(),
        }
    }

    /// Everything that the wanted sources have, and their answers. Sources are asked at the same time, but for the one that is made of
    /// what the others put aside.
    pub(crate) async fn answer(
        &self,
        wants: &[Want],
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        let sources = wants.iter().filter_map(|want| match want {
            Want::Source(source) => Some(*source),
            _ => None,
        });
        let (last, first): (Vec<_>, Vec<_>) =
            sources.partition(|source| *source == SourceKind::OtherPieces);
        let asked = first
            .into_iter()
            .map(|source| self.source(source, interest, budget));
        let mut supplied: Vec<Supplied> = join_all(asked).await.into_iter().flatten().collect();
        for source in last {
            supplied.extend(self.source(source, interest, budget).await);
        }
        supplied
    }

    async fn source(
        &self,
        source: SourceKind,
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        if source == SourceKind::Given {
            return self.given().await;
        }
        let Some(places) = &self.places else {
            return vec![Supplied::Source(source, Answer::Absent)];
        };
        match source {
            SourceKind::BundleReferrers => self.referrers(places, interest, budget).await,
            SourceKind::SignatureTag => {
                self.tags(places, source, Found::SignatureTag, interest, budget)
                    .await
            }
            SourceKind::AttestationTag => {
                self.tags(places, source, Found::AttestationTag, interest, budget)
                    .await
            }
            SourceKind::OtherPieces => self.others(places, budget).await,
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
                    None => Supplied::Missing(
                        SourceKind::Given,
                        not_proven("the evidence given".to_owned()),
                    ),
                }
            })
            .buffered(self.parallel)
            .collect()
            .await;
        supplied.push(Supplied::Source(SourceKind::Given, self.read(true)));
        supplied
    }

    /// What was put aside, read all the same before anything is denied.
    async fn others(&self, places: &Places<'a>, budget: Budget) -> Vec<Supplied> {
        let source = SourceKind::OtherPieces;
        let Aside { referrers, pieces } =
            std::mem::take(&mut *self.aside.lock().unwrap_or_else(PoisonError::into_inner));
        if pieces.is_empty() && referrers.is_empty() {
            return vec![Supplied::Source(source, Answer::Absent)];
        }
        let mut supplied = Vec::new();
        let mut located: Vec<Lying> = pieces
            .into_iter()
            .map(|piece| Lying { source, ..piece })
            .collect();
        let everything = Interest::everything();
        let opened = self
            .open(places, source, referrers, &everything, &mut supplied)
            .await;
        located.extend(opened.likely);
        supplied.extend(self.fetch(places, located, budget).await);
        supplied.push(Supplied::Source(source, self.read(true)));
        supplied
    }

    fn put_aside(&self, referrers: Vec<Listed>, pieces: Vec<Lying>) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.referrers.extend(referrers);
        aside.pieces.extend(pieces);
    }

    fn read(&self, complete: bool) -> Answer {
        Answer::Read {
            complete,
            as_of: self.prover.now,
        }
    }
}

impl Sorted {
    fn add(
        &mut self,
        located: Vec<Located>,
        source: SourceKind,
        stores: &[usize],
        interest: &Interest,
    ) {
        for piece in located {
            let may_help = interest.likely(piece.unverified_predicate_type.as_deref());
            let lying = Lying {
                piece,
                source,
                stores: stores.to_vec(),
            };
            if may_help {
                self.likely.push(lying);
            } else {
                self.unlikely.push(lying);
            }
        }
    }
}

fn origin(store: &dyn Store, form: StorageForm, manifest: Digest) -> Origin {
    Origin {
        form,
        descriptor: None,
        manifest: Some(manifest),
        repository: Some(store.name()),
    }
}
