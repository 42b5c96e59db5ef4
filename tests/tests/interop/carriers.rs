//! Our evidence moved by the tools of others: what still verifies where they put it.

use countersign_tests::{Outcome, Program};

use crate::matrix::{Column, Tools, note};
use crate::scene::Scene;

/// One way to move `from` (`HOST/demo/NAME`, tag `v1`) to the repository `to`.
struct Way<'a> {
    /// The row's words, after "countersign after".
    reader: &'static str,
    program: Option<&'a Program>,
    arguments: fn(from: &str, to: &str) -> Vec<String>,
}

/// Notes, for each way, whether our bundle and our `.sig` verify at the other end. The tag decides whether a tool takes evidence along;
/// what it leaves behind is absent there, and never a wrong yes.
pub(crate) fn move_evidence(
    scene: &Scene,
    tools: &Tools,
    bundle: &str,
    legacy: &str,
    column: &mut Column,
) {
    let ways = [
        Way {
            reader: "countersign after oras cp -r",
            program: tools.oras.as_ref(),
            arguments: |from, to| {
                text(&[
                    "cp",
                    "-r",
                    "--from-plain-http",
                    "--to-plain-http",
                    &format!("{from}:v1"),
                    &format!("{to}:v1"),
                ])
            },
        },
        Way {
            reader: "countersign after regctl image copy --referrers --digest-tags",
            program: tools.regctl.as_ref(),
            arguments: |from, to| {
                text(&[
                    "image",
                    "copy",
                    "--referrers",
                    "--digest-tags",
                    &format!("{from}:v1"),
                    &format!("{to}:v1"),
                ])
            },
        },
        Way {
            reader: "countersign after crane copy --all-tags",
            program: tools.crane.as_ref(),
            arguments: |from, to| text(&["copy", "--insecure", "--all-tags", from, to]),
        },
        Way {
            reader: "countersign after cosign copy",
            program: tools.cosign.as_ref(),
            arguments: |from, to| text(&["copy", &format!("{from}:v1"), &format!("{to}:v1")]),
        },
    ];
    for way in ways {
        let Some(program) = way.program else { continue };
        for (image, form) in [(bundle, "bundle: signature"), (legacy, "`.sig`")] {
            let from = image.split('@').next().unwrap_or_default();
            let to = format!("{from}-by-{}", word(way.reader));
            let moved = program.run((way.arguments)(from, &to));
            let verified = if moved.code == 0 {
                verified(scene, &to)
            } else {
                moved
            };
            note(column, ("countersign", form, way.reader), &verified);
        }
    }
}

/// Our verdict. Beside yes: there is none, or it could not be found out (`cosign copy` leaves the image itself under the tag of its
/// referrers); a denial would be a fault of ours.
fn verified(scene: &Scene, repository: &str) -> Outcome {
    let outcome = scene.verify("k.pub", &format!("{repository}@{}", scene.digest));
    assert!(matches!(outcome.code, 0 | 10 | 20), "{outcome:?}");
    outcome
}

/// The tool's name out of a row's words.
fn word(reader: &str) -> &str {
    reader.split(' ').nth(2).unwrap_or_default()
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
