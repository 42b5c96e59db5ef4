//! Gathers evidence about a subject and about its relatives: the index that it was reached through, and images that an index lists.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_formats::{Digest, Limits};
use countersign_policy::{Budget, Cause, CauseClass, Interest, Supplied, Want};
use countersign_proof::{Image, RejectReason, Subject};
use countersign_registry::Target;
use tokio::time::{Instant, timeout_at};

use crate::evidence::Evidence;
use crate::gather::{Gatherer, Places, class};
use crate::pool::Prover;

/// Pieces of evidence that are fetched at once.
const PARALLEL_FETCHES: usize = 8;

/// One gatherer for the subject, and one for each relative that is asked about.
pub(crate) struct Relatives<'a> {
    places: Option<Places<'a>>,
    evidence: &'a [Evidence],
    prover: Prover,
    limits: Limits,
    deadline: Instant,
    patience: Duration,
    own: Gatherer<'a>,
    others: BTreeMap<Digest, Gatherer<'a>>,
}

impl<'a> Relatives<'a> {
    pub(crate) fn new(
        places: Option<Places<'a>>,
        evidence: &'a [Evidence],
        prover: Prover,
        limits: Limits,
        deadline: Instant,
        patience: Duration,
    ) -> Self {
        let own = Gatherer::new(
            places.clone(),
            evidence,
            prover.clone(),
            limits.clone(),
            PARALLEL_FETCHES,
            deadline,
            patience,
        );
        Self {
            places,
            evidence,
            prover,
            limits,
            deadline,
            patience,
            own,
            others: BTreeMap::new(),
        }
    }

    /// Everything that is wanted.
    pub(crate) async fn answer(
        &mut self,
        wants: &[Want],
        interest: &Interest,
        mut budget: Budget,
    ) -> Vec<Supplied> {
        let own: Vec<Want> = wants
            .iter()
            .filter(|want| matches!(want, Want::Source(_)))
            .copied()
            .collect();
        let mut supplied = self.own.answer(&own, interest, budget).await;
        spend(&mut budget, &supplied);
        let mut about: BTreeMap<Digest, Vec<Want>> = BTreeMap::new();
        for want in wants {
            match want {
                Want::About(digest, source) => {
                    about
                        .entry(*digest)
                        .or_default()
                        .push(Want::Source(*source));
                }
                Want::Manifest(digest) => {
                    let manifest = self.manifest(digest).await;
                    supplied.push(Supplied::Manifest(*digest, Box::new(manifest)));
                }
                _ => {}
            }
        }
        for (digest, wants) in about {
            let mut found = self.gatherer(digest).answer(&wants, interest, budget).await;
            spend(&mut budget, &found);
            // What was brought along is mostly about the subject itself; that it is not about a relative is no fault.
            found.retain(|item| !is_of_another_subject(item));
            supplied.push(Supplied::About(digest, found));
        }
        supplied
    }

    fn gatherer(&mut self, digest: Digest) -> &Gatherer<'a> {
        self.others.entry(digest).or_insert_with(|| {
            let places = self
                .places
                .clone()
                .map(|places| Places { digest, ..places });
            let prover = Prover {
                subject: Subject::image(digest),
                ..self.prover.clone()
            };
            Gatherer::new(
                places,
                self.evidence,
                prover,
                self.limits.clone(),
                PARALLEL_FETCHES,
                self.deadline,
                self.patience,
            )
        })
    }

    /// The manifest of `digest` from the image's own store, hashed here.
    async fn manifest(&self, digest: &Digest) -> Result<Image, Cause> {
        let Some(store) = self
            .places
            .as_ref()
            .and_then(|places| places.stores.first())
        else {
            return Err(Cause {
                class: CauseClass::Incomplete,
                source: "the image".to_owned(),
                detail: format!(
                    "the manifest `{digest}` is needed, and nothing was named that has it"
                ),
            });
        };
        let cause = |class, detail| Cause {
            class,
            source: store.name(),
            detail,
        };
        let target = Target::Digest(*digest);
        let resolved = match timeout_at(self.deadline, store.resolve(&target)).await {
            Ok(Ok(resolved)) => resolved,
            Ok(Err(error)) => return Err(cause(class(&error), error.to_string())),
            Err(_) => {
                let limit = self.patience.as_secs_f32();
                let detail = format!("no answer within the deadline of {limit} s");
                return Err(cause(CauseClass::Network, detail));
            }
        };
        let media_type = resolved.descriptor.media_type.clone();
        Image::read_as(
            digest.algorithm(),
            resolved.bytes,
            Some(&media_type),
            &self.limits,
        )
        .map_err(|error| cause(CauseClass::Unreadable, error.to_string()))
    }
}

fn spend(budget: &mut Budget, supplied: &[Supplied]) {
    for item in supplied {
        if let Supplied::Piece(piece) = item {
            budget.pieces = budget.pieces.saturating_sub(1);
            if let Ok(verified) = piece.as_ref() {
                budget.bytes = budget.bytes.saturating_sub(verified.size());
            }
        }
    }
}

fn is_of_another_subject(item: &Supplied) -> bool {
    matches!(item, Supplied::Piece(piece) if matches!(piece.as_ref(), Err(rejected)
        if matches!(rejected.reason(), RejectReason::SubjectMismatch { .. })))
}
