//! The one road from a piece of evidence to a proof: each step takes what the step before it proved.

use crate::claim::Claim;
use crate::dangers::Danger;
use crate::evidence::Unverified;
use crate::log::{self, Circumstances, KnownEntry};
use crate::log_binding::{Logged, LoggedSigner};
use crate::moment::Moment;
use crate::naming;
use crate::reject_reason::Checked;
use crate::rejected::Rejected;
use crate::report::{Check, VerificationReport};
use crate::subject::Subject;
use crate::timestamp;
use crate::trust::TrustMaterial;
use crate::verified::{Dated, ProvenEntry, ProvenTimestamp, Signer, Verified};
use countersign_formats::UnixTime;
use opened::{Content, Opened, open};
use signature::{ProvenSigner, Signed, verify_signature};
use signer::identify_signer;
use std::sync::Arc;

mod opened;
mod signature;
mod signer;

/// Proves that a trusted signer made the piece's claim about `subject`, and at which times.
///
/// Everything that can be checked must be right: a log entry or timestamp of an instance that the trust does not know is
/// noted in the report and not counted, one that is known and wrong rejects the piece. How many logs, timestamps and
/// certificate timestamps are enough is for the caller to judge on the proof.
///
/// # Errors
/// [`Rejected`], with the first check that failed.
pub fn verify(
    piece: &Unverified,
    subject: &Subject,
    trust: &TrustMaterial,
    now: UnixTime,
) -> Result<Verified, Rejected> {
    let question = Question {
        subject,
        trust,
        now,
    };
    let mut outcome = prove(piece, 0, &question);
    // Only an envelope outside of a bundle has several signatures; each stands alone, with its own times and entries.
    if let Unverified::Dsse(dsse) = piece {
        for signature in 1..dsse.envelope.signatures.len() {
            if outcome.is_ok() {
                break;
            }
            outcome = prove(piece, signature, &question).or(outcome);
        }
    }
    outcome.map_err(|reason| {
        let unproven = piece.peek();
        let signer = unproven.unverified_signer();
        Rejected::new(*reason, piece.origin().clone()).about(
            piece.digest(),
            unproven.unverified_claim,
            Some(signer),
        )
    })
}

/// What is asked of every piece.
struct Question<'a> {
    subject: &'a Subject,
    trust: &'a TrustMaterial,
    now: UnixTime,
}

/// The road itself.
fn prove(piece: &Unverified, signature: usize, question: &Question<'_>) -> Checked<Verified> {
    let opened = open(piece, signature, question)?;
    let timed = establish_times(opened, question)?;
    let identified = identify_signer(timed, question)?;
    let signed = verify_signature(identified, question)?;
    let logged = prove_entries(signed, question)?;
    name_subject(logged, question)
}

/// A piece with the times that logs and authorities prove for its signature.
struct Timed<'a> {
    opened: Opened<'a>,
    entries: Vec<KnownEntry<'a>>,
    timestamps: Vec<ProvenTimestamp>,
    /// All proven times: the signature was made no later than each.
    times: Vec<Moment>,
}

fn establish_times<'a>(mut opened: Opened<'a>, question: &Question<'a>) -> Checked<Timed<'a>> {
    let Question { trust, now, .. } = *question;
    let entries = if trust.dangers.ignore_log {
        // TOB-SIGSTORE-2, -3: an entry that is not checked proves no time.
        opened.dangers.push(Danger::IgnoreLog);
        opened.checks.push(Check::Weakened(Danger::IgnoreLog));
        Vec::new()
    } else {
        log::known_entries(opened.entries, trust, now, &mut opened.checks)?
    };
    let (limits, signature) = (&opened.held.limits, opened.signature);
    let timestamps = timestamp::prove(
        opened.timestamps,
        signature,
        opened.envelope,
        trust,
        limits,
        now,
        &mut opened.checks,
    )?;
    let times = entries
        .iter()
        .filter_map(|entry| entry.integrated_time.map(Moment::exact))
        .chain(timestamps.iter().map(|timestamp| Moment {
            stated: timestamp.time,
            latest: timestamp.no_later_than,
        }))
        .collect();
    Ok(Timed {
        opened,
        entries,
        timestamps,
        times,
    })
}

/// A signed piece whose log entries, as far as the trust knows their logs, are about this signature and in their logs.
struct LoggedPiece<'a> {
    signed: Signed<'a>,
    logs: Vec<ProvenEntry>,
    witnesses: Vec<String>,
}

fn prove_entries<'a>(mut signed: Signed<'a>, question: &Question<'a>) -> Checked<LoggedPiece<'a>> {
    let mut checks = std::mem::take(&mut signed.timed.opened.checks);
    let opened = &signed.timed.opened;
    let logged = Logged {
        message: &opened.message,
        envelope: match opened.content {
            Content::Envelope(envelope) => Some(envelope),
            Content::SimpleSigning(_) | Content::Message => None,
        },
        signature: opened.signature,
        signer: match &signed.signer {
            ProvenSigner::Key(key) => LoggedSigner::Key(key.trusted.key.spki()),
            ProvenSigner::Certificate(proven) => {
                LoggedSigner::Certificate(proven.certificate.der())
            }
        },
        scheme: signed.scheme,
    };
    let circumstances = Circumstances {
        held: opened.held,
        trust: question.trust,
        now: question.now,
        times: &signed.timed.times,
        inclusion_required: opened.inclusion_required,
    };
    let mut witnesses = Vec::new();
    let logs = log::prove_entries(
        &signed.timed.entries,
        &logged,
        &circumstances,
        &mut witnesses,
        &mut checks,
    )?;
    signed.timed.opened.checks = checks;
    Ok(LoggedPiece {
        signed,
        logs,
        witnesses,
    })
}

/// The claim is read only now, from the bytes that the signature was verified over, and must name the subject.
fn name_subject(logged: LoggedPiece<'_>, question: &Question<'_>) -> Checked<Verified> {
    let LoggedPiece {
        signed: Signed {
            timed,
            signer,
            scheme,
        },
        logs,
        witnesses,
    } = logged;
    let Timed {
        opened,
        timestamps,
        times,
        ..
    } = timed;
    let mut checks = opened.checks;
    let (claim, named) = match opened.content {
        Content::Envelope(envelope) => {
            naming::statement_about(envelope, question.subject, opened.held)?
        }
        Content::SimpleSigning(payload) => naming::simple_signing_about(payload, question.subject)?,
        Content::Message => {
            let digest = question.subject.digest();
            (Claim::Message { digest }, digest)
        }
    };
    checks.push(Check::SubjectNamed { digest: named });
    let (signer, scts, not_before) = match signer {
        ProvenSigner::Key(key) => (Signer::Key(key.id), Vec::new(), None),
        ProvenSigner::Certificate(proven) => {
            let not_before = proven.certificate.not_before();
            (proven.signer, proven.scts, Some(not_before))
        }
    };
    let dated = match times.iter().map(|moment| moment.latest).min() {
        Some(not_after) => Dated::Within {
            not_before,
            not_after,
        },
        None => Dated::Undated,
    };
    Ok(Verified {
        held: Arc::clone(opened.held),
        claim,
        signer,
        scheme,
        dated,
        logs,
        timestamps,
        scts,
        witnesses,
        via: Vec::new(),
        report: VerificationReport { checks },
        dangers: opened.dangers,
        subject: question.subject.digest(),
        trust: question.trust.digest(),
    })
}
