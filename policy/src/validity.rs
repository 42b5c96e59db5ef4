//! Until when a decision holds, and what evidence it rests on.

use std::sync::Arc;

use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Rejected, Verified, digest};

use crate::clock::Clock;
use crate::decision::{RuleOutcome, Standing, Status};
use crate::signer_match::signer_words;
use crate::verdict::Conclusion;

/// Most edges of time that are looked behind; then the next one counts as the end, which is never too late.
const EDGES: usize = 32;

/// The last second at which the same inputs come to the same conclusion.
///
/// An edge that was crossed need not change anything: another key may still count. So the same inputs are judged again just
/// behind each edge, until something differs. `fixed` is an edge behind which only another proof could tell.
pub(crate) fn valid_until(
    now: UnixTime,
    fixed: Option<UnixTime>,
    made: &Conclusion,
    again: impl Fn(&Clock) -> Option<Conclusion>,
) -> Option<UnixTime> {
    let mut at = now;
    for _ in 0..EDGES {
        let clock = Clock::new(at);
        let conclusion = again(&clock);
        let same = conclusion.is_some_and(|other| alike(made, &other));
        if !same {
            return Some(UnixTime(at.0.saturating_sub(1)).max(now));
        }
        let Some(edge) = clock.valid_until() else {
            return fixed;
        };
        if fixed.is_some_and(|fixed| fixed <= edge) {
            return fixed;
        }
        at = UnixTime(edge.0.saturating_add(1));
    }
    Some(UnixTime(at.0.saturating_sub(1)).max(now))
}

fn alike(one: &Conclusion, other: &Conclusion) -> bool {
    one.verdict == other.verdict
        && one.action == other.action
        && one.policies.len() == other.policies.len()
        && one
            .policies
            .iter()
            .zip(&other.policies)
            .all(|(one, other)| {
                let both = matches!(
                    (&one.standing, &other.standing),
                    (Standing::Judged, Standing::Judged)
                        | (Standing::Denied, Standing::Denied)
                        | (Standing::Expired { .. }, Standing::Expired { .. })
                        | (Standing::Excepted { .. }, Standing::Excepted { .. })
                );
                both && one.action == other.action && statuses(&one.rule) == statuses(&other.rule)
            })
}

fn statuses(rule: &RuleOutcome) -> Vec<Status> {
    let mut all = vec![rule.status];
    for child in &rule.children {
        all.extend(statuses(child));
    }
    all
}

/// Equal for equal evidence, in whatever order it arrived.
pub(crate) fn evidence_digest(verified: &[Arc<Verified>], rejected: &[Rejected]) -> Digest {
    let mut lines: Vec<String> = verified
        .iter()
        .map(|piece| {
            format!(
                "{} {} {}\n",
                piece.digest(),
                piece.subject(),
                signer_words(piece.signer())
            )
        })
        .chain(rejected.iter().map(|piece| match piece.digest() {
            Some(digest) => format!("{digest} {}\n", piece.code()),
            None => format!("- {}\n", piece.code()),
        }))
        .collect();
    lines.sort_unstable();
    // Rejected copies of one piece are one piece.
    lines.dedup();
    digest::sha256(lines.concat().as_bytes())
}
