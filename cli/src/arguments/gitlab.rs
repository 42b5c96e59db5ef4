//! The flags about pipelines of GitLab, as the certificate describes them.

use clap::Args;
use countersign_policy::CertificateClaim;

use super::github::{Given, given};

/// Nobody is a workflow of GitHub and a pipeline of GitLab.
const GITHUB: [&str; 10] = [
    "github_repository",
    "github_ref",
    "github_workflow",
    "github_trigger",
    "github_sha",
    "certificate_github_workflow_repository",
    "certificate_github_workflow_ref",
    "certificate_github_workflow_name",
    "certificate_github_workflow_sha",
    "certificate_github_workflow_trigger",
];

/// Whose pipeline, and which.
#[derive(Args, Debug)]
#[group(conflicts_with_all = GITHUB)]
pub(crate) struct Gitlab {
    /// The project on gitlab.com that the pipeline ran for, or on the server that `--certificate-oidc-issuer` names; a glob such as `acme/**` too.
    #[arg(
        long,
        value_name = "GROUP/PROJECT",
        env = "COUNTERSIGN_GITLAB_PROJECT",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) gitlab_project: Option<String>,
    /// The ref that the pipeline ran on, such as `refs/heads/main`; a glob such as `refs/tags/v*` too.
    #[arg(
        long,
        value_name = "REF",
        env = "COUNTERSIGN_GITLAB_REF",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) gitlab_ref: Option<String>,
    /// The file in the project that says what the pipeline does, such as `.gitlab-ci.yml`; a glob too.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_GITLAB_CONFIG",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) gitlab_config: Option<String>,
    /// What started the pipeline, such as `push` or `schedule`; a glob too.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "COUNTERSIGN_GITLAB_TRIGGER",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) gitlab_trigger: Option<String>,
    /// The commit that the pipeline ran on; a glob too.
    #[arg(
        long,
        value_name = "COMMIT",
        env = "COUNTERSIGN_GITLAB_SHA",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) gitlab_sha: Option<String>,
}

impl Gitlab {
    /// Whether any of the flags is there.
    pub(crate) fn is_given(&self) -> bool {
        !self.given().is_empty()
    }

    /// The flags that are there, the one first that says whose pipeline it is.
    pub(crate) fn given(&self) -> Vec<Given<'_>> {
        use CertificateClaim as Claim;
        given([
            (
                "--gitlab-project",
                "project",
                Claim::SourceRepositoryUri,
                &self.gitlab_project,
            ),
            (
                "--gitlab-config",
                "file of the pipeline",
                Claim::BuildConfigUri,
                &self.gitlab_config,
            ),
            (
                "--gitlab-ref",
                "ref",
                Claim::SourceRepositoryRef,
                &self.gitlab_ref,
            ),
            (
                "--gitlab-trigger",
                "trigger",
                Claim::BuildTrigger,
                &self.gitlab_trigger,
            ),
            (
                "--gitlab-sha",
                "commit",
                Claim::SourceRepositoryDigest,
                &self.gitlab_sha,
            ),
        ])
    }
}
