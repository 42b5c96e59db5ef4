//! The keys in signing certificates.

use super::{G, bent, good, reject};
use crate::certificate::{extension, raw_claim, subject_alternative_name};
use crate::der_writer::{
    bit_string, context_primitive, integer, null, oid, sequence, small_integer, tlv, utf8_string,
};
use crate::keys::LabKey;
use crate::lab::Lab;
use crate::vector::Vector;

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    vec![
        bent(
            lab,
            "key-on-explicit-curve",
            "a curve spelled out by parameters is refused",
            &["A156", "N-59"],
            "certificate-key",
            |certificate| {
                let point = certificate.spki[certificate.spki.len() - 65..].to_vec();
                certificate.spki = sequence(&[
                    &sequence(&[
                        &oid("1.2.840.10045.2.1"),
                        &sequence(&[
                            &small_integer(1),
                            &sequence(&[&oid("1.2.840.10045.1.1"), &small_integer(7)]),
                        ]),
                    ]),
                    &bit_string(&point),
                ]);
            },
        ),
        bent(
            lab,
            "key-not-on-the-curve",
            "a point that is not on the curve is refused",
            &["A139"],
            "certificate-key",
            |certificate| {
                if let Some(last) = certificate.spki.last_mut() {
                    *last ^= 1;
                }
            },
        ),
        bent(
            lab,
            "key-of-unknown-algorithm",
            "a key of an algorithm that is not known is refused",
            &["A157", "N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = sequence(&[
                    &sequence(&[&oid("1.2.840.10040.4.1"), &null()]),
                    &bit_string(&small_integer(7)),
                ]);
            },
        ),
        bent(
            lab,
            "certificate-signed-with-sha-1",
            "a certificate whose signature is over SHA-1 is refused",
            &["A101", "N-62"],
            "certificate-signature-algorithm",
            |certificate| {
                certificate.algorithm_override = Some(sequence(&[&oid("1.2.840.10045.4.1")]));
            },
        ),
        bent(
            lab,
            "certificate-signed-with-md5",
            "a certificate whose signature is over MD5 is refused",
            &["A101"],
            "certificate-signature-algorithm",
            |certificate| {
                certificate.algorithm_override =
                    Some(sequence(&[&oid("1.2.840.113549.1.1.4"), &null()]));
            },
        ),
        bent(
            lab,
            "certificate-with-unique-identifiers",
            "the identifiers of old directories are refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| {
                certificate.behind_key = context_primitive(1, &[0, 7]);
            },
        ),
        bent(
            lab,
            "boolean-of-another-byte",
            "true is one byte of ones",
            &["#1678"],
            "certificate-malformed",
            |certificate| {
                certificate.replace(extension("2.5.29.19", true, tlv(0x30, &[1, 1, 1])));
            },
        ),
        bent(
            lab,
            "unused-bits-set",
            "bits that are not used are zero",
            &["#1678"],
            "certificate-malformed",
            |certificate| {
                certificate.replace(extension("2.5.29.15", true, tlv(3, &[7, 0x81])));
            },
        ),
        bent(
            lab,
            "window-that-is-no-date",
            "the thirtieth of February is no date",
            &["A157", "N-81"],
            "certificate-malformed",
            |certificate| {
                certificate.validity_override =
                    Some([tlv(0x17, b"260115115900Z"), tlv(0x17, b"260230120000Z")].concat());
            },
        ),
        bent(
            lab,
            "window-without-seconds",
            "a time has seconds and ends in Z",
            &["N-81"],
            "certificate-malformed",
            |certificate| {
                certificate.validity_override =
                    Some([tlv(0x17, b"2601151159Z"), tlv(0x17, b"260115120900Z")].concat());
            },
        ),
        bent(
            lab,
            "window-with-a-leap-second",
            "a leap second is no time",
            &["N-81"],
            "certificate-malformed",
            |certificate| {
                certificate.validity_override =
                    Some([tlv(0x17, b"260115115900Z"), tlv(0x17, b"260115120960Z")].concat());
            },
        ),
        bent(
            lab,
            "window-with-a-fraction-of-a-second",
            "a certificate's times are whole seconds",
            &["N-81"],
            "certificate-malformed",
            |certificate| {
                certificate.validity_override =
                    Some([tlv(0x17, b"260115115900Z"), tlv(0x18, b"20500115120900.5Z")].concat());
            },
        ),
        bent(
            lab,
            "old-issuer-differs",
            "new and old issuer extension must agree",
            &["N-54"],
            "certificate-issuer-conflict",
            |certificate| {
                certificate.replace(raw_claim(1, "https://other.lab.example"));
            },
        ),
        bent(
            lab,
            "old-issuer-in-der",
            "the old issuer extension is the text itself",
            &["N-54"],
            "certificate-extension",
            |certificate| {
                certificate.replace(extension(
                    "1.3.6.1.4.1.57264.1.1",
                    false,
                    utf8_string("https://issuer.lab.example"),
                ));
            },
        ),
        bent(
            lab,
            "name-that-is-not-utf-8",
            "an overlong encoding in a name is refused",
            &["N-51"],
            "certificate-name-text",
            |certificate| {
                certificate.replace(subject_alternative_name(&[context_primitive(
                    1,
                    b"user@example.org\xc0\xaf",
                )]));
            },
        ),
        bent(
            lab,
            "ten-thousand-policies",
            "policies beyond the certificate's size limit are refused",
            &["A151"],
            "over-limit",
            |certificate| {
                certificate.replace(extension(
                    "2.5.29.32",
                    false,
                    tlv(0x30, &sequence(&[&oid("1.2.3.4")]).repeat(10_000)),
                ));
            },
        ),
        bent(
            lab,
            "certificate-timestamp-of-another-version",
            "a certificate timestamp of a version that is not known is refused",
            &["N-57"],
            "sct-malformed",
            |certificate| {
                certificate.sct_list_override = Some([&[0, 49, 0, 47, 1][..], &[7; 46]].concat());
            },
        ),
        bent(
            lab,
            "certified-key-on-p-224",
            "a certified key on a curve below P-256 is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = key_on("1.3.132.0.33", 57);
            },
        ),
        bent(
            lab,
            "certified-key-on-secp256k1",
            "a certified key on a curve that no signer here uses is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = key_on("1.3.132.0.10", 65);
            },
        ),
        bent(
            lab,
            "certified-key-of-ed448",
            "a certified Ed448 key is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki =
                    sequence(&[&sequence(&[&oid("1.3.101.113")]), &bit_string(&[4; 57])]);
            },
        ),
        bent(
            lab,
            "certified-rsa-key-of-1024-bits",
            "a certified RSA key below 2048 bits is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = rsa_key(128, &[1, 0, 1]);
            },
        ),
        bent(
            lab,
            "certified-rsa-key-with-exponent-1",
            "a certified RSA key with exponent 1 is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = rsa_key(256, &[1]);
            },
        ),
        bent(
            lab,
            "certified-rsa-key-with-exponent-3",
            "a certified RSA key with a small exponent is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = rsa_key(256, &[3]);
            },
        ),
        Vector::accepted(
            G,
            "certificate-without-authority-key-identifier",
            "an issuer is known by its key and its name, with its identifier or without",
        )
        .rows(&["N-56"])
        .bundle(
            &good(lab)
                .certificate(|certificate| certificate.remove("2.5.29.35"))
                .build(),
        )
        .proven(1, 0, 1),
        reject(
            "another-certificate-for-the-same-key",
            "the certificate in the log entry must be the bundle's",
            &["A002"],
            "log-entry-signer",
            good(lab).body({
                let other = lab
                    .keyless("other@example.org")
                    .build()
                    .certificate
                    .unwrap_or_default();
                move |body| {
                    body["spec"]["signatures"][0]["verifier"] = serde_json::json!(crate::encode(
                        crate::pem("CERTIFICATE", &other).as_bytes()
                    ))
                }
            }),
        ),
        reject(
            "signed-by-another-key-than-the-certified",
            "the signature must be of the certified key",
            &["A137", "A017"],
            "signature-invalid",
            good(lab).signed_by(LabKey::p256("stranger")),
        ),
    ]
}

/// SubjectPublicKeyInfo of a made-up point on a named curve.
fn key_on(curve: &str, bytes: usize) -> Vec<u8> {
    let algorithm = sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
    sequence(&[&algorithm, &bit_string(&vec![4; bytes])])
}

/// SubjectPublicKeyInfo of an RSA key with a made-up odd modulus.
fn rsa_key(bytes: usize, exponent: &[u8]) -> Vec<u8> {
    let key = sequence(&[&integer(&vec![0xc5; bytes]), &integer(exponent)]);
    let algorithm = sequence(&[&oid("1.2.840.113549.1.1.1"), &null()]);
    sequence(&[&algorithm, &bit_string(&key)])
}
