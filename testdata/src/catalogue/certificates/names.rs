//! The names in signing certificates.

use super::{accept, bent, good};
use crate::catalogue::USER;
use crate::certificate::{dns_name, email_name, subject_alternative_name, uri_name};
use crate::lab::Lab;
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "two-alternative-names",
            "a certificate names exactly one signer",
            &["N-53"],
            "certificate-several-names",
            |certificate| {
                certificate.replace(subject_alternative_name(&[
                    email_name("admin@example.org"),
                    email_name(USER),
                ]))
            },
        ),
        bent(
            lab,
            "two-kinds-of-alternative-names",
            "a certificate names exactly one signer, in one kind",
            &["N-52", "N-53"],
            "certificate-several-names",
            |certificate| {
                certificate.replace(subject_alternative_name(&[
                    email_name(USER),
                    uri_name("https://example.org"),
                ]))
            },
        ),
        bent(
            lab,
            "no-alternative-name",
            "a certificate that names nobody is refused",
            &["N-53"],
            "certificate-no-name",
            |certificate| certificate.remove("2.5.29.17"),
        ),
        bent(
            lab,
            "alternative-names-empty",
            "an empty list of names is refused",
            &["A157", "N-53"],
            "certificate-malformed",
            |certificate| certificate.replace(subject_alternative_name(&[])),
        ),
        bent(
            lab,
            "host-name-only",
            "a host name is not a signer's name",
            &["N-52", "A157"],
            "certificate-name-kind",
            |certificate| certificate.replace(subject_alternative_name(&[dns_name("example.org")])),
        ),
        bent(
            lab,
            "name-with-nul",
            "a NUL in a name is refused",
            &["N-51"],
            "certificate-name-text",
            |certificate| {
                certificate.replace(subject_alternative_name(&[email_name(
                    "user@example.org\0.evil.example",
                )]))
            },
        ),
        bent(
            lab,
            "name-with-line-break",
            "a control character in a name is refused",
            &["N-51", "A033"],
            "certificate-name-text",
            |certificate| {
                certificate.replace(subject_alternative_name(&[email_name(
                    "user@example.org\nadmin",
                )]))
            },
        ),
        accept(
            "name-beyond-ascii",
            "a name beyond ASCII is read as it is, to be compared byte for byte",
            &["N-51"],
            good(lab).certificate(|certificate| {
                certificate.replace(subject_alternative_name(&[email_name(
                    "\u{fc}ser@example.org",
                )]))
            }),
        ),
        bent(
            lab,
            "name-empty",
            "an empty name is refused",
            &["A157"],
            "certificate-name-text",
            |certificate| certificate.replace(subject_alternative_name(&[email_name("")])),
        ),
        bent(
            lab,
            "ten-thousand-names",
            "names beyond the certificate's size limit are refused",
            &["A151"],
            "over-limit",
            |certificate| {
                certificate.replace(subject_alternative_name(&vec![email_name(USER); 10_000]))
            },
        ),
    ]
}
