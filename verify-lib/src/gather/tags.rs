//! Evidence in the layers under legacy tags.

use countersign_formats::Manifest;
use countersign_policy::{Budget, Interest, SourceKind, Supplied, Unusable};
use countersign_proof::{Origin, StorageForm};
use countersign_registry::fallback_tag;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::heard::Heard;
use super::{Gatherer, Places, Sorted, origin};
use crate::pieces::{Found, Located, pieces};

impl<'a> Gatherer<'a> {
    /// The layers under the legacy tags of all stores.
    pub(super) async fn tags(
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
        let mut sorted = Sorted::default();
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
                    sorted.add(located, source, &[index], interest);
                }
                Err(unusable) => supplied.push(Supplied::Unusable(unusable)),
            }
        }
        self.put_aside(Vec::new(), sorted.unlikely);
        supplied.extend(self.fetch(places, sorted.likely, budget).await);
        heard.supply(source, self.prover.now, &mut supplied);
        supplied
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
