//! The readers of evidence that stand before a cluster: policy-controller and Kyverno, by their command lines.

use std::fmt::Write as _;

use countersign_tests::{Outcome, Program};

use crate::matrix::{Column, Tools, note};
use crate::scene::Scene;

const SPDX_TYPE: &str = "https://spdx.dev/Document";

/// What is demanded of an image.
#[derive(Clone, Copy, PartialEq)]
enum Demand {
    Signature,
    Attestation,
}

/// Where it is looked for: each controller is told.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Tag,
    Bundle,
}

/// Notes whether each controller finds our evidence good; each has to refuse another key's.
pub(crate) fn read(scene: &Scene, tools: &Tools, legacy: &str, bundle: &str, column: &mut Column) {
    type Run = fn(&Scene, &Program, &str, Demand, Form, &str) -> Outcome;
    let controllers: [(_, _, Run); 2] = [
        (
            "policy-controller",
            &tools.policy_controller,
            policy_controller,
        ),
        ("Kyverno", &tools.kyverno, kyverno),
    ];
    scene.key("stranger", "ecdsa-p256");
    for (name, program, run) in controllers {
        let Some(program) = program else {
            // Never a failure: they are built on demand only.
            println!("SKIPPED {name}: COUNTERSIGN_PEERS_ADMISSION=1 builds it");
            continue;
        };
        for (image, name_of_form, demand, form) in [
            (legacy, "`.sig`", Demand::Signature, Form::Tag),
            (legacy, "`.att`", Demand::Attestation, Form::Tag),
            (bundle, "bundle: signature", Demand::Signature, Form::Bundle),
            (
                bundle,
                "bundle: attestation",
                Demand::Attestation,
                Form::Bundle,
            ),
        ] {
            let outcome = run(scene, program, "k.pub", demand, form, image);
            let refused = run(scene, program, "stranger.pub", demand, form, image);
            assert!(refused.code != 0, "{name} takes any key: {refused:?}");
            note(column, ("countersign", name_of_form, name), &outcome);
        }
    }
}

/// A public key as a block of YAML, moved to the right.
fn indented(scene: &Scene, key: &str, by: usize) -> String {
    let key = std::fs::read_to_string(scene.folder().join(key)).expect("key");
    key.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{:by$}{line}", "");
        text
    })
}

fn policy_controller(
    scene: &Scene,
    tester: &Program,
    key: &str,
    demand: Demand,
    form: Form,
    image: &str,
) -> Outcome {
    let format = match form {
        Form::Tag => "",
        Form::Bundle => "      signatureFormat: bundle\n",
    };
    let attestations = match demand {
        Demand::Signature => String::new(),
        Demand::Attestation => format!(
            "      attestations:\n        - name: sbom\n          predicateType: {SPDX_TYPE}\n"
        ),
    };
    let policy = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: demo}}\nspec:\n  images:\n    - glob: '**'\n  authorities:\n    - name: key\n      key:\n        data: |\n{}{format}{attestations}",
        indented(scene, key, 10)
    );
    std::fs::write(scene.folder().join("cip.yaml"), policy).expect("policy");
    tester.run(["-policy", "cip.yaml", "-image", image])
}

fn kyverno(
    scene: &Scene,
    kyverno: &Program,
    key: &str,
    demand: Demand,
    form: Form,
    image: &str,
) -> Outcome {
    let kind = match form {
        Form::Tag => "Cosign",
        Form::Bundle => "SigstoreBundle",
    };
    // Attestors stand two levels deeper below an attestation.
    let (attestations, by) = match demand {
        Demand::Signature => (String::new(), 10),
        Demand::Attestation => (
            format!("          attestations:\n            - type: {SPDX_TYPE}\n"),
            14,
        ),
    };
    let attestors = format!(
        "{:by$}attestors:\n{:by$}  - entries:\n{:by$}      - keys:\n{:by$}          rekor: {{ignoreTlog: true}}\n{:by$}          ctlog: {{ignoreSCT: true}}\n{:by$}          publicKeys: |\n{}",
        "",
        "",
        "",
        "",
        "",
        "",
        indented(scene, key, by + 12)
    );
    let policy = format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: demo}}\nspec:\n  validationFailureAction: Enforce\n  webhookTimeoutSeconds: 30\n  rules:\n    - name: signed\n      match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}\n      verifyImages:\n        - imageReferences: ['*']\n          type: {kind}\n          mutateDigest: false\n{attestations}{attestors}"
    );
    std::fs::write(scene.folder().join("kyverno.yaml"), policy).expect("policy");
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: demo, namespace: default}}\nspec: {{containers: [{{name: demo, image: '{image}'}}]}}\n"
    );
    std::fs::write(scene.folder().join("pod.yaml"), pod).expect("pod");
    let mut outcome = kyverno.run([
        "apply",
        "kyverno.yaml",
        "--resource",
        "pod.yaml",
        "--registry",
    ]);
    // It also ends with 0 when it applied nothing. One rule about a signature is told as two: verified, and named by digest.
    let words = outcome.words();
    if words.contains("pass: 0,") || !words.contains("fail: 0,") || !words.contains("error: 0,") {
        outcome.code = 1;
    }
    outcome
}
