//! The `Link` header that leads from page to page (RFC 8288).

use reqwest::header::{HeaderMap, LINK};

/// The target of the first link with `rel="next"`.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).iter().take(8);
    values
        .filter_map(|value| value.to_str().ok())
        .find_map(next_of)
}

fn next_of(mut text: &str) -> Option<String> {
    // link-value = "<" URI-Reference ">" *( ";" parameter ), several with commas between; a URI may hold commas itself.
    while let Some((_, rest)) = text.split_once('<') {
        let (target, rest) = rest.split_once('>')?;
        let (parameters, rest) = rest.split_once('<').map_or((rest, ""), |(before, _)| {
            (before, rest.get(before.len()..).unwrap_or_default())
        });
        if parameters.split([';', ',']).any(is_next) {
            return Some(target.to_owned());
        }
        text = rest;
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let value = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && value
            .split_ascii_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn the_next_page_is_found() {
        for (text, target) in [
            (
                r#"</v2/a/tags/list?n=2&last=b>; rel="next""#,
                "/v2/a/tags/list?n=2&last=b",
            ),
            ("<x>;rel=next", "x"),
            (
                r#"<p>; rel="prev", <n,1>; title="a"; rel="last next""#,
                "n,1",
            ),
            (r#"<https://evil.test/>; REL="NEXT""#, "https://evil.test/"),
        ] {
            assert_eq!(next_of(text).as_deref(), Some(target), "{text}");
        }
    }

    #[test]
    fn other_links_and_odd_text_are_no_next_page() {
        for text in [
            "",
            "<",
            "<x",
            "<x>",
            r#"<x>; rel="prev""#,
            "x; rel=next",
            "<<<>>>",
        ] {
            assert_eq!(next_of(text), None, "{text}");
        }
    }
}
