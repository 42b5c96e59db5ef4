//! The end of a judgement: what the policies came to, as a decision.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_proof::Verified;

use super::Judge;
use crate::decision::{Decision, Digests, PolicyOutcome, RuleOutcome, SourceReport};
use crate::explain::Ground;
use crate::standing::PolicyJudged;
use crate::validity::{evidence_digest, valid_until};
use crate::verdict::{absence, verdict};

impl Judge {
    pub(super) fn decide(self, judged: Vec<PolicyJudged>) -> Decision {
        let absence = self.nothing_found().then(|| absence(&self.sources));
        let spoken_of = self.is_spoken_of();
        let conclude = |judged: Vec<PolicyJudged>| {
            let policies: Vec<PolicyOutcome> =
                judged.into_iter().map(|judged| judged.outcome).collect();
            verdict(policies, spoken_of, absence.as_ref())
        };
        let made = conclude(judged);
        let valid_until = valid_until(self.now, self.fixed.valid_until(), &made, |clock| {
            let judged = self.judge(clock);
            // A branch that is not decided any more would ask for more: that is another decision.
            let wants = judged.iter().any(|policy| !policy.wants.is_empty());
            (!wants).then(|| conclude(judged))
        });
        let (verdict, action, policies) = (made.verdict, made.action, made.policies);
        let counting: BTreeSet<*const Verified> = {
            let mut counting = BTreeSet::new();
            for policy in &policies {
                each_leaf(&policy.rule, &mut |leaf| {
                    let counts = leaf
                        .candidates
                        .iter()
                        .filter(|candidate| candidate.counts());
                    counting.extend(counts.map(|candidate| Arc::as_ptr(&candidate.piece)));
                });
            }
            counting
        };
        let mut claimed = Vec::new();
        let mut pieces: Vec<Arc<Verified>> = Vec::new();
        for held in self.verified {
            claimed.extend(
                held.claimed
                    .map(|time| (Arc::as_ptr(&held.piece).addr(), time)),
            );
            pieces.push(held.piece);
        }
        let evidence = evidence_digest(&pieces, &self.rejected);
        let (accepted, unused): (Vec<_>, Vec<_>) = pieces
            .into_iter()
            .partition(|piece| counting.contains(&Arc::as_ptr(piece)));
        let dangers: BTreeSet<String> = accepted
            .iter()
            .flat_map(|piece| piece.dangers())
            .map(|danger| danger.name().to_owned())
            .collect();
        Decision {
            verdict,
            action,
            policies,
            unused,
            rejected: self.rejected,
            unusable: self.unusable,
            sources: self
                .sources
                .into_iter()
                .map(|((about, source), state)| SourceReport {
                    about,
                    source,
                    answer: state.answer,
                    missing: state.missing,
                })
                .collect(),
            decided_at: self.now,
            valid_until,
            digests: Digests {
                subject: self.family.subject().digest(),
                policy: self.policies.digest(),
                trust: self.trust.digest(),
                evidence,
            },
            dangers: dangers.into_iter().collect(),
            accepted,
            image_name: self.name,
            index: self.index,
            ground: Box::new(Ground {
                policies: self.policies,
                speaking: self.speaking,
                roots: self.roots,
                family: self.family,
                claimed: claimed.into_iter().collect(),
                spent: self.spent,
            }),
        }
    }

    /// Whether some policy of the broadest layer speaks of the subject.
    fn is_spoken_of(&self) -> bool {
        self.speaking
            .iter()
            .any(|position| *position < self.policies.base())
    }
}

fn each_leaf<'a>(rule: &'a RuleOutcome, visit: &mut dyn FnMut(&'a RuleOutcome)) {
    if rule.leaf.is_some() {
        visit(rule);
    }
    for child in &rule.children {
        each_leaf(child, visit);
    }
}
