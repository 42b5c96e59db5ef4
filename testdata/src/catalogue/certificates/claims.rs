//! Fulcio's claims in signing certificates.

use super::bent;
use crate::certificate::{claim, extension};
use crate::der_writer::{octet_string, utf8_string};
use crate::lab::Lab;
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "issuers-disagree",
            "old and new issuer extension must agree",
            &["N-54"],
            "certificate-issuer-conflict",
            |certificate| certificate.replace(claim(8, "https://other.lab.example")),
        ),
        bent(
            lab,
            "new-issuer-without-der",
            "the new issuer extension is a DER string",
            &["N-54"],
            "certificate-extension",
            |certificate| {
                certificate.replace(extension(
                    "1.3.6.1.4.1.57264.1.8",
                    false,
                    b"https://issuer.lab.example".to_vec(),
                ));
            },
        ),
        bent(
            lab,
            "claim-with-trailing-bytes",
            "bytes behind a claim's string are refused",
            &["N-55"],
            "certificate-extension",
            |certificate| {
                certificate.replace(extension(
                    "1.3.6.1.4.1.57264.1.12",
                    false,
                    [utf8_string("https://github.com/acme/app"), vec![0]].concat(),
                ));
            },
        ),
        bent(
            lab,
            "claim-of-another-type",
            "a claim is a UTF-8 string",
            &["N-54", "N-55"],
            "certificate-extension",
            |certificate| {
                certificate.replace(extension(
                    "1.3.6.1.4.1.57264.1.12",
                    false,
                    octet_string(b"https://github.com/acme/app"),
                ));
            },
        ),
    ]
}
