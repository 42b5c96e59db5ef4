//! Names of registries as credential files spell them.

/// How credential helpers and Docker's own file call Docker Hub.
pub(super) const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// One spelling per registry: lower case, without scheme and path; every name of Docker Hub is `docker.io`.
pub(super) fn canonical(registry: &str) -> String {
    canonical_key(registry).0
}

/// A key of a credential file: the registry's canonical name and the path below it (`acme/app`), empty when there is none.
pub(super) fn canonical_key(key: &str) -> (String, String) {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let host = host.to_ascii_lowercase();
    let path = path.trim_end_matches('/');
    // `https://index.docker.io/v1/` and its like name the registry's API, not a repository.
    let path = if matches!(path, "v1" | "v2") {
        ""
    } else {
        path
    };
    let host = match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" | "docker.io" => "docker.io".to_owned(),
        _ => host,
    };
    (host, path.to_owned())
}

/// The name under which a helper keeps a registry's login.
pub(super) fn helper_key(host: &str) -> &str {
    if host == "docker.io" {
        DOCKER_HUB_KEY
    } else {
        host
    }
}

/// Whether the path of a key covers a repository: all of it or whole leading parts, never a part of a name.
pub(super) fn covers(path: &str, repository: &str) -> bool {
    path.is_empty()
        || repository == path
        || repository
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{canonical, canonical_key, covers};

    #[test]
    fn all_names_of_docker_hub_are_one() {
        for name in [
            "docker.io",
            "https://index.docker.io/v1/",
            "index.docker.io",
            "registry-1.docker.io",
        ] {
            assert_eq!(canonical(name), "docker.io", "{name}");
        }
    }

    #[test]
    fn hosts_are_whole_and_keep_their_port() {
        assert_eq!(canonical("GHCR.IO"), "ghcr.io");
        assert_eq!(canonical("127.0.0.1:5000"), "127.0.0.1:5000");
        assert_ne!(canonical("ghcr.io.evil.example"), "ghcr.io");
        assert_ne!(canonical("cr.io"), "ghcr.io");
    }

    #[test]
    fn a_path_covers_whole_parts_only() {
        assert_eq!(
            canonical_key("quay.io/acme/app"),
            ("quay.io".to_owned(), "acme/app".to_owned())
        );
        assert!(covers("acme", "acme/app"));
        assert!(covers("acme/app", "acme/app"));
        assert!(!covers("acme/ap", "acme/app"));
        assert!(!covers("acme/app", "acme"));
    }
}
