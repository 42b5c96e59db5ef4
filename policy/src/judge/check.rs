//! The judge with everything supplied at once.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_proof::{Subject, TrustMaterial};

use super::{Judge, Step};
use crate::decision::Decision;
use crate::evidence::{Answer, SourceKind, Supplied, Want};
use crate::family::Asked;
use crate::set::PolicySet;

/// Judges with everything supplied at once; what is still wanted then is unknown.
#[must_use]
pub fn check(
    policies: &PolicySet,
    subject: Subject,
    trust: Arc<TrustMaterial>,
    now: UnixTime,
    supplied: Vec<Supplied>,
) -> Decision {
    check_asked(policies, Asked::about(subject), trust, now, supplied)
}

/// As [`check`], for what is asked through an index or by a name.
#[must_use]
pub fn check_asked(
    policies: &PolicySet,
    asked: Asked,
    trust: Arc<TrustMaterial>,
    now: UnixTime,
    supplied: Vec<Supplied>,
) -> Decision {
    Judge::prepare(policies, asked, trust, now).conclude(supplied)
}

impl Judge {
    /// Judges with everything supplied at once; what is still wanted then is unknown.
    #[must_use]
    pub fn conclude(self, supplied: Vec<Supplied>) -> Decision {
        let mut supplied = Some(supplied);
        let mut step = self.begin();
        loop {
            match step {
                Step::Done(decision) => return decision,
                Step::Need(judge, wants) => {
                    let mut items = supplied.take().unwrap_or_default();
                    // What was given is in the pieces; that there is no more of it is known.
                    let given: Vec<Supplied> = wants
                        .into_iter()
                        .filter_map(|want| given_absent(&items, want))
                        .collect();
                    items.extend(given);
                    step = judge.supply(items);
                }
            }
        }
    }
}

/// The answer to a want for what was given, where nobody answered it.
fn given_absent(items: &[Supplied], want: Want) -> Option<Supplied> {
    let answers = |items: &[Supplied]| {
        items
            .iter()
            .any(|item| matches!(item, Supplied::Source(SourceKind::Given, _)))
    };
    let absent = Supplied::Source(SourceKind::Given, Answer::Absent);
    match want {
        Want::Source(SourceKind::Given) if !answers(items) => Some(absent),
        Want::About(about, SourceKind::Given) => {
            let answered = items.iter().any(|item| {
                matches!(item, Supplied::About(other, items) if *other == about && answers(items))
            });
            (!answered).then(|| Supplied::About(about, vec![absent]))
        }
        _ => None,
    }
}
