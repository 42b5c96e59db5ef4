//! What is asked of an index and of the images that it lists.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits};
use countersign_policy::{
    Asked, CauseClass, Decision, Judge, Outcome, SourceKind, Step, Supplied, Want,
};
use countersign_proof::{Image, Origin, StorageForm, Subject, Unverified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, image_statement};
use serde_json::json;

use crate::workshop::{Case, document, key, read};

/// An index of two images and an attestation manifest, with the digests of the images.
fn index() -> (Image, Digest, Digest) {
    let digest = |fill: &str| format!("sha256:{}", fill.repeat(64));
    let entry = |fill: &str, architecture: &str| {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(fill), "size": 2,
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let mut attestation = entry("c", "unknown");
    attestation["platform"]["os"] = json!("unknown");
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry("a", "amd64"), entry("b", "arm64"), attestation]});
    let image = Image::read(Bytes::from(index.to_string()), None, &Limits::DEFAULT).unwrap();
    (
        image,
        Digest::parse(&digest("a")).unwrap(),
        Digest::parse(&digest("b")).unwrap(),
    )
}

/// Signed about this digest, proven for it.
fn about(case: &Case, digest: &Digest, key: &str) -> Supplied {
    let lab = Lab::new();
    let Evidence { bundle, .. } = lab
        .managed(LabKey::p256(key))
        .statement(&image_statement(&digest.to_string()))
        .build();
    let piece = Unverified::bundle(
        Bytes::from(bundle.to_string()),
        Origin::new(StorageForm::BundleReferrer),
        &Limits::DEFAULT,
    )
    .and_then(|piece| verify(&piece, &Subject::image(*digest), &case.trust, case.now));
    Supplied::Piece(Box::new(piece))
}

/// Walks the judge: answers every want from what is signed about each digest.
fn walk(
    case: &Case,
    asked: Asked,
    manifest: &Image,
    signed: &[(Digest, &str)],
) -> (Decision, Vec<Want>) {
    let own = asked.subject().digest();
    let mut all = Vec::new();
    let mut step = Judge::prepare(&case.policies, asked, Arc::clone(&case.trust), case.now).begin();
    let found = |digest: Digest, source: SourceKind| {
        let mut items: Vec<Supplied> = signed
            .iter()
            .filter(|(other, _)| *other == digest && source == SourceKind::BundleReferrers)
            .map(|(_, key)| about(case, &digest, key))
            .collect();
        items.push(read(source));
        items
    };
    loop {
        match step {
            Step::Done(decision) => return (decision, all),
            Step::Need(judge, wants) => {
                for want in &wants {
                    assert!(!all.contains(want), "{want:?} is asked twice");
                    all.push(*want);
                }
                let supplied = wants
                    .into_iter()
                    .flat_map(|want| match want {
                        Want::Source(source) => found(own, source),
                        Want::About(digest, source) => {
                            vec![Supplied::About(digest, found(digest, source))]
                        }
                        Want::Manifest(digest) => {
                            vec![Supplied::Manifest(digest, Box::new(Ok(manifest.clone())))]
                        }
                        other => panic!("{other:?}"),
                    })
                    .collect();
                step = judge.supply(supplied);
            }
        }
    }
}

fn platform_case(terms: &str) -> Case {
    Case::of(document(
        "mode: enforce",
        &[key("release")],
        &format!("{{signature: {{by: release{terms}}}}}"),
    ))
}

#[test]
fn each_platform_s_image_must_be_signed_where_the_rule_says_so() {
    let (image, one, other) = index();
    let own = *image.digest();
    let case = platform_case(", subject: eachPlatform");
    let asked = || Asked::about(Subject::image(own));
    let by = "release";
    let (decision, wants) = walk(&case, asked(), &image, &[(one, by), (other, by)]);
    assert!(decision.passes(), "{:?}", decision.verdict);
    assert!(wants.contains(&Want::Manifest(own)));
    // The index alone, and one of two, do not suffice.
    assert!(!walk(&case, asked(), &image, &[(own, by)]).0.passes());
    assert!(!walk(&case, asked(), &image, &[(one, by)]).0.passes());
    assert!(
        !walk(&case, asked(), &image, &[(one, by), (other, "old")])
            .0
            .passes()
    );
    // Without a word about it, the digest that was asked about is meant.
    let plain = platform_case("");
    assert!(walk(&plain, asked(), &image, &[(own, by)]).0.passes());
    assert!(
        !walk(&plain, asked(), &image, &[(one, by), (other, by)])
            .0
            .passes()
    );
    // Through the index for one platform: `platform` asks about that one, `eachPlatform` about all.
    let through = || {
        Asked::about(Subject::image(one))
            .through(image.clone())
            .unwrap()
    };
    let chosen = platform_case(", subject: platform");
    assert!(walk(&chosen, through(), &image, &[(one, by)]).0.passes());
    assert!(!walk(&chosen, through(), &image, &[(other, by)]).0.passes());
    assert!(!walk(&case, through(), &image, &[(one, by)]).0.passes());
}

#[test]
fn a_signed_index_counts_for_its_images_only_where_the_rule_says_via() {
    let (image, one, _) = index();
    let own = *image.digest();
    let through = || {
        Asked::about(Subject::image(one))
            .through(image.clone())
            .unwrap()
    };
    let signed = [(own, "release")];
    assert!(
        walk(
            &platform_case(", subject: platform, via: index"),
            through(),
            &image,
            &signed
        )
        .0
        .passes()
    );
    assert!(
        walk(
            &platform_case(", subject: index"),
            through(),
            &image,
            &signed
        )
        .0
        .passes()
    );
    assert!(
        !walk(
            &platform_case(", subject: platform"),
            through(),
            &image,
            &signed
        )
        .0
        .passes()
    );
    assert!(
        !walk(&platform_case(""), through(), &image, &signed)
            .0
            .passes()
    );
    // An index that does not list the image leads nowhere.
    let stranger = Digest::parse(&format!("sha256:{}", "d".repeat(64))).unwrap();
    assert!(
        Asked::about(Subject::image(stranger))
            .through(image.clone())
            .is_err()
    );
    // What is no index has none.
    let alone = walk(
        &platform_case(", subject: index"),
        Asked::about(Subject::image(one)),
        &image,
        &[],
    );
    assert!(!alone.0.passes());
}

#[test]
fn a_manifest_that_cannot_be_had_leaves_it_unknown() {
    let (image, ..) = index();
    let case = platform_case(", subject: eachPlatform");
    let asked = Asked::about(Subject::image(*image.digest()));
    let step = Judge::prepare(&case.policies, asked, Arc::clone(&case.trust), case.now).begin();
    let Step::Need(judge, wants) = step else {
        panic!("it is decided")
    };
    assert_eq!(wants, [Want::Manifest(*image.digest())]);
    let other = Image::read(Bytes::from_static(b"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}"), None, &Limits::DEFAULT).unwrap();
    let supplied = vec![Supplied::Manifest(*image.digest(), Box::new(Ok(other)))];
    let Step::Done(decision) = judge.supply(supplied) else {
        panic!("it asks again")
    };
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Unreadable));
}
