//! What goes to standard output: the JSON envelope, nothing else, and nothing that a terminal would act on.

use serde_json::Value;

use crate::program::{command, finish, words};
use crate::workshop::{Workshop, attach};

/// Lines of each command, one that works and one that does not.
const LINES: [&str; 53] = [
    "generate-key-pair --output-key-prefix made",
    "generate-key-pair --output-key-prefix release",
    "import-key-pair --key plain.key --output-key-prefix imported",
    "public-key --key release.pub",
    "public-key --key absent",
    "sign --key plain.key oci:image:1.0",
    "sign --key plain.key oci:absent:1.0",
    "attest --key plain.key --predicate sbom.json oci:image:1.0",
    "verify --key release.pub oci:image:1.0",
    "verify --key other.pub oci:image:1.0",
    "verify --key release.pub oci:image:1.0 oci:absent:1.0",
    "verify --key release.pub oci:absent:1.0",
    "verify --key release.pub --print-policy",
    "verify-attestation --key release.pub --type any oci:image:1.0",
    "sign-blob --key plain.key file.txt",
    "sign-blob --key plain.key file.txt --bundle -",
    "attest-blob --key plain.key --predicate sbom.json file.txt --bundle a.json",
    "verify-blob --key release.pub --bundle file.txt.sigstore.json file.txt",
    "verify-blob-attestation --key release.pub --type any --bundle a.json file.txt",
    "discover oci:image:1.0",
    "copy oci:image:1.0 oci:copied:1.0",
    "copy --verify-first --key other.pub oci:image:1.0 oci:never:1.0",
    "save --file image.tar oci:image:1.0",
    "load --file image.tar oci:loaded:1.0",
    "download bundle oci:image:1.0",
    "download sbom --key release.pub oci:image:1.0",
    "attach sbom --sbom sbom.json --type spdxjson --unverified oci:image:1.0",
    "clean --type sbom oci:image:1.0",
    "repair oci:image:1.0",
    "migrate --key release.pub oci:image:1.0",
    "doctor --allow-http 127.0.0.1:1",
    "inspect release.pub",
    "policy check policy.yaml",
    "policy explain --policy policy.yaml oci:image:1.0",
    "policy explain --key other.pub oci:image:1.0",
    "policy record --policy policy.yaml --out recorded.tar oci:image:1.0",
    "policy record --out recorded.tar oci:image:1.0",
    "policy test test.yaml",
    "policy init --key release.pub oci:image:1.0",
    "policy push --key plain.key policy.yaml oci:image:policies",
    "policy test absent.yaml",
    "completion bash",
    "trust show",
    "trust create --rekor url=https://rekor.example,public-key=release.pub,start-time=2025-01-01T00:00:00Z --out made.json",
    "trust create",
    "trust update",
    "trust init --offline",
    "trust show",
    "trust export absent.pack --offline",
    "signing-config create --tsa url=https://tsa.example,api-version=1,start-time=2025-01-01T00:00:00Z,operator=a --out config.json",
    "no-such-command",
    "policy",
    "verify --no-such-flag",
];

#[test]
fn every_command_prints_one_envelope_that_fits_the_published_schema() {
    let workshop = Workshop::new();
    workshop.layout("image", "1.0", "genuine");
    workshop.write(
        "test.yaml",
        b"apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\npack: recorded.tar\npolicies: [policy.yaml]\ncases:\n  - {name: a, expect: pass}\n  - {name: b, expect: fail}\n  - {name: c, expect: fail, image: x}\n",
    );
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/schemas/cli-output.v1.json")).unwrap();
    for line in LINES {
        let mut arguments = words(line);
        arguments.extend(["--output".to_owned(), "json".to_owned()]);
        let run = finish(command(workshop.path()).args(&arguments));
        let envelope = run.json();
        let mut wrong = Vec::new();
        fits(&envelope, &schema, &schema, "", &mut wrong);
        assert!(wrong.is_empty(), "{line}: {wrong:#?}\n{envelope:#}");
        assert_eq!(envelope["schemaVersion"], 1);
        assert_eq!(
            envelope.get("error").is_some(),
            envelope.get("result").is_none(),
            "{line}"
        );
        if let Some(code) = envelope["result"].get("exitCode") {
            assert_eq!(code, run.code, "{line}");
        }
        assert!(
            line.starts_with(envelope["command"].as_str().unwrap()),
            "{line}: {envelope}"
        );
    }
    // The environment asks for it as well as the flag does.
    let run = finish(
        command(workshop.path())
            .env("COUNTERSIGN_OUTPUT", "json")
            .args(["verify"]),
    )
    .ends(2);
    assert_eq!(run.json()["error"]["code"], "missing-argument");
}

/// Checks the keywords of JSON Schema that our schema uses.
fn fits(value: &Value, schema: &Value, root: &Value, path: &str, wrong: &mut Vec<String>) {
    let passes = |part: &Value| {
        let mut inner = Vec::new();
        fits(value, part, root, path, &mut inner);
        inner.is_empty()
    };
    for (keyword, rule) in schema.as_object().unwrap() {
        let good = match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                fits(value, root.pointer(pointer).unwrap(), root, path, wrong);
                true
            }
            "type" => {
                let kinds: Vec<&str> = rule.as_str().map_or_else(
                    || {
                        rule.as_array()
                            .unwrap()
                            .iter()
                            .filter_map(Value::as_str)
                            .collect()
                    },
                    |kind| vec![kind],
                );
                kinds.iter().any(|kind| match *kind {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                })
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| number >= rule.as_i64().unwrap()),
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                let known = rule.as_object().unwrap();
                for (name, part) in known {
                    if let Some(member) = value.get(name) {
                        fits(member, part, root, &format!("{path}/{name}"), wrong);
                    }
                }
                // What is printed is described; a part without a type only looks at some members.
                let whole = schema.get("type").is_some_and(|kind| kind == "object")
                    && schema.get("additionalProperties").is_none();
                for name in value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                {
                    if whole && !known.contains_key(name) {
                        wrong.push(format!("{path}: `{name}` is not described"));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|known| !known.contains_key(name)) {
                        fits(member, rule, root, &format!("{path}/{name}"), wrong);
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(item, rule, root, &format!("{path}/{index}"), wrong);
                }
                true
            }
            "oneOf" => {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .filter(|part| passes(part))
                    .count()
                    == 1
            }
            "anyOf" => rule.as_array().unwrap().iter().any(passes),
            "allOf" => {
                for part in rule.as_array().unwrap() {
                    fits(value, part, root, path, wrong);
                }
                true
            }
            "if" => {
                if passes(rule) {
                    fits(value, &schema["then"], root, path, wrong);
                }
                true
            }
            "then" | "title" | "description" | "$schema" | "$id" | "$defs" | "format"
            | "pattern" => true,
            other => panic!("keyword {other} is not checked here"),
        };
        if !good {
            wrong.push(format!("{path}: {keyword} {rule} against {value}"));
        }
    }
}

#[test]
fn text_from_outside_reaches_neither_terminal_nor_json_unescaped() {
    let workshop = Workshop::new();
    let digest = workshop.layout("image", "1.0", "genuine");
    let layout = countersign_registry::layout::Layout::open(workshop.file("image")).unwrap();
    let hostile = "\u{1b}]0;owned\u{7}\u{202e}https://evil\nverified: oci:image\u{9b}2J";
    attach(&layout, &digest, b"{}", hostile);
    let hazardous =
        |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    for line in [
        "discover oci:image:1.0",
        "-o json discover oci:image:1.0",
        "verify --key release.pub oci:image:1.0",
        "-o json verify --key release.pub oci:image:1.0",
    ] {
        let run = workshop.run(line);
        assert!(
            !run.stdout.contains(hazardous) && !run.stderr.contains(hazardous),
            "{run:?}"
        );
        assert!(
            !run.stdout
                .lines()
                .chain(run.stderr.lines())
                .any(|line| line.starts_with("verified:")),
            "{run:?}"
        );
    }
    let json = workshop.run("-o json discover oci:image:1.0").json();
    assert_eq!(
        json["result"]["artifacts"][0]["predicateType"], hostile,
        "JSON keeps the value"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_or_a_closed_pipe_is_never_a_pass() {
    use std::process::Stdio;
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    for (sink, silent) in [("/dev/full", false), ("closed", true)] {
        let stdout = if sink == "closed" {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        } else {
            Stdio::from(std::fs::OpenOptions::new().write(true).open(sink).unwrap())
        };
        let mut run = command(workshop.path());
        let output = run
            .args(["verify", "--key", "release.pub", "oci:image:1.0"])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{sink}: {output:?}");
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            !words.contains("cannot write to standard output"),
            silent,
            "{words}"
        );
    }
}

#[test]
fn help_and_version_and_completion_are_printed() {
    let workshop = Workshop::new();
    assert!(
        workshop
            .run("--version")
            .ends(0)
            .stdout
            .starts_with("countersign ")
    );
    assert!(
        workshop
            .run("--help")
            .ends(0)
            .stdout
            .contains("Exit codes:")
    );
    assert!(
        workshop
            .run("verify --help")
            .ends(0)
            .stdout
            .contains("--certificate-identity")
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = workshop.run(&format!("completion {shell}")).ends(0).stdout;
        assert!(script.contains("verify-attestation"), "{shell}");
    }
    let nothing = workshop.run("").ends(2);
    assert!(
        nothing.stdout.is_empty() && nothing.stderr.contains("Usage:"),
        "{nothing:?}"
    );
}

#[test]
fn flags_may_stand_in_the_environment() {
    let workshop = Workshop::new();
    workshop.signed_layout("image");
    let run = finish(
        command(workshop.path())
            .env("COUNTERSIGN_KEY", "release.pub")
            .env("COUNTERSIGN_REQUIRE_LOG", "1")
            .args(["verify", "oci:image:1.0"]),
    );
    run.ends(12).says("log");
    for (value, code) in [("1", 0), ("true", 0), ("no", 0), ("perhaps", 2)] {
        finish(
            command(workshop.path())
                .env("COUNTERSIGN_OFFLINE", value)
                .args(["verify", "--key", "release.pub", "oci:image:1.0"]),
        )
        .ends(code);
    }
}

#[test]
fn a_registry_is_served_until_it_is_stopped() {
    use std::io::BufRead as _;
    use std::process::Stdio;
    let workshop = Workshop::new();
    let mut child = command(workshop.path())
        .args([
            "registry",
            "serve",
            "--dir",
            "registry",
            "--listen",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let name = format!("{}/acme/app", address.trim());
    let reference = countersign_formats::Reference::parse(&name).unwrap();
    let settings = countersign_registry::Settings {
        allow_http: true,
        ..Default::default()
    };
    let store = countersign_registry::open(&reference, &settings).unwrap();
    crate::workshop::push_image(store.as_ref(), "1.0", "genuine");
    workshop
        .run(&format!("sign --allow-http --key plain.key {name}:1.0"))
        .ends(0);
    workshop
        .run(&format!("verify --allow-http --key release.pub {name}:1.0"))
        .ends(0);
    std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
