//! The chain of signing certificates.

use super::{G, GOOD, bent, good, reject, rewrite, short_lived_intermediate};
use crate::certificate::{CertificateSpec, Identity, extension, key_usage, name};
use crate::der_writer::{boolean, sequence, tlv};
use crate::keys::LabKey;
use crate::lab::{END, Lab, START, authority_instance, chain_of};
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let forged = chain_of("forged");
    let (short, short_lived) = short_lived_intermediate(lab);
    let leaf_as_issuer = leaf_as_issuer(lab);
    let no_sign = authority_without_key_cert_sign(lab);
    let signer = LabKey::p256("lab-signer");
    vec![
        reject(
            "issued-by-a-forged-authority-of-the-same-name",
            "an authority is known by its key, not by its name",
            &["N-56"],
            "certificate-untrusted",
            good(lab).issued_by(&forged.1),
        ),
        Vector::accepted(
            G,
            "issued-under-the-name-of-two-trusted-authorities",
            "a certificate and its SCT are of the authority whose key signed, whichever of the same name stands first",
        )
        .rows(&["N-56"])
        .trust(lab, |root| {
            let namesake = authority_instance(
                "https://fulcio.lab.example",
                &[&forged.1.certificate, &forged.0.certificate],
            );
            let genuine = root["certificateAuthorities"].take();
            root["certificateAuthorities"] = serde_json::json!([namesake, genuine[0]]);
        })
        .bundle(&good(lab).build())
        .proven(1, 0, 1),
        reject(
            "issued-by-a-leaf",
            "a certificate that is no authority cannot issue",
            &["N-56"],
            "certificate-untrusted",
            good(lab).issued_by(&leaf_as_issuer),
        ),
        reject(
            "self-signed",
            "a self-signed leaf has no trusted issuer",
            &["N-56"],
            "certificate-untrusted",
            good(lab).issued_by(&Identity {
                certificate: Vec::new(),
                name: sequence(&[]),
                key: signer.clone(),
            }),
        ),
        reject(
            "issuer-name-of-another-authority",
            "the issuer's name must be the authority's",
            &["N-56"],
            "certificate-untrusted",
            good(lab).certificate(|certificate| {
                certificate.issuer = name("lab.example", "somebody else")
            }),
        ),
        bent(
            lab,
            "leaf-is-an-authority",
            "a certificate authority's certificate does not sign artifacts",
            &["N-56"],
            "certificate-is-authority",
            |certificate| {
                certificate.replace(extension("2.5.29.19", true, tlv(0x30, &boolean(true))))
            },
        ),
        Vector::rejected(
            G,
            "issued-by-an-authority-that-may-not-sign-certificates",
            "an intermediate without the right to sign certificates cannot issue",
            "no-authorities",
            GOOD,
        )
        .rows(&["N-56"])
        .trust(lab, |root| {
            root["certificateAuthorities"][0] = authority_instance(
                "https://fulcio.lab.example",
                &[&no_sign.certificate, &lab.root.certificate],
            )
        })
        .bundle(&good(lab).issued_by(&no_sign).build()),
        Vector::rejected(
            G,
            "intermediate-ended-before-the-signature",
            "an intermediate is judged at the proven time too",
            "certificate-expired",
            "intermediate-still-valid-at-the-signature",
        )
        .rows(&["A012", "N-56"])
        .trust(lab, |root| {
            root["certificateAuthorities"][0] = authority_instance(
                "https://fulcio.lab.example",
                &[&short.certificate, &lab.root.certificate],
            )
        })
        .bundle(&good(lab).issued_by(&short).build()),
        Vector::accepted(
            G,
            "intermediate-still-valid-at-the-signature",
            "an intermediate that ended after the signature counts",
        )
        .rows(&["A012"])
        .trust(lab, |root| {
            root["certificateAuthorities"][0] = authority_instance(
                "https://fulcio.lab.example",
                &[&short_lived.certificate, &lab.root.certificate],
            )
        })
        .bundle(&good(lab).issued_by(&short_lived).build()),
        reject(
            "signature-on-the-certificate-broken",
            "a certificate whose signature does not hold is refused",
            &["N-56"],
            "certificate-untrusted",
            good(lab).bundle(|bundle| {
                flip_last_byte(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"]);
            }),
        ),
    ]
}

/// A code-signing leaf that tries to issue.
fn leaf_as_issuer(lab: &Lab) -> Identity {
    let key = LabKey::p384("leaf-as-issuer");
    let mut spec = CertificateSpec::code_signing(&key, &lab.intermediate, (START, END));
    spec.subject = name("lab.example", "leaf as issuer");
    Identity {
        certificate: spec.sign(&lab.intermediate.key),
        name: spec.subject,
        key,
    }
}

/// An intermediate whose key usage lacks keyCertSign.
fn authority_without_key_cert_sign(lab: &Lab) -> Identity {
    let key = LabKey::p384("no-key-cert-sign");
    let subject = name("lab.example", "intermediate that may not sign");
    let mut spec = CertificateSpec::authority(
        &subject,
        &key,
        &lab.root.name,
        &lab.root.key,
        Some(0),
        (START, END),
    );
    spec.replace(extension("2.5.29.15", true, key_usage(&[6])));
    Identity {
        certificate: spec.sign(&lab.root.key),
        name: subject,
        key,
    }
}

fn flip_last_byte(value: &mut serde_json::Value) {
    rewrite(value, |der| {
        if let Some(last) = der.last_mut() {
            *last ^= 1;
        }
    });
}
