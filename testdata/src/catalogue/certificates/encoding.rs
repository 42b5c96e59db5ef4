//! The encoding of signing certificates.

use super::{bent, good, reject, rewrite};
use crate::der_writer::tlv;
use crate::lab::Lab;
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "serial-negative",
            "a negative serial number is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 1, 0x80],
        ),
        bent(
            lab,
            "serial-zero",
            "serial number zero is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 1, 0],
        ),
        bent(
            lab,
            "serial-too-long",
            "a serial number of more than 20 bytes is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = tlv(2, &[1; 21]),
        ),
        bent(
            lab,
            "serial-not-minimal",
            "an integer with a needless leading zero is not DER",
            &["N-58", "#1678"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 2, 0, 1],
        ),
        bent(
            lab,
            "version-1",
            "a version 1 certificate is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.version = None,
        ),
        reject(
            "bytes-behind-the-certificate",
            "bytes behind the certificate are refused",
            &["N-58"],
            "certificate-malformed",
            good(lab).bundle(|bundle| {
                rewrite(
                    &mut bundle["verificationMaterial"]["certificate"]["rawBytes"],
                    |der| der.push(0),
                );
            }),
        ),
        reject(
            "indefinite-length",
            "BER's indefinite length is not DER",
            &["N-58", "A157"],
            "certificate-malformed",
            good(lab).bundle(|bundle| {
                rewrite(
                    &mut bundle["verificationMaterial"]["certificate"]["rawBytes"],
                    |der| {
                        der.splice(1..4, [0x80]);
                        der.extend([0, 0]);
                    },
                );
            }),
        ),
        reject(
            "length-beyond-the-input",
            "a length of two gigabytes is refused without taking the memory",
            &["A158"],
            "certificate-malformed",
            good(lab).bundle(|bundle| {
                rewrite(
                    &mut bundle["verificationMaterial"]["certificate"]["rawBytes"],
                    |der| {
                        der.splice(1..4, [0x84, 0x7f, 0xff, 0xff, 0xff]);
                    },
                );
            }),
        ),
    ]
}
