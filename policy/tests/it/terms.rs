//! What policies say beside signers and rules: time, age, selection, platforms, deny-lists, exceptions, outages, switches.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, UnixTime};
use countersign_policy::{
    Action, Answer, Asked, Cause, CauseClass, Decision, Earlier, Judge, Outcome, PolicySet,
    SourceKind, Standing, Step, Supplied, Verdict, Want, check_asked,
};
use countersign_proof::{Image, Origin, StorageForm, Subject, Unverified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, NOW, SIGNED_AT, image_statement};
use serde_json::{Value, json};

use crate::judge::{ALL_READ, Case, key, keyless, outage, set};

const DAY: i64 = 86_400;
const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

fn document(more: &str, signers: &[String], require: &str) -> PolicySet {
    set(&format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers: {{{}}}\n  require: {require}\n",
        signers.join(", ")
    ))
}

fn time(offset: i64) -> String {
    UnixTime(NOW + offset).to_string()
}

/// Everything was read; the image was asked for by this name.
fn decide(case: &Case, name: &str, mut supplied: Vec<Supplied>) -> Decision {
    supplied.extend(ALL_READ.map(read));
    let asked = Asked::about(case.subject.clone()).named(name);
    check_asked(
        &case.policies,
        asked,
        Arc::clone(&case.trust),
        case.now,
        supplied,
    )
}

fn read(source: SourceKind) -> Supplied {
    Supplied::Source(
        source,
        Answer::Read {
            complete: true,
            as_of: UnixTime(NOW),
        },
    )
}

/// A scan that ended at `finished`, with a result in the subject's annotations.
fn scan(finished: Option<i64>, result: &str) -> Value {
    let mut statement = image_statement(&Lab::image());
    statement["predicateType"] = json!(VULN);
    statement["subject"][0]["annotations"] = json!({"result": result});
    statement["predicate"] = match finished {
        Some(at) => json!({"metadata": {"scanFinishedOn": UnixTime(at).to_string()}}),
        None => json!({"metadata": {"scanner": result}}),
    };
    statement
}

fn scanned(case: &Case, key: &str, finished: Option<i64>, result: &str) -> Supplied {
    let lab = Lab::new();
    case.bundle(
        &lab.managed(LabKey::p256(key))
            .statement(&scan(finished, result))
            .build(),
    )
}

fn codes(decision: &Decision) -> Vec<&'static str> {
    decision.policies[0]
        .rule
        .candidates
        .iter()
        .flat_map(|candidate| {
            candidate
                .mismatches
                .iter()
                .map(|mismatch| mismatch.kind.code())
        })
        .collect()
}

#[test]
fn a_compromised_key_counts_only_for_what_is_proven_to_be_older() {
    let lab = Lab::new();
    let since = |at: i64| {
        format!(
            "old: {{key: {{file: old, compromisedSince: \"{}\"}}}}",
            UnixTime(at)
        )
    };
    let old = |case: &Case| case.bundle(&lab.managed(LabKey::p256("old")).timestamped().build());
    let after = Case::of(document(
        "mode: enforce",
        &[since(SIGNED_AT + DAY)],
        "{signature: {by: old}}",
    ));
    assert!(after.decide(vec![old(&after)]).passes());
    // The same signature, not proven to be older than the theft.
    let undated = after.decide(vec![after.signed_by("old")]);
    assert_eq!(
        (undated.outcome(), codes(&undated)),
        (Outcome::NoneAcceptable, vec!["key-compromised"])
    );
    let before = Case::of(document(
        "mode: enforce",
        &[since(SIGNED_AT - DAY)],
        "{signature: {by: old}}",
    ));
    assert_eq!(
        codes(&before.decide(vec![old(&before)])),
        vec!["key-compromised"]
    );
    // A theft in the future is no licence either: nothing undated counts once it is set.
    let future = Case::of(document(
        "mode: enforce",
        &[since(NOW + DAY)],
        "{signature: {by: old}}",
    ));
    assert!(!future.decide(vec![future.signed_by("old")]).passes());
}

#[test]
fn age_is_judged_by_a_lower_bound_and_is_unknown_without_one() {
    let require = format!("{{statement: {{type: {VULN}, by: scanner, maxAge: 7d}}}}");
    let case = Case::of(document("mode: enforce", &[key("scanner")], &require));
    assert!(
        case.decide(vec![scanned(
            &case,
            "scanner",
            Some(NOW - 6 * DAY),
            "clean"
        )])
        .passes()
    );
    let stale = case.decide(vec![scanned(
        &case,
        "scanner",
        Some(NOW - 8 * DAY),
        "clean",
    )]);
    assert_eq!(
        (stale.outcome(), codes(&stale)),
        (Outcome::NoneAcceptable, vec!["too-old"])
    );
    // A time in the future says nothing, and nor does none.
    for finished in [None, Some(NOW + DAY)] {
        let decision = case.decide(vec![scanned(&case, "scanner", finished, "clean")]);
        assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Undated));
        assert_eq!(decision.action, Action::Deny);
    }
    // An old statement that is stamped again today stays old.
    let lab = Lab::new();
    let statement = scan(Some(SIGNED_AT - DAY), "clean");
    let stamped = lab
        .managed(LabKey::p256("scanner"))
        .statement(&statement)
        .timestamped()
        .build();
    assert_eq!(
        codes(&case.decide(vec![case.bundle(&stamped)])),
        vec!["too-old"]
    );
    // A certificate bounds it too.
    let by_certificate = |age: &str| {
        let require = format!("{{signature: {{by: alice, maxAge: {age}}}}}");
        let case = Case::of(document(
            "mode: enforce",
            &[keyless("alice", "alice@acme.example")],
            &require,
        ));
        case.decide(vec![case.keyless_by("alice@acme.example")])
            .passes()
    };
    assert!(by_certificate("5w") && !by_certificate("4w"));
}

#[test]
fn the_latest_statement_must_be_as_the_rule_says() {
    let require = format!(
        "{{statement: {{type: {VULN}, by: scanner, annotations: {{result: clean}}, select: latest, maxAge: 7d}}}}"
    );
    let case = Case::of(document(
        "mode: enforce",
        &[key("scanner"), key("other")],
        &require,
    ));
    let at = |days: i64, result: &str| scanned(&case, "scanner", Some(NOW - days * DAY), result);
    assert!(case.decide(vec![at(1, "clean")]).passes());
    assert!(!case.decide(vec![at(1, "dirty")]).passes());
    // Keys prove no upper bound here, so an older dirty one may have been signed today as well: it blocks.
    assert!(!case.decide(vec![at(1, "clean"), at(3, "dirty")]).passes());
    // Stamped, the dirty one is proven to be older.
    let lab = Lab::new();
    let dirty = |finished| {
        let statement = scan(Some(finished), "dirty");
        lab.managed(LabKey::p256("scanner"))
            .statement(&statement)
            .timestamped()
            .build()
    };
    let older = case.bundle(&dirty(SIGNED_AT - DAY));
    assert!(case.decide(vec![at(1, "clean"), older]).passes());
    assert!(!case.decide(vec![at(8, "clean")]).passes());
    // Somebody else's newer one is no scan of the scanner.
    assert!(
        case.decide(vec![
            at(1, "clean"),
            scanned(&case, "other", Some(NOW), "dirty")
        ])
        .passes()
    );
    // It is decided only when everything was read.
    let hidden = case.decide_with(
        vec![at(1, "clean")],
        &[(SourceKind::AttestationTag, outage(CauseClass::Network))],
    );
    assert_eq!(hidden.outcome(), Outcome::Unknown(CauseClass::Network));
    assert!(!hidden.policies[0].rule.monotone);
    assert_eq!(
        case.decide(vec![scanned(&case, "scanner", None, "clean")])
            .outcome(),
        Outcome::Unknown(CauseClass::Undated)
    );
}

#[test]
fn every_statement_must_be_as_the_rule_says_and_there_must_be_enough() {
    let require = format!(
        "{{statement: {{type: {VULN}, by: [scanner, other], annotations: {{result: clean}}, select: all, minimum: 2}}}}"
    );
    let case = Case::of(document(
        "mode: enforce",
        &[key("scanner"), key("other")],
        &require,
    ));
    let one = |key: &str, at: i64, result: &str| scanned(&case, key, Some(NOW - at), result);
    assert!(
        case.decide(vec![one("scanner", 1, "clean"), one("other", 2, "clean")])
            .passes()
    );
    assert!(!case.decide(vec![one("scanner", 1, "clean")]).passes());
    // The same claim twice is one.
    assert!(
        !case
            .decide(vec![one("scanner", 1, "clean"), one("other", 1, "clean")])
            .passes()
    );
    assert!(
        !case
            .decide(vec![
                one("scanner", 1, "clean"),
                one("other", 2, "clean"),
                one("other", 3, "dirty")
            ])
            .passes()
    );
    let hidden = |class| {
        case.decide_with(
            vec![one("scanner", 1, "clean"), one("other", 2, "clean")],
            &[(SourceKind::BundleReferrers, outage(class))],
        )
    };
    assert_eq!(
        hidden(CauseClass::Budget).outcome(),
        Outcome::Unknown(CauseClass::Budget)
    );
}

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

#[test]
fn a_scope_says_which_images_a_policy_speaks_of_and_what_none_speaks_of_is_denied() {
    let scoped = document(
        "scope: {images: [\"ghcr.io/acme/**\"]}",
        &[key("a")],
        "{signature: {by: a}}",
    );
    let case = Case::of(scoped);
    assert!(decide(&case, "ghcr.io/acme/team/app", vec![case.signed_by("a")]).passes());
    let elsewhere = decide(&case, "ghcr.io/acmes/app", vec![case.signed_by("a")]);
    let Verdict::Fail(reasons) = &elsewhere.verdict else {
        panic!("{:?}", elsewhere.verdict)
    };
    assert_eq!(
        (reasons[0].code, elsewhere.action),
        ("no-policy", Action::Deny)
    );
    // A narrower layer cannot speak for the broadest one.
    let narrow = set(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {name: team}\nspec:\n  mode: audit\n  signers: {a: {key: {file: a}}}\n  require: {signature: {by: a}}\n",
    );
    let mut layered = Case::of(case.policies.with_layer(&narrow).unwrap());
    let denied = decide(&layered, "ghcr.io/acmes/app", vec![layered.signed_by("a")]);
    assert_eq!(denied.action, Action::Deny);
    layered.policies = case.policies.clone();
    assert!(case.policies.with_layer(&case.policies).is_err());
}

#[test]
fn an_exception_lets_images_through_until_its_day_and_is_reported() {
    let text = format!(
        "scope: {{images: [\"**\"], except: [{{image: ghcr.io/acme/old, until: \"{}\", reason: OPS-1234}}]}}",
        time(DAY)
    );
    let mut case = Case::of(document(&text, &[key("a")], "{signature: {by: a}}"));
    let excepted = decide(&case, "ghcr.io/acme/old", vec![]);
    assert_eq!(
        (excepted.passes(), excepted.action),
        (true, Action::AdmitWithWarning)
    );
    let Standing::Excepted { reason, .. } = &excepted.policies[0].standing else {
        panic!()
    };
    assert_eq!(reason, "OPS-1234");
    assert_eq!(excepted.valid_until, Some(UnixTime(NOW + DAY)));
    assert!(!decide(&case, "ghcr.io/acme/older", vec![]).passes());
    case.now = UnixTime(NOW + DAY + 1);
    assert!(!decide(&case, "ghcr.io/acme/old", vec![]).passes());
}

#[test]
fn a_deny_list_beats_signatures_and_exceptions() {
    let digest = Lab::image();
    let text = format!(
        "deny: {{digests: [\"{digest}\"]}}\n  scope: {{images: [\"**\"], except: [{{image: ghcr.io/acme/old, until: \"{}\", reason: x}}]}}",
        time(DAY)
    );
    let case = Case::of(document(&text, &[key("a")], "{signature: {by: a}}"));
    for name in ["ghcr.io/acme/app", "ghcr.io/acme/old"] {
        let decision = decide(&case, name, vec![case.signed_by("a")]);
        let Verdict::Fail(reasons) = &decision.verdict else {
            panic!()
        };
        assert_eq!(
            (reasons[0].code, decision.action),
            ("denied-digest", Action::Deny)
        );
    }
    let anybody = [keyless("anybody", "*@acme.example")];
    let listed = Case::of(document(
        "deny: {identities: [eve@acme.example]}",
        &anybody,
        "{signature: {by: anybody}}",
    ));
    assert_eq!(
        codes(&listed.decide(vec![listed.keyless_by("eve@acme.example")])),
        vec!["denied-signer"]
    );
    assert!(
        listed
            .decide(vec![
                listed.keyless_by("alice@acme.example"),
                listed.keyless_by("eve@acme.example")
            ])
            .passes()
    );
    let serial = match &listed
        .decide(vec![listed.keyless_by("alice@acme.example")])
        .accepted[0]
        .signer()
    {
        countersign_proof::Signer::Fulcio(certificate) => certificate.serial.to_uppercase(),
        other => panic!("{other:?}"),
    };
    let by_serial = Case::of(document(
        &format!("deny: {{serials: [\"00{serial}\"]}}"),
        &anybody,
        "{signature: {by: anybody}}",
    ));
    assert_eq!(
        codes(&by_serial.decide(vec![by_serial.keyless_by("alice@acme.example")])),
        vec!["denied-signer"]
    );
}

#[test]
fn an_expired_policy_passes_nothing() {
    let mut case = Case::of(document(
        &format!("expires: \"{}\"", time(DAY)),
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(
        (decision.passes(), decision.valid_until),
        (true, Some(UnixTime(NOW + DAY)))
    );
    case.now = UnixTime(NOW + DAY + 1);
    let Verdict::Fail(reasons) = case.decide(vec![case.signed_by("a")]).verdict else {
        panic!()
    };
    assert_eq!(reasons[0].code, "policy-expired");
}

#[test]
fn modes_and_excused_outages_set_the_action_and_never_the_verdict() {
    let require = "{signature: {by: a}}";
    for (mode, action) in [
        ("enforce", Action::Deny),
        ("warn", Action::AdmitWithWarning),
        ("audit", Action::Admit),
    ] {
        let case = Case::of(document(&format!("mode: {mode}"), &[key("a")], require));
        let decision = case.decide(vec![case.signed_by("b")]);
        assert_eq!(
            (decision.passes(), decision.action),
            (false, action),
            "{mode}"
        );
    }
    let excusing = Case::of(document("unavailable: warn", &[key("a")], require));
    let hidden =
        |class| excusing.decide_with(vec![], &[(SourceKind::BundleReferrers, outage(class))]);
    for (class, action) in [
        (CauseClass::Network, Action::AdmitWithWarning),
        (CauseClass::Authentication, Action::AdmitWithWarning),
        (CauseClass::StaleTrust, Action::AdmitWithWarning),
        (CauseClass::Incomplete, Action::Deny),
        (CauseClass::Unreadable, Action::Deny),
        (CauseClass::Budget, Action::Deny),
    ] {
        let decision = hidden(class);
        assert_eq!(
            (decision.outcome(), decision.action),
            (Outcome::Unknown(class), action)
        );
    }
    // One outage does not excuse what comes with it, and a denial is no outage.
    let mixed = excusing.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::Network)),
            (SourceKind::SignatureTag, outage(CauseClass::Budget)),
        ],
    );
    assert_eq!(mixed.action, Action::Deny);
    assert_eq!(excusing.decide(vec![]).action, Action::Deny);
}

#[test]
fn an_outage_is_bridged_only_by_an_earlier_pass_of_the_same_image_and_policies() {
    let case = Case::of(document(
        "unavailable: {useCached: {maxAge: 24h}}",
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let passed = case.decide(vec![case.signed_by("a")]);
    let earlier = Earlier::of(&passed).unwrap();
    assert!(Earlier::of(&case.decide(vec![])).is_none());
    let judge = |case: &Case, earlier: Option<Earlier>, now: i64| {
        let asked = Asked::about(case.subject.clone());
        let mut judge = Judge::prepare(
            &case.policies,
            asked,
            Arc::clone(&case.trust),
            UnixTime(now),
        );
        if let Some(earlier) = earlier {
            judge = judge.with_earlier(earlier);
        }
        let failed = ALL_READ.map(|source| Supplied::Source(source, outage(CauseClass::Network)));
        judge.conclude(failed.into())
    };
    let bridged = judge(&case, Some(earlier.clone()), NOW + 60);
    assert_eq!(
        (bridged.passes(), bridged.action),
        (false, Action::AdmitWithWarning)
    );
    assert_eq!(bridged.valid_until, Some(UnixTime(NOW + DAY)));
    assert_eq!(judge(&case, None, NOW + 60).action, Action::Deny);
    assert_eq!(
        judge(&case, Some(earlier.clone()), NOW + DAY + 1).action,
        Action::Deny
    );
    let other = Case::of(document(
        "unavailable: {useCached: {maxAge: 24h}}",
        &[key("a"), key("b")],
        "{signature: {by: [a, b]}}",
    ));
    assert_eq!(
        judge(&other, Some(earlier.clone()), NOW + 60).action,
        Action::Deny
    );
    // It passed without a name; what bears one may fall under other scopes and exceptions.
    let named = Asked::about(case.subject.clone()).named("ghcr.io/acme/app");
    let failed = ALL_READ.map(|source| Supplied::Source(source, outage(CauseClass::Network)));
    let named = Judge::prepare(
        &case.policies,
        named,
        Arc::clone(&case.trust),
        UnixTime(NOW + 60),
    )
    .with_earlier(earlier.clone())
    .conclude(failed.into());
    assert_eq!(named.action, Action::Deny);
    // It passed under other trust.
    let trust = countersign_proof::TrustMaterial::builder()
        .keys(case.policies.keys())
        .build()
        .unwrap();
    let mut elsewhere = Case::of(case.policies.clone());
    elsewhere.trust = Arc::new(trust);
    assert_eq!(
        judge(&elsewhere, Some(earlier), NOW + 60).action,
        Action::Deny
    );
}

#[test]
fn a_pinned_root_must_be_the_one_that_proofs_are_made_under() {
    let digest = countersign_proof::digest::sha256(b"a root");
    let case = Case::of(document(
        &format!("trust: {{root: \"{digest}\"}}"),
        &[key("a")],
        "{signature: {by: a}}",
    ));
    let decide = |roots: Vec<Digest>| {
        let asked = Asked::about(case.subject.clone());
        let mut supplied = vec![case.signed_by("a")];
        supplied.extend(ALL_READ.map(read));
        Judge::prepare(&case.policies, asked, Arc::clone(&case.trust), case.now)
            .with_roots(roots)
            .conclude(supplied)
    };
    assert!(decide(vec![digest]).passes());
    for roots in [vec![], vec![countersign_proof::digest::sha256(b"another")]] {
        assert_eq!(
            decide(roots).outcome(),
            Outcome::Unknown(CauseClass::WrongTrust)
        );
    }
    assert!(
        !Cause {
            class: CauseClass::WrongTrust,
            source: String::new(),
            detail: String::new()
        }
        .class
        .is_outage()
    );
}

#[test]
fn one_signer_may_be_held_to_more_than_its_kind() {
    let signers = [
        "a: {key: {file: a}, trust: {timestamps: 1}}".to_owned(),
        key("b"),
    ];
    let case = Case::of(document(
        "mode: enforce",
        &signers,
        "{signature: {by: [a, b]}}",
    ));
    assert!(case.decide(vec![case.signed_by("b")]).passes());
    assert_eq!(
        codes(&case.decide(vec![case.signed_by("a")])),
        vec!["timestamps"]
    );
}
