//! Passes that a verifier remembers while it lives, to bridge outages where policies say `unavailable: useCached`.
//!
//! They are never written anywhere: between processes only content-addressed bytes are shared, never verdicts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use countersign_formats::Digest;
use countersign_policy::{Decision, Earlier};

/// What is asked: the subject, the name that it was asked for by, and the index that it was reached through.
type Asked = (Digest, Option<String>, Option<Digest>);

/// The latest pass of each image, up to a number of them; the one that was remembered first goes first.
#[derive(Debug)]
pub(crate) struct Memory {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    passes: HashMap<Asked, Earlier>,
    order: VecDeque<Asked>,
}

impl Memory {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// Remembers the decision if it passes.
    pub(crate) fn remember(&self, decision: &Decision) {
        let Some(earlier) = Earlier::of(decision) else {
            return;
        };
        let asked = (
            decision.digests.subject,
            decision.image_name.clone(),
            decision.index,
        );
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.passes.insert(asked.clone(), earlier).is_none() {
            kept.order.push_back(asked);
        }
        while kept.passes.len() > self.most {
            let Some(first) = kept.order.pop_front() else {
                return;
            };
            kept.passes.remove(&first);
        }
    }

    /// The latest pass of what is asked.
    pub(crate) fn recall(
        &self,
        subject: Digest,
        name: Option<&str>,
        index: Option<Digest>,
    ) -> Option<Earlier> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = (subject, name.map(str::to_owned), index);
        kept.passes.get(&asked).cloned()
    }
}
