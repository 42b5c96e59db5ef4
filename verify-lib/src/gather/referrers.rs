//! Evidence in the manifests that stores list as referrers of the subject.

use std::collections::HashMap;

use countersign_formats::{
    Descriptor, Digest, Manifest, media_types, predicate_types::COSIGN_SIGN,
};
use countersign_policy::{Budget, Cause, CauseClass, Interest, SourceKind, Supplied, Unusable};
use countersign_proof::StorageForm;
use countersign_registry::{ListedVia, Resolved, Store, StoreError};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;

use super::heard::Heard;
use super::trouble::Trouble;
use super::{Gatherer, Places, Sorted, origin};
use crate::pieces::{Found, Hint, Located, hint, pieces};

/// A referrer with the stores that list it.
pub(super) struct Listed {
    descriptor: Descriptor,
    /// Whether it may help, by what any of the stores says of it.
    helps: bool,
    /// Their places in [`Places::stores`].
    stores: Vec<(usize, ListedVia)>,
}

/// What came of one listed manifest.
enum Opened {
    Pieces(Vec<Located>, Vec<usize>),
    Unusable(Box<Unusable>),
    Missing(Cause),
    Nothing,
}

impl<'a> Gatherer<'a> {
    /// The referrers that the stores list, each once however many list it.
    pub(super) async fn referrers(
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
        let sorted = self
            .open(places, source, likely, interest, &mut supplied)
            .await;
        self.put_aside(unlikely, sorted.unlikely);
        supplied.extend(self.fetch(places, sorted.likely, budget).await);
        heard.supply(source, self.prover.now, &mut supplied);
        supplied
    }

    /// Reads the manifests of referrers: the pieces that may help, and those that by their own hint do not.
    pub(super) async fn open(
        &self,
        places: &Places<'a>,
        source: SourceKind,
        listed: Vec<Listed>,
        interest: &Interest,
        supplied: &mut Vec<Supplied>,
    ) -> Sorted {
        let opened: Vec<Opened> = stream::iter(listed)
            .map(|listed| async move { self.referrer(places, &listed).await })
            .buffered(self.parallel)
            .collect()
            .await;
        let mut sorted = Sorted::default();
        for opened in opened {
            match opened {
                Opened::Pieces(located, stores) => {
                    sorted.add(located, source, &stores, interest);
                }
                Opened::Unusable(unusable) => supplied.push(Supplied::Unusable(unusable)),
                Opened::Missing(cause) => supplied.push(Supplied::Missing(source, cause)),
                Opened::Nothing => {}
            }
        }
        sorted
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
