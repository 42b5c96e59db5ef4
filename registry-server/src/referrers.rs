//! Listing referrers: every stored manifest whose `subject` is a digest.

use std::{collections::HashSet, io};

use countersign_formats::{Digest, media_types};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use serde_json::{Value, json};

use crate::{
    blocking::blocking,
    body::Body,
    refusal::Refusal,
    route::{Query, encoded},
    service::Service,
};

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
/// A page ends before it has more bytes: clients read pages of 4 MiB.
const PAGE_BYTES: usize = 3 << 20;

impl Service {
    /// Entries come in the order in which they were pushed, so that whoever may push cannot push an early signature out of the
    /// part of the list that readers take.
    pub(crate) async fn list_referrers(
        &self,
        name: &str,
        subject: Digest,
        query: &Query,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        let count = query.page(self.options().caps.referrers_page)?.max(1);
        let wanted: HashSet<String> = query.all("artifactType").map(str::to_owned).collect();
        let filtered = !wanted.is_empty();
        // A repository that does not exist has no referrers; the API never answers 404.
        let found = match self.existing_or_none(name).await? {
            Some(layout) => {
                let (known, limits) = (self.known(), self.limits().clone());
                blocking(move || {
                    let storage = |error: io::Error| Refusal::io("cannot read referrers", &error);
                    let mut seen = HashSet::new();
                    let mut found: Vec<(Digest, Value)> = Vec::new();
                    for entry in layout.index().map_err(storage)?.entries() {
                        if !seen.insert(entry.digest) {
                            continue;
                        }
                        let Some(facts) =
                            known.of(&layout, &entry.digest, &limits).map_err(storage)?
                        else {
                            continue;
                        };
                        let matches = facts.subject == Some(subject)
                            && (!filtered
                                || facts
                                    .artifact_type
                                    .as_ref()
                                    .is_some_and(|found| wanted.contains(found)));
                        if matches {
                            found.push((entry.digest, facts.descriptor(&entry.digest, entry.size)));
                        }
                    }
                    Ok(found)
                })
                .await?
            }
            None => Vec::new(),
        };
        let last = query
            .first("last")
            .and_then(|last| Digest::parse(last).ok());
        // When the last entry of the page before was deleted, the list begins again: what is listed twice does no harm.
        let start = last
            .and_then(|last| found.iter().position(|(digest, _)| *digest == last))
            .map_or(0, |place| place + 1);
        let (mut page, mut bytes, mut end) = (Vec::new(), 0, None);
        let mut rest = found.into_iter().skip(start).peekable();
        while let Some((digest, descriptor)) = rest.next() {
            bytes += descriptor.to_string().len() + 1;
            page.push(descriptor);
            let next = rest.peek().map(|(_, next)| next.to_string().len());
            if next.is_some_and(|next| page.len() >= count || bytes + next > PAGE_BYTES) {
                end = Some(digest);
                break;
            }
        }
        let document =
            json!({ "schemaVersion": 2, "mediaType": media_types::OCI_INDEX, "manifests": page });
        let mut response = self.json(&document, media_types::OCI_INDEX, headers);
        if filtered {
            response
                .headers_mut()
                .insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        if let Some(end) = end {
            let filter: String = query
                .all("artifactType")
                .map(|wanted| format!("&artifactType={}", encoded(wanted)))
                .collect();
            let link = format!(
                "</v2/{name}/referrers/{subject}?n={count}&last={end}{filter}>; rel=\"next\""
            );
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    }
}
