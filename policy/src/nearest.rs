//! Says in which part a name misses a pattern when it misses in one part only.

use crate::error::shown;
use crate::pattern::Pattern;

/// The one part in which a name differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyDifference {
    /// What the part is called.
    pub part: &'static str,
    /// What was expected of that part.
    pub expected: String,
    /// What the part is.
    pub found: String,
}

/// The single part of an identity that misses `expected`; `None` when there are several or the two are
/// of different make.
pub(crate) fn only_difference(expected: &Pattern, found: &str) -> Option<OnlyDifference> {
    let wanted = parts(expected.as_str())?;
    let have = parts(found)?;
    if wanted.len() != have.len() || expected.kind() == "regex" {
        return None;
    }
    let mut different = None;
    for ((part, wanted), (other, have)) in wanted.into_iter().zip(have) {
        if part != other {
            return None;
        }
        let matches = match expected.kind() {
            "glob" => Pattern::glob(wanted).is_ok_and(|pattern| pattern.matches(have)),
            _ => wanted == have,
        };
        if !matches
            && different
                .replace(OnlyDifference {
                    part,
                    expected: shown(wanted),
                    found: shown(have),
                })
                .is_some()
        {
            return None;
        }
    }
    different
}

/// The parts of a workflow's URI (repository, workflow, ref) or of an e-mail address.
fn parts(identity: &str) -> Option<Vec<(&'static str, &str)>> {
    if !identity.contains("://") {
        let (mailbox, domain) = identity.rsplit_once('@')?;
        return Some(vec![("mailbox", mailbox), ("domain", domain)]);
    }
    let (path, reference) = identity.rsplit_once('@')?;
    // GitHub's and GitLab's ways to write a workflow into a certificate.
    let (repository, workflow) = ["/.github/workflows/", "//"].iter().find_map(|mark| {
        let scheme = path.find("://").map_or(0, |at| at + 3);
        let at = path.get(scheme..)?.find(mark)? + scheme;
        Some((path.get(..at)?, path.get(at + mark.len()..)?))
    })?;
    Some(vec![
        ("repository", repository),
        ("workflow", workflow),
        ("ref", reference),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "https://github.com/acme/ci/.github/workflows/release.yml@refs/tags/v*";

    fn difference(pattern: &str, found: &str) -> Option<(&'static str, String, String)> {
        only_difference(&Pattern::parse(pattern).unwrap(), found)
            .map(|only| (only.part, only.found, only.expected))
    }

    #[test]
    fn a_ref_that_differs_alone_is_named() {
        assert_eq!(
            difference(
                RELEASE,
                "https://github.com/acme/ci/.github/workflows/release.yml@refs/heads/main"
            ),
            Some((
                "ref",
                "refs/heads/main".to_owned(),
                "refs/tags/v*".to_owned()
            ))
        );
    }

    #[test]
    fn a_repository_or_workflow_that_differs_alone_is_named() {
        assert_eq!(
            difference(
                RELEASE,
                "https://github.com/acme/fork/.github/workflows/release.yml@refs/tags/v1"
            )
            .unwrap()
            .0,
            "repository"
        );
        assert_eq!(
            difference(
                RELEASE,
                "https://github.com/acme/ci/.github/workflows/test.yml@refs/tags/v1"
            )
            .unwrap()
            .0,
            "workflow"
        );
        assert_eq!(
            difference(
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v*",
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"
            )
            .unwrap()
            .0,
            "ref"
        );
    }

    #[test]
    fn an_address_differs_in_mailbox_or_domain() {
        assert_eq!(
            difference("bob@acme.example", "eve@acme.example")
                .unwrap()
                .0,
            "mailbox"
        );
        assert_eq!(
            difference("bob@acme.example", "bob@evil.example")
                .unwrap()
                .0,
            "domain"
        );
    }

    #[test]
    fn several_differences_have_no_single_name() {
        assert_eq!(
            difference(
                RELEASE,
                "https://github.com/acme/fork/.github/workflows/test.yml@refs/tags/v1"
            ),
            None
        );
        assert_eq!(difference(RELEASE, "bob@acme.example"), None);
        assert_eq!(
            difference("^https://github\\.com/.*$", "https://gitlab.com/x"),
            None
        );
    }
}
