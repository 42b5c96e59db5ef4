//! Several policies that must all pass, read from named sources.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, Window};
use countersign_proof::{Dangers, KeyId, Scheme, TrustedKey, digest};

use crate::compile;
use crate::error::{PolicyError, PolicyProblem};
use crate::insecure;
use crate::places::Places;
use crate::rules::{Policy, SignerKey, SignerRule, Unavailable};
use crate::scope::ScopeIndex;
use crate::write;

/// Policies that must all pass, in layers; a set without any passes nothing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PolicySet {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    policies: Vec<Policy>,
    /// Where the parts of each policy stand, in the order of the policies.
    places: Vec<Places>,
    /// How many of the policies are the broadest layer's: one of these must speak of an image.
    base: usize,
    digest: Digest,
    scopes: ScopeIndex,
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
        let mut places = Vec::new();
        for source in sources {
            for (policy, place) in compile::policies(source, limits, files)? {
                if let Some(first) = named(&policy.name, &policies, &places) {
                    return Err(same_name(&policy.name, first, &place));
                }
                policies.push(policy);
                places.push(place);
            }
        }
        let base = policies.len();
        Ok(Self::of(policies, places, base))
    }

    /// These policies with narrower ones, such as a namespace's: all must pass. A narrower layer can only add: whatever it says, an
    /// image of which no policy of the broadest layer speaks passes nothing.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when two policies bear one name.
    pub fn with_layer(&self, narrower: &Self) -> Result<Self, PolicyError> {
        for (policy, place) in narrower.inner.policies.iter().zip(&narrower.inner.places) {
            if let Some(first) = named(&policy.name, self.policies(), self.places()) {
                return Err(same_name(&policy.name, first, place));
            }
        }
        let both = |one: &Inner, other: &Inner| {
            let policies = one.policies.iter().chain(&other.policies).cloned();
            let places = one.places.iter().chain(&other.places).cloned();
            (policies.collect(), places.collect())
        };
        let (policies, places) = both(&self.inner, &narrower.inner);
        Ok(Self::of(policies, places, self.inner.base))
    }

    /// These policies with checks left out of each, as flags ask for it. What a policy leaves out already keeps its own reason.
    #[must_use]
    pub fn leaving_out(&self, dangers: Dangers, reason: &str) -> Self {
        if dangers == Dangers::NONE {
            return self.clone();
        }
        let switches = insecure::switches(dangers, reason);
        let mut policies = self.inner.policies.clone();
        for policy in &mut policies {
            for switch in &switches {
                if policy
                    .insecure
                    .iter()
                    .all(|known| known.danger != switch.danger)
                {
                    policy.insecure.push(switch.clone());
                }
            }
        }
        Self::of(policies, self.inner.places.clone(), self.inner.base)
    }

    /// What the policies leave out, together: proofs must be made under trust with these dangers. Each policy is held to
    /// its own switches all the same.
    #[must_use]
    pub fn dangers(&self) -> Dangers {
        insecure::dangers(self.policies())
    }

    /// The policies, the broadest layer first, in the order in which they were read.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.inner.policies
    }

    /// SHA-256 of [`PolicySet::to_yaml`]: equal for policies that differ only in spelling.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.inner.digest
    }

    /// The policies in YAML, as [`PolicySet::parse`] reads them, with keys in the text.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        write::yaml(self.policies())
    }

    /// The keys that signers name, each once, for the trust material that proofs are made under.
    ///
    /// A key that several signers name with different windows or schemes comes with all that any of
    /// them allows; the judge holds each signer to its own.
    #[must_use]
    pub fn keys(&self) -> Vec<TrustedKey> {
        let mut merged: Vec<(KeyId, TrustedKey)> = Vec::new();
        for SignerKey { trusted: key, .. } in self
            .policies()
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
        self.policies().iter().any(|policy| {
            policy.signers.values().any(|signer| {
                matches!(
                    signer,
                    SignerRule::Keyless { .. } | SignerRule::Certificate { .. }
                )
            })
        })
    }

    /// Whether some policy bridges outages by an earlier pass, so that passes are worth remembering.
    #[must_use]
    pub fn bridges_outages(&self) -> bool {
        let mut policies = self.policies().iter();
        policies.any(|policy| matches!(policy.unavailable, Unavailable::UseCached { .. }))
    }

    /// Positions of the policies that speak of the repository `name`; without a name all do.
    pub(crate) fn speaking_of(&self, name: Option<&str>) -> Vec<usize> {
        match name {
            Some(name) => self.inner.scopes.matching(name, &self.inner.policies),
            None => (0..self.inner.policies.len()).collect(),
        }
    }

    /// Number of policies of the broadest layer, which come first.
    pub(crate) fn base(&self) -> usize {
        self.inner.base
    }

    /// Where the parts of each policy stand, in the order of the policies.
    pub(crate) fn places(&self) -> &[Places] {
        &self.inner.places
    }

    fn of(policies: Vec<Policy>, places: Vec<Places>, base: usize) -> Self {
        let mut text = write::yaml(&policies);
        if base < policies.len() {
            text.push_str(&format!("# layers: {base}\n"));
        }
        Self {
            inner: Arc::new(Inner {
                digest: digest::sha256(text.as_bytes()),
                scopes: ScopeIndex::default(),
                policies,
                places,
                base,
            }),
        }
    }
}

impl From<Policy> for PolicySet {
    fn from(policy: Policy) -> Self {
        Self::of(vec![policy], vec![Places::default()], 1)
    }
}

/// Where the policy of this name stands, if there is one.
fn named<'a>(name: &str, policies: &[Policy], places: &'a [Places]) -> Option<&'a Places> {
    let mut known = policies.iter().zip(places);
    known
        .find(|(policy, _)| policy.name == name)
        .map(|(_, place)| place)
}

fn same_name(name: &str, first: &Places, second: &Places) -> PolicyError {
    let at = second.find("metadata");
    let mut message = format!("two policies bear the name `{name}`");
    if let Some((line, column)) = first.find("metadata") {
        message.push_str(&format!(
            "; the first stands at {}:{line}:{column}",
            first.file
        ));
    }
    PolicyError {
        file: second.file.clone(),
        line: at.map(|(line, _)| line),
        column: at.map(|(_, column)| column),
        problem: PolicyProblem::Conflict,
        message,
        hint: Some("give each policy its own `metadata.name`".to_owned()),
    }
}

fn keys_of(signer: &SignerRule) -> &[SignerKey] {
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
