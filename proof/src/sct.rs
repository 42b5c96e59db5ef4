//! Signed certificate timestamps in a certificate (RFC 6962 §3.2, §3.3): that a CT log has seen it.

use crate::asn1::{self, oid, tag};
use crate::certificate::Certificate;
use crate::crypto::{Algorithm, Over};
use crate::fault::SctFault;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::{Check, LogId};
use crate::trusted_log::TrustedLog;
use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm, UnixTime};

/// How many timestamps one certificate may carry.
const TIMESTAMPS: usize = 16;

/// One timestamp, as the log encoded it.
struct SignedCertificateTimestamp<'a> {
    log: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    hash: u8,
    signature_algorithm: u8,
    signature: &'a [u8],
}

/// Verifies the embedded timestamps of a certificate; at least one must be by a log that the trust knows.
///
/// # Errors
/// None, none known, one that is wrong, or one log twice.
pub(crate) fn check(
    leaf: &Certificate,
    issuer_key_hash: &Digest,
    logs: &[TrustedLog],
    now: UnixTime,
    checks: &mut Vec<Check>,
) -> Checked<Vec<LogId>> {
    let refuse = |fault| Box::new(RejectReason::Sct(fault));
    let extension = leaf
        .extension(oid::SCT_LIST)
        .ok_or_else(|| refuse(SctFault::Missing))?;
    let list = asn1::single(extension.value, tag::OCTET_STRING)
        .map_err(|_| refuse(SctFault::Malformed))?;
    let timestamps = read_list(list.value).ok_or_else(|| refuse(SctFault::Malformed))?;
    let mut proven: Vec<LogId> = Vec::with_capacity(1);
    let mut body = None;
    for (position, timestamp) in timestamps.iter().enumerate() {
        let log_id = || LogId(Bytes::copy_from_slice(timestamp.log));
        // A015: thresholds count logs, and a log has no reason to be there twice.
        if timestamps
            .iter()
            .take(position)
            .any(|other| other.log == timestamp.log)
        {
            return Err(refuse(SctFault::Duplicate { log: log_id() }));
        }
        let Some(first) = logs.iter().find(|log| *log.id.0 == *timestamp.log) else {
            checks.push(Check::UnknownCtLog);
            continue;
        };
        let time = UnixTime(i64::try_from(timestamp.milliseconds / 1000).unwrap_or(i64::MAX));
        if time > now {
            return Err(refuse(SctFault::Future { time, now }));
        }
        let Some(log) = logs
            .iter()
            .find(|log| log.id == first.id && log.valid.contains(time))
        else {
            return Err(refuse(SctFault::Window {
                log: log_id(),
                window: first.valid,
                time,
            }));
        };
        if (timestamp.hash, timestamp.signature_algorithm) != code_points(log.algorithm) {
            return Err(refuse(SctFault::Algorithm { log: log_id() }));
        }
        let body = body.get_or_insert_with(|| leaf.precertificate_body());
        let signed = timestamp
            .signed(issuer_key_hash, body)
            .ok_or_else(|| refuse(SctFault::Malformed))?;
        if !log
            .key
            .verify(log.algorithm, Over::Message(&signed), timestamp.signature)
        {
            return Err(refuse(SctFault::Signature { log: log_id() }));
        }
        checks.push(Check::Sct {
            log: log.id.clone(),
            time,
        });
        proven.push(log.id.clone());
    }
    if proven.is_empty() {
        Err(refuse(SctFault::NoneKnown))
    } else {
        Ok(proven)
    }
}

impl SignedCertificateTimestamp<'_> {
    /// RFC 6962 §3.2: the structure that the log signs, for a precertificate entry.
    fn signed(&self, issuer_key_hash: &Digest, body: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(body.len())
            .ok()
            .filter(|length| *length < 1 << 24)?;
        let mut signed = Vec::with_capacity(body.len() + self.extensions.len() + 64);
        // Version 1 and certificate_timestamp, both 0.
        signed.extend_from_slice(&[0, 0]);
        signed.extend_from_slice(&self.milliseconds.to_be_bytes());
        // precert_entry
        signed.extend_from_slice(&[0, 1]);
        signed.extend_from_slice(issuer_key_hash.as_bytes());
        signed.extend_from_slice(length.to_be_bytes().get(1..)?);
        signed.extend_from_slice(body);
        signed.extend_from_slice(&u16::try_from(self.extensions.len()).ok()?.to_be_bytes());
        signed.extend_from_slice(self.extensions);
        Some(signed)
    }
}

/// The hash and signature code points (RFC 5246 §7.4.1.4.1, RFC 8422 §5.1.3) of a log's algorithm.
fn code_points(algorithm: Algorithm) -> (u8, u8) {
    let hash = |hash| match hash {
        HashAlgorithm::Sha256 => 4,
        HashAlgorithm::Sha384 => 5,
        HashAlgorithm::Sha512 => 6,
    };
    match algorithm {
        Algorithm::RsaPkcs1(algorithm) => (hash(algorithm), 1),
        Algorithm::Ecdsa(algorithm) => (hash(algorithm), 3),
        Algorithm::Ed25519 => (8, 7),
        // No code point stands for these; 0 for both is "anonymous" without hash, which no signature has.
        Algorithm::RsaPss(_) | Algorithm::Ed25519ph => (0, 0),
    }
}

/// `opaque SerializedSCT<1..2^16-1>; struct { SerializedSCT sct_list <1..2^16-1>; }`
fn read_list(bytes: &[u8]) -> Option<Vec<SignedCertificateTimestamp<'_>>> {
    let (mut list, rest) = prefixed(bytes)?;
    if !rest.is_empty() || list.is_empty() {
        return None;
    }
    let mut timestamps = Vec::with_capacity(1);
    while !list.is_empty() {
        let (timestamp, rest) = prefixed(list)?;
        if timestamps.len() == TIMESTAMPS {
            return None;
        }
        timestamps.push(read(timestamp)?);
        list = rest;
    }
    Some(timestamps)
}

fn read(bytes: &[u8]) -> Option<SignedCertificateTimestamp<'_>> {
    let (version, rest) = bytes.split_first()?;
    let (log, rest) = rest.split_at_checked(32)?;
    let (milliseconds, rest) = rest.split_first_chunk::<8>()?;
    let (extensions, rest) = prefixed(rest)?;
    let ([hash, signature_algorithm], rest) = rest.split_first_chunk::<2>()?;
    let (signature, rest) = prefixed(rest)?;
    let milliseconds = u64::from_be_bytes(*milliseconds);
    (*version == 0 && rest.is_empty()).then_some(SignedCertificateTimestamp {
        log,
        milliseconds,
        extensions,
        hash: *hash,
        signature_algorithm: *signature_algorithm,
        signature,
    })
}

/// A field with its length in two bytes before it, and what is behind.
fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_of_version_1_and_ends_where_its_signature_ends() {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&[7; 32]);
        bytes.extend_from_slice(&1_000_u64.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 4, 3, 0, 1, 9]);
        assert!(
            read(&bytes).is_some_and(
                |timestamp| timestamp.signature == [9] && timestamp.extensions.is_empty()
            )
        );
        assert!(read(&[&bytes[..], &[0]].concat()).is_none());
        assert!(read(bytes.get(..bytes.len() - 1).unwrap_or_default()).is_none());
        bytes[0] = 1;
        assert!(read(&bytes).is_none());
    }
}
