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

/// How GitHub and GitLab write a workflow into a certificate: what stands between repository and file, and what the two are called.
const BUILDS: [(&str, &str, &str); 2] = [
    ("/.github/workflows/", "repository", "workflow"),
    ("//", "project", PIPELINE_FILE),
];

/// What the file is called that says what a pipeline of GitLab does.
const PIPELINE_FILE: &str = "pipeline file";

impl OnlyDifference {
    /// Whether the part is the file that says what a build does.
    #[must_use]
    pub fn is_build_file(&self) -> bool {
        matches!(self.part, "workflow" | PIPELINE_FILE)
    }
}

/// The parts of a build's URI (repository, file, ref), of a SPIFFE identity, of an e-mail address, or of a user name of Fulcio's
/// (`user!domain`).
fn parts(identity: &str) -> Option<Vec<(&'static str, &str)>> {
    if let Some(workload) = identity.strip_prefix("spiffe://") {
        let (domain, path) = workload.split_once('/')?;
        return Some(vec![("trust domain", domain), ("path", path)]);
    }
    if !identity.contains("://") {
        if let Some((mailbox, domain)) = identity.rsplit_once('@') {
            return Some(vec![("mailbox", mailbox), ("domain", domain)]);
        }
        let (user, domain) = identity.rsplit_once('!')?;
        return Some(vec![("user", user), ("user's domain", domain)]);
    }
    let (path, reference) = identity.rsplit_once('@')?;
    BUILDS.iter().find_map(|(mark, place, file)| {
        let scheme = path.find("://").map_or(0, |at| at + 3);
        let at = path.get(scheme..)?.find(mark)? + scheme;
        Some(vec![
            (*place, path.get(..at)?),
            (*file, path.get(at + mark.len()..)?),
            ("ref", reference),
        ])
    })
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
    fn a_workload_differs_in_trust_domain_or_path_and_a_user_in_name_or_domain() {
        for (pattern, found, part) in [
            (
                "spiffe://acme.example/ns/*/sa/builder",
                "spiffe://evil.example/ns/ci/sa/builder",
                "trust domain",
            ),
            (
                "spiffe://acme.example/ns/*/sa/builder",
                "spiffe://acme.example/ns/ci/sa/other",
                "path",
            ),
            ("bob!acme.example", "eve!acme.example", "user"),
            ("bob!acme.example", "bob!evil.example", "user's domain"),
            (
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/*",
                "https://gitlab.com/acme/app//other.yml@refs/tags/v1",
                "pipeline file",
            ),
            (
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/*",
                "https://gitlab.com/acme/fork//.gitlab-ci.yml@refs/tags/v1",
                "project",
            ),
        ] {
            let only = difference(pattern, found);
            assert_eq!(only.map(|only| only.0), Some(part), "{found}");
        }
        // Of different make: nothing that one part could be.
        for (pattern, found) in [
            ("bob!acme.example", "bob@acme.example"),
            ("spiffe://acme.example/bob", "https://acme.example/bob"),
            ("spiffe://acme.example", "spiffe://acme.example/bob"),
        ] {
            assert_eq!(difference(pattern, found), None, "{found}");
        }
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
