//! In-toto statements: which digest they name, under which algorithm, and of what type they are.

use serde_json::{Value, json};

use crate::keys::{Hash, LabKey};
use crate::lab::{IN_TOTO, Lab, image_statement};
use crate::transparency_log::hex;
use crate::vector::Vector;

const G: &str = "statements";
const GOOD: &str = "statement-names-the-image";

pub(super) fn vectors(lab: &Lab) -> Vec<Vector> {
    let key = LabKey::p256("lab-managed");
    let signed = |statement: &Value| lab.managed(key.clone()).statement(statement).build();
    let raw = |payload: &str| {
        lab.managed(key.clone())
            .payload(IN_TOTO, payload.as_bytes())
            .build()
    };
    let good = image_statement(&Lab::image());
    let value = Lab::image().replace("sha256:", "");
    let accept = |name, claim, rows: &[&'static str], bend: &dyn Fn(&mut Value)| {
        let mut statement = good.clone();
        bend(&mut statement);
        Vector::accepted(G, name, claim)
            .rows(rows)
            .key(&key)
            .bundle(&signed(&statement))
    };
    let reject = |name, claim, code, rows: &[&'static str], bend: &dyn Fn(&mut Value)| {
        let mut statement = good.clone();
        bend(&mut statement);
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .key(&key)
            .bundle(&signed(&statement))
    };
    let digests = |name, claim, code, rows: &[&'static str], digests: Value| {
        reject(name, claim, code, rows, &move |statement| {
            statement["subject"][0]["digest"] = digests.clone()
        })
    };
    let text = |name, claim, code, rows: &[&'static str], payload: String| {
        Vector::rejected(G, name, claim, code, GOOD)
            .rows(rows)
            .key(&key)
            .bundle(&raw(&payload))
    };
    let remove = |member: &'static str| {
        move |statement: &mut Value| {
            statement.as_object_mut().expect("object").remove(member);
        }
    };
    let other = hex(&Hash::Sha256.of(b"another image"));
    vec![
        accept(
            GOOD,
            "a statement whose subject is the image proves a claim about it",
            &[],
            &|_| {},
        ),
        accept(
            "statement-of-version-0-1",
            "a version 0.1 statement, as attestations use it, counts the same",
            &["N-39"],
            &|statement| {
                statement["_type"] = json!("https://in-toto.io/Statement/v0.1");
            },
        ),
        accept(
            "predicate-left-out",
            "an absent predicate is an empty one: older cosign leaves it out",
            &["A013"],
            &remove("predicate"),
        ),
        accept(
            "image-is-the-last-of-many-subjects",
            "the image may be any of the subjects",
            &["N-37"],
            &|statement| {
                let mut subjects: Vec<Value> = (0..1_023).map(|number| json!({"name": format!("{number}"), "digest": {"sha256": hex(&Hash::Sha256.of(format!("{number}").as_bytes()))}})).collect();
                subjects.push(statement["subject"][0].clone());
                statement["subject"] = json!(subjects);
            },
        ),
        accept(
            "right-digest-beside-a-wrong-one-of-another-algorithm",
            "in-toto v1: a subject is named when one acceptable digest is its own",
            &["N-35"],
            &|statement| {
                statement["subject"][0]["digest"]["sha512"] =
                    json!(hex(&Hash::Sha512.of(b"another image")));
            },
        ),
        accept(
            "right-digest-beside-other-algorithms",
            "one strong digest under its own name is enough",
            &["N-35"],
            &|statement| {
                statement["subject"][0]["digest"]["sha512"] =
                    json!(hex(&Hash::Sha512.of(b"the lab's image")));
                statement["subject"][0]["digest"]["gitCommit"] =
                    json!("0123456789abcdef0123456789abcdef01234567");
            },
        ),
        digests(
            "statement-about-another-image",
            "a statement about another digest proves nothing about this one",
            "subject-mismatch",
            &["A023"],
            json!({"sha256": other}),
        ),
        digests(
            "digest-under-another-strong-algorithm",
            "a digest counts under its own algorithm's name only",
            "subject-mismatch",
            &["A023", "N-35"],
            json!({"sha512": value}),
        ),
        digests(
            "digest-under-a-git-algorithm",
            "a git object name is not an image digest",
            "weak-digest",
            &["N-35"],
            json!({"gitCommit": value}),
        ),
        digests(
            "digest-in-upper-case",
            "hexadecimal digits are lower case",
            "subject-mismatch",
            &["N-35"],
            json!({"sha256": value.to_uppercase()}),
        ),
        digests(
            "digest-with-algorithm-prefix",
            "the value is hexadecimal without prefix",
            "subject-mismatch",
            &["N-35"],
            json!({"sha256": Lab::image()}),
        ),
        digests(
            "digest-truncated",
            "a truncated digest matches nothing",
            "subject-mismatch",
            &["N-35"],
            json!({"sha256": value.get(..32)}),
        ),
        digests(
            "digest-under-upper-case-name",
            "the algorithm's name is compared exactly",
            "weak-digest",
            &["N-35", "N-07"],
            json!({"SHA256": value}),
        ),
        digests(
            "digest-is-sha-1-only",
            "a weak digest names nothing",
            "weak-digest",
            &["N-36", "A101"],
            json!({"sha1": hex(&Hash::Sha1.of(b"the lab's image"))}),
        ),
        digests(
            "digest-is-md5-only",
            "a weak digest names nothing",
            "weak-digest",
            &["N-36", "A101"],
            json!({"md5": "d41d8cd98f00b204e9800998ecf8427e"}),
        ),
        digests(
            "digest-set-empty",
            "a subject without digest names nothing",
            "missing-field",
            &["A146", "N-37"],
            json!({}),
        ),
        digests(
            "digest-null",
            "null in the place of a digest is refused",
            "wrong-type",
            &["A042", "#5016"],
            Value::Null,
        ),
        digests(
            "too-many-digests-in-one-subject",
            "more digests than the limit are refused",
            "over-limit",
            &["A014"],
            Value::Object(
                (0..33)
                    .map(|number| (format!("a{number}"), json!(value)))
                    .collect(),
            ),
        ),
        reject(
            "no-subject",
            "a statement about nothing proves nothing",
            "missing-field",
            &["A146", "#119", "N-37"],
            &|statement| statement["subject"] = json!([]),
        ),
        reject(
            "subject-missing",
            "a statement without subjects is refused",
            "missing-field",
            &["A146", "N-37"],
            &remove("subject"),
        ),
        reject(
            "subject-null",
            "null in the place of a subject is refused",
            "wrong-type",
            &["#5016"],
            &|statement| statement["subject"] = json!([null]),
        ),
        reject(
            "too-many-subjects",
            "more subjects than the limit are refused",
            "over-limit",
            &["A014", "N-37"],
            &|statement| {
                let first = statement["subject"][0].clone();
                statement["subject"] = json!(vec![first; 1_025]);
            },
        ),
        reject(
            "subject-name-too-long",
            "a subject name beyond the limit is refused",
            "over-limit",
            &["N-110"],
            &|statement| {
                statement["subject"][0]["name"] = json!("n".repeat(9_000));
            },
        ),
        reject(
            "name-is-the-digest",
            "a subject's name binds nothing",
            "subject-mismatch",
            &["N-37"],
            &|statement| {
                statement["subject"][0] =
                    json!({"name": Lab::image(), "digest": {"sha256": "00".repeat(32)}});
            },
        ),
        reject(
            "predicate-type-missing",
            "a statement without predicate type is refused",
            "missing-field",
            &["A013", "N-38"],
            &remove("predicateType"),
        ),
        reject(
            "predicate-type-empty",
            "an empty predicate type is refused",
            "missing-field",
            &["N-38"],
            &|statement| statement["predicateType"] = json!(""),
        ),
        reject(
            "predicate-type-of-other-type",
            "a predicate type that is not text is refused",
            "wrong-type",
            &["A013"],
            &|statement| statement["predicateType"] = json!(1),
        ),
        reject(
            "type-missing",
            "a statement that does not say that it is one is refused",
            "missing-field",
            &["N-39"],
            &remove("_type"),
        ),
        reject(
            "type-of-a-later-version",
            "an unknown statement version is refused",
            "unsupported",
            &["N-39"],
            &|statement| {
                statement["_type"] = json!("https://in-toto.io/Statement/v2");
            },
        ),
        text(
            "payload-is-not-json",
            "a signed payload that is not JSON is refused",
            "json-syntax",
            &["A013"],
            "not-json".to_owned(),
        ),
        text(
            "payload-is-a-list",
            "a signed payload that is not an object is refused",
            "wrong-type",
            &["A013"],
            "[]".to_owned(),
        ),
        text(
            "payload-empty",
            "an empty payload is refused",
            "json-syntax",
            &["A013", "A146"],
            String::new(),
        ),
        text(
            "subject-given-twice",
            "a member given twice is refused: two readers would see two images",
            "duplicate-key",
            &["N-06"],
            good.to_string().replacen(
                "\"subject\"",
                "\"subject\":[{\"digest\":{\"sha256\":\"00\"}}],\"subject\"",
                1,
            ),
        ),
        text(
            "digest-given-twice",
            "a digest algorithm given twice is refused",
            "duplicate-key",
            &["N-06"],
            good.to_string().replacen(
                "{\"sha256\"",
                &format!("{{\"sha256\":\"{other}\",\"sha256\""),
                1,
            ),
        ),
        text(
            "subject-in-other-case-beside-the-real-one",
            "a member in another case is not read in its place",
            "missing-field",
            &["N-07"],
            good.to_string().replace("\"subject\"", "\"Subject\""),
        ),
        text(
            "predicate-is-not-json",
            "a predicate must be JSON although it is never read",
            "json-syntax",
            &["A013", "N-08"],
            good.to_string()
                .replace("\"predicate\":{}", "\"predicate\":{'a':1}"),
        ),
        text(
            "predicate-nested-too-deep",
            "a predicate nested beyond the limit is refused",
            "over-limit",
            &["A158", "N-08"],
            good.to_string().replace(
                "\"predicate\":{}",
                &format!("\"predicate\":{}{}", "[".repeat(3_000), "]".repeat(3_000)),
            ),
        ),
    ]
}
