//! The flags about workflows of GitHub, as the certificate describes them.

use clap::Args;
use countersign_policy::CertificateClaim;

/// A flag about the build that is there.
pub(crate) struct Given<'a> {
    pub(crate) flag: &'static str,
    /// What it is about, in a word.
    pub(crate) what: &'static str,
    /// What it is compared with.
    pub(crate) claim: CertificateClaim,
    pub(crate) text: &'a str,
}

/// The flags that are there.
pub(super) fn given<'a, const N: usize>(
    flags: [(
        &'static str,
        &'static str,
        CertificateClaim,
        &'a Option<String>,
    ); N],
) -> Vec<Given<'a>> {
    let there = flags.into_iter().filter_map(|(flag, what, claim, text)| {
        let text = text.as_deref()?;
        Some(Given {
            flag,
            what,
            claim,
            text,
        })
    });
    there.collect()
}

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

impl Github {
    /// The flags that are there, those first that say whose workflow it is.
    pub(crate) fn given(&self) -> Vec<Given<'_>> {
        use CertificateClaim as Claim;
        let mut all = given([
            (
                "--github-repository",
                "repository",
                Claim::SourceRepositoryUri,
                &self.github_repository,
            ),
            (
                "--github-workflow",
                "workflow",
                Claim::BuildConfigUri,
                &self.github_workflow,
            ),
            (
                "--github-ref",
                "ref",
                Claim::SourceRepositoryRef,
                &self.github_ref,
            ),
            (
                "--github-trigger",
                "trigger",
                Claim::BuildTrigger,
                &self.github_trigger,
            ),
            (
                "--github-sha",
                "commit",
                Claim::SourceRepositoryDigest,
                &self.github_sha,
            ),
        ]);
        all.extend(self.exact());
        all
    }

    /// Those of them that are compared exactly, as they are there.
    pub(crate) fn exact(&self) -> Vec<Given<'_>> {
        use CertificateClaim as Claim;
        given([
            (
                "--certificate-github-workflow-repository",
                "repository",
                Claim::GithubWorkflowRepository,
                &self.certificate_github_workflow_repository,
            ),
            (
                "--certificate-github-workflow-name",
                "name of the workflow",
                Claim::GithubWorkflowName,
                &self.certificate_github_workflow_name,
            ),
            (
                "--certificate-github-workflow-ref",
                "ref",
                Claim::GithubWorkflowRef,
                &self.certificate_github_workflow_ref,
            ),
            (
                "--certificate-github-workflow-trigger",
                "trigger",
                Claim::GithubWorkflowTrigger,
                &self.certificate_github_workflow_trigger,
            ),
            (
                "--certificate-github-workflow-sha",
                "commit",
                Claim::GithubWorkflowSha,
                &self.certificate_github_workflow_sha,
            ),
        ])
    }
}
