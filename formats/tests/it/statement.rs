//! In-toto statements, read and written.

use crate::fixtures::{HEX, bytes, statement};
use countersign_formats::predicate_types::COSIGN_SIGN;
use countersign_formats::{
    Error, Limits, Statement, StatementSubject, StatementVersion, statement_json,
};
use std::collections::BTreeMap;

fn parse(text: &str) -> Result<Statement, Error> {
    Statement::parse(bytes(text), &Limits::DEFAULT)
}

fn subject(name: Option<&str>) -> StatementSubject {
    StatementSubject {
        name: name.map(ToOwned::to_owned),
        digests: vec![("sha256".to_owned(), HEX.to_owned())],
        annotations: BTreeMap::new(),
    }
}

#[test]
fn signature_statement_is_written_byte_for_byte_as_cosign_writes_it() {
    let mut signed = subject(None);
    let written = statement_json(
        StatementVersion::V1,
        &[signed.clone()],
        COSIGN_SIGN,
        Some(b"{}"),
    )
    .unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        statement().replace(r#"{"key1":"value1"}"#, "{}")
    );
    signed
        .annotations
        .insert("key1".to_owned(), "value1".to_owned());
    let written =
        statement_json(StatementVersion::V1, &[signed], COSIGN_SIGN, Some(b"{}")).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), statement());
}

#[test]
fn attestation_embeds_the_predicate_byte_for_byte() {
    let predicate = "{ \"b\": 1,\n  \"a\":\t1.0e0, \"é\": \"\\u00e9\" }";
    let given = format!("\n  {predicate}\n");
    let subjects = [subject(Some("ghcr.io/org/app"))];
    let written = statement_json(
        StatementVersion::V0_1,
        &subjects,
        "https://slsa.dev/provenance/v1",
        Some(given.as_bytes()),
    );
    let written = String::from_utf8(written.unwrap()).unwrap();
    assert_eq!(
        written,
        format!(
            r#"{{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v1","subject":[{{"name":"ghcr.io/org/app","digest":{{"sha256":"{HEX}"}}}}],"predicate":{predicate}}}"#
        )
    );
    let read = parse(&written).unwrap();
    assert_eq!(
        read.predicate.as_ref().unwrap().bytes(),
        predicate.as_bytes()
    );
    assert_eq!(read.predicate.as_ref().unwrap().to_bytes(), predicate);
    assert_eq!(
        (read.version, read.subjects.as_slice()),
        (StatementVersion::V0_1, subjects.as_slice())
    );
    let bare = statement_json(StatementVersion::V0_1, &subjects, "x:y", None).unwrap();
    assert_eq!(
        Statement::parse(bare.into(), &Limits::DEFAULT)
            .unwrap()
            .predicate,
        None
    );
}

#[test]
fn a_predicate_that_is_not_one_json_value_is_not_embedded() {
    let write = |predicate: &[u8]| {
        statement_json(
            StatementVersion::V1,
            &[subject(None)],
            "x:y",
            Some(predicate),
        )
    };
    for (predicate, code) in [
        (&b""[..], "json-syntax"),
        (b"{", "json-syntax"),
        (b"{}{}", "json-syntax"),
        (b"{},\"subject\":[]", "json-syntax"),
        (b"\xff", "not-utf8"),
        (b"\xef\xbb\xbf{}", "json-syntax"),
    ] {
        assert_eq!(write(predicate).unwrap_err().code(), code);
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deepest = write(nested(127).as_bytes()).unwrap();
    Statement::parse(deepest.into(), &Limits::DEFAULT).unwrap();
    assert_eq!(
        write(nested(128).as_bytes()).unwrap_err().code(),
        "over-limit"
    );
    write(b"\"text\"").unwrap();
}

#[test]
fn unknown_members_are_passed_over_and_odd_annotations_kept() {
    let text = statement()
        .replacen(r#"{"_type""#, r#"{"new":{"a":[1]},"_type""#, 1)
        .replacen(r#"{"digest""#, r#"{"uri":"x","content":"y","digest""#, 1)
        .replacen(r#""value1""#, r#"{"n": 1}"#, 1);
    let read = parse(&text).unwrap();
    assert_eq!(read.subjects[0].annotations["key1"], r#"{"n": 1}"#);
    assert_eq!(read.version, StatementVersion::V1);
}

// N-06, N-37, N-39
#[test]
fn broken_statements_are_refused_with_the_place() {
    let digest = format!(r#""digest":{{"sha256":"{HEX}"}}"#);
    for (from, to, code, path) in [
        ("Statement/v1", "Statement/v2", "unsupported", "_type"),
        (
            "https://in-toto.io/Statement/v1",
            "",
            "unsupported",
            "_type",
        ),
        (
            r#""_type":"https://in-toto.io/Statement/v1","#,
            "",
            "missing-field",
            "",
        ),
        (
            r#""predicateType":"https://sigstore.dev/cosign/sign/v1","#,
            "",
            "missing-field",
            "",
        ),
        (
            "https://sigstore.dev/cosign/sign/v1",
            "",
            "missing-field",
            "",
        ),
        (
            r#""predicateType""#,
            r#""predicateType":"x","predicateType""#,
            "duplicate-key",
            "",
        ),
        (
            r#""predicateType""#,
            r#""PredicateType":"x","predicateType""#,
            "duplicate-key",
            "",
        ),
        (
            r#""predicate":{}"#,
            r#""predicate":{},"predicate":{}"#,
            "duplicate-key",
            "",
        ),
        (
            r#""predicate":{}"#,
            r#""predicate":{]"#,
            "json-syntax",
            "predicate",
        ),
        (r#""subject""#, r#""subject":[],"x""#, "missing-field", ""),
        (
            r#""subject""#,
            r#""subject":null,"x""#,
            "wrong-type",
            "subject",
        ),
        (
            r#""subject":["#,
            r#""subject":[null,"#,
            "wrong-type",
            "subject[0]",
        ),
        (&digest, r#""digest":{}"#, "missing-field", "subject[0]"),
        (
            &digest,
            r#""digest":null"#,
            "wrong-type",
            "subject[0].digest",
        ),
        (
            &digest,
            r#""digest":{"sha256":1}"#,
            "wrong-type",
            "subject[0].digest.sha256",
        ),
        (
            &digest,
            r#""digest":{"sha256":"a","sha256":"b"}"#,
            "duplicate-key",
            "subject[0].digest",
        ),
        (
            r#"{"_type""#,
            r#"{"new":{"a":1,"a":1},"_type""#,
            "duplicate-key",
            "new",
        ),
    ] {
        let text = statement().replacen(from, to, 1);
        assert_ne!(text, statement(), "{from}");
        let error = parse(&text).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, path), "{error}");
    }
    assert_eq!(parse("not-json").unwrap_err().code(), "json-syntax");
    assert_eq!(parse("").unwrap_err().code(), "json-syntax");
    assert_eq!(
        parse(&format!("{}{}", statement(), statement()))
            .unwrap_err()
            .code(),
        "json-syntax"
    );
}

// A014
#[test]
fn subjects_and_digests_are_capped() {
    let one = r#"{"digest":{"sha256":"a"}},"#;
    let subjects = |count: usize| {
        statement().replacen(
            r#""subject":["#,
            &format!(r#""subject":[{}"#, one.repeat(count)),
            1,
        )
    };
    assert_eq!(parse(&subjects(1023)).unwrap().subjects.len(), 1024);
    assert_eq!(parse(&subjects(1024)).unwrap_err().code(), "over-limit");
    let digests = |count: usize| {
        let many: String = (0..count)
            .map(|number| format!(r#""a{number}":"x","#))
            .collect();
        statement().replacen(r#""digest":{"#, &format!(r#""digest":{{{many}"#), 1)
    };
    assert_eq!(parse(&digests(31)).unwrap().subjects[0].digests.len(), 32);
    assert_eq!(parse(&digests(32)).unwrap_err().code(), "over-limit");
}
