//! The flags that say whom to trust, shared by the four commands that verify.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::anchors::Anchors;
use super::github::Github;
use super::gitlab::Gitlab;

/// Whom to trust and what to demand.
#[derive(Args, Debug)]
pub(crate) struct Trust {
    /// A public key that may have signed (a file, or `env://NAME`); several times: any of them.
    #[arg(
        long,
        value_name = "KEY",
        env = "COUNTERSIGN_KEY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) key: Vec<String>,
    /// The identity that must stand in the signing certificate: an address or a URI, compared exactly.
    #[arg(
        long,
        value_name = "IDENTITY",
        env = "COUNTERSIGN_CERTIFICATE_IDENTITY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_identity: Vec<String>,
    /// An anchored regular expression (`^…$`) for that identity.
    #[arg(
        long,
        value_name = "REGEXP",
        env = "COUNTERSIGN_CERTIFICATE_IDENTITY_REGEXP",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_identity_regexp: Vec<String>,
    /// Who vouched for the identity: the issuer's URL, compared exactly.
    #[arg(
        long,
        value_name = "URL",
        env = "COUNTERSIGN_CERTIFICATE_OIDC_ISSUER",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// An anchored regular expression (`^…$`) for the issuer.
    #[arg(
        long,
        value_name = "REGEXP",
        conflicts_with = "certificate_oidc_issuer",
        env = "COUNTERSIGN_CERTIFICATE_OIDC_ISSUER_REGEXP",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    #[command(flatten)]
    pub(crate) github: Github,
    #[command(flatten)]
    pub(crate) gitlab: Gitlab,
    /// A policy in place of the flags for keys, identities and demands: a file, a folder, or signed ones as `oci://HOST/REPOSITORY@DIGEST`.
    #[arg(long, value_name = "FILE|DIR|OCI", env = "COUNTERSIGN_POLICY", hide_env = true, help_heading = "Trust",
        conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp", "certificate_oidc_issuer", "certificate_oidc_issuer_regexp", "github_repository", "github_ref", "github_workflow", "github_trigger", "github_sha", "certificate_github_workflow_repository", "certificate_github_workflow_ref", "certificate_github_workflow_name", "certificate_github_workflow_sha", "certificate_github_workflow_trigger", "gitlab_project", "gitlab_ref", "gitlab_config", "gitlab_trigger", "gitlab_sha", "require_log", "require_timestamp"])]
    pub(crate) policy: Vec<PathBuf>,
    /// The public key that policies from a registry or layout must be signed by; several times: any of them.
    #[arg(
        long,
        value_name = "KEY",
        env = "COUNTERSIGN_POLICY_KEY",
        hide_env = true,
        help_heading = "Trust"
    )]
    pub(crate) policy_key: Vec<String>,
    #[command(flatten)]
    pub(crate) anchors: Anchors,
    /// Demand an entry in at least N transparency logs (default: keys 0, certificates 1).
    #[arg(long, value_name = "N", conflicts_with = "insecure_ignore_tlog", value_parser = clap::value_parser!(u8).range(0..=32), env = "COUNTERSIGN_REQUIRE_LOG", hide_env = true, help_heading = "Trust")]
    pub(crate) require_log: Option<u8>,
    /// Demand timestamps of at least N authorities (default 0).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=32), env = "COUNTERSIGN_REQUIRE_TIMESTAMP", hide_env = true, help_heading = "Trust")]
    pub(crate) require_timestamp: Option<u8>,
    /// Print the policy that the flags amount to, and verify nothing.
    #[arg(long, value_parser = BoolishValueParser::new(), env = "COUNTERSIGN_PRINT_POLICY", hide_env = true)]
    pub(crate) print_policy: bool,
}

impl Trust {
    /// Whether anybody is named whose signature counts.
    pub(crate) fn names_somebody(&self) -> bool {
        let lists = [
            self.key.as_slice(),
            self.certificate_identity.as_slice(),
            self.certificate_identity_regexp.as_slice(),
        ];
        let single = [
            &self.certificate_oidc_issuer,
            &self.certificate_oidc_issuer_regexp,
            &self.github.github_repository,
            &self.github.certificate_github_workflow_repository,
            &self.gitlab.gitlab_project,
        ];
        !self.policy.is_empty()
            || lists.iter().any(|list| !list.is_empty())
            || single.iter().any(|value| value.is_some())
    }
}

/// A pair `NAME=VALUE` that is signed, or demanded, with the image's digest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Annotation {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Parses `NAME=VALUE`; the value may contain `=`.
pub(crate) fn annotation(text: &str) -> Result<Annotation, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Annotation {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_split_at_the_first_equals_sign() {
        let split = annotation("url=http://a/?b=c").unwrap();
        assert_eq!(
            (split.name.as_str(), split.value.as_str()),
            ("url", "http://a/?b=c")
        );
        assert_eq!(annotation("empty=").unwrap().value, "");
        assert!(annotation("none").is_err());
        assert!(annotation("=value").is_err());
    }
}
