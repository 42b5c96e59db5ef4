//! What was found, as the judge keeps it: each piece once, and no more than its budget allows.

use std::sync::Arc;

use countersign_formats::{Digest, Window};
use countersign_proof::{RejectReason, Rejected, Verified};

use super::Judge;
use crate::age;
use crate::evaluate::Held;
use crate::evidence::{Cause, CauseClass, Supplied};
use crate::signer_match::signer_words;

impl Judge {
    pub(super) fn take_item(&mut self, about: Digest, item: Supplied) {
        match item {
            Supplied::Piece(piece) => self.take(*piece),
            Supplied::Unusable(piece) => {
                if self.spend(0) {
                    self.unusable.push(*piece);
                }
            }
            Supplied::Missing(source, cause) => {
                let state = self.sources.entry((about, source)).or_default();
                state.missing.push(cause);
            }
            Supplied::Source(source, answer) => {
                self.sources.entry((about, source)).or_default().answer = Some(answer);
            }
            Supplied::Manifest(digest, manifest) => self.family.take(digest, *manifest),
            // One relative's evidence says nothing of another relative.
            Supplied::About(..) => {}
        }
    }

    fn take(&mut self, piece: Result<Verified, Rejected>) {
        let bytes = piece.as_ref().map_or(0, Verified::size);
        if !self.spend(bytes) {
            return;
        }
        match piece {
            // One piece in two places is one piece; simple signing payloads are equal for all signers.
            Ok(verified) => {
                let key = (
                    verified.digest(),
                    verified.origin().form.code(),
                    signer_words(verified.signer()),
                    *verified.subject(),
                );
                if self.visited.insert(key) {
                    let claimed = self
                        .asks_age
                        .then(|| age::claimed(verified.claim()))
                        .flatten();
                    self.verified.push(Held {
                        piece: Arc::new(verified),
                        claimed,
                    });
                }
            }
            Err(rejected) => {
                self.note_edges(&rejected);
                self.rejected.push(rejected);
            }
        }
    }

    /// Whether one more piece fits; when not, the decision rests on less than there is.
    fn spend(&mut self, bytes: u64) -> bool {
        let fits = self.budget.spend(bytes);
        if !fits {
            self.spent.get_or_insert_with(|| Cause {
                class: CauseClass::Budget,
                source: "the evidence".to_owned(),
                detail: "there is more of it than one decision takes in".to_owned(),
            });
        }
        fits
    }

    /// A rejection that time alone would undo ends the decision's validity there.
    fn note_edges(&self, rejected: &Rejected) {
        match rejected.reason() {
            RejectReason::KeyWindow {
                window,
                proven: false,
                ..
            } => {
                self.fixed.is_within(window);
            }
            RejectReason::FutureTime { time, .. } => {
                self.fixed.is_within(&Window {
                    start: Some(*time),
                    end: None,
                });
            }
            _ => {}
        }
    }
}
