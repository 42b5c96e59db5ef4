//! Where a decision looked for evidence, and what each place answered.

use countersign_policy::{Answer, Decision, SourceReport};

use super::{Mark, Node, PIECES, Section};
use crate::escape::field;

pub(super) fn sources(decision: &Decision) -> Section {
    let nodes = decision.sources.iter().map(source).collect();
    Section {
        title: "Where it was looked for",
        lead: None,
        nodes,
    }
}

fn source(report: &SourceReport) -> Node {
    let said = match &report.answer {
        None => "did not answer".to_owned(),
        Some(Answer::Absent) => "has nothing".to_owned(),
        Some(Answer::Read { complete: true, .. }) => "read to the end".to_owned(),
        Some(Answer::Read {
            complete: false, ..
        }) => "not read to its end".to_owned(),
        Some(Answer::Failed(cause)) => field(&cause.to_string()),
    };
    Node {
        mark: if report.is_read() {
            Mark::Pass
        } else {
            Mark::Unknown
        },
        title: format!("{}: {said}", report.source),
        facts: report
            .missing
            .iter()
            .take(PIECES)
            .map(|cause| ("missing", field(&cause.to_string())))
            .collect(),
        inner: Vec::new(),
    }
}
