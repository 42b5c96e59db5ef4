//! Own certificate authorities, and chains that the evidence brings along.

use crate::lab::{builder, bundle, code, image, prove};
use bytes::Bytes;
use countersign_formats::UnixTime;
use countersign_proof::{Check, Dangers, RejectReason, Signer, TrustError, TrustMaterial, verify};
use countersign_testdata::certificate::CertificateSpec;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW, SIGNED_AT, START, authority_instance};
use serde_json::json;

const NO_SCT: Dangers = Dangers {
    ignore_sct: true,
    ..Dangers::NONE
};

/// Trust in the lab's logs and in an own authority with these certificates.
fn own(lab: &Lab, roots: &[&[u8]], intermediates: &[&[u8]]) -> countersign_proof::TrustBuilder {
    let mut root = lab.trusted_root();
    root["certificateAuthorities"] = serde_json::json!([]);
    let own = |list: &[&[u8]]| list.iter().map(|der| Bytes::copy_from_slice(der)).collect();
    TrustMaterial::builder()
        .trusted_root(&crate::lab::root(&root))
        .certificate_authority(own(roots), own(intermediates))
        .dangers(NO_SCT)
}

#[test]
fn an_own_authority_is_followed_through_its_intermediate() {
    let lab = Lab::new();
    let (root, intermediate) = (&lab.root.certificate[..], &lab.intermediate.certificate[..]);
    let leaf_only = lab.keyless("dev@lab.example").rekor_v1().build();
    let with_chain = lab
        .keyless("dev@lab.example")
        .rekor_v1()
        .chain(vec![intermediate.to_vec()])
        .bundle(|bundle| {
            bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
        })
        .build();
    assert_eq!(
        code(prove(
            &leaf_only,
            &image(),
            own(&lab, &[root], &[intermediate])
        )),
        "accepted"
    );
    assert_eq!(
        code(prove(&leaf_only, &image(), own(&lab, &[root], &[]))),
        "certificate-untrusted"
    );
    assert_eq!(
        code(prove(&with_chain, &image(), own(&lab, &[root], &[]))),
        "accepted"
    );
    // A root in the evidence is no anchor.
    let stranger = countersign_testdata::lab::chain_of("stranger").0;
    assert_eq!(
        code(prove(
            &with_chain,
            &image(),
            own(&lab, &[&stranger.certificate], &[])
        )),
        "certificate-untrusted"
    );
}

#[test]
fn an_own_authority_may_issue_to_nobody_by_name_and_a_trusted_root_s_may_not() {
    let lab = Lab::new();
    let evidence = lab
        .keyless("dev@lab.example")
        .certificate(|certificate| {
            certificate.extensions.retain(|extension| {
                extension.id != "2.5.29.17" && !extension.id.starts_with("1.3.6.1.4.1.57264")
            });
        })
        .rekor_v1()
        .build();
    let trust = own(
        &lab,
        &[&lab.root.certificate],
        &[&lab.intermediate.certificate],
    );
    let verified = prove(&evidence, &image(), trust).unwrap();
    assert!(matches!(verified.signer(), Signer::X509(identity) if identity.san.is_none()));
    assert_eq!(
        code(prove(&evidence, &image(), builder(&lab).dangers(NO_SCT))),
        "certificate-no-name"
    );
    // One that has Fulcio's claims must have Fulcio's name as well, whoever issued it.
    let claims = lab
        .keyless("dev@lab.example")
        .certificate(|certificate| certificate.remove("2.5.29.17"))
        .rekor_v1()
        .build();
    let trust = own(
        &lab,
        &[&lab.root.certificate],
        &[&lab.intermediate.certificate],
    );
    assert_eq!(code(prove(&claims, &image(), trust)), "certificate-no-name");
}

// A012: the intermediate is judged at the proven time as well, wherever it comes from.
#[test]
fn an_intermediate_that_ended_before_the_signature_does_not_count() {
    let lab = Lab::new();
    let key = LabKey::p384("short");
    let name = countersign_testdata::certificate::name("lab.example", "short-lived");
    for (end, expected) in [
        (SIGNED_AT - 1, "certificate-expired"),
        (SIGNED_AT, "accepted"),
    ] {
        let spec = CertificateSpec::authority(
            &name,
            &key,
            &lab.root.name,
            &lab.root.key,
            Some(0),
            (START, end),
        );
        let short = countersign_testdata::certificate::Identity {
            certificate: spec.sign(&lab.root.key),
            name: name.clone(),
            key: key.clone(),
        };
        let recipe = || lab.keyless("dev@lab.example").issued_by(&short).rekor_v1();
        let trusted = own(&lab, &[&lab.root.certificate], &[&short.certificate]);
        let outcome = prove(&recipe().build(), &image(), trusted);
        // The leaf is certificate 0; the one above it is at fault.
        if let Err(rejected) = &outcome {
            assert!(
                rejected.to_string().starts_with("certificate 1:"),
                "{rejected}"
            );
        }
        assert_eq!(code(outcome), expected);
        let brought = recipe()
            .chain(vec![short.certificate.clone()])
            .bundle(|bundle| {
                bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
            })
            .build();
        assert_eq!(
            code(prove(
                &brought,
                &image(),
                own(&lab, &[&lab.root.certificate], &[])
            )),
            expected
        );
    }
}

#[test]
fn a_path_length_is_kept() {
    let lab = Lab::new();
    // The lab's intermediate allows no authority below it.
    let key = LabKey::p384("below");
    let name = countersign_testdata::certificate::name("lab.example", "below");
    let spec = CertificateSpec::authority(
        &name,
        &key,
        &lab.intermediate.name,
        &lab.intermediate.key,
        None,
        (START, NOW),
    );
    let below = countersign_testdata::certificate::Identity {
        certificate: spec.sign(&lab.intermediate.key),
        name,
        key,
    };
    let evidence = lab
        .keyless("dev@lab.example")
        .issued_by(&below)
        .rekor_v1()
        .chain(vec![below.certificate.clone()])
        .bundle(|bundle| {
            bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
        })
        .build();
    let trust = builder(&lab).dangers(NO_SCT).build().unwrap();
    let rejected = verify(&bundle(&evidence), &image(), &trust, UnixTime(NOW)).unwrap_err();
    assert_eq!(rejected.code(), "certificate-path-length");
    assert!(rejected.to_string().contains('0'), "{rejected}");
}

// A150: what the evidence looks like must not decide how many signatures are tried.
#[test]
fn authorities_of_one_name_are_tried_up_to_a_number() {
    let lab = Lab::new();
    let evidence = lab.keyless("dev@lab.example").rekor_v1().build();
    let outcome = |strangers: usize| {
        let chains: Vec<_> = (0..strangers)
            .map(|number| countersign_testdata::lab::chain_of(&format!("stranger-{number}")))
            .collect();
        let trust = own(
            &lab,
            &[&lab.root.certificate],
            &[&lab.intermediate.certificate],
        );
        // The strangers go first: an own authority is added behind those of trusted roots.
        let instances: Vec<_> = chains
            .iter()
            .map(|(above, issuer)| {
                authority_instance(
                    "https://stranger.example",
                    &[&issuer.certificate, &above.certificate],
                )
            })
            .collect();
        let strangers = crate::lab::root(&json!({
            "mediaType": lab.trusted_root()["mediaType"], "tlogs": [], "ctlogs": [],
            "timestampAuthorities": [], "certificateAuthorities": instances}));
        code(prove(&evidence, &image(), trust.trusted_root(&strangers)))
    };
    assert_eq!(outcome(15), "accepted");
    assert_eq!(outcome(16), "certificate-untrusted");
}

#[test]
fn a_path_says_how_long_it_is_and_where_it_breaks() {
    let lab = Lab::new();
    let (root, intermediate) = (&lab.root.certificate[..], &lab.intermediate.certificate[..]);
    let version_2 = |bundle: &mut serde_json::Value| {
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
    };
    let brought = |above: Vec<Vec<u8>>| {
        lab.keyless("dev@lab.example")
            .rekor_v1()
            .chain(above)
            .bundle(version_2)
            .build()
    };
    let length = |evidence: &_, trust| {
        let verified = prove(evidence, &image(), trust).unwrap();
        let found = verified
            .report()
            .checks
            .iter()
            .find_map(|check| match check {
                Check::CertificatePath { length, .. } => Some(*length),
                _ => None,
            });
        found.unwrap()
    };
    let leaf = lab.keyless("dev@lab.example").rekor_v1().build();
    assert_eq!(length(&leaf, builder(&lab)), 3);
    assert_eq!(length(&leaf, own(&lab, &[root], &[intermediate])), 3);
    assert_eq!(
        length(
            &brought(vec![intermediate.to_vec()]),
            own(&lab, &[root], &[])
        ),
        3
    );
    assert_eq!(length(&leaf, own(&lab, &[intermediate], &[])), 2);
    // The root of a longer list may issue, too.
    let by_the_root = lab
        .keyless("dev@lab.example")
        .issued_by(&lab.root)
        .rekor_v1()
        .build();
    let unlisted = || builder(&lab).dangers(NO_SCT);
    assert_eq!(length(&by_the_root, unlisted()), 2);
    let breaks = |above: Vec<Vec<u8>>| {
        let rejected = prove(&brought(above), &image(), own(&lab, &[root], &[])).unwrap_err();
        match rejected.reason() {
            RejectReason::Certificate { position, .. } => (*position, rejected.code()),
            reason => panic!("{reason}"),
        }
    };
    let stranger = countersign_testdata::lab::chain_of("stranger");
    let own_leaf = leaf.certificate.clone().unwrap();
    assert_eq!(breaks(vec![]), (0, "certificate-untrusted"));
    assert_eq!(
        breaks(vec![stranger.1.certificate.clone()]),
        (0, "certificate-signature")
    );
    assert_eq!(breaks(vec![own_leaf]), (1, "certificate-not-authority"));
    assert_eq!(breaks(vec![vec![0x30, 0]]), (1, "certificate-malformed"));
}

#[test]
fn an_own_authority_that_can_not_work_is_an_error_of_its_owner() {
    let lab = Lab::new();
    let leaf = lab.keyless("dev@lab.example").build().certificate.unwrap();
    let stranger = countersign_testdata::lab::chain_of("stranger").1;
    let error = |roots: &[&[u8]], intermediates: &[&[u8]]| {
        own(&lab, roots, intermediates).build().unwrap_err()
    };
    assert_eq!(error(&[], &[]), TrustError::NoRoot);
    assert_eq!(error(&[&leaf], &[]).code(), "trust-authority");
    assert_eq!(
        error(&[b"not a certificate"], &[]).code(),
        "trust-authority"
    );
    assert_eq!(
        error(&[&lab.root.certificate], &[&stranger.certificate]).code(),
        "trust-authority"
    );
}

// An intermediate's way to a root goes through every intermediate that is needed, in whatever order they are given, and no further than once.
#[test]
fn own_intermediates_are_ordered_by_who_issued_whom() {
    let lab = Lab::new();
    let authority = |name: &str, above: &countersign_testdata::certificate::Identity| {
        let key = LabKey::p384(name);
        let own_name = countersign_testdata::certificate::name("lab.example", name);
        let spec = CertificateSpec::authority(
            &own_name,
            &key,
            &above.name,
            &above.key,
            None,
            (START, NOW),
        );
        countersign_testdata::certificate::Identity {
            certificate: spec.sign(&above.key),
            name: own_name,
            key,
        }
    };
    let upper = authority("upper", &lab.root);
    let lower = authority("lower", &upper);
    let evidence = lab
        .keyless("dev@lab.example")
        .issued_by(&lower)
        .rekor_v1()
        .build();
    let (upper, lower) = (&upper.certificate[..], &lower.certificate[..]);
    for intermediates in [&[lower, upper][..], &[upper, lower]] {
        let trust = own(&lab, &[&lab.root.certificate], intermediates);
        assert_eq!(code(prove(&evidence, &image(), trust)), "accepted");
    }
    let error = own(&lab, &[&lab.root.certificate], &[lower])
        .build()
        .unwrap_err();
    assert_eq!(error.code(), "trust-authority");
    // Same name, another key: the name alone leads nowhere.
    let impostor = countersign_testdata::certificate::Identity {
        key: LabKey::p384("impostor"),
        name: lab.root.name.clone(),
        certificate: Vec::new(),
    };
    let claimed = authority("claimed", &impostor);
    let error = own(&lab, &[&lab.root.certificate], &[&claimed.certificate])
        .build()
        .unwrap_err();
    assert_eq!(error.code(), "trust-authority");
}
