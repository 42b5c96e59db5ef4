//! What several stores answered to one question, made into one answer.

use countersign_formats::UnixTime;
use countersign_policy::{Answer, Cause, SourceKind, Supplied};

use super::Places;

/// The answers so far.
pub(super) struct Heard {
    read: bool,
    complete: bool,
    failed: Vec<Cause>,
}

impl Heard {
    /// Nothing is heard yet but of stores that could not be opened.
    pub(super) fn of(places: &Places<'_>) -> Self {
        Self {
            read: false,
            complete: true,
            failed: places.unopened.clone(),
        }
    }

    /// A store told what it has, to the end or not.
    pub(super) fn read(&mut self, complete: bool) {
        self.read = true;
        self.complete &= complete;
    }

    /// A store could not be asked.
    pub(super) fn failed(&mut self, cause: Cause) {
        self.failed.push(cause);
    }

    /// One answer for the source. A store that failed beside one that answered leaves the source incomplete, and hides nothing.
    pub(super) fn supply(self, source: SourceKind, now: UnixTime, supplied: &mut Vec<Supplied>) {
        let mut failed = self.failed.into_iter();
        let answer = if self.read {
            Answer::Read {
                complete: self.complete,
                as_of: now,
            }
        } else {
            failed.next().map_or(Answer::Absent, Answer::Failed)
        };
        supplied.extend(failed.map(|cause| Supplied::Missing(source, cause)));
        supplied.push(Supplied::Source(source, answer));
    }
}
