//! Signing certificates: their chain, purpose, names, claims, and what certificate transparency logs say about them.

use crate::catalogue::USER;
use crate::certificate::{
    CertificateSpec, Identity, claim, dns_name, email_name, extended_key_usage, extension,
    key_usage, name, other_name, raw_claim, subject_alternative_name, uri_name,
};
use crate::certificate_log::SctSpec;
use crate::der_writer::{
    bit_string, boolean, context_primitive, integer, null, octet_string, oid, sequence,
    small_integer, tlv, utf8_string,
};
use crate::keys::LabKey;
use crate::lab::{END, Lab, Recipe, SIGNED_AT, START, authority_instance, chain_of};
use crate::vector::Vector;

const G: &str = "certificates";
const GOOD: &str = "certificate-for-an-e-mail-address";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let good = || lab.keyless(USER).rekor_v1();
    let accept = |name, claim, rows: &[&'static str], recipe: Recipe<'_>| {
        Vector::accepted(G, name, claim)
            .rows(rows)
            .bundle(&recipe.build())
            .proven(1, 0, 1)
    };
    let reject = |name, claim, rows: &[&'static str], code, recipe: Recipe<'_>| {
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .bundle(&recipe.build())
    };
    let bent = |name, claim, rows: &[&'static str], code, bend: fn(&mut CertificateSpec)| {
        reject(name, claim, rows, code, good().certificate(bend))
    };
    let forged = chain_of("forged");
    let (short, short_lived) = short_lived_intermediate(lab);
    let leaf_as_issuer = leaf_as_issuer(lab);
    let no_sign = authority_without_key_cert_sign(lab);
    let signer = LabKey::p256("lab-signer");
    vec![
        accept(
            GOOD,
            "a certificate for an e-mail address verifies",
            &[],
            good(),
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
            good()
                .certified_key(LabKey::p384("lab-signer-384"))
                .message(&Lab::artifact()),
        )
        .about_file(),
        accept(
            "certificate-with-all-claims",
            "all claims that Fulcio writes for a workflow are read",
            &["N-55"],
            good().certificate(|certificate| {
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
            good().certificate(|certificate| certificate.scts[0].extensions = vec![1, 2, 3]),
        ),
        Vector::accepted(
            G,
            "certificate-in-two-transparency-logs",
            "timestamps of two certificate logs count as two",
        )
        .rows(&["A015"])
        .bundle(
            &good()
                .certificate({
                    let second = lab.second_certificate_log.clone();
                    move |certificate| certificate.scts.push(SctSpec::new(&second, SIGNED_AT - 59))
                })
                .build(),
        )
        .proven(1, 0, 2),
        // Chain.
        reject(
            "issued-by-a-forged-authority-of-the-same-name",
            "an authority is known by its key, not by its name",
            &["N-56"],
            "certificate-untrusted",
            good().issued_by(&forged.1),
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
        .bundle(&good().build())
        .proven(1, 0, 1),
        reject(
            "issued-by-a-leaf",
            "a certificate that is no authority cannot issue",
            &["N-56"],
            "certificate-untrusted",
            good().issued_by(&leaf_as_issuer),
        ),
        reject(
            "self-signed",
            "a self-signed leaf has no trusted issuer",
            &["N-56"],
            "certificate-untrusted",
            good().issued_by(&Identity {
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
            good().certificate(|certificate| {
                certificate.issuer = name("lab.example", "somebody else")
            }),
        ),
        bent(
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
        .bundle(&good().issued_by(&no_sign).build()),
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
        .bundle(&good().issued_by(&short).build()),
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
        .bundle(&good().issued_by(&short_lived).build()),
        reject(
            "signature-on-the-certificate-broken",
            "a certificate whose signature does not hold is refused",
            &["N-56"],
            "certificate-untrusted",
            good().bundle(|bundle| {
                flip_last_byte(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"]);
            }),
        ),
        // Time.
        reject(
            "logged-before-the-certificate-began",
            "a proven time before the certificate's window is refused",
            &["N-80"],
            "certificate-expired",
            good().integrated_at(SIGNED_AT - 61),
        ),
        reject(
            "logged-after-the-certificate-ended",
            "a proven time after the certificate's window is refused",
            &["A012", "N-80"],
            "certificate-expired",
            good().integrated_at(SIGNED_AT + 541),
        ),
        accept(
            "logged-in-the-certificate-s-last-second",
            "both ends of the window belong to it",
            &["N-85"],
            good().integrated_at(SIGNED_AT + 540),
        ),
        // Purpose.
        bent(
            "no-extended-key-usage",
            "a certificate must say that it signs code",
            &["A153", "N-56"],
            "certificate-extended-key-usage",
            |certificate| certificate.remove("2.5.29.37"),
        ),
        bent(
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
            "key-usage-without-digital-signature",
            "a certificate must be allowed to sign",
            &["N-56"],
            "certificate-key-usage",
            |certificate| certificate.replace(extension("2.5.29.15", true, key_usage(&[2]))),
        ),
        bent(
            "unknown-critical-extension",
            "an unknown critical extension is refused",
            &["N-55"],
            "certificate-critical-extension",
            |certificate| certificate.replace(extension("1.2.3.4.5", true, null())),
        ),
        bent(
            "extension-twice",
            "an extension given twice is refused",
            &["N-54"],
            "certificate-duplicate-extension",
            |certificate| {
                let last = certificate.extensions.last().cloned();
                certificate.extensions.extend(last);
            },
        ),
        // Names.
        bent(
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
            "no-alternative-name",
            "a certificate that names nobody is refused",
            &["N-53"],
            "certificate-no-name",
            |certificate| certificate.remove("2.5.29.17"),
        ),
        bent(
            "alternative-names-empty",
            "an empty list of names is refused",
            &["A157", "N-53"],
            "certificate-malformed",
            |certificate| certificate.replace(subject_alternative_name(&[])),
        ),
        bent(
            "host-name-only",
            "a host name is not a signer's name",
            &["N-52", "A157"],
            "certificate-name-kind",
            |certificate| certificate.replace(subject_alternative_name(&[dns_name("example.org")])),
        ),
        bent(
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
            good().certificate(|certificate| {
                certificate.replace(subject_alternative_name(&[email_name(
                    "\u{fc}ser@example.org",
                )]))
            }),
        ),
        bent(
            "name-empty",
            "an empty name is refused",
            &["A157"],
            "certificate-name-text",
            |certificate| certificate.replace(subject_alternative_name(&[email_name("")])),
        ),
        bent(
            "ten-thousand-names",
            "names beyond the certificate's size limit are refused",
            &["A151"],
            "over-limit",
            |certificate| {
                certificate.replace(subject_alternative_name(&vec![email_name(USER); 10_000]))
            },
        ),
        // Claims.
        bent(
            "issuers-disagree",
            "old and new issuer extension must agree",
            &["N-54"],
            "certificate-issuer-conflict",
            |certificate| certificate.replace(claim(8, "https://other.lab.example")),
        ),
        bent(
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
        // Certificate transparency.
        bent(
            "certificate-timestamp-of-unknown-log",
            "a certificate log that is not trusted proves nothing",
            &["N-57"],
            "sct-log-unknown",
            |certificate| {
                certificate.scts[0] = SctSpec::new(&LabKey::p256("unknown-ct"), SIGNED_AT)
            },
        ),
        bent(
            "certificate-timestamp-broken",
            "a broken signature on a certificate timestamp is refused",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].broken = true,
        ),
        bent(
            "certificate-timestamp-by-other-key-under-known-id",
            "a log's id does not lend its key",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].key = LabKey::p256("unknown-ct"),
        ),
        bent(
            "certificate-timestamp-for-another-certificate",
            "a certificate timestamp covers this certificate's content",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].tbs_override = Some(sequence(&[&small_integer(1)])),
        ),
        bent(
            "certificate-timestamp-for-another-issuer",
            "a certificate timestamp covers the issuer's key",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].issuer_key_hash = Some([7; 32]),
        ),
        bent(
            "certificate-timestamp-for-another-entry-type",
            "an embedded timestamp is about a precertificate",
            &["N-57"],
            "sct-signature",
            |certificate| certificate.scts[0].entry_type = 0,
        ),
        bent(
            "certificate-timestamp-list-truncated",
            "a truncated timestamp list is refused",
            &["N-57", "A158"],
            "sct-malformed",
            |certificate| certificate.sct_list_override = Some(vec![0, 200, 1, 2]),
        ),
        bent(
            "certificate-timestamp-list-empty",
            "an empty timestamp list proves nothing",
            &["N-57", "A146"],
            "sct-malformed",
            |certificate| certificate.sct_list_override = Some(vec![0, 0]),
        ),
        bent(
            "certificate-timestamp-with-other-hash",
            "a certificate timestamp is ECDSA with SHA-256",
            &["N-62"],
            "sct-algorithm",
            |certificate| certificate.scts[0].algorithm = [2, 3],
        ),
        bent(
            "certificate-timestamp-in-the-future",
            "a certificate timestamp after now is refused",
            &["N-57"],
            "sct-future",
            |certificate| certificate.scts[0].timestamp = (crate::lab::NOW as u64 + 3_600) * 1_000,
        ),
        bent(
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
            &good()
                .certificate(|certificate| certificate.scts.clear())
                .build(),
        )
        .proven(1, 0, 0),
        // DER.
        bent(
            "serial-negative",
            "a negative serial number is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 1, 0x80],
        ),
        bent(
            "serial-zero",
            "serial number zero is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 1, 0],
        ),
        bent(
            "serial-too-long",
            "a serial number of more than 20 bytes is refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| certificate.serial = tlv(2, &[1; 21]),
        ),
        bent(
            "serial-not-minimal",
            "an integer with a needless leading zero is not DER",
            &["N-58", "#1678"],
            "certificate-malformed",
            |certificate| certificate.serial = vec![2, 2, 0, 1],
        ),
        bent(
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
            good().bundle(|bundle| {
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
            good().bundle(|bundle| {
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
            good().bundle(|bundle| {
                rewrite(
                    &mut bundle["verificationMaterial"]["certificate"]["rawBytes"],
                    |der| {
                        der.splice(1..4, [0x84, 0x7f, 0xff, 0xff, 0xff]);
                    },
                );
            }),
        ),
        // Keys.
        bent(
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
            "certificate-signed-with-sha-1",
            "a certificate whose signature is over SHA-1 is refused",
            &["A101", "N-62"],
            "certificate-signature-algorithm",
            |certificate| {
                certificate.algorithm_override = Some(sequence(&[&oid("1.2.840.10045.4.1")]));
            },
        ),
        bent(
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
            "certificate-with-unique-identifiers",
            "the identifiers of old directories are refused",
            &["N-58"],
            "certificate-malformed",
            |certificate| {
                certificate.behind_key = context_primitive(1, &[0, 7]);
            },
        ),
        bent(
            "boolean-of-another-byte",
            "true is one byte of ones",
            &["#1678"],
            "certificate-malformed",
            |certificate| {
                certificate.replace(extension("2.5.29.19", true, tlv(0x30, &[1, 1, 1])));
            },
        ),
        bent(
            "unused-bits-set",
            "bits that are not used are zero",
            &["#1678"],
            "certificate-malformed",
            |certificate| {
                certificate.replace(extension("2.5.29.15", true, tlv(3, &[7, 0x81])));
            },
        ),
        bent(
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
            "old-issuer-differs",
            "new and old issuer extension must agree",
            &["N-54"],
            "certificate-issuer-conflict",
            |certificate| {
                certificate.replace(raw_claim(1, "https://other.lab.example"));
            },
        ),
        bent(
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
            "certificate-timestamp-of-another-version",
            "a certificate timestamp of a version that is not known is refused",
            &["N-57"],
            "sct-malformed",
            |certificate| {
                certificate.sct_list_override = Some([&[0, 49, 0, 47, 1][..], &[7; 46]].concat());
            },
        ),
        bent(
            "certified-key-on-p-224",
            "a certified key on a curve below P-256 is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = key_on("1.3.132.0.33", 57);
            },
        ),
        bent(
            "certified-key-on-secp256k1",
            "a certified key on a curve that no signer here uses is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = key_on("1.3.132.0.10", 65);
            },
        ),
        bent(
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
            "certified-rsa-key-of-1024-bits",
            "a certified RSA key below 2048 bits is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = rsa_key(128, &[1, 0, 1]);
            },
        ),
        bent(
            "certified-rsa-key-with-exponent-1",
            "a certified RSA key with exponent 1 is refused",
            &["N-59"],
            "certificate-key",
            |certificate| {
                certificate.spki = rsa_key(256, &[1]);
            },
        ),
        bent(
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
            &good()
                .certificate(|certificate| certificate.remove("2.5.29.35"))
                .build(),
        )
        .proven(1, 0, 1),
        reject(
            "another-certificate-for-the-same-key",
            "the certificate in the log entry must be the bundle's",
            &["A002"],
            "log-entry-signer",
            good().body({
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
            good().signed_by(LabKey::p256("stranger")),
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

/// One intermediate that ended a minute before the signature, and one that ended a minute after.
pub(super) fn short_lived_intermediate(lab: &Lab) -> (Identity, Identity) {
    let make = |not_after: i64| {
        let key = LabKey::p384("short-lived-intermediate");
        let subject = name("lab.example", "short-lived intermediate");
        let spec = CertificateSpec::authority(
            &subject,
            &key,
            &lab.root.name,
            &lab.root.key,
            Some(0),
            (START, not_after),
        )
        .with(extension(
            "2.5.29.37",
            false,
            extended_key_usage(&["1.3.6.1.5.5.7.3.3"]),
        ));
        Identity {
            certificate: spec.sign(&lab.root.key),
            name: subject,
            key,
        }
    };
    (make(SIGNED_AT - 60), make(SIGNED_AT + 60))
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

fn rewrite(value: &mut serde_json::Value, bend: impl Fn(&mut Vec<u8>)) {
    let mut der = crate::base64_decode(value.as_str().unwrap_or_default());
    bend(&mut der);
    *value = serde_json::json!(crate::encode(&der));
}
