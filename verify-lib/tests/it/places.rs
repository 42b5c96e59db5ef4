//! Evidence in several places: merged, fetched once, and none hides another.

use countersign::formats::{Limits, UnixTime, media_types};
use countersign::policy::{CauseClass, Outcome};
use countersign::proof::StorageForm;
use countersign::registry::{Store, Target};
use countersign::{Verification, Verifier};
use countersign_testdata::lab::NOW;
use serde_json::json;

use crate::images::{SIGNATURE, builder, by_digest, outcome, signature_layer, signed};
use crate::shelf::{Shelf, Trouble};

fn verified(verifier: &Verifier, home: &Shelf, elsewhere: &[&Shelf]) -> Verification {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let elsewhere: Vec<&dyn Store> = elsewhere.iter().map(|shelf| *shelf as &dyn Store).collect();
    let target = Target::Digest(home.image);
    runtime
        .block_on(verifier.verify_with(home, &elsewhere, &target, UnixTime(NOW)))
        .unwrap()
}

fn outcome_with(home: &Shelf, elsewhere: &[&Shelf]) -> Outcome {
    let verifier = builder(SIGNATURE).build().unwrap();
    verified(&verifier, home, elsewhere).decision.outcome()
}

#[test]
fn evidence_of_another_place_counts_like_that_beside_the_image() {
    let home = Shelf::new();
    let mut other = Shelf::new();
    assert_eq!(outcome_with(&home, &[&other]), Outcome::NoEvidence);
    other.attach(&signed(&home.image, "release"), None);
    assert_eq!(outcome_with(&home, &[&other]), Outcome::Pass);
    let mut other = Shelf::new();
    let (payload, good) = signature_layer(&home.image, "release");
    other.legacy(".sig", &[(media_types::SIMPLE_SIGNING, &payload, good)]);
    assert_eq!(outcome_with(&home, &[&other]), Outcome::Pass);
}

#[test]
fn a_place_that_fails_makes_it_unknown_unless_another_suffices() {
    let mut home = Shelf::new();
    let mut other = Shelf::new();
    for what in ["referrers", "tag"] {
        other.troubles.insert(what.to_owned(), Trouble::Down);
    }
    let unknown = Outcome::Unknown(CauseClass::Network);
    assert_eq!(outcome_with(&home, &[&other]), unknown);
    home.attach(&signed(&home.image, "release"), None);
    assert_eq!(outcome_with(&home, &[&other]), Outcome::Pass);
    // The same the other way round: the image's own registry is down for listings.
    assert_eq!(outcome_with(&other, &[&home]), Outcome::Pass);
}

#[test]
fn one_piece_in_two_places_is_one_and_either_place_will_do() {
    let mut home = Shelf::new();
    let mut other = Shelf::new();
    let bundle = signed(&home.image, "release");
    let descriptor = home.attach(&bundle, None);
    other.attach(&bundle, None);
    let verifier = builder(SIGNATURE).build().unwrap();
    let verification = verified(&verifier, &home, &[&other]);
    assert_eq!(verification.decision.accepted.len(), 1);
    assert_eq!(other.log(), ["referrers"], "nothing is fetched twice");
    // What the first place lists and cannot give, the second gives.
    let mut home = Shelf::new();
    home.attach(&bundle, None);
    home.troubles
        .insert(descriptor.digest.to_string(), Trouble::WrongDigest);
    assert_eq!(
        outcome_with(&home, &[]),
        Outcome::Unknown(CauseClass::Unreadable)
    );
    assert_eq!(outcome_with(&home, &[&other]), Outcome::Pass);
}

#[test]
fn tags_with_a_prefix_are_read_when_the_prefix_is_named() {
    let mut shelf = Shelf::new();
    let (payload, good) = signature_layer(&shelf.image, "release");
    shelf.legacy_under(
        "team-a-",
        ".sig",
        &[(media_types::SIMPLE_SIGNING, &payload, good)],
    );
    assert_eq!(outcome(&shelf), Outcome::NoEvidence);
    let verifier = builder(SIGNATURE)
        .tag_prefixes(vec!["team-a-".to_owned()])
        .build()
        .unwrap();
    let verification = verified(&verifier, &shelf, &[]);
    assert_eq!(verification.decision.outcome(), Outcome::Pass);
    let origin = verification.decision.accepted[0].origin();
    assert_eq!(origin.form, StorageForm::SignatureTag);
}

/// Whoever may push must not be able to make "unsigned" look like "could not find out", nor like "nothing there".
#[test]
fn garbage_that_is_what_its_digest_says_is_evidence_that_does_not_count() {
    let mut shelf = Shelf::new();
    shelf.attach_garbage(b"{\"schemaVersion\": 2,");
    let decision = by_digest(&shelf, SIGNATURE).unwrap().decision;
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.unusable[0].code, "referrer-unreadable");
    shelf.attach(&signed(&shelf.image, "release"), None);
    assert_eq!(outcome(&shelf), Outcome::Pass);

    for holds in [
        json!({"schemaVersion": 2, "mediaType": media_types::OCI_INDEX, "manifests": []}),
        json!({"schemaVersion": 2, "mediaType": media_types::OCI_MANIFEST,
            "config": {"mediaType": media_types::OCI_CONFIG, "digest": countersign::proof::digest::sha256(b"{}").to_string(), "size": 2},
            "layers": []}),
    ] {
        let mut shelf = Shelf::new();
        shelf.tag_as(".sig", &holds);
        let decision = by_digest(&shelf, SIGNATURE).unwrap().decision;
        assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
        assert_eq!(decision.unusable[0].code, "tag-without-evidence");
        shelf.attach(&signed(&shelf.image, "release"), None);
        assert_eq!(outcome(&shelf), Outcome::Pass);
    }
}

#[test]
fn a_notation_signature_counts_as_evidence_that_does_not_suffice() {
    let notation = "application/vnd.cncf.notary.signature";
    let mut shelf = Shelf::new();
    let image = shelf.image;
    let descriptor = shelf.referring(
        &image,
        notation,
        &[("application/jose+json", b"{}", json!({}))],
    );
    shelf.listing.push(descriptor);
    let decision = by_digest(&shelf, SIGNATURE).unwrap().decision;
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.rejected[0].code(), "unsupported-form");
    shelf.attach(&signed(&image, "release"), None);
    assert_eq!(outcome(&shelf), Outcome::Pass);
}

/// Whoever may push can lay down a bundle of any size: it costs no memory, and what it would have said stays open.
#[test]
fn a_bundle_over_the_limit_is_not_read_and_hides_no_other() {
    let limits = Limits {
        bundle_bytes: 64 << 10,
        ..Limits::DEFAULT
    };
    let verifier = builder(SIGNATURE).limits(limits).build().unwrap();
    let outcome = |home: &Shelf| verified(&verifier, home, &[]).decision.outcome();
    for (bytes, alone) in [
        // Read, and no bundle: evidence that does not count.
        (64 << 10, Outcome::NoneAcceptable),
        ((64 << 10) + 1, Outcome::Unknown(CauseClass::Budget)),
    ] {
        let mut home = Shelf::new();
        home.attach(&"x".repeat(bytes), None);
        assert_eq!(outcome(&home), alone, "{bytes}");
        home.attach(&signed(&home.image, "release"), None);
        assert_eq!(outcome(&home), Outcome::Pass, "{bytes}");
    }
}
