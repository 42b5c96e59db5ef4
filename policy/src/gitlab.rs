//! GitLab's pipelines in the words of their users, as claims of a certificate.

use std::collections::BTreeMap;

use crate::build::{Build, is_path};
use crate::claims::CertificateClaim;
use crate::error::shown;
use crate::pattern::{Pattern, PatternError};

/// The issuer of the identity tokens that pipelines on gitlab.com get; an own server is an issuer by its own address.
pub const GITLAB_ISSUER: &str = "https://gitlab.com";

/// A pipeline of a project on a GitLab server; what is not given may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabPipeline {
    /// The address of the server, which is its issuer too.
    pub server: String,
    /// The project that the pipeline ran for, with the groups that it is in: `group/project`.
    pub project: Option<Pattern>,
    /// The ref that it ran on, such as `refs/tags/v*`.
    pub git_ref: Option<Pattern>,
    /// The file in that project that says what the pipeline does, such as `.gitlab-ci.yml`.
    pub config: Option<Pattern>,
    /// What started it, such as `push`.
    pub trigger: Option<Pattern>,
    /// The commit that it ran on, in hexadecimal.
    pub sha: Option<Pattern>,
}

impl GitlabPipeline {
    /// What a certificate must claim.
    ///
    /// # Errors
    ///
    /// [`PatternError::NotAProject`], and [`PatternError::TooLong`] or [`PatternError::BadRegex`] when what the parts make
    /// together is too much.
    pub fn claims(&self) -> Result<BTreeMap<CertificateClaim, Pattern>, PatternError> {
        if let Some(project) = &self.project {
            check_project(project)?;
        }
        Build {
            server: &format!("{}/", self.server.trim_end_matches('/')),
            repository: self.project.as_ref(),
            any_repository: "**",
            config: self.config.as_ref().map(|config| ("//", config)),
            git_ref: self.git_ref.as_ref(),
            trigger: self.trigger.as_ref(),
            sha: self.sha.as_ref(),
        }
        .claims()
    }
}

/// A project is in a group, groups may be in groups, and neither has an address before it.
fn check_project(project: &Pattern) -> Result<(), PatternError> {
    let grouped = |text: &str| text.contains('/') && text.split('/').all(|part| !part.is_empty());
    if is_path(project, grouped) {
        return Ok(());
    }
    Err(PatternError::NotAProject {
        pattern: shown(project.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateClaim::{
        BuildConfigUri, BuildTrigger, SourceRepositoryRef, SourceRepositoryUri,
    };

    fn pipeline(project: &str, config: Option<&str>) -> GitlabPipeline {
        GitlabPipeline {
            server: GITLAB_ISSUER.to_owned(),
            project: Some(Pattern::parse(project).unwrap()),
            git_ref: Some(Pattern::parse("refs/tags/v*").unwrap()),
            config: config.map(|config| Pattern::parse(config).unwrap()),
            trigger: Some(Pattern::parse("push").unwrap()),
            sha: None,
        }
    }

    #[test]
    fn a_project_is_the_repository_on_its_server_and_nothing_else_is() {
        let claims = pipeline("acme/apps/shop", Some(".gitlab-ci.yml"))
            .claims()
            .unwrap();
        let (repository, config) = (&claims[&SourceRepositoryUri], &claims[&BuildConfigUri]);
        assert!(repository.matches("https://gitlab.com/acme/apps/shop"));
        for other in [
            "https://gitlab.com/acme/apps/shop2",
            "https://gitlab.com/x/acme/apps/shop",
            "https://gitlab.example/acme/apps/shop",
            "https://github.com/acme/apps/shop",
        ] {
            assert!(!repository.matches(other), "{other}");
        }
        let named = "https://gitlab.com/acme/apps/shop//.gitlab-ci.yml@refs/tags/v1";
        assert!(config.matches(named));
        for other in [
            named.replace("shop//", "shop/x//"),
            named.replace(".gitlab-ci.yml", "xgitlab-ci.yml"),
            named.replace("@refs/", "@"),
        ] {
            assert!(!config.matches(&other), "{other}");
        }
        assert!(claims[&SourceRepositoryRef].matches("refs/tags/v1"));
        assert!(claims[&BuildTrigger].matches("push"));
    }

    #[test]
    fn globs_and_own_servers_are_taken_and_addresses_are_not() {
        let mut own = pipeline("acme/**", None);
        own.server = "https://gitlab.acme.example/".to_owned();
        let claims = own.claims().unwrap();
        assert!(claims[&SourceRepositoryUri].matches("https://gitlab.acme.example/acme/a/b"));
        assert!(!claims[&SourceRepositoryUri].matches("https://gitlab.acme.example/evil/a"));
        for wrong in [
            "shop",
            "https://gitlab.com/acme/shop",
            "/acme/shop",
            "acme//shop",
            "*",
        ] {
            let error = pipeline(wrong, None).claims().unwrap_err();
            assert_eq!(error.code(), "pattern-not-a-project", "{wrong}");
        }
    }
}
