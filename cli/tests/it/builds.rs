//! Signers named by what their certificate says about the build: workflows of GitHub, pipelines of GitLab.

use countersign_testdata::certificate::{CertificateSpec, claim, raw_claim, uri_name};
use countersign_testdata::lab::{Lab, Recipe};

use crate::program::Run;
use crate::workshop::Workshop;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const WORKFLOW: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";
const PIPELINE: &str = "https://gitlab.com/acme/apps/shop//.gitlab-ci.yml@refs/heads/main";

/// A bundle of the lab's artifact whose certificate has these claims and no others.
fn signed(name: &str, issuer: &'static str, claims: Vec<(u8, &'static str)>) -> Workshop {
    let lab = Lab::new();
    let recipe: Recipe<'_> = lab
        .certified(uri_name(name))
        .message(&Lab::artifact())
        .certificate(move |spec: &mut CertificateSpec| {
            spec.replace(raw_claim(1, issuer));
            spec.replace(claim(8, issuer));
            for (number, text) in &claims {
                spec.extensions.push(match number {
                    1..=6 => raw_claim(*number, text),
                    _ => claim(*number, text),
                });
            }
        })
        .rekor_v1();
    let workshop = Workshop::new();
    workshop.write("bundle.json", recipe.build().bundle.to_string().as_bytes());
    workshop.write("root.json", lab.trusted_root().to_string().as_bytes());
    workshop.write("artifact", &Lab::artifact());
    workshop
}

fn github_of_today() -> Workshop {
    signed(
        WORKFLOW,
        GITHUB,
        vec![
            (12, "https://github.com/acme/shop"),
            (13, "0123456789012345678901234567890123456789"),
            (14, "refs/heads/main"),
            (18, WORKFLOW),
            (20, "push"),
        ],
    )
}

/// Certificates of 2022 have the deprecated extensions alone.
fn github_of_old() -> Workshop {
    signed(
        WORKFLOW,
        GITHUB,
        vec![
            (2, "push"),
            (3, "0123456789012345678901234567890123456789"),
            (4, "Release"),
            (5, "acme/shop"),
            (6, "refs/heads/main"),
        ],
    )
}

fn gitlab() -> Workshop {
    signed(
        PIPELINE,
        GITLAB,
        vec![
            (12, "https://gitlab.com/acme/apps/shop"),
            (13, "0123456789012345678901234567890123456789"),
            (14, "refs/heads/main"),
            (18, PIPELINE),
            (20, "push"),
        ],
    )
}

fn verify(workshop: &Workshop, flags: &str) -> Run {
    workshop.run(&format!(
        "verify-blob --offline --bundle bundle.json --trusted-root root.json {flags} artifact"
    ))
}

/// Each flag alone beside the one that says whose build it is: right, and a near miss with the words that tell it.
fn each_flag(workshop: &Workshop, whose: &str, rows: &[(&str, &str, &str, &str)]) {
    verify(workshop, whose).ends(0);
    for (flag, right, wrong, words) in rows {
        verify(workshop, &format!("{whose} {flag} {right}")).ends(0);
        verify(workshop, &format!("{whose} {flag} {wrong}"))
            .ends(12)
            .says(words);
    }
}

#[test]
fn a_workflow_of_github_is_named_by_its_repository_ref_file_event_and_commit() {
    let rows = [
        (
            "--github-ref",
            "refs/heads/*",
            "refs/tags/v*",
            "the source ref is `refs/heads/main`, expected `refs/tags/v*`",
        ),
        (
            "--github-trigger",
            "push",
            "pull_request",
            "the build trigger is `push`, expected `pull_request`",
        ),
        ("--github-sha", "0123*", "f00d*", "the source digest is"),
    ];
    let whose = "--github-repository acme/shop";
    each_flag(&github_of_today(), whose, &rows);
    each_flag(&github_of_old(), whose, &rows);
    each_flag(
        &github_of_today(),
        whose,
        &[(
            "--github-workflow",
            "release.yml",
            "other.yml",
            "differs only in the workflow",
        )],
    );
    for workshop in [github_of_today(), github_of_old()] {
        verify(&workshop, "--github-repository acme/other")
            .ends(12)
            .says("https://github.com/acme/other");
    }
}

#[test]
fn cosign_s_flags_for_workflows_mean_the_same_in_certificates_of_both_ages() {
    let whose = "--certificate-github-workflow-repository acme/shop";
    let rows = [
        (
            "--certificate-github-workflow-ref",
            "refs/heads/main",
            "refs/heads/next",
            "expected `refs/heads/next`",
        ),
        (
            "--certificate-github-workflow-trigger",
            "push",
            "schedule",
            "expected `schedule`",
        ),
        (
            "--certificate-github-workflow-sha",
            "0123456789012345678901234567890123456789",
            "0000",
            "expected `0000`",
        ),
    ];
    each_flag(&github_of_today(), whose, &rows);
    each_flag(&github_of_old(), whose, &rows);
    let name = "--certificate-github-workflow-name";
    verify(&github_of_old(), &format!("{whose} {name} Release")).ends(0);
    verify(&github_of_old(), &format!("{whose} {name} Other"))
        .ends(12)
        .says("expected `Other`");
}

#[test]
fn a_pipeline_of_gitlab_is_named_by_its_project_ref_file_source_and_commit() {
    each_flag(
        &gitlab(),
        "--gitlab-project acme/apps/shop",
        &[
            (
                "--gitlab-ref",
                "refs/heads/main",
                "refs/tags/v*",
                "the source ref is `refs/heads/main`, expected `refs/tags/v*`",
            ),
            (
                "--gitlab-config",
                ".gitlab-ci.yml",
                "deploy.yml",
                "differs only in the workflow",
            ),
            (
                "--gitlab-trigger",
                "push",
                "schedule",
                "the build trigger is `push`, expected `schedule`",
            ),
            ("--gitlab-sha", "0123*", "f00d*", "the source digest is"),
        ],
    );
    let workshop = gitlab();
    verify(&workshop, "--gitlab-project acme/**").ends(0);
    for other in ["acme/apps", "acme/apps/shop2", "apps/shop", "*/shop"] {
        verify(&workshop, &format!("--gitlab-project {other}"))
            .ends(12)
            .says("the source repository");
    }
    // A repository of the same name on GitHub is another's.
    verify(&github_of_today(), "--gitlab-project acme/shop").ends(12);
    verify(&workshop, "--github-repository acme/shop").ends(12);
    // An own server is another issuer.
    verify(
        &workshop,
        "--gitlab-project acme/apps/shop --certificate-oidc-issuer https://gitlab.acme.example",
    )
    .ends(12)
    .says("https://gitlab.acme.example");
}

#[test]
fn flags_about_builds_that_name_nobody_or_two_places_are_refused() {
    let workshop = gitlab();
    verify(&workshop, "--gitlab-ref refs/heads/main")
        .ends(2)
        .says("--gitlab-project GROUP/PROJECT");
    verify(&workshop, "--github-ref refs/heads/main")
        .ends(2)
        .says("--github-repository OWNER/REPO");
    verify(
        &workshop,
        "--gitlab-project acme/shop --github-repository acme/shop",
    )
    .ends(2);
    verify(&workshop, "--gitlab-project shop")
        .ends(2)
        .says("group/project");
    verify(
        &workshop,
        "--gitlab-project acme/shop --certificate-oidc-issuer-regexp ^https://gitlab\\.com$",
    )
    .ends(2)
    .says("names no single server");
}
