//! The explanation as JSON, beside the decision's record.

use countersign_policy::{CounterFactual, Explanation, Fact, MOST_FACTS};
use serde_json::{Value, json};

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
