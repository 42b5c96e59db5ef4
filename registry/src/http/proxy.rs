//! What the environment says of proxies, as far as the HTTP client leaves that to us.

use reqwest::Url;

/// The variable that names a proxy for such a URL: only its name, for what it holds may be a login.
pub(super) fn named_for(url: &Url) -> Option<&'static str> {
    let variables = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    if is_for_nobody() {
        return None;
    }
    variables.into_iter().find(|name| is_set(name))
}

/// `NO_PROXY=*`: the client takes that for names only, and registries are reached by addresses as well.
pub(super) fn is_for_nobody() -> bool {
    ["NO_PROXY", "no_proxy"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .any(|value| value.split(',').any(|one| one.trim() == "*"))
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
