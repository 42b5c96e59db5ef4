//! What signing certificates may be used for.

use super::bent;
use crate::certificate::{extended_key_usage, extension, key_usage};
use crate::der_writer::null;
use crate::lab::Lab;
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "no-extended-key-usage",
            "a certificate must say that it signs code",
            &["A153", "N-56"],
            "certificate-extended-key-usage",
            |certificate| certificate.remove("2.5.29.37"),
        ),
        bent(
            lab,
            "any-extended-key-usage",
            "any purpose is not the purpose to sign code",
            &["A153"],
            "certificate-extended-key-usage",
            |certificate| {
                certificate.replace(extension(
                    "2.5.29.37",
                    false,
                    extended_key_usage(&["2.5.29.37.0"]),
                ))
            },
        ),
        bent(
            lab,
            "server-authentication",
            "a server's certificate does not sign code",
            &["N-56"],
            "certificate-extended-key-usage",
            |certificate| {
                certificate.replace(extension(
                    "2.5.29.37",
                    false,
                    extended_key_usage(&["1.3.6.1.5.5.7.3.1"]),
                ))
            },
        ),
        bent(
            lab,
            "key-usage-without-digital-signature",
            "a certificate must be allowed to sign",
            &["N-56"],
            "certificate-key-usage",
            |certificate| certificate.replace(extension("2.5.29.15", true, key_usage(&[2]))),
        ),
        bent(
            lab,
            "unknown-critical-extension",
            "an unknown critical extension is refused",
            &["N-55"],
            "certificate-critical-extension",
            |certificate| certificate.replace(extension("1.2.3.4.5", true, null())),
        ),
        bent(
            lab,
            "extension-twice",
            "an extension given twice is refused",
            &["N-54"],
            "certificate-duplicate-extension",
            |certificate| {
                let last = certificate.extensions.last().cloned();
                certificate.extensions.extend(last);
            },
        ),
    ]
}
