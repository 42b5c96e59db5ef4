//! The examples about time, age, selection, platforms, scopes, deny-lists, outages and switches: each admits and denies.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_policy::{
    Action, Answer, Asked, Cause, CauseClass, Decision, Judge, Outcome, PolicySet, SourceKind,
    Step, Supplied, Want,
};
use countersign_proof::{Image, Origin, StorageForm, Subject, TrustMaterial, Unverified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, NOW, image_statement};
use serde_json::{Value, json};

use crate::{decide, example, outcome, statement, workflow};

const DAY: i64 = 86_400;

pub(crate) fn by(lab: &Lab, key: &str) -> Evidence {
    lab.managed(LabKey::p256(key)).build()
}

#[test]
fn a_stolen_key_counts_for_what_is_proven_to_be_older() {
    let lab = Lab::new();
    let old = |stamped: bool| {
        let recipe = lab.managed(LabKey::p256("old"));
        if stamped {
            recipe.timestamped()
        } else {
            recipe
        }
        .build()
    };
    assert_eq!(
        outcome("compromised-key", &lab, &[old(true)]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("compromised-key", &lab, &[old(false)]),
        Outcome::NoneAcceptable
    );
    assert_eq!(
        outcome("compromised-key", &lab, &[by(&lab, "release")]),
        Outcome::Pass
    );
}

pub(crate) fn scan(days: Option<i64>, result: &str) -> Value {
    let mut scan = statement("https://cosign.sigstore.dev/attestation/vuln/v1");
    scan["subject"][0]["annotations"] = json!({"result": result});
    if let Some(days) = days {
        let finished = UnixTime(NOW - days * DAY).to_string();
        scan["predicate"] = json!({"metadata": {"scanFinishedOn": finished}});
    }
    scan
}

#[test]
fn the_latest_scan_must_be_clean_and_fresh() {
    let lab = Lab::new();
    let made = |days, result| {
        lab.managed(LabKey::p256("release"))
            .statement(&scan(days, result))
            .build()
    };
    for (found, expected) in [
        (vec![made(Some(1), "clean")], Outcome::Pass),
        (vec![made(Some(1), "dirty")], Outcome::NoneAcceptable),
        (
            vec![made(Some(2), "clean"), made(Some(1), "dirty")],
            Outcome::NoneAcceptable,
        ),
        (vec![made(Some(8), "clean")], Outcome::NoneAcceptable),
        (
            vec![made(None, "clean")],
            Outcome::Unknown(CauseClass::Undated),
        ),
        (vec![], Outcome::NoEvidence),
    ] {
        assert_eq!(outcome("fresh-scan", &lab, &found), expected);
    }
}

#[test]
fn all_reviews_must_approve_and_there_must_be_two() {
    let lab = Lab::new();
    let review = |text: &str, verdict: &str| {
        let mut review = statement("https://acme.example/review/v1");
        review["predicate"] = json!({"text": text});
        review["subject"][0]["annotations"] = json!({"verdict": verdict});
        lab.managed(LabKey::p256("release"))
            .statement(&review)
            .build()
    };
    let (one, two) = (review("one", "approve"), review("two", "approve"));
    assert_eq!(
        outcome("all-reviews", &lab, &[one.clone(), two.clone()]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("all-reviews", &lab, &[one.clone(), one.clone()]),
        Outcome::NoneAcceptable
    );
    let refused = review("three", "refuse");
    assert_eq!(
        outcome("all-reviews", &lab, &[one, two, refused]),
        Outcome::NoneAcceptable
    );
}

/// Judges `name` over what is signed about each digest; `failing` answers for every source when it is given.
pub(crate) fn judge(
    name: &str,
    asked: Asked,
    index: &Image,
    signed: &[(Digest, &str)],
    failing: Option<CauseClass>,
) -> Decision {
    let policies: PolicySet = example(name);
    let lab = Lab::new();
    let now = UnixTime(NOW);
    let root = TrustedRoot::parse(
        &Bytes::from(lab.trusted_root().to_string()),
        &Limits::DEFAULT,
    )
    .expect("root");
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .keys(policies.keys())
        .build()
        .expect("trust");
    let trust = Arc::new(trust);
    let own = asked.subject().digest();
    let found = |digest: Digest, source: SourceKind| -> Vec<Supplied> {
        let answer = match failing {
            Some(class) if source != SourceKind::Given => Answer::Failed(Cause {
                class,
                source: "registry.example".to_owned(),
                detail: "no answer".to_owned(),
            }),
            _ => Answer::Read {
                complete: true,
                as_of: now,
            },
        };
        let pieces = signed
            .iter()
            .filter(|(about, _)| *about == digest && source == SourceKind::BundleReferrers)
            .map(|(_, key)| {
                let made = lab
                    .managed(LabKey::p256(key))
                    .statement(&image_statement(&digest.to_string()))
                    .build();
                let bundle = Bytes::from(made.bundle.to_string());
                let origin = Origin::new(StorageForm::BundleReferrer);
                let piece = Unverified::bundle(bundle, origin, &Limits::DEFAULT)
                    .and_then(|piece| verify(&piece, &Subject::image(digest), &trust, now));
                Supplied::Piece(Box::new(piece))
            });
        pieces.chain([Supplied::Source(source, answer)]).collect()
    };
    let mut step = Judge::prepare(&policies, asked, Arc::clone(&trust), now).begin();
    loop {
        match step {
            Step::Done(decision) => return decision,
            Step::Need(judge, wants) => {
                let supplied = wants
                    .into_iter()
                    .flat_map(|want| match want {
                        Want::Source(source) => found(own, source),
                        Want::About(digest, source) => {
                            vec![Supplied::About(digest, found(digest, source))]
                        }
                        Want::Manifest(digest) => {
                            vec![Supplied::Manifest(digest, Box::new(Ok(index.clone())))]
                        }
                        other => panic!("{other:?}"),
                    })
                    .collect();
                step = judge.supply(supplied);
            }
        }
    }
}

pub(crate) fn index() -> (Image, Digest, Digest) {
    let digest = |fill: &str| format!("sha256:{}", fill.repeat(64));
    let entry = |fill: &str| {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(fill), "size": 2,
            "platform": {"os": "linux", "architecture": fill}})
    };
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry("a"), entry("b")]});
    let image =
        Image::read(Bytes::from(index.to_string()), None, &Limits::DEFAULT).expect("an index");
    let parse = |fill| Digest::parse(&digest(fill)).expect("a digest");
    (image, parse("a"), parse("b"))
}

#[test]
fn each_platform_is_signed_or_the_index_that_lists_it_as_the_policy_says() {
    let (image, one, other) = index();
    let own = *image.digest();
    let asked = || Asked::about(Subject::image(own));
    let through = || {
        Asked::about(Subject::image(one))
            .through(image.clone())
            .expect("listed")
    };
    let passes = |name: &str, asked, signed: &[(Digest, &str)]| {
        judge(name, asked, &image, signed, None).passes()
    };
    assert!(passes(
        "each-platform",
        asked(),
        &[(one, "release"), (other, "release")]
    ));
    assert!(!passes("each-platform", asked(), &[(own, "release")]));
    assert!(!passes("each-platform", asked(), &[(one, "release")]));
    assert!(passes("signed-index", through(), &[(own, "release")]));
    assert!(passes("signed-index", through(), &[(one, "release")]));
    assert!(!passes("signed-index", through(), &[(other, "release")]));
    assert!(!passes("signed-index", through(), &[(own, "old")]));
}

#[test]
fn a_scope_an_exception_a_deny_list_and_an_expiry_are_kept_to() {
    let (image, ..) = index();
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let denied = Digest::parse(&format!("sha256:{}", "d".repeat(64))).expect("a digest");
    let asked = |digest: Digest, name: &str| Asked::about(Subject::image(digest)).named(name);
    let signed = [(own, "release"), (denied, "release")];
    let decide = |digest, name| judge("team-scope", asked(digest, name), &image, &signed, None);
    assert!(decide(own, "ghcr.io/acme/app").passes());
    assert!(!decide(own, "docker.io/library/alpine").passes());
    assert!(!decide(denied, "ghcr.io/acme/app").passes());
    assert!(!decide(denied, "ghcr.io/acme/legacy/app").passes());
    let legacy = judge(
        "team-scope",
        asked(own, "ghcr.io/acme/legacy/app"),
        &image,
        &[],
        None,
    );
    assert_eq!(
        (legacy.passes(), legacy.action),
        (true, Action::AdmitWithWarning)
    );
    assert!(
        !judge(
            "team-scope",
            asked(own, "ghcr.io/acme/app"),
            &image,
            &[],
            None
        )
        .passes()
    );
}

#[test]
fn whoever_left_does_not_count() {
    let lab = Lab::new();
    let by = |email: &str| lab.keyless(email).rekor_v1().build();
    assert_eq!(
        outcome("deny-list", &lab, &[by("alice@acme.example")]),
        Outcome::Pass
    );
    assert_eq!(
        outcome("deny-list", &lab, &[by("eve@acme.example")]),
        Outcome::NoneAcceptable
    );
    let both = [by("eve@acme.example"), by("alice@acme.example")];
    assert_eq!(outcome("deny-list", &lab, &both), Outcome::Pass);
}

#[test]
fn an_outage_is_excused_and_nothing_else_is() {
    let (image, ..) = index();
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let asked = || Asked::about(Subject::image(own));
    let action = |signed: &[(Digest, &str)], failing| {
        judge("outage", asked(), &image, signed, failing).action
    };
    assert_eq!(action(&[(own, "release")], None), Action::Admit);
    assert_eq!(
        action(&[], Some(CauseClass::Network)),
        Action::AdmitWithWarning
    );
    assert_eq!(action(&[], Some(CauseClass::Budget)), Action::Deny);
    assert_eq!(action(&[(own, "old")], None), Action::Deny);
}

#[test]
fn an_audit_admits_and_says_what_it_would_deny() {
    let lab = Lab::new();
    let wrong = decide(&example("rollout"), &lab, &[by(&lab, "old")]);
    assert_eq!((wrong.passes(), wrong.action), (false, Action::Admit));
    assert!(decide(&example("rollout"), &lab, &[by(&lab, "release")]).passes());
}

#[test]
fn a_check_that_is_left_out_shows_in_the_decision() {
    let lab = Lab::new();
    let bare = |email: &str| {
        let bend = |certificate: &mut countersign_testdata::certificate::CertificateSpec| {
            certificate.scts = Vec::new();
        };
        lab.keyless(email).certificate(bend).rekor_v1().build()
    };
    let decision = decide(&example("no-sct"), &lab, &[bare("alice@acme.example")]);
    assert!(decision.passes());
    assert_eq!(decision.dangers, ["ignore-sct"]);
    assert_eq!(
        decision.policies[0].insecure[0].reason,
        "OPS-77 until our own log runs"
    );
    assert!(!decide(&example("no-sct"), &lab, &[bare("bob@acme.example")]).passes());
    // A policy without the switch is not weakened by one with it.
    let strict = crate::source(
        "strict",
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: strict}\nspec:\n  signers: {alice: {keyless: {issuer: https://issuer.lab.example, identity: alice@acme.example}}}\n  require: {signature: {by: alice}}\n",
    );
    let strict = PolicySet::parse(&[strict], &Limits::DEFAULT).expect("a policy");
    let both = example("no-sct").with_layer(&strict).expect("two names");
    assert!(!decide(&both, &lab, &[bare("alice@acme.example")]).passes());
}

#[test]
fn a_build_and_two_of_three_managers_release_an_image() {
    let lab = Lab::new();
    let identity = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
    let built = |git_ref: &str| {
        let made = statement("https://slsa.dev/provenance/v1");
        let claims = [
            (12, "https://github.com/acme/app"),
            (14, git_ref),
            (18, identity),
        ];
        workflow(&lab, identity, &claims, Some(&made))
    };
    let manager = |name: &str| {
        lab.keyless(&format!("{name}@acme.example"))
            .rekor_v1()
            .build()
    };
    let new = || by(&lab, "release");
    let old = |stamped: bool| {
        let recipe = lab.managed(LabKey::p256("old"));
        if stamped {
            recipe.timestamped()
        } else {
            recipe
        }
        .build()
    };
    for (found, passes) in [
        (
            vec![built("refs/heads/main"), manager("ann"), manager("ben")],
            true,
        ),
        (vec![built("refs/tags/v1"), manager("ann"), new()], true),
        (vec![built("refs/tags/v1"), manager("ann"), old(true)], true),
        (
            vec![built("refs/tags/v1"), manager("ann"), old(false)],
            false,
        ),
        // Both keys are one manager's, and each alone is one.
        (vec![built("refs/tags/v1"), new(), old(true)], false),
        (
            vec![built("refs/heads/feature"), manager("ann"), manager("ben")],
            false,
        ),
        (vec![manager("ann"), manager("ben")], false),
        (
            vec![built("refs/heads/main"), manager("ann"), manager("ann")],
            false,
        ),
    ] {
        assert_eq!(outcome("managers", &lab, &found) == Outcome::Pass, passes);
    }
}
