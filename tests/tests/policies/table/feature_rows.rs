//! What policies can say, each with something that its example admits and something that it denies.

use countersign_formats::UnixTime;
use countersign_policy::{Action, CauseClass, CounterFactual, Lint, Outcome, Status};
use countersign_testdata::lab::Lab;

use super::Row;
use super::found::{
    admits, altered, built, denies, during, finds, is_denied, layered, managed, named, of_index,
    person, piped, release, review, scanned, signed, stamped, table_of_tests, thresholds, unseen,
    verdict_of,
};
use crate::{decide, example};

pub(super) const ROWS: &[Row] = &[
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
];
