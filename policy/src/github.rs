//! GitHub's workflows in the words of their users, as claims of a certificate.

use std::collections::BTreeMap;

use crate::build::{Build, is_path};
use crate::claims::CertificateClaim;
use crate::error::shown;
use crate::pattern::{Pattern, PatternError};

/// The issuer of the identity tokens that GitHub's workflows get.
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Where repositories of that issuer are.
pub const SERVER: &str = "https://github.com/";

/// A workflow of a repository on github.com; what is not given may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GithubWorkflow {
    /// The repository that the workflow ran for: `owner/name`.
    pub repository: Option<Pattern>,
    /// The ref that it ran on, such as `refs/tags/v*`.
    pub git_ref: Option<Pattern>,
    /// The workflow that was started: the name of a file, or its path in the repository.
    pub workflow: Option<Pattern>,
    /// The event that started it, such as `push`.
    pub trigger: Option<Pattern>,
    /// The commit that it ran on, in hexadecimal.
    pub sha: Option<Pattern>,
}

impl GithubWorkflow {
    /// What a certificate must claim.
    ///
    /// # Errors
    ///
    /// [`PatternError::NotARepository`], and [`PatternError::TooLong`] or [`PatternError::BadRegex`] when what the parts
    /// make together is too much.
    pub fn claims(&self) -> Result<BTreeMap<CertificateClaim, Pattern>, PatternError> {
        if let Some(repository) = &self.repository {
            check_repository(repository)?;
        }
        let folder = match &self.workflow {
            Some(workflow) if !workflow.as_str().contains('/') => "/.github/workflows/",
            _ => "/",
        };
        Build {
            server: SERVER,
            repository: self.repository.as_ref(),
            any_repository: "*/*",
            config: self.workflow.as_ref().map(|workflow| (folder, workflow)),
            git_ref: self.git_ref.as_ref(),
            trigger: self.trigger.as_ref(),
            sha: self.sha.as_ref(),
        }
        .claims()
    }
}

/// Whether GitHub's own service issued the token; an enterprise may have a path of its own below it.
pub(crate) fn is_issuer(issuer: &str) -> bool {
    issuer
        .strip_prefix(GITHUB_ISSUER)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_repository(repository: &Pattern) -> Result<(), PatternError> {
    let owned = |text: &str| {
        text.split_once('/').is_some_and(|(owner, name)| {
            !owner.is_empty() && !name.is_empty() && !name.contains('/')
        })
    };
    if is_path(repository, owned) {
        return Ok(());
    }
    Err(PatternError::NotARepository {
        pattern: shown(repository.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateClaim::{
        BuildConfigUri, BuildTrigger, SourceRepositoryDigest, SourceRepositoryRef,
        SourceRepositoryUri,
    };

    fn claims(repository: &str, workflow: &str) -> BTreeMap<CertificateClaim, Pattern> {
        let parsed = |text: &str| (!text.is_empty()).then(|| Pattern::parse(text).unwrap());
        GithubWorkflow {
            repository: parsed(repository),
            workflow: parsed(workflow),
            ..GithubWorkflow::default()
        }
        .claims()
        .unwrap()
    }

    #[test]
    fn the_words_of_users_become_claims() {
        let pattern = |text: &str| Some(Pattern::parse(text).unwrap());
        let claims = GithubWorkflow {
            repository: pattern("acme/app"),
            git_ref: pattern("refs/tags/v*"),
            workflow: pattern("release.yml"),
            trigger: pattern("push"),
            sha: pattern("4a1f"),
        }
        .claims()
        .unwrap();
        let written: Vec<(CertificateClaim, &str, &str)> = claims
            .iter()
            .map(|(claim, pattern)| (*claim, pattern.kind(), pattern.as_str()))
            .collect();
        assert_eq!(
            written,
            [
                (SourceRepositoryUri, "exact", "https://github.com/acme/app"),
                (SourceRepositoryDigest, "exact", "4a1f"),
                (SourceRepositoryRef, "glob", "refs/tags/v*"),
                (
                    BuildConfigUri,
                    "glob",
                    "https://github.com/acme/app/.github/workflows/release.yml@refs/**"
                ),
                (BuildTrigger, "exact", "push"),
            ]
        );
    }

    #[test]
    fn a_workflow_belongs_to_the_repository_and_its_file_is_compared_whole() {
        let main = |file: &str| {
            format!("https://github.com/acme/app/.github/workflows/{file}@refs/heads/main")
        };
        for workflow in [
            "release.yml",
            ".github/workflows/release.yml",
            "^release\\.ya?ml$",
        ] {
            let claims = claims("acme/app", workflow);
            let config = &claims[&BuildConfigUri];
            assert!(config.matches(&main("release.yml")), "{workflow}");
            for other in ["xrelease.yml", "release.ymlx", "release.yml@x.yml"] {
                assert!(!config.matches(&main(other)), "{workflow}: {other}");
            }
            let elsewhere = main("release.yml").replace("acme/app", "acme/apps");
            assert!(!config.matches(&elsewhere), "{workflow}");
        }
        let anywhere = &claims("", "release.yml")[&BuildConfigUri];
        assert!(anywhere.matches(&main("release.yml")));
    }

    #[test]
    fn globs_and_expressions_stay_whole_when_they_are_put_together() {
        let glob = &claims("acme/*", "")[&SourceRepositoryUri];
        assert!(glob.matches("https://github.com/acme/app"));
        assert!(!glob.matches("https://github.com/acme/app/fork"));
        assert!(!glob.matches("https://github.com/acmes/app"));
        let either = claims("^acme/(app|db)$", "re*.yml");
        assert!(either[&SourceRepositoryUri].matches("https://github.com/acme/db"));
        assert!(!either[&SourceRepositoryUri].matches("https://githubXcom/acme/db"));
        let config = &either[&BuildConfigUri];
        assert!(
            config.matches("https://github.com/acme/db/.github/workflows/release.yml@refs/tags/v1")
        );
        assert!(
            !config
                .matches("https://github.com/acme/db/.github/workflows/a/release.yml@refs/tags/v1")
        );
        assert!(
            !config
                .matches("https://github.com/acme/web/.github/workflows/release.yml@refs/tags/v1")
        );
        // Branches bind no looser than the whole.
        let branches = &claims("^acme/app|acme/db$", "")[&SourceRepositoryUri];
        assert!(branches.matches("https://github.com/acme/db"));
        assert!(!branches.matches("acme/db"));
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for text in [
            "acme",
            "https://github.com/acme/app",
            "acme/",
            "/app",
            "acme/app/x",
            "**",
            "https://*/x",
        ] {
            let repository = GithubWorkflow {
                repository: Some(Pattern::parse(text).unwrap()),
                ..GithubWorkflow::default()
            };
            assert_eq!(
                repository.claims().unwrap_err().code(),
                "pattern-not-a-repository",
                "{text}"
            );
        }
        assert_eq!(claims("acme/app", "").len(), 1);
    }
}
