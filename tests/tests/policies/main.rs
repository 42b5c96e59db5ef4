//! The policies of the book: each is read, and admits and denies what it says.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test stops at the first wrong assumption"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_policy::{
    Answer, Decision, Outcome, PolicySet, Source, SourceKind, Supplied, check,
};
use countersign_proof::{Origin, StorageForm, Subject, TrustMaterial, Unverified, verify};
use countersign_testdata::certificate::{claim, raw_claim, uri_name};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, NOW, image_statement};
use serde_json::{Value, json};

mod features;
mod messages;
mod schema;
mod table;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const BUILDER: &str = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.1.0";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy")
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn example(name: &str) -> PolicySet {
    let path = folder().join("examples").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(path).expect("the example");
    PolicySet::parse(&[source(name, &text)], &Limits::DEFAULT).expect("a policy")
}

/// The policies that stand in the page.
fn blocks() -> Vec<String> {
    let page = std::fs::read_to_string(folder().join("README.md")).expect("page");
    page.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// Everything was read, and this was found.
fn decide(policies: &PolicySet, lab: &Lab, found: &[Evidence]) -> Decision {
    let root = TrustedRoot::parse(
        &Bytes::from(lab.trusted_root().to_string()),
        &Limits::DEFAULT,
    )
    .expect("root");
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .keys(policies.keys())
        .dangers(policies.dangers())
        .build()
        .expect("trust");
    let trust = Arc::new(trust);
    let subject = Subject::image(Digest::parse(&Lab::image()).expect("digest"));
    let now = UnixTime(NOW);
    let mut supplied: Vec<Supplied> = found
        .iter()
        .map(|evidence| {
            let bundle = Bytes::from(evidence.bundle.to_string());
            let piece = Unverified::bundle(
                bundle,
                Origin::new(StorageForm::BundleReferrer),
                &Limits::DEFAULT,
            )
            .and_then(|piece| verify(&piece, &subject, &trust, now));
            Supplied::Piece(Box::new(piece))
        })
        .collect();
    for kind in [
        SourceKind::BundleReferrers,
        SourceKind::SignatureTag,
        SourceKind::AttestationTag,
        SourceKind::OtherPieces,
    ] {
        supplied.push(Supplied::Source(
            kind,
            Answer::Read {
                complete: true,
                as_of: now,
            },
        ));
    }
    check(policies, subject, trust, now, supplied)
}

/// Outcome of the example `name` for what was found.
fn outcome(name: &str, lab: &Lab, found: &[Evidence]) -> Outcome {
    decide(&example(name), lab, found).outcome()
}

fn words(decision: &Decision) -> String {
    serde_json::to_string(&decision.record()).expect("a record")
}

fn statement(predicate_type: &str) -> Value {
    let mut statement = image_statement(&Lab::image());
    statement["predicateType"] = json!(predicate_type);
    statement["predicate"] = json!({"made": "up"});
    statement
}

/// Signed by a workflow on GitHub: the identity, and claims by the number of their extension.
fn workflow(lab: &Lab, identity: &str, claims: &[(u8, &str)], made: Option<&Value>) -> Evidence {
    let claims: Vec<(u8, String)> = claims
        .iter()
        .map(|(number, text)| (*number, (*text).to_owned()))
        .collect();
    let mut recipe = lab
        .certified(uri_name(identity))
        .certificate(move |certificate| {
            certificate.replace(raw_claim(1, GITHUB));
            certificate.replace(claim(8, GITHUB));
            for (number, text) in &claims {
                certificate.replace(if *number < 8 {
                    raw_claim(*number, text)
                } else {
                    claim(*number, text)
                });
            }
        });
    if let Some(made) = made {
        recipe = recipe.statement(made);
    }
    recipe.rekor_v1().build()
}

#[test]
fn every_example_and_every_block_of_the_page_is_a_policy_without_warnings() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("examples")).expect("examples") {
        let path = entry.expect("entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let name = path.display().to_string();
        let set = PolicySet::parse(&[source(&name, &text)], &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(set.warnings().is_empty(), "{name}: {:?}", set.warnings());
        assert!(text.starts_with("# Admits "), "{name} says what it admits");
        let page = std::fs::read_to_string(folder().join("README.md")).expect("page");
        let file = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        assert!(
            page.contains(&format!("(examples/{file})")),
            "the page lists {file}"
        );
        count += 1;
    }
    assert!(count >= 6, "{count} examples");
    let blocks = blocks();
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
    for block in &blocks {
        let set =
            PolicySet::parse_with_files(&[source("README.md", block)], &Limits::DEFAULT, &files)
                .unwrap_or_else(|error| panic!("{error}\n{block}"));
        assert!(set.warnings().is_empty(), "{:?}\n{block}", set.warnings());
        // What is printed is the same policy.
        let printed = PolicySet::parse(&[source("printed", &set.to_yaml())], &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{error}\n{}", set.to_yaml()));
        assert_eq!(printed.digest(), set.digest());
    }
}

#[test]
fn one_key_wants_a_signature_with_its_annotation() {
    let lab = Lab::new();
    let mut annotated = image_statement(&Lab::image());
    let signed =
        |statement: &Value, key: &str| lab.managed(LabKey::p256(key)).statement(statement).build();
    let plain = signed(&annotated, "release");
    annotated["subject"][0]["annotations"] = json!({"env": "prod"});
    assert_eq!(
        outcome("one-key", &lab, &[signed(&annotated, "release")]),
        Outcome::Pass
    );
    assert_eq!(outcome("one-key", &lab, &[plain]), Outcome::NoneAcceptable);
    assert_eq!(
        outcome("one-key", &lab, &[signed(&annotated, "old")]),
        Outcome::NoneAcceptable
    );
    let sbom = signed(&statement("https://spdx.dev/Document"), "release");
    assert_eq!(outcome("one-key", &lab, &[sbom]), Outcome::NoneAcceptable);
    assert_eq!(outcome("one-key", &lab, &[]), Outcome::NoEvidence);
}

#[test]
fn a_rotated_key_counts_while_it_was_valid() {
    let lab = Lab::new();
    let by = |key: &str| lab.managed(LabKey::p256(key));
    assert_eq!(
        outcome("rotated-key", &lab, &[by("release").build()]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("rotated-key", &lab, &[by("old").timestamped().build()]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("rotated-key", &lab, &[by("old").build()]),
        Outcome::NoneAcceptable
    );
}

#[test]
fn a_release_is_a_tagged_build_of_the_named_workflow() {
    let lab = Lab::new();
    let identity = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.4.0";
    let good = [
        (12, "https://github.com/acme/app"),
        (14, "refs/tags/v1.4.0"),
        (18, identity),
        (20, "push"),
    ];
    assert_eq!(
        outcome(
            "github-release",
            &lab,
            &[workflow(&lab, identity, &good, None)]
        ),
        Outcome::Pass
    );
    for (index, (number, spoiled, said)) in [
        (
            12,
            "https://github.com/xacme/app",
            "the source repository is `https://github.com/xacme/app`",
        ),
        (
            14,
            "refs/heads/main",
            "the source ref is `refs/heads/main`, expected `refs/tags/v*`",
        ),
        (
            18,
            "https://github.com/acme/app/.github/workflows/test.yml@refs/tags/v1.4.0",
            "only in the workflow: it is `test.yml`",
        ),
        (
            20,
            "pull_request_target",
            "the build trigger is `pull_request_target`, expected `push`",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = good;
        claims[index] = (number, spoiled);
        let decision = decide(
            &example("github-release"),
            &lab,
            &[workflow(&lab, identity, &claims, None)],
        );
        assert_eq!(decision.outcome(), Outcome::NoneAcceptable, "{number}");
        assert!(
            words(&decision).contains(said),
            "{said}: {}",
            words(&decision)
        );
        // One claim that is not there is as bad as one that is wrong.
        let mut fewer = good.to_vec();
        fewer.remove(index);
        let decision = decide(
            &example("github-release"),
            &lab,
            &[workflow(&lab, identity, &fewer, None)],
        );
        assert_eq!(
            decision.outcome(),
            Outcome::NoneAcceptable,
            "{number} absent"
        );
        assert!(
            words(&decision).contains("the certificate does not say the"),
            "{}",
            words(&decision)
        );
    }
    // Another issuer may claim the same.
    let mut elsewhere = good.to_vec();
    elsewhere.extend([(1, "https://issuer.example"), (8, "https://issuer.example")]);
    let decision = decide(
        &example("github-release"),
        &lab,
        &[workflow(&lab, identity, &elsewhere, None)],
    );
    assert!(
        words(&decision).contains("only the issuer differs"),
        "{}",
        words(&decision)
    );
}

#[test]
fn a_reusable_builder_counts_for_one_repository_and_by_its_certificate_alone() {
    let lab = Lab::new();
    let made = statement("https://slsa.dev/provenance/v0.2");
    let new = [(12, "https://github.com/acme/app"), (14, "refs/heads/main")];
    // Certificates from before 2023 say it in the older extensions.
    let old = [(5, "acme/app"), (6, "refs/heads/main")];
    for claims in [new, old] {
        assert_eq!(
            outcome(
                "slsa-builder",
                &lab,
                &[workflow(&lab, BUILDER, &claims, Some(&made))]
            ),
            Outcome::Pass
        );
    }
    // The predicate says what the policy asks for, and the certificate another thing.
    let mut boasting = made.clone();
    boasting["predicate"] = json!({"sourceRepositoryUri": "https://github.com/acme/app", "sourceRepositoryRef": "refs/heads/main"});
    for claims in [
        [(12, "https://github.com/evil/app"), new[1]],
        [(5, "evil/app"), old[1]],
    ] {
        let found = [workflow(&lab, BUILDER, &claims, Some(&boasting))];
        assert_eq!(
            outcome("slsa-builder", &lab, &found),
            Outcome::NoneAcceptable
        );
    }
    let other = BUILDER.replace("generator_container", "generator_generic");
    assert_eq!(
        outcome(
            "slsa-builder",
            &lab,
            &[workflow(&lab, &other, &new, Some(&made))]
        ),
        Outcome::NoneAcceptable
    );
}

#[test]
fn two_reviewers_are_two_keys() {
    let lab = Lab::new();
    let review = |key: &str| {
        lab.managed(LabKey::p256(key))
            .statement(&statement("https://acme.example/review/v1"))
            .build()
    };
    let (a, b) = (review("reviewer-a"), review("reviewer-b"));
    assert_eq!(
        outcome("two-reviewers", &lab, &[a.clone(), b]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("two-reviewers", &lab, &[a.clone(), a]),
        Outcome::NoneAcceptable
    );
}
