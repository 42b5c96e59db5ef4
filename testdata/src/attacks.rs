//! The table of known attacks: which vectors cover a row, or where else it belongs.

use crate::vector::Vector;

const TABLE: &str = include_str!("../attacks.tsv");

/// One known attack.
#[derive(Clone, Debug)]
pub struct Row {
    /// The row's id.
    pub id: &'static str,
    /// Parts of the id that vectors may name alone.
    pub also: Vec<&'static str>,
    /// Advisory and component, empty for attack classes without one.
    pub source: &'static str,
    /// What went wrong there, in a few words.
    pub about: &'static str,
    /// `vectors` when it must be covered here, `none` when it does not apply, else the crate it belongs to.
    pub place: &'static str,
    /// Why it is there.
    pub why: &'static str,
}

impl Row {
    /// Whether some vector names this row.
    pub fn covered(&self, vectors: &[Vector]) -> bool {
        vectors.iter().any(|vector| self.named_by(vector))
    }

    fn named_by(&self, vector: &Vector) -> bool {
        vector
            .rows
            .iter()
            .any(|row| *row == self.id || self.also.contains(row))
    }
}

/// All rows, in the table's order.
pub fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().skip(1).map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        Row {
            id: next(),
            also: next().split_whitespace().collect(),
            source: next(),
            about: next(),
            place: next(),
            why: next(),
        }
    })
}

/// The row with this id or part of an id.
pub fn find(id: &str) -> Option<Row> {
    rows().find(|row| row.id == id || row.also.contains(&id))
}

/// The page of the book, Markdown.
pub fn table(vectors: &[Vector]) -> String {
    let all: Vec<Row> = rows().collect();
    let covered = all.iter().filter(|row| row.covered(vectors)).count();
    let none = all
        .iter()
        .filter(|row| row.place == "none" && !row.covered(vectors))
        .count();
    let rejected = vectors
        .iter()
        .filter(|vector| vector.code.is_some())
        .count();
    let mut out = format!(
        "# Known attacks\n\n\
         Published advisories about tools of this kind, fixes that were made without one, and further classes of attack: what went\n\
         wrong once must not go wrong here. This page is written by `cargo run -p countersign-testdata --example generate` from\n\
         `testdata/attacks.tsv` and the vectors in `testdata/vectors/`; a test fails when it is stale.\n\n\
         {} rows: {covered} covered by vectors, {none} that do not apply, the rest belongs to the tests of the crate that is named.\n\
         {} vectors: {rejected} must be rejected with a pinned code, each beside an accepted twin.\n\n",
        all.len(),
        vectors.len(),
    );
    for (title, filter) in SECTIONS {
        out.push_str(&format!(
            "## {title}\n\n| row | from | what went wrong | here |\n|---|---|---|---|\n"
        ));
        for row in all.iter().filter(|row| filter(row.id)) {
            out.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                cell(row.id),
                cell(row.source),
                cell(row.about),
                here(row, vectors)
            ));
        }
        out.push('\n');
    }
    out.push_str("## Vectors\n\n| vector | claim | outcome | rows |\n|---|---|---|---|\n");
    for vector in vectors {
        let outcome = match vector.code {
            Some(code) => format!("`{code}`"),
            None => "accepted".to_owned(),
        };
        out.push_str(&format!(
            "| `{}/{}` | {} | {outcome} | {} |\n",
            vector.group,
            vector.name,
            cell(vector.claim),
            vector.rows.join(", ")
        ));
    }
    out
}

type Filter = fn(&str) -> bool;

const SECTIONS: [(&str, Filter); 3] = [
    ("Published advisories", is_advisory),
    ("Fixes published without an advisory", |id| {
        !is_advisory(id) && !id.starts_with("N-")
    }),
    ("Further attack classes", |id| id.starts_with("N-")),
];

fn is_advisory(id: &str) -> bool {
    id.strip_prefix('A')
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn here(row: &Row, vectors: &[Vector]) -> String {
    let names: Vec<String> = vectors
        .iter()
        .filter(|vector| row.named_by(vector))
        .map(|vector| format!("`{}`", vector.name))
        .collect();
    let place = match row.place {
        "none" => "does not apply".to_owned(),
        "vectors" => String::new(),
        place => format!("tests of `{place}`"),
    };
    let reason = if row.why.is_empty() || !names.is_empty() {
        String::new()
    } else {
        format!(": {}", cell(row.why))
    };
    match (names.is_empty(), place.is_empty()) {
        (true, _) => format!("{place}{reason}"),
        (false, true) => names.join(", "),
        (false, false) => format!("{}; {place}", names.join(", ")),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
