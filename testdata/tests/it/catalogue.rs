//! What is committed is what the catalogue in code says.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use countersign_testdata::attacks;
use countersign_testdata::catalogue;
use countersign_testdata::lab::Lab;
use countersign_testdata::vector::Vector;

use crate::vectors;
use crate::verdicts;

fn all() -> &'static [Vector] {
    static ALL: OnceLock<Vec<Vector>> = OnceLock::new();
    ALL.get_or_init(|| catalogue::all(&Lab::new()))
}

#[test]
fn committed_vectors_are_those_of_the_catalogue() {
    let in_code: BTreeSet<(String, String)> = all()
        .iter()
        .map(|vector| (vector.group.to_owned(), vector.name.to_owned()))
        .collect();
    let on_disk: BTreeSet<(String, String)> = verdicts::all()
        .into_iter()
        .map(|vector| (vector.group, vector.name))
        .collect();
    let missing: Vec<_> = in_code.difference(&on_disk).collect();
    let stale: Vec<_> = on_disk.difference(&in_code).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "run the generator: missing {missing:?}, stale {stale:?}"
    );
}

#[test]
fn committed_expectations_are_those_of_the_catalogue() {
    for vector in all() {
        let path = vectors()
            .join(vector.group)
            .join(vector.name)
            .join("expect.toml");
        let committed = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            committed,
            vector.expect(),
            "run the generator: {} is stale",
            path.display()
        );
    }
}

#[test]
fn every_row_that_a_vector_names_is_a_row_of_the_attack_table() {
    for vector in all() {
        for row in &vector.rows {
            assert!(
                attacks::find(row).is_some(),
                "{} names `{row}`, which is no row",
                vector.name
            );
        }
    }
}

#[test]
fn the_attack_table_in_the_book_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/attacks.md");
    let committed = std::fs::read_to_string(path).unwrap();
    let current = attacks::table(all());
    assert!(
        committed == current,
        "docs/attacks.md is stale: run `cargo run -p countersign-testdata --example generate`"
    );
}

#[test]
fn every_row_about_evidence_has_a_vector() {
    let bare: Vec<_> = attacks::rows()
        .filter(|row| row.place == "vectors" && !row.covered(all()))
        .map(|row| row.id)
        .collect();
    assert!(bare.is_empty(), "rows without vector: {bare:?}");
}
