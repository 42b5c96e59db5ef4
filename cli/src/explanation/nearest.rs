//! The piece that came nearest to passing.

use countersign_policy::{Decision, NearestMiss};

use super::Section;
use super::rules::{candidate, piece_title};
use crate::escape::field;
use crate::explain::place;

pub(super) fn nearest(decision: &Decision, miss: Option<&NearestMiss<'_>>) -> Section {
    let nodes = miss.map_or_else(Vec::new, |miss| {
        let mut node = candidate(miss.candidate);
        node.title = piece_title(&miss.candidate.piece);
        node.facts.insert(0, ("where", place(miss.origin())));
        node.facts.insert(
            0,
            (
                "rule",
                format!("{} (policy {})", field(miss.rule), field(miss.policy)),
            ),
        );
        vec![node]
    });
    Section {
        title: "Nearest miss",
        lead: nodes.is_empty().then(|| {
            if decision.passes() {
                "none: it passes"
            } else if !decision.accepted.is_empty() || !decision.unused.is_empty() {
                "none: no rule that is not met looked at what was found"
            } else if decision.rejected.is_empty() && decision.unusable.is_empty() {
                "none: nothing was found"
            } else {
                "none: everything that was found was rejected before any rule saw it; `Evidence` says why"
            }
            .to_owned()
        }),
        nodes,
    }
}
