//! GitHub's workflows in the words of their users, as claims of a certificate.

use std::collections::BTreeMap;

use crate::claims::CertificateClaim;
use crate::error::shown;
use crate::glob;
use crate::pattern::{Pattern, PatternError};

/// The issuer of the identity tokens that GitHub's workflows get.
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Where repositories of that issuer are.
pub(crate) const SERVER: &str = "https://github.com/";

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
        let mut claims = BTreeMap::new();
        if let Some(repository) = &self.repository {
            check_repository(repository)?;
            let parts = [Part::Literal(SERVER), Part::Pattern(repository)];
            claims.insert(CertificateClaim::SourceRepositoryUri, joined(&parts)?);
        }
        if let Some(workflow) = &self.workflow {
            let repository = self
                .repository
                .as_ref()
                .map_or(Part::Glob("*/*"), Part::Pattern);
            let folder = if workflow.as_str().contains('/') {
                "/"
            } else {
                "/.github/workflows/"
            };
            // A workflow's file may have an `@` in its name; it has no `/`, so what follows is the ref.
            let parts = [
                Part::Literal(SERVER),
                repository,
                Part::Literal(folder),
                Part::Pattern(workflow),
                Part::Glob("@refs/**"),
            ];
            claims.insert(CertificateClaim::BuildConfigUri, joined(&parts)?);
        }
        for (claim, pattern) in [
            (CertificateClaim::SourceRepositoryRef, &self.git_ref),
            (CertificateClaim::BuildTrigger, &self.trigger),
            (CertificateClaim::SourceRepositoryDigest, &self.sha),
        ] {
            if let Some(pattern) = pattern {
                claims.insert(claim, pattern.clone());
            }
        }
        Ok(claims)
    }
}

/// Whether GitHub's own service issued the token; an enterprise may have a path of its own below it.
pub(crate) fn is_issuer(issuer: &str) -> bool {
    issuer
        .strip_prefix(GITHUB_ISSUER)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_repository(repository: &Pattern) -> Result<(), PatternError> {
    let text = repository.as_str();
    let fits = match repository.kind() {
        "exact" => text.split_once('/').is_some_and(|(owner, name)| {
            !owner.is_empty() && !name.is_empty() && !name.contains('/')
        }),
        "glob" => text.contains('/') && !text.starts_with('/') && !text.contains("://"),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    Err(PatternError::NotARepository {
        pattern: shown(text),
    })
}

/// A part of a text, and what it must be.
pub(crate) enum Part<'a> {
    Literal(&'a str),
    Glob(&'a str),
    Pattern(&'a Pattern),
}

/// One pattern for texts that consist of a text for each part.
pub(crate) fn joined(parts: &[Part<'_>]) -> Result<Pattern, PatternError> {
    let kind = |part: &Part<'_>| match part {
        Part::Literal(_) => "exact",
        Part::Glob(_) => "glob",
        Part::Pattern(pattern) => pattern.kind(),
    };
    let text = |part: &Part<'_>| match part {
        Part::Literal(text) | Part::Glob(text) => (*text).to_owned(),
        Part::Pattern(pattern) => pattern.as_str().to_owned(),
    };
    let is = |wanted: &str| parts.iter().any(|part| kind(part) == wanted);
    // In a glob a star that is meant as itself cannot be written.
    let stars = parts
        .iter()
        .any(|part| kind(part) == "exact" && text(part).contains('*'));
    let whole: String = parts.iter().map(text).collect();
    if !is("regex") && !is("glob") {
        return Pattern::exact(&whole);
    }
    if !is("regex") && !stars {
        return Pattern::glob(&whole);
    }
    let expression: String = parts
        .iter()
        .map(|part| match kind(part) {
            "exact" => regex::escape(&text(part)),
            "glob" => glob::expression(&text(part)),
            _ => {
                let text = text(part);
                let inner = text.strip_prefix('^').unwrap_or(&text);
                format!("(?:{})", inner.strip_suffix('$').unwrap_or(inner))
            }
        })
        .collect();
    Pattern::regex(&format!("^{expression}$"))
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
