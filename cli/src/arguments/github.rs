//! The flags about workflows of GitHub, as the certificate describes them.

use clap::Args;

/// Whose workflow, and which.
#[derive(Args, Debug)]
pub(crate) struct Github {
    /// The repository on github.com that the build ran for, as the certificate says; a glob such as `acme/*` too.
    #[arg(
        long,
        value_name = "OWNER/REPO",
        env = "COUNTERSIGN_GITHUB_REPOSITORY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) github_repository: Option<String>,
    /// The ref that the build ran on, such as `refs/heads/main`; a glob such as `refs/tags/v*` too.
    #[arg(
        long,
        value_name = "REF",
        env = "COUNTERSIGN_GITHUB_REF",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) github_ref: Option<String>,
    /// The workflow that was started: its file's name, or its path in the repository; a glob too.
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERSIGN_GITHUB_WORKFLOW",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) github_workflow: Option<String>,
    /// The event that started the workflow, such as `push`; a glob too.
    #[arg(
        long,
        value_name = "EVENT",
        env = "COUNTERSIGN_GITHUB_TRIGGER",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) github_trigger: Option<String>,
    /// The commit that the build ran on; a glob too.
    #[arg(
        long,
        value_name = "COMMIT",
        env = "COUNTERSIGN_GITHUB_SHA",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) github_sha: Option<String>,
    /// The repository of the GitHub workflow, compared exactly.
    #[arg(
        long,
        value_name = "OWNER/REPO",
        env = "COUNTERSIGN_CERTIFICATE_GITHUB_WORKFLOW_REPOSITORY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_github_workflow_repository: Option<String>,
    /// The ref of the GitHub workflow, compared exactly.
    #[arg(
        long,
        value_name = "REF",
        env = "COUNTERSIGN_CERTIFICATE_GITHUB_WORKFLOW_REF",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_github_workflow_ref: Option<String>,
    /// The name of the GitHub workflow, as its file says it, compared exactly.
    #[arg(
        long,
        value_name = "NAME",
        env = "COUNTERSIGN_CERTIFICATE_GITHUB_WORKFLOW_NAME",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_github_workflow_name: Option<String>,
    /// The commit of the GitHub workflow, compared exactly.
    #[arg(
        long,
        value_name = "COMMIT",
        env = "COUNTERSIGN_CERTIFICATE_GITHUB_WORKFLOW_SHA",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_github_workflow_sha: Option<String>,
    /// The event that started the GitHub workflow, compared exactly.
    #[arg(
        long,
        value_name = "EVENT",
        env = "COUNTERSIGN_CERTIFICATE_GITHUB_WORKFLOW_TRIGGER",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_github_workflow_trigger: Option<String>,
}
