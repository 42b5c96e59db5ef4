//! The published schemas, held against the readers of policies and of tests, and against real decisions.

use countersign_formats::Limits;
use countersign_policy::{PolicySet, TestTable};
use countersign_testdata::keys::LabKey;
use countersign_testdata::lab::{Lab, image_statement};
use serde_json::{Value, json};

use crate::{blocks, decide, example, folder, source};

fn schema(name: &str) -> Value {
    let path = folder().join("../schemas").join(name);
    let text = std::fs::read_to_string(path).expect("the schema");
    serde_json::from_str(&text).expect("JSON")
}

/// What is wrong with `value`, by the keywords of JSON Schema that our schemas use.
fn wrong(value: &Value, schema: &Value, root: &Value, path: &str) -> Vec<String> {
    let fits = |part: &Value| wrong(value, part, root, path).is_empty();
    let mut faults = Vec::new();
    for (keyword, rule) in schema.as_object().expect("a schema") {
        let good = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" | "then" | "else" => {
                true
            }
            "$ref" => {
                let pointer = rule.as_str().expect("text").trim_start_matches('#');
                let part = root.pointer(pointer).expect("a definition");
                faults.extend(wrong(value, part, root, path));
                true
            }
            "type" => {
                let kinds = rule
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![rule.clone()]);
                kinds.iter().any(|kind| match kind.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("integer") => value.is_u64() || value.is_i64(),
                    Some("boolean") => value.is_boolean(),
                    Some("null") => value.is_null(),
                    other => panic!("type {other:?}"),
                })
            }
            "const" => value == rule,
            "enum" => rule.as_array().expect("list").contains(value),
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array()
                    .expect("list")
                    .iter()
                    .all(|name| object.contains_key(name.as_str().expect("text")))
            }),
            "properties" => {
                for (name, part) in rule.as_object().expect("object") {
                    if let Some(member) = value.get(name).filter(|_| value.is_object()) {
                        faults.extend(wrong(member, part, root, &format!("{path}/{name}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(name)) {
                        continue;
                    }
                    if rule == &json!(false) {
                        faults.push(format!("{path}: `{name}` is not known"));
                    } else {
                        faults.extend(wrong(member, rule, root, &format!("{path}/{name}")));
                    }
                }
                true
            }
            "propertyNames" => {
                for name in value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                {
                    faults.extend(wrong(&json!(name), rule, root, path));
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    faults.extend(wrong(item, rule, root, &format!("{path}/{index}")));
                }
                true
            }
            "minItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 >= rule.as_u64().expect("number")),
            "maxItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 <= rule.as_u64().expect("number")),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().expect("number")),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().expect("number")),
            "minProperties" => value
                .as_object()
                .is_none_or(|object| object.len() as u64 >= rule.as_u64().expect("number")),
            "maxProperties" => value
                .as_object()
                .is_none_or(|object| object.len() as u64 <= rule.as_u64().expect("number")),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| number >= rule.as_i64().expect("number")),
            "maximum" => value
                .as_i64()
                .is_none_or(|number| number <= rule.as_i64().expect("number")),
            "pattern" => value.as_str().is_none_or(|text| {
                regex::Regex::new(rule.as_str().expect("text"))
                    .expect("an expression")
                    .is_match(text)
            }),
            "anyOf" => rule.as_array().expect("list").iter().any(fits),
            "allOf" => {
                for part in rule.as_array().expect("list") {
                    faults.extend(wrong(value, part, root, path));
                }
                true
            }
            "oneOf" => {
                rule.as_array()
                    .expect("list")
                    .iter()
                    .filter(|part| fits(part))
                    .count()
                    == 1
            }
            "not" => !fits(rule),
            "if" => {
                let branch = if fits(rule) { "then" } else { "else" };
                if let Some(part) = schema.get(branch) {
                    faults.extend(wrong(value, part, root, path));
                }
                true
            }
            other => panic!("keyword {other}"),
        };
        if !good {
            faults.push(format!("{path}: {keyword} {rule}"));
        }
    }
    faults
}

fn json_of(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn is_read(yaml: &str) -> Result<(), String> {
    let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
    PolicySet::parse_with_files(&[source("p.yaml", yaml)], &Limits::DEFAULT, &files)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[test]
fn every_example_fits_the_published_schema_as_it_is_printed_and_as_it_is_written() {
    let schema = schema("policy.v1.json");
    let mut texts = blocks();
    for entry in std::fs::read_dir(folder().join("examples")).expect("examples") {
        texts.push(std::fs::read_to_string(entry.expect("entry").path()).expect("text"));
    }
    assert!(texts.len() > 10);
    for text in texts {
        is_read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let faults = wrong(&json_of(&text), &schema, &schema, "");
        assert!(faults.is_empty(), "{faults:#?}\n{text}");
        let files = |_: &str, name: &str| Ok(LabKey::p256(name).public_pem().into_bytes());
        let set = PolicySet::parse_with_files(&[source("p", &text)], &Limits::DEFAULT, &files);
        for document in set.expect("a policy").to_yaml().split("\n---\n") {
            let faults = wrong(&json_of(document), &schema, &schema, "");
            assert!(faults.is_empty(), "{faults:#?}\n{document}");
        }
    }
}

/// A policy with everything in it, to be spoiled in one place at a time.
const FULL: &str = r#"
apiVersion: countersign.dev/v1
kind: Policy
metadata: {name: full}
spec:
  mode: audit
  expires: 2030-06-30
  scope:
    images: ["ghcr.io/acme/**"]
    except: [{image: ghcr.io/acme/old, until: "2029-01-01T00:00:00Z", reason: OPS-1}]
  signers:
    a: {key: {file: a, compromisedSince: 2029-03-01}, trust: {logs: 1}}
    b: {keyless: {issuer: https://issuer.example, identity: {regex: '^b@acme\.example$'}}}
    c: {github: {repository: acme/app, ref: refs/tags/v*}}
  trust:
    root: sha256:0000000000000000000000000000000000000000000000000000000000000000
    keys: {logs: 1, times: 1}
    certificates: {scts: 2, witnesses: 1}
  deny:
    digests: [sha256:0000000000000000000000000000000000000000000000000000000000000000]
    identities: ["*@evil.example"]
    serials: ["0a:1B"]
  unavailable: {useCached: {maxAge: 24h}}
  insecure: {ignoreSct: {reason: OPS-2}}
  require:
    allOf:
      - signature: {by: a, annotations: {env: prod}, maxAge: 7d, subject: platform, via: index}
      - statement: {type: spdxjson, by: [b, c], select: latest, maxAge: 7d, subject: eachPlatform}
      - statement: {type: any, by: b, select: all, minimum: 2}
      - atLeast: {count: 2, distinct: issuer, of: [{signature: {by: a}}, {signature: {by: b}}]}
"#;

/// Texts of the full policy and what they are spoiled with, where a schema can say that it is wrong.
const SPOILED: &[(&str, &str)] = &[
    ("countersign.dev/v1", "countersign.dev/v2"),
    ("kind: Policy", "kind: Rules"),
    ("metadata: {name: full}", "metadata: {name: ''}"),
    ("metadata: {name: full}", "metadata: {names: full}"),
    ("mode: audit", "mode: observe"),
    ("expires: 2030-06-30", "expires: soon"),
    ("images: [\"ghcr.io/acme/**\"]", "images: []"),
    (
        "images: [\"ghcr.io/acme/**\"]",
        "images: [\"ghcr.io/acme/app@sha256:00\"]",
    ),
    (", reason: OPS-1", ""),
    ("reason: OPS-1", "reason: ''"),
    ("until: \"2029-01-01T00:00:00Z\", ", ""),
    (
        "{file: a, compromisedSince: 2029-03-01}",
        "{compromisedSince: 2029-03-01}",
    ),
    (
        "{file: a, compromisedSince: 2029-03-01}",
        "{file: a, pem: b}",
    ),
    ("compromisedSince: 2029-03-01", "compromisedSince: March"),
    (
        "{file: a, compromisedSince",
        "{file: a, pin: abc, compromisedSince",
    ),
    ("trust: {logs: 1}}", "trust: {log: 1}}"),
    ("trust: {logs: 1}}", "certificate: {identity: x}}"),
    ("{keyless: {issuer: https://issuer.example, ", "{keyless: {"),
    ("{regex: '^b@acme\\.example$'}", "{regex: 'b@acme'}"),
    ("{regex: '^b@acme\\.example$'}", "{regexp: '^b@acme$'}"),
    (
        "{repository: acme/app, ref: refs/tags/v*}",
        "{ref: refs/tags/v*}",
    ),
    (
        "{repository: acme/app, ref: refs/tags/v*}",
        "{repo: acme/app}",
    ),
    ("root: sha256:0", "root: sha255:0"),
    ("keys: {logs: 1, times: 1}", "keys: {logs: -1}"),
    ("keys: {logs: 1, times: 1}", "keys: {logs: 100}"),
    ("keys: {logs: 1, times: 1}", "keys: {scts: 1}"),
    ("digests: [sha256:0", "digests: [sha256:"),
    ("serials: [\"0a:1B\"]", "serials: [\"xyz\"]"),
    ("{useCached: {maxAge: 24h}}", "allow"),
    ("{useCached: {maxAge: 24h}}", "{useCached: {}}"),
    ("maxAge: 24h", "maxAge: 24"),
    ("maxAge: 24h", "maxAge: 0h"),
    ("ignoreSct: {reason: OPS-2}", "ignoreSct: {}"),
    ("ignoreSct: {reason: OPS-2}", "ignoreScts: {reason: OPS-2}"),
    ("annotations: {env: prod}", "annotation: {env: prod}"),
    ("subject: platform", "subject: platforms"),
    ("via: index", "via: platform"),
    ("select: latest, maxAge: 7d", "select: latest"),
    ("select: latest", "select: newest"),
    ("select: all, minimum: 2", "select: all"),
    ("select: all, minimum: 2", "minimum: 2"),
    ("minimum: 2", "minimum: 0"),
    ("by: [b, c]", "by: []"),
    ("count: 2", "count: 0"),
    ("distinct: issuer", "distinct: person"),
    ("of: [{signature: {by: a}}, {signature: {by: b}}]", "of: []"),
    ("{signature: {by: a}}, ", "{signature: {}}, "),
    (
        "{signature: {by: a}}, ",
        "{signature: {by: a}, statement: {type: any, by: a}}, ",
    ),
];

#[test]
fn what_the_schema_refuses_the_reader_refuses_and_the_other_way_round() {
    let schema = schema("policy.v1.json");
    is_read(FULL).unwrap_or_else(|error| panic!("{error}"));
    let faults = wrong(&json_of(FULL), &schema, &schema, "");
    assert!(faults.is_empty(), "{faults:#?}");
    for (text, spoiled) in SPOILED {
        assert_eq!(FULL.matches(text).count(), 1, "`{text}` stands once");
        let policy = FULL.replace(text, spoiled);
        let faults = wrong(&json_of(&policy), &schema, &schema, "");
        assert!(!faults.is_empty(), "the schema takes `{spoiled}`");
        assert!(is_read(&policy).is_err(), "the reader takes `{spoiled}`");
    }
    // Each field of the full policy, misspelled: neither takes a field that does not exist.
    for line in FULL.lines() {
        for (at, _) in line.match_indices(": ") {
            let begin = line[..at].rfind([' ', '{']).map_or(0, |at| at + 1);
            let field = &line[begin..at];
            // Names of signers and annotations are free.
            if field.is_empty() || ["a", "b", "c", "env"].contains(&field) {
                continue;
            }
            let renamed = format!("{}{field}x{}", &line[..begin], &line[at..]);
            let policy = FULL.replacen(line, &renamed, 1);
            assert!(is_read(&policy).is_err(), "the reader takes `{renamed}`");
            let faults = wrong(&json_of(&policy), &schema, &schema, "");
            assert!(!faults.is_empty(), "the schema takes `{renamed}`");
        }
    }
}

/// A table of tests with everything in it, to be spoiled in one place at a time.
const TABLE: &str = r#"
apiVersion: countersign.dev/v1
kind: PolicyTest
metadata: {name: full}
pack: app.pack.tar
policies: [policy.yaml]
cases:
  - name: one
    pack: other.pack.tar
    image: ghcr.io/acme/app:1.4
    platform: linux/arm64
    policies: [strict.yaml]
    now: "2030-01-01T00:00:00Z"
    expect: fail
    action: deny
    codes: [none-acceptable]
    reasons: ["no signature by"]
    exitCode: 12
"#;

/// Texts of the table and what they are spoiled with, where a schema can say that it is wrong.
const SPOILED_TABLE: &[(&str, &str)] = &[
    ("countersign.dev/v1", "countersign.dev/v2"),
    ("kind: PolicyTest", "kind: Policy"),
    ("metadata: {name: full}", "metadata: {}"),
    ("metadata: {name: full}", "metadata: {name: full, owner: a}"),
    ("policies: [policy.yaml]", "policies: policy.yaml"),
    ("  - name: one\n    pack", "  - pack"),
    ("    expect: fail\n", ""),
    ("expect: fail", "expect: deny"),
    ("action: deny", "action: refuse"),
    ("codes: [none-acceptable]", "codes: none-acceptable"),
    ("exitCode: 12", "exitCode: 256"),
    ("exitCode: 12", "exitCode: -1"),
    ("exitCode: 12", "exit: 12"),
];

#[test]
fn a_table_of_tests_is_what_its_schema_says() {
    let schema = schema("policy-test.v1.json");
    let is_read = |yaml: &str| TestTable::parse(&source("t.yaml", yaml), &Limits::DEFAULT).is_ok();
    let fits = |yaml: &str| wrong(&json_of(yaml), &schema, &schema, "").is_empty();
    let documented = std::fs::read_to_string(folder().join("testing.md")).expect("the page");
    let documented: Vec<&str> = documented
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!documented.is_empty());
    for table in documented.into_iter().chain([TABLE]) {
        assert!(is_read(table) && fits(table), "{table}");
    }
    for (text, spoiled) in SPOILED_TABLE {
        assert_eq!(TABLE.matches(text).count(), 1, "`{text}` stands once");
        let table = TABLE.replace(text, spoiled);
        assert!(!fits(&table), "the schema takes `{spoiled}`");
        assert!(!is_read(&table), "the reader takes `{spoiled}`");
    }
}

#[test]
fn decisions_fit_their_schema_which_is_the_one_of_the_program_s_output() {
    let own = schema("decision.v1.json");
    let program = schema("cli-output.v1.json");
    for (name, part) in own["$defs"].as_object().expect("definitions") {
        assert_eq!(Some(part), program["$defs"].get(name), "{name}");
    }
    assert_eq!(
        own["properties"],
        program["$defs"]["decision"]["properties"]
    );
    assert_eq!(own["required"], program["$defs"]["decision"]["required"]);
    let lab = Lab::new();
    let mut annotated = image_statement(&Lab::image());
    annotated["subject"][0]["annotations"] = json!({"env": "prod"});
    let signed = |key: &str| lab.managed(LabKey::p256(key)).statement(&annotated).build();
    for found in [
        vec![],
        vec![signed("old")],
        vec![signed("release"), signed("old")],
    ] {
        let decision = decide(&example("one-key"), &lab, &found);
        let record = serde_json::to_value(decision.record()).expect("a record");
        let faults = wrong(&record, &own, &own, "");
        assert!(faults.is_empty(), "{faults:#?}\n{record:#}");
    }
}
