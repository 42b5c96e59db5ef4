//! Signers named by what their certificate says about the build: workflows of GitHub, pipelines of GitLab.

use countersign_testdata::certificate::{
    CertificateSpec, claim, email_name, other_name, raw_claim, uri_name,
};
use countersign_testdata::lab::{ISSUER, Lab, Recipe};

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
            "identity differs only in the ref: `--github-ref` asks for `refs/tags/v*`, the certificate says `refs/heads/main`",
        ),
        (
            "--github-trigger",
            "push",
            "pull_request",
            "differs only in the trigger: `--github-trigger` asks for `pull_request`, the certificate says `push`",
        ),
        (
            "--github-sha",
            "0123*",
            "f00d*",
            "if this build is meant, write `--github-sha 0123456789012345678901234567890123456789`",
        ),
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
            "differs only in the workflow: `--github-workflow` asks for `other.yml`, the certificate says `release.yml`",
        )],
    );
    for workshop in [github_of_today(), github_of_old()] {
        verify(&workshop, "--github-repository acme/other")
            .ends(12)
            .says("differs only in the repository: `--github-repository` asks for `acme/other`, the certificate says `acme/shop`")
            .says("hint: if this build is meant, write `--github-repository acme/shop`");
    }
    let workshop = github_of_today();
    let path = ".github/workflows/";
    verify(
        &workshop,
        &format!("{whose} --github-workflow {path}other.yml"),
    )
    .ends(12)
    .says("if this build is meant, write `--github-workflow .github/workflows/release.yml`");
    // The file is the right one, of another repository: one flag differs, and the other says why it does too.
    verify(
        &workshop,
        "--github-repository acme/other --github-workflow release.yml",
    )
    .ends(12)
    .says("`--github-repository` asks for `acme/other`, the certificate says `acme/shop`")
    .says("`--github-workflow` asks for `release.yml` of what `--github-repository` names");
    verify(
        &github_of_old(),
        &format!("{whose} --github-workflow release.yml"),
    )
    .ends(12)
    .says("`--github-workflow` asks for `release.yml`, the certificate does not say the workflow")
    .says("leave out `--github-workflow`");
}

#[test]
fn cosign_s_flags_for_workflows_mean_the_same_in_certificates_of_both_ages() {
    let whose = "--certificate-github-workflow-repository acme/shop";
    let rows = [
        (
            "--certificate-github-workflow-ref",
            "refs/heads/main",
            "refs/heads/next",
            "`--certificate-github-workflow-ref` asks for `refs/heads/next`, the certificate says `",
        ),
        (
            "--certificate-github-workflow-trigger",
            "push",
            "schedule",
            "`--certificate-github-workflow-trigger` asks for `schedule`, the certificate says `",
        ),
        (
            "--certificate-github-workflow-sha",
            "0123456789012345678901234567890123456789",
            "0000",
            "`--certificate-github-workflow-sha` asks for `0000`, the certificate says `",
        ),
    ];
    each_flag(&github_of_today(), whose, &rows);
    each_flag(&github_of_old(), whose, &rows);
    let name = "--certificate-github-workflow-name";
    verify(&github_of_old(), &format!("{whose} {name} Release")).ends(0);
    verify(&github_of_old(), &format!("{whose} {name} Other"))
        .ends(12)
        .says("differs only in the name of the workflow: `--certificate-github-workflow-name` asks for `Other`, the certificate says `Release`");
    verify(
        &github_of_today(),
        "--certificate-github-workflow-repository acme/other",
    )
    .ends(12)
    .says("write `--certificate-github-workflow-repository acme/shop`");
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
                "identity differs only in the ref: `--gitlab-ref` asks for `refs/tags/v*`, the certificate says `refs/heads/main`",
            ),
            (
                "--gitlab-config",
                ".gitlab-ci.yml",
                "deploy.yml",
                "`--gitlab-config` asks for `deploy.yml`, the certificate says `.gitlab-ci.yml`",
            ),
            (
                "--gitlab-trigger",
                "push",
                "schedule",
                "`--gitlab-trigger` asks for `schedule`, the certificate says `push`",
            ),
            (
                "--gitlab-sha",
                "0123*",
                "f00d*",
                "differs only in the commit: `--gitlab-sha` asks for `f00d*`",
            ),
        ],
    );
    let workshop = gitlab();
    verify(&workshop, "--gitlab-project acme/**").ends(0);
    for other in ["acme/apps", "acme/apps/shop2", "apps/shop", "*/shop"] {
        verify(&workshop, &format!("--gitlab-project {other}"))
            .ends(12)
            .says(&format!(
                "`--gitlab-project` asks for `{other}`, the certificate says `acme/apps/shop`"
            ))
            .says("write `--gitlab-project acme/apps/shop`");
    }
    // A repository of the same name on GitHub is another's.
    verify(&github_of_today(), "--gitlab-project acme/shop")
        .ends(12)
        .says("the build ran on GitHub; if it is meant, write `--github-repository acme/shop`")
        .says(
            "a workflow of GitHub is named by `--github-repository` in place of `--gitlab-project`",
        );
    verify(&workshop, "--github-repository acme/shop")
        .ends(12)
        .says("the build ran on GitLab; if it is meant, write `--gitlab-project acme/apps/shop`")
        .says(
            "a pipeline of GitLab is named by `--gitlab-project` in place of `--github-repository`",
        );
    // An own server is another issuer.
    verify(
        &workshop,
        "--gitlab-project acme/apps/shop --certificate-oidc-issuer https://gitlab.acme.example",
    )
    .ends(12)
    .says("asks for `https://gitlab.acme.example/acme/apps/shop`, the certificate says `https://gitlab.com/acme/apps/shop`")
    .says("as `--certificate-oidc-issuer` asks");
}

#[test]
fn the_flag_is_named_in_json_and_a_policy_keeps_its_own_words() {
    let workshop = github_of_today();
    let flags = "--github-repository acme/shop --github-ref refs/tags/v*";
    let json = |run: Run| {
        let result = run.ends(12).json()["result"]["decision"].clone();
        let missed = result["policies"][0]["rule"]["candidates"][0]["mismatches"].clone();
        assert_eq!(missed.as_array().map(Vec::len), Some(1), "{missed}");
        missed[0].clone()
    };
    let missed = json(verify(&workshop, &format!("--output json {flags}")));
    assert_eq!(missed["code"], "certificate-claim");
    assert_eq!(missed["expected"], "`refs/tags/v*`");
    assert_eq!(missed["found"], "`refs/heads/main`");
    assert_eq!(
        missed["message"],
        "identity differs only in the ref: `--github-ref` asks for `refs/tags/v*`, the certificate says `refs/heads/main`"
    );
    assert_eq!(
        missed["hint"],
        "if this build is meant, write `--github-ref refs/heads/main`"
    );
    let policy = verify(&workshop, &format!("--print-policy {flags}")).ends(0);
    workshop.write("policy.yaml", policy.stdout.as_bytes());
    let run = workshop.run(
        "verify-blob --offline --output json --bundle bundle.json --trusted-root root.json --policy policy.yaml artifact",
    );
    let missed = json(run);
    assert_eq!(
        missed["message"],
        "the source ref is `refs/heads/main`, expected `refs/tags/v*`"
    );
    assert_eq!(
        missed["hint"],
        "if this build is meant, let the signer `identity` expect `sourceRepositoryRef: refs/heads/main`"
    );
}

#[test]
fn identities_and_issuers_are_told_by_the_flag_that_asks() {
    let workshop = github_of_today();
    let tag = WORKFLOW.replace("heads/main", "tags/v1");
    verify(
        &workshop,
        &format!("--certificate-identity {tag} --certificate-oidc-issuer {GITHUB}"),
    )
    .ends(12)
    .says("identity differs only in the ref: `refs/heads/main`, expected `refs/tags/v1`, as `--certificate-identity` asks")
    .says(&format!(
        "if this signer is meant, write `--certificate-identity {WORKFLOW}`"
    ));
    verify(
        &workshop,
        &format!(
            "--certificate-identity-regexp ^https://gitlab.*$ --certificate-oidc-issuer {GITHUB}"
        ),
    )
    .ends(12)
    .says("as `--certificate-identity-regexp` asks");
    verify(
        &workshop,
        &format!("--certificate-identity {WORKFLOW} --certificate-oidc-issuer {GITLAB}"),
    )
    .ends(12)
    .says("only the issuer differs")
    .says("as `--certificate-oidc-issuer` asks")
    .says(&format!(
        "if this issuer is meant, write `--certificate-oidc-issuer {GITHUB}`"
    ));
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

/// A bundle of the lab's artifact, by whoever this name is.
fn signed_by(name: Vec<u8>) -> Workshop {
    let lab = Lab::new();
    let evidence = lab
        .certified(name)
        .message(&Lab::artifact())
        .rekor_v1()
        .build();
    let workshop = Workshop::new();
    workshop.write("bundle.json", evidence.bundle.to_string().as_bytes());
    workshop.write("root.json", lab.trusted_root().to_string().as_bytes());
    workshop.write("artifact", &Lab::artifact());
    workshop
}

/// An identity that is asked for, and the words that tell it from the right one.
type NearMiss = (&'static str, &'static str);

#[test]
fn a_name_of_each_kind_that_differs_in_one_part_says_which() {
    let rows: [(Vec<u8>, &str, &[NearMiss]); 5] = [
        (
            email_name("bob@acme.example"),
            "bob@acme.example",
            &[
                ("eve@acme.example", "mailbox: `bob`, expected `eve`"),
                (
                    "bob@evil.example",
                    "domain: `acme.example`, expected `evil.example`",
                ),
            ],
        ),
        (
            uri_name(WORKFLOW),
            WORKFLOW,
            &[
                (
                    "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1",
                    "ref: `refs/heads/main`, expected `refs/tags/v1`",
                ),
                (
                    "https://github.com/acme/shop/.github/workflows/test.yml@refs/heads/main",
                    "workflow: `release.yml`, expected `test.yml`",
                ),
                (
                    "https://github.com/acme/fork/.github/workflows/release.yml@refs/heads/main",
                    "repository: `https://github.com/acme/shop`, expected `https://github.com/acme/fork`",
                ),
            ],
        ),
        (
            uri_name(PIPELINE),
            PIPELINE,
            &[
                (
                    "https://gitlab.com/acme/apps/shop//.gitlab-ci.yml@refs/tags/v1",
                    "ref: `refs/heads/main`, expected `refs/tags/v1`",
                ),
                (
                    "https://gitlab.com/acme/apps/shop//deploy.yml@refs/heads/main",
                    "pipeline file: `.gitlab-ci.yml`, expected `deploy.yml`",
                ),
                (
                    "https://gitlab.com/acme/shop//.gitlab-ci.yml@refs/heads/main",
                    "project: `https://gitlab.com/acme/apps/shop`, expected `https://gitlab.com/acme/shop`",
                ),
            ],
        ),
        (
            uri_name("spiffe://acme.example/ns/ci/sa/builder"),
            "spiffe://acme.example/ns/ci/sa/builder",
            &[
                (
                    "spiffe://evil.example/ns/ci/sa/builder",
                    "trust domain: `acme.example`, expected `evil.example`",
                ),
                (
                    "spiffe://acme.example/ns/ci/sa/other",
                    "path: `ns/ci/sa/builder`, expected `ns/ci/sa/other`",
                ),
            ],
        ),
        (
            other_name("bob!acme.example"),
            "bob!acme.example",
            &[
                ("eve!acme.example", "user: `bob`, expected `eve`"),
                (
                    "bob!evil.example",
                    "user's domain: `acme.example`, expected `evil.example`",
                ),
            ],
        ),
    ];
    for (name, right, wrong) in rows {
        let workshop = signed_by(name);
        let by = |identity: &str| {
            verify(
                &workshop,
                &format!("--certificate-identity {identity} --certificate-oidc-issuer {ISSUER}"),
            )
        };
        by(right).ends(0);
        for (identity, words) in wrong {
            let run = by(identity)
                .ends(12)
                .says(&format!(
                    "identity differs only in the {words}, as `--certificate-identity` asks"
                ))
                .says("if this signer is meant, write `--certificate-identity ");
            assert_eq!(run.stderr.matches("expected: ").count(), 1, "{run:?}");
        }
        // Nobody has the name of another kind, or another's name with one letter more.
        for identity in [format!("{right}x"), format!("x{right}")] {
            by(&identity).ends(12);
        }
    }
}
