//! What certificate transparency logs say of signing certificates.

use super::{G, bent, good};
use crate::certificate_log::SctSpec;
use crate::der_writer::{sequence, small_integer};
use crate::keys::LabKey;
use crate::lab::{Lab, SIGNED_AT};
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "certificate-timestamp-of-unknown-log",
            "a certificate log that is not trusted proves nothing",
            &["N-57"],
            "sct-log-unknown",
            |certificate| {
                certificate.scts[0] = SctSpec::new(&LabKey::p256("unknown-ct"), SIGNED_AT)
            },
        ),
        bent(
            lab,
            "certificate-timestamp-broken",
            "a broken signature on a certificate timestamp is refused",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].broken = true,
        ),
        bent(
            lab,
            "certificate-timestamp-by-other-key-under-known-id",
            "a log's id does not lend its key",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].key = LabKey::p256("unknown-ct"),
        ),
        bent(
            lab,
            "certificate-timestamp-for-another-certificate",
            "a certificate timestamp covers this certificate's content",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].tbs_override = Some(sequence(&[&small_integer(1)])),
        ),
        bent(
            lab,
            "certificate-timestamp-for-another-issuer",
            "a certificate timestamp covers the issuer's key",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].issuer_key_hash = Some([7; 32]),
        ),
        bent(
            lab,
            "certificate-timestamp-for-another-entry-type",
            "an embedded timestamp is about a precertificate",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].entry_type = 0,
        ),
        bent(
            lab,
            "certificate-timestamp-list-truncated",
            "a truncated timestamp list is refused",
            &["N-57", "A158"],
            "sct-malformed",
            |certificate| certificate.sct_list_override = Some(vec![0, 200, 1, 2]),
        ),
        bent(
            lab,
            "certificate-timestamp-list-empty",
            "an empty timestamp list proves nothing",
            &["N-57", "A146"],
            "sct-malformed",
            |certificate| certificate.sct_list_override = Some(vec![0, 0]),
        ),
        bent(
            lab,
            "certificate-timestamp-with-other-hash",
            "a certificate timestamp is ECDSA with SHA-256",
            &["N-62"],
            "sct-algorithm",
            |certificate| certificate.scts[0].algorithm = [2, 3],
        ),
        bent(
            lab,
            "certificate-timestamp-in-the-future",
            "a certificate timestamp after now is refused",
            &["N-57"],
            "sct-future",
            |certificate| certificate.scts[0].timestamp = (crate::lab::NOW as u64 + 3_600) * 1_000,
        ),
        bent(
            lab,
            "same-timestamp-of-one-log-twice",
            "one certificate log counts once",
            &["A015"],
            "sct-duplicate",
            |certificate| {
                let first = certificate.scts[0].clone();
                certificate.scts.push(first);
            },
        ),
        bent(
            lab,
            "no-certificate-timestamp",
            "a certificate that no log has seen is refused",
            &["N-57"],
            "sct-missing",
            |certificate| certificate.scts.clear(),
        ),
        Vector::accepted(
            G,
            "no-certificate-timestamp-under-a-named-danger",
            "a certificate that no log has seen counts where the danger is spelled out",
        )
        .rows(&["N-57"])
        .danger("ignore-sct")
        .bundle(
            &good(lab)
                .certificate(|certificate| certificate.scts.clear())
                .build(),
        )
        .proven(1, 0, 0),
    ]
}
