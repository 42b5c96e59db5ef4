//! The reader against serde_json, and the corpus of what is not JSON.

use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, Limits};
use proptest::prelude::*;
use serde_json::Value;

fn reader(text: &str) -> Reader<'_> {
    Reader::new(Document::Json, text, &Limits::DEFAULT)
}

fn skip(text: &str) -> Result<(), Error> {
    let mut reader = reader(text);
    reader.skip()?;
    reader.end()
}

fn ignore(text: &str) -> Result<(), Error> {
    let mut reader = reader(text);
    reader.ignore()?;
    reader.end()
}

/// Reads a document into a value with nothing but the reader's own calls.
fn rebuild(reader: &mut Reader<'_>) -> Result<Value, Error> {
    Ok(match reader.peek()? {
        Kind::Object => {
            let mut members = serde_json::Map::new();
            reader.map(|reader, name| {
                members.insert(name.to_owned(), rebuild(reader)?);
                Ok(())
            })?;
            Value::Object(members)
        }
        Kind::List => {
            let mut elements = Vec::new();
            reader.list(|reader, _| {
                elements.push(rebuild(reader)?);
                Ok(())
            })?;
            Value::Array(elements)
        }
        Kind::String => Value::String(reader.string()?.into_owned()),
        Kind::Boolean => Value::Bool(reader.boolean()?),
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
        Kind::Number => serde_json::from_str(reader.raw()?).unwrap(),
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_document_reads_as_serde_json_reads_it(value in value(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut reader = reader(&text);
        // Through text, because serde_json does not read every double back as it was.
        let theirs: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(rebuild(&mut reader).unwrap(), theirs);
        reader.end().unwrap();
        skip(&text).unwrap();
        ignore(&text).unwrap();
    }

    #[test]
    fn a_changed_document_is_accepted_by_both_or_by_neither(
        value in value(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}:,\"\\\\ 0-9eE.+tfnu/\u{1}-]{0,3}", 0..3_usize), 1..4),
    ) {
        let mut text: Vec<char> = value.to_string().chars().collect();
        for (at, insert, remove) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        let theirs = serde_json::from_str::<Value>(&text).is_ok();
        prop_assert_eq!(skip(&text).is_ok(), theirs, "{:?}", text);
        // Names that are there twice are the one difference that is wanted.
        match ignore(&text) {
            Ok(()) => prop_assert!(theirs, "{:?}", text),
            Err(error) => prop_assert!(!theirs || error.code() == "duplicate-key", "{:?}", text),
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text: String) {
        prop_assert_eq!(skip(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
    }
}

// N-08
#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "\u{feff}{}",
        "{}x",
        "{} {}",
        "{}\0",
        "// c\n{}",
        "/* c */ {}",
        "{} // c",
        "# c\n{}",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "undefined",
        "True",
        "nul",
        "truex",
        "TRUE",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "1e400",
        "-1e400",
        "--1",
        "1,",
        "'a'",
        "\"a",
        "a\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "[1}",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{1:1}",
        "{null:1}",
        "{\"a\"=1}",
        "{\"a\"::1}",
        "{\"a\":1]",
        "\u{a0}1",
    ] {
        for read in [skip, ignore] {
            assert_eq!(read(text).unwrap_err().code(), "json-syntax", "{text:?}");
        }
    }
    for text in [
        " { } ",
        "[ ]",
        "\t[1 , -0.5e-3,\r\n0]",
        "\"\\ud83d\\ude00\\/\\u0000\"",
        "{\"\":{}}",
        "1e308",
        "\u{20}null",
    ] {
        skip(text).unwrap();
        ignore(text).unwrap();
    }
    let huge = "9".repeat(400);
    assert_eq!(skip(&huge).unwrap_err().code(), "json-syntax");
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_offset() {
    let ends = |bytes: &[u8], read: fn(&mut Reader<'_>) -> Result<(), Error>| {
        let mut reader =
            Reader::from_bytes(Document::Json, bytes, ("x", 100), &Limits::DEFAULT).unwrap();
        read(&mut reader)
            .and_then(|()| reader.end())
            .unwrap_err()
            .to_string()
    };
    let skip = |reader: &mut Reader<'_>| reader.skip().map(|_| ());
    let string = |reader: &mut Reader<'_>| reader.string().map(|_| ());
    let base64 = |reader: &mut Reader<'_>| reader.base64(("x", 100)).map(|_| ());
    let ignore = |reader: &mut Reader<'_>| reader.ignore();
    let refused = |offset: usize| format!("not UTF-8 at byte {offset}");
    for read in [skip, string, base64, ignore] {
        assert!(ends(b"\"a\xff\"", read).ends_with(&refused(2)));
    }
    for read in [skip, ignore] {
        assert!(ends(b"{\"a\": [1, \"b\xc3\"]}", read).ends_with(&refused(12)));
        assert!(ends(b"{\"a\xed\xa0\x80\": 1}", read).ends_with(&refused(3)));
        assert!(ends(b"[1, \xff]", read).ends_with(&refused(4)));
        assert!(ends(b"[1\xff]", read).ends_with(&refused(2)));
    }
    assert!(ends(b"\"a\" \xff", string).ends_with(&refused(4)));
    let error = Reader::from_bytes(
        Document::Json,
        b"123",
        ("policy_bytes", 2),
        &Limits::DEFAULT,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "JSON document: over the limit `policy_bytes` of 2"
    );
}

#[test]
fn nesting_is_capped_wherever_it_is() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}0{}", open.repeat(depth), close.repeat(depth));
        for read in [skip, ignore] {
            read(&nested(128)).unwrap();
            assert_eq!(read(&nested(129)).unwrap_err().code(), "over-limit");
            assert_eq!(read(&nested(100_000)).unwrap_err().code(), "over-limit");
        }
        let shallow = Limits {
            json_depth: 3,
            ..Limits::DEFAULT
        };
        let text = nested(4);
        assert_eq!(
            Reader::new(Document::Json, &text, &shallow)
                .skip()
                .unwrap_err()
                .code(),
            "over-limit"
        );
        // A skipped value inside an object that is read counts the levels around it.
        let mut outer = Reader::new(Document::Json, &text, &shallow);
        let error = match open {
            "[" => outer.list(|reader, _| reader.skip().map(|_| ())),
            _ => outer.map(|reader, _| reader.skip().map(|_| ())),
        };
        assert_eq!(error.unwrap_err().code(), "over-limit");
    }
}

// N-06, N-07
#[test]
fn a_name_twice_is_refused_also_beyond_the_first_few() {
    let many: Vec<String> = (0..40).map(|index| format!("\"k{index}\":0")).collect();
    ignore(&format!("{{{}}}", many.join(","))).unwrap();
    for twice in ["k0", "k15", "k16", "k39"] {
        let text = format!("{{{},\"{twice}\":0}}", many.join(","));
        assert_eq!(
            ignore(&text).unwrap_err().code(),
            "duplicate-key",
            "{twice}"
        );
    }
    assert_eq!(
        ignore(r#"{"a":1,"\u0061":2}"#).unwrap_err().code(),
        "duplicate-key"
    );
    let error = ignore(r#"[{"x":[0,{"a":1,"a":2}]}]"#).unwrap_err();
    assert_eq!(error.path(), "[0].x[1]");
    // The fixed names of a format are compared without case, free names are not.
    let text = r#"{"a":1,"A":2}"#;
    assert_eq!(
        reader(text)
            .object(|reader, _| reader.ignore())
            .unwrap_err()
            .code(),
        "duplicate-key"
    );
    reader(text).map(|reader, _| reader.ignore()).unwrap();
    // A skipped value is judged by whoever reads it.
    skip(r#"{"a":1,"a":2}"#).unwrap();
}

#[test]
fn numbers_of_protobuf_are_read_from_strings_and_numbers() {
    for (text, number) in [
        ("0", 0),
        ("\"0\"", 0),
        ("12", 12),
        ("\"12\"", 12),
        ("\"9223372036854775807\"", i64::MAX as u64),
    ] {
        assert_eq!(reader(text).protobuf_int64().unwrap(), number);
    }
    for text in [
        "-1",
        "\"-1\"",
        "1.0",
        "1e3",
        "\"01\"",
        "\" 1\"",
        "\"\"",
        "\"+1\"",
        "9223372036854775808",
        "\"1e3\"",
        "\"１\"",
    ] {
        assert_eq!(
            reader(text).protobuf_int64().unwrap_err().code(),
            "bad-value",
            "{text}"
        );
    }
    for text in ["true", "null", "[]", "{}"] {
        assert_eq!(
            reader(text).protobuf_int64().unwrap_err().code(),
            "wrong-type",
            "{text}"
        );
    }
    assert_eq!(
        reader("\"1\"").whole_number().unwrap_err().to_string(),
        "JSON document: expected a number, found a string"
    );
}

#[test]
fn strings_without_escapes_are_borrowed() {
    use std::borrow::Cow;
    assert!(matches!(
        reader("\"é plain text, long enough\"").string().unwrap(),
        Cow::Borrowed(_)
    ));
    assert_eq!(
        reader(r#""\u00e9\ud83d\ude00\b\f\n\r\t\"\\\/x""#)
            .string()
            .unwrap(),
        "é😀\u{8}\u{c}\n\r\t\"\\/x"
    );
}

#[test]
fn errors_stay_short_whatever_the_document_holds() {
    let long = "x".repeat(1 << 20);
    let text = format!("{{\"{long}\":{{\"{long}\":[{{\"a\":1,\"a\":2}}]}}}}");
    let error = ignore(&text).unwrap_err();
    assert!(
        error.to_string().len() < 1000,
        "{}",
        error.to_string().len()
    );
}
