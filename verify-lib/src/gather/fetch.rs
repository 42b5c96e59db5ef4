//! Fetches and proves pieces: one that cannot be had never hides another.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_policy::{Budget, Cause, CauseClass, Supplied};
use countersign_proof::{Rejected, StorageForm, Unverified};
use countersign_registry::Store;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::trouble::{Trouble, not_proven};
use super::{FLIGHT_UNIT, Gatherer, Lying, Places};
use crate::pieces::Located;

/// Largest simple signing payload, in bytes; one has a few hundred.
const SIMPLE_SIGNING_BYTES: u64 = 1 << 20;

impl Gatherer<'_> {
    pub(super) async fn fetch(
        &self,
        places: &Places<'_>,
        located: Vec<Lying>,
        budget: Budget,
    ) -> Vec<Supplied> {
        let mut bytes = budget.bytes;
        let mut supplied = Vec::new();
        let mut wanted = Vec::new();
        for lying in merged(located) {
            let size = lying.piece.layer.size;
            if wanted.len() >= budget.pieces || size > bytes {
                let cause = Cause {
                    class: CauseClass::Budget,
                    source: named(places, &lying),
                    detail: format!(
                        "piece `{}` is beyond what one decision takes in",
                        lying.piece.layer.digest
                    ),
                };
                supplied.push(Supplied::Missing(lying.source, cause));
                continue;
            }
            bytes -= size;
            wanted.push(lying);
        }
        let alone = wanted.len() == 1;
        supplied.extend(
            stream::iter(wanted)
                .map(|lying| async move { self.one(places, lying, alone).await })
                .buffered(self.parallel)
                .collect::<Vec<Supplied>>()
                .await,
        );
        supplied
    }

    async fn one(&self, places: &Places<'_>, lying: Lying, alone: bool) -> Supplied {
        // Many large pieces at once would add up; they wait for each other.
        let units = lying
            .piece
            .layer
            .size
            .min(self.limits.bundle_bytes)
            .div_ceil(FLIGHT_UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let _flight = self.flight.acquire_many(units).await.ok();
        let mut first = None;
        for store in lying
            .stores
            .iter()
            .filter_map(|index| places.stores.get(*index))
        {
            match self.blob(*store, &lying.piece).await {
                Ok(bytes) => {
                    let mut piece = lying.piece;
                    piece.origin.repository = Some(store.name());
                    let keeps = self.prover.keeps_bytes;
                    let unverified = unverified(&piece, bytes, keeps, &self.limits);
                    return match self.prover.prove(unverified, alone).await {
                        Some(proven) => Supplied::Piece(Box::new(proven)),
                        None => Supplied::Missing(lying.source, not_proven(store.name())),
                    };
                }
                Err(trouble) => {
                    first.get_or_insert_with(|| self.listed(*store, trouble, &lying.piece.layer));
                }
            }
        }
        let cause = first.unwrap_or_else(|| not_proven(named(places, &lying)));
        Supplied::Missing(lying.source, cause)
    }

    async fn blob(&self, store: &dyn Store, piece: &Located) -> Result<Bytes, Trouble> {
        let simple = matches!(
            piece.origin.form,
            StorageForm::SignatureTag | StorageForm::SignatureReferrer
        );
        if !simple {
            let cap = match piece.origin.form {
                StorageForm::NotationReferrer => self.limits.notation_bytes,
                _ => self.limits.bundle_bytes,
            };
            return self.patient(store.blob(&piece.layer, cap)).await;
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
            .patient(store.blob(&piece.layer, SIMPLE_SIGNING_BYTES))
            .await?;
        self.payloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(piece.layer.digest, bytes.clone());
        Ok(bytes)
    }
}

/// The pieces, each once: equal content in an equal form is one piece, wherever it lies. The annotations of a layer hold the signature,
/// so that two signatures over one payload stay two.
fn merged(located: Vec<Lying>) -> Vec<Lying> {
    type Key = (Digest, StorageForm, BTreeMap<String, String>);
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut merged: Vec<Lying> = Vec::with_capacity(located.len());
    for lying in located {
        let key = (
            lying.piece.layer.digest,
            lying.piece.origin.form,
            lying.piece.layer.annotations.clone(),
        );
        let place = *known.entry(key).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(same) => same.stores.extend(lying.stores),
            None => merged.push(lying),
        }
    }
    merged
}

fn named(places: &Places<'_>, lying: &Lying) -> String {
    let first = lying
        .stores
        .first()
        .and_then(|index| places.stores.get(*index));
    first.map_or_else(|| "the evidence".to_owned(), |store| store.name())
}

/// Reads a piece by its form; whole garbage is rejected, which is evidence that does not suffice.
fn unverified(
    piece: &Located,
    bytes: Bytes,
    keeps_bytes: bool,
    limits: &Limits,
) -> Result<Unverified, Rejected> {
    let origin = piece.origin.clone();
    match origin.form {
        StorageForm::SignatureTag | StorageForm::SignatureReferrer => {
            Unverified::simple_signing(bytes, &piece.layer.annotations, origin, limits)
        }
        StorageForm::AttestationTag | StorageForm::DsseReferrer => {
            Unverified::dsse(bytes, &piece.layer.annotations, origin, limits)
        }
        StorageForm::NotationReferrer => Ok(Unverified::notation(bytes, origin, limits)),
        _ if keeps_bytes => Unverified::bundle(bytes, origin, limits),
        // A large one takes half the memory so, and of several that are proven only the payloads stay until the decision.
        _ => Unverified::bundle_in_place(bytes, origin, limits),
    }
}
