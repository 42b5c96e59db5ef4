//! The validity of signing certificates.

use super::{accept, good, reject};
use crate::lab::{Lab, SIGNED_AT};
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        reject(
            "logged-before-the-certificate-began",
            "a proven time before the certificate's window is refused",
            &["N-80"],
            "certificate-expired",
            good(lab).integrated_at(SIGNED_AT - 61),
        ),
        reject(
            "logged-after-the-certificate-ended",
            "a proven time after the certificate's window is refused",
            &["A012", "N-80"],
            "certificate-expired",
            good(lab).integrated_at(SIGNED_AT + 541),
        ),
        accept(
            "logged-in-the-certificate-s-last-second",
            "both ends of the window belong to it",
            &["N-85"],
            good(lab).integrated_at(SIGNED_AT + 540),
        ),
    ]
}
