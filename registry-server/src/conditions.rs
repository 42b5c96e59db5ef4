//! Conditional requests (RFC 9110 §13): entity tags are quoted digests, so a matching one names the very bytes.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::refusal::{Code, Refusal};

/// What must hold for a change to be made; judged under the layout's lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Clone, Debug)]
enum Tags {
    Any,
    Listed(Vec<String>),
}

impl Conditions {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            if_match: tags(headers, &header::IF_MATCH),
            if_none_match: tags(headers, &header::IF_NONE_MATCH),
        }
    }

    /// Judges a change of what now is `current`.
    pub(crate) fn judge(&self, current: Option<&str>) -> Result<(), Refusal> {
        let matches = self.if_match.as_ref().is_none_or(|tags| tags.hold(current));
        let absent = self
            .if_none_match
            .as_ref()
            .is_none_or(|tags| !tags.hold(current));
        if matches && absent {
            return Ok(());
        }
        let refusal = Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            Code::PreconditionFailed,
            match current {
                Some(current) => format!("reference now is `{current}`"),
                None => "reference does not exist".to_owned(),
            },
        );
        Err(match current {
            Some(current) => refusal.with(header::ETAG, format!("\"{current}\"")),
            None => refusal,
        })
    }

    /// Whether a reader already has `current`.
    pub(crate) fn is_fresh(&self, current: &str) -> bool {
        self.if_none_match
            .as_ref()
            .is_some_and(|tags| tags.hold(Some(current)))
    }
}

/// The entity tag of content with this digest.
pub(crate) fn entity_tag(digest: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

impl Tags {
    fn hold(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(listed), Some(current)) => listed.iter().any(|tag| tag == current),
        }
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut listed = Vec::new();
    for value in headers.get_all(name) {
        // An unreadable condition must fail, not vanish: it stays listed as something that equals no digest.
        let value = value.to_str().unwrap_or("unreadable");
        for tag in value.split(',').map(str::trim) {
            if tag == "*" {
                return Some(Tags::Any);
            }
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            listed.push(tag.trim_matches('"').to_owned());
        }
    }
    (!listed.is_empty()).then_some(Tags::Listed(listed))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, header};

    use super::Conditions;

    fn conditions(pairs: &[(HeaderName, &str)]) -> Conditions {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), value.parse().unwrap());
        }
        Conditions::of(&headers)
    }

    #[test]
    fn a_change_needs_its_conditions() {
        let star = conditions(&[(header::IF_NONE_MATCH, "*")]);
        assert!(star.judge(None).is_ok());
        assert!(star.judge(Some("sha256:a")).is_err());
        let listed = conditions(&[(header::IF_MATCH, "\"sha256:a\", \"sha256:b\"")]);
        assert!(listed.judge(Some("sha256:b")).is_ok());
        assert!(listed.judge(Some("sha256:c")).is_err());
        assert!(listed.judge(None).is_err());
        let any = conditions(&[(header::IF_MATCH, "*")]);
        assert!(any.judge(Some("sha256:a")).is_ok());
        assert!(any.judge(None).is_err());
        assert!(conditions(&[]).judge(None).is_ok());
    }

    #[test]
    fn an_unreadable_condition_fails() {
        assert!(
            conditions(&[(header::IF_MATCH, "\"\"")])
                .judge(Some("sha256:a"))
                .is_err()
        );
        assert!(
            conditions(&[(header::IF_MATCH, "garbage")])
                .judge(Some("sha256:a"))
                .is_err()
        );
    }
}
