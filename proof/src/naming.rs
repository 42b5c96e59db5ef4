//! That a claim names the subject it is asked about, by digest and never by name.

use crate::claim::{Claim, StatementClaim};
use crate::evidence::Held;
use crate::identity;
use crate::reject_reason::{Checked, RejectReason};
use crate::subject::Subject;
use bytes::Bytes;
use countersign_formats::{Digest, Envelope, HashAlgorithm, SimpleSigning, Statement};

/// How many digests a message about another subject lists.
const LISTED: usize = 4;

/// N-35: some subject has the digest that was asked about, under its exact algorithm name. Names are never looked at.
pub(crate) fn statement_about(
    envelope: &Envelope,
    subject: &Subject,
    held: &Held,
) -> Checked<(Claim, Digest)> {
    let statement =
        Statement::parse(envelope.payload.clone(), &held.limits).map_err(RejectReason::from)?;
    let mut matched = None;
    'subjects: for (position, named) in statement.subjects.iter().enumerate() {
        for (algorithm, value) in &named.digests {
            let Some(known) = HashAlgorithm::from_name(algorithm) else {
                continue;
            };
            if let Some(expected) = subject.names(known)
                && Digest::from_hex(known, value).is_ok_and(|digest| digest == expected)
            {
                matched = Some((position, expected));
                break 'subjects;
            }
        }
    }
    if let Some((matched, digest)) = matched {
        return Ok((
            Claim::Statement(StatementClaim { statement, matched }),
            digest,
        ));
    }
    let digests = || {
        statement
            .subjects
            .iter()
            .flat_map(|subject| &subject.digests)
    };
    // N-36: a weak digest is told apart, because the cure is another one.
    if !digests().any(|(algorithm, _)| HashAlgorithm::from_name(algorithm).is_some()) {
        let found = digests()
            .take(LISTED)
            .map(|(algorithm, _)| identity::excerpt(algorithm))
            .collect();
        return Err(RejectReason::WeakDigest { found }.into());
    }
    let found = digests()
        .take(LISTED)
        .map(|(algorithm, value)| {
            format!(
                "{}:{}",
                identity::excerpt(algorithm),
                identity::excerpt(value)
            )
        })
        .collect();
    Err(RejectReason::SubjectMismatch {
        expected: subject.digest(),
        found,
    }
    .into())
}

pub(crate) fn simple_signing_about(payload: &Bytes, subject: &Subject) -> Checked<(Claim, Digest)> {
    let SimpleSigning {
        docker_reference,
        digest,
        optional,
    } = SimpleSigning::parse(payload).map_err(RejectReason::from)?;
    if subject.names(digest.algorithm()) != Some(digest) {
        let found = vec![digest.to_string()];
        return Err(RejectReason::SubjectMismatch {
            expected: subject.digest(),
            found,
        }
        .into());
    }
    Ok((
        Claim::SimpleSigning {
            digest,
            docker_reference,
            optional,
        },
        digest,
    ))
}

/// The bundle's digest of the message is unsigned: it may only agree with the subject's, never replace it.
pub(crate) fn compare_message_digest(
    digest: Option<&(String, Bytes)>,
    subject: &Subject,
) -> Checked<()> {
    let Some((algorithm, value)) = digest else {
        return Ok(());
    };
    let Some(known) = HashAlgorithm::from_protobuf_name(algorithm) else {
        return Err(RejectReason::MessageDigestAlgorithm {
            found: identity::excerpt(algorithm),
        }
        .into());
    };
    match subject.names(known) {
        Some(expected) if expected.as_bytes() != &**value => {
            let found = Digest::new(known, value).map_or_else(
                |_| format!("{known} of {} bytes", value.len()),
                |digest| digest.to_string(),
            );
            Err(RejectReason::MessageDigest { expected, found }.into())
        }
        // A digest that can't be compared is not used for anything; the signature is over the subject itself.
        _ => Ok(()),
    }
}
