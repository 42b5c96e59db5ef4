//! What a certificate claims about the build that it was issued to, as policies name it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use countersign_proof::{CertificateIdentity, FulcioExtensions};

use crate::error::shown;
use crate::github;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::nearest::only_difference;
use crate::pattern::Pattern;

macro_rules! certificate_claims {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $field:ident, $words:literal;)+) => {
        /// A claim in a certificate's Fulcio extension (1.3.6.1.4.1.57264.1), named as Fulcio's documentation names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum CertificateClaim {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl CertificateClaim {
            /// Every claim, in the order of the extensions.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name that policies use, such as `sourceRepositoryUri`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(crate) fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)+ }
            }

            fn extension(self, extensions: &FulcioExtensions) -> Option<&str> {
                match self { $(Self::$variant => extensions.$field.as_deref(),)+ }
            }
        }
    };
}

certificate_claims! {
    /// 1.2: event that triggered a GitHub workflow; superseded by 1.20.
    GithubWorkflowTrigger = "githubWorkflowTrigger", github_workflow_trigger, "workflow's trigger";
    /// 1.3: commit that a GitHub workflow ran on; superseded by 1.13.
    GithubWorkflowSha = "githubWorkflowSha", github_workflow_sha, "workflow's commit";
    /// 1.4: name of a GitHub workflow.
    GithubWorkflowName = "githubWorkflowName", github_workflow_name, "workflow's name";
    /// 1.5: repository of a GitHub workflow, `owner/name`; superseded by 1.12.
    GithubWorkflowRepository = "githubWorkflowRepository", github_workflow_repository, "workflow's repository";
    /// 1.6: ref of a GitHub workflow; superseded by 1.14.
    GithubWorkflowRef = "githubWorkflowRef", github_workflow_ref, "workflow's ref";
    /// 1.9: reference to the build instructions that the signer is.
    BuildSignerUri = "buildSignerUri", build_signer_uri, "build signer";
    /// 1.10: immutable reference to the version of the build instructions.
    BuildSignerDigest = "buildSignerDigest", build_signer_digest, "build signer's digest";
    /// 1.11: whether the build ran on hosted or own machines.
    RunnerEnvironment = "runnerEnvironment", runner_environment, "runner environment";
    /// 1.12: URI of the source repository.
    SourceRepositoryUri = "sourceRepositoryUri", source_repository_uri, "source repository";
    /// 1.13: immutable reference to the version of the source.
    SourceRepositoryDigest = "sourceRepositoryDigest", source_repository_digest, "source digest";
    /// 1.14: ref of the source.
    SourceRepositoryRef = "sourceRepositoryRef", source_repository_ref, "source ref";
    /// 1.15: immutable identifier of the source repository.
    SourceRepositoryIdentifier = "sourceRepositoryIdentifier", source_repository_identifier, "source repository's identifier";
    /// 1.16: URI of the owner of the source repository.
    SourceRepositoryOwnerUri = "sourceRepositoryOwnerUri", source_repository_owner_uri, "source repository's owner";
    /// 1.17: immutable identifier of the owner.
    SourceRepositoryOwnerIdentifier = "sourceRepositoryOwnerIdentifier", source_repository_owner_identifier, "owner's identifier";
    /// 1.18: URI of the top-level build instructions.
    BuildConfigUri = "buildConfigUri", build_config_uri, "build config";
    /// 1.19: immutable reference to the version of the top-level build instructions.
    BuildConfigDigest = "buildConfigDigest", build_config_digest, "build config's digest";
    /// 1.20: event that triggered the build.
    BuildTrigger = "buildTrigger", build_trigger, "build trigger";
    /// 1.21: URI of the run of the build.
    RunInvocationUri = "runInvocationUri", run_invocation_uri, "run of the build";
    /// 1.22: visibility of the source repository at signing.
    SourceRepositoryVisibilityAtSigning = "sourceRepositoryVisibilityAtSigning", source_repository_visibility_at_signing, "source repository's visibility";
    /// 1.23: deployment environment of the build.
    DeploymentEnvironment = "deploymentEnvironment", deployment_environment, "deployment environment";
    /// 1.24: subject of the identity token.
    TokenSubject = "tokenSubject", token_subject, "token's subject";
}

impl CertificateClaim {
    /// The claim with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|claim| claim.as_str() == name)
    }

    /// What a certificate with these extensions and this issuer claims; `None` when it says nothing.
    ///
    /// GitHub's extensions 1.2, 1.3, 1.5 and 1.6 stand in where their successors are absent, and the other way
    /// round. A repository is `owner/name` in one and a URL in the other; they are the same only for
    /// GitHub's own issuer, since another server has repositories of the same names.
    #[must_use]
    pub fn value<'a>(
        self,
        extensions: &'a FulcioExtensions,
        issuer: Option<&str>,
    ) -> Option<Cow<'a, str>> {
        if let Some(own) = self.extension(extensions) {
            return Some(Cow::Borrowed(own));
        }
        let other = self.stand_in()?;
        let value = other.extension(extensions)?;
        let is_github = issuer.is_some_and(github::is_issuer);
        match self {
            Self::SourceRepositoryUri => {
                is_github.then(|| Cow::Owned(format!("{}{value}", github::SERVER)))
            }
            Self::GithubWorkflowRepository if is_github => {
                value.strip_prefix(github::SERVER).map(Cow::Borrowed)
            }
            Self::GithubWorkflowRepository => None,
            _ => Some(Cow::Borrowed(value)),
        }
    }

    /// The claim that says the same in certificates of another age.
    fn stand_in(self) -> Option<Self> {
        Some(match self {
            Self::GithubWorkflowTrigger => Self::BuildTrigger,
            Self::BuildTrigger => Self::GithubWorkflowTrigger,
            Self::GithubWorkflowSha => Self::SourceRepositoryDigest,
            Self::SourceRepositoryDigest => Self::GithubWorkflowSha,
            Self::GithubWorkflowRepository => Self::SourceRepositoryUri,
            Self::SourceRepositoryUri => Self::GithubWorkflowRepository,
            Self::GithubWorkflowRef => Self::SourceRepositoryRef,
            Self::SourceRepositoryRef => Self::GithubWorkflowRef,
            _ => return None,
        })
    }

    /// Whether the claim says whose build it is; the others are true of anybody's.
    #[must_use]
    pub fn names_somebody(self) -> bool {
        matches!(
            self,
            Self::GithubWorkflowRepository
                | Self::BuildSignerUri
                | Self::SourceRepositoryUri
                | Self::SourceRepositoryIdentifier
                | Self::SourceRepositoryOwnerUri
                | Self::SourceRepositoryOwnerIdentifier
                | Self::BuildConfigUri
                | Self::RunInvocationUri
                | Self::TokenSubject
        )
    }
}

/// The claims of `certificate` that miss what the signer `signer` expects; one that is absent misses every pattern.
pub(crate) fn mismatches(
    signer: &str,
    expected: &BTreeMap<CertificateClaim, Pattern>,
    certificate: &CertificateIdentity,
) -> Vec<Mismatch> {
    expected
        .iter()
        .filter_map(|(claim, pattern)| {
            let found = claim.value(&certificate.extensions, certificate.issuer.as_deref());
            let mismatch = mismatch(*claim, pattern, found.as_deref())?;
            Some(match found {
                Some(found) => mismatch.hint(format!(
                    "if this build is meant, let the signer `{signer}` expect `{}: {}`",
                    claim.as_str(),
                    shown(&found)
                )),
                None => mismatch,
            })
        })
        .collect()
}

fn mismatch(claim: CertificateClaim, pattern: &Pattern, found: Option<&str>) -> Option<Mismatch> {
    let what = claim.words();
    let expected = format!("`{}`", shown(pattern.as_str()));
    let kind = MismatchKind::CertificateClaim(claim);
    let Some(found) = found else {
        return Some(
            Mismatch::new(kind, expected.clone(), "absent").message(format!(
                "the certificate does not say the {what}, expected {expected}"
            )),
        );
    };
    if pattern.matches(found) {
        return None;
    }
    let part = only_difference(pattern, found);
    let message = match &part {
        Some(only) => format!(
            "the {what} differs only in the {}: it is `{}`, expected `{}`",
            only.part, only.found, only.expected
        ),
        None => format!("the {what} is `{}`, expected {expected}", shown(found)),
    };
    Some(
        Mismatch::new(kind, expected, format!("`{}`", shown(found)))
            .message(message)
            .part(part),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    type Set = fn(&mut FulcioExtensions, String);

    const GITHUB: Option<&str> = Some(github::GITHUB_ISSUER);

    fn extensions(set: &[(Set, &str)]) -> FulcioExtensions {
        let mut extensions = FulcioExtensions::default();
        for (set, value) in set {
            set(&mut extensions, (*value).to_owned());
        }
        extensions
    }

    const REPOSITORY: Set = |to, value| to.github_workflow_repository = Some(value);
    const REPOSITORY_URI: Set = |to, value| to.source_repository_uri = Some(value);
    const WORKFLOW_REF: Set = |to, value| to.github_workflow_ref = Some(value);
    const SOURCE_REF: Set = |to, value| to.source_repository_ref = Some(value);

    #[test]
    fn names_are_those_of_the_extensions_and_read_back() {
        for claim in CertificateClaim::ALL {
            assert_eq!(CertificateClaim::from_name(claim.as_str()), Some(*claim));
            assert!(claim.as_str().is_ascii());
        }
        // Each extension but the two for the issuer, which a policy names apart.
        assert_eq!(CertificateClaim::ALL.len(), 23 - 2);
        assert_eq!(CertificateClaim::from_name("issuerV2"), None);
    }

    #[test]
    fn a_claim_that_is_absent_never_matches() {
        let everything = [
            Pattern::glob("**").unwrap(),
            Pattern::regex("^.*$").unwrap(),
            Pattern::regex("^(|absent|.*)$").unwrap(),
            Pattern::exact("absent").unwrap(),
        ];
        let empty = FulcioExtensions::default();
        for issuer in [None, GITHUB, Some("https://issuer.example")] {
            for claim in CertificateClaim::ALL {
                let found = claim.value(&empty, issuer);
                assert_eq!(found, None);
                for pattern in &everything {
                    let missed = mismatch(*claim, pattern, found.as_deref()).unwrap();
                    assert_eq!(missed.found, "absent");
                    assert_eq!(missed.kind.code(), "certificate-claim");
                }
            }
        }
    }

    #[test]
    fn one_claim_never_speaks_for_another_but_for_its_stand_in() {
        let all: Vec<(&str, Set)> = vec![
            ("githubWorkflowTrigger", |to, value| {
                to.github_workflow_trigger = Some(value)
            }),
            ("githubWorkflowSha", |to, value| {
                to.github_workflow_sha = Some(value)
            }),
            ("githubWorkflowName", |to, value| {
                to.github_workflow_name = Some(value)
            }),
            ("githubWorkflowRepository", REPOSITORY),
            ("githubWorkflowRef", WORKFLOW_REF),
            ("buildSignerUri", |to, value| {
                to.build_signer_uri = Some(value)
            }),
            ("buildSignerDigest", |to, value| {
                to.build_signer_digest = Some(value)
            }),
            ("runnerEnvironment", |to, value| {
                to.runner_environment = Some(value)
            }),
            ("sourceRepositoryUri", REPOSITORY_URI),
            ("sourceRepositoryDigest", |to, value| {
                to.source_repository_digest = Some(value)
            }),
            ("sourceRepositoryRef", SOURCE_REF),
            ("sourceRepositoryIdentifier", |to, value| {
                to.source_repository_identifier = Some(value)
            }),
            ("sourceRepositoryOwnerUri", |to, value| {
                to.source_repository_owner_uri = Some(value)
            }),
            ("sourceRepositoryOwnerIdentifier", |to, value| {
                to.source_repository_owner_identifier = Some(value)
            }),
            ("buildConfigUri", |to, value| {
                to.build_config_uri = Some(value)
            }),
            ("buildConfigDigest", |to, value| {
                to.build_config_digest = Some(value)
            }),
            ("buildTrigger", |to, value| to.build_trigger = Some(value)),
            ("runInvocationUri", |to, value| {
                to.run_invocation_uri = Some(value)
            }),
            ("sourceRepositoryVisibilityAtSigning", |to, value| {
                to.source_repository_visibility_at_signing = Some(value);
            }),
            ("deploymentEnvironment", |to, value| {
                to.deployment_environment = Some(value)
            }),
            ("tokenSubject", |to, value| to.token_subject = Some(value)),
        ];
        assert_eq!(all.len(), CertificateClaim::ALL.len());
        for (name, set) in all {
            let value = format!("{}owner/name", github::SERVER);
            let only = extensions(&[(set, &value)]);
            for claim in CertificateClaim::ALL {
                let speaks = claim.as_str() == name
                    || claim.stand_in().is_some_and(|other| other.as_str() == name);
                assert_eq!(
                    claim.value(&only, GITHUB).is_some(),
                    speaks,
                    "{name} for {}",
                    claim.as_str()
                );
            }
        }
    }

    #[test]
    fn a_repository_without_server_is_one_of_github_only_under_its_issuer() {
        let old = extensions(&[(REPOSITORY, "acme/app")]);
        let uri = CertificateClaim::SourceRepositoryUri;
        for issuer in [
            github::GITHUB_ISSUER,
            "https://token.actions.githubusercontent.com/acme",
        ] {
            assert_eq!(
                uri.value(&old, Some(issuer)).as_deref(),
                Some("https://github.com/acme/app")
            );
        }
        for issuer in [
            None,
            Some("https://git.acme.example/_services/token"),
            Some("https://token.actions.githubusercontent.com.evil.example"),
        ] {
            assert_eq!(uri.value(&old, issuer), None);
        }
        let new = extensions(&[(REPOSITORY_URI, "https://github.com/acme/app")]);
        let repository = CertificateClaim::GithubWorkflowRepository;
        assert_eq!(repository.value(&new, GITHUB).as_deref(), Some("acme/app"));
        assert_eq!(
            repository.value(&new, Some("https://git.acme.example")),
            None
        );
        let elsewhere = extensions(&[(REPOSITORY_URI, "https://gitlab.com/acme/app")]);
        assert_eq!(repository.value(&elsewhere, GITHUB), None);
    }

    #[test]
    fn a_successor_that_is_there_is_what_counts() {
        let both = extensions(&[
            (WORKFLOW_REF, "refs/tags/v1"),
            (SOURCE_REF, "refs/heads/main"),
        ]);
        let source = CertificateClaim::SourceRepositoryRef;
        assert_eq!(
            source.value(&both, GITHUB).as_deref(),
            Some("refs/heads/main")
        );
        let tags = Pattern::parse("refs/tags/v*").unwrap();
        assert_eq!(
            mismatch(source, &tags, source.value(&both, GITHUB).as_deref())
                .unwrap()
                .message,
            "the source ref is `refs/heads/main`, expected `refs/tags/v*`"
        );
        let old = extensions(&[(WORKFLOW_REF, "refs/tags/v1")]);
        assert_eq!(
            mismatch(source, &tags, source.value(&old, None).as_deref()),
            None
        );
    }

    #[test]
    fn a_build_config_that_differs_in_one_part_says_which() {
        let pattern =
            Pattern::glob("https://github.com/acme/app/.github/workflows/release.yml@refs/**")
                .unwrap();
        let found = "https://github.com/acme/app/.github/workflows/test.yml@refs/heads/main";
        assert_eq!(
            mismatch(CertificateClaim::BuildConfigUri, &pattern, Some(found))
                .unwrap()
                .message,
            "the build config differs only in the workflow: it is `test.yml`, expected `release.yml`"
        );
    }
}
