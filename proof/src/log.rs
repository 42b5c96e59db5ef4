//! Transparency log entries: their promises, which prove a time, and their inclusion, which proves that they are public.

use crate::checkpoint::{self, Generation};
use crate::crypto::Over;
use crate::evidence::Held;
use crate::fault::LogFault;
use crate::log_binding::Logged;
use crate::merkle;
use crate::moment::Moment;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::Check;
use crate::trust::TrustMaterial;
use crate::trusted_log::TrustedLog;
use crate::verified::{LogProofKind, ProvenEntry};
use countersign_formats::{InclusionProof, LogBody, LogEntry, UnixTime, encode_base64};
use std::fmt::Write;

/// An entry of a log that the trust knows, with its promise verified if it has one.
pub(crate) struct KnownEntry<'a> {
    position: usize,
    entry: &'a LogEntry,
    log: &'a TrustedLog,
    generation: Generation,
    /// The time that the promise proves.
    pub(crate) integrated_time: Option<UnixTime>,
}

/// Tells the entries apart that the trust knows, and verifies their promises.
///
/// # Errors
/// Two equal entries, a promise that is not the log's, one for a time outside the log's window or after `now`.
pub(crate) fn known_entries<'a>(
    entries: &'a [LogEntry],
    trust: &'a TrustMaterial,
    now: UnixTime,
    checks: &mut Vec<Check>,
) -> Checked<Vec<KnownEntry<'a>>> {
    let mut known = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        // A015, #1702: an entry must not count twice.
        let repeated = entries.iter().take(position).any(|other| {
            other.log_id == entry.log_id
                && (other.log_index == entry.log_index || other.body == entry.body)
        });
        if repeated {
            return Err(refuse(position, LogFault::Duplicate));
        }
        let mut logs = trust
            .logs
            .iter()
            .filter(|log| *log.id.0 == *entry.log_id)
            .peekable();
        let Some(first) = logs.peek().copied() else {
            checks.push(Check::UnknownLog { entry: position });
            continue;
        };
        // One log may stand in the trust more than once, with one key and several windows.
        let log = match entry.integrated_time {
            Some(time) => logs.find(|log| log.valid.contains(time)).unwrap_or(first),
            None => first,
        };
        let generation = match (entry.kind.as_str(), entry.version.as_str()) {
            ("hashedrekord" | "dsse", "0.0.2") => Generation::V2,
            _ => Generation::V1,
        };
        let integrated_time = match &entry.promise {
            Some(promise) => {
                check_promise(entry, promise, log, generation)
                    .map_err(|fault| refuse(position, fault))?;
                checks.push(Check::Promise {
                    entry: position,
                    log: log.id.clone(),
                    time: entry.integrated_time,
                });
                entry.integrated_time
            }
            // A019, A020, N-75: without a promise nobody signed the time.
            None => None,
        };
        if let Some(time) = integrated_time {
            if !log.valid.contains(time) {
                return Err(refuse(
                    position,
                    LogFault::Window {
                        window: log.valid,
                        time,
                    },
                ));
            }
            // TOB-SIGSTORE-7: not even by a second.
            if time > now {
                return Err(RejectReason::FutureTime { time, now }.into());
            }
        }
        known.push(KnownEntry {
            position,
            entry,
            log,
            generation,
            integrated_time,
        });
    }
    Ok(known)
}

fn refuse(entry: usize, fault: LogFault) -> Box<RejectReason> {
    RejectReason::Log { entry, fault }.into()
}

/// The promise is a signature over the canonical JSON (RFC 8785) of the entry's body, time, log and index.
fn check_promise(
    entry: &LogEntry,
    promise: &[u8],
    log: &TrustedLog,
    generation: Generation,
) -> Result<(), LogFault> {
    if generation == Generation::V2 {
        return Err(LogFault::UnexpectedPromise);
    }
    let body = encode_base64(&entry.body);
    let mut payload = String::with_capacity(body.len() + 192);
    payload.push_str("{\"body\":\"");
    payload.push_str(&body);
    let time = entry.integrated_time.map_or(0, |time| time.0);
    // Writing to a string can't fail.
    let _ = write!(payload, "\",\"integratedTime\":{time},\"logID\":\"");
    for byte in &entry.log_id {
        let _ = write!(payload, "{byte:02x}");
    }
    let _ = write!(payload, "\",\"logIndex\":{}}}", entry.log_index);
    if log
        .key
        .verify(log.algorithm, Over::Message(payload.as_bytes()), promise)
    {
        Ok(())
    } else {
        Err(LogFault::Promise)
    }
}

/// What decides about entries besides the entries themselves.
pub(crate) struct Circumstances<'a> {
    pub(crate) held: &'a Held,
    pub(crate) trust: &'a TrustMaterial,
    pub(crate) now: UnixTime,
    /// Every time that is proven for the signature.
    pub(crate) times: &'a [Moment],
    /// Whether a promise is not enough: bundles must prove inclusion whatever version they say they are.
    pub(crate) inclusion_required: bool,
}

/// Proves that each known entry is in its log and is about this signature.
///
/// # Errors
/// An entry that can be checked and is wrong rejects the whole piece.
pub(crate) fn prove_entries(
    known: &[KnownEntry<'_>],
    logged: &Logged<'_>,
    circumstances: &Circumstances<'_>,
    witnesses: &mut Vec<String>,
    checks: &mut Vec<Check>,
) -> Checked<Vec<ProvenEntry>> {
    let mut proven = Vec::with_capacity(known.len());
    for known in known {
        let refuse = |fault| refuse(known.position, fault);
        let entry = known.entry;
        let body = LogBody::parse(&entry.kind, &entry.version, &entry.body)
            .map_err(|error| refuse(LogFault::Malformed(error)))?;
        logged.check(&body).map_err(refuse)?;
        checks.push(Check::EntryBinding {
            entry: known.position,
        });
        let origin = match &entry.proof {
            Some(proof) if !proof.checkpoint.is_empty() => Some(
                known
                    .prove_inclusion(proof, circumstances, witnesses, checks)
                    .map_err(refuse)?,
            ),
            _ if circumstances.inclusion_required => return Err(refuse(LogFault::NoProof)),
            _ if entry.promise.is_none() => return Err(refuse(LogFault::NoEvidence)),
            _ => None,
        };
        if !known.is_within_window(circumstances).map_err(refuse)? {
            checks.push(Check::LogOutsideWindow {
                entry: known.position,
            });
            continue;
        }
        let index = match (&entry.proof, &entry.promise) {
            (Some(proof), None) => proof.log_index,
            _ => entry.log_index,
        };
        proven.push(ProvenEntry {
            log: known.log.id.clone(),
            log_index: index,
            integrated_time: known.integrated_time,
            proof: if origin.is_some() {
                LogProofKind::Inclusion
            } else {
                LogProofKind::Promise
            },
            origin,
        });
    }
    Ok(proven)
}

impl KnownEntry<'_> {
    /// RFC 6962 §2.1.1: the body is a leaf of the tree whose root the checkpoint signs. Gives the checkpoint's origin.
    fn prove_inclusion(
        &self,
        proof: &InclusionProof,
        circumstances: &Circumstances<'_>,
        witnesses: &mut Vec<String>,
        checks: &mut Vec<Check>,
    ) -> Result<String, LogFault> {
        let checkpoint = checkpoint::read(
            &proof.checkpoint,
            self.log,
            self.generation,
            &circumstances.held.limits,
        )?;
        if checkpoint.tree_size != proof.tree_size || checkpoint.root_hash != proof.root_hash {
            return Err(LogFault::CheckpointTree);
        }
        // A log of tiles has one tree; the shards of Rekor v1 count their leaves apart from the whole.
        if self.generation == Generation::V2 && self.entry.log_index != proof.log_index {
            return Err(LogFault::Index {
                entry: self.entry.log_index,
                proof: proof.log_index,
            });
        }
        let leaf = merkle::leaf_hash(&self.entry.body);
        let root = merkle::root(leaf, proof.log_index, proof.tree_size, &proof.hashes);
        if root.is_none_or(|root| root.as_bytes() != &*checkpoint.root_hash) {
            return Err(LogFault::Inclusion);
        }
        let log = self.log.id.clone();
        let (index, tree_size) = (proof.log_index, proof.tree_size);
        checks.push(Check::Inclusion {
            entry: self.position,
            log,
            index,
            tree_size,
        });
        checks.push(Check::Checkpoint {
            entry: self.position,
            origin: checkpoint.origin.clone(),
        });
        let trusted = &circumstances.trust.witnesses;
        checkpoint::witnesses(
            &checkpoint,
            self.position,
            trusted,
            circumstances.now,
            witnesses,
            checks,
        );
        Ok(checkpoint.origin)
    }

    /// N-77: the log's key must have been in use. A promise was judged at its own time already; a proof has none, so
    /// some proven time must be inside; without any, an entry of a log that is out of use now does not count.
    fn is_within_window(&self, circumstances: &Circumstances<'_>) -> Result<bool, LogFault> {
        if self.integrated_time.is_some() {
            return Ok(true);
        }
        let logs = circumstances
            .trust
            .logs
            .iter()
            .filter(|log| log.id == self.log.id);
        let inside = |time: UnixTime| logs.clone().any(|log| log.valid.contains(time));
        match circumstances.times.first() {
            None => Ok(inside(circumstances.now)),
            Some(_) if circumstances.times.iter().any(|time| inside(time.stated)) => Ok(true),
            Some(time) => Err(LogFault::Window {
                window: self.log.valid,
                time: time.stated,
            }),
        }
    }
}
