//! `docs/errors.md` holds every stable code in the sources, each with its meaning and exit code, and no other.
//!
//! The page is the one table: its words may be bettered by hand. `UPDATE_ERRORS=1 cargo test -p countersign-tests --test errors` writes
//! it anew: a code that is new gets the documentation of its variant and its section's exit code, one that is gone goes.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot read the sources has nothing to say"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Codes of one origin.
struct Section {
    title: &'static str,
    /// Folder of the crate.
    folder: &'static str,
    /// The files below its `src`; empty for those that no other section of the crate names.
    files: &'static [&'static str],
    about: &'static str,
    /// The exit code of a code that is new.
    exit: &'static str,
}

const SECTIONS: &[Section] = &[
    Section {
        title: "Rejected evidence",
        folder: "proof",
        files: &[],
        about: "A check failed, so that the piece proves nothing. The exit code is 12 when nothing else satisfies the policy.",
        exit: "12",
    },
    Section {
        title: "Trust material",
        folder: "proof",
        files: &["trust_error.rs"],
        about: "Trust that is given cannot be used. Parts of a trusted root that cannot be used are left out, with one of these codes as a warning.",
        exit: "22",
    },
    Section {
        title: "Documents",
        folder: "formats",
        files: &[],
        about: "A document cannot be read. In evidence this rejects the piece (exit code 12); in a file that is given it is exit code 2.",
        exit: "12 or 2",
    },
    Section {
        title: "References",
        folder: "formats",
        files: &["reference_error.rs"],
        about: "The name of an image cannot be read.",
        exit: "2",
    },
    Section {
        title: "Trusted roots",
        folder: "trust-store",
        files: &[],
        about: "A trusted root cannot be had.",
        exit: "22",
    },
    Section {
        title: "Outcomes and mismatches",
        folder: "policy",
        files: &[],
        about: "What a decision comes to (`decision.outcome`, and the codes of its reasons), and what separates a proven piece from a rule.",
        exit: "12",
    },
    Section {
        title: "Causes",
        folder: "policy",
        files: &["evidence.rs"],
        about: "Why something could not be found out.",
        exit: "20",
    },
    Section {
        title: "Policy documents",
        folder: "policy",
        files: &["error.rs", "pattern.rs"],
        about: "A policy cannot be used; the message names file, line and column.",
        exit: "2",
    },
    Section {
        title: "Registries and layouts",
        folder: "registry",
        files: &[],
        about: "A store could not do what it was asked.",
        exit: "20",
    },
    Section {
        title: "`registry serve`",
        folder: "registry-server",
        files: &[],
        about: "The registry cannot be served.",
        exit: "2",
    },
    Section {
        title: "Keys and signing",
        folder: "sign-lib",
        files: &[],
        about: "A key cannot be used, or something cannot be signed.",
        exit: "2",
    },
    Section {
        title: "Services",
        folder: "services",
        files: &[],
        about: "A service of keyless signing, or the login to it, did not do what it should.",
        exit: "20",
    },
    Section {
        title: "The verifier",
        folder: "verify-lib",
        files: &[],
        about: "A verification could not be made, or a stored piece is not stored as its form demands.",
        exit: "2",
    },
    Section {
        title: "The program",
        folder: "cli",
        files: &[],
        about: "The command line, its files or the terminal.",
        exit: "2",
    },
];

const HEAD: &str = "# Error codes\n\n\
    A code is the stable name of what went wrong; messages may change, codes do not. `--output json` carries it as\n\
    `error.code`, and in decisions beside each reason, mismatch and rejected piece. What the exit codes mean is in\n\
    [exit codes](exit-codes.md). `tests/tests/errors.rs` compares this page with the code.\n";

/// Functions named `code` in these files name kinds of things and not errors.
const NOT_ERRORS: &[(&str, &str)] = &[("proof", "evidence.rs")];
/// Codes of `countersign_policy::SourceKind`, which names places where evidence lies.
const SOURCE_KINDS: &str = "SourceKind";
/// The exit codes that are promised.
const PROMISED: &[&str] = &["0", "1", "2", "10", "11", "12", "13", "20", "21", "22"];

/// What the page says of a code.
#[derive(Clone)]
struct Row {
    meaning: String,
    exit: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// The sources below `folder`, each with its path from there and without its tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    fn walk(folder: &Path, from: &Path, into: &mut Vec<(String, String)>) {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("sources")
            .map(|entry| entry.expect("entry").path())
            .collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, from, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is text");
                let name = path
                    .strip_prefix(from)
                    .expect("below")
                    .display()
                    .to_string();
                let own = text.split("#[cfg(test)]").next().unwrap_or_default();
                into.push((name, own.to_owned()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found
}

fn is_code(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// The text after `at` to the brace that closes its line's indentation.
fn block(source: &str, at: usize) -> &str {
    let line = source
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1);
    let rest = source.get(line..).unwrap_or_default();
    let indent: String = rest.chars().take_while(|c| *c == ' ').collect();
    let end = rest.find(&format!("\n{indent}}}")).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The codes in a source, of functions `code`, fields `code` and failures, each with the variant or the sentence that it stands for.
fn codes(source: &str) -> BTreeMap<String, Option<String>> {
    let arm = Regex::new(
        r#"(?s)(?:([A-Za-z0-9_]+)::)?([A-Za-z0-9_]+)[^=;"]*?=>[ \n]*\{?[ \n]*"([a-z0-9-]+)""#,
    )
    .expect("expression");
    let string = Regex::new(r#""([^"\\]*)""#).expect("expression");
    let call = Regex::new(
        r#"(?s)(?:(?:Failure::(?:usage|internal|new)|Self::usage)\([^";{}]*"|[^_]code: ")([a-z0-9-]+)"(?:,[ \n]*(?:format!\([ \n]*)?"((?:[^"\\]|\\.)*)")?"#,
    )
    .expect("expression");
    let mut found = BTreeMap::new();
    let mut at = 0;
    while let Some(next) = source.get(at..).and_then(|rest| rest.find("fn code(")) {
        let start = at + next;
        at = start + 1;
        let owner = source
            .get(..start)
            .and_then(|before| before.rfind("\nimpl "))
            .and_then(|begin| source.get(begin..start)?.lines().nth(1))
            .unwrap_or_default();
        if owner.contains(SOURCE_KINDS) {
            continue;
        }
        let body = block(source, start);
        for arm in arm.captures_iter(body) {
            let words = documentation(source, &arm[2]);
            found.entry(arm[3].to_owned()).or_insert(words);
        }
        for text in string.captures_iter(body).filter(|text| is_code(&text[1])) {
            found.entry(text[1].to_owned()).or_insert(None);
        }
    }
    for call in call.captures_iter(source) {
        let words = call.get(2).map(|words| words.as_str().to_owned());
        found.entry(call[1].to_owned()).or_insert(words);
    }
    found
}

/// The first sentence above the variant `name`.
fn documentation(source: &str, name: &str) -> Option<String> {
    let variant = Regex::new(&format!(
        r"((?:\n    ///[^\n]*)+)(?:\n    #\[[^\n]*(?:\n        [^\n]*)*)?(?:\n    \)\])?\n    {name}[ ,{{(]"
    ))
    .expect("expression");
    let found = variant.captures(source)?;
    let words: Vec<&str> = found[1]
        .lines()
        .map(|line| line.trim().trim_start_matches("///").trim())
        .filter(|line| !line.is_empty())
        .collect();
    let words = words.join(" ");
    let sentence = words.split(". ").next().unwrap_or_default();
    Some(sentence.trim_end_matches('.').to_owned())
}

/// The codes of a section in the sources.
fn of_section(section: &Section) -> BTreeMap<String, Option<String>> {
    let elsewhere: Vec<&str> = SECTIONS
        .iter()
        .filter(|other| other.folder == section.folder)
        .flat_map(|other| other.files.iter().copied())
        .collect();
    let mut found = BTreeMap::new();
    for (name, text) in sources(&root().join(section.folder).join("src")) {
        let ours = if section.files.is_empty() {
            !elsewhere.contains(&name.as_str())
        } else {
            section.files.contains(&name.as_str())
        };
        if ours && !NOT_ERRORS.contains(&(section.folder, name.as_str())) {
            found.extend(codes(&text));
        }
    }
    if section.title == "Rejected evidence" {
        let listed: BTreeMap<&str, &str> = countersign_proof::CODES.iter().copied().collect();
        for (code, words) in &mut found {
            let meaning = listed.get(code.as_str());
            assert!(
                meaning.is_some(),
                "`{code}` is not in countersign_proof::CODES"
            );
            *words = meaning.map(|&meaning| meaning.to_owned());
        }
        for code in listed.keys() {
            assert!(
                found.contains_key(*code),
                "`{code}` is in no source of proof"
            );
        }
    }
    assert!(!found.is_empty(), "{} has codes", section.title);
    found
}

/// The rows of the page, by section and code.
fn rows(page: &str) -> BTreeMap<(String, String), Row> {
    let mut found = BTreeMap::new();
    let mut title = String::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            title = heading.to_owned();
        }
        let Some(cells) = line.strip_prefix("| `") else {
            continue;
        };
        let code = cells.split('`').next().unwrap_or_default().to_owned();
        let rest = cells.get(code.len() + 1..).unwrap_or_default();
        let rest = rest.trim_start_matches(" | ").trim_end_matches(" |");
        let (meaning, exit) = rest.rsplit_once(" | ").unwrap_or((rest, ""));
        let row = Row {
            meaning: meaning.to_owned(),
            exit: exit.to_owned(),
        };
        assert!(
            found.insert((title.clone(), code.clone()), row).is_none(),
            "docs/errors.md names `{code}` twice under {title}"
        );
    }
    found
}

/// The page as the sources want it, with the words that `before` has.
fn page(before: &BTreeMap<(String, String), Row>) -> String {
    let mut page = String::from(HEAD);
    for section in SECTIONS {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| code | meaning | exit code |\n|---|---|---|\n",
            section.title, section.about
        );
        for (code, words) in of_section(section) {
            let row = before.get(&(section.title.to_owned(), code.clone()));
            let is_proof = section.title == "Rejected evidence";
            let meaning = match (row, words) {
                (Some(row), _) if !is_proof => row.meaning.clone(),
                (_, Some(words)) => words.replace('|', "\\|"),
                (_, None) => String::new(),
            };
            let exit = row.map_or(section.exit, |row| &row.exit);
            let _ = writeln!(page, "| `{code}` | {meaning} | {exit} |");
        }
    }
    page
}

#[test]
fn each_code_in_the_sources_is_on_the_page_and_no_other() {
    let path = root().join("docs/errors.md");
    let found = std::fs::read_to_string(&path).expect("docs/errors.md");
    let expected = page(&rows(&found));
    if std::env::var_os("UPDATE_ERRORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &expected).expect("the page is written");
        return;
    }
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

#[test]
fn each_code_on_the_page_has_a_meaning_and_promised_exit_codes() {
    let text = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let rows = rows(&text);
    assert!(rows.len() > 200, "the page has its rows");
    for ((_, code), row) in rows {
        assert!(
            !row.meaning.trim().is_empty(),
            "`{code}` of docs/errors.md has no meaning: write one"
        );
        let numbers = row.exit.split(|c: char| !c.is_ascii_digit());
        let mut numbers = numbers.filter(|number| !number.is_empty()).peekable();
        assert!(
            row.exit == "warning" || numbers.peek().is_some(),
            "`{code}` has no exit code"
        );
        for number in numbers {
            assert!(
                PROMISED.contains(&number),
                "`{code}`: {number} is no exit code"
            );
        }
    }
}
