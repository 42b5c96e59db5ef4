//! `docs/errors.md` is made from the code: every stable code with the meaning that its variant's documentation gives.
//!
//! `UPDATE_ERRORS=1 cargo test -p countersign-tests --test errors` writes the page anew.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot read the sources has nothing to say"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The folders whose codes people see, each with what its codes are about and the exit codes that go with them.
const CRATES: &[(&str, &str)] = &[
    (
        "formats",
        "A document or a reference does not read. 2 for what was given on the command line, 12 for evidence, 20 for what a registry sent.",
    ),
    (
        "policy",
        "A policy document, and why a candidate does not count. 2 for a document; 10, 12 or 13 for a denial; 20, 21 or 22 for an unknown.",
    ),
    (
        "registry",
        "A registry, a layout or an archive. 11 for what is not there, 21 for logins, 20 for everything else; 2 for a local file.",
    ),
    ("sign-lib", "Keys and signing. 2."),
    (
        "services",
        "Identity tokens and the services of keyless signing. 20; 21 for tokens that were refused; 2 for configuration.",
    ),
    (
        "trust-store",
        "Trust material. 22; 2 for a file that cannot be read.",
    ),
    (
        "verify-lib",
        "The verifier. 2, 11, 20 or 22 as the code says.",
    ),
    ("registry-server", "The embedded registry. 2."),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn sources(folder: &Path, into: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("sources")
        .map(|entry| entry.expect("entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("source is text");
            into.push(
                text.split("#[cfg(test)]")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
}

/// The codes that the `code()` functions of a crate answer, with the first sentence of the variant's documentation.
fn codes(folder: &Path) -> BTreeMap<String, String> {
    let function = Regex::new(r"(?s)fn code\(&?self\)[^{]*\{(.*?)\n    \}").expect("expression");
    let arm =
        Regex::new(r#"(?s)([A-Za-z0-9_]+)::([A-Za-z0-9_]+)[^=;]*?=>[ \n]*\{?[ \n]*"([a-z0-9-]+)""#)
            .expect("expression");
    let mut files = Vec::new();
    sources(folder, &mut files);
    let mut found = BTreeMap::new();
    for text in &files {
        for body in function.captures_iter(text) {
            for arm in arm.captures_iter(&body[1]) {
                let own = meaning(std::slice::from_ref(text), &arm[1], &arm[2]);
                let words = own.or_else(|| meaning(&files, &arm[1], &arm[2]));
                let words = words
                    .unwrap_or_else(|| panic!("{}::{} has no documentation", &arm[1], &arm[2]));
                found.entry(arm[3].to_owned()).or_insert(words);
            }
        }
    }
    found
}

/// The first sentence above the variant `name`, of the enumeration `owner` where that is not `Self`.
fn meaning(files: &[String], owner: &str, name: &str) -> Option<String> {
    let variant = Regex::new(&format!(r"((?:\n    ///[^\n]*)+)(?:\n    #\[[^\n]*(?:\n        [^\n]*)*)?(?:\n    \)\])?\n    {name}[ ,{{(]")).expect("expression");
    let wanted = if owner == "Self" {
        String::new()
    } else {
        format!("enum {owner} ")
    };
    for text in files.iter().filter(|text| text.contains(&wanted)) {
        let start = text.find(&wanted).unwrap_or_default();
        if let Some(found) = variant.captures(text.get(start..).unwrap_or_default()) {
            let words: Vec<&str> = found[1]
                .lines()
                .map(|line| line.trim().trim_start_matches("///").trim())
                .filter(|line| !line.is_empty())
                .collect();
            let words = words.join(" ");
            let sentence = words
                .split(". ")
                .next()
                .unwrap_or_default()
                .trim_end_matches('.')
                .to_owned();
            return Some(sentence);
        }
    }
    None
}

/// The codes that commands give themselves.
fn command_codes() -> BTreeMap<String, String> {
    let call = Regex::new(r#"(?s)Failure::(usage|internal|new)\([ \n]*(?:ExitStatus::([A-Za-z0-9_]+),[ \n]*)?"([a-z0-9-]+)",[ \n]*(?:format!\([ \n]*)?"((?:[^"\\]|\\.)*)""#).expect("expression");
    let mut files = Vec::new();
    sources(&root().join("cli/src"), &mut files);
    let mut found = BTreeMap::new();
    for text in &files {
        for call in call.captures_iter(text) {
            found
                .entry(call[3].to_owned())
                .or_insert_with(|| call[4].replace('|', "\\|"));
        }
    }
    found
}

fn page() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Codes are stable; words are not. `--output json` carries a code in `error.code`, in the reasons of a decision and in each rejected\n\
         piece. This page is made from the code by `tests/tests/errors.rs`.\n\n\
         ## Rejected evidence (`proof`)\n\nWhy a piece proves nothing. 12, unless other evidence suffices.\n\n| code | meaning |\n|---|---|\n",
    );
    for (code, meaning) in countersign_proof::CODES {
        let _ = writeln!(page, "| `{code}` | {meaning} |");
    }
    for (folder, about) in CRATES {
        let codes = codes(&root().join(folder).join("src"));
        assert!(!codes.is_empty(), "{folder} has codes");
        let _ = write!(
            page,
            "\n## `{folder}`\n\n{about}\n\n| code | meaning |\n|---|---|\n"
        );
        for (code, meaning) in codes {
            let _ = writeln!(page, "| `{code}` | {meaning} |");
        }
    }
    page.push_str("\n## Commands (`cli`)\n\nWhat a command says of its own arguments and files: the sentence, with values in braces. 2 unless it names something else.\n\n| code | sentence |\n|---|---|\n");
    for (code, meaning) in command_codes() {
        let _ = writeln!(page, "| `{code}` | {meaning} |");
    }
    page
}

#[test]
fn the_page_of_error_codes_is_that_of_the_code() {
    let path = root().join("docs/errors.md");
    let expected = page();
    if std::env::var_os("UPDATE_ERRORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &expected).expect("the page is written");
    }
    let found = std::fs::read_to_string(&path).expect("docs/errors.md");
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(
            expected,
            found,
            "docs/errors.md line {}: run it with UPDATE_ERRORS=1",
            number + 1
        );
    }
    assert_eq!(
        expected.lines().count(),
        found.lines().count(),
        "docs/errors.md: run it with UPDATE_ERRORS=1"
    );
}
