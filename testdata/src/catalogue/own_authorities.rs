//! Own certificate authorities, chains that the evidence brings along, and certificates judged without any proven time.

use serde_json::json;

use crate::catalogue::USER;
use crate::certificate::{CertificateSpec, Identity, extended_key_usage, extension, name};
use crate::der_writer::{null, oid, sequence};
use crate::keys::LabKey;
use crate::lab::{END, Lab, NOW, Recipe, SIGNED_AT, START, chain_of};
use crate::vector::Vector;

const G: &str = "authorities";
const CHAIN: &str = "own-authority-with-its-chain-in-the-bundle";
const BY_HAND: &str = "own-authority-with-its-intermediate-given-by-hand";
const NOW_JUDGED: &str = "certificate-judged-now-under-a-named-danger";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let (root, intermediate) = chain_of("own");
    let certificate = |identity: &Identity| identity.certificate.clone();
    let signed = || lab.keyless(USER).issued_by(&intermediate);
    let logged = || signed().rekor_v1();
    // A chain is what bundles of version 0.2 carry.
    let brought = |recipe: Recipe<'_>, above: Vec<Vec<u8>>| {
        recipe
            .chain(above)
            .bundle(|bundle| {
                bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2")
            })
            .build()
    };
    let alone = |vector: Vector| {
        vector
            .trust(lab, |root| root["certificateAuthorities"] = json!([]))
            .own_authority(&[&root.certificate], &[])
    };
    let with_intermediate = |vector: Vector| {
        alone(vector).own_authority(&[&root.certificate], &[&intermediate.certificate])
    };
    let accept = |name, claim| Vector::accepted(G, name, claim).danger("ignore-sct");
    let reject = |name, claim, rows: &[&'static str], code, twin| {
        Vector::rejected(G, name, claim, code, twin)
            .rows(rows)
            .danger("ignore-sct")
    };
    let (ended, lasting) = (
        below(
            &root,
            "ended",
            Some(0),
            CODE_SIGNING,
            (START, SIGNED_AT - 1),
        ),
        below(&root, "ended", Some(0), CODE_SIGNING, (START, SIGNED_AT)),
    );
    let deeper = below(&intermediate, "deeper", None, CODE_SIGNING, (START, END));
    let other_purpose = below(
        &root,
        "other-purpose",
        Some(0),
        SERVER_AUTHENTICATION,
        (START, END),
    );
    let leaf = {
        let key = LabKey::p384("own-leaf");
        let mut spec = CertificateSpec::code_signing(&key, &intermediate, (START, END));
        spec.subject = name("lab.example", "own leaf");
        Identity {
            certificate: spec.sign(&intermediate.key),
            name: spec.subject,
            key,
        }
    };
    let constrained = {
        let key = LabKey::p384("own-constrained");
        let subject = name("lab.example", "own constrained");
        let spec = CertificateSpec::authority(
            &subject,
            &key,
            &root.name,
            &root.key,
            Some(0),
            (START, END),
        )
        .with(extension("2.5.29.30", true, sequence(&[])));
        Identity {
            certificate: spec.sign(&root.key),
            name: subject,
            key,
        }
    };
    let by_pss = {
        let (key, subject) = (LabKey::rsa_pss(), name("lab.example", "own PSS root"));
        let spec = CertificateSpec::authority(&subject, &key, &subject, &key, None, (START, END));
        Identity {
            certificate: spec.sign(&key),
            name: subject,
            key,
        }
    };
    let stranger = chain_of("stranger");
    let ended_now = below(&root, "ended-now", Some(0), CODE_SIGNING, (START, NOW - 1));
    // Certificates that are valid at `now`, and nothing that proves any time.
    let undated = |window: (i64, i64)| {
        signed()
            .certificate(move |certificate| {
                (certificate.not_before, certificate.not_after) = window;
            })
            .build()
    };
    let judged_now = |vector: Vector| vector.danger("judge-certificates-now");
    vec![
        alone(accept(
            CHAIN,
            "an own root is reached through the chain that the bundle brings",
        ))
        .bundle(&brought(logged(), vec![certificate(&intermediate)]))
        .proven(1, 0, 0),
        alone(accept(
            "own-authority-with-its-root-in-the-bundle",
            "a root in the bundle is neither needed nor harmful",
        ))
        .bundle(&brought(
            logged(),
            vec![certificate(&intermediate), certificate(&root)],
        ))
        .proven(1, 0, 0),
        alone(reject(
            "own-authority-with-a-stranger-s-root-in-the-bundle",
            "a bundle must not bring a root that nobody trusts, even where no path needs it",
            &["N-56", "A026"],
            "certificate-untrusted",
            "own-authority-with-its-root-in-the-bundle",
        ))
        .bundle(&brought(
            logged(),
            vec![certificate(&intermediate), certificate(&stranger.0)],
        )),
        with_intermediate(accept(
            BY_HAND,
            "an own intermediate may be given beside the root",
        ))
        .bundle(&logged().build())
        .proven(1, 0, 0),
        with_intermediate(accept(
            "own-authority-s-certificate-for-nobody",
            "an own authority may issue certificates without any name",
        ))
        .bundle(&logged().certificate(remove_names).build())
        .proven(1, 0, 0),
        with_intermediate(Vector::accepted(
            G,
            "own-authority-with-a-certificate-log",
            "an own authority's certificate may be in a trusted certificate log",
        ))
        .bundle(&logged().build())
        .proven(1, 0, 1),
        Vector::accepted(
            G,
            "own-authority-beside-the-trusted-root-s",
            "an own authority does not put those of the trusted root out of use",
        )
        .own_authority(&[&root.certificate], &[&intermediate.certificate])
        .and_root()
        .bundle(&lab.keyless(USER).rekor_v1().build())
        .proven(1, 0, 1),
        with_intermediate(Vector::rejected(
            G,
            "own-authority-without-certificate-log",
            "a certificate without certificate timestamp needs the named danger, whoever issued it",
            "sct-missing",
            BY_HAND,
        ))
        .rows(&["A120"])
        .bundle(
            &logged()
                .certificate(|certificate| certificate.scts.clear())
                .build(),
        ),
        alone(reject(
            "own-authority-s-intermediate-missing",
            "a chain with a gap reaches no root",
            &["N-56"],
            "certificate-untrusted",
            BY_HAND,
        ))
        .bundle(&logged().build()),
        alone(reject(
            "chain-of-a-stranger-with-its-root",
            "a root that the evidence brings along is no anchor",
            &["N-56", "A026"],
            "certificate-untrusted",
            CHAIN,
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&stranger.1).rekor_v1(),
            vec![certificate(&stranger.1), certificate(&stranger.0)],
        )),
        alone(reject(
            "chain-in-another-order",
            "each certificate of a chain issued the one before it",
            &["N-56"],
            "certificate-untrusted",
            CHAIN,
        ))
        .bundle(&brought(
            logged(),
            vec![certificate(&root), certificate(&intermediate)],
        )),
        alone(reject(
            "chain-through-a-signer-s-certificate",
            "a signer's certificate in the middle of a chain issues nothing",
            &["N-56"],
            "certificate-not-authority",
            CHAIN,
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&leaf).rekor_v1(),
            vec![certificate(&leaf), certificate(&intermediate)],
        )),
        alone(reject(
            "chain-beyond-the-path-length",
            "an authority that allows no authority below it has none",
            &["N-56"],
            "certificate-path-length",
            CHAIN,
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&deeper).rekor_v1(),
            vec![certificate(&deeper), certificate(&intermediate)],
        )),
        alone(reject(
            "chain-through-an-authority-for-another-purpose",
            "an authority for servers does not issue signers",
            &["N-56", "A153"],
            "certificate-extended-key-usage",
            CHAIN,
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&other_purpose).rekor_v1(),
            vec![certificate(&other_purpose)],
        )),
        alone(reject(
            "chain-longer-than-the-limit",
            "more certificates than the limit are refused before one is read",
            &["A150"],
            "over-limit",
            CHAIN,
        ))
        .bundle(&brought(logged(), vec![certificate(&intermediate); 10])),
        alone(reject(
            "chain-whose-intermediate-ended-before-the-signature",
            "a certificate that the evidence brings along is judged at the proven time too",
            &["A012"],
            "certificate-expired",
            "chain-whose-intermediate-ended-with-the-signature",
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&ended).rekor_v1(),
            vec![certificate(&ended)],
        )),
        alone(accept(
            "chain-whose-intermediate-ended-with-the-signature",
            "the last second of an intermediate's window belongs to it",
        ))
        .rows(&["A012"])
        .bundle(&brought(
            lab.keyless(USER).issued_by(&lasting).rekor_v1(),
            vec![certificate(&lasting)],
        ))
        .proven(1, 0, 0),
        alone(accept(
            "chain-of-an-authority-that-signs-by-pss",
            "an authority may sign certificates with RSA by PSS",
        ))
        .rows(&["N-62"])
        .own_authority(&[&by_pss.certificate], &[])
        .bundle(
            &lab.keyless(USER).issued_by(&by_pss).rekor_v1().build(),
        )
        .proven(1, 0, 0),
        alone(reject(
            "chain-through-an-authority-with-name-constraints",
            "an authority that is restricted in a way that is not checked issues nothing",
            &["A152"],
            "certificate-name-constraints",
            CHAIN,
        ))
        .bundle(&brought(
            lab.keyless(USER).issued_by(&constrained).rekor_v1(),
            vec![certificate(&constrained)],
        )),
        alone(reject(
            "certificate-by-ecdsa-with-parameters",
            "an ECDSA signature's algorithm has no parameters",
            &["N-62", "N-58"],
            "certificate-signature-algorithm",
            CHAIN,
        ))
        .bundle(&brought(
            logged().certificate(|certificate| {
                let ecdsa = oid("1.2.840.10045.4.3.3");
                certificate.algorithm_override = Some(sequence(&[&ecdsa, &null()]));
            }),
            vec![certificate(&intermediate)],
        )),
        // Without any proven time.
        judged_now(with_intermediate(accept(
            NOW_JUDGED,
            "a certificate that nothing dates is judged at the present time where the danger is spelled out",
        )))
        .bundle(&undated((SIGNED_AT, NOW + 600)))
        .proven(0, 0, 0),
        judged_now(with_intermediate(accept(
            "certificate-judged-now-in-its-last-second",
            "both ends of the window belong to it, for the present time as well",
        )))
        .bundle(&undated((SIGNED_AT, NOW)))
        .proven(0, 0, 0),
        with_intermediate(reject(
            "certificate-valid-now-without-the-danger",
            "a certificate is never quietly judged at the present time",
            &["A012", "N-80"],
            "no-proven-time",
            NOW_JUDGED,
        ))
        .bundle(&undated((SIGNED_AT, NOW + 600))),
        judged_now(with_intermediate(reject(
            "certificate-judged-now-and-ended",
            "the danger does not bring an ended certificate back",
            &["A012"],
            "certificate-expired",
            "certificate-judged-now-in-its-last-second",
        )))
        .bundle(&undated((SIGNED_AT, NOW - 1))),
        judged_now(with_intermediate(reject(
            "certificate-judged-now-before-it-began",
            "the danger does not make a certificate valid before its time",
            &["A012"],
            "certificate-expired",
            NOW_JUDGED,
        )))
        .bundle(&undated((NOW + 1, NOW + 600))),
        judged_now(alone(reject(
            "certificate-judged-now-under-an-intermediate-that-ended",
            "the whole path is judged at the present time",
            &["A012"],
            "certificate-expired",
            NOW_JUDGED,
        )))
        .bundle(&brought(
            lab.keyless(USER)
                .issued_by(&ended_now)
                .certificate(|certificate| certificate.not_after = NOW + 600),
            vec![certificate(&ended_now)],
        )),
        with_intermediate(accept(
            "proven-time-outweighs-the-present-one",
            "where a time is proven, the certificate is judged at it although the danger is spelled out",
        ))
        .idle_danger("judge-certificates-now")
        .bundle(&logged().build())
        .proven(1, 0, 0),
        judged_now(with_intermediate(reject(
            "valid-now-and-not-at-the-proven-time",
            "the present time does not save a certificate that was not valid at the proven one",
            &["A012", "N-80"],
            "certificate-expired",
            "proven-time-outweighs-the-present-one",
        )))
        .bundle(
            &logged()
                .certificate(|certificate| {
                    (certificate.not_before, certificate.not_after) = (SIGNED_AT + 1, NOW + 600);
                })
                .build(),
        ),
    ]
}

const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const SERVER_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.1";

/// An authority right below another one.
fn below(
    above: &Identity,
    seed: &str,
    path_length: Option<u8>,
    purpose: &str,
    window: (i64, i64),
) -> Identity {
    let key = LabKey::p384(&format!("own-{seed}"));
    let subject = name("lab.example", &format!("own {seed}"));
    let spec =
        CertificateSpec::authority(&subject, &key, &above.name, &above.key, path_length, window)
            .with(extension(
                "2.5.29.37",
                false,
                extended_key_usage(&[purpose]),
            ));
    Identity {
        certificate: spec.sign(&above.key),
        name: subject,
        key,
    }
}

/// Leaves out the alternative names and every claim.
fn remove_names(certificate: &mut CertificateSpec) {
    certificate.extensions.retain(|extension| {
        extension.id != "2.5.29.17" && !extension.id.starts_with(crate::certificate::FULCIO)
    });
}
