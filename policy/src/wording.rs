//! The words of somebody who asked for a policy without writing one, such as the flags of a command line.

use std::fmt;

use crate::mismatch::Mismatch;
use crate::rules::Policy;

/// Says in its own words what a piece misses; whether it misses is not asked.
pub trait Wording: fmt::Debug + Send + Sync {
    /// The words for `mismatch`. `signer` is the policy's signer that the piece misses least, and `alone` whether it misses
    /// nothing else.
    fn words(&self, mismatch: &Mismatch, signer: Option<&str>, alone: bool) -> Words;

    /// Who the policy's signer `name` is; `None` for its name in the policy.
    fn signer(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
}

/// What is said in place of the policy's words; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// The difference in one sentence without full stop.
    pub message: Option<String>,
    /// What would change it.
    pub hint: Option<String>,
}

/// Puts what is missed into the words of whoever asked for the policy.
pub(crate) fn reworded(
    policy: &Policy,
    signer: Option<&str>,
    mismatches: Vec<Mismatch>,
) -> Vec<Mismatch> {
    let Some(wording) = &policy.wording else {
        return mismatches;
    };
    let alone = mismatches.len() == 1;
    mismatches
        .into_iter()
        .map(|mut mismatch| {
            let words = wording.words(&mismatch, signer, alone);
            mismatch.message = words.message.unwrap_or(mismatch.message);
            mismatch.hint = words.hint.or(mismatch.hint);
            mismatch
        })
        .collect()
}
