//! The evidence of a decision: what is proven of each piece, or why it was rejected.

use std::sync::Arc;

use countersign_policy::{Decision, RuleOutcome};
use countersign_proof::{Dated, Rejected, UnverifiedSigner, Verified};

use super::rules::piece_title;
use super::{Mark, Node, PIECES, Section, more};
use crate::escape::field;
use crate::explain::{claim, hinted, place};

pub(super) fn evidence(decision: &Decision) -> Section {
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
