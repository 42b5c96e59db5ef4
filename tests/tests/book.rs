//! The book: every page is in the summary, every link leads somewhere, what is generated from the code is current.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot set up its scene has nothing to say"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countersign_formats::Limits;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("docs are readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            pages(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// The targets of the Markdown links in `text`, without fragments, code blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            if let Some((target, _)) = part.split_once(')') {
                let target = target.split('#').next().unwrap_or_default();
                if !target.is_empty() && !target.contains("://") {
                    found.push(target.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn every_link_leads_to_a_file() {
    let root = root();
    let mut all = Vec::new();
    pages(&root.join("docs"), &mut all);
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ] {
        all.push(root.join(page));
    }
    assert!(all.len() > 15, "the book has pages");
    let mut broken = Vec::new();
    for page in &all {
        let text = std::fs::read_to_string(page).expect("page is text");
        for link in links(&text) {
            if !page.parent().expect("folder").join(&link).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_in_the_summary() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("summary");
    let listed: BTreeSet<PathBuf> = links(&summary).iter().map(|link| docs.join(link)).collect();
    let mut all = Vec::new();
    pages(&docs, &mut all);
    for page in all.iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        assert!(
            listed.contains(page),
            "{} is not in docs/SUMMARY.md",
            page.display()
        );
    }
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let page = std::fs::read_to_string(root().join("docs/limits.md")).expect("limits.md");
    let debug = format!("{:#?}", Limits::DEFAULT);
    let mut rows = 0;
    for line in debug.lines() {
        let Some((name, value)) = line.trim().trim_end_matches(',').split_once(": ") else {
            continue;
        };
        let row = format!("| `{name}` | {value} |");
        assert!(page.contains(&row), "docs/limits.md lacks the row `{row}`");
        rows += 1;
    }
    assert!(rows > 20, "the limits were read");
    assert_eq!(
        page.lines().filter(|line| line.starts_with("| `")).count(),
        rows,
        "docs/limits.md has a row too many"
    );
}
