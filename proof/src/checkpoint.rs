//! Checkpoints: that a log's root is signed by the log's own key under the log's own name.

use crate::crypto::Over;
use crate::fault::LogFault;
use crate::report::Check;
use crate::trust::PreparedWitness;
use crate::trusted_log::TrustedLog;
use countersign_formats::{Checkpoint, Limits, NoteSignature, UnixTime};

/// What wrote an entry: the two kinds of log name themselves and vouch differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Rekor v1: signed entry timestamps, checkpoints named `NAME - TREEID`, or by host as those of version 2.
    V1,
    /// Rekor v2 (tiles): no promises, checkpoints named by host.
    V2,
}

/// Reads a checkpoint that `log` signed.
///
/// # Errors
/// A note that can't be read, another log's name, and a signature that is missing or not the log's.
pub(crate) fn read(
    note: &str,
    log: &TrustedLog,
    generation: Generation,
    limits: &Limits,
) -> Result<Checkpoint, LogFault> {
    let checkpoint = Checkpoint::parse(note, limits).map_err(LogFault::Malformed)?;
    let name = key_name(&checkpoint.origin, log, generation)?;
    // The first line of the log's own key decides, so that lines with the right hint cost nothing (as in C2SP signed-note).
    let signature = checkpoint
        .signatures
        .iter()
        .find(|signature| signature.name == name && Some(signature.key_hint) == log.checkpoint_hint)
        .ok_or(LogFault::CheckpointSignature)?;
    if !log.key.verify(
        log.algorithm,
        Over::Message(checkpoint.signed_text.as_bytes()),
        &signature.signature,
    ) {
        return Err(LogFault::CheckpointSignature);
    }
    Ok(checkpoint)
}

/// N-70: one key may serve several trees, so the name is checked as well: the key's name that goes with this origin.
fn key_name<'a>(
    origin: &'a str,
    log: &TrustedLog,
    generation: Generation,
) -> Result<&'a str, LogFault> {
    let refuse = |expected: String| LogFault::CheckpointOrigin {
        found: crate::identity::excerpt(origin),
        expected,
    };
    match generation {
        // A log that serves one tree may sign as a version 2 log does: under the host of its base URL, and nothing else.
        Generation::V1 if log.origin.as_deref() == Some(origin) => Ok(origin),
        Generation::V1 => match origin.split_once(" - ") {
            Some((name, tree))
                if !name.is_empty()
                    && !tree.is_empty()
                    && tree.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Ok(name)
            }
            _ => Err(refuse("a name of the shape `NAME - TREEID`".to_owned())),
        },
        Generation::V2 => match &log.origin {
            Some(expected) if expected == origin => Ok(origin),
            Some(expected) => Err(refuse(format!("`{}`", crate::identity::excerpt(expected)))),
            None => Err(refuse("a log with a base URL".to_owned())),
        },
    }
}

/// Notes the trusted witnesses that cosigned a checkpoint, each once. Lines of others, and wrong ones, count for nothing.
pub(crate) fn witnesses(
    checkpoint: &Checkpoint,
    entry: usize,
    trusted: &[PreparedWitness],
    now: UnixTime,
    names: &mut Vec<String>,
    checks: &mut Vec<Check>,
) {
    for witness in trusted {
        let cosigned = checkpoint
            .signatures
            .iter()
            .find(|signature| signature.name == witness.name && signature.key_hint == witness.hint)
            .and_then(|signature| cosignature_time(checkpoint, signature, witness));
        if let Some(time) = cosigned
            && time <= now
        {
            checks.push(Check::Witness {
                entry,
                name: witness.name.clone(),
                time,
            });
            if !names.contains(&witness.name) {
                names.push(witness.name.clone());
            }
        }
    }
}

/// C2SP tlog-cosignature: eight bytes of time, then Ed25519 over a header with that time and the note's text.
fn cosignature_time(
    checkpoint: &Checkpoint,
    signature: &NoteSignature,
    witness: &PreparedWitness,
) -> Option<UnixTime> {
    let (time, signature) = signature.signature.split_first_chunk::<8>()?;
    let time = i64::try_from(u64::from_be_bytes(*time)).ok()?;
    let message = format!("cosignature/v1\ntime {time}\n{}", checkpoint.signed_text);
    let valid = witness.key.verify(
        crate::crypto::Algorithm::Ed25519,
        Over::Message(message.as_bytes()),
        signature,
    );
    valid.then_some(UnixTime(time))
}
