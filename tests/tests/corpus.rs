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

/// Targets whose corpus is bent here as well, the same way in each run: they are quick.
const BENT: &[&str] = &["credential_file", "login_return"];
/// Bent inputs that are made of each input.
const MUTANTS: usize = 20_000;

/// Bytes that mean something in one format or the other.
const MARKS: &[u8] = b"\0\r\n %&=:?/\"{}[],\\\xff";

/// Numbers that look like chance and are the same in each run (Marsaglia, "Xorshift RNGs").
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % end.max(1)
    }
}

/// Bends `data` in one to four places: a bit, a byte, a piece left out, given twice, or taken from `other`.
fn bend(data: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bent = data.to_vec();
    for _ in 0..=numbers.below(4) {
        let start = numbers.below(bent.len() + 1);
        let end = (start + numbers.below(16)).min(bent.len());
        let piece = bent[start..end].to_vec();
        match numbers.below(5) {
            0 if start < bent.len() => bent[start] ^= 1 << numbers.below(8),
            1 => bent.insert(start, MARKS[numbers.below(MARKS.len())]),
            2 => drop(bent.drain(start..end)),
            3 => drop(bent.splice(start..start, piece)),
            _ => {
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(64)).min(other.len());
                bent.splice(start..end, other[from..to].iter().copied());
            }
        }
    }
    bent
}

#[test]
fn bent_inputs_pass_the_quick_targets() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for name in BENT {
        let (_, target) = targets::TARGETS
            .iter()
            .find(|(known, _)| known == name)
            .expect("a target");
        let mut paths: Vec<_> = std::fs::read_dir(corpus.join(name))
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
            .collect();
        paths.sort();
        let inputs: Vec<Vec<u8>> = paths
            .iter()
            .map(|path| std::fs::read(path).expect("input"))
            .collect();
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for data in &inputs {
            for _ in 0..MUTANTS {
                let other = &inputs[numbers.below(inputs.len())];
                let bent = bend(data, other, &mut numbers);
                let outcome = std::panic::catch_unwind(|| target(&bent));
                assert!(
                    outcome.is_ok(),
                    "{name} fails on {:?}",
                    bent.escape_ascii().to_string()
                );
            }
        }
    }
}
