//! What a judge makes of real evidence, signed in the lab.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_policy::{
    Action, Answer, Cause, CauseClass, Decision, Outcome, PolicySet, Source, SourceKind, Status,
    Supplied, Verdict, check,
};
use countersign_proof::{
    BytesContent, Origin, StorageForm, Subject, TrustMaterial, Unverified, verify,
};
use countersign_testdata::certificate::uri_name;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{
    Evidence, ISSUER, Lab, NOW, SIGNED_AT, image_statement, simple_signing_payload,
};
use serde_json::{Value, json};

pub(crate) const ALL_READ: [SourceKind; 4] = [
    SourceKind::BundleReferrers,
    SourceKind::SignatureTag,
    SourceKind::AttestationTag,
    SourceKind::OtherPieces,
];

/// A policy, the trust that goes with it, and evidence held against both.
pub(crate) struct Case {
    lab: Lab,
    pub(crate) policies: PolicySet,
    pub(crate) trust: Arc<TrustMaterial>,
    pub(crate) subject: Subject,
    pub(crate) now: UnixTime,
}

fn policy(signers: &str, require: &str, trust: &str) -> PolicySet {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  signers: {{{signers}}}\n  trust: {{{trust}}}\n  require: {require}\n"
    );
    set(&text)
}

pub(crate) fn set(text: &str) -> PolicySet {
    let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
    let source = Source {
        name: "p.yaml".to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    PolicySet::parse_with_files(&[source], &Limits::DEFAULT, &files)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn key(name: &str) -> String {
    format!("{name}: {{key: {{file: {name}}}}}")
}

pub(crate) fn keyless(name: &str, identity: &str) -> String {
    format!("{name}: {{keyless: {{issuer: \"{ISSUER}\", identity: \"{identity}\"}}}}")
}

pub(crate) fn image() -> Subject {
    Subject::image(Digest::parse(&Lab::image()).unwrap())
}

impl Case {
    pub(crate) fn new(signers: &[String], require: &str, trust: &str) -> Self {
        Self::of(policy(&signers.join(", "), require, trust))
    }

    pub(crate) fn of(policies: PolicySet) -> Self {
        let lab = Lab::new();
        let root = TrustedRoot::parse(
            &Bytes::from(lab.trusted_root().to_string()),
            &Limits::DEFAULT,
        )
        .unwrap();
        let trust = TrustMaterial::builder()
            .trusted_root(&root)
            .keys(policies.keys())
            .build()
            .unwrap();
        Self {
            lab,
            policies,
            trust: Arc::new(trust),
            subject: image(),
            now: UnixTime(NOW),
        }
    }

    /// The piece, proven or rejected, as a referrer's bundle.
    pub(crate) fn bundle(&self, evidence: &Evidence) -> Supplied {
        self.raw(evidence.bundle.to_string())
    }

    pub(crate) fn raw(&self, bundle: String) -> Supplied {
        let origin = Origin::new(StorageForm::BundleReferrer);
        let piece = Unverified::bundle(Bytes::from(bundle), origin, &Limits::DEFAULT)
            .and_then(|piece| verify(&piece, &self.subject, &self.trust, self.now));
        Supplied::Piece(Box::new(piece))
    }

    fn simple_signing(&self, evidence: &Evidence) -> Supplied {
        let origin = Origin::new(StorageForm::SignatureTag);
        let layer = Bytes::from(evidence.layer.clone());
        let piece =
            Unverified::simple_signing(layer, &evidence.annotations, origin, &Limits::DEFAULT)
                .and_then(|piece| verify(&piece, &self.subject, &self.trust, self.now));
        Supplied::Piece(Box::new(piece))
    }

    pub(crate) fn signed_by(&self, name: &str) -> Supplied {
        self.bundle(&self.lab.managed(LabKey::p256(name)).build())
    }

    pub(crate) fn attested_by(&self, name: &str, predicate_type: &str) -> Supplied {
        self.bundle(
            &self
                .lab
                .managed(LabKey::p256(name))
                .statement(&statement(predicate_type))
                .build(),
        )
    }

    pub(crate) fn keyless_by(&self, email: &str) -> Supplied {
        self.bundle(&self.lab.keyless(email).rekor_v1().build())
    }

    /// Everything was read to its end, and this was found.
    pub(crate) fn decide(&self, pieces: Vec<Supplied>) -> Decision {
        self.decide_with(pieces, &[])
    }

    /// As [`Case::decide`], with other answers for some sources.
    pub(crate) fn decide_with(
        &self,
        mut pieces: Vec<Supplied>,
        answers: &[(SourceKind, Answer)],
    ) -> Decision {
        for source in ALL_READ {
            let answer = answers
                .iter()
                .find(|(other, _)| *other == source)
                .map(|(_, answer)| answer.clone());
            let read = Answer::Read {
                complete: true,
                as_of: self.now,
            };
            pieces.push(Supplied::Source(source, answer.unwrap_or(read)));
        }
        check(
            &self.policies,
            self.subject.clone(),
            Arc::clone(&self.trust),
            self.now,
            pieces,
        )
    }
}

fn statement(predicate_type: &str) -> Value {
    let mut statement = image_statement(&Lab::image());
    statement["predicateType"] = json!(predicate_type);
    statement["predicate"] = json!({"spdxVersion": "SPDX-2.3"});
    statement
}

pub(crate) fn outage(class: CauseClass) -> Answer {
    Answer::Failed(Cause {
        class,
        source: "registry.example".to_owned(),
        detail: "no answer".to_owned(),
    })
}

/// All mismatches of all candidates, as text.
fn mismatches(decision: &Decision) -> Vec<String> {
    fn collect(rule: &countersign_policy::RuleOutcome, all: &mut Vec<String>) {
        for candidate in &rule.candidates {
            all.extend(
                candidate
                    .mismatches
                    .iter()
                    .map(|mismatch| format!("{}: {mismatch}", mismatch.kind.code())),
            );
        }
        rule.children.iter().for_each(|child| collect(child, all));
    }
    let mut all = Vec::new();
    decision
        .policies
        .iter()
        .for_each(|policy| collect(&policy.rule, &mut all));
    all
}

const SIGNATURE: &str = "{signature: {by: release}}";

#[test]
fn a_key_signed_image_passes() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.signed_by("release")]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?}",
        mismatches(&decision)
    );
    assert_eq!(
        (decision.outcome(), decision.action),
        (Outcome::Pass, Action::Admit)
    );
    assert_eq!(
        (
            decision.accepted.len(),
            decision.unused.len(),
            decision.rejected.len()
        ),
        (1, 0, 0)
    );
    assert_eq!(decision.valid_until, None);
    assert_eq!(decision.digests.policy, case.policies.digest());
    assert_eq!(decision.digests.trust, case.trust.digest());
}

#[test]
fn nothing_found_is_no_evidence() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![]);
    assert_eq!(
        (decision.outcome(), decision.action),
        (Outcome::NoEvidence, Action::Deny)
    );
}

#[test]
fn a_signature_by_another_key_is_none_acceptable() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.signed_by("other")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.rejected.len(), 1);
    // One good signature beside it is enough.
    let decision = case.decide(vec![case.signed_by("other"), case.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::Pass);
}

#[test]
fn garbage_is_rejected_and_hides_nothing() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![case.raw("not a bundle".to_owned())]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    let mut pieces: Vec<Supplied> = (0..1000)
        .map(|index| case.raw(format!("junk {index}")))
        .collect();
    pieces.push(case.signed_by("release"));
    assert_eq!(case.decide(pieces).outcome(), Outcome::Pass);
}

#[test]
fn an_sbom_is_no_signature() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide(vec![
        case.attested_by("release", "https://spdx.dev/Document"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        mismatches(&decision),
        ["predicate-type: a statement of type `https://spdx.dev/Document` is no signature"]
    );
}

#[test]
fn a_signature_whose_predicate_says_something_is_none() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let mut statement = image_statement(&Lab::image());
    statement["predicate"] = json!({"scan": "failed"});
    let piece = case.bundle(
        &case
            .lab
            .managed(LabKey::p256("release"))
            .statement(&statement)
            .build(),
    );
    assert!(mismatches(&case.decide(vec![piece]))[0].starts_with("predicate: "));
    // Absent is empty, as cosign before 3.0.5 wrote it.
    statement.as_object_mut().unwrap().remove("predicate");
    let piece = case.bundle(
        &case
            .lab
            .managed(LabKey::p256("release"))
            .statement(&statement)
            .build(),
    );
    assert_eq!(case.decide(vec![piece]).outcome(), Outcome::Pass);
}

#[test]
fn a_statement_counts_only_under_its_type() {
    let signers = [key("release")];
    let spdx = Case::new(&signers, "{statement: {type: spdxjson, by: release}}", "");
    assert_eq!(
        spdx.decide(vec![
            spdx.attested_by("release", "https://spdx.dev/Document")
        ])
        .outcome(),
        Outcome::Pass
    );
    assert_eq!(
        spdx.decide(vec![
            spdx.attested_by("release", "https://spdx.dev/Document/v2.3")
        ])
        .outcome(),
        Outcome::Pass
    );
    let decision = spdx.decide(vec![
        spdx.attested_by("release", "https://slsa.dev/provenance/v1"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert!(
        mismatches(&decision)[0].contains("`https://slsa.dev/provenance/v1`"),
        "{:?}",
        mismatches(&decision)
    );
    assert_eq!(
        spdx.decide(vec![spdx.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
    let any = Case::new(&signers, "{statement: {type: any, by: release}}", "");
    assert_eq!(
        any.decide(vec![any.attested_by("release", "https://example.org/x")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn a_message_is_a_signature_of_a_blob_and_never_of_an_image() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let message = case
        .lab
        .managed(LabKey::p256("release"))
        .message(&Lab::artifact())
        .build();
    let blob = Case {
        subject: Subject::Blob(Arc::new(BytesContent(Bytes::from(Lab::artifact())))),
        ..Case::of(case.policies.clone())
    };
    assert_eq!(
        blob.decide(vec![blob.bundle(&message)]).outcome(),
        Outcome::Pass
    );
    // The image whose manifest has exactly these bytes.
    let digest = countersign_proof::digest::sha256(&Lab::artifact());
    let image = Case {
        subject: Subject::image(digest),
        ..Case::of(case.policies.clone())
    };
    let decision = image.decide(vec![image.bundle(&message)]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
}

#[test]
fn a_simple_signing_payload_is_a_signature_of_an_image() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let payload = simple_signing_payload(&Lab::image()).to_string();
    let evidence = case
        .lab
        .managed(LabKey::p256("release"))
        .simple_signing(payload.as_bytes())
        .build();
    assert_eq!(
        case.decide(vec![case.simple_signing(&evidence)]).outcome(),
        Outcome::Pass
    );
    // The same payload, signed by two: one piece does not hide the other.
    let other = case
        .lab
        .managed(LabKey::p256("other"))
        .simple_signing(payload.as_bytes())
        .build();
    let decision = case.decide(vec![
        case.simple_signing(&other),
        case.simple_signing(&evidence),
    ]);
    assert_eq!(decision.outcome(), Outcome::Pass);
}

#[test]
fn a_keyless_signature_passes_by_identity_and_issuer() {
    let case = Case::new(&[keyless("release", "bob@acme.example")], SIGNATURE, "");
    let decision = case.decide(vec![case.keyless_by("bob@acme.example")]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&decision),
        decision.rejected
    );
    let decision = case.decide(vec![case.keyless_by("eve@acme.example")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        mismatches(&decision),
        ["identity: identity differs only in the mailbox: `eve`, expected `bob`"]
    );
}

#[test]
fn a_ref_that_differs_alone_is_named_and_says_what_would_change_it() {
    let expected = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*";
    let case = Case::new(&[keyless("ci", expected)], "{signature: {by: ci}}", "");
    let found = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
    let piece = case.bundle(&case.lab.certified(uri_name(found)).rekor_v1().build());
    let decision = case.decide(vec![piece]);
    assert_eq!(
        mismatches(&decision),
        ["identity: identity differs only in the ref: `refs/heads/main`, expected `refs/tags/v*`"]
    );
    let hint = decision.policies[0].rule.candidates[0]
        .mismatch()
        .unwrap()
        .hint
        .clone()
        .unwrap();
    assert_eq!(
        hint,
        "if this signer is meant, change the identity of the signer `ci` in policy `p`"
    );
}

#[test]
fn another_issuer_alone_is_named() {
    let signer =
        "release: {keyless: {issuer: https://accounts.example, identity: bob@acme.example}}"
            .to_owned();
    let case = Case::new(&[signer], SIGNATURE, "");
    let decision = case.decide(vec![case.keyless_by("bob@acme.example")]);
    assert_eq!(
        mismatches(&decision),
        [format!(
            "issuer: only the issuer differs: it is `{ISSUER}`, expected `https://accounts.example`"
        )]
    );
}

#[test]
fn of_several_signers_the_one_missed_least_is_shown() {
    let signers = [
        key("build"),
        keyless("ci", "ci@acme.example"),
        keyless("ops", "https://github.com/acme/**"),
    ];
    let case = Case::new(&signers, "{signature: {by: [build, ops, ci]}}", "");
    let decision = case.decide(vec![case.keyless_by("ops@acme.example")]);
    assert_eq!(mismatches(&decision).len(), 1);
    assert!(
        mismatches(&decision)[0].starts_with("identity: "),
        "{:?}",
        mismatches(&decision)
    );
}

#[test]
fn key_signed_where_only_certificates_count_is_no_certificate() {
    let case = Case::new(
        &[keyless("ci", "ci@acme.example")],
        "{signature: {by: ci}}",
        "",
    );
    assert_eq!(
        case.decide(vec![case.signed_by("release")]).outcome(),
        Outcome::NoCertificate
    );
    // A candidate with a certificate, or none of the right kind, makes it none acceptable.
    let decision = case.decide(vec![
        case.signed_by("release"),
        case.keyless_by("eve@acme.example"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    let decision = case.decide(vec![
        case.attested_by("release", "https://spdx.dev/Document"),
    ]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    // A rule that also takes a key wants no certificate.
    let either = Case::new(
        &[keyless("ci", "ci@acme.example"), key("build")],
        "{signature: {by: [ci, build]}}",
        "",
    );
    assert_eq!(
        either.decide(vec![either.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
}

#[test]
fn annotations_are_compared_exactly() {
    let case = Case::new(
        &[key("release")],
        "{signature: {by: release, annotations: {env: prod}}}",
        "",
    );
    let mut statement = image_statement(&Lab::image());
    let signed = |statement: &Value| {
        case.bundle(
            &case
                .lab
                .managed(LabKey::p256("release"))
                .statement(statement)
                .build(),
        )
    };
    let decision = case.decide(vec![signed(&statement)]);
    assert_eq!(
        mismatches(&decision),
        ["annotation: the annotation `env` is absent, expected `prod`"]
    );
    statement["subject"][0]["annotations"] = json!({"env": "test"});
    assert_eq!(
        mismatches(&case.decide(vec![signed(&statement)])),
        ["annotation: the annotation `env` is `test`, expected `prod`"]
    );
    statement["subject"][0]["annotations"] = json!({"env": "prod", "more": "x"});
    assert_eq!(
        case.decide(vec![signed(&statement)]).outcome(),
        Outcome::Pass
    );
}

#[test]
fn thresholds_for_keys_are_met_only_by_what_is_proven() {
    let case = Case::new(
        &[key("release")],
        SIGNATURE,
        "keys: {logs: 1, timestamps: 1}",
    );
    let decision = case.decide(vec![case.signed_by("release")]);
    assert_eq!(
        mismatches(&decision).len(),
        2,
        "{:?}",
        mismatches(&decision)
    );
    let logged = case.lab.managed(LabKey::p256("release")).rekor_v1().build();
    assert_eq!(
        mismatches(&case.decide(vec![case.bundle(&logged)])).len(),
        1
    );
    let both = case
        .lab
        .managed(LabKey::p256("release"))
        .rekor_v1()
        .timestamped()
        .build();
    assert_eq!(
        case.decide(vec![case.bundle(&both)]).outcome(),
        Outcome::Pass
    );
}

#[test]
fn two_entries_of_one_log_are_one_log() {
    let case = Case::new(&[key("release")], SIGNATURE, "keys: {logs: 2}");
    let recipe = || case.lab.managed(LabKey::p256("release")).rekor_v1();
    let second = |kind| recipe().logged(case.lab.second_rekor_v1.clone(), kind);
    let one = case.decide(vec![case.bundle(&recipe().build())]);
    assert_eq!(one.outcome(), Outcome::NoneAcceptable);
    let two = case.decide(vec![case.bundle(&second("dsse").build())]);
    assert_eq!(
        two.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&two),
        two.rejected
    );
}

#[test]
fn an_undated_key_signature_counts_only_while_the_window_is_open() {
    let window = |from: i64, until: i64| {
        let (from, until) = (UnixTime(from), UnixTime(until));
        format!(
            "release: {{key: {{file: release, validFrom: \"{from}\", validUntil: \"{until}\"}}}}"
        )
    };
    let open = Case::new(&[window(SIGNED_AT - 10, NOW + 10)], SIGNATURE, "");
    let decision = open.decide(vec![open.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::Pass);
    assert_eq!(decision.valid_until, Some(UnixTime(NOW + 10)));
    let over = Case::new(&[window(SIGNED_AT - 10, NOW - 10)], SIGNATURE, "");
    assert_eq!(
        over.decide(vec![over.signed_by("release")]).outcome(),
        Outcome::NoneAcceptable
    );
    // Logged while the window was open: the log proves "no later than".
    let logged = over.lab.managed(LabKey::p256("release")).rekor_v1().build();
    let decision = over.decide(vec![over.bundle(&logged)]);
    assert_eq!(
        decision.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        mismatches(&decision),
        decision.rejected
    );
    assert_eq!(decision.valid_until, None);
    let early = Case::new(&[window(NOW + 100, NOW + 200)], SIGNATURE, "");
    let decision = early.decide(vec![early.signed_by("release")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(decision.valid_until, Some(UnixTime(NOW + 99)));
}

#[test]
fn each_signer_is_held_to_its_own_window_of_a_shared_key() {
    let until = UnixTime(NOW - 10);
    let signers = [
        format!("old: {{key: {{file: release, validUntil: \"{until}\"}}}}"),
        key("release"),
    ];
    let case = Case::new(
        &signers,
        "{anyOf: [{signature: {by: old}}, {signature: {by: release}}]}",
        "",
    );
    let decision = case.decide(vec![case.signed_by("release")]);
    let statuses: Vec<Status> = decision.policies[0]
        .rule
        .children
        .iter()
        .map(|rule| rule.status)
        .collect();
    assert_eq!(statuses, [Status::Fail, Status::Pass]);
}

#[test]
fn a_failed_source_makes_an_undecided_rule_unknown_and_never_a_passing_one() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    for (class, code) in [
        (CauseClass::Network, CauseClass::Network),
        (CauseClass::Authentication, CauseClass::Authentication),
        (CauseClass::StaleTrust, CauseClass::StaleTrust),
    ] {
        let failed = [(SourceKind::BundleReferrers, outage(class))];
        let decision = case.decide_with(vec![], &failed);
        assert_eq!(
            (decision.outcome(), decision.action),
            (Outcome::Unknown(code), Action::Deny)
        );
        let decision = case.decide_with(vec![case.signed_by("release")], &failed);
        assert_eq!(decision.outcome(), Outcome::Pass);
        let decision = case.decide_with(vec![case.signed_by("other")], &failed);
        assert_eq!(decision.outcome(), Outcome::Unknown(code));
    }
    // What no rule would use does not matter.
    let failed = [(SourceKind::AttestationTag, outage(CauseClass::Network))];
    assert_eq!(
        case.decide_with(vec![case.signed_by("other")], &failed)
            .outcome(),
        Outcome::NoneAcceptable
    );
}

#[test]
fn of_several_causes_authentication_then_trust_name_the_outcome() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = case.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::Network)),
            (SourceKind::SignatureTag, outage(CauseClass::StaleTrust)),
        ],
    );
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::StaleTrust));
    let decision = case.decide_with(
        vec![],
        &[
            (SourceKind::BundleReferrers, outage(CauseClass::StaleTrust)),
            (SourceKind::SignatureTag, outage(CauseClass::Authentication)),
        ],
    );
    assert_eq!(
        decision.outcome(),
        Outcome::Unknown(CauseClass::Authentication)
    );
}

#[test]
fn a_list_that_was_cut_or_a_piece_that_is_missing_is_unknown_and_never_no_evidence() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let cut = [(
        SourceKind::BundleReferrers,
        Answer::Read {
            complete: false,
            as_of: case.now,
        },
    )];
    assert_eq!(
        case.decide_with(vec![], &cut).outcome(),
        Outcome::Unknown(CauseClass::Incomplete)
    );
    assert_eq!(
        case.decide_with(vec![case.signed_by("release")], &cut)
            .outcome(),
        Outcome::Pass
    );
    let cause = Cause {
        class: CauseClass::Unreadable,
        source: "r".to_owned(),
        detail: "another digest".to_owned(),
    };
    let missing = || Supplied::Missing(SourceKind::BundleReferrers, cause.clone());
    assert_eq!(
        case.decide(vec![missing()]).outcome(),
        Outcome::Unknown(CauseClass::Unreadable)
    );
    assert_eq!(
        case.decide(vec![missing(), case.signed_by("release")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn what_was_not_supplied_is_unknown() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let decision = check(
        &case.policies,
        case.subject.clone(),
        Arc::clone(&case.trust),
        case.now,
        vec![],
    );
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Incomplete));
}

#[test]
fn values_combine_as_kleene_says() {
    let signers = [key("a"), key("b")];
    let down = [(SourceKind::AttestationTag, outage(CauseClass::Network))];
    // By `a` there is a signature; by `b` none for certain; of the statement nothing is known.
    let (pass, fail, unknown) = (
        "{signature: {by: a}}",
        "{signature: {by: b}}",
        "{statement: {type: any, by: b}}",
    );
    for (rule, expected) in [
        (format!("{{allOf: [{pass}, {pass}]}}"), Status::Pass),
        (format!("{{allOf: [{pass}, {unknown}]}}"), Status::Unknown),
        (format!("{{allOf: [{fail}, {unknown}]}}"), Status::Fail),
        (format!("{{anyOf: [{pass}, {unknown}]}}"), Status::Pass),
        (format!("{{anyOf: [{fail}, {unknown}]}}"), Status::Unknown),
        (format!("{{anyOf: [{fail}, {fail}]}}"), Status::Fail),
        (
            format!("{{atLeast: {{count: 1, of: [{fail}, {pass}]}}}}"),
            Status::Pass,
        ),
        (
            format!("{{atLeast: {{count: 2, of: [{pass}, {unknown}]}}}}"),
            Status::Unknown,
        ),
        (
            format!("{{atLeast: {{count: 2, of: [{pass}, {fail}]}}}}"),
            Status::Fail,
        ),
        (
            format!("{{allOf: [{{anyOf: [{fail}, {unknown}]}}, {pass}]}}"),
            Status::Unknown,
        ),
    ] {
        let case = Case::new(&signers, &rule, "");
        let decision = case.decide_with(vec![case.signed_by("a")], &down);
        assert_eq!(decision.policies[0].rule.status, expected, "{rule}");
    }
}

#[test]
fn one_signer_counts_once() {
    let signers = [key("a"), key("b"), "alias: {key: {file: a}}".to_owned()];
    let two = "{atLeast: {count: 2, of: [{signature: {by: a}}, {signature: {by: alias}}, {signature: {by: b}}]}}";
    let case = Case::new(&signers, two, "");
    let decision = case.decide(vec![case.signed_by("a")]);
    assert_eq!(decision.outcome(), Outcome::NoneAcceptable);
    assert_eq!(
        decision.policies[0].rule.note.as_deref(),
        Some("2 of 3 rules pass, by 1 distinct signers; 2 are needed")
    );
    assert_eq!(
        case.decide(vec![case.signed_by("a"), case.signed_by("b")])
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn distinct_issuers_are_counted_by_issuer() {
    let signers = [
        keyless("a", "a@acme.example"),
        keyless("b", "b@acme.example"),
    ];
    let rule = |distinct: &str| {
        format!(
            "{{atLeast: {{count: 2, distinct: {distinct}, of: [{{signature: {{by: a}}}}, {{signature: {{by: b}}}}]}}}}"
        )
    };
    for (distinct, expected) in [
        ("identity", Outcome::Pass),
        ("key", Outcome::Pass),
        ("issuer", Outcome::NoneAcceptable),
    ] {
        let case = Case::new(&signers, &rule(distinct), "");
        let decision = case.decide(vec![
            case.keyless_by("a@acme.example"),
            case.keyless_by("b@acme.example"),
        ]);
        assert_eq!(decision.outcome(), expected, "{distinct}");
    }
}

#[test]
fn a_part_that_passes_may_still_lack_a_second_signer_in_a_source_that_failed() {
    let signers = [key("a"), key("b")];
    let rule = "{atLeast: {count: 2, of: [{signature: {by: [a, b]}}, {signature: {by: [a, b]}}]}}";
    let case = Case::new(&signers, rule, "");
    assert_eq!(
        case.decide(vec![case.signed_by("a")]).outcome(),
        Outcome::NoneAcceptable
    );
    let down = [(SourceKind::SignatureTag, outage(CauseClass::Network))];
    let decision = case.decide_with(vec![case.signed_by("a")], &down);
    assert_eq!(decision.outcome(), Outcome::Unknown(CauseClass::Network));
    assert_eq!(
        case.decide_with(vec![case.signed_by("a"), case.signed_by("b")], &down)
            .outcome(),
        Outcome::Pass
    );
}

#[test]
fn a_policy_in_mode_warn_admits_with_a_warning_and_keeps_its_verdict() {
    let text = |name: &str, mode: &str, signer: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  mode: {mode}\n  signers: {{{}}}\n  require: {{signature: {{by: {signer}}}}}\n",
            key(signer)
        )
    };
    let case = Case::of(set(&format!(
        "{}---\n{}",
        text("one", "enforce", "a"),
        text("two", "warn", "b")
    )));
    let decision = case.decide(vec![case.signed_by("a")]);
    assert!(matches!(decision.verdict, Verdict::Fail(_)));
    assert_eq!(decision.action, Action::AdmitWithWarning);
    let decision = case.decide(vec![case.signed_by("b")]);
    assert_eq!(decision.action, Action::Deny);
    let decision = case.decide(vec![case.signed_by("a"), case.signed_by("b")]);
    assert_eq!(
        (decision.verdict, decision.action),
        (Verdict::Pass, Action::Admit)
    );
}

#[test]
fn a_set_without_policies_passes_nothing() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let none = PolicySet::parse(&[], &Limits::DEFAULT).unwrap();
    let decision = check(
        &none,
        case.subject.clone(),
        Arc::clone(&case.trust),
        case.now,
        vec![case.signed_by("release")],
    );
    assert!(matches!(&decision.verdict, Verdict::Fail(reasons) if reasons[0].code == "no-policy"));
    assert_eq!(decision.action, Action::Deny);
}

#[test]
fn a_proof_about_another_subject_or_under_other_trust_does_not_count() {
    let case = Case::new(&[key("release")], SIGNATURE, "");
    let piece = case.signed_by("release");
    let other = Case {
        subject: Subject::image(countersign_proof::digest::sha256(b"other")),
        ..Case::of(case.policies.clone())
    };
    let decision = other.decide(vec![piece]);
    assert!(
        mismatches(&decision)[0].starts_with("binding: "),
        "{:?}",
        mismatches(&decision)
    );
    let wider = Case::new(&[key("release"), key("more")], SIGNATURE, "");
    let decision = case.decide(vec![wider.signed_by("release")]);
    assert!(
        mismatches(&decision)[0].starts_with("binding: "),
        "{:?}",
        mismatches(&decision)
    );
}

#[test]
fn withholding_evidence_never_turns_a_denial_into_a_pass() {
    let signers = [key("a"), key("b"), keyless("c", "c@acme.example")];
    let rules = [
        "{allOf: [{signature: {by: a}}, {statement: {type: spdxjson, by: b}}]}",
        "{anyOf: [{signature: {by: c}}, {allOf: [{signature: {by: a}}, {signature: {by: b}}]}]}",
        "{atLeast: {count: 2, of: [{signature: {by: a}}, {statement: {type: any, by: [a, b]}}, {signature: {by: c}}]}}",
    ];
    for rule in rules {
        let case = Case::new(&signers, rule, "");
        let supply = |index: usize| match index {
            0 => case.signed_by("a"),
            1 => case.signed_by("b"),
            2 => case.attested_by("b", "https://spdx.dev/Document"),
            3 => case.keyless_by("c@acme.example"),
            _ => case.raw("junk".to_owned()),
        };
        let passes: Vec<bool> = (0..32_u32)
            .map(|set| {
                case.decide(
                    (0..5)
                        .filter(|bit| set & (1 << bit) != 0)
                        .map(supply)
                        .collect(),
                )
                .passes()
            })
            .collect();
        for set in 0..32_usize {
            for bit in 0..5 {
                let less = set & !(1 << bit);
                assert!(
                    !passes[less] || passes[set],
                    "{rule}: {less:05b} passes and {set:05b} does not"
                );
            }
        }
    }
}

#[test]
fn the_evidence_digest_does_not_depend_on_the_order() {
    let case = Case::new(&[key("a"), key("b")], "{signature: {by: a}}", "");
    let made = |name| case.lab.managed(LabKey::p256(name)).build();
    let (a, b) = (made("a"), made("b"));
    let one = case.decide(vec![case.bundle(&a), case.bundle(&b)]);
    let two = case.decide(vec![case.bundle(&b), case.bundle(&a)]);
    assert_eq!(one.digests, two.digests);
    assert_ne!(
        one.digests.evidence,
        case.decide(vec![case.bundle(&a)]).digests.evidence
    );
}

#[test]
fn one_piece_in_two_places_is_one_piece() {
    let case = Case::new(&[key("a")], "{signature: {by: a}}", "");
    let evidence = case.lab.managed(LabKey::p256("a")).build();
    let decision = case.decide(vec![case.bundle(&evidence), case.bundle(&evidence)]);
    assert_eq!((decision.accepted.len(), decision.unused.len()), (1, 0));
}

#[test]
fn the_record_holds_what_a_script_needs() {
    let case = Case::new(&[keyless("release", "bob@acme.example")], SIGNATURE, "");
    let decision = case.decide(vec![
        case.keyless_by("eve@acme.example"),
        case.raw("junk".to_owned()),
    ]);
    let record = serde_json::to_value(decision.record()).unwrap();
    assert_eq!(record["schemaVersion"], 1);
    assert_eq!(
        (&record["verdict"], &record["outcome"]),
        (&json!("fail"), &json!("none-acceptable"))
    );
    assert_eq!(
        record["policies"][0]["rule"]["candidates"][0]["mismatches"][0]["code"],
        "identity"
    );
    assert_eq!(
        record["evidence"][0]["signer"]["identity"],
        "eve@acme.example"
    );
    assert_eq!(record["evidence"][0]["signer"]["issuer"], ISSUER);
    assert!(
        record["evidence"][0]["checks"]
            .as_array()
            .is_some_and(|checks| checks.len() > 3)
    );
    assert_eq!(record["rejected"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["sources"].as_array().map(Vec::len), Some(5));
    let reasons: BTreeMap<String, Value> =
        serde_json::from_value(record["reasons"][0].clone()).unwrap();
    assert_eq!(reasons["code"], "none-acceptable");
}
