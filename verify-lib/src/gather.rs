//! Answers a judge's wants: lists, fetches and proves evidence from every place where it may lie, under one deadline and under caps.

mod fetch;
mod heard;
mod trouble;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{
    Descriptor, Digest, Limits, Manifest, media_types, predicate_types::COSIGN_SIGN,
};
use countersign_policy::{
    Answer, Budget, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable, Want,
};
use countersign_proof::{Origin, StorageForm};
use countersign_registry::{ListedVia, Resolved, Store, StoreError, fallback_tag};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::evidence::Evidence;
use crate::pieces::{Found, Hint, Located, hint, pieces};
use crate::pool::Prover;
use heard::Heard;
pub(crate) use trouble::class;
use trouble::{Trouble, not_proven};

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

/// A referrer with the stores that list it.
struct Listed {
    descriptor: Descriptor,
    /// Whether it may help, by what any of the stores says of it.
    helps: bool,
    /// Their places in [`Places::stores`].
    stores: Vec<(usize, ListedVia)>,
}

/// A piece of evidence with the stores that it lies in.
struct Lying {
    piece: Located,
    source: SourceKind,
    /// Their places in [`Places::stores`].
    stores: Vec<usize>,
}

/// What came of one listed manifest.
enum Opened {
    Pieces(Vec<Located>, Vec<usize>),
    Unusable(Box<Unusable>),
    Missing(Cause),
    Nothing,
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

    /// The referrers that the stores list, each once however many list it.
    async fn referrers(
        &self,
        places: &Places<'a>,
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        let source = SourceKind::BundleReferrers;
        let asked = places
            .stores
            .iter()
            .map(|store| self.patient(store.referrers(&places.digest)));
        let mut heard = Heard::of(places);
        let mut known: HashMap<Digest, usize> = HashMap::new();
        let mut listed: Vec<Listed> = Vec::new();
        let answers = places.stores.iter().zip(join_all(asked).await);
        for (index, (store, listing)) in answers.enumerate() {
            let listing = match listing {
                Ok(listing) => listing,
                Err(Trouble::Store(StoreError::NotFound { .. })) => continue,
                Err(trouble) => {
                    heard.failed(self.cause(*store, trouble));
                    continue;
                }
            };
            heard.read(listing.complete);
            for descriptor in listing.descriptors {
                let helps = helps(&descriptor, interest);
                let place = *known.entry(descriptor.digest).or_insert(listed.len());
                match listed.get_mut(place) {
                    Some(same) => {
                        same.helps |= helps;
                        same.stores.push((index, listing.via));
                    }
                    None => listed.push(Listed {
                        descriptor,
                        helps,
                        stores: vec![(index, listing.via)],
                    }),
                }
            }
        }
        let (likely, unlikely): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|listed| listed.helps);
        let mut supplied = Vec::new();
        let (located, aside) = self
            .open(places, source, likely, interest, &mut supplied)
            .await;
        self.put_aside(unlikely, aside);
        supplied.extend(self.fetch(places, located, budget).await);
        heard.supply(source, self.prover.now, &mut supplied);
        supplied
    }

    /// The layers under the legacy tags of all stores.
    async fn tags(
        &self,
        places: &Places<'a>,
        source: SourceKind,
        found: Found,
        interest: &Interest,
        budget: Budget,
    ) -> Vec<Supplied> {
        let suffix = found.suffix();
        let plain = format!("{}{suffix}", fallback_tag(&places.digest));
        let names: Vec<String> = std::iter::once(plain.clone())
            .chain(
                places
                    .tag_prefixes
                    .iter()
                    .map(|prefix| format!("{prefix}{plain}")),
            )
            .collect();
        let asked: Vec<(usize, String)> = (0..places.stores.len())
            .flat_map(|index| names.iter().map(move |name| (index, name.clone())))
            .collect();
        let answers: Vec<_> = stream::iter(asked)
            .map(|(index, name)| async move {
                let answer = match places.stores.get(index) {
                    Some(store) => self.patient(store.tag(&name)).await,
                    None => Ok(None),
                };
                (index, name, answer)
            })
            .buffered(self.parallel)
            .collect()
            .await;
        let mut heard = Heard::of(places);
        let mut supplied = Vec::new();
        let (mut likely, mut unlikely) = (Vec::new(), Vec::new());
        for (index, name, answer) in answers {
            let Some(store) = places.stores.get(index).copied() else {
                continue;
            };
            let resolved = match answer {
                Ok(Some(resolved)) => resolved,
                Ok(None) => continue,
                Err(trouble) => {
                    heard.failed(self.cause(store, trouble));
                    continue;
                }
            };
            heard.read(true);
            let origin = |form| origin(store, form, resolved.descriptor.digest);
            match tagged(&resolved.manifest, found, &name, origin) {
                Ok(located) => {
                    for piece in located {
                        let may_help = interest.likely(piece.unverified_predicate_type.as_deref());
                        let lying = Lying {
                            piece,
                            source,
                            stores: vec![index],
                        };
                        if may_help {
                            likely.push(lying);
                        } else {
                            unlikely.push(lying);
                        }
                    }
                }
                Err(unusable) => supplied.push(Supplied::Unusable(unusable)),
            }
        }
        self.put_aside(Vec::new(), unlikely);
        supplied.extend(self.fetch(places, likely, budget).await);
        heard.supply(source, self.prover.now, &mut supplied);
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
        let (more, _) = self
            .open(places, source, referrers, &everything, &mut supplied)
            .await;
        located.extend(more);
        supplied.extend(self.fetch(places, located, budget).await);
        supplied.push(Supplied::Source(source, self.read(true)));
        supplied
    }

    fn put_aside(&self, referrers: Vec<Listed>, pieces: Vec<Lying>) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.referrers.extend(referrers);
        aside.pieces.extend(pieces);
    }

    /// Reads the manifests of referrers: the pieces that may help, and those that by their own hint do not.
    async fn open(
        &self,
        places: &Places<'a>,
        source: SourceKind,
        listed: Vec<Listed>,
        interest: &Interest,
        supplied: &mut Vec<Supplied>,
    ) -> (Vec<Lying>, Vec<Lying>) {
        let opened: Vec<Opened> = stream::iter(listed)
            .map(|listed| async move { self.referrer(places, &listed).await })
            .buffered(self.parallel)
            .collect()
            .await;
        let (mut likely, mut unlikely) = (Vec::new(), Vec::new());
        for opened in opened {
            match opened {
                Opened::Pieces(located, stores) => {
                    for piece in located {
                        let may_help = interest.likely(piece.unverified_predicate_type.as_deref());
                        let lying = Lying {
                            piece,
                            source,
                            stores: stores.clone(),
                        };
                        if may_help {
                            likely.push(lying);
                        } else {
                            unlikely.push(lying);
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

    /// Reads a listed manifest from the first store that has it.
    async fn referrer(&self, places: &Places<'a>, listed: &Listed) -> Opened {
        let descriptor = &listed.descriptor;
        if matches!(
            descriptor.media_type.as_str(),
            media_types::OCI_INDEX | media_types::DOCKER_LIST
        ) {
            // No form of evidence is an index.
            return Opened::Nothing;
        }
        let mut first = None;
        for (place, (index, via)) in listed.stores.iter().enumerate() {
            let Some(store) = places.stores.get(*index) else {
                continue;
            };
            match self.patient(store.manifest(descriptor)).await {
                Ok(resolved) => {
                    // Whoever gave the manifest is asked for its blobs first.
                    let mut stores: Vec<usize> =
                        listed.stores.iter().map(|(index, _)| *index).collect();
                    stores.rotate_left(place);
                    return opened(places, *store, *via, resolved, stores);
                }
                Err(trouble) => match trouble.garbage() {
                    Some(detail) => {
                        return Opened::Unusable(Box::new(Unusable {
                            origin: origin(*store, StorageForm::BundleReferrer, descriptor.digest),
                            code: "referrer-unreadable",
                            message: format!(
                                "manifest `{}` is whole and cannot be read: {detail}",
                                descriptor.digest
                            ),
                        }));
                    }
                    None => {
                        first.get_or_insert_with(|| self.listed(*store, trouble, descriptor));
                    }
                },
            }
        }
        first.map_or(Opened::Nothing, Opened::Missing)
    }

    fn read(&self, complete: bool) -> Answer {
        Answer::Read {
            complete,
            as_of: self.prover.now,
        }
    }
}

/// Whether a listed referrer may hold what is asked for, by what the listing says.
fn helps(descriptor: &Descriptor, interest: &Interest) -> bool {
    match hint(descriptor) {
        Hint::Statement(predicate) => interest.likely(predicate),
        Hint::Signature => interest.likely(Some(COSIGN_SIGN)),
        Hint::Foreign => false,
    }
}

/// The pieces of a listed manifest, if it refers to the subject.
fn opened(
    places: &Places<'_>,
    store: &dyn Store,
    via: ListedVia,
    resolved: Resolved,
    stores: Vec<usize>,
) -> Opened {
    let digest = resolved.descriptor.digest;
    let Manifest::Image(manifest) = resolved.manifest else {
        return Opened::Nothing;
    };
    let subject = manifest.subject.as_ref().map(|subject| subject.digest);
    if subject != Some(places.digest) {
        let about = subject.map_or("nothing".to_owned(), |subject| format!("`{subject}`"));
        let message = format!("manifest `{digest}` is listed and refers to {about}");
        // The API's list is the registry's own word; the fallback tag is written by whoever may push.
        return match via {
            ListedVia::Api => Opened::Missing(Cause {
                class: CauseClass::Unreadable,
                source: store.name(),
                detail: message,
            }),
            _ => Opened::Unusable(Box::new(Unusable {
                origin: origin(store, StorageForm::BundleReferrer, digest),
                code: "referrer-of-another-subject",
                message,
            })),
        };
    }
    match pieces(&manifest, Found::Referrer, |form| {
        origin(store, form, digest)
    }) {
        Ok(located) => Opened::Pieces(located, stores),
        Err(unusable) => Opened::Unusable(unusable),
    }
}

/// The pieces under a legacy tag; a tag that holds something else is there and does not count.
fn tagged(
    manifest: &Manifest,
    found: Found,
    name: &str,
    origin: impl Fn(StorageForm) -> Origin,
) -> Result<Vec<Located>, Box<Unusable>> {
    let nothing = |holds: &str| {
        Box::new(Unusable {
            origin: origin(found.form()),
            code: "tag-without-evidence",
            message: format!("the tag `{name}` holds {holds}"),
        })
    };
    let Manifest::Image(manifest) = manifest else {
        return Err(nothing("an index"));
    };
    let located = pieces(manifest, found, &origin)?;
    if located.is_empty() {
        return Err(nothing("no signature and no attestation"));
    }
    Ok(located)
}

fn origin(store: &dyn Store, form: StorageForm, manifest: Digest) -> Origin {
    Origin {
        form,
        descriptor: None,
        manifest: Some(manifest),
        repository: Some(store.name()),
    }
}
