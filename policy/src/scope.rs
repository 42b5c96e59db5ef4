//! Which policies speak of an image: one automaton over the globs of all scopes.

use std::sync::OnceLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::clock::Clock;
use crate::glob;
use crate::rules::{Exception, Policy};

/// Largest automaton, in bytes; beyond it scopes are compared one by one.
const AUTOMATON_BYTES: usize = 64 << 20;

/// The globs of all policies, compiled when the first image is asked about.
#[derive(Debug, Default)]
pub(crate) struct ScopeIndex {
    compiled: OnceLock<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    /// Positions of policies without a scope.
    always: Vec<usize>,
    /// `None` when the automaton would be too large.
    globs: Option<RegexSet>,
    /// The policy of each glob.
    owners: Vec<usize>,
}

impl ScopeIndex {
    /// Positions of the policies that speak of the repository, in order.
    pub(crate) fn matching(&self, name: &str, policies: &[Policy]) -> Vec<usize> {
        let compiled = self.compiled.get_or_init(|| compile(policies));
        let mut matching = compiled.always.clone();
        match &compiled.globs {
            Some(globs) => {
                let found = globs.matches(name.as_bytes());
                matching.extend(found.iter().filter_map(|glob| compiled.owners.get(glob)));
            }
            None => matching.extend(
                policies
                    .iter()
                    .enumerate()
                    .filter(|(_, policy)| policy.scope.images.iter().any(|glob| glob.matches(name)))
                    .map(|(position, _)| position),
            ),
        }
        matching.sort_unstable();
        matching.dedup();
        matching
    }
}

fn compile(policies: &[Policy]) -> Compiled {
    let mut always = Vec::new();
    let mut owners = Vec::new();
    let mut expressions = Vec::new();
    for (position, policy) in policies.iter().enumerate() {
        if policy.scope.images.is_empty() {
            always.push(position);
        }
        for image in &policy.scope.images {
            owners.push(position);
            expressions.push(format!(r"\A(?:{})\z", glob::expression(image.as_str())));
        }
    }
    let globs = RegexSetBuilder::new(expressions)
        .unicode(false)
        .size_limit(AUTOMATON_BYTES)
        .dfa_size_limit(AUTOMATON_BYTES)
        .build()
        .ok();
    Compiled {
        always,
        globs,
        owners,
    }
}

/// The exception that lets the image through now; without a name there is none.
pub(crate) fn exception<'a>(
    policy: &'a Policy,
    name: Option<&str>,
    clock: &Clock,
) -> Option<&'a Exception> {
    let name = name?;
    policy
        .scope
        .except
        .iter()
        .filter(|exception| exception.image.matches(name))
        // Of several the one that holds longest; each is asked, so that every edge is known.
        .filter(|exception| clock.is_open_until(exception.until))
        .max_by_key(|exception| exception.until)
}
