//! The committed corpus of every fuzz target, replayed without a fuzzer.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the targets are fuzz targets: a panic is the finding"
)]

#[path = "../../fuzz/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "the same file is the fuzz package's library"
)]
mod targets;

use std::path::Path;

#[test]
fn every_input_of_the_corpus_passes_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let folder = corpus.join(name);
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("entry").path();
            let data = std::fs::read(&path).expect("input");
            let outcome = std::panic::catch_unwind(|| target(&data));
            assert!(outcome.is_ok(), "{name} fails on {}", path.display());
            inputs += 1;
        }
        assert!(inputs > 0, "{} is empty", folder.display());
    }
}
