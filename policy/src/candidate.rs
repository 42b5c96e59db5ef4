//! Holds one proven piece of evidence against one `signature` or `statement` rule.

use countersign_formats::{Digest, UnixTime};
use countersign_proof::{Signer, Verified};

use crate::age;
use crate::claim_kinds::{Leaf, claim_kind};
use crate::error::shown;
use crate::evaluate::Facts;
use crate::mismatch::{Mismatch, MismatchKind};
use crate::moments::span_text;
use crate::rules::{DenyList, Policy};
use crate::signer_match::nearest_signer;
use crate::strength::{judged_now, thresholds};
use crate::wording::reworded;

/// What came of a candidate.
pub(crate) struct CandidateJudgement {
    /// Whether the claim is of the kind and type that the rule asks for.
    pub(crate) right_kind: bool,
    /// Name of the signer that it is by, of those that the rule names; what else is wrong is not asked.
    pub(crate) by: Option<String>,
    /// Since when it may have been signed, as far as a rule asks for it.
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Everything that stands between the piece and the rule, whose claims must be about `target`.
pub(crate) fn judge_candidate(
    facts: &Facts<'_>,
    policy: &Policy,
    leaf: &Leaf<'_>,
    target: &Digest,
    piece: &Verified,
    claimed: Option<UnixTime>,
) -> CandidateJudgement {
    if let Some(mismatch) = binding(facts, leaf, target, piece) {
        return CandidateJudgement {
            right_kind: false,
            by: None,
            not_before: None,
            mismatches: reworded(policy, None, vec![mismatch]),
        };
    }
    let mut mismatches = Vec::new();
    let kind = claim_kind(facts.family.subject(), leaf, piece.claim());
    let right_kind = kind.is_none();
    mismatches.extend(kind);
    let signer = nearest_signer(facts, policy, leaf, piece);
    let name = signer.by().map(ToOwned::to_owned);
    let by = name.clone().filter(|_| right_kind);
    mismatches.extend(signer.mismatches);
    mismatches.extend(denied(&policy.deny, piece));
    mismatches.extend(annotations(leaf, piece));
    mismatches.extend(thresholds(policy, name.as_deref(), piece));
    mismatches.extend(judged_now(facts.clock, policy, piece));
    let mut not_before = None;
    if let Some(max_age) = leaf.terms.max_age {
        not_before = age::lower_bound(facts.clock, piece, claimed);
        mismatches.extend(too_old(facts, not_before, max_age));
    }
    CandidateJudgement {
        right_kind,
        by,
        not_before,
        mismatches: reworded(policy, signer.name.as_deref(), mismatches),
    }
}

/// A proof holds for its subject and under its trust; one of another subject proves nothing here.
fn binding(
    facts: &Facts<'_>,
    leaf: &Leaf<'_>,
    target: &Digest,
    piece: &Verified,
) -> Option<Mismatch> {
    let subject = piece.subject();
    let about_the_index = leaf.terms.via_index && facts.family.index_over(target) == Some(*subject);
    if subject != target && !about_the_index {
        return Some(Mismatch::new(
            MismatchKind::Binding,
            format!("`{target}`"),
            format!("`{subject}`"),
        ));
    }
    if !piece.via().is_empty() {
        return Some(
            Mismatch::new(
                MismatchKind::Binding,
                "the subject itself",
                "something that leads to it",
            )
            .message(
                "the claim names something that leads to the subject, and no rule asks for that",
            ),
        );
    }
    (piece.trust() != facts.trust).then(|| {
        Mismatch::new(
            MismatchKind::Binding,
            facts.trust.to_string(),
            piece.trust().to_string(),
        )
        .message("the proof was made under other trust material")
    })
}

/// What the policy's deny-list says of the signer. Such a piece is as if it were not there: were it a reason to deny, whoever
/// stores evidence would only have to leave it away.
fn denied(deny: &DenyList, piece: &Verified) -> Option<Mismatch> {
    let (name, serial) = match piece.signer() {
        Signer::Fulcio(certificate) => (Some(certificate.san.value()), &certificate.serial),
        Signer::X509(certificate) => (
            certificate.san.as_ref().map(|san| san.value()),
            &certificate.serial,
        ),
        _ => return None,
    };
    if deny.serials.contains(serial.trim_start_matches('0')) {
        return Some(
            Mismatch::new(
                MismatchKind::Denied,
                "another certificate",
                format!("`{serial}`"),
            )
            .message(format!(
                "the certificate `{serial}` stands on the policy's deny-list"
            )),
        );
    }
    let name = name?;
    let pattern = deny.identities.iter().find(|denied| denied.matches(name))?;
    Some(
        Mismatch::new(
            MismatchKind::Denied,
            format!("not `{}`", shown(pattern.as_str())),
            format!("`{}`", shown(name)),
        )
        .message(format!(
            "`{}` stands on the policy's deny-list",
            shown(name)
        )),
    )
}

fn too_old(facts: &Facts<'_>, not_before: Option<UnixTime>, max_age: u64) -> Option<Mismatch> {
    let wanted = format!("not older than {}", span_text(max_age));
    let Some(since) = not_before else {
        return Some(
            Mismatch::new(MismatchKind::Undated, wanted, "unknown")
                .message("nothing says since when the signature can be: it has no certificate, and its claim no time that can be right")
                .hint("write the time into the predicate, or sign with a certificate"),
        );
    };
    let end = i64::try_from(max_age)
        .ok()
        .and_then(|age| since.0.checked_add(age))
        .map_or(UnixTime(i64::MAX), UnixTime);
    (!facts.clock.is_open_until(end)).then(|| {
        Mismatch::new(MismatchKind::TooOld, wanted, format!("since {since}"))
            .message(format!(
                "it was signed since {since}, which may be longer ago than {}",
                span_text(max_age)
            ))
            .hint("make and sign the statement again")
    })
}

fn annotations(leaf: &Leaf<'_>, piece: &Verified) -> Vec<Mismatch> {
    if leaf.annotations.is_empty() {
        return Vec::new();
    }
    let have = piece.claim().annotations();
    leaf.annotations
        .iter()
        .filter(|(name, value)| have.get(*name) != Some(*value))
        .map(|(name, value)| {
            let found = have
                .get(name)
                .map_or("absent".to_owned(), |found| format!("`{}`", shown(found)));
            Mismatch::new(
                MismatchKind::Annotation,
                format!("`{}`", shown(value)),
                found.clone(),
            )
            .message(format!(
                "the annotation `{}` is {found}, expected `{}`",
                shown(name),
                shown(value)
            ))
            .about(shown(name))
            .hint(format!("sign with `-a {}={}`", shown(name), shown(value)))
        })
        .collect()
}
