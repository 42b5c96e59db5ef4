//! The table of what policies can say: each row names its example, something that it admits and something that it denies, and
//! both are tried. `docs/policy/features.md` is made of it: `UPDATE_FEATURES=1 cargo test -p countersign-tests --test policies table`.

use countersign_formats::{Digest, Limits, UnixTime};
use countersign_policy::{
    Action, Asked, CauseClass, CounterFactual, Decision, Lint, Outcome, PolicyError, PolicySet,
    Source, Status, TestTable,
};
use countersign_proof::Subject;
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Evidence, Lab, image_statement};
use serde_json::json;

use crate::features::{by, index, judge, scan};
use crate::{decide, example, folder, source, statement, workflow};

/// Something that was tried: in words, and whether it came out so.
type Tried = (&'static str, fn() -> bool);

/// One thing that policies can say, or one attack that they stand against.
struct Row {
    title: &'static str,
    /// Files below `docs/policy`.
    examples: &'static [&'static str],
    admits: Tried,
    denies: Tried,
}

/// What the table must have a row for, in this order.
const FEATURES: &[&str] = &[
    "a strict document",
    "`allOf`",
    "`anyOf`",
    "`atLeast`, by distinct signers",
    "three values: an outage is no denial and no pass",
    "`select: latest` and `maxAge`",
    "`select: all`",
    "`subject: index`",
    "`subject: platform` with `via: index`",
    "`subject: eachPlatform`",
    "keys with windows",
    "a pinned key",
    "a compromised key",
    "keyless, by claims about the build",
    "the builder bound to its certificate",
    "thresholds of proof",
    "scopes and dated exceptions",
    "deny-lists",
    "an expiry, and until when a decision holds",
    "modes",
    "a check that is left out, with its reason",
    "layers that only add",
    "`policy explain`",
    "`policy test` over a recorded pack",
    "`policy lint`",
];

/// The attacks that belong to the tree of rules.
const ATTACKS: &[&str] = &[
    "an unsigned piece that says it is a signature",
    "evidence about another image",
    "a thousand pieces of garbage before the good one",
    "two statements, and the newer one is dirty",
    "the statement is withheld",
    "annotations that nobody signed",
    "trust that is stale",
    "a time from the future",
    "a policy without requirements",
    "a namespace's policy weaker than the cluster's",
    "one signer counted twice",
    "the index is signed and the platform's image is not, and the reverse",
    "a pass that is kept after the key was revoked",
];

fn admits(name: &str, found: &[Evidence]) -> bool {
    let decision = decide(&example(name), &Lab::new(), found);
    decision.passes() && decision.action == Action::Admit
}

fn denies(name: &str, found: &[Evidence]) -> bool {
    is_denied(&decide(&example(name), &Lab::new(), found))
}

/// An answer, and not "could not find out".
fn is_denied(decision: &Decision) -> bool {
    matches!(
        decision.outcome(),
        Outcome::NoEvidence | Outcome::NoneAcceptable | Outcome::NoCertificate
    ) && decision.action == Action::Deny
}

fn signed(key: &str) -> Evidence {
    by(&Lab::new(), key)
}

fn stamped(key: &str) -> Evidence {
    Lab::new().managed(LabKey::p256(key)).timestamped().build()
}

fn person(name: &str) -> Evidence {
    let lab = Lab::new();
    lab.keyless(&format!("{name}@acme.example"))
        .rekor_v1()
        .build()
}

fn stated(key: &str, made: &serde_json::Value) -> Evidence {
    Lab::new()
        .managed(LabKey::p256(key))
        .statement(made)
        .build()
}

fn review(key: &str) -> Evidence {
    stated(key, &statement("https://acme.example/review/v1"))
}

fn verdict_of(text: &str, approve: &str) -> Evidence {
    let mut made = statement("https://acme.example/review/v1");
    made["predicate"] = json!({"text": text});
    made["subject"][0]["annotations"] = json!({"verdict": approve});
    stated("release", &made)
}

fn scanned(days: i64, result: &str) -> Evidence {
    stated("release", &scan(Some(days), result))
}

fn annotated() -> Evidence {
    let mut made = image_statement(&Lab::image());
    made["subject"][0]["annotations"] = json!({"env": "prod"});
    stated("release", &made)
}

/// So many envelopes, each with a signature of its own that is none.
fn garbage(count: usize) -> Vec<Evidence> {
    let signed = signed("release");
    (0..count)
        .map(|number| {
            let mut garbage = signed.clone();
            garbage.bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(format!("{number:04}"));
            garbage
        })
        .collect()
}

const RELEASE: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.4.0";

fn release(git_ref: &str) -> Evidence {
    let claims = [
        (12, "https://github.com/acme/app"),
        (14, git_ref),
        (18, RELEASE),
        (20, "push"),
    ];
    workflow(&Lab::new(), RELEASE, &claims, None)
}

fn built(repository: &str) -> Evidence {
    let mut made = statement("https://slsa.dev/provenance/v0.2");
    made["predicate"] = json!({"sourceRepositoryUri": "https://github.com/acme/app"});
    let claims = [(12, repository), (14, "refs/heads/main")];
    workflow(&Lab::new(), crate::BUILDER, &claims, Some(&made))
}

fn managed(git_ref: &str, managers: Vec<Evidence>) -> Vec<Evidence> {
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

fn piped(ref_claim: &str, sbom: bool) -> Vec<Evidence> {
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
fn of_index(name: &str, through: bool, own: Option<&str>, images: [Option<&str>; 2]) -> Decision {
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

fn during(class: Option<CauseClass>, key: Option<&'static str>) -> Decision {
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let signed: Vec<(Digest, &str)> = key.into_iter().map(|key| (own, key)).collect();
    let asked = Asked::about(Subject::image(own));
    judge("outage", asked, &index().0, &signed, class)
}

fn named(repository: &str, key: Option<&'static str>) -> Decision {
    let own = Digest::parse(&Lab::image()).expect("a digest");
    let signed: Vec<(Digest, &str)> = key.into_iter().map(|key| (own, key)).collect();
    let asked = Asked::about(Subject::image(own)).named(repository);
    judge("team-scope", asked, &index().0, &signed, None)
}

fn text(name: &str) -> String {
    let path = folder().join("examples").join(format!("{name}.yaml"));
    std::fs::read_to_string(path).expect("the example")
}

/// The example with one text in place of another.
fn altered(name: &str, text_in_it: &str, other: &str) -> Result<PolicySet, PolicyError> {
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

fn layered(found: &[Evidence]) -> Decision {
    let broad = example("pinned-key");
    let both = broad.with_layer(&example("namespace")).expect("two names");
    decide(&both, &Lab::new(), found)
}

fn table_of_tests(expected: Status) -> bool {
    let path = folder().join("tests/example-package/test.yaml");
    let bytes = std::fs::read(path).expect("the table").into();
    let source = Source {
        name: "test.yaml".to_owned(),
        bytes,
    };
    let table = TestTable::parse(&source, &Limits::DEFAULT).expect("a table");
    table.cases.iter().any(|case| case.verdict == expected)
}

fn finds(policies: &PolicySet, lint: Lint) -> bool {
    policies
        .lint(None)
        .iter()
        .any(|finding| finding.lint == lint)
}

/// The example is held to more proof than the piece has.
fn thresholds(found: Evidence) -> Decision {
    let strict = altered(
        "pinned-key",
        "  require:",
        "  trust: {keys: {timestamps: 1}}\n  require:",
    );
    decide(&strict.expect("a policy"), &Lab::new(), &[found])
}

const ROWS: &[Row] = &[
    Row {
        title: "a strict document",
        examples: &["examples/one-key.yaml", "mistakes.md"],
        admits: ("the example is read", || {
            altered("one-key", "env: prod", "env: dev").is_ok()
        }),
        denies: ("`require` misspelled is refused", || {
            altered("one-key", "  require:", "  requires:").is_err()
        }),
    },
    Row {
        title: "`allOf`",
        examples: &["examples/managers.yaml"],
        admits: ("the build and two managers", || {
            admits(
                "managers",
                &managed("refs/heads/main", vec![person("ann"), person("ben")]),
            )
        }),
        denies: ("two managers without the build", || {
            denies("managers", &[person("ann"), person("ben")])
        }),
    },
    Row {
        title: "`anyOf`",
        examples: &["examples/own-gitlab.yaml"],
        admits: ("an SBOM of one of the two formats", || {
            admits("own-gitlab", &piped("refs/heads/main", true))
        }),
        denies: ("no SBOM", || {
            denies("own-gitlab", &piped("refs/heads/main", false))
        }),
    },
    Row {
        title: "`atLeast`, by distinct signers",
        examples: &["examples/two-reviewers.yaml"],
        admits: ("reviews by two people", || {
            admits(
                "two-reviewers",
                &[review("reviewer-a"), review("reviewer-b")],
            )
        }),
        denies: ("a review by one", || {
            denies("two-reviewers", &[review("reviewer-a")])
        }),
    },
    Row {
        title: "three values: an outage is no denial and no pass",
        examples: &["examples/outage.yaml"],
        admits: (
            "an image whose registry is away, with a warning and the verdict unknown",
            || {
                let decision = during(Some(CauseClass::Network), None);
                matches!(decision.outcome(), Outcome::Unknown(_))
                    && decision.action == Action::AdmitWithWarning
            },
        ),
        denies: ("a registry that lists more than it gives", || {
            let decision = during(Some(CauseClass::Incomplete), None);
            matches!(decision.outcome(), Outcome::Unknown(_)) && decision.action == Action::Deny
        }),
    },
    Row {
        title: "`select: latest` and `maxAge`",
        examples: &["examples/fresh-scan.yaml"],
        admits: ("a clean scan of yesterday", || {
            admits("fresh-scan", &[scanned(1, "clean")])
        }),
        denies: ("one of last week", || {
            denies("fresh-scan", &[scanned(8, "clean")])
        }),
    },
    Row {
        title: "`select: all`",
        examples: &["examples/all-reviews.yaml"],
        admits: ("two reviews that approve", || {
            admits(
                "all-reviews",
                &[verdict_of("one", "approve"), verdict_of("two", "approve")],
            )
        }),
        denies: ("two that approve and one that refuses", || {
            denies(
                "all-reviews",
                &[
                    verdict_of("one", "approve"),
                    verdict_of("two", "approve"),
                    verdict_of("no", "refuse"),
                ],
            )
        }),
    },
    Row {
        title: "`subject: index`",
        examples: &["examples/index-itself.yaml"],
        admits: ("an image of a signed index", || {
            of_index("index-itself", true, Some("release"), [None; 2]).passes()
        }),
        denies: ("a signed image of an index that is not", || {
            is_denied(&of_index("index-itself", true, None, [Some("release"); 2]))
        }),
    },
    Row {
        title: "`subject: platform` with `via: index`",
        examples: &["examples/signed-index.yaml"],
        admits: ("an image of a signed index", || {
            of_index("signed-index", true, Some("release"), [None; 2]).passes()
        }),
        denies: (
            "an image of which only another of the index is signed",
            || {
                is_denied(&of_index(
                    "signed-index",
                    true,
                    None,
                    [None, Some("release")],
                ))
            },
        ),
    },
    Row {
        title: "`subject: eachPlatform`",
        examples: &["examples/each-platform.yaml"],
        admits: ("an index with both images signed", || {
            of_index("each-platform", false, None, [Some("release"); 2]).passes()
        }),
        denies: ("one with a single image signed", || {
            is_denied(&of_index(
                "each-platform",
                false,
                Some("release"),
                [Some("release"), None],
            ))
        }),
    },
    Row {
        title: "keys with windows",
        examples: &["examples/rotated-key.yaml"],
        admits: ("what the old key is proven to have signed in time", || {
            admits("rotated-key", &[stamped("old")])
        }),
        denies: ("what it may have signed today", || {
            denies("rotated-key", &[signed("old")])
        }),
    },
    Row {
        title: "a pinned key",
        examples: &["examples/pinned-key.yaml"],
        admits: ("what the pinned key signed", || {
            admits("pinned-key", &[signed("release")])
        }),
        denies: ("another pin is refused when the policy is read", || {
            altered("pinned-key", "sha256:c95a", "sha256:c95b").is_err()
        }),
    },
    Row {
        title: "a compromised key",
        examples: &["examples/compromised-key.yaml"],
        admits: ("what the stolen key signed before", || {
            admits("compromised-key", &[stamped("old")])
        }),
        denies: ("what it may have signed since", || {
            denies("compromised-key", &[signed("old")])
        }),
    },
    Row {
        title: "keyless, by claims about the build",
        examples: &["examples/github-release.yaml"],
        admits: ("a build of a tag", || {
            admits("github-release", &[release("refs/tags/v1.4.0")])
        }),
        denies: ("a build of a branch", || {
            denies("github-release", &[release("refs/heads/main")])
        }),
    },
    Row {
        title: "the builder bound to its certificate",
        examples: &["examples/slsa-builder.yaml"],
        admits: ("provenance for the repository", || {
            admits("slsa-builder", &[built("https://github.com/acme/app")])
        }),
        denies: (
            "a predicate that says so under a certificate that does not",
            || denies("slsa-builder", &[built("https://github.com/evil/app")]),
        ),
    },
    Row {
        title: "thresholds of proof",
        examples: &["examples/own-gitlab.yaml", "examples/pinned-key.yaml"],
        admits: (
            "a stamped signature where one timestamp is demanded",
            || thresholds(stamped("release")).passes(),
        ),
        denies: ("a plain one", || is_denied(&thresholds(signed("release")))),
    },
    Row {
        title: "scopes and dated exceptions",
        examples: &["examples/team-scope.yaml"],
        admits: ("a legacy image that nobody signed, with a warning", || {
            let decision = named("ghcr.io/acme/legacy/app", None);
            decision.passes() && decision.action == Action::AdmitWithWarning
        }),
        denies: ("a signed image of which no policy speaks", || {
            is_denied(&named("docker.io/library/alpine", Some("release")))
        }),
    },
    Row {
        title: "deny-lists",
        examples: &["examples/deny-list.yaml"],
        admits: ("what Alice signed", || {
            admits("deny-list", &[person("alice")])
        }),
        denies: ("what Eve signed, who left", || {
            denies("deny-list", &[person("eve")])
        }),
    },
    Row {
        title: "an expiry, and until when a decision holds",
        examples: &["examples/team-scope.yaml"],
        admits: ("until the last second of the policy's day", || {
            let decision = named("ghcr.io/acme/app", Some("release"));
            let last = UnixTime::parse_rfc3339("2027-06-30T23:59:59Z").ok();
            decision.passes() && decision.valid_until == last
        }),
        denies: ("under a policy that is over", || {
            let over = altered("team-scope", "expires: 2027-06-30", "expires: 2020-06-30")
                .expect("a policy");
            is_denied(&decide(&over, &Lab::new(), &[signed("release")]))
        }),
    },
    Row {
        title: "modes",
        examples: &["examples/rollout.yaml"],
        admits: (
            "under `audit` what is not signed, and the verdict stays no",
            || {
                let decision = decide(&example("rollout"), &Lab::new(), &[]);
                !decision.passes() && decision.action == Action::Admit
            },
        ),
        denies: ("the same under `enforce`", || {
            let enforced = altered("rollout", "mode: audit", "mode: enforce").expect("a policy");
            is_denied(&decide(&enforced, &Lab::new(), &[]))
        }),
    },
    Row {
        title: "a check that is left out, with its reason",
        examples: &["examples/no-sct.yaml"],
        admits: (
            "a certificate that no log has seen, and the decision says why",
            || {
                let decision = decide(&example("no-sct"), &Lab::new(), &[unseen()]);
                decision.passes() && !decision.policies[0].insecure[0].reason.is_empty()
            },
        ),
        denies: ("a switch without a reason is refused", || {
            altered("no-sct", "{reason: OPS-77 until our own log runs}", "{}").is_err()
        }),
    },
    Row {
        title: "layers that only add",
        examples: &["examples/pinned-key.yaml", "examples/namespace.yaml"],
        admits: ("what both keys signed", || {
            layered(&[signed("release"), signed("old")]).passes()
        }),
        denies: ("what the namespace's key alone signed", || {
            is_denied(&layered(&[signed("old")]))
        }),
    },
    Row {
        title: "`policy explain`",
        examples: &["explain.md", "examples/two-reviewers.yaml"],
        admits: ("nothing has to change for what passes", || {
            let found = [review("reviewer-a"), review("reviewer-b")];
            let decision = decide(&example("two-reviewers"), &Lab::new(), &found);
            decision.explain().change == CounterFactual::Passes
        }),
        denies: ("one more review would be enough for what does not", || {
            let decision = decide(
                &example("two-reviewers"),
                &Lab::new(),
                &[review("reviewer-a")],
            );
            matches!(
                decision.explain().change,
                CounterFactual::Changes {
                    facts: 1,
                    count: 2,
                    ..
                }
            )
        }),
    },
    Row {
        title: "`policy test` over a recorded pack",
        examples: &["tests/example-package/test.yaml"],
        admits: ("cases of the table expect a pass", || {
            table_of_tests(Status::Pass)
        }),
        denies: ("cases of the table expect a denial", || {
            table_of_tests(Status::Fail)
        }),
    },
    Row {
        title: "`policy lint`",
        examples: &["examples/managers.yaml"],
        admits: ("nothing is found in the example", || {
            example("managers").warnings().is_empty()
        }),
        denies: ("an identity that everybody has is found", || {
            let loose = altered("managers", "identity: ann@acme.example", "identity: \"**\"")
                .expect("a policy");
            finds(&loose, Lint::AlwaysPass)
        }),
    },
    Row {
        title: "an unsigned piece that says it is a signature",
        examples: &["examples/pinned-key.yaml"],
        admits: ("the signature itself", || {
            admits("pinned-key", &[signed("release")])
        }),
        denies: ("its envelope with another signature", || {
            denies("pinned-key", &garbage(1))
        }),
    },
    Row {
        title: "evidence about another image",
        examples: &["examples/pinned-key.yaml"],
        admits: ("a signature of this one", || {
            admits("pinned-key", &[signed("release")])
        }),
        denies: ("one of another", || {
            let other = image_statement(&format!("sha256:{}", "e".repeat(64)));
            denies("pinned-key", &[stated("release", &other)])
        }),
    },
    Row {
        title: "a thousand pieces of garbage before the good one",
        examples: &["examples/pinned-key.yaml"],
        admits: ("the good one is found", || {
            let mut found = garbage(1_000);
            found.push(signed("release"));
            admits("pinned-key", &found)
        }),
        denies: ("garbage alone", || denies("pinned-key", &garbage(10))),
    },
    Row {
        title: "two statements, and the newer one is dirty",
        examples: &["examples/fresh-scan.yaml"],
        admits: (
            "the newer one is clean, and the older proven to be older",
            || {
                let lab = Lab::new();
                let made = scan(Some(40), "dirty");
                let older = lab.managed(LabKey::p256("release")).statement(&made);
                admits(
                    "fresh-scan",
                    &[older.timestamped().build(), scanned(1, "clean")],
                )
            },
        ),
        denies: ("the newer one is dirty", || {
            denies("fresh-scan", &[scanned(2, "clean"), scanned(1, "dirty")])
        }),
    },
    Row {
        title: "the statement is withheld",
        examples: &["examples/fresh-scan.yaml"],
        admits: ("the scan that is there", || {
            admits("fresh-scan", &[scanned(1, "clean")])
        }),
        denies: ("none is there", || denies("fresh-scan", &[])),
    },
    Row {
        title: "annotations that nobody signed",
        examples: &["examples/one-key.yaml"],
        admits: ("`env=prod` was signed", || {
            admits("one-key", &[annotated()])
        }),
        denies: ("a signature without it", || {
            denies("one-key", &[signed("release")])
        }),
    },
    Row {
        title: "trust that is stale",
        examples: &["examples/outage.yaml"],
        admits: ("with a warning where the policy excuses it", || {
            during(Some(CauseClass::StaleTrust), None).action == Action::AdmitWithWarning
        }),
        denies: ("trust that is not the pinned one", || {
            during(Some(CauseClass::WrongTrust), None).action == Action::Deny
        }),
    },
    Row {
        title: "a time from the future",
        examples: &["examples/rotated-key.yaml"],
        admits: ("a signature that was stamped in the past", || {
            admits("rotated-key", &[stamped("old")])
        }),
        denies: ("one with a log entry of tomorrow", || {
            let lab = Lab::new();
            let tomorrow = countersign_testdata::lab::NOW + 86_400;
            let made = lab
                .managed(LabKey::p256("old"))
                .rekor_v1()
                .integrated_at(tomorrow)
                .build();
            denies("rotated-key", &[made])
        }),
    },
    Row {
        title: "a policy without requirements",
        examples: &["examples/pinned-key.yaml"],
        admits: ("the example asks for something", || {
            example("pinned-key").policies().len() == 1
        }),
        denies: ("`require` with an empty list is refused", || {
            altered("pinned-key", "signature: {by: release}", "allOf: []").is_err()
        }),
    },
    Row {
        title: "a namespace's policy weaker than the cluster's",
        examples: &["examples/pinned-key.yaml", "examples/namespace.yaml"],
        admits: (
            "what the cluster's key signed, since the namespace only audits",
            || layered(&[signed("release")]).action == Action::Admit,
        ),
        denies: ("nothing signed, although the namespace only audits", || {
            is_denied(&layered(&[]))
        }),
    },
    Row {
        title: "one signer counted twice",
        examples: &["examples/managers.yaml"],
        admits: ("two managers", || {
            admits(
                "managers",
                &managed("refs/heads/main", vec![person("ann"), signed("release")]),
            )
        }),
        denies: ("one manager with both keys", || {
            denies(
                "managers",
                &managed("refs/heads/main", vec![stamped("old"), signed("release")]),
            )
        }),
    },
    Row {
        title: "the index is signed and the platform's image is not, and the reverse",
        examples: &["examples/each-platform.yaml", "examples/index-itself.yaml"],
        admits: ("each as its own rule says", || {
            of_index("each-platform", true, None, [Some("release"); 2]).passes()
                && of_index("index-itself", false, Some("release"), [None; 2]).passes()
        }),
        denies: ("either in place of the other", || {
            is_denied(&of_index("each-platform", true, Some("release"), [None; 2]))
                && is_denied(&of_index("index-itself", false, None, [Some("release"); 2]))
        }),
    },
    Row {
        title: "a pass that is kept after the key was revoked",
        examples: &["examples/compromised-key.yaml"],
        admits: ("while nothing is known of a theft", || {
            let before =
                altered("compromised-key", ", compromisedSince: 2026-03-01", "").expect("a policy");
            decide(&before, &Lab::new(), &[signed("old")]).passes()
        }),
        denies: (
            "the policy that knows of it is another one, by its digest, and denies",
            || {
                let before = altered("compromised-key", ", compromisedSince: 2026-03-01", "")
                    .expect("a policy");
                let decision = decide(&example("compromised-key"), &Lab::new(), &[signed("old")]);
                is_denied(&decision) && decision.digests.policy != before.digest()
            },
        ),
    },
];

/// A certificate that no certificate transparency log has seen.
fn unseen() -> Evidence {
    let bend = |certificate: &mut countersign_testdata::certificate::CertificateSpec| {
        certificate.scts = Vec::new();
    };
    Lab::new()
        .keyless("alice@acme.example")
        .certificate(bend)
        .rekor_v1()
        .build()
}

const HEAD: &str = "# What policies can say

Each row was tried: the example admits what stands in the third column and denies what stands in the fourth. A test makes this page
and tries every row: `UPDATE_FEATURES=1 cargo test -p countersign-tests --test policies table`.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (heading, titles) in [("Features", FEATURES), ("Attacks", ATTACKS)] {
        page.push_str(&format!(
            "\n## {heading}\n\n| | example | admitted | denied |\n|---|---|---|---|\n"
        ));
        for row in ROWS.iter().filter(|row| titles.contains(&row.title)) {
            let examples: Vec<String> = row
                .examples
                .iter()
                .map(|file| {
                    let name = file.trim_start_matches("examples/");
                    format!("[{name}]({file})")
                })
                .collect();
            page.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                row.title,
                examples.join(", "),
                row.admits.0,
                row.denies.0
            ));
        }
    }
    page
}

#[test]
fn every_feature_and_every_attack_has_its_row_and_every_row_its_examples() {
    let wanted: Vec<&str> = FEATURES.iter().chain(ATTACKS).copied().collect();
    let found: Vec<&str> = ROWS.iter().map(|row| row.title).collect();
    assert_eq!(wanted, found, "a row is missing, or stands elsewhere");
    for row in ROWS {
        assert!(!row.examples.is_empty(), "{} has no example", row.title);
        for file in row.examples {
            assert!(folder().join(file).is_file(), "{}: {file}", row.title);
        }
    }
    // No example stands there untried.
    for entry in std::fs::read_dir(folder().join("examples")).expect("examples") {
        let name = entry.expect("entry").file_name();
        let file = format!("examples/{}", name.to_string_lossy());
        let tried = ROWS.iter().any(|row| row.examples.contains(&file.as_str()));
        assert!(tried, "{file} is in no row");
    }
}

#[test]
fn every_row_admits_and_denies_what_it_says() {
    let wrong: Vec<String> = ROWS
        .iter()
        .flat_map(|row| {
            [
                ("admits", row.title, row.admits),
                ("denies", row.title, row.denies),
            ]
        })
        .filter(|(_, _, (_, tried))| !tried())
        .map(|(word, title, (words, _))| format!("{title} {word}: {words}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_of_features_is_that_of_the_table() {
    let path = folder().join("features.md");
    let page = page();
    if std::env::var_os("UPDATE_FEATURES").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page, "`UPDATE_FEATURES=1` writes the page anew");
}
