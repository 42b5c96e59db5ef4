//! Image pull secrets of Kubernetes: logins that a tenant wrote, read without a file and without starting anything.

use std::cmp::Reverse;

use serde_json::{Map, Value};

use super::config_file::ConfigFile;
use super::{Credential, hosts};
use crate::error::StoreError;

/// Largest secret that is read, in bytes; Kubernetes stores at most 1 MiB.
const SECRET_BYTES: usize = 1 << 20;
/// What errors call a secret.
const NAME: &str = "image pull secret";

/// A login of a secret and what it is for.
pub(super) struct Entry {
    /// The registry's name, in which `*` and `?` stand for a part of one label.
    host: String,
    path: String,
    credential: Credential,
}

/// Reads a secret: `.dockerconfigjson` with `auths`, or the older `.dockercfg`, which is such a list itself. Credential helpers that it
/// names are passed over: they would be programs of the machine that reads it, chosen by whoever wrote it.
pub(super) fn read(secret: &[u8]) -> Result<Vec<Entry>, StoreError> {
    if secret.len() > SECRET_BYTES {
        return Err(StoreError::local(
            NAME,
            format!("it is over the limit of {SECRET_BYTES} bytes"),
        ));
    }
    // The parser's own words could show a part of a password.
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(secret) else {
        return Err(StoreError::local(NAME, "it is not a JSON object"));
    };
    let auths: Map<String, Value> = match members.get("auths") {
        Some(Value::Object(auths)) => auths.clone(),
        Some(_) => return Err(StoreError::local(NAME, "its `auths` is not a JSON object")),
        // A configuration without logins has helpers only; the older form has registries only.
        None if members.contains_key("credHelpers") || members.contains_key("credsStore") => {
            Map::new()
        }
        None => members,
    };
    let file = ConfigFile::without_file(NAME);
    let mut entries = Vec::new();
    for (key, entry) in &auths {
        if let Some(credential) = file.credential(key, entry)? {
            let (host, path) = hosts::canonical_key(key);
            entries.push(Entry {
                host,
                path,
                credential,
            });
        }
    }
    Ok(entries)
}

/// The login for a repository: of those that cover it one for the registry by its whole name, then the one for the longest path.
pub(super) fn find<'a>(
    entries: &'a [Entry],
    host: &str,
    repository: &str,
) -> Option<&'a Credential> {
    entries
        .iter()
        .filter(|entry| host_matches(&entry.host, host) && hosts::covers(&entry.path, repository))
        .min_by_key(|entry| (entry.host != host, Reverse(entry.path.len())))
        .map(|entry| &entry.credential)
}

/// Whether a pattern names a host: port and number of labels must be the same, so that `*.example` is not `a.b.example`.
fn host_matches(pattern: &str, host: &str) -> bool {
    let split = |text: &str| match text.rsplit_once(':') {
        Some((name, port)) => (name.to_owned(), Some(port.to_owned())),
        None => (text.to_owned(), None),
    };
    let ((pattern, pattern_port), (host, port)) = (split(pattern), split(host));
    let labels = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (pattern, host) = (labels(&pattern), labels(&host));
    pattern_port == port
        && pattern.len() == host.len()
        && pattern
            .iter()
            .zip(&host)
            .all(|(pattern, label)| label_matches(pattern.as_bytes(), label.as_bytes()))
}

/// `*` is any number of characters, `?` is one. In time that is linear in both: a pattern comes from a tenant.
fn label_matches(pattern: &[u8], label: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while seen < label.len() {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at + 1, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || Some(byte) == label.get(seen) => {
                at += 1;
                seen += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    at = after;
                    seen = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{find, host_matches, read};
    use crate::keychain::Credential;

    fn user(secret: &str, host: &str, repository: &str) -> Option<String> {
        let entries = read(secret.as_bytes()).unwrap();
        match find(&entries, host, repository)? {
            Credential::Basic { username, .. } => Some(username.clone()),
            Credential::IdentityToken(_) => Some("identity".to_owned()),
            Credential::RegistryToken(_) => Some("token".to_owned()),
        }
    }

    #[test]
    fn both_forms_are_read_and_the_longest_path_wins() {
        let secret = r#"{"auths":{"ghcr.io":{"username":"a","password":"x"},"ghcr.io/acme":{"username":"b","password":"x"},"ghcr.io/acme/app":{"auth":"Yzp4"}}}"#;
        assert_eq!(user(secret, "ghcr.io", "other/app").as_deref(), Some("a"));
        assert_eq!(user(secret, "ghcr.io", "acme/db").as_deref(), Some("b"));
        assert_eq!(user(secret, "ghcr.io", "acme/app").as_deref(), Some("c"));
        assert_eq!(user(secret, "ghcr.io.evil.example", "acme/app"), None);
        let old = r#"{"https://index.docker.io/v1/":{"auth":"YTp4","email":"a@acme.example"}}"#;
        assert_eq!(
            user(old, "docker.io", "library/alpine").as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_pattern_is_for_as_many_labels_as_it_has() {
        for (pattern, host) in [
            ("*.azurecr.io", "acme.azurecr.io"),
            ("reg-?.example", "reg-1.example"),
            ("*.*.example:5000", "a.b.example:5000"),
            ("a*c.example", "abbc.example"),
        ] {
            assert!(host_matches(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("*.example", "a.b.example"),
            ("*.example", "example"),
            ("*.example", "a.example:5000"),
            ("*", "a.example"),
            ("a*c.example", "abbd.example"),
        ] {
            assert!(!host_matches(pattern, host), "{pattern} {host}");
        }
        let long = "a".repeat(200);
        assert!(!host_matches(&"*a".repeat(60), &format!("{long}b")));
    }

    /// A tenant's secret must not choose programs of the machine that reads it.
    #[test]
    fn helpers_in_a_secret_are_passed_over() {
        let secret = r#"{"credsStore":"evil","credHelpers":{"ghcr.io":"evil"},"auths":{"ghcr.io":{"username":"a","password":"x"}}}"#;
        assert_eq!(user(secret, "ghcr.io", "acme/app").as_deref(), Some("a"));
        assert_eq!(
            user(
                r#"{"credHelpers":{"ghcr.io":"evil"}}"#,
                "ghcr.io",
                "acme/app"
            ),
            None
        );
    }

    #[test]
    fn a_broken_secret_is_an_error_that_shows_nothing_of_it() {
        for secret in [
            "",
            "[]",
            "{\"auths\":1}",
            "{\"auths\":{\"a\":{\"auth\":\"hunter2!\"}}}",
            "{\"auths\":{\"a\":{\"auth\":\"hunter2",
        ] {
            let error = read(secret.as_bytes()).err().unwrap();
            assert_eq!(error.code(), "file-unusable");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
