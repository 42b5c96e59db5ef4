//! What the rows of the table try: evidence of every kind, and what the examples make of it.

use countersign_formats::{Digest, Limits};
use countersign_policy::{
    Action, Asked, CauseClass, Decision, Lint, Outcome, PolicyError, PolicySet, Source, Status,
    TestTable,
};
use countersign_proof::Subject;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, image_statement};
use serde_json::json;

use crate::features::{by, index, judge, scan};
use crate::{decide, example, folder, source, statement, workflow};

/// The example admits what was found.
pub(super) fn admits(name: &str, found: &[Evidence]) -> bool {
    let decision = decide(&example(name), &Lab::new(), found);
    decision.passes() && decision.action == Action::Admit
}

/// The example denies what was found.
pub(super) fn denies(name: &str, found: &[Evidence]) -> bool {
    is_denied(&decide(&example(name), &Lab::new(), found))
}

/// An answer, and not "could not find out".
pub(super) fn is_denied(decision: &Decision) -> bool {
    matches!(
        decision.outcome(),
        Outcome::NoEvidence | Outcome::NoneAcceptable | Outcome::NoCertificate
    ) && decision.action == Action::Deny
}

pub(super) fn signed(key: &str) -> Evidence {
    by(&Lab::new(), key)
}

pub(super) fn stamped(key: &str) -> Evidence {
    Lab::new().managed(LabKey::p256(key)).timestamped().build()
}

pub(super) fn person(name: &str) -> Evidence {
    let lab = Lab::new();
    lab.keyless(&format!("{name}@acme.example"))
        .rekor_v1()
        .build()
}

pub(super) fn stated(key: &str, made: &serde_json::Value) -> Evidence {
    Lab::new()
        .managed(LabKey::p256(key))
        .statement(made)
        .build()
}

pub(super) fn review(key: &str) -> Evidence {
    stated(key, &statement("https://acme.example/review/v1"))
}

pub(super) fn verdict_of(text: &str, approve: &str) -> Evidence {
    let mut made = statement("https://acme.example/review/v1");
    made["predicate"] = json!({"text": text});
    made["subject"][0]["annotations"] = json!({"verdict": approve});
    stated("release", &made)
}

pub(super) fn scanned(days: i64, result: &str) -> Evidence {
    stated("release", &scan(Some(days), result))
}

pub(super) fn annotated() -> Evidence {
    let mut made = image_statement(&Lab::image());
    made["subject"][0]["annotations"] = json!({"env": "prod"});
    stated("release", &made)
}

/// A certificate that no certificate transparency log has seen.
pub(super) fn unseen() -> Evidence {
    let bend = |certificate: &mut countersign_testdata::certificate::CertificateSpec| {
        certificate.scts = Vec::new();
    };
    Lab::new()
        .keyless("alice@acme.example")
        .certificate(bend)
        .rekor_v1()
        .build()
}

/// So many envelopes, each with a signature of its own that is none.
pub(super) fn garbage(count: usize) -> Vec<Evidence> {
    let signed = signed("release");
    (0..count)
        .map(|number| {
            let mut garbage = signed.clone();
            garbage.bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(format!("{number:04}"));
            garbage
        })
        .collect()
}

pub(super) const RELEASE: &str =
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.4.0";

pub(super) fn release(git_ref: &str) -> Evidence {
    let claims = [
        (12, "https://github.com/acme/app"),
        (14, git_ref),
        (18, RELEASE),
        (20, "push"),
    ];
    workflow(&Lab::new(), RELEASE, &claims, None)
}

pub(super) fn built(repository: &str) -> Evidence {
    let mut made = statement("https://slsa.dev/provenance/v0.2");
    made["predicate"] = json!({"sourceRepositoryUri": "https://github.com/acme/app"});
    let claims = [(12, repository), (14, "refs/heads/main")];
    workflow(&Lab::new(), crate::BUILDER, &claims, Some(&made))
}

pub(super) fn managed(git_ref: &str, managers: Vec<Evidence>) -> Vec<Evidence> {
    let claims = [
        (12, "https://github.com/acme/app"),
        (14, git_ref),
        (18, RELEASE),
    ];
    let made = statement("https://slsa.dev/provenance/v1");
    let mut found = vec![workflow(&Lab::new(), RELEASE, &claims, Some(&made))];
    found.extend(managers);
    found
}

pub(super) fn piped(ref_claim: &str, sbom: bool) -> Vec<Evidence> {
    let lab = Lab::new();
    let issuer = "https://gitlab.acme.example";
    let identity = "https://gitlab.acme.example/platform/app//.gitlab-ci.yml@refs/heads/main";
    let made = |predicate: Option<&str>| {
        let ref_claim = ref_claim.to_owned();
        let mut recipe = lab
            .certified(countersign_testdata::certificate::uri_name(identity))
            .certificate(move |certificate| {
                use countersign_testdata::certificate::{claim, raw_claim};
                certificate.replace(raw_claim(1, issuer));
                for (number, text) in [
                    (8, issuer),
                    (11, "self-hosted"),
                    (12, "https://gitlab.acme.example/platform/app"),
                    (14, ref_claim.as_str()),
                ] {
                    certificate.replace(claim(number, text));
                }
            });
        if let Some(predicate) = predicate {
            recipe = recipe.statement(&statement(predicate));
        }
        recipe.timestamped().build()
    };
    let mut found = vec![made(None)];
    found.extend(sbom.then(|| made(Some("https://spdx.dev/Document"))));
    found
}

/// Judges an index whose own signature, and those of its two images, are by these keys; through it, its first image where so asked.
pub(super) fn of_index(
    name: &str,
    through: bool,
    own: Option<&str>,
    images: [Option<&str>; 2],
) -> Decision {
    let (image, one, other) = index();
    let own_digest = *image.digest();
    let signed: Vec<(Digest, &str)> = [(own_digest, own), (one, images[0]), (other, images[1])]
        .into_iter()
        .filter_map(|(digest, key)| Some((digest, key?)))
        .collect();
    let asked = if through {
        Asked::about(Subject::image(one))
            .through(image.clone())
            .expect("listed")
    } else {
        Asked::about(Subject::image(own_digest))
    };
    judge(name, asked, &image, &signed, None)
}

pub(super) fn during(class: Option<CauseClass>, key: Option<&'static str>) -> Decision {
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let signed: Vec<(Digest, &str)> = key.into_iter().map(|key| (own, key)).collect();
    let asked = Asked::about(Subject::image(own));
    judge("outage", asked, &index().0, &signed, class)
}

pub(super) fn named(repository: &str, key: Option<&'static str>) -> Decision {
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let signed: Vec<(Digest, &str)> = key.into_iter().map(|key| (own, key)).collect();
    let asked = Asked::about(Subject::image(own)).named(repository);
    judge("team-scope", asked, &index().0, &signed, None)
}

pub(super) fn text(name: &str) -> String {
    let path = folder().join("examples").join(format!("{name}.yaml"));
    std::fs::read_to_string(path).expect("the example")
}

/// The example with one text in place of another.
pub(super) fn altered(name: &str, text_in_it: &str, other: &str) -> Result<PolicySet, PolicyError> {
    let good = text(name);
    assert_eq!(
        good.matches(text_in_it).count(),
        1,
        "`{text_in_it}` stands once"
    );
    PolicySet::parse(
        &[source(name, &good.replace(text_in_it, other))],
        &Limits::DEFAULT,
    )
}

pub(super) fn layered(found: &[Evidence]) -> Decision {
    let broad = example("pinned-key");
    let both = broad.with_layer(&example("namespace")).expect("two names");
    decide(&both, &Lab::new(), found)
}

pub(super) fn table_of_tests(expected: Status) -> bool {
    let path = folder().join("tests/example-package/test.yaml");
    let bytes = std::fs::read(path).expect("the table").into();
    let source = Source {
        name: "test.yaml".to_owned(),
        bytes,
    };
    let table = TestTable::parse(&source, &Limits::DEFAULT).expect("a table");
    table.cases.iter().any(|case| case.verdict == expected)
}

pub(super) fn finds(policies: &PolicySet, lint: Lint) -> bool {
    policies
        .lint(None)
        .iter()
        .any(|finding| finding.lint == lint)
}

/// The example is held to more proof than the piece has.
pub(super) fn thresholds(found: Evidence) -> Decision {
    let strict = altered(
        "pinned-key",
        "  require:",
        "  trust: {keys: {timestamps: 1}}\n  require:",
    );
    decide(&strict.expect("a policy"), &Lab::new(), &[found])
}
