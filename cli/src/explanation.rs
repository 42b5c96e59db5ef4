//! A decision laid out for people: evidence, rules, nearest miss and what would have made it pass.

mod change;
mod evidence;
mod nearest;
mod page;
mod record;
mod rules;
mod sources;
mod text;

use countersign_policy::{Decision, Explanation, Status, Verdict};

use self::change::change;
use self::evidence::evidence;
use self::nearest::nearest;
pub(crate) use self::page::page;
pub(crate) use self::record::to_json;
use self::rules::rules;
use self::sources::sources;
pub(crate) use self::text::lines;
use crate::escape::field;

/// Most pieces, and most candidates of one rule, that are laid out; the JSON result has all.
const PIECES: usize = 200;

/// A decision as a reader sees it, every text of it escaped for a terminal.
pub(crate) struct View {
    /// The image.
    pub(crate) name: String,
    /// What came of it.
    pub(crate) mark: Mark,
    /// That in a sentence.
    pub(crate) verdict: String,
    /// What it rests on, a line a fact.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The parts, in the order of reading.
    pub(crate) sections: Vec<Section>,
}

/// A part of the explanation.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Said when there are no nodes, or before them.
    pub(crate) lead: Option<String>,
    pub(crate) nodes: Vec<Node>,
}

/// One thing with what is known of it.
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) title: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) inner: Vec<Node>,
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Pass,
    Fail,
    Unknown,
    Plain,
}

impl Mark {
    fn of(status: Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::Fail => Self::Fail,
            Status::Unknown => Self::Unknown,
        }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Unknown => "unknown",
            Self::Plain => "",
        }
    }
}

/// Lays out `decision` about `name`.
pub(crate) fn view(name: &str, decision: &Decision, explanation: &Explanation<'_>) -> View {
    let (mark, verdict) = match &decision.verdict {
        Verdict::Pass => (Mark::Pass, "it has what the policy asks for".to_owned()),
        Verdict::Fail(reasons) => {
            let reasons: Vec<String> = reasons
                .iter()
                .map(|reason| field(&reason.message))
                .collect();
            (Mark::Fail, reasons.join("; "))
        }
        Verdict::Unknown(causes) => {
            let causes: Vec<String> = causes
                .iter()
                .map(|cause| field(&cause.to_string()))
                .collect();
            (Mark::Unknown, causes.join("; "))
        }
    };
    let mut facts = vec![
        ("action", decision.action.as_str().to_owned()),
        ("decided at", decision.decided_at.to_string()),
        (
            "holds until",
            decision.valid_until.map_or_else(
                || "the policy, trust or evidence changes".to_owned(),
                |time| time.to_string(),
            ),
        ),
        ("policy digest", decision.digests.policy.to_string()),
        ("trust digest", decision.digests.trust.to_string()),
    ];
    for danger in &decision.dangers {
        facts.push(("danger accepted", field(danger)));
    }
    View {
        name: field(name),
        mark,
        verdict,
        facts,
        sections: vec![
            rules(decision),
            evidence(decision),
            sources(decision),
            nearest(decision, explanation.nearest.as_ref()),
            change(&explanation.change),
        ],
    }
}

/// Says how many pieces are not shown.
fn more(count: usize) -> Option<Node> {
    (count > PIECES).then(|| Node {
        mark: Mark::Plain,
        title: format!(
            "… and {} more; `--output json` has them all",
            count - PIECES
        ),
        facts: Vec::new(),
        inner: Vec::new(),
    })
}
