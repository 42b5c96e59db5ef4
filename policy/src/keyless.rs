//! Keyless signers of a policy document: an issuer, and who or what it must vouch for.

use std::collections::BTreeMap;

use serde_saphyr::{Location, Spanned};

use crate::claims::CertificateClaim;
use crate::compile::Compiler;
use crate::document::{Github, Keyless, PatternText};
use crate::error::{PolicyError, PolicyProblem, nearest, shown};
use crate::github::{GITHUB_ISSUER, GithubWorkflow};
use crate::pattern::Pattern;
use crate::rules::SignerRule;

type Claims = BTreeMap<CertificateClaim, Pattern>;

impl Compiler<'_> {
    /// The rule for a keyless signer, whose fields depend on each other.
    pub(crate) fn keyless(
        &self,
        keyless: Keyless,
        place: Location,
    ) -> Result<SignerRule, PolicyError> {
        let Keyless {
            issuer,
            identity,
            claims,
            github,
        } = keyless;
        let issuer = match (issuer, &github) {
            (Some(issuer), _) => self.pattern(issuer)?,
            (None, Some(_)) => {
                Pattern::exact(GITHUB_ISSUER).map_err(|error| self.pattern_fault(&error, place))?
            }
            (None, None) => {
                return Err(PolicyError {
                    hint: Some(
                        "another issuer may vouch for the same name; give the issuer's URL"
                            .to_owned(),
                    ),
                    ..self.fault(
                        PolicyProblem::MissingField,
                        Some(place),
                        "the field `issuer` is missing".to_owned(),
                    )
                });
            }
        };
        let identity = identity.map(|text| self.pattern(text)).transpose()?;
        let mut claims = self.claims(claims)?;
        if let Some(github) = github {
            self.add_github(github, identity.is_some(), &mut claims)?;
        }
        if identity.is_none() && claims.is_empty() {
            return Err(PolicyError {
                hint: Some(
                    "an issuer vouches for everybody who logs in there; say who with `identity`, `claims` or `github`"
                        .to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::MissingField,
                    Some(place),
                    "the field `identity` is missing".to_owned(),
                )
            });
        }
        Ok(SignerRule::Keyless {
            identity,
            issuer,
            claims,
        })
    }

    fn claims(&self, texts: BTreeMap<String, Spanned<PatternText>>) -> Result<Claims, PolicyError> {
        let mut claims = Claims::new();
        for (name, text) in texts {
            let Some(claim) = CertificateClaim::from_name(&name) else {
                let names = CertificateClaim::ALL.iter().map(|claim| claim.as_str());
                let hint = if name.starts_with("issuer") {
                    "the issuer is a field of its own, beside `claims`".to_owned()
                } else {
                    match nearest(&name, names.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            let names: Vec<String> =
                                names.map(|name| format!("`{name}`")).collect();
                            format!("certificates claim {}", names.join(", "))
                        }
                    }
                };
                return Err(PolicyError {
                    hint: Some(hint),
                    ..self.fault(
                        PolicyProblem::UnknownField,
                        Some(text.referenced),
                        format!("there is no claim `{}`", shown(&name)),
                    )
                });
            };
            claims.insert(claim, self.pattern(text)?);
        }
        Ok(claims)
    }

    fn add_github(
        &self,
        github: Spanned<Github>,
        has_identity: bool,
        claims: &mut Claims,
    ) -> Result<(), PolicyError> {
        let place = github.referenced;
        let Github {
            repository,
            r#ref,
            workflow,
            trigger,
            sha,
        } = github.value;
        let pattern =
            |text: Option<Spanned<PatternText>>| text.map(|text| self.pattern(text)).transpose();
        let repository_place = repository.as_ref().map(|text| text.referenced);
        let workflow = GithubWorkflow {
            repository: pattern(repository)?,
            git_ref: pattern(r#ref)?,
            workflow: pattern(workflow)?,
            trigger: pattern(trigger)?,
            sha: pattern(sha)?,
        };
        let names_somebody = has_identity || claims.keys().any(|claim| claim.names_somebody());
        if workflow.repository.is_none() && !names_somebody {
            return Err(PolicyError {
                hint: Some(
                    "everybody can run a workflow on GitHub; write `repository: OWNER/NAME`"
                        .to_owned(),
                ),
                ..self.fault(
                    PolicyProblem::MissingField,
                    Some(place),
                    "the field `repository` is missing".to_owned(),
                )
            });
        }
        let more = workflow
            .claims()
            .map_err(|error| self.pattern_fault(&error, repository_place.unwrap_or(place)))?;
        for (claim, pattern) in more {
            if claims.insert(claim, pattern).is_some() {
                return Err(self.fault(
                    PolicyProblem::DuplicateKey,
                    Some(place),
                    format!(
                        "`github` says again what the claim `{}` says",
                        claim.as_str()
                    ),
                ));
            }
        }
        Ok(())
    }
}
