//! What the environment says of proxies, as far as the HTTP client leaves that to us.

use reqwest::Url;

use crate::error::StoreError;

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

/// Refuses a variable that is set for such URLs and names no proxy: the client would pass over it and go to the registry directly, which is
/// what whoever set it did not want.
pub(super) fn check(encrypted: bool) -> Result<(), StoreError> {
    match unusable(encrypted) {
        Some(variable) if !is_for_nobody() => Err(StoreError::Unsupported {
            store: variable.to_owned(),
            detail: "it names no proxy; write `http://HOST:PORT`, or unset it".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn unusable(encrypted: bool) -> Option<&'static str> {
    let own = match encrypted {
        true => ["HTTPS_PROXY", "https_proxy"],
        false => ["HTTP_PROXY", "http_proxy"],
    };
    [own, ["ALL_PROXY", "all_proxy"]]
        .into_iter()
        .filter_map(|names| {
            let first = |name: &&'static str| std::env::var_os(name).is_some();
            names.into_iter().find(first)
        })
        .filter(|name| is_set(name))
        .find(|name| !std::env::var(name).is_ok_and(|value| names_a_proxy(&value)))
}

fn names_a_proxy(value: &str) -> bool {
    let Ok(uri) = value.parse::<http::Uri>() else {
        return false;
    };
    let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    uri.authority().is_some()
        && uri
            .scheme_str()
            .is_none_or(|scheme| schemes.contains(&scheme))
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::names_a_proxy;

    #[test]
    fn what_the_client_would_pass_over_names_no_proxy() {
        for value in [
            "http://proxy.example:3128",
            "https://user:word@proxy.example/",
            "proxy.example:3128",
            "10.0.0.1",
            "socks5://127.0.0.1:1080",
        ] {
            assert!(names_a_proxy(value), "{value}");
        }
        for value in [
            "http://",
            "proxy.example:3128/",
            "ftp://proxy.example",
            "http://user:wo rd@proxy.example",
            "a proxy",
        ] {
            assert!(!names_a_proxy(value), "{value}");
        }
    }
}
