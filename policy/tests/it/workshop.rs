//! A policy, the trust that goes with it, and evidence from the lab held against both.

use std::sync::Arc;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, TrustedRoot, UnixTime};
use countersign_policy::{
    Answer, Asked, Cause, CauseClass, Decision, PolicySet, Source, SourceKind, Supplied, check,
    check_asked,
};
use countersign_proof::{Origin, StorageForm, Subject, TrustMaterial, Unverified, verify};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, ISSUER, Lab, NOW, image_statement};
use serde_json::{Value, json};

pub(crate) const ALL_READ: [SourceKind; 4] = [
    SourceKind::BundleReferrers,
    SourceKind::SignatureTag,
    SourceKind::AttestationTag,
    SourceKind::OtherPieces,
];

/// A policy, the trust that goes with it, and evidence held against both.
pub(crate) struct Case {
    pub(crate) lab: Lab,
    pub(crate) policies: PolicySet,
    pub(crate) trust: Arc<TrustMaterial>,
    pub(crate) subject: Subject,
    pub(crate) now: UnixTime,
}

pub(crate) fn policy(signers: &str, require: &str, trust: &str) -> PolicySet {
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

    pub(crate) fn simple_signing(&self, evidence: &Evidence) -> Supplied {
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

pub(crate) fn statement(predicate_type: &str) -> Value {
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
pub(crate) fn mismatches(decision: &Decision) -> Vec<String> {
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

pub(crate) const SIGNATURE: &str = "{signature: {by: release}}";

pub(crate) const DAY: i64 = 86_400;
pub(crate) const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

/// A policy with more than signers and a rule in it.
pub(crate) fn document(more: &str, signers: &[String], require: &str) -> PolicySet {
    set(&format!(
        "apiVersion: countersign.dev/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  {more}\n  signers: {{{}}}\n  require: {require}\n",
        signers.join(", ")
    ))
}

/// So many seconds after the time of judgement.
pub(crate) fn time(offset: i64) -> String {
    UnixTime(NOW + offset).to_string()
}

/// Everything was read; the image was asked for by this name.
pub(crate) fn decide_named(case: &Case, name: &str, mut supplied: Vec<Supplied>) -> Decision {
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

/// The source was read to its end.
pub(crate) fn read(source: SourceKind) -> Supplied {
    Supplied::Source(
        source,
        Answer::Read {
            complete: true,
            as_of: UnixTime(NOW),
        },
    )
}

/// A scan that ended at `finished`, with a result in the subject's annotations.
pub(crate) fn scan(finished: Option<i64>, result: &str) -> Value {
    let mut statement = image_statement(&Lab::image());
    statement["predicateType"] = json!(VULN);
    statement["subject"][0]["annotations"] = json!({"result": result});
    statement["predicate"] = match finished {
        Some(at) => json!({"metadata": {"scanFinishedOn": UnixTime(at).to_string()}}),
        None => json!({"metadata": {"scanner": result}}),
    };
    statement
}

/// That scan, signed.
pub(crate) fn scanned(case: &Case, key: &str, finished: Option<i64>, result: &str) -> Supplied {
    let lab = Lab::new();
    case.bundle(
        &lab.managed(LabKey::p256(key))
            .statement(&scan(finished, result))
            .build(),
    )
}

/// The codes of what the candidates miss.
pub(crate) fn codes(decision: &Decision) -> Vec<&'static str> {
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
