//! Certificates that verify.

use super::{G, GOOD, accept, good};
use crate::certificate::{claim, other_name, raw_claim, uri_name};
use crate::certificate_log::SctSpec;
use crate::keys::LabKey;
use crate::lab::{Lab, SIGNED_AT};
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        accept(
            GOOD,
            "a certificate for an e-mail address verifies",
            &[],
            good(lab),
        ),
        accept(
            "certificate-for-a-uri",
            "a certificate for a URI, as workflows have, verifies",
            &["N-52"],
            lab.certified(uri_name(
                "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main",
            ))
            .rekor_v1(),
        ),
        accept(
            "certificate-for-another-name",
            "a certificate for a user name of Fulcio's own type verifies",
            &["N-52"],
            lab.certified(other_name("user!issuer.lab.example"))
                .rekor_v1(),
        ),
        accept(
            "certificate-for-a-p-384-key",
            "a certificate for a P-384 key signs with SHA-384",
            &["N-62"],
            good(lab)
                .certified_key(LabKey::p384("lab-signer-384"))
                .message(&Lab::artifact()),
        )
        .about_file(),
        accept(
            "certificate-with-all-claims",
            "all claims that Fulcio writes for a workflow are read",
            &["N-55"],
            good(lab).certificate(|certificate| {
                certificate.extensions.extend([
                    raw_claim(2, "push"),
                    raw_claim(3, "0123456789abcdef0123456789abcdef01234567"),
                    raw_claim(4, "build"),
                    raw_claim(5, "acme/app"),
                    raw_claim(6, "refs/heads/main"),
                    claim(
                        9,
                        "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main",
                    ),
                    claim(10, "0123456789abcdef0123456789abcdef01234567"),
                    claim(11, "github-hosted"),
                    claim(12, "https://github.com/acme/app"),
                    claim(13, "0123456789abcdef0123456789abcdef01234567"),
                    claim(14, "refs/heads/main"),
                    claim(15, "1"),
                    claim(16, "https://github.com/acme"),
                    claim(17, "2"),
                    claim(
                        18,
                        "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main",
                    ),
                    claim(19, "0123456789abcdef0123456789abcdef01234567"),
                    claim(20, "push"),
                    claim(21, "https://github.com/acme/app/actions/runs/1/attempts/1"),
                    claim(22, "public"),
                    claim(23, "production"),
                    claim(24, "repo:acme/app:ref:refs/heads/main"),
                ]);
            }),
        ),
        accept(
            "certificate-with-extension-bytes-in-the-timestamp",
            "extension bytes inside a signed certificate timestamp are signed and accepted",
            &["N-57"],
            good(lab).certificate(|certificate| certificate.scts[0].extensions = vec![1, 2, 3]),
        ),
        Vector::accepted(
            G,
            "certificate-in-two-transparency-logs",
            "timestamps of two certificate logs count as two",
        )
        .rows(&["A015"])
        .bundle(
            &good(lab)
                .certificate({
                    let second = lab.second_certificate_log.clone();
                    move |certificate| certificate.scts.push(SctSpec::new(&second, SIGNED_AT - 59))
                })
                .build(),
        )
        .proven(1, 0, 2),
    ]
}
