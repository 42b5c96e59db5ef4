//! Which pieces a rule looks at (one, all, the latest), and what it then says.

use std::collections::BTreeSet;

use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Claim, Dated, Signer, Verified, digest};

use crate::candidate::{CandidateJudgement, judge_candidate};
use crate::claim_kinds::Leaf;
use crate::decision::{Candidate, Status};
use crate::evaluate::{Facts, Held};
use crate::evidence::{Cause, CauseClass};
use crate::mismatch::MismatchKind;
use crate::rules::{Policy, Select};

/// What a rule says of the pieces that it looks at.
pub(crate) struct Selection<'a> {
    pub(crate) status: Status,
    /// What the status rests on, where the candidates alone do not say it.
    pub(crate) note: Option<String>,
    /// Why the age of a piece is not known, where that leaves the rule undecided.
    pub(crate) undated: Option<Cause>,
    pub(crate) candidates: Vec<Candidate>,
    /// The pieces by which it passes, if it does.
    pub(crate) passing: Vec<&'a Verified>,
    /// Pieces that claim what the rule asks for, and those of them that keys signed.
    pub(crate) right_kind: usize,
    pub(crate) right_kind_key_signed: usize,
    /// How many more different claims `all` needs; `None` where more of them would not do.
    lacking: Option<usize>,
}

impl Selection<'_> {
    /// Supposes so many more pieces that are as the rule says, signed now.
    pub(crate) fn suppose(&mut self, more: usize, select: Select, all_read: bool) {
        if more == 0 {
            return;
        }
        let reached = match select {
            Select::Any => true,
            Select::All { .. } => all_read && self.lacking.is_some_and(|lacking| more >= lacking),
            Select::Latest => all_read,
        };
        if reached {
            self.status = Status::Pass;
            self.undated = None;
        }
    }
}

struct Judged<'a> {
    held: &'a Held,
    judgement: CandidateJudgement,
}

impl Judged<'_> {
    fn counts(&self) -> bool {
        self.judgement.mismatches.is_empty()
    }

    /// Whether nothing but its unknown age stands between the piece and the rule.
    fn is_only_undated(&self) -> bool {
        let mut kinds = self
            .judgement
            .mismatches
            .iter()
            .map(|mismatch| mismatch.kind);
        self.judgement.mismatches.len() == 1 && kinds.all(|kind| kind == MismatchKind::Undated)
    }

    /// Whether the piece is not as the rule says, whatever else there is.
    fn is_wrong(&self) -> bool {
        !self.counts() && !self.is_only_undated()
    }

    /// Whether the piece is as the rule says, its age aside.
    fn is_right_but_for_age(&self) -> bool {
        self.judgement
            .mismatches
            .iter()
            .all(|mismatch| matches!(mismatch.kind, MismatchKind::Undated | MismatchKind::TooOld))
    }
}

/// Judges every piece about `target` and what the rule makes of them. `all_read`: nothing more can come.
pub(crate) fn select<'a>(
    facts: &Facts<'a>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    target: &Digest,
    all_read: bool,
) -> Selection<'a> {
    let judged: Vec<Judged<'a>> = facts
        .verified
        .iter()
        // What was gathered about a relative is no candidate here, and no mistake either.
        .filter(|held| {
            let about = held.piece.subject();
            about == target
                || !facts.family.has(about)
                || (leaf.terms.via_index && facts.family.index_over(target) == Some(*about))
        })
        .map(|held| Judged {
            held,
            judgement: judge_candidate(facts, policy, leaf, target, &held.piece, held.claimed),
        })
        .collect();
    let right: Vec<&Judged<'a>> = judged
        .iter()
        .filter(|one| one.judgement.right_kind)
        .collect();
    let keys = right
        .iter()
        .filter(|one| matches!(one.held.piece.signer(), Signer::Key(_)))
        .count();
    let lacking = match leaf.terms.select {
        Select::All { minimum } => lacking(&judged, minimum),
        Select::Any | Select::Latest => None,
    };
    let (status, note, undated, passing) = match leaf.terms.select {
        Select::Any => any(&judged, all_read),
        Select::All { minimum } => all(&judged, minimum, all_read),
        Select::Latest => latest(facts, &judged, all_read),
    };
    Selection {
        status,
        note,
        undated: undated.map(|held| undated_cause(&held.piece)),
        right_kind: right.len(),
        right_kind_key_signed: keys,
        lacking,
        passing,
        candidates: judged
            .iter()
            .map(|one| Candidate {
                piece: std::sync::Arc::clone(&one.held.piece),
                signer: one.judgement.by.clone().filter(|_| one.counts()),
                mismatches: one.judgement.mismatches.clone(),
            })
            .collect(),
    }
}

type Outcome<'a> = (Status, Option<String>, Option<&'a Held>, Vec<&'a Verified>);

fn any<'a>(judged: &[Judged<'a>], all_read: bool) -> Outcome<'a> {
    let passing: Vec<&Verified> = judged
        .iter()
        .filter(|one| one.counts())
        .map(|one| one.held.piece.as_ref())
        .collect();
    if !passing.is_empty() {
        return (Status::Pass, None, None, passing);
    }
    let undated = judged.iter().find(|one| one.is_only_undated());
    let status = if undated.is_some() || !all_read {
        Status::Unknown
    } else {
        Status::Fail
    };
    (status, None, undated.map(|one| one.held), Vec::new())
}

/// Every claim of the right type by the rule's signers must be as the rule says, and there must be enough different ones.
fn all<'a>(judged: &[Judged<'a>], minimum: usize, all_read: bool) -> Outcome<'a> {
    let selected: Vec<&Judged<'a>> = judged
        .iter()
        .filter(|one| one.judgement.by.is_some())
        .collect();
    let wrong = selected.iter().filter(|one| one.is_wrong()).count();
    if wrong > 0 {
        let note = format!("{wrong} of {} are not as the rule says", selected.len());
        return (Status::Fail, Some(note), None, Vec::new());
    }
    let found = different(&selected);
    let note = (found < minimum).then(|| format!("{found} found, at least {minimum} are needed"));
    if let Some(undated) = selected.iter().find(|one| one.is_only_undated()) {
        return (Status::Unknown, note, Some(undated.held), Vec::new());
    }
    let status = match (all_read, found >= minimum) {
        (false, _) => Status::Unknown,
        (true, true) => Status::Pass,
        (true, false) => Status::Fail,
    };
    let passing = selected.iter().map(|one| one.held.piece.as_ref()).collect();
    (status, note, None, passing)
}

/// How many different claims are missing; `None` where one is wrong, which stays wrong whatever else there is.
fn lacking(judged: &[Judged<'_>], minimum: usize) -> Option<usize> {
    let selected: Vec<&Judged<'_>> = judged
        .iter()
        .filter(|one| one.judgement.by.is_some())
        .collect();
    (!selected.iter().any(|one| one.is_wrong()))
        .then(|| minimum.saturating_sub(different(&selected)))
}

/// The number of different claims.
fn different(selected: &[&Judged<'_>]) -> usize {
    let different: BTreeSet<Digest> = selected
        .iter()
        .map(|one| claim_digest(&one.held.piece))
        .collect();
    different.len()
}

/// Of claims of the right type by the rule's signers, each that may be the latest must be as the rule says.
///
/// A claim was signed between its lower and its upper bound. The latest one is not older than the greatest lower bound;
/// whatever may be later than that, also because nothing says since when it can be, must be right too.
fn latest<'a>(facts: &Facts<'_>, judged: &[Judged<'a>], all_read: bool) -> Outcome<'a> {
    let selected: Vec<&Judged<'a>> = judged
        .iter()
        .filter(|one| one.judgement.by.is_some())
        .collect();
    let unread_or = |status| if all_read { status } else { Status::Unknown };
    let Some(since) = selected
        .iter()
        .filter_map(|one| one.judgement.not_before)
        .max()
    else {
        return match selected.iter().find(|one| one.is_right_but_for_age()) {
            Some(undated) => (Status::Unknown, None, Some(undated.held), Vec::new()),
            None => (unread_or(Status::Fail), None, None, Vec::new()),
        };
    };
    let upper = |held: &Held| match held.piece.dated() {
        Dated::Within { not_after, .. } => not_after,
        Dated::Undated => facts.clock.now(),
    };
    let candidates: Vec<&&Judged<'a>> = selected
        .iter()
        .filter(|one| upper(one.held) >= since)
        .collect();
    let note = Some(latest_note(since, candidates.len(), selected.len()));
    let right = candidates.iter().all(|one| one.is_right_but_for_age());
    let fresh = candidates.iter().any(|one| {
        one.judgement.not_before == Some(since)
            && !one
                .judgement
                .mismatches
                .iter()
                .any(|mismatch| mismatch.kind == MismatchKind::TooOld)
    });
    if !right || !fresh {
        return (unread_or(Status::Fail), note, None, Vec::new());
    }
    let passing = candidates
        .iter()
        .map(|one| one.held.piece.as_ref())
        .collect();
    (unread_or(Status::Pass), note, None, passing)
}

fn latest_note(since: UnixTime, candidates: usize, selected: usize) -> String {
    let may = if candidates == 1 {
        "one may be the latest".to_owned()
    } else {
        format!("{candidates} may be the latest")
    };
    format!("of {selected} by the named signers {may}, signed since {since}")
}

/// What makes a claim the same claim, however often it is signed, stamped or stored.
fn claim_digest(piece: &Verified) -> Digest {
    match piece.claim() {
        Claim::Statement(statement) => {
            let predicate = statement
                .predicate
                .as_ref()
                .map_or(&[][..], |predicate| predicate.bytes());
            digest::sha256(predicate)
        }
        _ => piece.digest(),
    }
}

fn undated_cause(piece: &Verified) -> Cause {
    Cause {
        class: CauseClass::Undated,
        source: format!("the piece `{}`", piece.digest()),
        detail: "nothing says since when its signature can be, so its age cannot be judged"
            .to_owned(),
    }
}
