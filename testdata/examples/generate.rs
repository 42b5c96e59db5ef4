//! Writes `testdata/vectors/` and `docs/attacks.md` anew: `cargo run -p countersign-testdata --example generate`.

use std::path::Path;
use std::{fs, io};

use countersign_testdata::lab::Lab;
use countersign_testdata::{attacks, catalogue};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = here.join("vectors");
    if vectors.exists() {
        fs::remove_dir_all(&vectors)?;
    }
    fs::create_dir_all(&vectors)?;
    let lab = Lab::new();
    let root = serde_json::to_string_pretty(&lab.trusted_root())?;
    fs::write(vectors.join("trusted_root.json"), root + "\n")?;
    let all = catalogue::all(&lab);
    for vector in &all {
        vector.write(&vectors)?;
    }
    fs::write(here.join("../docs/attacks.md"), attacks::table(&all))
}
