//! Listing tags.

use http::{HeaderMap, HeaderValue, Response, header};
use serde_json::json;

use crate::{
    blocking::blocking,
    body::Body,
    refusal::Refusal,
    route::{Query, encoded},
    service::Service,
};

impl Service {
    pub(crate) async fn list_tags(
        &self,
        name: &str,
        query: &Query,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        let count = query.page(self.options().caps.tags_page)?;
        let layout = self.existing(name).await?;
        let tags = blocking(move || {
            Ok(layout
                .index()
                .map_err(|error| Refusal::io("cannot read an index", &error))?
                .tags())
        })
        .await?;
        let start = query
            .first("last")
            .map_or(0, |last| tags.partition_point(|tag| tag.as_str() <= last));
        let rest = tags.get(start..).unwrap_or_default();
        let page = rest.get(..count).unwrap_or(rest);
        let mut response = self.json(
            &json!({ "name": name, "tags": page }),
            "application/json",
            headers,
        );
        if page.len() < rest.len()
            && let Some(last) = page.last()
        {
            let link = format!(
                "</v2/{name}/tags/list?n={count}&last={}>; rel=\"next\"",
                encoded(last)
            );
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    }
}
