//! The attacks that policies stand against, each with what is admitted all the same and what is denied.

use countersign_policy::{Action, CauseClass};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, image_statement};

use super::Row;
use super::found::{
    admits, altered, annotated, denies, during, garbage, is_denied, layered, managed, of_index,
    person, scanned, signed, stamped, stated,
};
use crate::features::scan;
use crate::{decide, example};

pub(super) const ROWS: &[Row] = &[
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
