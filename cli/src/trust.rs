//! The policy that the trust flags amount to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use countersign::{PolicyLoadError, is_published, load_policies, load_published_policies};
use countersign_formats::{Limits, PredicateType};
use countersign_policy::{
    CertificateClaim, GITHUB_ISSUER, GITHUB_SERVER, GITLAB_ISSUER, GithubWorkflow, GitlabPipeline,
    Pattern, PatternError, Policy, PolicySet, Requirement, SignerRule, Thresholds,
};
use countersign_trust_store::RootError;

use crate::arguments::{Annotation, Given, Trust};
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::failure::{Failure, words};
use crate::flag_words::{BuildFlag, FlagWords, Form};
use crate::{explain, key_files, material, stores};

impl From<PolicyLoadError> for Failure {
    fn from(error: PolicyLoadError) -> Self {
        match error {
            PolicyLoadError::Unreadable { path, reason } => {
                Failure::unreadable("the policy", &path, &reason)
            }
            other => {
                let (code, message, hint) = (other.code(), other.to_string(), other.hint());
                let status = match other {
                    PolicyLoadError::NotAccepted { outcome, .. } => explain::status_of(outcome),
                    PolicyLoadError::Unverified { error, .. } => Failure::from(error).status,
                    PolicyLoadError::Store { error, .. } => Failure::from(error).status,
                    PolicyLoadError::Deadline { .. } => ExitStatus::Unavailable,
                    _ => ExitStatus::Usage,
                };
                Failure::new(status, code, message).or_hint(hint)
            }
        }
    }
}

impl From<RootError> for Failure {
    fn from(error: RootError) -> Self {
        let status = if error.is_of_named_file() {
            ExitStatus::Usage
        } else {
            ExitStatus::TrustMaterial
        };
        let message = match &error {
            RootError::File { path, reason } => {
                format!(
                    "cannot read the trusted root `{}`: {}",
                    path.display(),
                    words(reason)
                )
            }
            other => other.to_string(),
        };
        Failure::new(status, error.code(), message).or_hint(error.hint())
    }
}

/// The name of the policy that flags amount to.
pub(crate) const COMMAND_LINE: &str = "command-line";

/// What must be claimed about the subject.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// A signature of the subject itself.
    Signature,
    /// A statement of this type; `None` takes any.
    Statement(Option<PredicateType>),
}

/// The policy that was asked for, from files or from flags.
pub(crate) fn policy(
    context: &mut Context<'_, '_>,
    trust: &Trust,
    wanted: Wanted,
    type_flag: bool,
    annotations: &[Annotation],
) -> Result<PolicySet, Failure> {
    if trust.policy.is_empty() {
        let policies = from_flags(context, trust, wanted, annotations)?;
        return Ok(leaving_out(context, trust, &policies));
    }
    if type_flag || !annotations.is_empty() {
        let flag = if type_flag { "--type" } else { "--annotations" };
        return Err(Failure::usage(
            "conflicting-flags",
            format!("`{flag}` cannot be used with `--policy`"),
        )
        .hint("write it into the policy, which says what is required, or drop `--policy`"));
    }
    let policies = from_places(context, trust)?;
    for warning in policies.warnings() {
        context.printer.warn(&warning);
    }
    Ok(leaving_out(context, trust, &policies))
}

/// The policies without the checks that flags switch off.
fn leaving_out(context: &mut Context<'_, '_>, trust: &Trust, policies: &PolicySet) -> PolicySet {
    let dangers = material::dangers(context, trust, policies);
    policies.leaving_out(dangers, "asked for on the command line")
}

/// Reads policies from files and folders, and from registries and layouts where they are signed; a key that a file names by `file:` lies
/// relative to that file.
fn from_places(context: &Context<'_, '_>, trust: &Trust) -> Result<PolicySet, Failure> {
    let published = |path: &PathBuf| path.to_str().is_some_and(is_published);
    if !trust.policy.iter().any(published) {
        return Ok(load_policies(&trust.policy, &Limits::DEFAULT)?);
    }
    let keys = key_files::trusted(context, &trust.policy_key)?;
    let (settings, limits) = (stores::settings(context), &Limits::DEFAULT);
    let work = load_published_policies(&trust.policy, &keys, &settings, limits, context.now);
    Ok(context.runtime()?.block_on(work)?)
}

fn from_flags(
    context: &Context<'_, '_>,
    trust: &Trust,
    wanted: Wanted,
    annotations: &[Annotation],
) -> Result<PolicySet, Failure> {
    let mut signers = BTreeMap::new();
    if !trust.key.is_empty() {
        let keys = key_files::trusted(context, &trust.key)?;
        signers.insert(
            "key".to_owned(),
            SignerRule::Key {
                keys: keys.into_iter().map(Into::into).collect(),
            },
        );
    }
    let Identities { rules, issuer } = identities(trust)?;
    let mut wording = FlagWords {
        issuer,
        builds: build_flags(trust),
        ..FlagWords::default()
    };
    if !trust.key.is_empty() {
        let named = flagged("--key", &trust.key);
        wording
            .signers
            .insert("key".to_owned(), named.collect::<Vec<_>>().join(" or "));
    }
    let identities: Vec<String> = flagged("--certificate-identity", &trust.certificate_identity)
        .chain(flagged(
            "--certificate-identity-regexp",
            &trust.certificate_identity_regexp,
        ))
        .collect();
    let several = rules.len() > 1;
    for (index, (flag, rule)) in rules.into_iter().enumerate() {
        let name = if several {
            format!("identity-{}", index + 1)
        } else {
            "identity".to_owned()
        };
        if let Some(flag) = flag {
            wording.identities.insert(name.clone(), flag);
        }
        // Without an identity the flags about the build say who it is.
        let words = identities
            .get(index)
            .cloned()
            .unwrap_or_else(|| build_words(trust));
        wording.signers.insert(name.clone(), words);
        signers.insert(name, rule);
    }
    if signers.is_empty() {
        return Err(Failure::usage("no-trust", "nobody is named whose signature counts").hint(
            "write `--key FILE`, or `--certificate-identity IDENTITY --certificate-oidc-issuer URL`, or `--github-repository OWNER/REPO`, or `--gitlab-project GROUP/PROJECT`, or `--policy FILE`",
        ));
    }
    let by: Vec<String> = signers.keys().cloned().collect();
    let annotations: BTreeMap<String, String> = annotations
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect();
    let require = match wanted {
        Wanted::Signature => Requirement::signature(by, annotations),
        Wanted::Statement(predicate_type) => {
            Requirement::statement(predicate_type, by, annotations)
        }
    };
    let mut policy = Policy::new(COMMAND_LINE, signers, require);
    policy.trust = thresholds(trust);
    policy.wording = Some(Arc::new(wording));
    Ok(PolicySet::from(policy))
}

fn thresholds(trust: &Trust) -> Thresholds {
    let mut thresholds = Thresholds::default();
    for demand in [&mut thresholds.keys, &mut thresholds.certificates] {
        if let Some(logs) = trust.require_log {
            demand.logs = usize::from(logs);
        }
        if let Some(timestamps) = trust.require_timestamp {
            demand.timestamps = usize::from(timestamps);
        }
        if trust.anchors.material.use_signed_timestamps {
            demand.timestamps = demand.timestamps.max(1);
        }
    }
    thresholds
}

/// The signers that certificates name, each with the flag that says who it is, and the flag that says who vouches for them.
#[derive(Default)]
struct Identities {
    rules: Vec<(Option<&'static str>, SignerRule)>,
    issuer: Option<&'static str>,
}

fn identities(trust: &Trust) -> Result<Identities, Failure> {
    let flagged = |flag, parsed| pattern(flag, parsed).map(|pattern| (flag, pattern));
    let exact = trust
        .certificate_identity
        .iter()
        .map(|text| flagged("--certificate-identity", Pattern::exact(text)));
    let expressions = trust
        .certificate_identity_regexp
        .iter()
        .map(|text| flagged("--certificate-identity-regexp", Pattern::regex(text)));
    let identities = exact.chain(expressions).collect::<Result<Vec<_>, _>>()?;
    let issuer = match (
        &trust.certificate_oidc_issuer,
        &trust.certificate_oidc_issuer_regexp,
    ) {
        (Some(text), _) => Some(flagged("--certificate-oidc-issuer", Pattern::exact(text))?),
        (None, Some(text)) => Some(flagged(
            "--certificate-oidc-issuer-regexp",
            Pattern::regex(text),
        )?),
        (None, None) => None,
    };
    let (claims, names_somebody) = claims(trust)?;
    if identities.is_empty() && issuer.is_none() && claims.is_empty() {
        return Ok(Identities::default());
    }
    if identities.is_empty() && !names_somebody {
        let (named, hint) = if claims.is_empty() {
            (
                "an issuer",
                "an issuer vouches for everybody who logs in there; name who with `--certificate-identity`",
            )
        } else {
            (
                "a build",
                if trust.gitlab.is_given() {
                    "everybody can run a pipeline on GitLab; name whose with `--gitlab-project GROUP/PROJECT` or `--certificate-identity`"
                } else {
                    "everybody can run a workflow on GitHub; name whose with `--github-repository OWNER/REPO` or `--certificate-identity`"
                },
            )
        };
        return Err(Failure::usage(
            "identity-missing",
            format!("{named} is named and no identity"),
        )
        .hint(hint));
    }
    let (flag, issuer) = match issuer {
        Some(issuer) => issuer,
        None if trust.gitlab.is_given() => {
            flagged(first(&trust.gitlab.given()), Pattern::exact(GITLAB_ISSUER))?
        }
        // Flags that speak of GitHub's workflows mean the issuer that vouches for them.
        None if !claims.is_empty() => {
            flagged(first(&trust.github.given()), Pattern::exact(GITHUB_ISSUER))?
        }
        // An own authority may know no identity tokens: then the name in the certificate is all there is.
        None if trust.anchors.material.has_own_authority() => {
            let rules = identities.into_iter().map(|(flag, identity)| {
                let rule = SignerRule::Certificate { identity };
                (Some(flag), rule)
            });
            return Ok(Identities {
                rules: rules.collect(),
                issuer: None,
            });
        }
        None => {
            return Err(Failure::usage("issuer-missing", "an identity is named and no issuer").hint(
                "another issuer may vouch for the same name; write `--certificate-oidc-issuer URL` (for GitHub Actions https://token.actions.githubusercontent.com)",
            ));
        }
    };
    let rule = |identity| SignerRule::Keyless {
        identity,
        issuer: issuer.clone(),
        claims: claims.clone(),
    };
    let rules = if identities.is_empty() {
        vec![(None, rule(None))]
    } else {
        let named = identities.into_iter();
        named
            .map(|(flag, identity)| (Some(flag), rule(Some(identity))))
            .collect()
    };
    Ok(Identities {
        rules,
        issuer: Some(flag),
    })
}

/// The flag with each of its values, as it was written.
fn flagged<'a>(flag: &'a str, values: &'a [String]) -> impl Iterator<Item = String> + 'a {
    values.iter().map(move |value| format!("`{flag} {value}`"))
}

/// The flags about the build, as they were written.
fn build_words(trust: &Trust) -> String {
    let given = match trust.gitlab.is_given() {
        true => trust.gitlab.given(),
        false => trust.github.given(),
    };
    let flags = given
        .iter()
        .map(|given| format!("{} {}", given.flag, given.text));
    format!("`{}`", flags.collect::<Vec<_>>().join(" "))
}

/// The flag that is named for what the flags about a build have in common.
fn first(given: &[Given<'_>]) -> &'static str {
    given.first().map_or("", |given| given.flag)
}

/// The flags about the build, by what they ask of the certificate.
fn build_flags(trust: &Trust) -> BTreeMap<CertificateClaim, BuildFlag> {
    let (given, server) = if trust.gitlab.is_given() {
        let server = trust.certificate_oidc_issuer.as_deref();
        let server = server.unwrap_or(GITLAB_ISSUER).trim_end_matches('/');
        (trust.gitlab.given(), format!("{server}/"))
    } else {
        (trust.github.given(), GITHUB_SERVER.to_owned())
    };
    let repository = given
        .iter()
        .find(|given| given.claim == CertificateClaim::SourceRepositoryUri)
        .map(|given| given.flag);
    let named = given.iter().map(|given| {
        let form = match given.claim {
            CertificateClaim::SourceRepositoryUri => Form::Below(server.clone()),
            CertificateClaim::BuildConfigUri => Form::File { repository },
            _ => Form::Whole,
        };
        let flag = BuildFlag {
            flag: given.flag,
            what: given.what,
            asked: given.text.to_owned(),
            form,
        };
        (given.claim, flag)
    });
    named.collect()
}

/// What the flags about GitHub's workflows demand of a certificate, and whether that says whose workflow it is.
fn claims(trust: &Trust) -> Result<(BTreeMap<CertificateClaim, Pattern>, bool), Failure> {
    if trust.gitlab.is_given() {
        return pipeline(trust);
    }
    let workflow = GithubWorkflow {
        repository: parsed("--github-repository", &trust.github.github_repository)?,
        git_ref: parsed("--github-ref", &trust.github.github_ref)?,
        workflow: parsed("--github-workflow", &trust.github.github_workflow)?,
        trigger: parsed("--github-trigger", &trust.github.github_trigger)?,
        sha: parsed("--github-sha", &trust.github.github_sha)?,
    };
    let mut names_somebody = workflow.repository.is_some();
    let mut claims = workflow.claims().map_err(|error| {
        let flag = if trust.github.github_repository.is_some() {
            "--github-repository"
        } else {
            "--github-workflow"
        };
        Failure::usage(error.code(), format!("{flag}: {error}")).or_hint(error.hint())
    })?;
    for Given {
        flag, claim, text, ..
    } in trust.github.exact()
    {
        names_somebody |= claim.names_somebody();
        claims.insert(claim, pattern(flag, Pattern::exact(text))?);
    }
    Ok((claims, names_somebody))
}

/// As [`claims`], of GitLab's pipelines. The issuer of a server's tokens is the server's own address.
fn pipeline(trust: &Trust) -> Result<(BTreeMap<CertificateClaim, Pattern>, bool), Failure> {
    let flags = &trust.gitlab;
    if trust.certificate_oidc_issuer_regexp.is_some() {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--certificate-oidc-issuer-regexp` names no single server, and a project is on one",
        )
        .hint("name the server with `--certificate-oidc-issuer URL`"));
    }
    let server = trust.certificate_oidc_issuer.as_deref();
    let pipeline = GitlabPipeline {
        server: server.unwrap_or(GITLAB_ISSUER).to_owned(),
        project: parsed("--gitlab-project", &flags.gitlab_project)?,
        git_ref: parsed("--gitlab-ref", &flags.gitlab_ref)?,
        config: parsed("--gitlab-config", &flags.gitlab_config)?,
        trigger: parsed("--gitlab-trigger", &flags.gitlab_trigger)?,
        sha: parsed("--gitlab-sha", &flags.gitlab_sha)?,
    };
    let claims = pipeline.claims().map_err(|error| {
        let flag = if flags.gitlab_project.is_some() {
            "--gitlab-project"
        } else {
            "--gitlab-config"
        };
        Failure::usage(error.code(), format!("{flag}: {error}")).or_hint(error.hint())
    })?;
    Ok((claims, pipeline.project.is_some()))
}

fn parsed(flag: &str, text: &Option<String>) -> Result<Option<Pattern>, Failure> {
    text.as_ref()
        .map(|text| pattern(flag, Pattern::parse(text)))
        .transpose()
}

fn pattern(flag: &str, pattern: Result<Pattern, PatternError>) -> Result<Pattern, Failure> {
    pattern.map_err(|error| {
        Failure::usage(error.code(), format!("{flag}: {error}"))
            .or_hint(error.hint())
            .or_hint(Some(format!("give `{flag}` a value")))
    })
}

/// The type that `--type` asks for: `any`, an alias or a URI.
pub(crate) fn wanted_type(text: &str) -> Result<Option<PredicateType>, Failure> {
    if text == "any" {
        return Ok(None);
    }
    crate::signing::resolve(text).map(Some)
}

/// Prints the policy in place of verifying.
pub(crate) fn print(context: &mut Context<'_, '_>, policies: &PolicySet) -> crate::commands::Done {
    let yaml = policies.to_yaml();
    context.printer.document(yaml.as_bytes());
    crate::commands::Done::pass(serde_json::json!({
        "policy": yaml,
        "policyDigest": policies.digest().to_string(),
    }))
}
