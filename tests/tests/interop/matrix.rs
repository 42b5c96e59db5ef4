//! Who reads what whom wrote, on each registry: the table of `docs/compatibility.md`.
//!
//! A cell that differs from the page fails; `UPDATE_COMPATIBILITY=1 just interop` writes those that ran. What could not run keeps its cell.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use countersign_tests::{Outcome, Peer, Program, RegistryKind, skipped};

use crate::commands::Cosign;
use crate::scene::Scene;

const TEST: &str = "compatibility";
const BEGIN: &str = "<!-- the matrix: written by `just interop` -->";
const END: &str = "<!-- end of the matrix -->";

/// First lines, and as many last ones, of a program's words that are shown of a row that failed.
const SHOWN_LINES: usize = 6;

/// A predicate that every tool takes.
const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"demo","dataLicense":"CC0-1.0","documentNamespace":"https://acme.example/spdx/demo","creationInfo":{"created":"2026-01-01T00:00:00Z","creators":["Tool: demo"]},"packages":[]}"#;

/// A trusted root without any instance.
const NO_TRUST: &str =
    r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;

/// Programs that write or read; a missing one leaves its rows alone.
pub(crate) struct Tools {
    pub(crate) cosign: Option<Program>,
    cosign2: Option<Program>,
    pub(crate) crane: Option<Program>,
    pub(crate) oras: Option<Program>,
    pub(crate) regctl: Option<Program>,
    notation: Option<Program>,
    pub(crate) policy_controller: Option<Program>,
    pub(crate) kyverno: Option<Program>,
}

impl Tools {
    fn of(scene: &Scene) -> Self {
        let find = |name: &str| Peer::find(name).map(|peer| scene.program(&peer));
        Self {
            cosign: find("cosign"),
            cosign2: find("cosign2"),
            crane: find("crane"),
            oras: find("oras"),
            regctl: find("regctl"),
            notation: find("notation"),
            policy_controller: find("tester"),
            kyverno: find("kubectl-kyverno"),
        }
    }
}

/// What was written by whom in which form, and who reads it.
pub(crate) type Row = (&'static str, &'static str, &'static str);

/// The outcome of each row that ran on one registry.
pub(crate) type Column = Vec<(Row, bool, String)>;

/// Notes how a row ended.
pub(crate) fn note(column: &mut Column, row: Row, outcome: &Outcome) {
    column.push((row, outcome.code == 0, outcome.words()));
}

#[test]
fn who_reads_what_whom_wrote() {
    let mut columns: Vec<(RegistryKind, Column)> = Vec::new();
    for kind in RegistryKind::ALL {
        let Some(scene) = Scene::new(TEST, kind) else {
            continue;
        };
        let tools = Tools::of(&scene);
        std::fs::write(scene.folder().join("spdx.json"), SPDX).expect("predicate");
        std::fs::write(scene.folder().join("nothing.json"), NO_TRUST).expect("trusted root");
        scene.key("k", "ecdsa-p256");
        let mut column = Column::new();
        written_by_us(&scene, &tools, &mut column);
        if let Some(cosign) = &tools.cosign {
            written_by_cosign_3(&scene, cosign, &mut column);
        } else {
            skipped(TEST, "cosign");
        }
        if let Some(cosign) = &tools.cosign2 {
            written_by_cosign_2(&scene, cosign, &mut column);
        } else {
            skipped(TEST, "cosign2");
        }
        if let Some(notation) = &tools.notation {
            written_by_notation(&scene, notation, &mut column);
        } else {
            skipped(TEST, "notation");
        }
        columns.push((kind, column));
    }
    compare(&columns);
}

fn written_by_us(scene: &Scene, tools: &Tools, column: &mut Column) {
    const US: &str = "countersign";
    let bundle = scene.again("ours-bundle");
    scene.sign("k.key", &bundle).expect(0);
    scene.attest("k.key", "spdx.json", &bundle).expect(0);
    let legacy = scene.again("ours-legacy");
    scene
        .ours(&["sign", "--key", "k.key", "--format", "legacy", &legacy])
        .expect(0);
    scene
        .ours(&[
            "attest",
            "--key",
            "k.key",
            "--format",
            "legacy",
            "--type",
            "spdxjson",
            "--predicate",
            "spdx.json",
            &legacy,
        ])
        .expect(0);
    for (image, form, attested) in [
        (&bundle, "bundle: signature", "bundle: attestation"),
        (&legacy, "`.sig`", "`.att`"),
    ] {
        let verified = scene.verify("k.pub", image);
        note(column, (US, form, US), &verified);
        let verified = scene.verify_attestation("k.pub", image);
        note(column, (US, attested, US), &verified);
        let is_bundle = image == &bundle;
        for (cosign, name) in [(&tools.cosign, "cosign 3"), (&tools.cosign2, "cosign 2")] {
            let Some(cosign) = cosign else { continue };
            let mut options = vec!["--key", "k.pub", "--insecure-ignore-tlog"];
            if is_bundle && name == "cosign 2" {
                // It wants a trusted root even where a key and no log are asked for.
                options.extend(["--new-bundle-format", "--trusted-root", "nothing.json"]);
            }
            let arguments = [&["verify"], options.as_slice(), &[image.as_str()]].concat();
            note(column, (US, form, name), &cosign.run(arguments));
            let arguments = [
                &["verify-attestation", "--type", "spdxjson"],
                options.as_slice(),
                &[image.as_str()],
            ]
            .concat();
            note(column, (US, attested, name), &cosign.run(arguments));
        }
    }
    if let Some(oras) = &tools.oras {
        let found = oras.run(["discover", "--plain-http", "--format", "json", &bundle]);
        let lists = shows(found, 2, "application/vnd.dev.sigstore.bundle.v0.3+json");
        note(column, (US, "bundle: signature", "oras discover"), &lists);
    }
    if let Some(regctl) = &tools.regctl {
        let host = bundle.split('/').next().unwrap_or_default();
        regctl
            .run(["registry", "set", "--tls", "disabled", host])
            .expect(0);
        let found = regctl.run(["artifact", "list", "--format", "{{json .}}", &bundle]);
        let lists = shows(found, 2, "application/vnd.dev.sigstore.bundle.v0.3+json");
        note(
            column,
            (US, "bundle: signature", "regctl artifact list"),
            &lists,
        );
    }
    crate::carriers::move_evidence(scene, tools, &bundle, &legacy, column);
    crate::admission::read(scene, tools, &legacy, &bundle, column);
}

fn written_by_cosign_3(scene: &Scene, cosign: &Program, column: &mut Column) {
    const THEM: &str = "cosign 3";
    let none = scene.no_services(cosign);
    let image = scene.again("cosign3-bundle");
    Cosign(cosign).sign("k.key", &none, &image).expect(0);
    Cosign(cosign)
        .attest("k.key", &none, "spdx.json", &image)
        .expect(0);
    read_by_us(
        scene,
        THEM,
        "bundle: signature",
        Some("bundle: attestation"),
        &image,
        column,
    );
    let image = scene.again("cosign3-legacy");
    Cosign(cosign).sign_legacy("k.key", &image).expect(0);
    read_by_us(scene, THEM, "`.sig`", None, &image, column);
}

fn written_by_cosign_2(scene: &Scene, cosign: &Program, column: &mut Column) {
    const THEM: &str = "cosign 2";
    let image = scene.again("cosign2-legacy");
    cosign
        .run([
            "sign",
            "-y",
            "--key",
            "k.key",
            "--tlog-upload=false",
            &image,
        ])
        .expect(0);
    cosign
        .run([
            "attest",
            "-y",
            "--key",
            "k.key",
            "--tlog-upload=false",
            "--type",
            "spdxjson",
            "--predicate",
            "spdx.json",
            &image,
        ])
        .expect(0);
    read_by_us(scene, THEM, "`.sig`", Some("`.att`"), &image, column);
    let image = scene.again("cosign2-referrer");
    let experimental = cosign.clone().env("COSIGN_EXPERIMENTAL", "1");
    experimental
        .run([
            "sign",
            "-y",
            "--key",
            "k.key",
            "--tlog-upload=false",
            "--registry-referrers-mode",
            "oci-1-1",
            &image,
        ])
        .expect(0);
    read_by_us(scene, THEM, "signature referrer", None, &image, column);
    let image = scene.again("cosign2-bundle");
    cosign
        .run([
            "attest",
            "-y",
            "--key",
            "k.key",
            "--tlog-upload=false",
            "--new-bundle-format",
            "--type",
            "spdxjson",
            "--predicate",
            "spdx.json",
            &image,
        ])
        .expect(0);
    let verified = scene.verify_attestation("k.pub", &image);
    note(
        column,
        (THEM, "bundle: attestation", "countersign"),
        &verified,
    );
}

fn read_by_us(
    scene: &Scene,
    writer: &'static str,
    form: &'static str,
    attested: Option<&'static str>,
    image: &str,
    column: &mut Column,
) {
    let verified = scene.verify("k.pub", image);
    note(column, (writer, form, "countersign"), &verified);
    if let Some(attested) = attested {
        let verified = scene.verify_attestation("k.pub", image);
        note(column, (writer, attested, "countersign"), &verified);
    }
}

fn written_by_notation(scene: &Scene, notation: &Program, column: &mut Column) {
    let notation = notation
        .clone()
        .env("NOTATION_CONFIG", scene.folder().join("notation"));
    notation.run(["cert", "generate-test", "--default", "demo"]);
    let image = scene.again("notation");
    let signed = notation.run([
        "sign",
        "--insecure-registry",
        "--force-referrers-tag=false",
        "--signature-format",
        "jws",
        &image,
    ]);
    if signed.code != 0 {
        note(
            column,
            ("notation", "notation signature", "countersign discover"),
            &signed,
        );
        return;
    }
    let found = scene.ours(&["discover", "--output", "json", &image]);
    let lists = shows(found, 1, "application/vnd.cncf.notary.signature");
    note(
        column,
        ("notation", "notation signature", "countersign discover"),
        &lists,
    );
}

/// The outcome, failed when `words` are not there at least so many times.
fn shows(mut outcome: Outcome, times: usize, words: &str) -> Outcome {
    if outcome.stdout.matches(words).count() < times {
        outcome.code = 1;
    }
    outcome
}

/// The first and the last lines of what a program said, each behind a bar: a trace says its cause first, a usage message last.
fn quoted(words: &str) -> String {
    let lines: Vec<&str> = words.lines().collect();
    let left_out = lines.len().saturating_sub(2 * SHOWN_LINES);
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        if left_out > 0 && number == SHOWN_LINES {
            let _ = writeln!(text, "    | … {left_out} more lines");
        }
        if !(SHOWN_LINES..SHOWN_LINES + left_out).contains(&number) {
            let _ = writeln!(text, "    | {line}");
        }
    }
    text
}

#[test]
fn of_much_that_is_said_the_first_and_the_last_lines_are_shown() {
    let said = |count: usize| {
        (0..count)
            .map(|number| format!("line {number}\n"))
            .collect::<String>()
    };
    assert_eq!(quoted(""), "");
    assert_eq!(quoted(&said(12)).lines().count(), 12);
    let quoted = quoted(&said(15));
    let lines: Vec<&str> = quoted.lines().collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(
        lines[5..8],
        ["    | line 5", "    | … 3 more lines", "    | line 9"]
    );
}

/// Prints the matrix, and compares it with the page or writes it there.
fn compare(columns: &[(RegistryKind, Column)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md");
    let page = std::fs::read_to_string(&path).expect("docs/compatibility.md");
    let (before, rest) = page.split_once(BEGIN).expect("the page has a matrix");
    let (table, after) = rest.split_once(END).expect("the matrix has an end");
    let mut rows: Vec<(String, BTreeMap<usize, String>)> = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default().to_owned();
        let name = format!("{} | {} | {}", cell(0), cell(1), cell(2));
        let values = (0..RegistryKind::ALL.len())
            .map(|at| (at, cell(at + 3)))
            .collect();
        rows.push((name, values));
    }
    let mut differs = String::new();
    for (kind, column) in columns {
        let at = RegistryKind::ALL
            .iter()
            .position(|one| one == kind)
            .expect("one of all");
        for ((writer, form, reader), passed, words) in column {
            let name = format!("{writer} | {form} | {reader}");
            let word = if *passed { "yes" } else { "no" };
            println!(
                "{writer:<12} {form:<22} {reader:<22} {:<28} {word}",
                kind.name()
            );
            // Why a row failed is known only while it runs: the page keeps a word.
            if !passed {
                println!("{}", quoted(words));
            }
            if !rows.iter().any(|(row, _)| *row == name) {
                rows.push((name.clone(), BTreeMap::new()));
            }
            for (row, values) in &mut rows {
                if *row == name && values.get(&at).map(String::as_str) != Some(word) {
                    let _ = writeln!(differs, "{name} on {}: {word}\n{words}", kind.name());
                    values.insert(at, word.to_owned());
                }
            }
        }
    }
    if std::env::var_os("UPDATE_COMPATIBILITY").is_some_and(|value| value == "1") {
        let mut table = String::from("\n| written by | form | read by |");
        for kind in RegistryKind::ALL {
            let _ = write!(table, " {} |", kind.name());
        }
        let _ = writeln!(
            table,
            "\n|---|---|---|{}",
            "---|".repeat(RegistryKind::ALL.len())
        );
        for (name, values) in rows {
            let _ = write!(table, "| {name} |");
            for at in 0..RegistryKind::ALL.len() {
                let _ = write!(table, " {} |", values.get(&at).map_or("", String::as_str));
            }
            table.push('\n');
        }
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))
            .expect("the page is written");
    } else {
        assert!(
            differs.is_empty(),
            "docs/compatibility.md says otherwise:\n{differs}"
        );
    }
}
