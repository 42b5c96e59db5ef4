//! Several policies that must all pass, read from named sources.

use bytes::Bytes;
use countersign_formats::{Digest, Limits, Window};
use countersign_proof::{KeyId, Scheme, TrustedKey, digest};

use crate::compile;
use crate::error::{PolicyError, PolicyProblem};
use crate::github::SERVER;
use crate::pattern::Pattern;
use crate::rules::{Policy, Requirement, SignerRule};
use crate::write;

/// Policies that must all pass; a set without any passes nothing.
#[derive(Debug, Clone)]
pub struct PolicySet {
    policies: Vec<Policy>,
    digest: Digest,
}

/// One text that holds policies.
#[derive(Debug, Clone)]
pub struct Source {
    /// What errors call it, usually the path of the file.
    pub name: String,
    /// The text, in YAML.
    pub bytes: Bytes,
}

/// Reads the file that a `file:` key names: given the source's name and the text of `file:`, it answers
/// with the bytes of the key or with why it cannot.
pub type KeyFiles<'a> = &'a dyn Fn(&str, &str) -> Result<Vec<u8>, String>;

impl PolicySet {
    /// Reads policies whose keys all stand in the text (`pem:`).
    ///
    /// # Errors
    ///
    /// [`PolicyError`], with the place in the text.
    pub fn parse(sources: &[Source], limits: &Limits) -> Result<Self, PolicyError> {
        Self::parse_with_files(sources, limits, &|_, _| {
            Err(
                "keys in files are not read here; write the key in the policy with `pem:`"
                    .to_owned(),
            )
        })
    }

    /// Reads policies; `files` is given the source's name and what `file:` says, and answers with
    /// the bytes of the key or with why it cannot.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], with the place in the text.
    pub fn parse_with_files(
        sources: &[Source],
        limits: &Limits,
        files: KeyFiles<'_>,
    ) -> Result<Self, PolicyError> {
        let mut policies: Vec<Policy> = Vec::new();
        for source in sources {
            for policy in compile::policies(source, limits, files)? {
                if policies.iter().any(|other| other.name == policy.name) {
                    return Err(PolicyError {
                        file: source.name.clone(),
                        line: None,
                        column: None,
                        problem: PolicyProblem::Conflict,
                        message: format!("two policies bear the name `{}`", policy.name),
                        hint: Some("give each policy its own `metadata.name`".to_owned()),
                    });
                }
                policies.push(policy);
            }
        }
        Ok(Self::of(policies))
    }

    /// The policies, in the order in which they were read.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// SHA-256 of [`PolicySet::to_yaml`]: equal for policies that differ only in spelling.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The policies in YAML, as [`PolicySet::parse`] reads them, with keys in the text.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        write::yaml(&self.policies)
    }

    /// The keys that signers name, each once, for the trust material that proofs are made under.
    ///
    /// A key that several signers name with different windows or schemes comes with all that any of
    /// them allows; the judge holds each signer to its own.
    #[must_use]
    pub fn keys(&self) -> Vec<TrustedKey> {
        let mut merged: Vec<(KeyId, TrustedKey)> = Vec::new();
        for key in self
            .policies
            .iter()
            .flat_map(|policy| policy.signers.values())
            .flat_map(keys_of)
        {
            let id = KeyId::of(&key.key);
            match merged.iter_mut().find(|(other, _)| *other == id) {
                None => merged.push((id, key.clone())),
                Some((_, known)) => {
                    known.valid = hull(&known.valid, &key.valid);
                    known.schemes = either(known.schemes.take(), key.schemes.as_deref());
                }
            }
        }
        merged.into_iter().map(|(_, key)| key).collect()
    }

    /// Whether some rule takes a certificate, so that a trusted root is needed.
    #[must_use]
    pub fn wants_certificates(&self) -> bool {
        self.policies.iter().any(|policy| {
            policy.signers.values().any(|signer| {
                matches!(
                    signer,
                    SignerRule::Keyless { .. } | SignerRule::Certificate { .. }
                )
            })
        })
    }

    /// What is allowed and probably not meant: patterns that match everybody, signers that no rule names.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.policies.iter().flat_map(warnings_of).collect()
    }

    fn of(policies: Vec<Policy>) -> Self {
        let digest = digest::sha256(write::yaml(&policies).as_bytes());
        Self { policies, digest }
    }
}

impl From<Policy> for PolicySet {
    fn from(policy: Policy) -> Self {
        Self::of(vec![policy])
    }
}

fn keys_of(signer: &SignerRule) -> &[TrustedKey] {
    match signer {
        SignerRule::Key { keys } => keys,
        SignerRule::Keyless { .. } | SignerRule::Certificate { .. } => &[],
    }
}

/// The smallest window that holds both.
fn hull(one: &Window, other: &Window) -> Window {
    Window {
        start: one.start.zip(other.start).map(|(a, b)| a.min(b)),
        end: one.end.zip(other.end).map(|(a, b)| a.max(b)),
    }
}

/// What one of two narrowings allows; `None` allows everything.
fn either(one: Option<Vec<Scheme>>, other: Option<&[Scheme]>) -> Option<Vec<Scheme>> {
    let (mut all, other) = one.zip(other)?;
    all.extend(
        other
            .iter()
            .filter(|scheme| !all.contains(scheme))
            .copied()
            .collect::<Vec<_>>(),
    );
    Some(all)
}

/// Also every repository of a server, which the shorthand for GitHub can ask for.
fn matches_everybody(pattern: &Pattern) -> bool {
    pattern.matches_everything()
        || (pattern.kind() == "glob"
            && matches!(
                pattern.as_str().strip_prefix(SERVER),
                Some("*" | "**" | "*/*" | "*/**" | "**/*")
            ))
}

fn warnings_of(policy: &Policy) -> Vec<String> {
    let mut used = std::collections::BTreeSet::new();
    policy.require.each_leaf(&mut |leaf| {
        if let Requirement::Signature { by, .. } | Requirement::Statement { by, .. } = leaf {
            used.extend(by.iter().cloned());
        }
    });
    let mut warnings = Vec::new();
    for (name, signer) in &policy.signers {
        if !used.contains(name) {
            warnings.push(format!(
                "policy `{}`: no rule names the signer `{name}`",
                policy.name
            ));
        }
        let mut patterns: Vec<(&str, &Pattern)> = Vec::new();
        match signer {
            SignerRule::Key { .. } => {}
            SignerRule::Keyless {
                identity,
                issuer,
                claims,
            } => {
                patterns.extend(identity.as_ref().map(|pattern| ("identity", pattern)));
                patterns.push(("issuer", issuer));
                patterns.extend(
                    claims
                        .iter()
                        .map(|(claim, pattern)| (claim.as_str(), pattern)),
                );
                if identity.is_none() && !claims.keys().any(|claim| claim.names_somebody()) {
                    warnings.push(format!(
                        "policy `{}`: the signer `{name}` names no identity and no repository, so that anybody's build may match",
                        policy.name
                    ));
                }
            }
            SignerRule::Certificate { identity } => patterns.push(("identity", identity)),
        }
        for (what, pattern) in patterns {
            if matches_everybody(pattern) {
                warnings.push(format!(
                    "policy `{}`: the {what} `{pattern}` of the signer `{name}` matches everybody",
                    policy.name
                ));
            }
        }
    }
    warnings
}
