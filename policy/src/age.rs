//! How old a claim is at most: the lower bound of the time of its signature.
//!
//! Logs and timestamp authorities prove "no later than", and whoever stores an old signature can have it stamped again. So
//! age is judged by what cannot be added later: the start of the certificate, and a time that the signer wrote into the claim.

use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, Limits, UnixTime};
use countersign_proof::{Claim, Dated, Signer, Verified};

use crate::clock::Clock;

/// Where statements say when what they report was done: predicate types by their beginning, and paths, the best first.
const PATHS: &[(&str, &[&[&str]])] = &[
    (
        "https://slsa.dev/provenance/v1",
        &[
            &["runDetails", "metadata", "finishedOn"],
            &["runDetails", "metadata", "startedOn"],
        ],
    ),
    (
        "https://slsa.dev/provenance/v0",
        &[
            &["metadata", "buildFinishedOn"],
            &["metadata", "buildStartedOn"],
        ],
    ),
    (
        "https://slsa.dev/verification_summary/",
        &[&["timeVerified"]],
    ),
    (
        "https://cosign.sigstore.dev/attestation/vuln/",
        &[
            &["metadata", "scanFinishedOn"],
            &["metadata", "scanStartedOn"],
        ],
    ),
    (
        "https://in-toto.io/attestation/vulns",
        &[
            &["metadata", "scanFinishedOn"],
            &["metadata", "scanStartedOn"],
        ],
    ),
    ("https://in-toto.io/attestation/svr/", &[&["timeCreated"]]),
    ("https://spdx.dev/Document", &[&["creationInfo", "created"]]),
    ("https://cyclonedx.org/bom", &[&["metadata", "timestamp"]]),
    (
        "https://cosign.sigstore.dev/attestation/v1",
        &[&["Timestamp"]],
    ),
    ("", &[&["timestamp"]]),
];

/// When the signer says that it was done, by the signed claim itself; `None` when the claim does not say it.
pub(crate) fn claimed(claim: &Claim) -> Option<UnixTime> {
    match claim {
        Claim::Statement(statement) => {
            let (_, paths) = PATHS
                .iter()
                .find(|(begins, _)| statement.predicate_type.starts_with(begins))?;
            let predicate = statement.predicate.as_ref()?;
            let text = std::str::from_utf8(predicate.bytes()).ok()?;
            paths.iter().find_map(|path| {
                let mut reader = Reader::new(Document::Statement, text, &Limits::DEFAULT);
                let mut found = None;
                at(&mut reader, path, &mut found).ok()?;
                reader.end().ok()?;
                found
            })
        }
        // containers/image writes seconds since 1970.
        Claim::SimpleSigning { optional, .. } => {
            optional.get("timestamp")?.parse().ok().map(UnixTime)
        }
        _ => None,
    }
}

/// Reads the time at `path`, and refuses what two readers could see differently.
fn at(reader: &mut Reader<'_>, path: &[&str], found: &mut Option<UnixTime>) -> Result<(), Error> {
    let Some((name, rest)) = path.split_first() else {
        if reader.peek()? == Kind::String {
            *found = UnixTime::parse_rfc3339(&reader.string()?).ok();
            return Ok(());
        }
        return reader.skip().map(|_| ());
    };
    if reader.peek()? != Kind::Object {
        return reader.skip().map(|_| ());
    }
    reader.object(|reader, member| {
        if member == *name {
            at(reader, rest, found)
        } else {
            reader.skip().map(|_| ())
        }
    })
}

/// The latest time that the signature is known not to be older than. `claimed` is what the signer wrote into the claim; a time
/// after everything that is proven, or after now, says nothing.
pub(crate) fn lower_bound(
    clock: &Clock,
    piece: &Verified,
    claimed: Option<UnixTime>,
) -> Option<UnixTime> {
    let certificate = match piece.signer() {
        Signer::Key(_) => None,
        Signer::Fulcio(certificate) => Some(certificate.not_before),
        Signer::X509(certificate) => Some(certificate.not_before),
        _ => None,
    };
    let claimed = claimed.filter(|claimed| match piece.dated() {
        Dated::Within { not_after, .. } => *claimed <= not_after,
        Dated::Undated => clock.has_begun(*claimed),
    });
    certificate.max(claimed)
}
