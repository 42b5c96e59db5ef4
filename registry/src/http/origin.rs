//! Who is who on the network: origins, and addresses that are nobody else's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Whether two URLs have the same scheme, host and port; a trailing dot or another spelling of an address is another origin.
pub(super) fn same(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Scheme, host and path for messages; a query may hold secrets and user information always does.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let query = if url.query().is_some() { "?…" } else { "" };
    countersign_formats::clipped(
        &format!("{}://{host}{port}{}{query}", url.scheme(), url.path()),
        512,
    )
}

/// Host and port as a registry is named.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether a URL names a loopback address, or `localhost`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match address(url) {
        Some(address) => address.is_loopback(),
        None => url.host_str().is_some_and(is_localhost),
    }
}

/// Whether a URL names an address inside somebody's own network, or `localhost`.
pub(super) fn is_internal(url: &Url) -> bool {
    match address(url) {
        Some(address) => is_internal_address(address),
        None => url.host_str().is_some_and(is_localhost),
    }
}

/// Whether an address is loopback, private, link-local, shared, unspecified or not an address of one host at all.
pub(super) fn is_internal_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_internal_v4(address),
        IpAddr::V6(address) => is_internal_v6(address),
    }
}

fn is_internal_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || first == 0
        // RFC 6598: shared by carriers, and by cloud providers for their metadata.
        || (first == 100 && (64..128).contains(&second))
}

fn is_internal_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_internal_v4(mapped);
    }
    let [first, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        // RFC 4193 unique local, RFC 4291 link-local.
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        // RFC 6052: an IPv4 address inside.
        || first == 0x0064
}

fn address(url: &Url) -> Option<IpAddr> {
    // The URL parser has already read decimal, octal and hexadecimal spellings.
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::{is_internal, same, shown};
    use reqwest::Url;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let registry = url("https://reg.example/v2/");
        for alike in [
            "https://reg.example:443/x",
            "https://REG.example/y",
            "https://reg.example",
        ] {
            assert!(same(&registry, &url(alike)), "{alike}");
        }
        for other in [
            "http://reg.example/",
            "https://reg.example:444/",
            "https://sub.reg.example/",
            "https://example/",
            "https://reg.example./",
            "https://reg.example.evil.test/",
            "https://10.0.0.1/",
        ] {
            assert!(!same(&registry, &url(other)), "{other}");
        }
    }

    #[test]
    fn internal_addresses_are_known_in_every_spelling() {
        for internal in [
            "http://127.0.0.1/",
            "http://127.9.9.9/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://172.16.0.1/",
            "http://100.64.0.1/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://localhost/",
            "http://a.localhost./",
        ] {
            assert!(is_internal(&url(internal)), "{internal}");
        }
        for public in [
            "http://1.1.1.1/",
            "https://ghcr.io/",
            "http://[2606:4700::1111]/",
            "https://localhost.example/",
        ] {
            assert!(!is_internal(&url(public)), "{public}");
        }
    }

    #[test]
    fn a_shown_url_has_neither_query_nor_user() {
        assert_eq!(
            shown(&url("https://user:pass@h.example:5/p/q?token=secret#f")),
            "https://h.example:5/p/q?…"
        );
    }
}
