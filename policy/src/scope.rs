//! Which policies speak of an image: the globs of all scopes, found by the fixed text that they begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::clock::Clock;
use crate::rules::{Exception, Policy};

/// The globs of all policies, sorted when the first image is asked about.
#[derive(Debug, Default)]
pub(crate) struct ScopeIndex {
    sorted: OnceLock<Sorted>,
}

#[derive(Debug, Default)]
struct Sorted {
    /// Positions of policies without a scope.
    always: Vec<usize>,
    /// Policy and glob of each scope, by what the glob begins with before its first star: only names that begin so can match.
    globs: BTreeMap<String, Vec<(usize, usize)>>,
    /// How long these beginnings are, in bytes.
    lengths: BTreeSet<usize>,
}

impl ScopeIndex {
    /// Positions of the policies that speak of the repository, in order. The cost grows with the number of different lengths
    /// and of globs that begin like the name, not with the number of policies.
    pub(crate) fn matching(&self, name: &str, policies: &[Policy]) -> Vec<usize> {
        let sorted = self.sorted.get_or_init(|| sort(policies));
        let mut matching = sorted.always.clone();
        for length in &sorted.lengths {
            let Some(globs) = name
                .get(..*length)
                .and_then(|begin| sorted.globs.get(begin))
            else {
                continue;
            };
            let speaks = |policy: usize, glob: usize| {
                let images = policies.get(policy).map(|policy| &policy.scope.images);
                images
                    .and_then(|images| images.get(glob))
                    .is_some_and(|glob| glob.matches(name))
            };
            matching.extend(
                globs
                    .iter()
                    .filter(|(policy, glob)| speaks(*policy, *glob))
                    .map(|(policy, _)| *policy),
            );
        }
        matching.sort_unstable();
        matching.dedup();
        matching
    }
}

fn sort(policies: &[Policy]) -> Sorted {
    let mut sorted = Sorted::default();
    for (position, policy) in policies.iter().enumerate() {
        if policy.scope.images.is_empty() {
            sorted.always.push(position);
        }
        for (glob, image) in policy.scope.images.iter().enumerate() {
            let begin = match image.kind() {
                "glob" => image.as_str().split('*').next().unwrap_or_default(),
                "exact" => image.as_str(),
                // What a regular expression begins with is not looked for; it may match any name.
                _ => "",
            };
            sorted.lengths.insert(begin.len());
            sorted
                .globs
                .entry(begin.to_owned())
                .or_default()
                .push((position, glob));
        }
    }
    sorted
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

/// Of the exceptions for the image, the one that holds longest, whether or not it is over.
pub(crate) fn last_exception<'a>(policy: &'a Policy, name: Option<&str>) -> Option<&'a Exception> {
    let name = name?;
    let except = policy.scope.except.iter();
    except
        .filter(|exception| exception.image.matches(name))
        .max_by_key(|exception| exception.until)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::pattern::Pattern;
    use crate::rules::Requirement;

    #[test]
    fn the_index_finds_what_comparing_one_by_one_finds() {
        let globs: [&[&str]; 7] = [
            &[],
            &["ghcr.io/acme/**"],
            &["ghcr.io/acme/app", "docker.io/*/app"],
            &["**"],
            &["ghcr.io/*"],
            &["*/acme/app"],
            &["ghcr.io/acme/é*"],
        ];
        let policies: Vec<Policy> = globs
            .iter()
            .map(|globs| {
                let mut policy = Policy::new("p", BTreeMap::new(), Requirement::AllOf(Vec::new()));
                policy.scope.images = globs
                    .iter()
                    .map(|glob| Pattern::glob(glob).unwrap())
                    .collect();
                policy
            })
            .collect();
        let index = ScopeIndex::default();
        for name in [
            "ghcr.io/acme/app",
            "ghcr.io/acme/team/app",
            "ghcr.io/app",
            "docker.io/library/app",
            "ghcr.io/acme/éclair",
            "ghcr.io/acme/\u{e8}",
            "",
        ] {
            let one_by_one: Vec<usize> = policies
                .iter()
                .enumerate()
                .filter(|(_, policy)| {
                    let images = &policy.scope.images;
                    images.is_empty() || images.iter().any(|glob| glob.matches(name))
                })
                .map(|(position, _)| position)
                .collect();
            assert_eq!(index.matching(name, &policies), one_by_one, "{name}");
        }
    }
}
