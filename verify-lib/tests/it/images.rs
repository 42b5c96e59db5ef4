//! Images: what is fetched, in how many requests, and what becomes of faults.

use std::time::Duration;

use bytes::Bytes;
use countersign::formats::{Digest, Limits, TrustedRoot, UnixTime, media_types};
use countersign::policy::{Action, CauseClass, Outcome, PolicySet, Source, Verdict};
use countersign::proof::digest::sha256;
use countersign::registry::{ListedVia, Target};
use countersign::{ErrorClass, Evidence, Verification, Verifier, VerifyError};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, NOW, image_statement, simple_signing_payload};
use serde_json::{Value, json};

use crate::shelf::{BUNDLE, Shelf, Trouble};

pub(crate) const SIGNATURE: &str = "{signature: {by: release}}";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const SPDX: &str = "https://spdx.dev/Document";

fn policies(require: &str) -> PolicySet {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  signers:\n    release: {{key: {{file: release}}}}\n    bob: {{keyless: {{issuer: https://issuer.lab.example, identity: bob@acme.example}}}}\n  require: {require}\n"
    );
    let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
    let source = Source {
        name: "p.yaml".to_owned(),
        bytes: Bytes::from(text),
    };
    PolicySet::parse_with_files(&[source], &Limits::DEFAULT, &files).unwrap()
}

pub(crate) fn builder(require: &str) -> countersign::VerifierBuilder {
    let root = Lab::new().trusted_root().to_string();
    let root = TrustedRoot::parse(&Bytes::from(root), &Limits::DEFAULT).unwrap();
    Verifier::builder()
        .policy(policies(require))
        .trusted_root(&root)
}

fn run(shelf: &Shelf, target: &Target, verifier: &Verifier) -> Result<Verification, VerifyError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(verifier.verify_in(shelf, target, UnixTime(NOW)))
}

pub(crate) fn by_digest(shelf: &Shelf, require: &str) -> Result<Verification, VerifyError> {
    run(
        shelf,
        &Target::Digest(shelf.image),
        &builder(require).build().unwrap(),
    )
}

pub(crate) fn outcome(shelf: &Shelf) -> Outcome {
    by_digest(shelf, SIGNATURE).unwrap().decision.outcome()
}

pub(crate) fn signed(image: &Digest, key: &str) -> String {
    let statement = image_statement(&image.to_string());
    Lab::new()
        .managed(LabKey::p256(key))
        .statement(&statement)
        .build()
        .bundle
        .to_string()
}

pub(crate) fn attested(image: &Digest, key: &str, predicate_type: &str) -> String {
    let mut statement = image_statement(&image.to_string());
    statement["predicateType"] = json!(predicate_type);
    statement["predicate"] = json!({"name": "app"});
    Lab::new()
        .managed(LabKey::p256(key))
        .statement(&statement)
        .build()
        .bundle
        .to_string()
}

/// A layer of a `.sig` tag or a signature referrer.
pub(crate) fn signature_layer(image: &Digest, key: &str) -> (Vec<u8>, Value) {
    let payload = simple_signing_payload(&image.to_string()).to_string();
    let evidence = Lab::new()
        .managed(LabKey::p256(key))
        .simple_signing(payload.as_bytes())
        .build();
    (evidence.layer, json!(evidence.annotations))
}

#[test]
fn by_digest_three_requests_and_by_tag_four() {
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), None);
    let verification = by_digest(&shelf, SIGNATURE).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::Pass);
    assert_eq!(verification.requests, 3);
    assert_eq!(shelf.log(), ["referrers", "manifest", "blob"]);
    assert_eq!(verification.name, format!("shelf@{}", shelf.image));
    assert!(verification.image.is_none());
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), None);
    let verification = run(
        &shelf,
        &Target::Tag("1.4".to_owned()),
        &builder(SIGNATURE).build().unwrap(),
    )
    .unwrap();
    assert_eq!(verification.requests, 4);
    assert_eq!(verification.image.unwrap().digest, shelf.image);
    assert_eq!(
        shelf.log(),
        ["resolve 1.4", "referrers", "manifest", "blob"]
    );
}

#[test]
fn what_is_listed_as_something_else_is_fetched_only_while_undecided() {
    let mut shelf = Shelf::new();
    shelf.attach(&attested(&shelf.image, "release", SPDX), Some(SPDX));
    shelf.attach(&signed(&shelf.image, "release"), Some(SIGN));
    let verification = by_digest(&shelf, SIGNATURE).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::Pass);
    assert_eq!(verification.requests, 3);
    // A listing that lies hides nothing: what it calls an SBOM is read before the image is denied.
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), Some(SPDX));
    assert_eq!(outcome(&shelf), Outcome::Pass);
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), None);
    shelf.listing[0].artifact_type = Some("application/vnd.acme.config".to_owned());
    assert_eq!(outcome(&shelf), Outcome::Pass);
}

#[test]
fn an_artifact_type_that_says_nothing_is_looked_into() {
    for artifact_type in [None, Some(""), Some(media_types::OCI_EMPTY)] {
        let mut shelf = Shelf::new();
        shelf.attach(&signed(&shelf.image, "release"), None);
        shelf.listing[0].artifact_type = artifact_type.map(str::to_owned);
        let verification = by_digest(&shelf, SIGNATURE).unwrap();
        assert_eq!(
            (verification.decision.outcome(), verification.requests),
            (Outcome::Pass, 3)
        );
    }
}

#[test]
fn nothing_attached_and_no_image_are_told_apart_by_one_head() {
    let shelf = Shelf::new();
    assert_eq!(outcome(&shelf), Outcome::NoEvidence);
    assert_eq!(shelf.log(), ["referrers", "tag .sig", "tag .att", "exists"]);
    let mut shelf = Shelf::new();
    shelf.remove_image();
    let error = by_digest(&shelf, SIGNATURE).unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::NotFound, "image-not-found")
    );
    let mut shelf = Shelf::new();
    shelf.troubles.insert("exists".to_owned(), Trouble::Down);
    assert_eq!(
        by_digest(&shelf, SIGNATURE).unwrap_err().class(),
        ErrorClass::Unknown
    );
    // By tag the image was read, and nobody asks again.
    let shelf = Shelf::new();
    let verifier = builder(SIGNATURE).build().unwrap();
    let verification = run(&shelf, &Target::Tag("1.4".to_owned()), &verifier).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::NoEvidence);
    assert!(!shelf.log().contains(&"exists".to_owned()));
    let missing = run(&shelf, &Target::Tag("9.9".to_owned()), &verifier).unwrap_err();
    assert_eq!(missing.class(), ErrorClass::NotFound);
}

#[test]
fn only_an_sbom_is_none_acceptable_for_a_signature() {
    let mut shelf = Shelf::new();
    shelf.attach(&attested(&shelf.image, "release", SPDX), Some(SPDX));
    assert_eq!(outcome(&shelf), Outcome::NoneAcceptable);
    assert_eq!(
        by_digest(&shelf, "{statement: {type: spdxjson, by: release}}")
            .unwrap()
            .decision
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn one_unreadable_piece_never_hides_another() {
    let good = |shelf: &mut Shelf| {
        let bundle = signed(&shelf.image, "release");
        shelf.attach(&bundle, None);
    };
    for trouble in [Trouble::Down, Trouble::WrongDigest, Trouble::Slow] {
        let mut shelf = Shelf::new();
        let bad = shelf.attach(&signed(&shelf.image, "other"), None);
        shelf
            .troubles
            .insert(bad.digest.to_string(), trouble.clone());
        // Without a good one the answer is not known, and never "no evidence".
        assert!(matches!(outcome(&shelf), Outcome::Unknown(_)));
        good(&mut shelf);
        assert_eq!(outcome(&shelf), Outcome::Pass);
        // The same for the piece itself.
        let mut shelf = Shelf::new();
        let bundle = signed(&shelf.image, "other");
        shelf.attach(&bundle, None);
        shelf
            .troubles
            .insert(sha256(bundle.as_bytes()).to_string(), trouble);
        assert!(matches!(outcome(&shelf), Outcome::Unknown(_)));
        good(&mut shelf);
        assert_eq!(outcome(&shelf), Outcome::Pass);
    }
    let mut shelf = Shelf::new();
    shelf.attach("{\"garbage\": true}", None);
    assert_eq!(outcome(&shelf), Outcome::NoneAcceptable);
    good(&mut shelf);
    assert_eq!(outcome(&shelf), Outcome::Pass);
}

#[test]
fn a_listed_piece_that_is_gone_is_unknown() {
    let mut shelf = Shelf::new();
    let mut descriptor = shelf.attach(&signed(&shelf.image, "release"), None);
    descriptor.digest = sha256(b"gone");
    shelf.listing = vec![descriptor];
    assert_eq!(outcome(&shelf), Outcome::Unknown(CauseClass::Incomplete));
}

#[test]
fn sources_that_fail_name_their_cause() {
    for (trouble, class) in [
        (Trouble::Down, CauseClass::Network),
        (Trouble::Login, CauseClass::Authentication),
        (Trouble::WrongDigest, CauseClass::Unreadable),
        (Trouble::Slow, CauseClass::Network),
    ] {
        for source in ["referrers", "tag"] {
            let mut shelf = Shelf::new();
            shelf.troubles.insert(source.to_owned(), trouble.clone());
            assert_eq!(outcome(&shelf), Outcome::Unknown(class), "{source}");
        }
    }
    // The other source suffices.
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), None);
    shelf.troubles.insert("tag".to_owned(), Trouble::Down);
    assert_eq!(outcome(&shelf), Outcome::Pass);
    let mut shelf = Shelf::new();
    let (payload, annotations) = signature_layer(&shelf.image, "release");
    shelf.legacy(
        ".sig",
        &[(media_types::SIMPLE_SIGNING, &payload, annotations)],
    );
    shelf.troubles.insert("referrers".to_owned(), Trouble::Down);
    assert_eq!(outcome(&shelf), Outcome::Pass);
}

#[test]
fn an_image_that_cannot_be_resolved_is_an_error_with_its_class() {
    let verifier = builder(SIGNATURE)
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    for (trouble, class) in [
        (Trouble::Down, ErrorClass::Unknown),
        (Trouble::Login, ErrorClass::Authentication),
        (Trouble::WrongDigest, ErrorClass::Unknown),
        (Trouble::Slow, ErrorClass::Unknown),
    ] {
        let mut shelf = Shelf::new();
        shelf.troubles.insert("resolve".to_owned(), trouble);
        let error = run(&shelf, &Target::Tag("1.4".to_owned()), &verifier).unwrap_err();
        assert_eq!(error.class(), class, "{error}");
    }
}

#[test]
fn a_cut_listing_is_unknown_unless_what_was_read_passes() {
    let mut shelf = Shelf::new();
    shelf.complete = false;
    assert_eq!(outcome(&shelf), Outcome::Unknown(CauseClass::Incomplete));
    shelf.attach(&signed(&shelf.image, "release"), None);
    assert_eq!(outcome(&shelf), Outcome::Pass);
}

#[test]
fn a_referrer_of_another_subject_does_not_count() {
    let other = sha256(b"another image");
    for (via, expected) in [
        (ListedVia::Api, Outcome::Unknown(CauseClass::Unreadable)),
        (ListedVia::FallbackTag, Outcome::NoneAcceptable),
    ] {
        let mut shelf = Shelf::new();
        shelf.via = via;
        let bundle = signed(&shelf.image, "release");
        let descriptor = shelf.referring(&other, BUNDLE, &[(BUNDLE, bundle.as_bytes(), json!({}))]);
        shelf.listing.push(descriptor);
        assert_eq!(outcome(&shelf), expected);
        // It hides nothing.
        shelf.attach(&bundle, None);
        assert_eq!(outcome(&shelf), Outcome::Pass);
    }
}

#[test]
fn a_bundle_about_another_image_is_none_acceptable() {
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&sha256(b"another image"), "release"), None);
    assert_eq!(outcome(&shelf), Outcome::NoneAcceptable);
}

#[test]
fn a_bundle_manifest_has_exactly_one_layer() {
    let mut shelf = Shelf::new();
    let bundle = signed(&shelf.image, "release");
    let image = shelf.image;
    let layer = (BUNDLE, bundle.as_bytes(), json!({}));
    let descriptor = shelf.referring(&image, BUNDLE, &[layer.clone(), layer]);
    shelf.listing.push(descriptor);
    let verification = by_digest(&shelf, SIGNATURE).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(verification.decision.unusable[0].code, "bundle-layers");
}

#[test]
fn legacy_tags_are_read_while_undecided() {
    let mut shelf = Shelf::new();
    let (payload, good) = signature_layer(&shelf.image, "release");
    let (_, other) = signature_layer(&shelf.image, "other");
    // Two signers of one payload: the blob is fetched once.
    shelf.legacy(
        ".sig",
        &[
            (media_types::SIMPLE_SIGNING, &payload, other),
            (media_types::SIMPLE_SIGNING, &payload, good),
        ],
    );
    let verification = by_digest(&shelf, SIGNATURE).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::Pass);
    assert_eq!(
        shelf
            .log()
            .iter()
            .filter(|asked| *asked == "tag .sig")
            .count(),
        1
    );
    assert!(!shelf.log().contains(&"tag .att".to_owned()));

    let mut shelf = Shelf::new();
    let mut statement = image_statement(&shelf.image.to_string());
    statement["predicateType"] = json!(SPDX);
    let evidence = Lab::new()
        .managed(LabKey::p256("release"))
        .statement(&statement)
        .build();
    let mut annotations = json!(evidence.annotations);
    annotations["predicateType"] = json!(SPDX);
    shelf.legacy(
        ".att",
        &[(media_types::DSSE_ENVELOPE, &evidence.layer, annotations)],
    );
    let verification = by_digest(&shelf, "{statement: {type: spdxjson, by: release}}").unwrap();
    assert_eq!(
        verification.decision.outcome(),
        Outcome::Pass,
        "{:?}",
        verification.decision.rejected
    );
    // Something is there, though no signature: the attestation is named, whatever its layer says it is.
    let decision = by_digest(&shelf, SIGNATURE).unwrap().decision;
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    let Verdict::Fail(reasons) = &decision.verdict else {
        panic!("{:?}", decision.verdict)
    };
    assert!(reasons[0].message.contains(SPDX), "{reasons:?}");
    shelf.troubles.insert("tag .att".to_owned(), Trouble::Down);
    let decision = by_digest(&shelf, SIGNATURE).unwrap().decision;
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert!(decision.unused.is_empty());
}

#[test]
fn other_referrer_forms_are_read() {
    let mut shelf = Shelf::new();
    let (payload, annotations) = signature_layer(&shelf.image, "release");
    let image = shelf.image;
    let cosign = "application/vnd.dev.cosign.artifact.sig.v1+json";
    let descriptor = shelf.referring(
        &image,
        cosign,
        &[(media_types::SIMPLE_SIGNING, &payload, annotations)],
    );
    shelf.listing.push(descriptor);
    assert_eq!(outcome(&shelf), Outcome::Pass);

    let mut shelf = Shelf::new();
    let mut statement = image_statement(&shelf.image.to_string());
    statement["predicateType"] = json!(SPDX);
    let evidence = Lab::new()
        .managed(LabKey::p256("release"))
        .statement(&statement)
        .build();
    let image = shelf.image;
    let layer = (
        media_types::DSSE_ENVELOPE,
        evidence.layer.as_slice(),
        json!(evidence.annotations),
    );
    let descriptor = shelf.referring(&image, "application/vnd.in-toto+json", &[layer]);
    shelf.listing.push(descriptor);
    let decision = by_digest(&shelf, "{statement: {type: any, by: release}}")
        .unwrap()
        .decision;
    assert_eq!(decision.outcome(), Outcome::Pass, "{:?}", decision.rejected);

    let mut shelf = Shelf::new();
    let image = shelf.image;
    let notation = "application/vnd.cncf.notary.signature";
    let descriptor = shelf.referring(
        &image,
        notation,
        &[("application/jose+json", b"{}", json!({}))],
    );
    shelf.listing.push(descriptor);
    assert_eq!(outcome(&shelf), Outcome::NoneAcceptable);
}

#[test]
fn unsigned_artifacts_are_no_evidence() {
    let mut shelf = Shelf::new();
    let image = shelf.image;
    let sbom = "application/vnd.dev.cosign.artifact.sbom.v1+json";
    let descriptor = shelf.referring(&image, sbom, &[("text/spdx+json", b"{}", json!({}))]);
    shelf.listing.push(descriptor);
    assert_eq!(outcome(&shelf), Outcome::NoEvidence);
}

#[test]
fn a_key_signature_where_a_certificate_is_wanted_is_no_certificate() {
    let mut shelf = Shelf::new();
    shelf.attach(&signed(&shelf.image, "release"), None);
    let decision = by_digest(&shelf, "{signature: {by: bob}}")
        .unwrap()
        .decision;
    assert_eq!(decision.outcome(), Outcome::NoCertificate);
}

#[test]
fn evidence_given_by_the_caller_asks_no_registry() {
    let shelf = Shelf::new();
    let evidence = vec![Evidence::new(
        "release.sigstore.json",
        signed(&shelf.image, "release"),
    )];
    let verifier = builder(SIGNATURE).evidence(evidence).build().unwrap();
    let verification = run(&shelf, &Target::Digest(shelf.image), &verifier).unwrap();
    assert_eq!(
        (verification.decision.outcome(), verification.requests),
        (Outcome::Pass, 0)
    );
}

#[test]
fn a_thousand_pieces_of_junk_do_not_hide_the_good_one() {
    let mut shelf = Shelf::new();
    for index in 0..999 {
        shelf.attach(&format!("{{\"junk\": {index}}}"), None);
    }
    shelf.attach(&signed(&shelf.image, "release"), None);
    let verification = by_digest(&shelf, SIGNATURE).unwrap();
    assert_eq!(verification.decision.outcome(), Outcome::Pass);
    assert_eq!(verification.decision.rejected.len(), 999);
}

#[test]
fn a_verification_can_be_dropped_and_sent_between_threads() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let mut shelf = Shelf::new();
    shelf.troubles.insert("referrers".to_owned(), Trouble::Slow);
    let verifier = builder(SIGNATURE).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let target = Target::Digest(shelf.image);
        let work = sendable(verifier.verify_in(&shelf, &target, UnixTime(NOW)));
        let dropped = tokio::time::timeout(Duration::from_millis(20), work).await;
        assert!(dropped.is_err());
    });
}

#[test]
fn a_policy_that_wants_certificates_needs_a_root() {
    let error = Verifier::builder()
        .policy(policies("{signature: {by: bob}}"))
        .build()
        .unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Trust, "no-trusted-root")
    );
    assert_eq!(Verifier::builder().build().unwrap_err().code(), "no-policy");
}

#[test]
fn an_outage_is_bridged_by_a_pass_that_the_verifier_remembers_and_not_for_longer_than_the_policy_says()
 {
    let mut shelf = Shelf::new();
    let bundle = signed(&shelf.image, "release");
    shelf.attach(&bundle, None);
    let text = "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  unavailable: {useCached: {maxAge: 1h}}\n  signers: {release: {key: {file: release}}}\n  require: {signature: {by: release}}\n";
    let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
    let source = Source {
        name: "p.yaml".to_owned(),
        bytes: Bytes::from(text),
    };
    let policies = PolicySet::parse_with_files(&[source], &Limits::DEFAULT, &files).unwrap();
    let verifier = Verifier::builder()
        .policy(policies.clone())
        .build()
        .unwrap();
    let at = |shelf: &Shelf, verifier: &Verifier, now: i64| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let target = Target::Digest(shelf.image);
        let verification = runtime
            .block_on(verifier.verify_in(shelf, &target, UnixTime(now)))
            .unwrap();
        (
            verification.decision.outcome(),
            verification.decision.action,
        )
    };
    let pass = (Outcome::Pass, Action::Admit);
    let unknown = Outcome::Unknown(CauseClass::Network);
    for place in ["referrers", "tag"] {
        shelf.troubles.insert(place.to_owned(), Trouble::Down);
    }
    assert_eq!(at(&shelf, &verifier, NOW), (unknown, Action::Deny));
    shelf.troubles.clear();
    assert_eq!(at(&shelf, &verifier, NOW), pass);
    for place in ["referrers", "tag"] {
        shelf.troubles.insert(place.to_owned(), Trouble::Down);
    }
    let bridged = (unknown, Action::AdmitWithWarning);
    assert_eq!(at(&shelf, &verifier, NOW + 3600), bridged);
    assert_eq!(at(&shelf, &verifier, NOW + 3601), (unknown, Action::Deny));
    // An outage does not renew what is remembered, and another verifier remembers nothing.
    assert_eq!(at(&shelf, &verifier, NOW + 60), bridged);
    let other = Verifier::builder().policy(policies).build().unwrap();
    assert_eq!(at(&shelf, &other, NOW + 60), (unknown, Action::Deny));
}
