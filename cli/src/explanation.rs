//! A decision laid out for people: evidence, rules, nearest miss and what would have made it pass.

mod page;
mod text;

use std::sync::Arc;

use countersign_policy::{
    Answer, Candidate, CounterFactual, Decision, Explanation, Fact, MOST_FACTS, NearestMiss,
    RuleOutcome, SourceReport, Status, Verdict,
};
use countersign_proof::{Dated, Rejected, UnverifiedSigner, Verified};
use serde_json::{Value, json};

use crate::escape::field;
use crate::explain::{claim, hinted, place, signer};

pub(crate) use page::page;
pub(crate) use text::lines;

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

fn rules(decision: &Decision) -> Section {
    let nodes = decision
        .policies
        .iter()
        .map(|policy| Node {
            mark: Mark::of(policy.rule.status),
            title: format!("policy {} ({})", field(&policy.name), policy.mode.as_str()),
            facts: Vec::new(),
            inner: vec![rule(&policy.rule)],
        })
        .collect();
    Section {
        title: "Rules",
        lead: None,
        nodes,
    }
}

fn rule(outcome: &RuleOutcome) -> Node {
    let mut facts = Vec::new();
    if let Some(note) = &outcome.note {
        facts.push(("note", field(note)));
    }
    for cause in &outcome.causes {
        facts.push(("not known", field(&cause.to_string())));
    }
    // Where the rule is met, what did not help to meet it is no answer to any question.
    let met = outcome.status == Status::Pass;
    let shown = outcome
        .candidates
        .iter()
        .filter(|found| found.counts() || !met)
        .take(PIECES)
        .map(candidate);
    let mut inner: Vec<Node> = outcome.children.iter().map(rule).chain(shown).collect();
    if !met {
        inner.extend(more(outcome.candidates.len()));
    }
    if inner.is_empty() && outcome.candidates.is_empty() && outcome.children.is_empty() {
        facts.push(("saw", "no proven piece".to_owned()));
    }
    Node {
        mark: Mark::of(outcome.status),
        title: field(&outcome.rule),
        facts,
        inner,
    }
}

fn candidate(candidate: &Candidate) -> Node {
    let mut facts = Vec::new();
    if let Some(name) = &candidate.signer {
        facts.push(("counts as", field(name)));
    }
    for mismatch in &candidate.mismatches {
        facts.push(("misses", field(&mismatch.message)));
        facts.push(("expected", field(&mismatch.expected)));
        facts.push(("found", field(&mismatch.found)));
        if let Some(hint) = &mismatch.hint {
            facts.push(("hint", field(hint)));
        }
    }
    Node {
        mark: Mark::Plain,
        title: format!("saw {}", piece_title(&candidate.piece)),
        facts,
        inner: Vec::new(),
    }
}

fn piece_title(piece: &Verified) -> String {
    format!(
        "{} by {}",
        claim(&piece.claim().kind()),
        signer(piece.signer())
    )
}

fn evidence(decision: &Decision) -> Section {
    let proven = decision.accepted.iter().chain(&decision.unused);
    let mut nodes: Vec<Node> = proven
        .take(PIECES)
        .map(|piece| proven_piece(decision, piece))
        .collect();
    nodes.extend(more(decision.accepted.len() + decision.unused.len()));
    nodes.extend(decision.rejected.iter().take(PIECES).map(rejected_piece));
    nodes.extend(decision.unusable.iter().take(PIECES).map(|piece| Node {
        mark: Mark::Fail,
        title: format!("rejected: {}", field(&piece.message)),
        facts: vec![
            ("code", piece.code.to_owned()),
            ("where", place(&piece.origin)),
        ],
        inner: Vec::new(),
    }));
    nodes.extend(more(decision.rejected.len()));
    let lead = nodes
        .is_empty()
        .then(|| "none was found, neither proven nor rejected".to_owned());
    Section {
        title: "Evidence",
        lead,
        nodes,
    }
}

fn proven_piece(decision: &Decision, piece: &Arc<Verified>) -> Node {
    let mut counting = Vec::new();
    for policy in &decision.policies {
        counts_for(&policy.rule, &policy.name, piece, &mut counting);
    }
    let mut facts = vec![("where", place(piece.origin()))];
    if let Some(repository) = &piece.origin().repository {
        facts.push(("in", field(repository)));
    }
    facts.push(("piece", piece.digest().to_string()));
    facts.push((
        "signed",
        match piece.dated() {
            Dated::Undated => "at no proven time".to_owned(),
            Dated::Within {
                not_before: None,
                not_after,
            } => format!("no later than {not_after}"),
            Dated::Within {
                not_before: Some(not_before),
                not_after,
            } => format!("between {not_before} and {not_after}"),
        },
    ));
    for entry in piece.logs() {
        let of = entry
            .origin
            .as_deref()
            .map_or_else(|| entry.log.to_string(), field);
        facts.push(("log", format!("entry {} of {of}", entry.log_index)));
    }
    for timestamp in piece.timestamps() {
        facts.push((
            "timestamp",
            format!("{} by {}", timestamp.time, field(&timestamp.name)),
        ));
    }
    if !piece.scts().is_empty() {
        facts.push((
            "certificate logs",
            format!("{} vouch for the certificate", piece.scts().len()),
        ));
    }
    for (name, value) in piece.claim().annotations().iter().take(PIECES) {
        facts.push(("says", format!("{}={}", field(name), field(value))));
    }
    let mark = if counting.is_empty() {
        facts.push(("counts for", "no rule".to_owned()));
        Mark::Plain
    } else {
        for line in counting {
            facts.push(("counts for", line));
        }
        Mark::Pass
    };
    let checks = piece
        .report()
        .checks
        .iter()
        .map(|check| Node {
            mark: Mark::Plain,
            title: format!(
                "proven: {} ({}): {}",
                check.name(),
                check.section(),
                field(&check.detail())
            ),
            facts: Vec::new(),
            inner: Vec::new(),
        })
        .collect();
    Node {
        mark,
        title: piece_title(piece),
        facts,
        inner: checks,
    }
}

fn counts_for(rule: &RuleOutcome, policy: &str, piece: &Arc<Verified>, lines: &mut Vec<String>) {
    for candidate in &rule.candidates {
        if Arc::ptr_eq(&candidate.piece, piece) && candidate.counts() {
            lines.push(format!("{} (policy {})", field(&rule.rule), field(policy)));
        }
    }
    for child in &rule.children {
        counts_for(child, policy, piece, lines);
    }
}

fn rejected_piece(piece: &Rejected) -> Node {
    let claimed = piece.unverified_claim().map_or_else(
        || "a piece".to_owned(),
        |kind| format!("says it is a {}", claim(kind)),
    );
    let signed = match piece.unverified_signer() {
        Some(UnverifiedSigner::Key { hint: Some(hint) }) => format!(", by key {}", hinted(hint)),
        Some(UnverifiedSigner::Certificate {
            san: Some(san),
            issuer,
        }) => format!(
            ", by {} of {}",
            field(san.value()),
            issuer
                .as_deref()
                .map_or_else(|| "an unnamed issuer".to_owned(), field)
        ),
        _ => String::new(),
    };
    let mut facts = vec![
        ("code", piece.code().to_owned()),
        ("because", field(&piece.to_string())),
        ("rule of", piece.section().to_owned()),
        ("where", place(piece.origin())),
    ];
    if let Some(digest) = piece.digest() {
        facts.push(("piece", digest.to_string()));
    }
    if let Some(hint) = piece.hint() {
        facts.push(("hint", field(&hint)));
    }
    Node {
        mark: Mark::Fail,
        title: format!("rejected: {claimed}{signed}; nothing of that is proven"),
        facts,
        inner: Vec::new(),
    }
}

fn sources(decision: &Decision) -> Section {
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

fn nearest(decision: &Decision, miss: Option<&NearestMiss<'_>>) -> Section {
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

fn change(change: &CounterFactual) -> Section {
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

/// The explanation for the JSON result, beside the decision's record.
pub(crate) fn to_json(explanation: &Explanation<'_>) -> Value {
    let nearest = explanation.nearest.as_ref().map(|miss| {
        json!({
            "policy": miss.policy,
            "rule": miss.rule,
            "evidence": miss.candidate.piece.digest().to_string(),
            "mismatches": miss.candidate.mismatches.iter().map(|mismatch| json!({
                "code": mismatch.kind.code(),
                "expected": mismatch.expected,
                "found": mismatch.found,
                "message": mismatch.message,
                "hint": mismatch.hint,
            })).collect::<Vec<_>>(),
        })
    });
    json!({ "nearestMiss": nearest, "counterFactual": change_json(&explanation.change) })
}

fn change_json(change: &CounterFactual) -> Value {
    match change {
        CounterFactual::Passes => json!({"answer": "passes"}),
        CounterFactual::Changes { facts, count, sets } => json!({
            "answer": "changes",
            "facts": facts,
            "count": count,
            "sets": sets.iter().map(|set| set.iter().map(fact_json).collect::<Vec<_>>()).collect::<Vec<_>>(),
        }),
        CounterFactual::NoneSoSmall => json!({"answer": "none-so-small", "facts": MOST_FACTS}),
        CounterFactual::NoPolicy => json!({"answer": "no-policy"}),
        CounterFactual::TooLarge => json!({"answer": "too-large"}),
    }
}

fn fact_json(fact: &Fact) -> Value {
    let mut value = match fact {
        Fact::Evidence { evidence, policy } => json!({"evidence": evidence, "policy": policy}),
        Fact::Piece {
            digest,
            check,
            expected,
            found,
            ..
        } => json!({
            "piece": digest.to_string(),
            "check": check,
            "expected": expected,
            "found": found,
        }),
        Fact::Source { source } => json!({"source": source.code()}),
        Fact::Standing { policy, lifted, .. } => json!({"policy": policy, "lifted": lifted}),
        _ => json!({}),
    };
    if let Some(members) = value.as_object_mut() {
        members.insert("kind".to_owned(), json!(fact.code()));
        members.insert("words".to_owned(), json!(fact.to_string()));
    }
    value
}
