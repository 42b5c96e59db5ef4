//! Every object of every document: a name twice, a null, an unknown name, a name in other case (N-06, N-07, A042).

use crate::fixtures::*;
use countersign_formats::{
    Bundle, EncryptedPrivateKey, Envelope, Error, LegacyAnnotations, Limits, LogBody, Manifest,
    SimpleSigning, Statement, TrustedRoot, write_pem,
};
use serde_json::Value;

type Parse = fn(&str) -> Result<(), Error>;

/// A document, its parser, whether unknown members are refused, and objects with free names.
struct Case {
    name: &'static str,
    text: String,
    parse: Parse,
    closed: bool,
    free: &'static [&'static str],
}

fn cases() -> Vec<Case> {
    let case = |name, text, parse, closed, free| Case {
        name,
        text,
        parse,
        closed,
        free,
    };
    vec![
        case(
            "manifest",
            manifest(),
            (|text| Manifest::parse(text.as_bytes(), None, &Limits::DEFAULT).map(drop)) as Parse,
            false,
            &["annotations"],
        ),
        case(
            "index",
            index(),
            |text| Manifest::parse(text.as_bytes(), None, &Limits::DEFAULT).map(drop),
            false,
            &["annotations", "new"],
        ),
        case(
            "bundle",
            bundle(),
            |text| Bundle::parse(&bytes(text), &Limits::DEFAULT).map(drop),
            true,
            &[],
        ),
        case(
            "message bundle",
            message_bundle(),
            |text| Bundle::parse(&bytes(text), &Limits::DEFAULT).map(drop),
            true,
            &[],
        ),
        case(
            "envelope",
            envelope(),
            |text| Envelope::parse(&bytes(text), &Limits::DEFAULT).map(drop),
            true,
            &[],
        ),
        case(
            "statement",
            statement(),
            |text| Statement::parse(bytes(text), &Limits::DEFAULT).map(drop),
            false,
            &["annotations", "digest", "predicate"],
        ),
        case(
            "simple signing",
            simple_signing(),
            |text| SimpleSigning::parse(&bytes(text)).map(drop),
            true,
            &["optional"],
        ),
        case(
            "hashedrekord 0.0.1",
            hashed_rekord_v1(),
            |text| LogBody::parse("hashedrekord", "0.0.1", text.as_bytes()).map(drop),
            true,
            &[],
        ),
        case(
            "hashedrekord 0.0.2",
            hashed_rekord_v2(),
            |text| LogBody::parse("hashedrekord", "0.0.2", text.as_bytes()).map(drop),
            true,
            &[],
        ),
        case(
            "dsse 0.0.1",
            dsse_v1(),
            |text| LogBody::parse("dsse", "0.0.1", text.as_bytes()).map(drop),
            true,
            &[],
        ),
        case(
            "dsse 0.0.2",
            dsse_v2(),
            |text| LogBody::parse("dsse", "0.0.2", text.as_bytes()).map(drop),
            true,
            &[],
        ),
        case(
            "intoto 0.0.2",
            intoto_v2(),
            |text| LogBody::parse("intoto", "0.0.2", text.as_bytes()).map(drop),
            true,
            &[],
        ),
        case(
            "trusted root",
            trusted_root(),
            |text| TrustedRoot::parse(&bytes(text), &Limits::DEFAULT).map(drop),
            false,
            &[],
        ),
        case(
            "encrypted key",
            encrypted_key_json(),
            |text| {
                EncryptedPrivateKey::parse_pem(
                    write_pem("ENCRYPTED SIGSTORE PRIVATE KEY", text.as_bytes()).as_bytes(),
                )
                .map(drop)
            },
            true,
            &[],
        ),
        case(
            "legacy bundle",
            legacy_bundle(),
            |text| {
                let mut annotations = legacy_annotations();
                annotations.insert("dev.sigstore.cosign/bundle".to_owned(), text.to_owned());
                LegacyAnnotations::parse(&annotations, &Limits::DEFAULT).map(drop)
            },
            true,
            &[],
        ),
    ]
}

/// What is done to one member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Edit {
    Twice,
    Null,
    Unknown,
    OtherCaseBeside,
}

/// Writes `value`, with `edit` done to member number `target` (counted in the order of writing).
struct Editor {
    edit: Edit,
    target: usize,
    count: usize,
    path: Vec<String>,
    hit: Option<Vec<String>>,
    out: String,
}

impl Editor {
    fn write(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                self.out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.path.push(name.clone());
                    let here = self.count == self.target;
                    self.count += 1;
                    let quoted = Value::from(name.as_str());
                    if here {
                        self.hit = Some(self.path.clone());
                    }
                    match self.edit {
                        Edit::Null if here => self.out.push_str(&format!("{quoted}:null")),
                        Edit::Unknown if here => {
                            self.out.push_str("\"zz\":1,");
                            self.out.push_str(&format!("{quoted}:"));
                            self.write(member);
                        }
                        Edit::OtherCaseBeside if here => {
                            let upper = Value::from(name.to_uppercase());
                            self.out.push_str(&format!("{quoted}:"));
                            self.write(member);
                            self.out.push_str(&format!(",{upper}:{member}"));
                        }
                        Edit::Twice if here => {
                            self.out.push_str(&format!("{quoted}:"));
                            self.write(member);
                            self.out.push_str(&format!(",{quoted}:{member}"));
                        }
                        _ => {
                            self.out.push_str(&format!("{quoted}:"));
                            self.write(member);
                        }
                    }
                    self.path.pop();
                }
                self.out.push('}');
            }
            Value::Array(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.write(element);
                }
                self.out.push(']');
            }
            other => self.out.push_str(&other.to_string()),
        }
    }
}

/// Every variant of `text` with `edit` done to one member, and that member's path.
fn variants(text: &str, edit: Edit) -> Vec<(Vec<String>, String)> {
    let value: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    for target in 0.. {
        let mut editor = Editor {
            edit,
            target,
            count: 0,
            path: Vec::new(),
            hit: None,
            out: String::new(),
        };
        editor.write(&value);
        match editor.hit {
            Some(path) => found.push((path, editor.out)),
            None => break,
        }
    }
    found
}

#[test]
fn every_fixture_is_accepted() {
    for case in cases() {
        (case.parse)(&case.text).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}

#[test]
fn a_member_twice_is_refused_in_every_object() {
    for case in cases() {
        for (path, text) in variants(&case.text, Edit::Twice) {
            // Inside a predicate nothing is compared; the fixture's predicate is empty.
            let error = (case.parse)(&text)
                .err()
                .unwrap_or_else(|| panic!("{} {path:?} was accepted", case.name));
            assert_eq!(
                error.code(),
                "duplicate-key",
                "{} {path:?}: {error}",
                case.name
            );
        }
    }
}

#[test]
fn a_member_in_other_case_beside_the_real_one_is_refused() {
    for case in cases() {
        for (path, text) in variants(&case.text, Edit::OtherCaseBeside) {
            let parent = path.len().checked_sub(2).map(|at| path[at].as_str());
            if parent.is_some_and(|parent| case.free.contains(&parent)) {
                continue;
            }
            let error = (case.parse)(&text)
                .err()
                .unwrap_or_else(|| panic!("{} {path:?} was accepted", case.name));
            assert!(
                ["duplicate-key", "unknown-field"].contains(&error.code()),
                "{} {path:?}: {error}",
                case.name
            );
        }
    }
}

#[test]
fn null_is_refused_for_every_member() {
    for case in cases() {
        for (path, text) in variants(&case.text, Edit::Null) {
            let path = path.join("/");
            // What this crate does not know or does not interpret may hold anything; the three exceptions are documented.
            let allowed = match case.name {
                "index" => [
                    "manifests",
                    "manifests/urls",
                    "manifests/new",
                    "manifests/new/a",
                    "manifests/platform/os.features",
                    "x-new",
                ]
                .contains(&path.as_str()),
                "bundle" => path == "verificationMaterial/timestampVerificationData",
                "statement" => ["predicate", "subject/annotations/key1"].contains(&path.as_str()),
                "simple signing" => ["optional", "optional/k"].contains(&path.as_str()),
                _ => false,
            };
            match (case.parse)(&text) {
                Ok(()) => assert!(allowed, "{} {path} was accepted", case.name),
                Err(error) => {
                    assert!(!allowed, "{} {path}: {error}", case.name);
                    assert!(
                        ["wrong-type", "missing-field"].contains(&error.code()),
                        "{} {path}: {error}",
                        case.name
                    );
                }
            }
        }
    }
}

#[test]
fn an_unknown_member_is_refused_where_the_format_is_closed() {
    for case in cases() {
        for (path, text) in variants(&case.text, Edit::Unknown) {
            let parent = path.len().checked_sub(2).map_or("", |at| path[at].as_str());
            let result = (case.parse)(&text);
            if case.closed && !case.free.contains(&parent) {
                assert_eq!(
                    result.unwrap_err().code(),
                    "unknown-field",
                    "{} {path:?}",
                    case.name
                );
            } else if let Err(error) = result {
                // Free objects hold strings.
                assert_eq!(
                    error.code(),
                    "wrong-type",
                    "{} {path:?}: {error}",
                    case.name
                );
                assert!(
                    case.free.contains(&parent),
                    "{} {path:?}: {error}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn every_prefix_of_a_document_is_refused() {
    for case in cases() {
        for (at, _) in case.text.char_indices().skip(1) {
            let (prefix, _) = case.text.split_at(at);
            assert!((case.parse)(prefix).is_err(), "{} cut at {at}", case.name);
        }
    }
}

// N-08
#[test]
fn text_around_a_document_is_refused() {
    for case in cases() {
        let text = &case.text;
        (case.parse)(&format!(" \r\n\t{text}\n")).unwrap();
        for around in [
            format!("\u{feff}{text}"),
            format!("{text}x"),
            format!("{text},"),
            format!("{text}\0"),
            format!("{text}\u{a0}"),
            format!("{text}{text}"),
            format!("// c\n{text}"),
            format!("{text}/* c */"),
            text.replacen(':', ":NaN,\"zz\":", 1),
            text.replacen(':', ":1e999,\"zz\":", 1),
            text.replacen(':', ":\"\\ud800\",\"zz\":", 1),
            text.replacen('"', "'", 1),
            text.replacen('{', "{,", 1),
        ] {
            let error = (case.parse)(&around)
                .err()
                .unwrap_or_else(|| panic!("{} was accepted: {around}", case.name));
            assert!(
                ["json-syntax", "wrong-type"].contains(&error.code()),
                "{}: {error}: {around}",
                case.name
            );
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let error = (case.parse)(&text.replacen(':', &format!(":{deep},\"zz\":"), 1)).unwrap_err();
        assert!(
            ["over-limit", "wrong-type"].contains(&error.code()),
            "{}: {error}",
            case.name
        );
    }
}
