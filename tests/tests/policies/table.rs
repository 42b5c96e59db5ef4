//! The table of what policies can say: each row names its example, something that it admits and something that it denies, and
//! both are tried. `docs/policy/features.md` is made of it: `UPDATE_FEATURES=1 cargo test -p countersign-tests --test policies table`.

mod attack_rows;
mod feature_rows;
mod found;

use crate::folder;

/// Something that was tried: in words, and whether it came out so.
type Tried = (&'static str, fn() -> bool);

/// One thing that policies can say, or one attack that they stand against.
struct Row {
    title: &'static str,
    /// Files below `docs/policy`.
    examples: &'static [&'static str],
    admits: Tried,
    denies: Tried,
}

/// What the table must have a row for, in this order.
const FEATURES: &[&str] = &[
    "a strict document",
    "`allOf`",
    "`anyOf`",
    "`atLeast`, by distinct signers",
    "three values: an outage is no denial and no pass",
    "`select: latest` and `maxAge`",
    "`select: all`",
    "`subject: index`",
    "`subject: platform` with `via: index`",
    "`subject: eachPlatform`",
    "keys with windows",
    "a pinned key",
    "a compromised key",
    "keyless, by claims about the build",
    "the builder bound to its certificate",
    "thresholds of proof",
    "scopes and dated exceptions",
    "deny-lists",
    "an expiry, and until when a decision holds",
    "modes",
    "a check that is left out, with its reason",
    "layers that only add",
    "`policy explain`",
    "`policy test` over a recorded pack",
    "`policy lint`",
];

/// The attacks that belong to the tree of rules.
const ATTACKS: &[&str] = &[
    "an unsigned piece that says it is a signature",
    "evidence about another image",
    "a thousand pieces of garbage before the good one",
    "two statements, and the newer one is dirty",
    "the statement is withheld",
    "annotations that nobody signed",
    "trust that is stale",
    "a time from the future",
    "a policy without requirements",
    "a namespace's policy weaker than the cluster's",
    "one signer counted twice",
    "the index is signed and the platform's image is not, and the reverse",
    "a pass that is kept after the key was revoked",
];

fn rows() -> impl Iterator<Item = &'static Row> {
    feature_rows::ROWS.iter().chain(attack_rows::ROWS)
}

const HEAD: &str = "# What policies can say

Each row was tried: the example admits what stands in the third column and denies what stands in the fourth. A test makes this page
and tries every row: `UPDATE_FEATURES=1 cargo test -p countersign-tests --test policies table`.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (heading, rows) in [
        ("Features", feature_rows::ROWS),
        ("Attacks", attack_rows::ROWS),
    ] {
        page.push_str(&format!(
            "\n## {heading}\n\n| | example | admitted | denied |\n|---|---|---|---|\n"
        ));
        for row in rows {
            let examples: Vec<String> = row
                .examples
                .iter()
                .map(|file| {
                    let name = file.trim_start_matches("examples/");
                    format!("[{name}]({file})")
                })
                .collect();
            page.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                row.title,
                examples.join(", "),
                row.admits.0,
                row.denies.0
            ));
        }
    }
    page
}

#[test]
fn every_feature_and_every_attack_has_its_row_and_every_row_its_examples() {
    let wanted: Vec<&str> = FEATURES.iter().chain(ATTACKS).copied().collect();
    let found: Vec<&str> = rows().map(|row| row.title).collect();
    assert_eq!(wanted, found, "a row is missing, or stands elsewhere");
    for row in rows() {
        assert!(!row.examples.is_empty(), "{} has no example", row.title);
        for file in row.examples {
            assert!(folder().join(file).is_file(), "{}: {file}", row.title);
        }
    }
    // No example stands there untried.
    for entry in std::fs::read_dir(folder().join("examples")).expect("examples") {
        let name = entry.expect("entry").file_name();
        let file = format!("examples/{}", name.to_string_lossy());
        let tried = rows().any(|row| row.examples.contains(&file.as_str()));
        assert!(tried, "{file} is in no row");
    }
}

#[test]
fn every_row_admits_and_denies_what_it_says() {
    let wrong: Vec<String> = rows()
        .flat_map(|row| {
            [
                ("admits", row.title, row.admits),
                ("denies", row.title, row.denies),
            ]
        })
        .filter(|(_, _, (_, tried))| !tried())
        .map(|(word, title, (words, _))| format!("{title} {word}: {words}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_of_features_is_that_of_the_table() {
    let path = folder().join("features.md");
    let page = page();
    if std::env::var_os("UPDATE_FEATURES").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page, "`UPDATE_FEATURES=1` writes the page anew");
}
