//! Writes `testdata/vectors/` and `docs/attacks.md` from the catalogue: `cargo run -p countersign-testdata --example generate`.
//!
//! Signatures are random, so a vector that is written again changes although it means the same. Therefore only vectors
//! that are missing, or whose expectation changed, are written; `--only NAME…` writes those again whatever they say, and
//! `--all` makes everything anew, the lab's certificates too.

use std::path::Path;
use std::{env, fs, io};

use countersign_testdata::lab::Lab;
use countersign_testdata::vector::Vector;
use countersign_testdata::{attacks, catalogue};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = here.join("vectors");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let everything = arguments.iter().any(|argument| argument == "--all");
    let only: Vec<&String> = match arguments.split_first() {
        Some((first, names)) if first == "--only" => names.iter().collect(),
        _ => Vec::new(),
    };
    let all = if everything {
        if vectors.exists() {
            fs::remove_dir_all(&vectors)?;
        }
        fs::create_dir_all(&vectors)?;
        let lab = Lab::anew();
        let root = serde_json::to_string_pretty(&lab.trusted_root())?;
        fs::write(vectors.join("trusted_root.json"), root + "\n")?;
        catalogue::all(&lab)
    } else {
        catalogue::all(&Lab::new())
    };
    for name in &only {
        if !all.iter().any(|vector| vector.name == **name) {
            let message = format!("no vector of the catalogue is named `{name}`");
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
    }
    for vector in &all {
        if only.iter().any(|name| **name == vector.name) || is_stale(vector, &vectors)? {
            vector.write(&vectors)?;
        }
    }
    remove_others(&all, &vectors)?;
    fs::write(here.join("../docs/attacks.md"), attacks::table(&all))
}

/// Whether the vector is not on disk, or something else is expected of it there.
fn is_stale(vector: &Vector, vectors: &Path) -> io::Result<bool> {
    let path = vectors
        .join(vector.group)
        .join(vector.name)
        .join("expect.toml");
    match fs::read_to_string(path) {
        Ok(committed) => Ok(committed != vector.expect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes the folders that the catalogue does not name.
fn remove_others(all: &[Vector], vectors: &Path) -> io::Result<()> {
    for group in fs::read_dir(vectors)? {
        let group = group?.path();
        if !group.is_dir() {
            continue;
        }
        for folder in fs::read_dir(&group)? {
            let folder = folder?.path();
            let named = all
                .iter()
                .any(|vector| vectors.join(vector.group).join(vector.name) == folder);
            if !named {
                fs::remove_dir_all(&folder)?;
            }
        }
    }
    Ok(())
}
