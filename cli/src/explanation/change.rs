//! What would have made an image pass.

use countersign_policy::{CounterFactual, MOST_FACTS};

use super::{Mark, Node, Section};
use crate::escape::field;

pub(super) fn change(change: &CounterFactual) -> Section {
    let mut nodes = Vec::new();
    let lead = match change {
        CounterFactual::Passes => "nothing: it passes".to_owned(),
        CounterFactual::Changes { facts, count, sets } => {
            for set in sets {
                let mut lines = set.iter().map(|fact| field(&fact.to_string()));
                let title = lines.next().unwrap_or_default();
                nodes.push(Node {
                    mark: Mark::Plain,
                    title,
                    facts: lines.map(|line| ("and", line)).collect(),
                    inner: Vec::new(),
                });
            }
            let less = match facts {
                1 => "one fact would be enough".to_owned(),
                2 => "two facts would be enough, and no single one".to_owned(),
                facts => format!("{facts} facts would be enough, and no fewer"),
            };
            let choice = match (count, sets.len()) {
                (1, _) => "if".to_owned(),
                (count, shown) if *count > shown => {
                    format!("in any of {count} ways, of which these are {shown}; if")
                }
                _ => "in any of these ways; if".to_owned(),
            };
            format!("{less}, {choice}")
        }
        CounterFactual::NoneSoSmall => {
            format!("no change of at most {MOST_FACTS} facts would make it pass")
        }
        CounterFactual::NoPolicy => {
            "nothing about the image or its evidence: no policy speaks of it, and one must"
                .to_owned()
        }
        CounterFactual::TooLarge => {
            "not searched to the end: there are too many pieces and rules to try every change"
                .to_owned()
        }
    };
    Section {
        title: "What would make it pass",
        lead: Some(lead),
        nodes,
    }
}
