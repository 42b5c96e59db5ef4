//! Repositories that are reached at another place than their name says: air gaps and pull-through registries.

use std::fmt;

use countersign_formats::RegistryReference;

/// Everything below one name is reached below another; the name that people and policies see stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// `ghcr.io` or `ghcr.io/acme`.
    name: Place,
    /// `mirror.example:5000` or `mirror.example:5000/ghcr`.
    location: Place,
}

/// A registry, and whole leading parts of a repository's path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    registry: String,
    path: String,
}

/// Why a mirror cannot be used as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorError {
    text: String,
}

impl fmt::Display for MirrorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a mirror: write `NAME[/PATH]=HOST[:PORT][/PATH]`",
            countersign_formats::clipped(&self.text, 256)
        )
    }
}

impl std::error::Error for MirrorError {}

impl Mirror {
    /// Reads `NAME[/PATH]=HOST[:PORT][/PATH]`.
    ///
    /// # Errors
    /// When one side is not the beginning of a repository's name.
    pub fn parse(text: &str) -> Result<Self, MirrorError> {
        let refused = || MirrorError {
            text: text.to_owned(),
        };
        let (name, location) = text.split_once('=').ok_or_else(refused)?;
        Ok(Self {
            name: Place::parse(name).ok_or_else(refused)?,
            location: Place::parse(location).ok_or_else(refused)?,
        })
    }

    /// Registry and repository where a repository is reached, if this mirror is about it.
    fn place_of(&self, registry: &str, repository: &str) -> Option<(String, String)> {
        if self.name.registry != registry {
            return None;
        }
        let rest = if self.name.path.is_empty() {
            repository
        } else {
            let rest = repository.strip_prefix(&self.name.path)?;
            // Whole parts only: `acme` does not cover `acme-tools`.
            match rest.strip_prefix('/') {
                Some(rest) => rest,
                None if rest.is_empty() => rest,
                None => return None,
            }
        };
        let parts: Vec<&str> = [self.location.path.as_str(), rest]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        (!parts.is_empty()).then(|| (self.location.registry.clone(), parts.join("/")))
    }
}

impl Place {
    /// Reads it as the reference parser would, so that a spelling that is no name is none here.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('/');
        let (registry, path) = text.split_once('/').unwrap_or((text, ""));
        let probe = if path.is_empty() {
            format!("{registry}/x")
        } else {
            text.to_owned()
        };
        let parsed = match countersign_formats::Reference::parse(&format!("{probe}:x")).ok()? {
            countersign_formats::Reference::Registry(parsed) => parsed,
            _ => return None,
        };
        // `acme/app` would be read as a repository of Docker Hub: a mirror names its registry.
        if parsed.registry() != registry
            && !(registry == "docker.io" || registry == "index.docker.io")
        {
            return None;
        }
        let path = if path.is_empty() {
            String::new()
        } else {
            parsed.repository().to_owned()
        };
        Some(Self {
            registry: parsed.registry().to_owned(),
            path,
        })
    }
}

/// Registry and repository where a reference is reached: by the mirror whose name is longest, else as it says.
pub(super) fn place_of(reference: &RegistryReference, mirrors: &[Mirror]) -> (String, String) {
    let (registry, repository) = (reference.registry(), reference.repository());
    mirrors
        .iter()
        .filter_map(|mirror| {
            let place = mirror.place_of(registry, repository)?;
            Some((mirror.name.path.len(), place))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(
            || (registry.to_owned(), repository.to_owned()),
            |(_, place)| place,
        )
}

#[cfg(test)]
mod tests {
    use super::{Mirror, place_of};
    use countersign_formats::Reference;

    fn place(reference: &str, mirrors: &[&str]) -> String {
        let mirrors: Vec<Mirror> = mirrors
            .iter()
            .map(|text| Mirror::parse(text).unwrap())
            .collect();
        let Reference::Registry(reference) = Reference::parse(reference).unwrap() else {
            panic!("{reference}")
        };
        let (registry, repository) = place_of(&reference, &mirrors);
        format!("{registry}/{repository}")
    }

    #[test]
    fn the_longest_name_decides_and_covers_whole_parts() {
        let mirrors = ["ghcr.io=10.0.0.1:5000/ghcr", "ghcr.io/acme=10.0.0.2:5000"];
        assert_eq!(
            place("ghcr.io/other/app", &mirrors),
            "10.0.0.1:5000/ghcr/other/app"
        );
        assert_eq!(place("ghcr.io/acme/app", &mirrors), "10.0.0.2:5000/app");
        assert_eq!(
            place("ghcr.io/acme-tools/app", &mirrors),
            "10.0.0.1:5000/ghcr/acme-tools/app"
        );
        assert_eq!(place("quay.io/acme/app", &mirrors), "quay.io/acme/app");
        assert_eq!(
            place("alpine", &["docker.io=10.0.0.1:5000"]),
            "10.0.0.1:5000/library/alpine"
        );
    }

    #[test]
    fn what_is_no_mirror_is_refused() {
        for text in [
            "ghcr.io",
            "=x.example",
            "ghcr.io=",
            "acme/app=mirror.example",
            "ghcr.io=https://mirror.example",
            "ghcr.io=mirror.example/UPPER",
            "oci:a=b.example",
        ] {
            assert!(Mirror::parse(text).is_err(), "{text}");
        }
    }
}
