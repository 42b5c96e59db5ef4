//! The judge step by step: what it asks for, in which order, and that it ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_policy::{
    Answer, Budget, CauseClass, Decision, Judge, Outcome, SourceKind, Step, Supplied, Verdict, Want,
};

use crate::workshop::{Case, key, outage};

fn sources(wants: &[Want]) -> Vec<SourceKind> {
    wants
        .iter()
        .map(|want| match want {
            Want::Source(source) => *source,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn begin(case: &Case) -> Step {
    Judge::new(
        &case.policies,
        case.subject.clone(),
        None,
        Arc::clone(&case.trust),
        case.now,
    )
}

/// Answers every want with nothing; the sources in the order in which they were asked.
fn walk(case: &Case) -> (Vec<Vec<SourceKind>>, Outcome) {
    let mut asked = Vec::new();
    let mut step = begin(case);
    loop {
        match step {
            Step::Done(decision) => return (asked, decision.outcome()),
            Step::Need(judge, wants) => {
                let wanted = sources(&wants);
                asked.push(wanted.clone());
                step = judge.supply(
                    wanted
                        .into_iter()
                        .map(|source| Supplied::Source(source, Answer::Absent))
                        .collect(),
                );
            }
        }
    }
}

#[test]
fn only_the_sources_that_a_rule_could_use_are_asked() {
    use SourceKind::{AttestationTag, BundleReferrers, Given, OtherPieces, SignatureTag};
    let signers = [key("a")];
    let signature = Case::new(&signers, "{signature: {by: a}}", "");
    assert_eq!(
        walk(&signature),
        (
            vec![
                vec![Given],
                vec![BundleReferrers],
                vec![SignatureTag],
                vec![OtherPieces],
                // Only now, since else nothing would be known to be there.
                vec![AttestationTag]
            ],
            Outcome::NoEvidence
        )
    );
    let statement = Case::new(&signers, "{statement: {type: any, by: a}}", "");
    assert_eq!(
        walk(&statement).0,
        vec![
            vec![Given],
            vec![BundleReferrers],
            vec![AttestationTag],
            vec![OtherPieces],
            vec![SignatureTag]
        ]
    );
    let both = Case::new(
        &signers,
        "{allOf: [{signature: {by: a}}, {statement: {type: any, by: a}}]}",
        "",
    );
    assert_eq!(
        walk(&both).0,
        vec![
            vec![Given],
            vec![BundleReferrers],
            vec![SignatureTag, AttestationTag],
            vec![OtherPieces]
        ]
    );
}

#[test]
fn nothing_is_asked_twice_and_nothing_once_it_is_decided() {
    let signers = [key("a"), key("b")];
    let case = Case::new(
        &signers,
        "{atLeast: {count: 2, of: [{signature: {by: a}}, {signature: {by: b}}]}}",
        "",
    );
    let (asked, _) = walk(&case);
    let flat: Vec<SourceKind> = asked.into_iter().flatten().collect();
    assert_eq!(flat.len(), flat.iter().collect::<BTreeSet<_>>().len());
    let Step::Need(judge, _) = begin(&case) else {
        panic!("nothing is known yet")
    };
    let step = judge.supply(vec![
        case.signed_by("a"),
        Supplied::Source(SourceKind::Given, Answer::Absent),
    ]);
    let Step::Need(judge, wants) = step else {
        panic!("one signer is missing")
    };
    assert_eq!(sources(&wants), [SourceKind::BundleReferrers]);
    // What is still unread cannot turn a pass of monotone rules.
    let Step::Done(decision) = judge.supply(vec![case.signed_by("b")]) else {
        panic!("both signed")
    };
    assert_eq!(decision.outcome(), Outcome::Pass);
}

/// Answers every want with nothing, except for one source.
fn walk_with(
    case: &Case,
    except: SourceKind,
    pieces: impl Fn() -> Vec<Supplied>,
) -> (usize, Decision) {
    let mut rounds = 0;
    let mut step = begin(case);
    loop {
        match step {
            Step::Done(decision) => return (rounds, decision),
            Step::Need(judge, wants) => {
                rounds += 1;
                let wanted = sources(&wants);
                let last = rounds == 5;
                assert_eq!(
                    judge.interest().likely(Some("https://example.org/any")),
                    last
                );
                let mut supplied = Vec::new();
                for source in wanted {
                    if source == except {
                        supplied.extend(pieces());
                    } else {
                        supplied.push(Supplied::Source(source, Answer::Absent));
                    }
                }
                step = judge.supply(supplied);
            }
        }
    }
}

#[test]
fn before_nothing_is_said_to_be_there_the_sources_of_other_claims_are_asked() {
    let read = |case: &Case, source| {
        let answer = Answer::Read {
            complete: true,
            as_of: case.now,
        };
        Supplied::Source(source, answer)
    };
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let (rounds, decision) = walk_with(&case, SourceKind::AttestationTag, || {
        vec![
            case.attested_by("a", "https://spdx.dev/Document"),
            read(&case, SourceKind::AttestationTag),
        ]
    });
    assert_eq!((rounds, decision.outcome()), (5, Outcome::NoneAcceptable));
    assert_eq!(
        reasons(&decision),
        ["no signature by `a`: what was found is a statement of type `https://spdx.dev/Document`"]
    );
    let case = Case::new(&[key("a")], "{statement: {type: spdxjson, by: a}}", "");
    let (rounds, decision) = walk_with(&case, SourceKind::SignatureTag, || {
        vec![case.signed_by("a"), read(&case, SourceKind::SignatureTag)]
    });
    assert_eq!((rounds, decision.outcome()), (5, Outcome::NoneAcceptable));
    // Where something was found already, the others are not asked.
    let (rounds, decision) = walk_with(&case, SourceKind::BundleReferrers, || {
        vec![
            case.signed_by("a"),
            read(&case, SourceKind::BundleReferrers),
        ]
    });
    assert_eq!((rounds, decision.outcome()), (4, Outcome::NoneAcceptable));
}

#[test]
fn a_last_look_that_fails_is_a_denial_and_never_no_evidence() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let (_, decision) = walk_with(&case, SourceKind::AttestationTag, || {
        let down = outage(CauseClass::Network);
        vec![Supplied::Source(SourceKind::AttestationTag, down)]
    });
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        reasons(&decision),
        [
            "no signature by `a`: none was found, and the `.att` tag could not be read: registry.example: no answer"
        ]
    );
}

fn reasons(decision: &Decision) -> Vec<&str> {
    match &decision.verdict {
        Verdict::Fail(reasons) => reasons.iter().map(|reason| &*reason.message).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_want_that_is_not_answered_counts_as_incomplete_and_is_not_repeated() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let mut step = begin(&case);
    let mut rounds = 0;
    let decision = loop {
        match step {
            Step::Done(decision) => break decision,
            Step::Need(judge, _) => {
                rounds += 1;
                step = judge.supply(Vec::new());
            }
        }
    };
    assert_eq!(rounds, 4, "each stage is asked once");
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Incomplete));
}

#[test]
fn a_spent_budget_is_unknown_unless_what_was_taken_in_passes() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let decide = |pieces: Vec<Supplied>| {
        let Step::Need(judge, _) = begin(&case) else {
            panic!("nothing is known yet")
        };
        let judge = judge.with_budget(Budget {
            pieces: 2,
            bytes: 1 << 20,
        });
        let given = Supplied::Source(SourceKind::Given, Answer::Absent);
        let mut step = judge.supply(pieces.into_iter().chain([given]).collect());
        loop {
            match step {
                Step::Done(decision) => return decision.outcome(),
                Step::Need(judge, wants) => {
                    let answers = sources(&wants)
                        .into_iter()
                        .map(|source| Supplied::Source(source, Answer::Absent));
                    step = judge.supply(answers.collect());
                }
            }
        }
    };
    let junk = || case.raw("junk".to_owned());
    assert_eq!(
        decide(vec![junk(), junk(), case.signed_by("a")]),
        Outcome::Unknown(CauseClass::Budget)
    );
    assert_eq!(
        decide(vec![junk(), case.signed_by("a"), junk()]),
        Outcome::Pass
    );
}

#[test]
fn interest_follows_the_rules() {
    let rule = "{allOf: [{signature: {by: a}}, {statement: {type: spdxjson, by: a}}]}";
    let case = Case::new(&[key("a")], rule, "");
    let Step::Need(judge, _) = begin(&case) else {
        panic!("nothing is known yet")
    };
    let interest = judge.interest();
    assert!(interest.likely(None) && interest.likely(Some("")));
    assert!(interest.likely(Some("https://sigstore.dev/cosign/sign/v1")));
    assert!(interest.likely(Some("https://spdx.dev/Document/v2.3")));
    assert!(!interest.likely(Some("https://slsa.dev/provenance/v1")));
}
