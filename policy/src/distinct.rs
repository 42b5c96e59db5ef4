//! Counts rules that are each passed by a different signer, so that one signer cannot count twice.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proof::{KeyId, Signer};

use crate::rules::Distinct;

/// The largest number of rules that can be given a signer each, no signer twice: a maximum matching
/// by augmenting paths. `rules` holds, per rule, the signers that pass it.
pub(crate) fn largest_assignment(rules: &[BTreeSet<String>]) -> usize {
    let mut holder: BTreeMap<&str, usize> = BTreeMap::new();
    let mut assigned = 0;
    for rule in 0..rules.len() {
        let mut visited = BTreeSet::new();
        if augment(rules, rule, &mut holder, &mut visited) {
            assigned += 1;
        }
    }
    assigned
}

/// Gives `rule` a signer, moving other rules to their other signers where that helps. An explicit
/// stack, since a policy may list a thousand rules.
fn augment<'a>(
    rules: &'a [BTreeSet<String>],
    rule: usize,
    holder: &mut BTreeMap<&'a str, usize>,
    visited: &mut BTreeSet<&'a str>,
) -> bool {
    let mut reached_from: BTreeMap<&str, usize> = BTreeMap::new();
    let mut given: BTreeMap<usize, &str> = holder
        .iter()
        .map(|(signer, rule)| (*rule, *signer))
        .collect();
    let mut pending = vec![rule];
    while let Some(current) = pending.pop() {
        let Some(signers) = rules.get(current) else {
            continue;
        };
        for signer in signers {
            let signer = signer.as_str();
            if !visited.insert(signer) {
                continue;
            }
            reached_from.insert(signer, current);
            match holder.get(signer) {
                Some(other) => pending.push(*other),
                None => {
                    // Walk back: each rule on the path takes the signer it reached and gives up its own.
                    let mut signer = signer;
                    while let Some(taker) = reached_from.get(signer).copied() {
                        let released = given.insert(taker, signer);
                        holder.insert(signer, taker);
                        match released {
                            Some(previous) if taker != rule => signer = previous,
                            _ => return true,
                        }
                    }
                    return true;
                }
            }
        }
    }
    false
}

/// A text that is equal for signers which count as one.
pub(crate) fn same_signer(signer: &Signer, distinct: Distinct) -> String {
    match signer {
        Signer::Key(key) => key_text(key),
        Signer::Fulcio(certificate) => certificate_text(
            certificate.issuer.as_deref().unwrap_or_default(),
            certificate.san.kind(),
            certificate.san.value(),
            distinct,
        ),
        Signer::X509(certificate) => match (distinct, &certificate.san) {
            (Distinct::Identity | Distinct::Key, Some(san)) => {
                format!(
                    "certificate {} {} {}",
                    certificate.authority,
                    san.kind(),
                    san.value()
                )
            }
            _ => format!("authority {}", certificate.authority),
        },
        _ => "somebody of an unknown kind".to_owned(),
    }
}

/// [`same_signer`] of a key.
pub(crate) fn key_text(key: &KeyId) -> String {
    format!("key {key}")
}

/// [`same_signer`] of a certificate with this issuer and subject alternative name.
pub(crate) fn certificate_text(
    issuer: &str,
    kind: &str,
    value: &str,
    distinct: Distinct,
) -> String {
    match distinct {
        Distinct::Issuer => format!("issuer {issuer}"),
        Distinct::Identity | Distinct::Key => format!("identity {issuer} {kind} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rules: &[&[&str]]) -> usize {
        let sets: Vec<BTreeSet<String>> = rules
            .iter()
            .map(|signers| signers.iter().map(|signer| (*signer).to_owned()).collect())
            .collect();
        largest_assignment(&sets)
    }

    #[test]
    fn one_signer_counts_once() {
        assert_eq!(count(&[&["a"], &["a"], &["a"]]), 1);
        assert_eq!(count(&[&["a"], &["b"], &[]]), 2);
    }

    #[test]
    fn an_earlier_rule_makes_room_for_a_later_one() {
        // Greedy in order would give `a` to the first rule and leave the second without.
        assert_eq!(count(&[&["a", "b"], &["a"]]), 2);
        assert_eq!(count(&[&["a", "b"], &["a", "c"], &["a"], &["b"]]), 3);
        assert_eq!(
            count(&[&["a", "b"], &["b", "c"], &["c", "d"], &["a"], &["b"]]),
            4
        );
    }

    /// All assignments, tried one by one.
    fn exhaustive(rules: &[BTreeSet<String>], taken: &mut BTreeSet<String>) -> usize {
        let Some((first, rest)) = rules.split_first() else {
            return 0;
        };
        let mut best = exhaustive(rest, taken);
        for signer in first {
            if taken.insert(signer.clone()) {
                best = best.max(1 + exhaustive(rest, taken));
                taken.remove(signer);
            }
        }
        best
    }

    #[test]
    fn the_count_is_the_best_of_all_assignments() {
        let mut state: u64 = 7;
        for _ in 0..500 {
            let rules: Vec<BTreeSet<String>> = (0..5)
                .map(|_| {
                    ["a", "b", "c", "d", "e"]
                        .iter()
                        .filter(|_| {
                            state = state
                                .wrapping_mul(6_364_136_223_846_793_005)
                                .wrapping_add(1);
                            (state >> 61) < 3
                        })
                        .map(|signer| (*signer).to_owned())
                        .collect()
                })
                .collect();
            assert_eq!(
                largest_assignment(&rules),
                exhaustive(&rules, &mut BTreeSet::new()),
                "{rules:?}"
            );
        }
    }
}
