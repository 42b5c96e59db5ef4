//! What is known of the sources of evidence: which were asked, and what of them is unread.

use std::collections::BTreeSet;

use countersign_formats::Digest;
use countersign_proof::Subject;

use crate::evaluate::Facts;
use crate::evidence::{Answer, Cause, CauseClass, SourceKind, Want};

/// What is known of a source that was asked.
#[derive(Debug, Default)]
pub(crate) struct SourceState {
    pub(crate) answer: Option<Answer>,
    pub(crate) missing: Vec<Cause>,
}

impl SourceState {
    /// Whether the source answered and everything that it lists was had.
    pub(crate) fn is_read(&self) -> bool {
        self.missing.is_empty()
            && matches!(
                self.answer,
                Some(Answer::Absent | Answer::Read { complete: true, .. })
            )
    }
}

/// What could still add evidence.
#[derive(Default)]
pub(crate) struct Unread {
    /// What was not asked yet, of the earliest stage that has any.
    pub(crate) pending: BTreeSet<Want>,
    /// Why what was asked did not tell all.
    pub(crate) causes: Vec<Cause>,
}

impl Unread {
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.causes.is_empty()
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.pending.extend(more.pending.iter().copied());
        add_causes(&mut self.causes, &more.causes);
    }
}

/// Adds what is not there yet.
pub(crate) fn add_causes(all: &mut Vec<Cause>, more: &[Cause]) {
    for cause in more {
        if !all.contains(cause) {
            all.push(cause.clone());
        }
    }
}

/// The order in which sources are asked. Whoever can answer from what the caller brought asks no
/// registry; legacy tags cost one small request each and come before pieces that say they hold something else,
/// which may be large.
fn stages(subject: &Subject, statement: bool) -> &'static [SourceKind] {
    use SourceKind::{AttestationTag, BundleReferrers, Given, OtherPieces, SignatureTag};
    match (subject, statement) {
        (Subject::Blob(_), _) => &[Given],
        (Subject::Image(_), false) => &[Given, BundleReferrers, SignatureTag, OtherPieces],
        (Subject::Image(_), true) => &[Given, BundleReferrers, AttestationTag, OtherPieces],
    }
}

/// Every source that can say something about the subject.
pub(crate) fn all_sources(subject: &Subject) -> &'static [SourceKind] {
    use SourceKind::{AttestationTag, BundleReferrers, Given, OtherPieces, SignatureTag};
    match subject {
        Subject::Blob(_) => &[Given],
        Subject::Image(_) => &[
            Given,
            BundleReferrers,
            SignatureTag,
            AttestationTag,
            OtherPieces,
        ],
    }
}

/// What is unread of the sources that could say something about `target`.
pub(crate) fn unread(facts: &Facts<'_>, target: &Digest, statement: bool) -> Unread {
    let mut unread = Unread::default();
    let own = facts.family.subject();
    for source in stages(own, statement) {
        if facts.supposed.reads(*source) {
            continue;
        }
        let Some(state) = facts.sources.get(&(*target, *source)) else {
            if unread.pending.is_empty() {
                unread.pending.insert(if *target == own.digest() {
                    Want::Source(*source)
                } else {
                    Want::About(*target, *source)
                });
            }
            continue;
        };
        let incomplete = |detail: &str| Cause {
            class: CauseClass::Incomplete,
            source: source.to_string(),
            detail: detail.to_owned(),
        };
        add_causes(&mut unread.causes, &state.missing);
        match &state.answer {
            Some(Answer::Absent | Answer::Read { complete: true, .. }) => {}
            Some(Answer::Read {
                complete: false, ..
            }) if !state.missing.is_empty() => {}
            Some(Answer::Read {
                complete: false, ..
            }) => {
                add_causes(
                    &mut unread.causes,
                    &[incomplete("it was not read to its end")],
                );
            }
            Some(Answer::Failed(cause)) => {
                add_causes(&mut unread.causes, std::slice::from_ref(cause))
            }
            None => add_causes(
                &mut unread.causes,
                &[incomplete("it was asked and did not answer")],
            ),
        }
    }
    if let Some(spent) = facts.spent {
        add_causes(&mut unread.causes, std::slice::from_ref(spent));
    }
    unread
}
